"""The squares with as much ground truth as parameters say, and metrics that note of which samples they ask. Given as ``--plugin``."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from harness.api import Case, Sample, dataset, metric
from tests.support.small import Squares, _noted

Where = Literal["nowhere", "there", "moved", "one moved"]


class Annotated(Squares):
    """Squares with masks, boxes and somebody's gaze, each if it is anywhere."""

    def __init__(self, samples: int, mask: Where, boxes: Where, gaze: Where) -> None:
        super().__init__(samples, 0)
        self._where: dict[str, Where] = {"mask": mask, "boxes": boxes, "gaze": gaze}

    def __getitem__(self, index: int) -> Sample:
        sample = super().__getitem__(index)
        mask = sample.evidence["mask"]
        found = {}
        for kind, where in self._where.items():
            moved = mask.roll(2, dims=0) if where == "moved" or (where == "one moved" and index == 3) else mask
            rows, columns = moved.nonzero().T
            box = torch.stack([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])[None].float()
            if where != "nowhere":
                found[kind] = {"mask": moved, "boxes": box + 0.25, "gaze": moved / 3}[kind]
        return Sample(sample.image, sample.label, sample.id, evidence=found)


@dataset(selection={"samples", "mask", "boxes", "gaze"})
def annotated(*, samples: int = 8, mask: Where = "nowhere", boxes: Where = "nowhere", gaze: Where = "nowhere") -> Annotated:
    """Bright squares, and where somebody says that they are."""
    return Annotated(samples, mask, boxes, gaze)


def _note(metric: str, case: Case) -> None:
    for name in case.ctx.ids:
        _noted(f"{metric} {case.explainer.name if case.explainer else None} {name}")


@metric(category="localisation", direction="higher", needs={"boxes"})
def boxed(case: Case) -> Tensor:
    """Mean of the map's columns from the box's left to its right end."""
    _note("boxed", case)
    assert set(case.evidence) == {"boxes"}
    edges = torch.stack([boxes[0] for boxes in case.evidence["boxes"]])
    column = torch.arange(case.attributions.shape[-1])
    inside = (column >= edges[:, :1]) & (column < edges[:, 2:3])
    return (case.attributions.mean(dim=1) * inside).sum(dim=1)


@metric(category="localisation", direction="higher", needs={"gaze"})
def seen(case: Case) -> Tensor:
    """The map where somebody looked."""
    _note("seen", case)
    assert set(case.evidence) == {"gaze"}
    gaze = case.evidence["gaze"]
    assert isinstance(gaze, Tensor)
    return (case.attributions * gaze).sum(dim=(1, 2))


@metric(category="complexity", direction="lower")
def plain(case: Case) -> Tensor:
    """The sum of the map."""
    _note("plain", case)
    assert not case.evidence
    return case.attributions.sum(dim=(1, 2))
