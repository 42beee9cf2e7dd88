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
    from harness.store.input_files import InputFiles
    from harness.worker.arithmetic import set_plain_fp32
    from harness.worker.component_cache import ComponentCache

    set_plain_fp32()
    kept = channel.settings["inputs"]
    components = ComponentCache(
        Registry.discover([Path(path) for path in channel.settings["plugins"]]),
        input_files=None if kept is None else InputFiles(Path(kept["folder"]), kept["bound"]),
    )
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
    """Id, kinds of evidence of each row that is asked for, whether it is as planned, and its tensors: the image, then the evidence."""
    from harness.planning.jobs import SampleRef
    from harness.registry.recipe import Recipe
    from harness.worker.portable_preprocessing import PortablePreprocessing
    from harness.worker.samples import prepare_sample
    from harness.worker.stored_inputs import read_planned

    dataset = Recipe.from_json(request["dataset"])
    preparation = PortablePreprocessing.from_json(request["preparation"])
    rows = [SampleRef.of(position, id, digest, dict(evidence)) for position, id, digest, evidence in request["rows"]]
    for sample, as_planned in read_planned(components, dataset, rows):
        row = prepare_sample(sample, preparation, request["classes"])
        tensors = [tensor.detach().contiguous() for tensor in (row.image, *row.evidence.values())]
        told = [[str(tensor.dtype).removeprefix("torch."), list(tensor.shape)] for tensor in tensors]
        yield {"id": row.id, "planned": as_planned, "label": row.label, "evidence": list(row.evidence), "tensors": told}, tensors


def _tensor_bytes(tensor: Tensor) -> memoryview:
    import torch

    return tensor.reshape(-1).view(torch.uint8).numpy().data


if __name__ == "__main__":
    main()
