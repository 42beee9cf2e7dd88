"""What an executor is: it does jobs somewhere, and tells what became of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from harness.dispatch.events import Event
from harness.planning.jobs import Job


@dataclass(frozen=True)
class ExecutorSettings:
    """What an executor is made from; nothing here changes a result.

    Attributes:
        store: the store's absolute path, or its URL, which may carry credentials.
        logs: a folder for what workers print.
        plugins: files given with ``--plugin``.
        devices, workers, batch: as in the spec.
        timeout, startup_timeout: seconds.
        prefetch: whether workers read the rows of their next jobs ahead; ``auto`` is on those of GPUs.
    """

    store: str
    logs: Path
    plugins: Sequence[Path] = ()
    devices: Sequence[str] | str = "auto"
    workers: int | str = "auto"
    batch: int | None = None
    timeout: float = 600.0
    startup_timeout: float = 300.0
    prefetch: Literal["auto"] | bool = "auto"

    def prefetches(self, device: str) -> bool:
        """Whether a worker on a device does: on a CPU the reader would take a core from the model."""
        return device != "cpu" if self.prefetch == "auto" else self.prefetch


class ExecutorError(RuntimeError):
    """The executor itself cannot work: no worker comes up."""


class Executor(Protocol):
    """Submit jobs, receive events, cancel columns, stop. The same for one process, many, and a cluster."""

    def ask(self, request: Mapping[str, Any]) -> Any:
        """The answer to one request (`harness.worker.inspection`); raises `harness.planning.inspector.Unavailable`."""

    def submit(self, jobs: Sequence[Job]) -> None:
        """Queue jobs, to be begun in this order."""

    def events(self) -> Iterator[Event]:
        """Events until every submitted job is finished."""

    def cancel(self, columns: Set[str]) -> None:
        """Drop these columns from the jobs that have not begun."""

    def stop(self) -> None:
        """Stop at once; what is in flight is dropped."""


def drop_columns(job: Job, columns: Set[str]) -> Job | None:
    """What is left of a job when columns are dropped: nothing where its explanation is one of them or no metric is left."""
    if job.key in columns:
        return None
    left = job.without(set(columns))
    return left if left.metrics or not job.metrics else None
