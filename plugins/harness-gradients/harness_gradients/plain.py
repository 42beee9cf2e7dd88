"""The gradient itself."""

from __future__ import annotations

from torch import Tensor

from harness.api import Classifier, explainer
from harness.api.gradients import no_gradient_reason
from harness.api.target_logits import target_gradients
from harness_gradients import citations


@explainer(family="gradients", signed=True, passes=2, cite=citations.GRADIENT)
def gradient(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """Gradient of the target's logit at the image, with its sign (Simonyan et al. 2014, section 3).

    Returns ``(B, C, H, W)``, in logits per unit of the model's input: how the score would change, not what it is made of. `saliency` is its
    absolute value.
    """
    return target_gradients(model, images, targets)[0]


gradient.applicable = no_gradient_reason  # type: ignore[attr-defined]
