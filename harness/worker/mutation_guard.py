"""Checks that a component left things as it found them. It compares; it does not hide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import xxhash
from torch import Tensor, nn

from harness.text_format import format_some
from harness.worker.shared_state import ByIdentity, SharedState
from harness.worker.timing import span

_HOOKS = [name for name in vars(nn.Module()) if name.endswith("_hooks")]  # the kinds of hooks that a layer may have
CHECKSUM_ROW_WORDS = 1024  # words in a row of the square that a tensor's checksum is taken over
ModelState = dict[str, Any]
SeenModels = dict[nn.Module, ModelState]


class MutationError(RuntimeError):
    """A component changed what is not its own; its result is not to be trusted."""


@contextmanager
def forbid_changes(
    modules: nn.Module | Sequence[nn.Module], tensors: Sequence[tuple[str, Tensor]] = (), seen: SeenModels | None = None
) -> Iterator[None]:
    """Raise `MutationError`, on leaving the block, for whatever is not as it was; process-wide state is put back first.

    After an exception in the block that exception goes on, with a note of what was left changed.

    Args:
        modules: the model, or the models, that the block may run but not change; none for process-wide state alone.
        tensors: that the block may read but not write into, with what they are called.
        seen: models as the last block left them, and this one does: what follows at once need not look at them twice.
    """
    with span("checks", "what is there"):
        models = _ModelSnapshots([modules] if isinstance(modules, nn.Module) else modules, SeenModels() if seen is None else seen)
        copies = [(name, tensor, tensor.detach().clone()) for name, tensor in tensors]
        process = SharedState()

    def changes() -> list[str]:
        with span("checks", "what is left"):
            shared = process.restore()
            written = [name for name, tensor, copy in copies if not equal_with_nan(tensor, copy)]
            return [*models.changes(), *shared, *written]

    try:
        yield
    except BaseException as error:
        if found := changes():
            error.add_note(_mutation_message(found))
            error.left_changed = True  # type: ignore[attr-defined]
        raise
    if found := changes():
        raise MutationError(_mutation_message(found))


def equal_with_nan(tensor: Tensor, copy: Tensor) -> bool:
    """Whether two tensors have the same values: NaN where the other has NaN is the same."""
    if tensor.shape != copy.shape:
        return False
    if torch.equal(tensor, copy):
        return True
    return copy.is_floating_point() and bool(((tensor == copy) | (tensor.isnan() & copy.isnan())).all())


def caused_mutation(error: BaseException) -> bool:
    """Whether the block that raised ``error`` also left something changed, so that the model must be made again."""
    return isinstance(error, MutationError) or bool(getattr(error, "left_changed", False))


def _mutation_message(changes: list[str]) -> str:
    return f"the component left changed: {format_some(changes, 4)}"


class _ModelSnapshots:
    """Models as they were, and the code of their classes, which is put back: models made later have it too."""

    def __init__(self, modules: Sequence[nn.Module], seen: SeenModels) -> None:
        self._modules = list({id(module): module for module in modules}.values())
        self._code = {kind: vars(kind).get("forward") for module in self._modules for kind in map(type, module.modules())}
        self._seen = seen
        self._before = [seen.pop(module, {}) or _model_state(module) for module in self._modules]

    def changes(self) -> list[str]:
        """The names of what is not as it was."""
        found = []
        for kind, forward in self._code.items():
            if vars(kind).get("forward") is not forward:
                found.append(f"the forward of every {kind.__name__}")
                if forward is None:
                    delattr(kind, "forward")
                else:
                    type.__setattr__(kind, "forward", forward)
        for place, (module, before) in enumerate(zip(self._modules, self._before, strict=True)):
            which = f" of model {place + 1}" if place else ""
            after = _model_state(module)
            changed = [f"{name}{which}" for name in {**before, **after} if before.get(name) != after.get(name)]
            if not changed:
                self._seen[module] = after
            found += changed
        return found


def _model_state(module: nn.Module) -> ModelState:
    """All that decides what a model computes, as comparable values by the name of what they describe."""
    state: ModelState = {}
    for name, layer in module.named_modules(remove_duplicate=False):
        own = vars(layer)
        called = name or "the model"
        state[f"the layer {called}"] = (ByIdentity(layer), type(layer), tuple(layer._modules.keys()))
        state[f"the mode of {called}"] = layer.training
        state[f"the hooks of {called}"] = [ByIdentity(hook) for kind in _HOOKS for hook in (own.get(kind) or {}).values()]
        state[f"the settings of {called}"] = _layer_constants(layer)
        for attribute, value in own.items():
            if callable(value) or _hides_registered(layer, attribute):
                state[f"the attribute {attribute} of {called}"] = ByIdentity(value)
    for name, parameter in module.named_parameters():
        state[f"requires_grad of {name}"] = parameter.requires_grad
        state[f"the gradient of {name}"] = parameter.grad is None
        state[f"the hooks of {name}"] = [ByIdentity(hook) for hook in (parameter._backward_hooks or {}).values()]
    tensors: dict[str, Tensor] = {f"the weights {name}": parameter for name, parameter in module.named_parameters()}
    tensors |= {f"the buffer {name}": buffer for name, buffer in module.named_buffers()}
    for name, found in zip(tensors, _checksums([tensor.detach() for tensor in tensors.values()]), strict=True):
        state[name] = (tensors[name].data_ptr(), tuple(tensors[name].shape), found)
    return state


def _layer_constants(layer: nn.Module) -> dict[str, Any]:
    """Plain values that the layer's class declares constant, such as strides, or whether a ReLU works in place."""
    plain = (bool, int, float, str, tuple, type(None))
    return {name: vars(layer)[name] for name in getattr(layer, "__constants__", ()) if isinstance(vars(layer).get(name, layer), plain)}


