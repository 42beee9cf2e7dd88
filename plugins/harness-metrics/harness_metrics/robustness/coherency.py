"""Coherency (Poppi et al. 2021)."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.citations import POPPI_2021
from harness_metrics.faithfulness.masked_image import case_masked_images
from harness_metrics.imputation import ImageReference
from harness_metrics.similarity import pearson


@metric(category="robustness", direction="higher", needs={"explainer"}, bounds=(0, 1), passes=1, cite=POPPI_2021)
def coherency(case: Case, *, reference: ImageReference = "black", absolute: bool = False) -> Tensor:
    """How far the map stays the same when only what it shows is left of the image.

    Poppi et al. 2021: ``(1 + r) / 2``, r the Pearson correlation of the map with the map for the image multiplied by it, of the same
    class: what is relevant should not depend on what is not. The map multiplies the image scaled to a maximum of 1, as of `average-drop`.

    Args:
        case: the samples; their explainer explains what the map shows.
        reference: what shines through where the map is below 1. The authors multiply the image before preprocessing (``black``);
            implementations that multiply the preprocessed input mean ``zero``.
        absolute: take |a| instead of the positive part as what the map shows, and compare |a| instead of the signed values.

    Returns:
        ``(B,)`` in [0, 1], higher is better, ½ where the two have nothing in common; NaN for a map that is constant. Where the second map
        is constant it is 0, as in the authors' code: nothing is left of the explanation.
    """

    def compute() -> Tensor:
        again = case.explain(images=case_masked_images(case, reference, absolute))
        before, after = ((maps.abs() if absolute else maps).flatten(1) for maps in (case.attributions, again))
        lost = _constant(after) & ~_constant(before)
        return torch.where(lost, 0, (pearson(before, after) + 1) / 2)

    return case.shared(("harness-metrics", "coherency", reference, absolute), compute)


def _constant(rows: Tensor) -> Tensor:
    """``(B,)`` which rows of ``(B, N)`` have one value."""
    return rows.amax(dim=1) == rows.amin(dim=1)
