"""What a run says of its time: totals in its summary, and every span in a trace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.dispatch.events import JobFinished
from harness.registry.registry import Registry
from harness.runs import event_files as traces
from harness.runs.conclusion import FinishedRun
from harness.runs.run import Run
from harness.runs.run_summary import run_summary_lines
from harness.spec.load import load_spec
from harness.worker.pass_counter import PassCount
from harness.worker.timing import Timeline
from tests.support.spec import SMALL, small_spec


def profiled(folder: Path, *, profile: bool = True, plugins: tuple[Path, ...] = (SMALL,), **changes: Any) -> FinishedRun:
    registry = Registry.discover(list(plugins))
    loaded = load_spec(small_spec(**changes), registry)
    return Run(loaded, registry, folder / "out", folder / "store", plugins=list(plugins), profile=profile).execute()


def entries(finished: FinishedRun) -> list[dict[str, Any]]:
    return json.loads((finished.folder / "trace.json").read_text())["traceEvents"]


def spans(finished: FinishedRun, thread: int = traces.JOBS_THREAD) -> list[dict[str, Any]]:
    return [entry for entry in entries(finished) if entry["ph"] == "X" and entry["tid"] == thread]


def inside(inner: dict[str, Any], outer: dict[str, Any], slack: float = 1.0) -> bool:
    """Whether a span lies within another of the same job, to a microsecond."""
    ends = [entry["ts"] + entry["dur"] for entry in (inner, outer)]
    return inner["args"] == outer["args"] and inner["ts"] >= outer["ts"] - slack and ends[0] <= ends[1] + slack


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    return profiled(tmp_path_factory.mktemp("profiled"))


def test_every_job_explanation_and_score_has_a_span_and_passes_are_in_them(finished: FinishedRun) -> None:
    found = spans(finished)
    kinds = {kind: [entry for entry in found if entry["cat"] == kind] for kind in {entry["cat"] for entry in found}}
    assert len(kinds["job"]) == finished.summary["jobs"] == 4
    assert sorted(entry["name"] for entry in kinds["explain"]) == ["both", "contrast", "slope", "speckle"]
    assert sorted({entry["name"] for entry in kinds["score"]}) == ["drop", "inside", "wobble"]
    assert len(kinds["score"]) == 4 * 3
    forward = [int(entry["name"].split()[-1]) for entry in kinds["model"] if entry["name"].startswith("forward")]
    backward = [int(entry["name"].split()[-1]) for entry in kinds["model"] if entry["name"].startswith("backward")]
    assert sum(forward) + sum(backward) == finished.summary["passes"]


def test_spans_nest_and_those_of_a_job_add_up_to_it(finished: FinishedRun) -> None:
    found = spans(finished)
    for job in (entry for entry in found if entry["cat"] == "job"):
        own = [entry for entry in found if entry["args"] == job["args"] and entry is not job]
        assert own
        assert all(inside(entry, job) for entry in own)
        outermost = [entry for entry in own if not any(inside(entry, other, 0.0) for other in own if other is not entry)]
        total = sum(entry["dur"] for entry in outermost)
        assert 0.8 * job["dur"] - 2000 <= total <= job["dur"] + 2
    for one in found:
        for other in found:
            apart = one["ts"] + one["dur"] <= other["ts"] + 1 or other["ts"] + other["dur"] <= one["ts"] + 1
            assert apart or inside(one, other) or inside(other, one)


def test_results_are_written_on_a_track_of_their_own(finished: FinishedRun) -> None:
    written = [entry["name"] for entry in spans(finished, traces.WRITES_THREAD)]
    assert len(written) == 4 * (1 + 3)
    assert {"slope", "inside"} <= set(written)


def test_a_run_with_nothing_to_do_leaves_an_empty_trace(tmp_path: Path) -> None:
    with traces.TraceWriter(tmp_path / "trace.json"):
        pass
    assert json.loads((tmp_path / "trace.json").read_text())["traceEvents"] == []


def test_what_fails_is_marked(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text(
        "from harness.api import metric\n\n@metric(category='other', direction='higher')\ndef sour(case):\n    '''Raises.'''\n"
        "    raise ValueError('sour')\n"
    )
    found = profiled(tmp_path, plugins=(SMALL, broken), explainers=["slope"], metrics=["inside", "sour"])
    marks = [entry for entry in entries(found) if entry["ph"] == "i"]
    assert {entry["name"] for entry in marks} == {"failed"}
    assert all("ValueError: sour" in entry["args"]["reason"] for entry in marks)
    assert {entry["pid"] for entry in marks} == {entry["pid"] for entry in spans(found)}


@pytest.mark.slow
def test_every_worker_is_a_process_of_the_trace(tmp_path: Path) -> None:
    found = profiled(tmp_path, execution={"executor": "local", "workers": 2, "devices": ["cpu"]}, explainers=["slope", "contrast"])
    named = [entry for entry in entries(found) if entry["name"] == "process_name"]
    assert len(named) == found.summary["devices"]["cpu"]["workers"] <= 2
    assert {entry["pid"] for entry in spans(found)} == {entry["pid"] for entry in named}


def test_without_profile_there_is_no_trace_and_the_summary_says_where_the_time_went(tmp_path: Path) -> None:
    found = profiled(tmp_path, profile=False)
    assert not (found.folder / "trace.json").exists()
    shares = found.summary["shares"]
    assert {"model", "load", "inputs", "explain", "score", "checks", "store", "wait", "other"} <= set(shares)
    assert sum(shares.values()) == pytest.approx(1, abs=0.02)
    assert json.loads((found.folder / "provenance.json").read_text())["summary"]["shares"] == shares
    assert found.summary["devices"]["cpu"]["passes"] == found.summary["passes"]
    said = "\n".join(run_summary_lines(found))
    assert "per second on cpu" in said
    assert "inside the model" in said


def test_a_span_owns_what_neither_the_model_nor_spans_within_it_take(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, passes = [0.0], PassCount()
    monkeypatch.setattr("harness.worker.timing.time.perf_counter", lambda: clock[0])
    monkeypatch.setattr("harness.worker.timing.settle_pending_times", lambda: passes)
    timeline = Timeline()
    with timeline.job("job", traced=True) as times:
        clock[0] += 1
        with timeline.span("explain", "slope"):
            clock[0] += 7
            passes.seconds += 5  # of these seven
            with timeline.span("checks"):
                clock[0] += 2
    assert times.own == {"job": 1, "explain": 2, "checks": 2}
    assert times.traced is not None
    assert [(kind, seconds) for kind, _, _, seconds in times.traced] == [("checks", 2), ("explain", 9), ("job", 10)]


def test_a_span_ends_with_an_exception() -> None:
    timeline = Timeline()
    with timeline.job("job", traced=True) as times:
        with pytest.raises(ValueError, match="sour"), timeline.span("score", "sour"):
            raise ValueError("sour")
        with timeline.span("score", "sweet"):
            torch.zeros(1)
    assert [name for _, name, _, _ in times.traced or ()] == ["sour", "sweet", "job"]


def test_a_trace_that_cannot_be_written_ends_no_run(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with traces.TraceWriter(full) as trace:
        trace.hear(JobFinished(job="job-0", worker="w", traced=[("job", "x" * 100, 0.0, 1.0)] * 1000))
    assert trace.lacking is not None
    assert "No space left" in trace.lacking


def test_a_single_job_in_this_process_took_the_time_that_it_took(tmp_path: Path) -> None:
    """All its events are heard at its end."""
    slow = {"use": "slope", "params": {"pause": 0.3}}
    found = profiled(tmp_path, profile=False, explainers=[slow], metrics=["drop"], nulls=[], reference=None)
    assert found.summary["jobs"] == 1
    assert found.summary["working_seconds"] >= 8 * 0.3
    assert 0 <= found.summary["startup_seconds"] < found.summary["seconds"] - 8 * 0.3 + 0.01
