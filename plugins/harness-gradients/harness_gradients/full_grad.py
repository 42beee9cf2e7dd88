"""FullGrad: the gradient at the image and at every bias."""

from __future__ import annotations

from contextlib import ExitStack
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.api import Classifier, explainer
from harness.api.gradients import no_gradient_reason, once_per_network
from harness.api.hidden_operations import hidden_operations_reason
from harness.api.network_loading import noise_image
from harness_gradients import citations

LARGEST_REST = 1e-3
"""Share of a logit that the decomposition may leave out: rounding, and not a nonlinearity that is not piecewise linear."""


class FullGradients(NamedTuple):
    """A logit in parts, which add up to it in a piecewise linear network.

    Attributes:
        image: ``(B, C, H, W)`` image × gradient.
        biases: for every call of a layer with a bias: bias × gradient at its output, ``(B, K)`` or with its positions ``(B, K, …)``.
        logits: ``(B,)`` what they add up to.
    """

    image: Tensor
    biases: list[Tensor]
    logits: Tensor


@once_per_network
def not_decomposed(model: Classifier) -> str | None:
    """Reason why biases and image do not make up the logits of ``model``, as one image of noise shows; None where they do."""
    if (reason := no_gradient_reason(model) or hidden_operations_reason(model, additions=False)) is not None:
        return reason
    image = noise_image(model.module, model.input_shape)
    with torch.no_grad():
        target = model(image).abs().argmax(dim=1)
    found = full_gradients(model, image, target)
    total = found.image.sum() + sum(part.sum() for part in found.biases)
    rest = float((found.logits - total).abs().sum() / found.logits.abs().sum())
    if rest <= LARGEST_REST:
        return None
    return (
        f"image × gradient and the gradients of biases leave out {rest:.2%} of a logit: the network is not piecewise linear, or has biases "
        "in layers other than convolutions, dense layers and batch normalisations"
    )


@explainer(family="gradients", signed=False, passes=2, cite=citations.FULL_GRAD)
def full_grad(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    """FullGrad: image × gradient and the gradients of all biases, each rescaled, summed up (Srinivas and Fleuret 2019, eq. 8).

    Returns ``(B, H, W)``, not negative. Every part is taken by its absolute value, brought to 0 … 1 by the smallest and largest value of
    the sample, brought to the image's size bilinearly, and summed over its channels; biases of dense layers have no place, and are left
    out, as by the authors' code. So the map does not sum to the logit, though the parts do (`full_gradients`). Raises ``ValueError`` where
    they do not.
    """
    if (reason := not_decomposed(model)) is not None:
        raise ValueError(reason)
    found = full_gradients(model, images, targets)
    total = rescaled(found.image).sum(dim=1)
    for part in found.biases:
        if part.ndim == 4:
            at_size = F.interpolate(rescaled(part).sum(dim=1, keepdim=True), size=images.shape[-2:], mode="bilinear", align_corners=False)
            total = total + at_size[:, 0]
    return total


full_grad.applicable = not_decomposed  # type: ignore[attr-defined]


def full_gradients(model: Classifier, images: Tensor, targets: Tensor) -> FullGradients:
    """The parts of the logits of ``targets`` (B,) by one forward and one backward pass."""
    points = images.detach().clone().requires_grad_()
    outputs: list[Tensor] = []
    added: list[tuple[int, Tensor]] = []  # the axis of channels, and what is added to these

    def note(layer: nn.Module, args: object, output: Tensor) -> None:
        outputs.append(output)
        added.append((-1 if isinstance(layer, nn.Linear) else 1, effective_bias(layer)))

    with ExitStack() as hooks, torch.enable_grad():
        for layer in model.module.modules():
            if has_bias(layer):
                hooks.callback(layer.register_forward_hook(note).remove)
        logits = model(points).gather(1, targets[:, None])[:, 0]
        gradients = torch.autograd.grad(logits.sum(), [points, *outputs], allow_unused=True)
    biases = []
    for (axis, bias), gradient in zip(added, gradients[1:], strict=True):
        if gradient is not None:
            biases.append((gradient.movedim(axis, -1) * bias).movedim(-1, 1).detach())
    return FullGradients((points * gradients[0]).detach(), biases, logits.detach())


def has_bias(layer: nn.Module) -> bool:
    """Whether it adds something that depends on no input, to every position of a channel alike."""
    if isinstance(layer, nn.modules.batchnorm._BatchNorm):
        return layer.running_mean is not None
    return isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None


def effective_bias(layer: nn.Module) -> Tensor:
    """What a layer adds, ``(K,)``; of a batch normalisation in evaluation β − γ μ / √(σ² + ε)."""
    if isinstance(layer, nn.modules.batchnorm._BatchNorm):
        assert layer.running_mean is not None
        assert layer.running_var is not None
        scale = (layer.running_var + layer.eps).rsqrt() * (1 if layer.weight is None else layer.weight)
        return (0 if layer.bias is None else layer.bias) - layer.running_mean * scale
    bias = layer.bias
    assert isinstance(bias, Tensor)
    return bias


def rescaled(parts: Tensor) -> Tensor:
    """Absolute values of ``(B, K, h, w)``, from 0 to 1 in each sample; 0 where all are equal."""
    sizes = parts.abs()
    low, high = sizes.amin((1, 2, 3), keepdim=True), sizes.amax((1, 2, 3), keepdim=True)
    span = high - low
    return (sizes - low) / torch.where(span > 0, span, torch.ones_like(span))
