"""The grid pointing game (Böhle et al. 2021)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.curves import target_probability
from harness_metrics.localisation.citations import BOEHLE_2021
from harness_metrics.localisation.mosaics import mosaics, quadrants, tiles
from harness_metrics.maps import mass, mass_inside
from harness_metrics.parameters import Samples

Tile = Literal["whole", "fitted"]
"""Images as they are, in a grid that is as many times larger, or made smaller, in a grid of the size that the model takes."""


class TakesNoGrid(ValueError):
    """A network that takes images of one size alone, and is to be shown a grid of whole images."""


def grid_passes(params: Mapping[str, object]) -> float:
    """Times what explaining takes: of a grid of whole images as many times the pixels."""
    size = int(str(params["side"])) ** 2 if params.get("tile", "whole") == "whole" else 1
    return float(str(params["samples"])) * size


@metric(
    category="localisation",
    direction="higher",
    needs={"explainer", "training-labels"},
    labelled="training",
    bounds=(0, 1),
    passes=grid_passes,
    cite=BOEHLE_2021,
)
def grid_pointing_game(
    case: Case,
    *,
    side: Annotated[int, Field(ge=2, le=4)] = 3,
    samples: Samples = 1,
    tile: Tile = "whole",
    confidence: Annotated[float, Field(ge=0, lt=1)] = 0.5,
    training: Annotated[int, Field(ge=4)] = 200,
) -> Tensor:
    """Share of the positive relevance on the sample itself in a grid of images of different classes.

    Böhle et al. 2021 (section 5.2; GridPG in Rao et al. 2022): images of n² distinct classes of which the model is sure are put into a
    grid, which is explained for the class of each; the score is the positive relevance in that image's cell over that in the whole grid.
    Here a sample's grids hold the sample itself, which they are explained for, and training images that its own random stream chooses, so
    that its score depends on no other sample. (The authors take the images of which the model is surest, from the data that they score.)
    `focus` has two images of the target's class in a grid of four.

    Args:
        case: the samples; their explainer explains grids for the same target.
        side: images along each side of the grid; the authors have 2 and 3.
        samples: grids per sample, over which the score is the mean.
        tile: ``whole``: images keep their size, and the grid is ``side`` times larger than what the model was made for, as the authors have
            it; a network that does not take such an input raises `TakesNoGrid`. ``fitted``: images are made smaller, so that the grid
            has the size that the model takes.
        confidence: a training image is in grids only if its own class has at least this probability; 0 takes all.
        training: how many training images there are to choose from, the same for every sample.

    Returns:
        ``(B,)`` in [0, 1], higher is better, chance 1 / ``side``². Where there are fewer other classes than cells, some have several
        images. NaN for a sample that is known to be of another class than its target's, where too few training images of other classes are
        left, and where no grid's map has a positive value (Rao et al.: 0).
    """
    size = (case.images.shape[-2], case.images.shape[-1])
    whole = (size[0] * side, size[1] * side) if tile == "whole" else size
    _require_taken(case, whole)
    key = ("harness-metrics", "images of which the model is sure", training, confidence)
    others, labels = case.ctx.lasting(key, lambda: _sure_images(case, training, confidence))
    undefined = torch.full_like(case.attributions[:, 0, 0], torch.nan)
    if len(labels) < side**2 - 1:
        return undefined
    chosen, own = _chosen(case, labels, side**2, samples)
    available = torch.cat([case.images, others])
    pictures = (available if tile == "whole" else tiles(available, side))[chosen.flatten(0, 1)]
    rows = torch.arange(len(case.targets)).repeat_interleave(samples)
    maps = case.explain(images=mosaics(pictures, whole), targets=case.targets.repeat_interleave(samples), index=rows)
    shares = mass_inside(mass(maps, absolute=False), quadrants(own.flatten(0, 1), whole)).view(-1, samples)
    enough = (labels != case.targets[:, None]).sum(dim=1) >= side**2 - 1
    suitable = enough if case.labels is None else enough & (case.labels == case.targets)
    return torch.where(suitable, shares.nanmean(dim=1), undefined)


def _require_taken(case: Case, size: tuple[int, int]) -> None:
    """Raise `TakesNoGrid` if the model takes no images of this size; found out once for a model."""

    def refusal() -> str | None:
        try:
            case.predict(case.images.new_zeros(1, case.images.shape[1], *size))
        except Exception as error:  # whatever a network's layers raise
            return str(error)
        return None

    if size == (case.images.shape[-2], case.images.shape[-1]):
        return
    reason = case.ctx.lasting(("harness-metrics", "takes larger images", size), refusal)
    if reason is not None:
        raise TakesNoGrid(f"the network takes no images of {size[0]} x {size[1]} ({reason}): make them smaller with `tile: fitted`")


def _sure_images(case: Case, count: int, confidence: float) -> tuple[Tensor, Tensor]:
    """Training images ``(n, C, H, W)`` whose own class has the probability, and their labels ``(n,)``, in the order of these."""
    images, labels = case.ctx.training_samples(count)
    images, labels = images.to(case.images), labels.to(case.images.device)
    sure = target_probability(case.model, case.predict(images).float(), labels) >= confidence
    order = labels.argsort(stable=True)
    order = order[sure[order]]
    return images[order], labels[order]


def _chosen(case: Case, labels: Tensor, count: int, samples: int) -> tuple[Tensor, Tensor]:
    """``(B, samples, count)`` images of each grid, cell by cell, and which of them is the sample itself.

    Samples are counted first, training images (with ``labels`` (n,) in ascending order) after them. Of each other class a first image is
    taken before a second of any.
    """
    device, ctx = case.images.device, case.ctx.fresh("grids")
    lots, turns = ctx.uniform((2, samples, len(labels)), dtype=torch.float64).to(device).unbind(dim=1)
    images = (labels + lots).argsort(dim=2)  # shuffled within their class
    nth = torch.arange(len(labels), device=device) - torch.searchsorted(labels, labels)
    turn = torch.where(labels == case.targets[:, None, None], torch.inf, nth + turns)
    others = images.gather(2, turn.topk(count - 1, dim=2, largest=False).indices) + len(case.targets)
    itself = torch.arange(len(case.targets), device=device)[:, None, None].expand(-1, samples, 1)
    places = ctx.uniform((samples, count)).to(device).argsort(dim=2)
    return torch.cat([itself, others], dim=2).gather(2, places), places == 0
