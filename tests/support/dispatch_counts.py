"""What torch is told to do on the stand-in for a GPU: operations, and copies between it and main memory.

As a program (a process of its own, see `tests.support.elsewhere`) it prints, for checks of networks of several sizes, how many there are.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tests.support.standin import NAME, standin

OperationKind = Literal["view", "operation", "to the device", "to the host"]
_READING = {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape}  # the host must know what the device found
_INDEXING = (torch.ops.aten.index, torch.ops.aten.index_put, torch.ops.aten.index_put_)
_ASKING = torch.ops.aten._linalg_check_errors.default
_MADE_OF_NUMBERS = torch.ops.aten.lift_fresh.default  # what `torch.tensor` ends with, whose copy nobody sees


@dataclass(frozen=True)
class Dispatched:
    """One operation: when it was (perf_counter), what it is called, and what a GPU would have of it.

    Views cost it nothing. Copies are those for which the host waits: one to the device that is not ``non_blocking`` too.
    """

    when: float
    name: str
    kind: OperationKind


class DispatchRecord(TorchDispatchMode):
    """A record of all operations of the block that have to do with the device."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[Dispatched] = []
        self._paused = False

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What the block does is not recorded."""
        before, self._paused = self._paused, True
        try:
            yield
        finally:
            self._paused = before

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        when = time.perf_counter()
        result = func(*args, **(kwargs or {}))
        if self._paused:
            return result
        given, made = (
            {tensor.device.type for tensor in tree_leaves(some) if isinstance(tensor, Tensor)} for some in ((args, kwargs), result)
        )
        if NAME in given | made:
            self.operations.append(Dispatched(when, str(func), _kind(func, args, kwargs or {}, given, made)))
        return result

    def counts(self) -> dict[str, int]:
        """How many there are of each kind."""
        return dict(Counter(operation.kind for operation in self.operations))


def _kind(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], given: set[str], made: set[str]) -> OperationKind:
    if func.overloadpacket in _INDEXING:
        masks = any(isinstance(index, Tensor) and index.dtype in (torch.bool, torch.uint8) for index in args[1])
        return "to the host" if masks else "operation"  # how many places a mask has is found by counting
    if func is torch.ops.aten.copy_.default and args[0].device != args[1].device:
        kind: OperationKind = "to the device" if args[0].device.type == NAME else "to the host"
        return "operation" if kind == "to the device" and True in args[2:] else kind
    if func is _ASKING or _READING & set(func.tags) or (NAME in given and made and NAME not in made):
        return "to the host"
    if func is _MADE_OF_NUMBERS or (NAME in made and given and NAME not in given):
        return "operation" if kwargs.get("non_blocking") else "to the device"
    return "view" if func.is_view else "operation"


def _network(layers: int, width: int) -> nn.Sequential:
    return nn.Sequential(*(nn.Sequential(nn.Conv2d(3, width, 3), nn.BatchNorm2d(width)) for _ in range(layers))).eval()


def main() -> None:
    """Of networks by layers and width the counts by kind of the first check of a network, and of the next two."""
    from harness.worker.mutation_guard import SeenModels, forbid_changes

    device, found = standin(), []
    for layers, width in json.load(sys.stdin):
        module, seen = _network(layers, width).to(device), SeenModels()
        given = [("the images", torch.rand(2, 3, 8, 8).to(device)), ("the targets", torch.tensor([0, 1]).to(device))]
        given += [("the masks", (torch.rand(2, 1, 7, 9) > 0.5).to(device))]
        counts = []
        for _ in range(3):  # the first also makes the numbers that words are multiplied by
            with DispatchRecord() as record, forbid_changes(module, given, seen):
                pass
            counts.append(record.counts())
        found.append({"first": counts[0], "next": counts[1], "after": counts[2]})
    print(json.dumps(found))


if __name__ == "__main__":
    main()
