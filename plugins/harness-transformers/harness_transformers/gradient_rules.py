"""Rules of relevance as rules of gradients: relevance is input × gradient, before and behind each operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor


def halved(output: Tensor) -> Tensor:
    """A product of two activations, of which each gets half of the relevance."""
    return _Scaled.apply(output, None)


def passed(inputs: Tensor, output: Tensor) -> Tensor:
    """An activation of each number by itself, which passes its relevance on: the gradient is output / input, 0 where the input is 0."""
    return _Scaled.apply(inputs, output.detach())


def gamma_rule(layer: Callable[..., Tensor], gamma: float, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    """A linear function ``layer(inputs, weight, bias, …)`` by the γ-rule, for inputs and outputs of either sign (Andéol et al. 2021).

    Weights that contribute with the output's sign count 1 + γ times; so does a bias of that sign.
    """
    names = ("inputs", "weight", "bias")
    given = {**dict(zip(names, args[:3], strict=False)), **{name: kwargs[name] for name in names if name in kwargs}}
    rest = {name: value for name, value in kwargs.items() if name not in names}

    def apply(inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return layer(inputs, weight, bias, *args[3:], **rest)

    return _GammaRule.apply(apply, gamma, given["inputs"], given["weight"], given.get("bias"))


def layer_norm(inputs: Tensor, shape: Sequence[int], weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5) -> Tensor:
    """torch's, with the deviation as a constant."""
    axes = tuple(range(-len(shape), 0))
    return affine(standardised(inputs, axes, eps), weight, bias, [])


def rms_norm(inputs: Tensor, shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    """torch's, with the root mean square as a constant."""
    axes = tuple(range(-len(shape), 0))
    mean = inputs.detach().square().mean(axes, keepdim=True)
    return affine(inputs * (mean + (torch.finfo(inputs.dtype).eps if eps is None else eps)).rsqrt(), weight, None, [])


def group_norm(inputs: Tensor, groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5) -> Tensor:
    """torch's, with the deviations as constants."""
    parts = inputs.unflatten(1, (groups, -1))
    return affine(standardised(parts, tuple(range(2, parts.ndim)), eps).flatten(1, 2), weight, bias, [-1] + [1] * (inputs.ndim - 2))


def normalize(inputs: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: None = None) -> Tensor:
    """torch's, with the norm as a constant."""
    return inputs / inputs.detach().norm(p, dim, keepdim=True).clamp_min(eps)


NORMALISATIONS: Mapping[str, Callable[..., Tensor]] = {
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "group_norm": group_norm,
    "normalize": normalize,
}
"""By name those that divide by what the activations themselves are; a batch normalisation is linear in evaluation mode."""


def standardised(inputs: Tensor, axes: tuple[int, ...], eps: float) -> Tensor:
    """Inputs less their mean, over their deviation as a constant."""
    variance = inputs.detach().var(axes, unbiased=False, keepdim=True)
    return (inputs - inputs.mean(axes, keepdim=True)) * (variance + eps).rsqrt()


def affine(values: Tensor, weight: Tensor | None, bias: Tensor | None, shape: Sequence[int]) -> Tensor:
    """``values · weight + bias``, which are viewed as ``shape`` if it is given."""
    if weight is not None:
        values = values * (weight.view(shape) if shape else weight)
    return values if bias is None else values + (bias.view(shape) if shape else bias)


class _Scaled(torch.autograd.Function):
    """The output, or the input itself without one; the gradient is multiplied by output / input, or else by ½."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, output: Tensor | None) -> Tensor:
        ctx.slope = None if output is None else torch.where(inputs == 0, torch.zeros_like(output), output / inputs)
        return inputs.view_as(inputs) if output is None else output.view_as(output)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0] * (0.5 if ctx.slope is None else ctx.slope), None


class _GammaRule(torch.autograd.Function):
    """A linear function, whose gradient is that of the γ-rule."""

    @staticmethod
    def forward(ctx: Any, layer: Callable[..., Tensor], gamma: float, inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        output = layer(inputs, weight, bias)
        ctx.layer, ctx.gamma = layer, gamma
        ctx.save_for_backward(inputs, weight, bias, output)
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, None, Tensor, None, None]:
        inputs, weight, bias, output = ctx.saved_tensors
        inputs, relevance = inputs.to(weight.dtype), (gradients[0] * output).to(weight.dtype)  # they differ under autocast
        with torch.enable_grad():
            high, low = (part.requires_grad_() for part in (inputs.clamp(min=0), inputs.clamp(max=0)))
            found = torch.zeros_like(inputs)
            for favoured, other, outputs in (("min", "max", output > 0), ("max", "min", output < 0)):
                weights = [weight + ctx.gamma * weight.clamp(**{bound: 0}) for bound in (favoured, other)]
                shift = None if bias is None else bias + ctx.gamma * bias.clamp(**{favoured: 0})
                total = ctx.layer(high, weights[0], shift) + ctx.layer(low, weights[1], None)
                share = relevance * outputs / (total + torch.where(total < 0, -1e-9, 1e-9))
                for part, which in zip(torch.autograd.grad(total, (high, low), share), (inputs > 0, inputs < 0), strict=True):
                    found = found + part * which
        return None, None, found, None, None
