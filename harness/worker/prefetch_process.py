"""A reader process: reads the rows of a worker's next job while that is at another, and prepares them.

It answers a request with a message per row and the row's tensors, and with one that says when there are no more: all were sent, one could
not be read, or another request came. Why a row could not be read is not told: the worker reads it again, and blames what is to blame.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.processes.channel import Channel

if TYPE_CHECKING:
    from torch import Tensor

    from harness.worker.component_cache import ComponentCache


def main() -> None:
    """Serve until standard input ends: then the worker is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel = Channel()
    from harness.registry.registry import Registry
    from harness.worker.arithmetic import set_plain_fp32
    from harness.worker.component_cache import ComponentCache

    set_plain_fp32()
    components = ComponentCache(Registry.discover([Path(path) for path in channel.settings["plugins"]]))
    with contextlib.suppress(OSError):
        while True:
            request = channel.inbox.get()
            with contextlib.suppress(BaseException):
                for message, tensors in read_rows(components, request):
                    channel.send({"request": request["request"], **message}, *map(_tensor_bytes, tensors))
                    if not channel.inbox.empty():
                        break
            channel.send({"request": request["request"], "ended": True})
    channel.end()


def read_rows(components: ComponentCache, request: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], list[Tensor]]]:
    """Id, digest and kinds of evidence of each row that is asked for, and its tensors: the image, then the evidence."""
    from harness.registry.recipe import Recipe
    from harness.worker.portable_preprocessing import PortablePreprocessing
    from harness.worker.samples import find_sample_difference, prepare_sample, read_sample

    dataset = components.dataset(Recipe.from_json(request["dataset"]))
    preparation = PortablePreprocessing.from_json(request["preparation"])
    for position, planned in zip(request["positions"], request["digests"], strict=True):
        sample = read_sample(dataset, position)
        digest = sample.digest if find_sample_difference(sample, sample.id, planned) else planned
        row = prepare_sample(sample, preparation, request["classes"])
        tensors = [tensor.detach().contiguous() for tensor in (row.image, *row.evidence.values())]
        told = [[str(tensor.dtype).removeprefix("torch."), list(tensor.shape)] for tensor in tensors]
        yield {"id": row.id, "digest": digest, "label": row.label, "evidence": list(row.evidence), "tensors": told}, tensors


def _tensor_bytes(tensor: Tensor) -> memoryview:
    import torch

    return tensor.reshape(-1).view(torch.uint8).numpy().data


if __name__ == "__main__":
    main()
