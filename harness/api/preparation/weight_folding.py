"""Makes computed weights plain ones: of parametrisations, of hooks that set a weight before each call, of forwards that compute it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize
from torch.overrides import TorchFunctionMode

from harness.api.preparation.hook_points import iter_hookable, watch_calls
from harness.api.preparation.modules import copy_sharing_tensors, is_custom
from harness.api.preparation.verification import reproduces_output, run_on_example

_WEIGHT_SOURCES = ("orig", "g", "v", "u", "mask")
"""How torch's ``weight_norm``, ``spectral_norm`` and ``prune``, and what copies them, name the tensors that a weight is made of."""
_WEIGHTED_LAYERS = (
    nn.modules.conv._ConvNd,
    nn.Linear,
    nn.Bilinear,
    nn.Embedding,
    nn.modules.batchnorm._NormBase,
    nn.LayerNorm,
    nn.GroupNorm,
)
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


def fold_weights(module: nn.Module, example: Tensor | None = None) -> nn.Module:
    """A copy of ``module`` whose layers have the weights that they compute; ``module`` itself if there is nothing to fold.

    Folded are parametrisations (`torch.nn.utils.parametrize`: ``weight_norm``, ``spectral_norm``, ``orthogonal``, one's own), weights that
    a pre-hook sets (the older ``weight_norm`` and ``spectral_norm``, ``prune``, equalised learning rates), and with an ``example``
    (B, C, H, W) childless layers whose forward is one linear map by weights that it computes (weight standardisation): these become
    torch's own. All this on the condition that the weights are the same in every call, and the output on ``example`` is to the last bit.
    What shares no tensor with a computed weight is shared with ``module``.
    """
    inputs = {} if example is None else _layer_inputs(module, example, _may_be_linear_map)
    names = [name for name, layer in module.named_modules() if _has_computed_weights(layer) or name in inputs]
    if not names:
        return module
    folded, done = _fold_layers(module, names, inputs)
    if example is None or not done:
        return folded
    expected = run_on_example(module, example)
    if not reproduces_output(folded, example, expected):  # which of them it is, one at a time
        folded, _ = _fold_layers(
            module, [name for name in done if reproduces_output(_fold_layers(module, [name], inputs)[0], example, expected)], inputs
        )
    return folded if reproduces_output(folded, example, expected) else module


def _fold_layers(module: nn.Module, names: Collection[str], inputs: Mapping[str, Tensor]) -> tuple[nn.Module, list[str]]:
    """A copy with the layers of these names folded, and the names of those that could be."""
    root = copy_sharing_tensors(module)
    done = []
    for name in names:
        layer = root.get_submodule(name)
        folded = _fold_parametrisations(layer) if parametrize.is_parametrized(layer) else _fold_hooks(layer)
        plain = _find_linear_equivalent(layer, inputs[name]) if name in inputs else None
        if plain is not None:
            _replace_layer(root, layer, plain)
        if folded or plain is not None:
            done.append(name)
    return root, done


def _may_be_linear_map(name: str, layer: nn.Module) -> bool:
    """Whether a layer without children may compute the weights of one linear map in a forward of its own."""
    own = (
        any(True for _ in layer.parameters(recurse=False))
        or any(True for _ in layer.buffers(recurse=False))
        or _has_computed_weights(layer)
    )
    children = [child for child in layer._modules if child != "parametrizations"]
    return bool(name) and own and not children and not layer._forward_hooks and is_custom(layer)


def _has_computed_weights(layer: nn.Module) -> bool:
    return parametrize.is_parametrized(layer) or (bool(layer._forward_pre_hooks) and bool(_tensors_set_by_hooks(layer)))


def _fold_parametrisations(layer: nn.Module) -> bool:
    """Give a parametrised layer its class back, and the values of its parametrised tensors; the class may be another copy's too."""
    lists = layer.parametrizations
    assert isinstance(lists, nn.ModuleDict)
    with torch.no_grad():
        values = {name: (getattr(layer, name), getattr(layer, name)) for name in lists}
    if not all(torch.equal(first, second) for first, second in values.values()):
        return False
    del layer._modules["parametrizations"]
    layer.__class__ = type(layer).__bases__[0]
    for name, (value, _) in values.items():
        _register_tensor(layer, name, value, parameter=any(True for _ in lists[name].parameters(recurse=False)))
    return True


def _tensors_set_by_hooks(layer: nn.Module) -> set[str]:
    """Names of the tensors of a layer that stand for a parameter and are none."""
    plain = {name for name, value in vars(layer).items() if isinstance(value, Tensor)}
    named = {name for name in plain if any(f"{name}_{source}" in layer._parameters for source in _WEIGHT_SOURCES)}
    lacking = isinstance(layer, _WEIGHTED_LAYERS) and "weight" not in layer._parameters and "weight" not in layer._buffers
    return named | ({"weight"} if lacking else set())


def _fold_hooks(layer: nn.Module) -> bool:
    """Let what pre-hooks set on a layer be parameters, and these hooks go; one that needs the input computes no constant weight."""
    folded = False
    for key, hook in list(layer._forward_pre_hooks.items()):
        for name in _tensors_set_by_hooks(layer):
            first, second = (_value_set_by_hook(layer, name, hook) for _ in range(2))
            if first is None or second is None or not torch.equal(first, second):
                continue
            layer._forward_pre_hooks.pop(key, None)
            layer._forward_pre_hooks_with_kwargs.pop(key, None)
            for source in _WEIGHT_SOURCES:
                layer._parameters.pop(f"{name}_{source}", None)
                layer._buffers.pop(f"{name}_{source}", None)
            vars(layer).pop(name, None)
            _remove_state_dict_hooks(layer)
            _register_tensor(layer, name, first, parameter=True)
            folded = True
    return folded


def _value_set_by_hook(layer: nn.Module, name: str, hook: object) -> Tensor | None:
    """What a pre-hook sets a tensor to; None if it does not, or needs the input."""
    before = vars(layer).get(name)
    try:
        with torch.no_grad():
            result = hook(layer, ())  # type: ignore[operator]
    except Exception:
        return None
    value = vars(layer).get(name)
    return value.detach().clone() if result is None and isinstance(value, Tensor) and value is not before else None


def _remove_state_dict_hooks(layer: nn.Module) -> None:
    """Spectral normalisation reads and writes state dicts of its own."""
    for hooks in (layer._state_dict_hooks, layer._load_state_dict_pre_hooks):
        for key, hook in list(hooks.items()):
            if type(getattr(hook, "hook", hook)).__module__ == "torch.nn.utils.spectral_norm":
                del hooks[key]


def _register_tensor(layer: nn.Module, name: str, value: Tensor, *, parameter: bool) -> None:
    if parameter:
        layer.register_parameter(name, nn.Parameter(value.detach().clone(), requires_grad=False))
    else:
        layer.register_buffer(name, value.detach().clone())


def _replace_layer(root: nn.Module, layer: nn.Module, plain: nn.Module) -> None:
    """Put one layer in the place of another, wherever that stands."""
    for parent in list(root.modules()):
        for name, child in parent._modules.items():
            if child is layer:
                parent._modules[name] = plain


def _layer_inputs(module: nn.Module, example: Tensor, wanted: Callable[[str, nn.Module], bool]) -> dict[str, Tensor]:
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


def _find_linear_equivalent(layer: nn.Module, taken: Tensor) -> nn.Module | None:
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
