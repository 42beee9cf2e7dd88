"""Events cross processes as JSON and come out as they went in; what is no event is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from harness.dispatch.events import (
    ColumnFailed,
    DeviceUsage,
    Event,
    JobFinished,
    Noted,
    PhaseStarted,
    RowsCommitted,
    StoreDamaged,
    WorkersDecided,
    event_from_json,
    event_to_json,
)

EVENTS = [
    PhaseStarted(job="j", what="explain", component="lrp", column="c", passes=3, worker="host 7"),
    RowsCommitted(job="j", column="c", rows=4),
    ColumnFailed(job="j", column="c", state="out-of-memory", reason="full", starved="c", traceback="Traceback …"),
    JobFinished(job="j", forward=2, seconds=0.5, device="cpu", phases={"load": 0.25}, traced=[("job", "lrp", 1.0, 0.5)]),
    StoreDamaged(job="j", files=["a", "b"]),
    JobFinished(job="j", device="cuda", usage=DeviceUsage(busy=0.5, wide=True, peak=2**33, memory=2**36)),
    Noted(job="j", reason="slow"),
    WorkersDecided(job="j", device="cuda:0", workers=2, reason="it was idle"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.event)
def test_an_event_comes_out_as_it_went_in(event: Event) -> None:
    assert event_from_json(json.loads(json.dumps(event_to_json(event)))) == event


def test_only_what_is_known_and_wanted_is_written() -> None:
    assert event_to_json(EVENTS[1]) == {"event": "committed", "job": "j", "column": "c", "rows": 4}
    assert "traceback" not in event_to_json(EVENTS[2], without={"traceback"})


@pytest.mark.parametrize("message", [{}, {"event": "phase"}, {"event": "ready"}, {"event": "noted", "job": "j"}])
def test_what_is_no_event_is_refused(message: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        event_from_json(message)
