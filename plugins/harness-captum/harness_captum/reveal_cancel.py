"""DeepLIFT's reveal-cancel rule: positive and negative changes are carried through a network apart.

An activation's change from the reference is Δ⁺ + Δ⁻. A layer with weights makes its Δ⁺ of the positive contributions w Δ, and its Δ⁻ of the
negative ones (Shrikumar et al. 2017, section 3.5.1); a nonlinearity gives each what it does to the output, on the average of the two
orders in which they can come (section 3.5.3), which is their Shapley value. For fixed signs and slopes that is a linear network of pairs,
through which the changes of an image run as a batch of twice the size, and whose gradient is the multiplier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.api import Classifier
from harness_captum.rescale import CLOSE, ELEMENTWISE, POOLINGS, Trace, pooled_slopes, recording

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
CANCELLED = 1e-5
NOT_PAIRED = (
    "the reveal-cancel rule knows convolutions, dense layers, batch normalisation, activations, pooling and additions, and the model does "
    "something else to its activations (products, other normalisations, offsets in a forward); rule: rescale knows more"
)


def multipliers_of_pairs(module: nn.Module, inputs: Tensor, references: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The multipliers ``(B, C, H, W)`` of the target's logit, and ``(B,)`` f(x) − f(x₀).

    Multipliers times ``inputs − references`` sum to f(x) − f(x₀). Raises ``ValueError`` where the pairs do not add up to what the network
    computes: it has operations that are not linear and that no rule is for.
    """
    there, here = Trace(), Trace()
    with torch.no_grad():
        with recording(module, there):
            before = module(references)
        with recording(module, here):
            after = module(inputs)
    change = (inputs - references).detach().requires_grad_()
    with torch.enable_grad():
        with paired(module, there, here) as errors:
            logits = module(torch.cat(_parts(change))).unflatten(0, (2, -1)).sum(dim=0)
        errors.append(_error(logits, before, after))
        if not torch.stack(errors).amax() <= 1e4 * torch.finfo(logits.dtype).eps:
            raise ValueError(NOT_PAIRED)
        (gradient,) = torch.autograd.grad(logits.gather(1, targets[:, None]).sum(), change)
    return gradient, (after - before).gather(1, targets[:, None])[:, 0]


def not_paired(model: Classifier) -> str | None:
    """Reason why the reveal-cancel rule says nothing of ``model``; None where it does. Costs six passes of an image of noise."""
    noise = torch.randn(1, *model.input_shape, generator=torch.Generator().manual_seed(0)).to(model.device, model.dtype)
    try:
        multipliers_of_pairs(model.module, noise, torch.zeros_like(noise), torch.zeros(1, dtype=torch.long, device=model.device))
    except ValueError as error:
        return str(error)
    return None


