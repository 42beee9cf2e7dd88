"""Checks that a component left things as it found them. It compares; it does not hide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from harness.api.kept_networks import watch_kept_networks
from harness.text_format import format_some
from harness.worker.model_state import ModelState, see_models
from harness.worker.shared_state import SharedState
from harness.worker.tensor_checksums import Checksums, TensorBits
from harness.worker.timing import span

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
        modules: the model, or the models, that the block may run but not change; none for process-wide state alone. Networks made of
            them that are kept (`harness.api.kept_networks`) are looked at where the block takes them.
        tensors: that the block may read but not write into, with what they are called.
        seen: models as the last block left them, and this one does: what follows at once need not look at them twice.
    """
    with span("checks", "what is there"):
        models = _ModelSnapshots([modules] if isinstance(modules, nn.Module) else modules, SeenModels() if seen is None else seen)
        copies = _TensorCopies(tensors)
        process = SharedState()

    def changes() -> list[str]:
        with span("checks", "what is left"):
            shared = process.restore()
            found, checksums = models.changes(copies.bits)
            return [*found, *shared, *copies.changes(checksums)]

    try:
        with watch_kept_networks(models.add):
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


def has_same_bits(tensor: Tensor, copy: Tensor) -> Tensor:
    """Whether a tensor is a copy of another on its device, to the last bit: a bool that is there, so that nobody waits for it."""
    if (tensor.shape, tensor.dtype) != (copy.shape, copy.dtype):
        return torch.zeros((), dtype=torch.bool, device=copy.device)
    integers = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[copy.dtype.itemsize]
    return (tensor.detach().view(integers) == copy.detach().view(integers)).all()


def caused_mutation(error: BaseException) -> bool:
    """Whether the block that raised ``error`` also left something changed, so that the model must be made again."""
    return isinstance(error, MutationError) or bool(getattr(error, "left_changed", False))


def _mutation_message(changes: list[str]) -> str:
    return f"the component left changed: {format_some(changes, 4)}"


class _ModelSnapshots:
    """Models as they were, and the code of their classes, which is put back: models made later have it too."""

    def __init__(self, modules: Sequence[nn.Module], seen: SeenModels) -> None:
        self._modules = list({id(module): module for module in modules}.values())
        self._seen = seen
        known = [seen.pop(module, None) for module in self._modules]
        fresh, _ = see_models([module for module, state in zip(self._modules, known, strict=True) if state is None])
        looks = iter(fresh)
        self._before = [state or next(looks) for state in known]
        self._code = {kind: vars(kind).get("forward") for state in self._before for kind in state.kinds}
        self._given = len(self._modules)

    def add(self, module: nn.Module) -> None:
        """A further one, as it is now."""
        if module not in self._modules:
            before = self._seen.pop(module, None) or see_models([module])[0][0]
            self._modules.append(module)
            self._before.append(before)
            self._code = {kind: vars(kind).get("forward") for kind in before.kinds} | self._code

    def changes(self, others: TensorBits) -> tuple[list[str], Checksums]:
        """The names of what is not as it was, and the checksums of other tensors, for which devices are not asked again."""
        found = []
        for kind, forward in self._code.items():
            if vars(kind).get("forward") is not forward:
                found.append(f"the forward of every {kind.__name__}")
                if forward is None:
                    delattr(kind, "forward")
                else:
                    type.__setattr__(kind, "forward", forward)
        states, checksums = see_models(self._modules, self._before, others)
        for place, (module, before, after) in enumerate(zip(self._modules, self._before, states, strict=True)):
            which = f" of model {place + 1}" if place else ""
            which = which if place < self._given else " of a network made of the model"
            changed = after.changes(before)
            if not changed:
                self._seen[module] = after
            found += [f"{name}{which}" for name in changed]
        return found, checksums


class _TensorCopies:
    """Tensors and what they were. Those on a device are compared by checksums, fetched with a model's: nothing else waits for it."""

    def __init__(self, tensors: Sequence[tuple[str, Tensor]]) -> None:
        self._here: list[tuple[str, Tensor, Tensor]] = []
        self._away: list[tuple[str, Tensor, Tensor]] = []
        for name, tensor in tensors:
            copy = tensor.detach().clone()
            (self._here if copy.is_cpu else self._away).append((name, tensor, copy))

    @property
    def bits(self) -> TensorBits:
        """Where those on a device are, and then their copies."""
        return TensorBits([*(tensor for _, tensor, _ in self._away), *(copy for _, _, copy in self._away)])

    def changes(self, checksums: Checksums) -> list[str]:
        """The names of those whose values are not what they were, given the checksums of ``bits``."""
        pairs = zip(self._away, checksums[: len(self._away)], checksums[len(self._away) :], strict=True)
        doubtful = [entry for entry, left, was in pairs if left != was or not _read_alike(*entry[1:])]
        return [name for name, tensor, copy in [*self._here, *doubtful] if not equal_with_nan(tensor, copy)]


def _read_alike(tensor: Tensor, copy: Tensor) -> bool:
    """Whether two tensors with the same bits have the same values in the same places."""
    form = (tensor.layout, tensor.dtype, tensor.shape) == (copy.layout, copy.dtype, copy.shape)
    return form and tensor.layout == torch.strided and tensor.stride() == copy.stride()
