"""Functions of torch that have a backward pass of their own while a network is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from harness.api import Classifier

MOVES = frozenset(
    {
        *("view", "view_as", "reshape", "flatten", "unflatten", "unsqueeze", "squeeze", "expand", "expand_as", "type_as"),
        *("transpose", "permute", "movedim", "t", "contiguous", "clone", "to", "float", "dropout", "dropout2d", "pad", "identity"),
        *("unbind", "chunk", "split", "__getitem__", "__get__", "select", "narrow", "cat", "stack"),
    }
)
"""Names of functions that put numbers elsewhere and change none (dropout: in evaluation mode)."""

POOLINGS = frozenset({"max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d", "mean"})
SUMS = frozenset({"add", "__add__", "__radd__", "sub", "__sub__", "__rsub__"})
SCALES = frozenset({"mul", "__mul__", "__rmul__", "div", "__truediv__"})

Call = tuple[Callable[..., Any], tuple[Any, ...], Mapping[str, Any]]


class FunctionRules(TorchFunctionMode):
    """Inside the block functions of what depends on the image are computed by `rule`, which may give them another backward pass.

    Attributes:
        without_rule: names of functions for which there is none.
    """

    def __init__(self) -> None:
        super().__init__()
        self.without_rule: set[str] = set()

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        kwargs = kwargs or {}
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor) and leaf.requires_grad]
        return self.rule(getattr(func, "__name__", ""), (func, args, kwargs), given) if given else func(*args, **kwargs)

    def rule(self, name: str, call: Call, given: Sequence[Tensor]) -> Any:
        """What the function of this name returns; ``given`` are those of its arguments that depend on the image."""
        raise NotImplementedError

    def refuse(self, name: str, call: Call) -> Any:
        """The function as it is, of which is noted that there is no rule for it if it is differentiable."""
        func, args, kwargs = call
        output = func(*args, **kwargs)
        if isinstance(output, Tensor) and output.requires_grad:
            self.without_rule.add(name.strip("_"))
        return output


def blank_image(model: Classifier) -> Tensor:
    """An image of zeros ``(1, C, H, W)`` with a gradient, to see what a network calls."""
    return torch.zeros(1, *model.input_shape, device=model.device, dtype=model.dtype).requires_grad_()


def linear_arguments(call: Call) -> tuple[Callable[[Tensor, Tensor], Tensor], Tensor, Tensor]:
    """Of a call of ``linear`` or ``conv2d``: the map of inputs by weights without a bias, inputs and weight."""
    func, args, kwargs = call
    names = ("input", "weight", "bias")
    given = {**dict(zip(names, args[:3], strict=False)), **{name: kwargs[name] for name in names if name in kwargs}}
    rest = {name: value for name, value in kwargs.items() if name not in names}

    def apply(inputs: Tensor, weight: Tensor) -> Tensor:
        output: Tensor = func(inputs, weight, None, *args[3:], **rest)
        return output

    return apply, given["input"], given["weight"]


def passed_on(given: Tensor, output: Tensor) -> Tensor:
    """The output, whose gradient is that of the input as it is; both of one shape."""
    return _PassedOn.apply(given, output.detach())


class _PassedOn(torch.autograd.Function):
    """The second argument, with its gradient as the first one's."""

    @staticmethod
    def forward(ctx: Any, given: Tensor, output: Tensor) -> Tensor:
        return output.view_as(output)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0], None
