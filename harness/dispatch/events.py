"""Events of a job while it runs: dataclasses, told apart by ``event``; as JSON they cross processes and go into the journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from harness.results.data_model import Status


@dataclass(frozen=True, kw_only=True)
class JobEvent:
    """The part that all events have in common.

    Attributes:
        event: the kind.
        job: the job's id.
        passes: through models of the job so far, if a worker speaks.
        worker: who speaks; None is the driver.
    """

    event: str
    job: str
    passes: int | None = None
    worker: str | None = None


@dataclass(frozen=True, kw_only=True)
class PhaseStarted(JobEvent):
    """Something is about to be loaded or called: ``component``, for ``column`` unless it is the model or the data."""

    event: Literal["phase"] = "phase"
    what: Literal["load", "predict", "explain", "score"]
    component: str | None = None
    column: str | None = None


@dataclass(frozen=True, kw_only=True)
class RowsCommitted(JobEvent):
    """So many rows of ``column`` are in the store."""

    event: Literal["committed"] = "committed"
    column: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class ColumnFailed(JobEvent):
    """``column`` ended in ``state``.

    Attributes:
        reason: why, on one line.
        starved: of what failed for lack of memory, the column that lacked it: its own, or that of the explanation it needs.
        traceback: the place where it was raised, or
        log: the file with what the ended worker printed.
    """

    event: Literal["failed"] = "failed"
    column: str
    state: Status
    reason: str
    starved: str | None = None
    traceback: str | None = None
    log: str | None = None


@dataclass(frozen=True, kw_only=True)
class DeviceUsage:
    """Use that a job made of a GPU.

    Attributes:
        busy: share of the job's time in which the GPU worked, in [0, 1].
        wide: whether it worked for any process, as the driver counts; else it is time in passes through models of this one.
        peak: bytes of its memory that the worker had at most.
        memory: bytes that it has.
    """

    busy: float
    wide: bool
    peak: int
    memory: int


@dataclass(frozen=True, kw_only=True)
class JobFinished(JobEvent):
    """The job is done, and what it made is durable.

    Attributes:
        forward, backward: passes.
        model_seconds: inside passes; seconds: of all; processor_seconds: of all threads of the worker meanwhile.
        device: its kind.
        phases: seconds outside the model by kind (see `harness.worker.timing`).
        usage: of a GPU.
        traced: all spans (kind, name, start, seconds), if they are wanted.
    """

    event: Literal["finished"] = "finished"
    forward: int = 0
    backward: int = 0
    model_seconds: float = 0.0
    seconds: float = 0.0
    processor_seconds: float = 0.0
    device: str = ""
    phases: Mapping[str, float] = field(default_factory=dict)
    usage: DeviceUsage | None = None
    traced: list[tuple[str, str, float, float]] | None = None


@dataclass(frozen=True, kw_only=True)
class StoreDamaged(JobEvent):
    """These files of the store were damaged, and are set aside."""

    event: Literal["damaged"] = "damaged"
    files: list[str]


@dataclass(frozen=True, kw_only=True)
class Noted(JobEvent):
    """There is a ``reason`` to know."""

    event: Literal["noted"] = "noted"
    reason: str


@dataclass(frozen=True, kw_only=True)
class WorkersDecided(JobEvent):
    """So many workers have a device from now on, for a ``reason``; heard after a job of one of them."""

    event: Literal["workers"] = "workers"
    device: str
    workers: int
    reason: str


Event = PhaseStarted | RowsCommitted | ColumnFailed | JobFinished | StoreDamaged | Noted | WorkersDecided
Emit = Callable[[Event], None]
_EVENTS: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="event")])


def event_to_json(event: Event, without: Set[str] = frozenset()) -> dict[str, Any]:
    """The event as JSON, without what is None and the fields that are named."""
    written: dict[str, Any] = _EVENTS.dump_python(event, mode="json", exclude_none=True, exclude=set(without))
    return written


def event_from_json(message: Mapping[str, Any]) -> Event:
    """The event that `event_to_json` wrote; raises ``ValueError`` for anything else."""
    return _EVENTS.validate_python(message)
