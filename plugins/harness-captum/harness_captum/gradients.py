"""Explainers made of one plain gradient."""

from __future__ import annotations

from captum import attr
from torch import Tensor

from harness.api import Classifier, explainer
from harness.api.gradients import no_gradient_reason
from harness_captum import citations


@explainer(family="gradients", signed=False, passes=2, cite=citations.SALIENCY)
def saliency(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """Saliency: the gradient's absolute value, its maximum over channels (Simonyan et al. 2014, section 3.1).

    Returns ``(B, H, W)``, not negative.
    """
    gradients: Tensor = attr.Saliency(model).attribute(leaf(images), target=targets, abs=True)
    return gradients.amax(dim=1)


@explainer(family="gradients", signed=True, passes=2, cite=citations.INPUT_X_GRADIENT)
def input_x_gradient(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """Input × Gradient (Shrikumar et al. 2016); the input is what the model takes, after preprocessing.

    Returns ``(B, C, H, W)``. It sums to the target's logit only where the network is piecewise linear and without biases.
    """
    attributions: Tensor = attr.InputXGradient(model).attribute(leaf(images), target=targets)
    return attributions.detach()


saliency.applicable = no_gradient_reason  # type: ignore[attr-defined]
input_x_gradient.applicable = no_gradient_reason  # type: ignore[attr-defined]


def leaf(images: Tensor) -> Tensor:
    """A copy of ``images`` that gradients may be taken at, so that no flag of the caller's tensor changes."""
    return images.detach().clone().requires_grad_()
