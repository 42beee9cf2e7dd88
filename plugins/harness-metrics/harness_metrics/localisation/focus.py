"""Focus (Arias-Duart et al. 2022)."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.localisation.citations import ARIAS_DUART_2022
from harness_metrics.localisation.mosaics import mosaics, quadrants, tiles
from harness_metrics.maps import mass, mass_inside
from harness_metrics.parameters import Samples
from harness_metrics.passes import explanations


@metric(
    category="localisation",
    direction="higher",
    needs={"explainer", "training-labels"},
    labelled="training",
    bounds=(0, 1),
    passes=explanations,
    cite=ARIAS_DUART_2022,
)
def focus(case: Case, *, samples: Samples = 4, training: Annotated[int, Field(ge=4)] = 200) -> Tensor:
    """Share of the positive relevance on the images of the target's class in mosaics of four.

    Arias-Duart et al. 2022: a mosaic holds two images of the class that is explained and two of others, in random places;
    the score is the positive relevance on the former over that on all four. Here a sample's mosaics hold the sample itself, and three
    training images that its own random stream chooses, so that its score depends on no other sample. (Quantus scores ready mosaics; its
    helper draws them over the whole data set.)

    Args:
        case: the samples; their explainer explains mosaics for the same target. Images are halved in size, so that a mosaic has the size
            that the model takes (the authors' networks take mosaics of twice the size).
        samples: mosaics per sample, over which the score is the mean.
        training: how many training images there are to choose from, the same for every sample.

    Returns:
        ``(B,)`` in [0, 1], higher is better, chance 0.5. A sample that is known to be of another class than its target's is left out of
        its mosaics, for another training image. NaN where there are too few training images of the class (2, or 1 beside the sample) or
        of others (2), and where no mosaic's map has a positive value.
    """
    others, labels = case.ctx.lasting(("harness-metrics", "tiles of training images", training), lambda: _training_tiles(case, training))
    suitable = torch.ones_like(case.targets, dtype=torch.bool) if case.labels is None else case.labels == case.targets
    chosen, is_target = _chosen(case, labels, suitable, samples)
    size = (case.images.shape[-2], case.images.shape[-1])
    inputs = mosaics(torch.cat([tiles(case.images), others])[chosen.flatten(0, 1)], size)
    rows = torch.arange(len(case.targets)).repeat_interleave(samples)
    maps = case.explain(images=inputs, targets=case.targets.repeat_interleave(samples), index=rows)
    shares = mass_inside(mass(maps, absolute=False), quadrants(is_target.flatten(0, 1), size)).view(-1, samples)
    own = (labels == case.targets[:, None]).sum(dim=1)
    enough = (own + suitable.int() >= 2) & (len(labels) - own >= 2)
    return torch.where(enough, shares.nanmean(dim=1), torch.nan)


def _training_tiles(case: Case, count: int) -> tuple[Tensor, Tensor]:
    """Tiles of the training images ``(n, C, h, w)`` and their labels ``(n,)``."""
    images, labels = case.ctx.training_samples(count)
    return tiles(images.to(case.images)), labels.to(case.images.device)


def _chosen(case: Case, labels: Tensor, suitable: Tensor, samples: int) -> tuple[Tensor, Tensor]:
    """``(B, samples, 4)`` images of each mosaic, place by place, and whether they are of the target's class.

    Samples are counted first, training images after them. Where there are too few to choose from, wrong ones stand in.
    """
    count, device = len(case.targets), case.images.device
    ctx = case.ctx.fresh("mosaics")
    lots, places = ctx.uniform((samples, len(labels))).to(device), ctx.uniform((samples, 4)).to(device).argsort(dim=2)
    of_class = (labels == case.targets[:, None])[:, None]
    same = torch.where(of_class, lots, lots - 1).topk(2, dim=2).indices + count
    others = torch.where(of_class, lots - 1, lots).topk(2, dim=2).indices + count
    itself = torch.arange(count, device=device)[:, None].expand(-1, samples)
    same[..., 0] = torch.where(suitable[:, None], itself, same[..., 0])
    images = torch.cat([same, others], dim=2)
    return images.gather(2, places), places < 2
