"""Contribution of each part to an explanation made of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.agreement.parts import chosen_parts, undefined
from harness_metrics.citations import NIMON_2013
from harness_metrics.maps import share
from harness_metrics.similarity import average_ranks, centred


@metric(category="agreement", direction="higher", bounds=(0, 1), passes=0, cite=NIMON_2013)
def component_contribution(case: Case, *, part: str | None = None, scale: Literal["ranks", "values"] = "ranks") -> Tensor:
    """Share of the map that a part adds and no other part has.

    The squared semi-partial correlation of the part with the whole (its unique coefficient in Nimon and Oswald 2013): by how much R² of a
    linear regression of the whole map on all parts falls where the part is left out. A part that others already say contributes 0, however
    similar to the whole it is; of parts that have nothing in common the contributions add up to what they explain together.

    Args:
        case: the samples; their explanations have parts.
        part: its name (``grad-cam``); None is the mean over all parts.
        scale: regress ``ranks`` of pixels (ties at their average), to which a fusion by ranks or by a monotonic function is linear and
            outliers do not matter, or ``values``.

    Returns:
        ``(B,)`` in [0, 1], higher is more; NaN for an explanation without parts, and where the whole map is constant. A constant part
        contributes 0.

    Raises:
        ValueError: the explanation has parts, but none of that name.
    """
    names = chosen_parts(case, part)
    if not names:
        return undefined(case)
    maps = {name: standardised(maps.flatten(1), scale) for name, maps in case.parts.items()}
    whole = standardised(case.attributions.flatten(1), scale)
    everything = explained(whole, list(maps.values()))
    lost = [everything - explained(whole, [maps[other] for other in maps if other != name]) for name in names]
    return torch.stack(lost).mean(dim=0).clamp(0, 1)


def standardised(rows: Tensor, scale: Literal["ranks", "values"]) -> Tensor:
    """Rows ``(B, N)`` (or their ranks) less their mean, of length 1; a constant row becomes 0."""
    rows = centred(average_ranks(rows) if scale == "ranks" else rows)
    length = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    return torch.where(length > 0, rows / length, 0)


def explained(whole: Tensor, parts: Sequence[Tensor]) -> Tensor:
    """R² ``(B,)`` of the regression of ``whole`` (B, N) on ``parts`` (each (B, N)), all standardised; NaN where the whole is 0."""
    total = whole.square().sum(dim=1)
    if not parts:
        return share(torch.zeros_like(total), total)
    basis = torch.stack(list(parts), dim=2)
    inverse = torch.linalg.pinv(basis.mT @ basis, hermitian=True, rtol=1e-9)
    along = (basis.mT @ whole[:, :, None]).squeeze(2)
    return share(torch.einsum("bi,bij,bj->b", along, inverse, along), total)
