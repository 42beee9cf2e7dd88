"""DeepLIFT."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from harness.api import Attribution, Classifier, explainer
from harness.api.gradients import no_gradient_reason
from harness.api.hidden_operations import hidden_operations_reason
from harness.api.preprocessing import ReferenceKind
from harness_captum import citations
from harness_captum.rescale import multipliers
from harness_captum.reveal_cancel import multipliers_of_pairs, not_paired

Rule = Literal["rescale", "reveal-cancel"]


def not_seen(model: Classifier) -> str | None:
    """Reason why activations of ``model`` cannot be straightened; None where they can."""
    return no_gradient_reason(model) or hidden_operations_reason(model, additions=False)


def not_lifted(model: Classifier, rule: Rule) -> str | None:
    """Reason why DeepLIFT by ``rule`` says nothing of ``model``; None where it does."""
    return not_seen(model) or (not_paired(model) if rule == "reveal-cancel" else None)


# By reveal-cancel: the reference, the image and both parts forward, and these by positive and by negative weights there and back.
@explainer(
    family="relevance propagation",
    signed=True,
    complete=True,
    passes=lambda params: 3 if params["rule"] == "rescale" else 12,
    cite=citations.DEEP_LIFT,
)
def deep_lift(
    model: Classifier, images: Tensor, targets: Tensor, *, baseline: ReferenceKind = "black", rule: Rule = "rescale"
) -> Attribution:
    """DeepLIFT by the rescale or the reveal-cancel rule, against a reference input (Shrikumar et al. 2017).

    The map ``(B, C, H, W)`` sums to f(x) − f(x₀) of the target's logit where all nonlinearities are elementwise or max-pooling modules, or
    products (gates); the error made elsewhere (softmax, layer norms) is measured. It equals captum's DeepLift on networks of ReLUs and
    convolutions. Beyond these captum's is not used: a pooling layer right after an activation gets the plain gradient (captum#1104), where
    input and reference agree a pooling layer takes the gradient of the batch's first sample (captum#1276), overlapping windows lose what
    they share, and activations that it does not know keep their gradient without a word. Raises ``ValueError`` where hooks do not see the
    model's activations.

    Args:
        baseline: the input that stands for nothing: black, white, the image's mean colour, the blurred image, or the zero tensor.
        rule: of nonlinearities: ``rescale`` has one slope for each, ``reveal-cancel`` one for positive and one for negative changes, so
            that what cancels is seen; for networks of convolutions, dense layers, batch normalisation, activations, pooling, additions.
    """
    if (reason := not_seen(model)) is not None:
        raise ValueError(reason)
    references = model.reference(baseline, images)
    compute = multipliers if rule == "rescale" else multipliers_of_pairs
    slopes, difference = compute(model.module, images, references, targets)
    return Attribution(slopes * (images - references), expected=difference)


deep_lift.applicable = not_lifted  # type: ignore[attr-defined]
