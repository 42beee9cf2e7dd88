"""Torch's own layer for a layer whose forward computes the weights of one linear map."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from harness.api.preparation.hook_points import iter_hookable, watch_calls
from harness.api.preparation.verification import run_on_example

_CONV_ARGUMENTS = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
_TRANSPOSED_CONV_ARGUMENTS = ("input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")
_LINEAR_LAYERS: dict[Callable[..., Any], tuple[type[nn.Module], tuple[str, ...]]] = {
    F.linear: (nn.Linear, ("input", "weight", "bias")),
    F.conv1d: (nn.Conv1d, _CONV_ARGUMENTS),
    F.conv2d: (nn.Conv2d, _CONV_ARGUMENTS),
    F.conv3d: (nn.Conv3d, _CONV_ARGUMENTS),
    F.conv_transpose1d: (nn.ConvTranspose1d, _TRANSPOSED_CONV_ARGUMENTS),
    F.conv_transpose2d: (nn.ConvTranspose2d, _TRANSPOSED_CONV_ARGUMENTS),
    F.conv_transpose3d: (nn.ConvTranspose3d, _TRANSPOSED_CONV_ARGUMENTS),
}
_PADDING_MODULES = {"constant": nn.ZeroPad2d, "reflect": nn.ReflectionPad2d, "replicate": nn.ReplicationPad2d, "circular": nn.CircularPad2d}


def layer_inputs(module: nn.Module, example: Tensor, wanted: Callable[[str, nn.Module], bool]) -> dict[str, Tensor]:
    """What ``wanted`` layers were given when ``module`` was run on ``example``.

    By name, a copy of the one tensor of the last call; of layers that took something else there is none.
    """
    taken: dict[str, Tensor] = {}

    def note(name: str, layer: nn.Module, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
        if len(args) == 1 and isinstance(args[0], Tensor) and not kwargs:
            taken[name] = args[0].detach().clone()

    if any(wanted(name, layer) for name, layer in iter_hookable(module)):
        with watch_calls(module, enter=note, among=wanted):
            run_on_example(module, example)
    return taken


def find_linear_equivalent(layer: nn.Module, taken: Tensor) -> nn.Module | None:
    """Torch's layer, after a padding if there is one, that does to the last bit what ``layer`` does to ``taken`` and to noise.

    None if the forward is not one linear map by weights that no input changes.
    """
    noise = torch.randn(taken.shape, generator=torch.Generator().manual_seed(0)).to(taken)
    try:
        with torch.no_grad():
            seen = [_RecordedCall(layer, each) for each in (taken, noise)]
    except Exception:  # noise may be no input for it
        return None
    if any(len(each.maps) != 1 for each in seen):
        return None
    built = [_build_layer(layer, *each.maps[0]) for each in seen]
    if built[0] is None or built[1] is None or not _same_weights(built[0], built[1]):
        return None
    padded = [nn.Sequential(pad, built[0]) for pad in map(_padding_module, seen[0].pads[-1:]) if pad is not None]
    for candidate in (built[0], *padded):
        if _reproduces(candidate, seen):
            return candidate.eval().requires_grad_(False)
    return None


class _RecordedCall(TorchFunctionMode):
    """One call of a layer: the linear maps and paddings in it."""

    def __init__(self, layer: nn.Module, taken: Tensor) -> None:
        super().__init__()
        self.taken = taken
        self.maps: list[tuple[Callable[..., Any], dict[str, Any]]] = []
        self.pads: list[dict[str, Any]] = []
        with self:
            self.returned = layer(taken)

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = dict(kwargs or {})
        if func in _LINEAR_LAYERS:
            self.maps.append((func, dict(zip(_LINEAR_LAYERS[func][1], args, strict=False)) | given))
        elif func is F.pad:
            self.pads.append(dict(zip(("input", "pad", "mode", "value"), args, strict=False)) | given)
        return func(*args, **given)


def _reproduces(candidate: nn.Module, seen: list[_RecordedCall]) -> bool:
    try:
        with torch.no_grad():
            return all(isinstance(each.returned, Tensor) and torch.equal(candidate(each.taken), each.returned) for each in seen)
    except Exception:  # of a shape that the other would have padded
        return False


def _build_layer(layer: nn.Module, function: Callable[..., Any], given: dict[str, Any]) -> nn.Module | None:
    """The layer for one call of a function, with the call's weights; those of a layer without parameters stay buffers."""
    kind = _LINEAR_LAYERS[function][0]
    weight, bias = given["weight"], given.get("bias")
    options = {name: value for name, value in given.items() if name not in ("input", "weight", "bias")}
    groups = options.get("groups", 1)
    first, second = weight.shape[:2]
    across = (first, second * groups) if "Transpose" in kind.__name__ else (second * groups, first)
    kernel = (tuple(weight.shape[2:]),) if weight.ndim > 2 else ()
    try:
        built = kind(*across, *kernel, **options, bias=bias is not None, device="meta")
    except (TypeError, ValueError, RuntimeError):
        return None
    learnt = any(True for _ in layer.parameters(recurse=False))
    for name, value in (("weight", weight), ("bias", bias)):
        if value is None:
            continue
        if learnt:
            kept = value if isinstance(value, nn.Parameter) else nn.Parameter(value.detach().clone(), requires_grad=False)
            built.register_parameter(name, kept)
        else:
            del built._parameters[name]
            built.register_buffer(name, value.detach().clone())
    return built


def _same_weights(one: nn.Module, other: nn.Module) -> bool:
    ours, theirs = one.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(value, theirs[name]) for name, value in ours.items())


def _padding_module(given: dict[str, Any]) -> nn.Module | None:
    """The module for one padding of two sides or four; None if there is none."""
    kind = _PADDING_MODULES.get(given.get("mode", "constant"))
    sides = tuple(given["pad"])
    if kind is None or len(sides) not in (2, 4) or given.get("value") not in (None, 0):
        return None
    padding: nn.Module = kind((*sides, 0, 0)[:4])
    return padding
