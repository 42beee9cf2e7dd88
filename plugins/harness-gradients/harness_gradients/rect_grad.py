"""RectGrad: gradients that pass only where they and the activation matter most."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from harness.api import Classifier, explainer
from harness.api.relu_networks import without_relu
from harness.api.target_logits import target_gradients
from harness_gradients import citations


@explainer(family="modified backpropagation", signed=True, needs={"relu"}, passes=2, cite=citations.RECT_GRAD)
def rect_grad(model: Classifier, images: Tensor, targets: Tensor, *, percentile: Annotated[float, Field(ge=0, le=100)] = 98) -> Tensor:
    """RectGrad: a gradient passes a ReLU where activation × gradient is above a percentile of the layer's (Kim et al. 2019, eq. 4).

    Returns image × gradient ``(B, C, H, W)``. The percentile is of each sample's own layer. The paper's proportional redistribution at
    pooling layers and its masking of padding are options there, and left out. Raises ``ValueError`` on a model without ReLU.

    Args:
        percentile: of activation × gradient; at 0 nearly every gradient passes that a ReLU lets pass.
    """
    if (reason := without_relu(model)) is not None:
        raise ValueError(reason)
    with ExitStack() as hooks:
        for layer in model.module.modules():
            if isinstance(layer, nn.ReLU):
                hooks.callback(layer.register_forward_hook(lambda _, args, output: _Rectified.apply(args[0], percentile)).remove)
        gradients, _ = target_gradients(model, images, targets)
    return gradients * images


rect_grad.applicable = without_relu  # type: ignore[attr-defined]


class _Rectified(torch.autograd.Function):
    """A ReLU with another backward pass."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, percentile: float) -> Tensor:
        """The ReLU's value."""
        output = inputs.clamp(min=0)
        ctx.save_for_backward(output)
        ctx.percentile = percentile
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """The gradient where activation × gradient is above the sample's percentile, the nearest value that occurs."""
        (output,), (gradient,) = ctx.saved_tensors, gradients
        contributions = (output * gradient).flatten(1)
        place = 1 + round(ctx.percentile / 100 * (contributions.shape[1] - 1))
        threshold = contributions.kthvalue(place, dim=1).values.view(-1, *[1] * (gradient.ndim - 1))
        return gradient * (output * gradient > threshold), None
