"""The rows of a worker's next job, read beside its work by a process of its own (`harness.worker.prefetch_process`).

Whatever becomes of that process, nothing depends on it: rows that it has not delivered as they were planned are read by the worker.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.api.classifiers import Classifier
from harness.planning.jobs import SampleRef, Subject
from harness.processes.child_process import ChildProcess
from harness.store.input_files import InputFiles
from harness.worker.portable_preprocessing import PortablePreprocessing
from harness.worker.samples import PreparedSample

FIRST_ROW_TIMEOUT = 60.0  # seconds in which the first row of a request must come: a reader must be started, and its dataset made
NEXT_ROW_TIMEOUT = 5.0  # seconds that the next row may take before the worker reads on by itself
MAX_READER_FAILURES = 3  # times that a reader may end or hang before there is none any more


@dataclass
class PrefetchRequest:
    """Rows that are read.

    Attributes:
        subject, rows, preparation: what is asked for.
        samples: the rows that came, from the first on.
        images: ``(B, C, H, W)`` that the images of ``samples`` are parts of, or None if they are not all of one shape and type.
        ended: whether no more will come.
        asked: when it was asked for (s, monotonic).
    """

    number: int
    subject: Subject
    rows: Sequence[SampleRef]
    preparation: Mapping[str, Any]
    samples: list[PreparedSample] = field(default_factory=list)
    images: Tensor | None = None
    ended: bool = False
    asked: float = field(default_factory=time.monotonic)

    @property
    def is_overdue(self) -> bool:
        """Whether it should have begun."""
        return not self.samples and not self.ended and time.monotonic() - self.asked > FIRST_ROW_TIMEOUT


class Prefetcher:
    """A worker's reader, started with the first request; `close` ends it.

    Args:
        plugins: files given with ``--plugin``.
        pinned: whether images are put into pinned memory, from which a GPU takes them while it works.
        inputs: where costly samples are kept, or None.
    """

    def __init__(self, plugins: Sequence[Path], pinned: bool, inputs: InputFiles | None = None) -> None:
        self._pinned = pinned
        kept = None if inputs is None else {"folder": str(inputs.folder), "bound": inputs.bound}
        self._settings = {"plugins": [str(path) for path in plugins], "inputs": kept}
        self._process: ChildProcess | None = None
        self._request: PrefetchRequest | None = None
        self._failures = self._number = 0
        self._news = threading.Condition()

    def close(self) -> None:
        """End the reader, if there is one."""
        if self._process is not None:
            self._end(self._process)

    def ask(self, subject: Subject, rows: Sequence[SampleRef], model: Classifier) -> None:
        """Have rows read in the coordinates of a model; a request before is given up, unless its answer has not begun."""
        before = self._request
        if before is not None and before.is_overdue:
            self._fail()
            before = None
        preparation, process = PortablePreprocessing.of(model), self._reader()
        if preparation is None or process is None or (before is not None and not before.samples and not before.ended):
            return
        self._number += 1
        self._request = PrefetchRequest(self._number, subject, rows, preparation.to_json())
        message = {
            "request": self._number,
            "dataset": subject.dataset_recipe.to_json(),
            "rows": [list(row) for row in rows],
            "classes": None if subject.classes is None else list(subject.classes),
            "preparation": self._request.preparation,
        }
        threading.Thread(target=process.send, args=(message,), daemon=True).start()  # a reader that hangs may not take it

    def take(self, subject: Subject, rows: Sequence[SampleRef], model: Classifier) -> tuple[list[PreparedSample], Tensor | None]:
        """The first of the rows, as far as they were read as planned, and if that is all of them their images together.

        Waits for rows that are being read, but not for those of which none has come.
        """
        request, preparation = self._request, PortablePreprocessing.of(model)
        if request is None or not request.samples or (request.subject, list(request.rows[: len(rows)])) != (subject, list(rows)):
            return [], None  # a job that was split when it was taken has the first of the rows
        if preparation is None or request.preparation != preparation.to_json():
            return [], None
        with self._news:
            while not request.ended and len(request.samples) < len(rows):
                count = len(request.samples)
                if not self._news.wait_for(lambda before=count: request.ended or len(request.samples) > before, NEXT_ROW_TIMEOUT):  # type: ignore[misc]
                    self._fail()
                    break
            self._request = None
            samples = request.samples[: len(rows)]
        return samples, request.images[: len(rows)] if request.images is not None and len(samples) == len(rows) else None

    def _reader(self) -> ChildProcess | None:
        """The reader, started if there is none; None if too many have ended."""
        if self._process is not None and self._process.has_exited:
            self._fail()
        if self._process is None and self._failures < MAX_READER_FAILURES:
            try:
                self._process = ChildProcess(
                    "harness.worker.prefetch_process",
                    self._settings,
                    self._hear,
                    environment={"CUDA_VISIBLE_DEVICES": ""},  # it takes nothing of the device's memory
                )
            except OSError:
                self._failures += 1
        return self._process

    def _fail(self) -> None:
        """End the reader; the next request starts another, unless too many have ended."""
        assert self._process is not None
        self._failures += 1
        self._end(self._process)

    def _end(self, process: ChildProcess) -> None:
        process.close(1.0)  # one that waits for a disk ends when that answers
        self._process = self._request = None

    def _hear(self, process: ChildProcess, message: Mapping[str, Any] | None) -> None:
        """Take in what a reader says, or that it has ended."""
        if message is not None:
            self._take_in(message, process)
            return
        with self._news:
            if self._request is not None and self._process is process:  # not one that was ended before
                self._request.ended = True
            self._news.notify_all()

    def _take_in(self, message: Mapping[str, Any], process: ChildProcess) -> None:
        request = self._request
        if request is None or message["request"] != request.number:
            request = None
        if "ended" in message:
            sample = None
        else:
            image, *evidence = (_receive_into(process, self._place(request, at == 0, *kind)) for at, kind in enumerate(message["tensors"]))
            sample = PreparedSample(message["id"], image, message["label"], dict(zip(message["evidence"], evidence, strict=True)))
        if request is None:
            return
        with self._news:
            if sample is None or not message["planned"]:
                request.ended = True
            elif not request.ended:
                request.samples.append(sample)
            self._news.notify_all()

    def _place(self, request: PrefetchRequest | None, is_image: bool, dtype: str, shape: Sequence[int]) -> Tensor:
        """Where a tensor is received into: for an image, if it can be, its part of all."""
        kind, place = getattr(torch, dtype), 0 if request is None else len(request.samples)
        if request is not None and is_image:
            if place == 0:
                request.images = _allocate([len(request.rows), *shape], kind, self._pinned)
            if request.images is not None and (request.images.dtype, list(request.images.shape[1:])) == (kind, list(shape)):
                return request.images[place]
            request.images = None
        return torch.empty(*shape, dtype=kind, device="cpu")


def _allocate(shape: Sequence[int], dtype: torch.dtype, pinned: bool) -> Tensor:
    try:
        return torch.empty(*shape, dtype=dtype, device="cpu", pin_memory=pinned)
    except RuntimeError:  # there is no more that could be pinned
        return torch.empty(*shape, dtype=dtype, device="cpu")


def _receive_into(process: ChildProcess, tensor: Tensor) -> Tensor:
    """A contiguous tensor filled with the bytes that come next."""
    process.receive_into(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return tensor