@contextmanager
def paired(module: nn.Module, there: Trace, here: Trace) -> Iterator[list[Tensor]]:
    """Let a forward pass in the block take positive changes, and as many negative ones, which lead from what is ``there`` to ``here``.

    Gives a list that fills with how far the two are from adding up to the change, at each nonlinearity.
    """
    errors: list[Tensor] = []
    calls = {layer: zip(there.layers[layer], made, strict=True) for layer, made in here.layers.items()}

    def straighten(layer: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> Tensor:
        (x0, y0), (x, y) = next(calls[layer])
        pair = pooled_pair if isinstance(layer, POOLINGS) else elementwise_pair
        positive, negative = arguments[0].chunk(2)
        errors.append(_error(positive + negative, x0, x))
        return torch.cat(pair(layer, positive, negative, x, y, x0, y0))

    def weigh(layer: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> Tensor:
        pair = scaled_pair if isinstance(layer, NORMS) else weighed_pair
        return torch.cat(pair(layer, *arguments[0].chunk(2)))

    with ExitStack() as hooks:
        for layer in module.modules():
            if isinstance(layer, (*ELEMENTWISE, *POOLINGS)):
                hooks.callback(layer.register_forward_hook(straighten).remove)
            elif isinstance(layer, (*CONVOLUTIONS, nn.Linear, *NORMS)):
                hooks.callback(layer.register_forward_hook(weigh).remove)
        yield errors


def weighed_pair(layer: nn.Module, positive: Tensor, negative: Tensor) -> tuple[Tensor, Tensor]:
    """Sums of the positive and of the negative contributions w Δ. What does not change counts half as each sign (for its multiplier)."""
    change = positive + negative
    rising = _rising(change.detach(), (positive - negative).detach())
    both = torch.cat((change * rising, change * (1 - rising)))
    weight = cast(Tensor, layer.weight).detach()
    rise, fall = (_linear(layer, both, part).chunk(2) for part in (weight.clamp(min=0), weight.clamp(max=0)))
    return rise[0] + fall[1], fall[0] + rise[1]


def scaled_pair(layer: nn.Module, positive: Tensor, negative: Tensor) -> tuple[Tensor, Tensor]:
    """Each channel times its scale; a negative one makes positive changes negative, as if it were in the weights of the layer before."""
    norm = cast(nn.BatchNorm2d, layer)
    assert norm.running_var is not None
    scale = (norm.running_var + norm.eps).rsqrt() * (1 if norm.weight is None else norm.weight.detach())
    scale = scale.view(-1, *[1] * (positive.ndim - 2))
    rise, fall = scale.clamp(min=0), scale.clamp(max=0)
    return rise * positive + fall * negative, rise * negative + fall * positive


def elementwise_pair(
    layer: nn.Module, positive: Tensor, negative: Tensor, x: Tensor, y: Tensor, x0: Tensor, y0: Tensor
) -> tuple[Tensor, Tensor]:
    """Each part times (what it does to the output, before and after the other, averaged) / (its size).

    Where a part is smaller than `CLOSE`, it has the layer's gradient at x.
    """
    parts = positive.detach(), negative.detach()
    probe = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(layer.forward(probe).sum(), probe)
    risen, fallen = (layer.forward(x0 + part) for part in parts)
    effects = ((risen - y0 + y - fallen) / 2, (fallen - y0 + y - risen) / 2)
    slopes = [
        torch.where(close := part.abs() < CLOSE, gradient, effect / part.masked_fill(close, 1))
        for part, effect in zip(parts, effects, strict=True)
    ]
    return slopes[0] * positive, slopes[1] * negative


def pooled_pair(
    layer: nn.Module, positive: Tensor, negative: Tensor, x: Tensor, y: Tensor, x0: Tensor, y0: Tensor
) -> tuple[Tensor, Tensor]:
    """Each part times the slopes that the rescale rule has for the whole change; they are not negative, so that signs stay."""
    slopes = pooled_slopes(layer, x, y, x0, y0)
    parts = [part.flatten(-2) for part in (positive, negative)]
    rise, fall = (torch.stack([slope * part.gather(-1, where) for where, slope in slopes]).sum(dim=0) for part in parts)
    return rise.view_as(y), fall.view_as(y)


def _error(change: Tensor, before: Tensor, after: Tensor) -> Tensor:
    """How far ``change`` is from what it should be, as a share of the largest value."""
    largest = torch.maximum(before.abs().amax(), after.abs().amax())
    return (change.detach() - (after - before)).abs().amax() / largest.clamp(min=torch.finfo(change.dtype).tiny)


def _linear(layer: nn.Module, inputs: Tensor, weight: Tensor) -> Tensor:
    """What ``layer`` computes with another weight and no bias."""
    if isinstance(layer, nn.Linear):
        return F.linear(inputs, weight)
    return cast(Callable[..., Tensor], cast(Any, layer)._conv_forward)(inputs, weight, None)


def _parts(change: Tensor) -> tuple[Tensor, Tensor]:
    """The positive and the negative part, of which the gradients add up to 1 each."""
    rising = _rising(change.detach(), change.detach().abs())
    return change * rising, change * (1 - rising)


def _rising(change: Tensor, size: Tensor) -> Tensor:
    """1 for a change that is positive, 0 for a negative one, ½ where parts of together ``size`` cancel but for rounding."""
    return 0.5 * (1 + torch.where(change.abs() <= CANCELLED * size, 0, change.sign()))
