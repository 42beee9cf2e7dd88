"""What a job tells while it runs; plain JSON, so that it crosses processes and goes into the journal as it is."""

from __future__ import annotations

import traceback
import unicodedata
from collections.abc import Callable
from typing import Any, Literal, TypedDict

ColumnState = Literal["ok", "not-applicable", "failed", "timeout", "out-of-memory", "crashed", "blocked"]


class Event(TypedDict, total=False):
    """One message about one job.

    ``event`` is ``phase`` (something is about to be loaded or called: ``what``, ``component``, and ``column`` unless it is the model or the
    data), ``committed`` (rows of ``column`` are in the store), ``failed`` (``column`` ended in ``state`` for ``reason``) or ``finished``
    (with ``forward``, ``backward``, ``model_seconds``, ``seconds``, ``device``, ``phases``: seconds outside the model by kind, see
    `harness.worker.timing`, and where they are wanted all spans as ``traced``), ``damaged`` (``files`` of the store were set aside) or
    ``noted`` (there is a ``reason`` to know). What failed for lack of memory names in ``starved`` the column that lacked it: its own, or
    that of the explanation it needs; ``traceback`` is where it was raised, or ``log`` the file with what the ended worker printed.
    ``passes`` are those of the job so far, ``worker`` is who speaks.
    """

    event: Literal["phase", "committed", "failed", "finished", "damaged", "noted"]
    job: str
    what: Literal["load", "predict", "explain", "score"]
    component: str
    column: str
    rows: int
    state: ColumnState
    reason: str
    starved: str
    traceback: str
    log: str
    forward: int
    backward: int
    model_seconds: float
    seconds: float
    files: list[str]
    passes: int
    worker: str
    device: str
    phases: dict[str, float]
    traced: list[tuple[str, str, float, float]]


Emit = Callable[[Event], None]
MAX_MESSAGE_LENGTH = 500  # characters of a message
MAX_TRACEBACK_LENGTH = 20_000
FRAMEWORK_FILES = (
    "site-packages/torch",
    "/harness/dispatch/",
    "/harness/worker/",
    "/contextlib.py",
)  # files that are never the component's


def format_reason(error: BaseException) -> str:
    """One printable line: what was raised, its message, what was left changed, and where in the component."""
    notes = [to_printable_line(note) for note in getattr(error, "__notes__", [])]
    return "; ".join([f"{type(error).__name__}: {_error_message(error)}{_component_location(error)}", *notes])


def format_traceback(error: BaseException) -> str:
    """Where it was raised, as Python prints it; the end of it where it is long."""
    try:
        return "".join(traceback.format_exception(error))[-MAX_TRACEBACK_LENGTH:].replace("\x1b", "\ufffd")
    except BaseException:  # an exception may be as broken as what raised it
        return ""


def to_printable_line(text: object) -> str:
    """One line without control, formatting or undecodable characters, which a terminal might obey."""
    whole = "".join(" " if c.isspace() else c for c in str(text))
    shown = "".join(c if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn") else "\ufffd" for c in whole)
    return " ".join(shown.split())


def _error_message(error: BaseException) -> str:
    try:
        return to_printable_line(str(error)[:MAX_MESSAGE_LENGTH])[:MAX_MESSAGE_LENGTH] or "no message"
    except BaseException:
        return "its message cannot be had"


def _component_location(error: BaseException) -> str:
    frame: Any = error.__traceback__
    place = ""
    while frame is not None:
        code = frame.tb_frame.f_code
        if not any(part in code.co_filename for part in FRAMEWORK_FILES):
            place = f" ({code.co_filename.rsplit('/', 1)[-1]}:{frame.tb_lineno} in {code.co_name})"
        frame = frame.tb_next
    return place
