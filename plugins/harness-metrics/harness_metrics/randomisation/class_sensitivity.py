"""Class sensitivity (after Williamson et al. 2025)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.citations import WILLIAMSON_2025
from harness_metrics.parameters import Samples
from harness_metrics.randomisation.comparison import Constant, comparison
from harness_metrics.rivals import rival_classes
from harness_metrics.similarity import Similarity

TYPICAL_CLASSES = 1000
"""Classes that planning counts with where all of them are asked for."""


def _passes(params: Mapping[str, Any]) -> float:
    """Times what explaining takes: once per class."""
    return float(TYPICAL_CLASSES - 1 if params["classes"] is None else params["classes"])


@metric(category="randomisation", direction="lower", needs={"explainer"}, bounds=(-1, 1), passes=_passes, cite=WILLIAMSON_2025)
def class_sensitivity(
    case: Case,
    *,
    classes: Samples | None = 1,
    similarity: Similarity = "spearman",
    absolute: bool = False,
    constant: Constant = "zero",
) -> Tensor:
    """Similarity of the map with the maps for the classes that compete with the target.

    Williamson et al. 2025 (CASE): a method that tells classes apart has another map for another class of the same image, above all for the
    one that the model takes it for next. `random-logit` draws the other class, and most classes of a large model have nothing to do with
    the image; here it is the likeliest, several, or all. (Theirs is a test over a data set of whether maps agree; what is compared, and
    how, is said here by ``similarity``.)

    Args:
        case: the samples; their explainer explains them again for other classes.
        classes: how many classes, the likeliest besides the target (at most as many as there are), over which the score is a mean; null
            for all of them.
        similarity: of the two maps.
        absolute: compare absolute values.
        constant: what a similarity is where the other class's map is constant: ``zero``, or ``undefined``, which makes the score NaN.

    Returns:
        ``(B,)`` in [-1, 1], lower is better, 1 for a map that is the same for every class; NaN for a map that is constant.
    """
    others = case.model.num_classes - 1
    chosen = rival_classes(case, others if classes is None else min(classes, others))
    compared, found = comparison(case.attributions, similarity, absolute, constant), []
    for place, targets in enumerate(chosen.T):
        again = case.shared(("harness-metrics", "map of a rival", place), partial(case.explain, targets=targets))
        found.append(compared(again))
    return torch.stack(found).mean(dim=0)
