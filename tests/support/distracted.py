"""Ground truth of kinds that the core has never heard of, as in somebody else's plugin. Given as ``--plugin``, beside the small ones."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.api import Case, Sample, dataset, metric
from tests.support.small import SIDE, Squares

FIRST = 4  # samples before the first one with distractors


class Distracted(Squares):
    """Squares at twice the size, with a distractor (bool), quarters (K of them, bool) and somebody's gaze (float) on some samples."""

    def __getitem__(self, index: int) -> Sample:
        sample = super().__getitem__(index)
        image, mask = (tensor.repeat_interleave(2, -1).repeat_interleave(2, -2) for tensor in (sample.image, sample.evidence["mask"]))
        if index < FIRST:
            return Sample(image, sample.label, sample.id, mask)
        height = torch.arange(2 * SIDE) // 2
        distractors = ((height[:, None] < 3) & (height[None] > 2)).logical_and(~mask)
        quarters = torch.stack([mask & (height[:, None] % (index - 1) == k) for k in range(index - 2)])
        gaze = (height[:, None] + 2 * height[None]) / 40
        return Sample(image, sample.label, sample.id, mask, evidence={"distractors": distractors, "quarters": quarters, "gaze": gaze})


@dataset(selection={"samples"})
def distracted(*, samples: int = 8) -> Distracted:
    """Bright squares, with what might distract from them."""
    return Distracted(samples, 0)


@metric(category="localisation", direction="lower", needs={"distractors"}, bounds=(0, 1))
def distraction(case: Case) -> Tensor:
    """Share of the absolute map on the distractors; undefined without any."""
    where = case.evidence["distractors"]
    share = (case.attributions.abs() * where).sum(dim=(1, 2)) / case.attributions.abs().sum(dim=(1, 2))
    return share.where(where.any(dim=2).any(dim=1), torch.nan)


@metric(category="localisation", direction="higher", needs={"quarters", "gaze"})
def watched(case: Case) -> Tensor:
    """How many quarters there are, and the gaze's correlation with the map after the point."""
    scores = []
    for quarters, gaze, attribution in zip(case.evidence["quarters"], case.evidence["gaze"], case.attributions, strict=True):
        pair = torch.stack([gaze.flatten(), attribution.flatten()]).double()
        scores.append(len(quarters) + torch.corrcoef(pair)[0, 1] / 10 if len(quarters) else torch.tensor(torch.nan).double())
    return torch.stack(scores)
