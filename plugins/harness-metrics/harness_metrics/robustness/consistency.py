"""Consistency (Dasgupta et al. 2022), over the neighbours of a sample."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from harness.api import Case, metric
from harness_metrics.citations import DASGUPTA_2022
from harness_metrics.curves import original_logits
from harness_metrics.maps import share
from harness_metrics.ordering import ranks
from harness_metrics.parameters import Radius, Samples
from harness_metrics.passes import explanations
from harness_metrics.robustness.neighbours import Neighbourhood, Noise, answers, explained

Discretisation = Literal["cells", "sign"]
"""The set of the most relevant cells of a coarse grid, or the sign of every pixel."""


@metric(
    category="robustness",
    direction="higher",
    needs={"explainer"},
    bounds=(0, 1),
    passes=explanations,
    cite=DASGUPTA_2022,
)
def consistency(
    case: Case,
    *,
    noise: Noise = "uniform",
    radius: Radius = 0.2,
    samples: Samples = 50,
    discretise: Discretisation = "cells",
    cells: Annotated[int, Field(ge=1)] = 4,
    top: Annotated[int, Field(ge=1)] = 1,
) -> Tensor:
    """Of the neighbours that get the same explanation, the share that get the same prediction.

    Dasgupta et al. 2022: ``P(f(x′) = f(x) | e(x′) = e(x))``: an explanation that reflects the model does not stand for two
    different decisions. The paper draws x′ from the data, which makes a sample's score depend on which others are there; in Quantus it
    depends on the batch, and is 0 for a sample whose explanation no other one shares. Here x′ are perturbed neighbours of x itself.

    As e(x′) explains f(x′), a neighbour of another class is explained for that class; one of the same class for the sample's target.

    Args:
        case: the samples; their explainer is asked again, with the random stream it had.
        noise: how neighbours are drawn.
        radius: of the noise, as a share of the range of the inputs; large enough that some neighbours change the class.
        samples: draws.
        discretise: when two explanations are the same. ``cells``: the same ``top`` of ``cells`` × ``cells`` cells have the largest mean
            attribution. ``sign``: every pixel has the same sign. (Quantus's default looks at the sign of the first 5 pixels of a map,
            the left end of its upper edge.)
        cells: per side of the grid.
        top: how many of the cells; the more, the fewer neighbours share an explanation. Ties are in an order drawn from the sample's
            stream.

    Returns:
        ``(B,)`` in [0, 1], higher is better; NaN where no neighbour has the same explanation.
    """
    around = Neighbourhood(noise, radius, samples)
    classes, own = answers(case, around).classes.T, original_logits(case).argmax(dim=1)
    targets = torch.where(classes == own, case.targets, classes)
    tiebreak = case.ctx.fresh("order of cells").permutation(cells * cells).to(case.images.device)

    def code(maps: Tensor) -> Tensor:
        return (
            maps.sign().flatten(1) if discretise == "sign" else top_cells(maps, tiebreak.repeat(len(maps) // len(tiebreak), 1), cells, top)
        )

    original, same, done = code(case.attributions), [], 0
    for images in around.parts(case):
        maps = explained(case, images, targets[done : done + len(images)])
        same.append((code(maps.flatten(0, 1)).view(*images.shape[:2], -1) == original).all(dim=2))
        done += len(images)
    return share_kept(torch.cat(same), classes == own)


def top_cells(maps: Tensor, tiebreak: Tensor, cells: int, top: int) -> Tensor:
    """``(N, H, W)`` → ``(N, cells²)`` bool: the ``top`` cells of the largest mean; ``tiebreak`` (N, cells²) orders equal ones."""
    means = F.adaptive_avg_pool2d(maps[:, None].double(), cells)[:, 0]
    return (ranks(means, tiebreak) < top).flatten(1)


def share_kept(same: Tensor, kept: Tensor) -> Tensor:
    """Of the neighbours ``(S, B)`` with the same explanation, the share that keep the class: ``(B,)``; NaN where there is none.

    >>> share_kept(torch.tensor([[True], [True], [False]]), torch.tensor([[True], [False], [True]])).tolist()
    [0.5]
    """
    return share((same & kept).sum(dim=0).double(), same.sum(dim=0))
