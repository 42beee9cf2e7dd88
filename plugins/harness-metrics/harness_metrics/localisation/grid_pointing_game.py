"""The grid pointing game (Böhle et al. 2021)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Case, Classifier, metric
from harness_metrics.localisation.citations import BOEHLE_2021
from harness_metrics.localisation.grids import Confidence, Side, has_grid, no_grid_reason, other_images, require_taken, sure_images
from harness_metrics.localisation.mosaics import mosaics, quadrants, tiles
from harness_metrics.maps import mass, mass_inside
from harness_metrics.parameters import Samples

Tile = Literal["whole", "fitted"]
"""Images as they are, in a grid that is as many times larger, or made smaller, in a grid of the size that the model takes."""

FITTED = ": make them smaller with `tile: fitted`"


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
    side: Side = 3,
    samples: Samples = 1,
    tile: Tile = "whole",
    confidence: Confidence = 0.5,
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
    require_taken(case, whole, FITTED)
    others, labels = sure_images(case, training, confidence)
    undefined = torch.full_like(case.attributions[:, 0, 0], torch.nan)
    if len(labels) < side**2 - 1:
        return undefined
    chosen, own = _arranged(case, other_images(case, labels, side**2 - 1, samples))
    available = torch.cat([case.images, others])
    pictures = (available if tile == "whole" else tiles(available, side))[chosen.flatten(0, 1)]
    rows = torch.arange(len(case.targets)).repeat_interleave(samples)
    maps = case.explain(images=mosaics(pictures, whole), targets=case.targets.repeat_interleave(samples), index=rows)
    shares = mass_inside(mass(maps, absolute=False), quadrants(own.flatten(0, 1), whole)).view(-1, samples)
    return torch.where(has_grid(case, labels, side**2 - 1), shares.nanmean(dim=1), undefined)


def no_reason(model: Classifier, side: int = 3, tile: Tile = "whole") -> str | None:
    """Reason why ``model`` cannot be shown a grid, or None."""
    height, width = model.input_shape[1:]
    return no_grid_reason(model, (height * side, width * side), FITTED) if tile == "whole" else None


grid_pointing_game.applicable = no_reason  # type: ignore[attr-defined]


def _arranged(case: Case, others: Tensor) -> tuple[Tensor, Tensor]:
    """The sample itself and others ``(B, S, n² − 1)`` in random places: ``(B, S, n²)`` images, and which of them is the sample.

    Samples are counted first, training images after them.
    """
    itself = torch.arange(len(others), device=others.device)[:, None, None].expand(-1, others.shape[1], 1)
    places = case.ctx.fresh("places in a grid").uniform((others.shape[1], others.shape[2] + 1)).to(others.device).argsort(dim=2)
    return torch.cat([itself, others + len(others)], dim=2).gather(2, places), places == 0