def _hides_registered(layer: nn.Module, attribute: str) -> bool:
    """Whether an attribute hides a parameter, buffer or layer of the same name behind another object."""
    kinds = (layer._parameters, layer._buffers, layer._modules)
    return any(attribute in kind and vars(layer)[attribute] is not kind[attribute] for kind in kinds)


def _checksums(tensors: Sequence[Tensor]) -> list[Any]:
    """A checksum of each tensor's bits, in which their order counts; those of a device are taken there, and fetched all at once."""
    contents = [tensor.contiguous().reshape(-1).view(torch.uint8) for tensor in tensors]
    away = {place: _checksum_words(content) for place, content in enumerate(contents) if not content.is_cpu}
    one = next((sums.device for sums in away.values()), None)
    fetched = torch.stack([sums.to(one) for sums in away.values()]).tolist() if away else []
    found: dict[int, Any] = dict(zip(away, fetched, strict=True))
    return [found[place] if place in found else xxhash.xxh3_64_intdigest(content.numpy().data) for place, content in enumerate(contents)]


def _checksum_words(content: Tensor) -> Tensor:
    """``(2,)`` sums of the words of bytes by row and by column of a square, which values that change places change too."""
    content = content.clone() if content.storage_offset() % 8 else content  # words begin where words can
    words = _mix_bits(content[: content.numel() // 8 * 8].view(torch.int64))
    square = words[: words.numel() // CHECKSUM_ROW_WORDS * CHECKSUM_ROW_WORDS].view(-1, CHECKSUM_ROW_WORDS)
    rest = torch.cat([words[square.numel() :], content[words.numel() * 8 :].long()])
    return torch.stack([_weighted_sum(square.sum(dim=0)) + _weighted_sum(rest), _weighted_sum(square.sum(dim=1))])


def _weighted_sum(words: Tensor) -> Tensor:
    """The sum of the words, each times an odd number of its own, by which no bit is lost: integers wrap around, the same every time."""
    return (words * (2 * torch.arange(len(words), device=words.device) + 1)).sum()


def _mix_bits(words: Tensor) -> Tensor:
    """Words in which every bit depends on many: a sign, the highest bit of a word, would be lost when words are added up in pairs."""
    words = (words ^ (words >> 31 & 2**33 - 1)) * 0x4F1BBCDCBFA53E0B
    return words ^ (words >> 29 & 2**35 - 1)
