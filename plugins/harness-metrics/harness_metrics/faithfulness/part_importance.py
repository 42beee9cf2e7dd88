"""Part importance, the single deletion protocol of FunnyBirds (Hesse et al. 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from harness.api import Case, metric
from harness.api.transfer import sent
from harness_metrics.curves import OUTPUTS, Output, original_outputs, target_outputs
from harness_metrics.faithfulness.citations import HESSE_2023
from harness_metrics.responses import Correlation
from harness_metrics.similarity import average_ranks, pearson

CHANGED = 1e-4
"""By which share of the range of inputs a pixel differs at least to be another: less than half a level of 8 bit, more than rounding."""


@metric(category="faithfulness", direction="higher", needs={"counterfactuals"}, bounds=(-1, 1), cite=HESSE_2023)
def part_importance(case: Case, *, similarity: Correlation = "spearman", output: Output = "logit", absolute: bool = False) -> Tensor:
    """Rank correlation of what each part of the image is worth to the map and to the model, when that part is not there.

    Hesse et al. 2023 (single deletion): the correlation over parts of the sum of the map on the part with the drop of the target's
    logit from the image to the image without that part, which is a picture of the same scene and no image with a hole. The
    data set must have these as ``counterfactuals``, such as `part-shapes` has. The pixels of a part are those that its
    removal changes; a part that cannot be seen is left out. One forward pass per part.

    Args:
        case: the samples.
        similarity: the authors' correlation by rank, or Pearson's.
        output: of the model, for the target; the authors' logit.
        absolute: sum |a| instead of the signed value.

    Returns:
        ``(B,)`` in [-1, 1], higher is better, 0 by chance (the authors report ρ / 2 + ½). NaN where fewer than two parts can be seen, and
        where all have the same sum or the same drop. Parts of the same value share their average rank.
    """
    pictures = cast(Sequence[Tensor], case.evidence["counterfactuals"])
    counts = [len(each) for each in pictures]
    if not any(counts):
        return torch.full((len(counts),), torch.nan, dtype=torch.float64, device=case.images.device)
    rows = sent(torch.tensor([row for row, count in enumerate(counts) for _ in range(count)]), case.images.device)
    places = sent(torch.tensor([place for count in counts for place in range(count)]), case.images.device)
    changed = case.model.normalise(torch.cat([each for each in pictures if len(each)])).to(case.images.dtype)
    drops = original_outputs(case)[rows] - target_outputs(case.model, case.predict(changed), case.targets[rows])
    parts = _differing(case, changed, rows)
    maps = (case.attributions.abs() if absolute else case.attributions).double()

    def by_sample(values: Tensor) -> Tensor:
        """``(N,)`` → ``(B, K)``, 0 where a sample has fewer."""
        return values.new_zeros(len(counts), max(counts)).index_put_((rows, places), values)

    found = by_sample((parts * maps[rows]).sum(dim=(1, 2))), by_sample(drops[:, OUTPUTS.index(output)].double())
    return correlation_among(*found, by_sample(parts.flatten(1).any(dim=1)), similarity)


def correlation_among(x: Tensor, y: Tensor, seen: Tensor, kind: Correlation) -> Tensor:
    """Correlation of the rows of ``(B, N)`` over those of their values that are ``seen`` (B, N); NaN where a side has one value only.

    >>> x, y, seen = torch.tensor([[1.0, 2.0, 9.0]]), torch.tensor([[1.0, 3.0, 0.0]]), torch.tensor([[True, True, False]])
    >>> correlation_among(x, y, seen, "pearson").item()
    1.0
    """
    sides, varied = [], torch.ones_like(seen[:, 0])
    for values in (x, y):
        varied = varied & (values.masked_fill(~seen, -torch.inf).amax(dim=1) > values.masked_fill(~seen, torch.inf).amin(dim=1))
        ranked = average_ranks(values.masked_fill(~seen, torch.inf)) if kind == "spearman" else values.double()
        mean = (ranked * seen).sum(dim=1, keepdim=True) / seen.sum(dim=1, keepdim=True)
        sides.append(torch.where(seen, ranked, mean))  # which is no deviation from the mean
    return pearson(*sides).masked_fill(~varied, torch.nan)


def _differing(case: Case, changed: Tensor, rows: Tensor) -> Tensor:
    """Which pixels of inputs ``(N, C, H, W)`` are others than those of their sample: ``(N, H, W)``."""
    low, high = case.model.input_range(case.images)
    least = (CHANGED * (high - low)).expand(len(case.images), -1, -1, -1)
    return ((changed - case.images[rows]).abs() > least[rows]).any(dim=1)
