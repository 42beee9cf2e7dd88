"""Layers whose weights zennit's rules do not see: they are computed, or applied by a forward of one's own."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.overrides import TorchFunctionMode
from zennit.types import Linear

from harness.api import Classifier
from harness.api.preparation.hook_points import flatten_tensors, iter_hookable

_LINEAR_MAPS = {"linear", *(f"conv{kind}{n}d" for kind in ("", "_transpose") for n in (1, 2, 3)), "convolution"}
_PRODUCTS = {"matmul", "__matmul__", "__rmatmul__", "mm", "bmm", "mv", "addmm", "baddbmm", "einsum", "tensordot"}
_known: weakref.WeakKeyDictionary[nn.Module, str | None] = weakref.WeakKeyDictionary()


def without_rule(model: Classifier) -> str | None:
    """Reason why relevance would pass a layer by weights that are not its own; None where all linear maps are torch's layers.

    Costs one forward pass, once per model.
    """
    if model.module not in _known:
        found = next(_computing(model), None) or _applied_by_hand(model)
        _known[model.module] = None if found is None else _reason(*found)
    return _known[model.module]


def _reason(name: str, layer: nn.Module) -> str:
    where = f"{name} ({type(layer).__name__})" if name else f"the network itself ({type(layer).__name__})"
    return f"{where} computes the weights that it applies, and LRP's rules go by the weights of torch's own layers; make it one of these"


def _computing(model: Classifier) -> Iterator[tuple[str, nn.Module]]:
    """Linear layers whose weight is computed in each call."""
    for name, layer in model.module.named_modules():
        plain = "weight" in layer._parameters or "weight" in layer._buffers
        if isinstance(layer, Linear) and (parametrize.is_parametrized(layer) or not plain):
            yield name, layer


def _applied_by_hand(model: Classifier) -> tuple[str, nn.Module] | None:
    """The first module that applies weights to what depends on the image in a forward that is not that of torch's linear layers."""
    inside: list[tuple[str, nn.Module]] = []
    image = torch.zeros(1, *model.input_shape, device=model.device, dtype=model.dtype)
    with ExitStack() as stack, torch.enable_grad():
        for name, layer in iter_hookable(model.module):
            stack.callback(layer.register_forward_pre_hook(_entering(inside, name)).remove)
            stack.callback(layer.register_forward_hook(lambda layer, args, output: inside.pop() and None).remove)
        watch = stack.enter_context(_Watch(inside))
        model(image.requires_grad_())
    return watch.found


def _entering(inside: list[tuple[str, nn.Module]], name: str) -> Callable[[nn.Module, object], None]:
    return lambda layer, args: inside.append((name, layer))


class _Watch(TorchFunctionMode):
    """Notes the innermost module of the first linear map by hand."""

    def __init__(self, inside: list[tuple[str, nn.Module]]) -> None:
        super().__init__()
        self.inside = inside
        self.found: tuple[str, nn.Module] | None = None

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        if self.found is None and self.inside and _by_weights(func, [*args, *(kwargs or {}).values()], output):
            name, layer = self.inside[-1]
            if not _is_torchs(layer):
                self.found = name, layer
        return output


def _by_weights(function: Callable[..., Any], given: list[object], output: object) -> bool:
    """Whether a function maps what depends on the image by what does not."""
    name = getattr(function, "__name__", "")
    if not isinstance(output, Tensor) or not output.requires_grad:
        return False
    sides = [tensor for tensor in flatten_tensors(given) if tensor.ndim > 1]
    return name in _LINEAR_MAPS or (name in _PRODUCTS and not all(side.requires_grad for side in sides))


def _is_torchs(layer: nn.Module) -> bool:
    return (type(layer).forward.__module__ or "").startswith("torch.nn.")
