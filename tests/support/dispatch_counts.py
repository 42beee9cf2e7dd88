"""What torch is told to do on the stand-in for a GPU: operations, and copies between it and main memory.

As a program (a process of its own, see `tests.support.elsewhere`) it prints, for checks of networks of several sizes, how many there are.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tests.support.standin import NAME, standin

OperationKind = Literal["view", "operation", "to the device", "to the host"]
_READING = {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape}  # the host must know what the device found


@dataclass(frozen=True)
class Dispatched:
    """One operation: when it was (perf_counter), what it is called, and what a GPU would have of it; views cost it nothing."""

    when: float
    name: str
    kind: OperationKind


class DispatchRecord(TorchDispatchMode):
    """A record of all operations of the block that have to do with the device."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[Dispatched] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        when = time.perf_counter()
        result = func(*args, **(kwargs or {}))
        given, made = (
            {tensor.device.type for tensor in tree_leaves(some) if isinstance(tensor, Tensor)} for some in ((args, kwargs), result)
        )
        if NAME in given | made:
            self.operations.append(Dispatched(when, str(func), _kind(func, args, given, made)))
        return result

    def counts(self) -> dict[str, int]:
        """How many there are of each kind."""
        return dict(Counter(operation.kind for operation in self.operations))


def _devices(values: Any) -> set[str]:
    return {value.device.type for value in tree_leaves(values) if isinstance(value, Tensor)}


def _kind(func: Any, args: Sequence[Any], given: set[str], made: set[str]) -> OperationKind:
    if func is torch.ops.aten.copy_.default and args[0].device != args[1].device:
        return "to the device" if args[0].device.type == NAME else "to the host"
    if _READING & set(func.tags) or (NAME in given and made and NAME not in made):
        return "to the host"
    if NAME in made and given and NAME not in given:
        return "to the device"
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
