"""DeSaLiNet, and the reversed networks that it is one of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from harness.api import Classifier, explainer
from harness.api.relu_networks import without_relu
from harness.api.target_logits import target_gradients
from harness_backprop import citations
from harness_backprop.function_rules import Call, FunctionRules, passed_on


@explainer(family="modified backpropagation", signed=True, needs={"relu"}, passes=2, cite=citations.DESALINET)
def desalinet(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    mask: bool = True,
    rectify: bool = True,
    switches: bool = True,
    normalisation: bool = False,
) -> Tensor:
    """DeSaLiNet: a reversed network that rectifies what comes back, and where the input was rectified (Mahendran and Vedaldi 2016).

    Returns ``(B, C, H, W)``, signed. The reversed network is the architecture backwards: linear layers transposed, and ReLUs, poolings
    and local response normalisations as the parameters say. By default it is `guided-backprop` but for normalisations, which pass on what
    comes; with ``mask`` and ``normalisation`` alone the gradient (SaliNet); with ``rectify`` and without ``mask`` DeConvNet. Other layers
    keep their gradient. Raises ``ValueError`` on a model without ReLU.

    Args:
        mask: whether what comes back passes a ReLU only where its input was positive.
        rectify: whether of what comes back only positive values pass a ReLU.
        switches: whether max pooling gives it back to where the maximum was; else to the middle of the window (of even sides the one before
            it), and nothing where that is padding.
        normalisation: whether it goes through the derivative of local response normalisation, else unchanged.
    """
    if (reason := without_relu(model)) is not None:
        raise ValueError(reason)
    with ReversedNetwork(mask, rectify, switches, normalisation):
        return target_gradients(model, images, targets)[0]


desalinet.applicable = without_relu  # type: ignore[attr-defined]


class ReversedNetwork(FunctionRules):
    """Inside the block the backward pass is that of a reversed network (section 2 of the paper); see `desalinet` for the arguments."""

    def __init__(self, mask: bool, rectify: bool, switches: bool, normalisation: bool) -> None:
        super().__init__()
        self.mask, self.rectify, self.switches, self.normalisation = mask, rectify, switches, normalisation

    def rule(self, name: str, call: Call, given: Sequence[Tensor]) -> Any:
        """ReLUs, max poolings and local response normalisations with backward passes of their own."""
        func, args, kwargs = call
        if name == "relu":
            return _Rectified.apply(given[0], self.mask, self.rectify)
        output = func(*args, **kwargs)
        if name == "max_pool2d" and not self.switches and isinstance(output, Tensor):
            names = ("input", "kernel_size", "stride", "padding", "dilation")
            return _CentreUnpooled.apply(given[0], output.detach(), {**dict(zip(names, args, strict=False)), **kwargs})
        if name == "local_response_norm" and not self.normalisation:
            return passed_on(given[0], output)
        return output


class _Rectified(torch.autograd.Function):
    """A ReLU whose backward pass masks by its input, rectifies, both or neither."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, mask: bool, rectify: bool) -> Tensor:
        ctx.save_for_backward(inputs)
        ctx.mask, ctx.rectify = mask, rectify
        return inputs.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        found = gradients[0].clamp(min=0) if ctx.rectify else gradients[0]
        return found * (ctx.saved_tensors[0] > 0) if ctx.mask else found, None, None


class _CentreUnpooled(torch.autograd.Function):
    """A max pooling, whose backward pass gives everything to the middle of the window."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, output: Tensor, options: dict[str, Any]) -> Tensor:
        ctx.shape, ctx.options = inputs.shape, options
        return output.view_as(output)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        places = []
        for axis in (0, 1):
            side = _of_axis(ctx.options["kernel_size"], axis)
            stride = _of_axis(ctx.options.get("stride") or side, axis)
            dilation, padding = (_of_axis(ctx.options.get(name, default), axis) for name, default in (("dilation", 1), ("padding", 0)))
            steps = torch.arange(gradients[0].shape[axis - 2], device=gradients[0].device)
            places.append(steps * stride + (side - 1) // 2 * dilation - padding)
        rows, columns = ((place >= 0) & (place < size) for place, size in zip(places, ctx.shape[-2:], strict=True))
        found = gradients[0].new_zeros(ctx.shape)
        found[..., places[0][rows][:, None], places[1][columns]] = gradients[0][..., rows, :][..., columns]
        return found, None, None


def _of_axis(value: int | Sequence[int], axis: int) -> int:
    return value if isinstance(value, int) else value[axis if len(value) > 1 else 0]
