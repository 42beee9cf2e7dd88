"""Agreement with maps of what humans look at or find important (Fel et al. 2022; Bylinskii et al. 2019)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from harness.api import Case, metric
from harness.api.transfer import sent
from harness_metrics.localisation.citations import BYLINSKII_2019, FEL_2022
from harness_metrics.maps import share
from harness_metrics.similarity import centred, pearson, spearman, unit_range

Agreement = Literal["spearman", "nss", "cc", "sim"]
"""Rank correlation, normalised scan-path saliency, correlation, or the histogram intersection of the two maps."""
KIND = "human-map"


@metric(
    category="localisation",
    direction="higher",
    needs={KIND},
    bounds=(-1, 1),
    passes=0,
    cite=FEL_2022,
    by={
        "agreement": {
            "nss": {"bounds": (None, None), "cite": BYLINSKII_2019},
            "cc": {"cite": BYLINSKII_2019},
            "sim": {"bounds": (0, 1), "cite": BYLINSKII_2019},
        }
    },
)
def human_agreement(case: Case, *, agreement: Agreement = "spearman", absolute: bool = False) -> Tensor:
    """Agreement of the map with a map of what humans look at or click on.

    Evidence of the kind ``human-map``: any real values, such as blurred clicks, or counts of fixations; of several maps of one image
    (``(K, H, W)``: one an observer) their mean. ``spearman`` is the alignment of Fel et al. 2022 (who divide its mean by that of
    humans with one another, 0.6575 on ClickMe); the others are those of the MIT saliency benchmark (Bylinskii et al. 2019).

    Args:
        case: the samples.
        agreement: ``spearman``: rank correlation, ties at their mean rank. ``nss``: the mean of the map, less its mean and over its
            standard deviation, over the fixations, each as often as it was counted. ``cc``: Pearson's correlation. ``sim``:
            ``Σ min(P, Q)`` of both maps brought to [0, 1] by their minimum and maximum, and then to a sum of 1.
        absolute: of |a| instead of the signed value. (Fel et al. score the greatest |gradient| of a pixel's channels.)

    Returns:
        ``(B,)`` in [-1, 1], of ``sim`` in [0, 1], of ``nss`` in standard deviations without bounds; higher is better, and chance is 0 but
        for ``sim``; NaN where either map is constant: a sample without a human map has one of zeros.
    """
    maps, human = (case.attributions.abs() if absolute else case.attributions), human_maps(case)
    constant = human.flatten(1).amax(dim=1) == human.flatten(1).amin(dim=1)
    return _MEASURES[agreement](maps.flatten(1), human.flatten(1)).masked_fill(constant, torch.nan).float()


class NeedsHumanMaps(LookupError):
    """A metric of agreement with humans, but the case has no maps of theirs."""


def human_maps(case: Case) -> Tensor:
    """``(B, H, W)`` double, on the device of the maps: of a sample with several their mean, of one without any zeros.

    Raises `NeedsHumanMaps` where the dataset has none.
    """
    found = case.evidence.get(KIND)
    if found is None:
        raise NeedsHumanMaps(f'this metric needs evidence of the kind "{KIND}", but the dataset has none')
    if isinstance(found, Tensor):
        return found.to(case.attributions.device).double()
    several = pad_sequence([maps.to(case.attributions.device).double() for maps in found], batch_first=True)
    counts = torch.tensor([max(1, len(maps)) for maps in found], dtype=torch.float64)
    return several.sum(dim=1) / sent(counts, several.device)[:, None, None]


def scanpath_saliency(maps: Tensor, fixations: Tensor) -> Tensor:
    """Mean of each row of ``(B, N)``, standardised, weighted by the fixations ``(B, N)`` (negative ones count as none): ``(B,)``.

    >>> scanpath_saliency(torch.tensor([[0.0, 0.0, 4.0, 0.0]]), torch.tensor([[0.0, 0.0, 2.0, 0.0]])).item()
    1.7320508075688774
    """
    offsets, weights = centred(maps), fixations.double().clamp_min(0)
    standardised = share(offsets, offsets.square().mean(dim=1, keepdim=True).sqrt())
    return share((standardised * weights).sum(dim=1), weights.sum(dim=1))


def histogram_intersection(a: Tensor, b: Tensor) -> Tensor:
    """``(B,)`` in [0, 1] of the rows of ``(B, N)`` and ``(B, N)``, each brought to [0, 1] and then to a sum of 1.

    >>> histogram_intersection(torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[5.0, 5.0, 9.0]])).item()
    0.6666666666666666
    """
    p, q = (units / units.sum(dim=1, keepdim=True) for units in (unit_range(rows[:, None])[:, 0] for rows in (a, b)))
    return torch.minimum(p, q).sum(dim=1).clamp_max(1)


_MEASURES: dict[Agreement, Callable[[Tensor, Tensor], Tensor]] = {
    "spearman": spearman,
    "nss": scanpath_saliency,
    "cc": pearson,
    "sim": histogram_intersection,
}
