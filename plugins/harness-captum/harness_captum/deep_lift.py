"""DeepLIFT."""

from __future__ import annotations

from torch import Tensor

from harness.api import Attribution, Classifier, explainer
from harness.api.gradients import no_gradient_reason
from harness.api.hidden_operations import hidden_operations_reason
from harness.api.preprocessing import ReferenceKind
from harness_captum import citations
from harness_captum.rescale import multipliers


def not_seen(model: Classifier) -> str | None:
    """Reason why activations of ``model`` cannot be straightened; None where they can."""
    return no_gradient_reason(model) or hidden_operations_reason(model, additions=False)


@explainer(signed=True, complete=True, passes=3, cite=citations.DEEP_LIFT)
def deep_lift(model: Classifier, images: Tensor, targets: Tensor, *, baseline: ReferenceKind = "black") -> Attribution:
    """DeepLIFT by the rescale rule, against a reference input (Shrikumar et al. 2017).

    The map ``(B, C, H, W)`` sums to f(x) − f(x₀) of the target's logit where all nonlinearities are elementwise or max-pooling modules, or
    products (gates); the error made elsewhere (softmax, layer norms) is measured. It equals captum's DeepLift on networks of ReLUs and
    convolutions. Beyond these captum's is not used: a pooling layer right after an activation gets the plain gradient (captum#1104), where
    input and reference agree a pooling layer takes the gradient of the batch's first sample (captum#1276), overlapping windows lose what
    they share, and activations that it does not know keep their gradient without a word. Raises ``ValueError`` where hooks do not see the
    model's activations.

    Args:
        baseline: the input that stands for nothing: black, white, the image's mean colour, the blurred image, or the zero tensor.
    """
    if (reason := not_seen(model)) is not None:
        raise ValueError(reason)
    references = model.reference(baseline, images)
    slopes, difference = multipliers(model.module, images, references, targets)
    return Attribution(slopes * (images - references), expected=difference)


deep_lift.applicable = not_seen  # type: ignore[attr-defined]
