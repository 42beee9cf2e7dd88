"""A reader process: reads the rows of a worker's next job while that is at another, and prepares them.

Started by the worker as ``python -m harness.execution.reader`` with the plugins' files as its first line. It answers a request with a
message per row and the row's tensors, and with one that says when there are no more: all were sent, one could not be read, or another
request came. Why a row could not be read is not told: the worker reads it again, and blames what is to blame.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.execution.channel import Channel
from harness.registry.processes import adopt

if TYPE_CHECKING:
    from torch import Tensor

    from harness.execution.workbench import Workbench


def main() -> None:
    """Serve until standard input ends: then the worker is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel = Channel()
    settings = channel.inbox.get()
    adopt(settings.get("path"))
    from harness.execution.arithmetic import plain_fp32
    from harness.execution.workbench import Workbench
    from harness.registry.registry import Registry

    plain_fp32()
    workbench = Workbench(Registry.discover([Path(path) for path in settings["plugins"]]))
    with contextlib.suppress(OSError):
        while True:
            request = channel.inbox.get()
            with contextlib.suppress(BaseException):
                for message, tensors in rows(workbench, request):
                    channel.send({"request": request["request"], **message}, *map(_bytes, tensors))
                    if not channel.inbox.empty():
                        break
            channel.send({"request": request["request"], "ended": True})
    os._exit(0)


def rows(workbench: Workbench, request: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], list[Tensor]]]:
    """What is told of each row that is asked for: its id and digest, and its tensors by what they are."""
    from harness.execution.preparation import Preparation
    from harness.execution.samples import difference, prepare, read
    from harness.registry.recipe import Recipe

    dataset = workbench.dataset(Recipe.from_json(request["dataset"]))
    preparation = Preparation.from_json(request["preparation"])
    for position, planned in zip(request["positions"], request["digests"], strict=True):
        sample = read(dataset, position)
        digest = sample.digest if difference(sample, sample.id, planned) else planned
        row = prepare(sample, preparation, request["classes"])
        tensors = {"image": row.image, "mask": row.mask, "boxes": row.boxes}
        there = {name: tensor.detach().contiguous() for name, tensor in tensors.items() if tensor is not None}
        told = {name: [str(tensor.dtype).removeprefix("torch."), list(tensor.shape)] for name, tensor in there.items()}
        yield {"id": row.id, "digest": digest, "label": row.label, "tensors": told}, list(there.values())


def _bytes(tensor: Tensor) -> memoryview:
    import torch

    return tensor.reshape(-1).view(torch.uint8).numpy().data


if __name__ == "__main__":
    main()
