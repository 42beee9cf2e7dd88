"""Multiplications by constants: normalisation in a forward, temperatures, layer scales, gains of residual branches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_PRODUCTS = {"mul", "multiply", "__mul__", "__rmul__"}
_QUOTIENTS = {"div", "divide", "true_divide", "__truediv__"}


class ScalesPass(TorchFunctionMode):
    """Inside the block what is multiplied with, or divided by, something that does not depend on the image passes its relevance on.

    That is what every rule of relevance propagation gives for y = c x, whose one contribution is all of y. The gradient would multiply
    relevance by c, which is no share of anything.
    """

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        if kwargs or len(args) != 2 or name not in _PRODUCTS | _QUOTIENTS or not output.requires_grad:
            return output
        dependent = [isinstance(value, Tensor) and value.requires_grad for value in args]
        if all(dependent) or (name in _QUOTIENTS and not dependent[0]):
            return output
        given = args[dependent.index(True)]
        return _Passed.apply(given, output.detach()) if given.shape == output.shape else output


class _Passed(torch.autograd.Function):
    """The second argument, with the first one's gradient as its own."""

    @staticmethod
    def forward(ctx: Any, given: Tensor, scaled: Tensor) -> Tensor:
        return scaled.view_as(scaled)

    @staticmethod
    def backward(ctx: Any, relevance: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        return relevance, None
