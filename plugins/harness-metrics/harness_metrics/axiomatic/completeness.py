"""Completeness (Sundararajan et al. 2017)."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from harness.api import Case, metric
from harness_metrics.citations import SUNDARARAJAN_2017
from harness_metrics.curves import original_logits
from harness_metrics.imputation import Reference
from harness_metrics.maps import VALUES_ALONE, share


@metric(category="axiomatic", direction="lower", bounds=(0, None), passes=2, no_inverse=VALUES_ALONE, cite=SUNDARARAJAN_2017)
def completeness(
    case: Case,
    *,
    reference: Reference | Literal["none"] = "black",
    relative: bool = False,
) -> Tensor:
    """How far the sum of the map is from the logit that it should explain.

    Sundararajan et al. 2017, proposition 1: ``Σ_i a_i = f(x) − f(x₀)``, f the target's logit and x₀ a reference input; without a
    reference, ``Σ_i a_i = f(x)``, the conservation of Bach et al. 2015. The score is the absolute difference of the two sides, or this
    divided by the right one.

    Args:
        case: the samples.
        reference: x₀, black as in the paper; it should be the explainer's own. ``none``: the logit itself.
        relative: divide by ``|f(x) − f(x₀)|``.

    Returns:
        ``(B,)`` of at least 0, in logits or, where ``relative``, a share; lower is better, 0 complete; NaN for a ``relative`` error where
        the logit does not differ. (Quantus asks whether the two are the same floating-point number, by default of a map that it divided
        by its maximum: it answers no to Integrated Gradients.)
    """
    explained = original_logits(case).gather(1, case.targets[:, None])[:, 0]
    if reference != "none":
        references = case.model.reference(reference, case.images)
        explained = explained - case.predict(references).gather(1, case.targets[:, None])[:, 0]
    error = (case.attributions.double().sum(dim=(-2, -1)) - explained).abs().float()
    return share(error, explained.abs().float()) if relative else error
