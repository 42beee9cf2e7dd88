"""DeepLIFT's rescale rule: a network linearised between a reference and an input.

Every nonlinear layer is replaced, for one backward pass, by the straight line through what it did to the reference and to the input.
The gradient of that network is the multiplier of Shrikumar et al. 2017 (section 3.2 and 3.5.2). Products of activations (gates), for which
the paper has no rule, share by the Shapley value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness_captum.products import Products

CLOSE = 1e-6
ELEMENTWISE = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.CELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish, nn.Softplus),
    *(nn.Sigmoid, nn.LogSigmoid, nn.Tanh, nn.Hardtanh, nn.Hardsigmoid, nn.Hardswish, nn.Softsign, nn.Tanhshrink),
)
POOLINGS = (nn.MaxPool2d, nn.AdaptiveMaxPool2d)


@dataclass
class Trace:
    """The way of the reference: what every nonlinear layer took and gave, call by call, and the factors of every product."""

    layers: dict[nn.Module, list[tuple[Tensor, Tensor]]] = field(default_factory=dict)
    factors: list[tuple[Tensor, Tensor]] = field(default_factory=list)


def multipliers(module: nn.Module, inputs: Tensor, references: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The multipliers ``(B, C, H, W)`` of the target's logit, and ``(B,)`` f(x) − f(x₀).

    Multipliers times ``inputs − references`` sum to f(x) − f(x₀) wherever all nonlinearities are elementwise or max-pooling modules, or
    products of two tensors; operations of other kinds keep their plain gradient. A layer may be called any number of times.
    """
    trace = Trace()
    with torch.no_grad(), recording(module, trace):
        before = _picked(module(references), targets)
    images = inputs.detach().clone().requires_grad_()
    with torch.enable_grad():
        with linearised(module, trace):
            after = _picked(module(images), targets)
        (gradient,) = torch.autograd.grad(after.sum(), images)
    return gradient, after.detach() - before


@contextmanager
def recording(module: nn.Module, trace: Trace) -> Iterator[None]:
    """Fill ``trace`` with what the forward passes inside the block do."""

    def keep(layer: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> None:
        trace.layers.setdefault(layer, []).append((arguments[0], output))

    def keep_factors(a: Tensor, b: Tensor, product: Tensor) -> Tensor:
        trace.factors.append((a, b))
        return product

    with hooked(module, keep), Products(keep_factors):
        yield


@contextmanager
def linearised(module: nn.Module, trace: Trace) -> Iterator[None]:
    """Let the forward pass inside the block have, at each step, the slope from what is in ``trace``; its values stay as they are."""
    layers, factors = {layer: iter(calls) for layer, calls in trace.layers.items()}, iter(trace.factors)

    def straighten(layer: nn.Module, arguments: tuple[Tensor, ...], output: Tensor) -> Tensor:
        line = pooled_line if isinstance(layer, POOLINGS) else elementwise_line
        with products.paused():
            return line(layer, arguments[0], output.detach(), *next(layers[layer]))

    products = Products(lambda a, b, product: product_line(a, b, product, *next(factors)))
    with hooked(module, straighten), products:
        yield


@contextmanager
def hooked(module: nn.Module, hook: Callable[..., Any]) -> Iterator[None]:
    """Register a forward hook on every nonlinear layer, and remove it also after an exception."""
    with ExitStack() as stack:
        for layer in module.modules():
            if isinstance(layer, (*ELEMENTWISE, *POOLINGS)):
                stack.callback(layer.register_forward_hook(hook).remove)
        yield


def elementwise_line(layer: nn.Module, x: Tensor, y: Tensor, x0: Tensor, y0: Tensor) -> Tensor:
    """``y`` with the slope (y − y₀) / (x − x₀); where x and x₀ are closer than `CLOSE`, with the layer's gradient at x."""
    here = x.detach()
    change = here - x0
    close = change.abs() < CLOSE
    probe = here.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(layer.forward(probe).sum(), probe)
    slope = torch.where(close, gradient, (y - y0) / change.masked_fill(close, 1))
    return y + slope * (x - here)


def pooled_line(layer: nn.Module, x: Tensor, y: Tensor, x0: Tensor, y0: Tensor) -> Tensor:
    """``y`` with the change y − y₀ on the positions that caused it: a rise where x has its maximum, a fall where x₀ has its.

    Where x and x₀ are closer than `CLOSE` at the maximum of x, it has the gradient there. A position in several windows adds up.
    """
    here = x.detach()
    moved = (x - here).flatten(-2)
    line = y.flatten(-2)
    for positions, slope in pooled_slopes(layer, here, y, x0, y0):
        line = line + slope * moved.gather(-1, positions)
    return line.view_as(y)


def pooled_slopes(layer: nn.Module, here: Tensor, y: Tensor, x0: Tensor, y0: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Flat positions of the windows' maxima in x, and in x₀, and the slopes there ``(…, windows)`` of `pooled_line`."""
    change = (here - x0).flatten(-2)
    higher = torch.maximum(y, y0)
    slopes = []
    for where, part, limit in ((_argmax(layer, here), higher - y0, 1.0), (_argmax(layer, x0), y - higher, 0.0)):
        positions = where.flatten(-2)
        step = change.gather(-1, positions)
        close = step.abs() < CLOSE
        slopes.append((positions, torch.where(close, limit, part.flatten(-2) / step.masked_fill(close, 1))))
    return slopes


def product_line(a: Tensor, b: Tensor, product: Tensor, a0: Tensor, b0: Tensor) -> Tensor:
    """``a·b`` whose change is shared as Shapley values share it: each factor's change, times the mean of the other before and after."""
    moved_a, moved_b = a - a.detach(), b - b.detach()
    return product.detach() + (b.detach() + b0) / 2 * moved_a + (a.detach() + a0) / 2 * moved_b


def _argmax(layer: nn.Module, inputs: Tensor) -> Tensor:
    """Flat positions of each window's maximum, shaped like the layer's output."""
    if isinstance(layer, nn.AdaptiveMaxPool2d):
        return F.adaptive_max_pool2d_with_indices(inputs, cast(Any, layer.output_size))[1]
    assert isinstance(layer, nn.MaxPool2d)
    window: Any = (layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.ceil_mode)
    return F.max_pool2d_with_indices(inputs, *window)[1]


def _picked(logits: Tensor, targets: Tensor) -> Tensor:
    return logits.gather(1, targets[:, None])[:, 0]
