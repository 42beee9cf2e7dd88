"""Executors: they do jobs somewhere, and tell what became of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Annotated, Any, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict

from harness.dispatch.events import Event
from harness.planning.jobs import Job
from harness.spec.run_spec import ExecutionOptions
from harness.store.input_files import DEFAULT_BOUND, InputFiles
from harness.user_errors import UserError

AbsolutePath = Annotated[Path, AfterValidator(Path.resolve)]  # what other processes are told, which may be in another folder


class ExecutorSettings(BaseModel):
    """Settings that an executor and its workers are made from; nothing here changes a result. Workers are sent it as JSON.

    Attributes:
        store: the store's absolute path, or its URL, which may carry credentials.
        logs: a folder for what workers print.
        plugins: files given with ``--plugin``.
        options: the spec's ``execution``, in which every setting is declared.
        inputs: bytes of costly samples that the store may keep.
    """

    model_config = ConfigDict(frozen=True)

    store: str
    logs: AbsolutePath
    plugins: list[AbsolutePath] = []
    options: ExecutionOptions = ExecutionOptions()
    inputs: int = DEFAULT_BOUND

    @property
    def batch(self) -> int | None:
        """Samples per batch, None if the worker is to find out."""
        return None if self.options.batch == "auto" else self.options.batch

    @property
    def input_files(self) -> InputFiles | None:
        """Where costly samples are kept; None if none are."""
        return InputFiles.of_store(self.store, self.inputs)

    def limit(self, what: str) -> float:
        """Seconds that a phase may take: loading, or the call of a component."""
        return self.options.startup_timeout if what == "load" else self.options.timeout

    def prefetches(self, device: str) -> bool:
        """Whether a worker on a device reads ahead: on a CPU the reader would take a core from the model."""
        return device != "cpu" if self.options.prefetch == "auto" else self.options.prefetch


class ExecutorError(UserError):
    """The executor itself cannot work: no worker comes up."""


class Executor(Protocol):
    """Submit jobs, receive events, cancel columns, stop. The same for one process, many, and a cluster."""

    def ask(self, request: Mapping[str, Any]) -> Any:
        """The answer to one request (`harness.worker.inspection`); raises `harness.planning.facts.Unavailable`."""

    def submit(self, jobs: Sequence[Job]) -> None:
        """Queue jobs, to be begun in this order."""

    def events(self) -> Iterator[Event]:
        """Events until every submitted job is finished."""

    def cancel(self, columns: Set[str]) -> None:
        """Drop these columns from the jobs that have not begun."""

    def stop(self) -> None:
        """Stop at once; what is in flight is dropped."""


def drop_columns(job: Job, columns: Set[str]) -> Job | None:
    """Rest of a job when columns are dropped: nothing if its explanation is one of them or no metric is left."""
    if job.key in columns:
        return None
    left = job.without(set(columns))
    return left if left.metrics or not job.metrics else None
