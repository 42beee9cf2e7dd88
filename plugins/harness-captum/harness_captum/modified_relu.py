"""Explainers that change how gradients pass a ReLU, and so mean something only on networks made of ReLUs."""

from __future__ import annotations

import warnings

from captum import attr
from torch import Tensor

from harness.api import Classifier, explainer
from harness.api.relu_networks import other_activations, without_relu
from harness_captum import citations
from harness_captum.gradients import leaf


@explainer(family="modified backpropagation", signed=True, needs={"relu"}, passes=2, cite=citations.GUIDED_BACKPROP)
def guided_backprop(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """Guided Backprop: gradients pass a ReLU where both the input and the gradient are positive (Springenberg et al. 2015).

    Returns ``(B, C, H, W)``. Raises ``ValueError`` on a model without ReLU; warns where other activations stand beside ReLUs.
    """
    return _attribute(attr.GuidedBackprop, model, images, targets)


@explainer(family="modified backpropagation", signed=True, needs={"relu"}, passes=2, cite=citations.DECONVOLUTION)
def deconvolution(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """Deconvolution: gradients pass a ReLU where the gradient is positive, whatever the input (Zeiler and Fergus 2014).

    Returns ``(B, C, H, W)``. Raises ``ValueError`` on a model without ReLU; warns where other activations stand beside ReLUs.
    """
    return _attribute(attr.Deconvolution, model, images, targets)


guided_backprop.applicable = without_relu  # type: ignore[attr-defined]
deconvolution.applicable = without_relu  # type: ignore[attr-defined]


def _attribute(method: type[attr.GuidedBackprop | attr.Deconvolution], model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    reason = without_relu(model)
    if reason is not None:
        raise ValueError(reason)
    if others := other_activations(model):
        warnings.warn(f"{method.__name__} changes the gradient of ReLUs only; {', '.join(others)} keep theirs", stacklevel=3)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Setting backward hooks")
        attributions: Tensor = method(model.module).attribute(leaf(images), target=targets)
    return attributions.detach()
