"""All that decides what a model computes, in a form in which it is seen fast that nothing has changed, and told by name what has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest
from operator import is_
from typing import Any

from torch import Tensor, nn

from harness.worker.shared_state import ByIdentity
from harness.worker.tensor_checksums import Checksums, TensorBits, take_checksums

_HOOKS = [name for name in vars(nn.Module()) if name.endswith("_hooks")]  # the kinds of hooks that a layer may have
_REGISTERED = ("_modules", "_parameters", "_buffers")
_NONE: dict[int, object] = {}


class ModelState:
    """A model as it was when this was made.

    Args:
        module: the model.
        earlier: its state before: what still holds of it is not found out again.

    Attributes:
        kinds: the classes of its layers.
        bits: where its weights and buffers are.
        checksums: of these, once they are taken (`see_models`).
    """

    def __init__(self, module: nn.Module, earlier: ModelState | None = None) -> None:
        self._structure: _Structure
        self.bits: TensorBits
        self.checksums: Checksums = []
        if earlier is not None and earlier._structure.stays():
            self._structure = earlier._structure
            self.bits = earlier.bits if earlier.bits.stay() else TensorBits(self._structure.tensors.values())
        else:
            self._structure = _Structure(module)
            self.bits = TensorBits(self._structure.tensors.values())
        self.kinds = self._structure.kinds

    def changes(self, earlier: ModelState) -> list[str]:
        """The names of what is not as it was."""
        if (self._structure, self.bits) == (earlier._structure, earlier.bits) and self.checksums == earlier.checksums:
            return []
        before, after = earlier._described(), self._described()
        return [name for name in {**before, **after} if before.get(name) != after.get(name)]

    def _described(self) -> dict[str, object]:
        contents = zip(self.bits.described(), self.checksums, strict=True)
        return {**self._structure.described, **dict(zip(self._structure.tensors, contents, strict=True))}


def see_models(
    modules: Sequence[nn.Module], earlier: Sequence[ModelState] = (), others: TensorBits | None = None
) -> tuple[list[ModelState], Checksums]:
    """The states of models, and the checksums of other tensors: devices are asked once for all of them."""
    states = [ModelState(module, before) for module, before in zip_longest(modules, earlier)]
    *found, rest = take_checksums([*(state.bits for state in states), others or TensorBits([])])
    for state, checksums in zip(states, found, strict=True):
        state.checksums = checksums
    return states, rest


class _Structure:
    """A model's layers, all they have but the content of tensors, and the same described by names.

    Attributes:
        tensors: weights and buffers by what they are called.
        described: all else as comparable values, by the name of what they describe.
        kinds: the classes of the layers.
    """

    def __init__(self, module: nn.Module) -> None:
        parameters = dict(module.named_parameters())
        self.tensors: dict[str, Tensor] = {f"the weights {name}": parameter for name, parameter in parameters.items()}
        self.tensors |= {f"the buffer {name}": buffer for name, buffer in module.named_buffers()}
        self.described = _describe(module, parameters)
        self._layers = list(module.modules())
        self._parameters = list(parameters.values())
        self._types = list(map(type, self._layers))
        self.kinds = set(self._types)
        own = list(map(vars, self._layers))
        self._attributes = _Entries(own)
        tables = [value for attributes in own for value in attributes.values() if isinstance(value, dict)]
        self._empty = [table for table in tables if not table]
        self._filled = [table for table in tables if table]
        self._entries = _Entries(self._filled)
        self._flags = self._parameter_flags()
        # A scripted layer shows copies of its tables, which say nothing of later changes.
        self._comparable = all(isinstance(attributes.get(kind), dict) for attributes in own for kind in _REGISTERED)

    def stays(self) -> bool:
        """Whether every layer is the same, and all that it refers to, by identity: then all that is described holds."""
        return (
            self._comparable
            and list(map(type, self._layers)) == self._types
            and self._attributes.are_those_of(list(map(vars, self._layers)))
            and not any(self._empty)
            and self._entries.are_those_of(self._filled)
            and self._parameter_flags() == self._flags
        )

    def _parameter_flags(self) -> list[tuple[object, ...]]:
        return [
            (parameter.requires_grad, parameter.grad is None, *_hook_identities((parameter._backward_hooks or _NONE).values()))
            for parameter in self._parameters
        ]


class _Entries:
    """The entries of tables, which are kept alive, so that no other object takes the place of one."""

    def __init__(self, tables: Sequence[dict[Any, Any]]) -> None:
        self._sizes = list(map(len, tables))
        self._keys = list(chain.from_iterable(tables))
        self._values = _values(tables)

    def are_those_of(self, tables: Sequence[dict[Any, Any]]) -> bool:
        """Whether tables have these very entries, in this order."""
        return (
            list(map(len, tables)) == self._sizes
            and list(chain.from_iterable(tables)) == self._keys
            and all(map(is_, _values(tables), self._values))
        )


def _values(tables: Iterable[dict[Any, Any]]) -> list[Any]:
    return list(chain.from_iterable([table.values() for table in tables]))


def _describe(module: nn.Module, parameters: dict[str, nn.Parameter]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, layer in module.named_modules(remove_duplicate=False):
        own = vars(layer)
        registered = {**layer._parameters, **layer._buffers, **layer._modules}
        called = name or "the model"
        found[f"the layer {called}"] = (ByIdentity(layer), type(layer), tuple(layer._modules.keys()))
        found[f"the mode of {called}"] = layer.training
        found[f"the hooks of {called}"] = _hook_identities(hook for kind in _HOOKS for hook in (own.get(kind) or {}).values())
        found[f"the settings of {called}"] = _layer_constants(layer)
        for attribute, value in own.items():
            if callable(value) or registered.get(attribute, value) is not value:  # or hides what is registered by its name
                found[f"the attribute {attribute} of {called}"] = ByIdentity(value)
    for name, parameter in parameters.items():
        found[f"requires_grad of {name}"] = parameter.requires_grad
        found[f"the gradient of {name}"] = parameter.grad is None
        found[f"the hooks of {name}"] = _hook_identities((parameter._backward_hooks or {}).values())
    return found


def _hook_identities(hooks: Iterable[object]) -> list[ByIdentity]:
    return list(map(ByIdentity, hooks))


def _layer_constants(layer: nn.Module) -> dict[str, Any]:
    """Plain values that the layer's class declares constant, such as strides, or whether a ReLU works in place."""
    plain = (bool, int, float, str, tuple, type(None))
    return {name: vars(layer)[name] for name in getattr(layer, "__constants__", ()) if isinstance(vars(layer).get(name, layer), plain)}
