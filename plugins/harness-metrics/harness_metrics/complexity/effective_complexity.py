"""Effective complexity (Nguyen and Rodríguez Martínez 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.citations import NGUYEN_2020
from harness_metrics.curves import case_curve, original_probability, removal_counts
from harness_metrics.imputation import Imputation
from harness_metrics.maps import VALUES_ALONE, mass


def _passes(params: Mapping[str, Any]) -> float:
    return float(params["steps"]) + 1 if params["criterion"] == "prediction" else 0.0


@metric(
    category="complexity",
    direction="lower",
    bounds=(0, None),
    passes=_passes,
    absolute=True,
    by={"criterion": {"attribution": {"no_inverse": VALUES_ALONE}}},
    cite=NGUYEN_2020,
)
def effective_complexity(
    case: Case,
    *,
    criterion: Literal["attribution", "prediction"] = "attribution",
    eps: Annotated[float, Field(ge=0, lt=1)] = 1e-5,
    tolerance: Annotated[float, Field(gt=0)] = 0.01,
    impute: Imputation = "mean",
    steps: Annotated[int, Field(ge=1)] = 50,
) -> Tensor:
    """How many pixels the explanation takes: those of notable relevance, or those without which the prediction changes.

    Nguyen and Rodríguez Martínez 2020: the least number k of pixels of greatest |a| such that the model's expected loss stays
    below a tolerance where all others are replaced. That is ``criterion: prediction``. What Quantus (and so most tables) call effective
    complexity looks at no model: the number of pixels with |a| above a threshold. That is ``criterion: attribution``, the default.

    Args:
        case: the samples.
        criterion: which of the two.
        eps: threshold as a share of the map's own greatest |a| (Quantus divides by the greatest of the batch: a score there depends on
            its neighbours).
        tolerance: of the squared change of the target's probability; the paper leaves loss and tolerance open.
        impute: what stands for the replaced pixels, in the place of the paper's expectation.
        steps: in how many numbers of pixels k is looked for, one forward pass each; k is the least of these that holds.

    Returns:
        ``(B,)`` pixels, of at least 0, lower is better; NaN for a map that is 0 everywhere. For ``prediction``, ties are in the seeded
        order of `ordering`.
    """
    said = (case.attributions != 0).flatten(1).any(dim=1)
    if criterion == "attribution":
        needed = (mass(case.attributions, absolute=True) > eps).sum(dim=(-2, -1))
    else:
        pixels = case.attributions[0].numel()
        counts = removal_counts(pixels, steps, None)
        curve = case_curve(case, counts, "lerf", impute, absolute=True)
        needed = pixels - most_removed(curve, original_probability(case), counts, tolerance)
    return torch.where(said, needed.float(), torch.nan)


def most_removed(curve: Tensor, original: Tensor, counts: tuple[int, ...], tolerance: float) -> Tensor:
    """``(B,)`` the greatest of ``counts`` (S) after which the probability ``curve`` (B, S) is near ``original`` (B,).

    >>> most_removed(torch.tensor([[0.9, 0.9, 0.2]]), torch.tensor([0.9]), (0, 5, 10), 0.01).tolist()
    [5]
    """
    near = (curve - original[:, None]) ** 2 < tolerance
    return torch.where(near, torch.tensor(counts, device=curve.device), 0).amax(dim=1)
