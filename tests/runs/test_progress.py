"""What a person sees while a run goes on: counts of cells, and a bar that fits its terminal."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from harness.dispatch.events import Event, event_from_json
from harness.planning.jobs import Job
from harness.runs.progress import BarReporter, LineReporter, ProgressReporter
from harness.runs.work_counter import WorkCounter
from harness.text_format import wrap_line
from tests.support.jobs import composed


def event(kind: str, job: Job, **more: Any) -> Event:
    return event_from_json({"event": kind, "job": job.id, **more})


def jobs() -> list[Job]:
    """Two explainers on 8 samples each, the first in two shards: of one two scores are missing, of the other one."""
    whole = [composed(1, [], range(4), metrics=["a", "b"]), composed(1, [], range(4, 8), metrics=["a", "b"])]
    return [*whole, composed(2, [], range(8), metrics=["a"])]


def test_cells_are_counted_and_not_shards_or_explanations() -> None:
    tally, (first, second, other) = WorkCounter(jobs()), jobs()
    assert (tally.total, tally.scores) == (3, 8 + 8 + 8)
    tally.hear(event("committed", first, column="maps-1", rows=4))  # read from the store, or made: no cell either way
    tally.hear(event("committed", first, column="a-1", rows=4))
    assert (tally.done, tally.scored) == (0, 4)
    tally.hear(event("committed", second, column="a-1", rows=4))
    tally.hear(event("phase", second, what="score", component="b", column="b-1"))
    tally.hear(event("failed", second, column="b-1", state="crashed", reason="no"))
    assert tally.now == "", "whose worker died is at nothing"
    tally.hear(event("committed", other, column="a-2", rows=6))
    tally.hear(event("committed", other, column="a-2", rows=8))  # told again by a worker that took over
    assert (tally.done, tally.failed, tally.scored) == (3, 1, tally.scores)
    assert tally.count == "3/3 cells, 1 failed"


def test_a_single_cell_is_a_cell() -> None:
    tally = WorkCounter([composed(1, [], range(4), metrics=["a"])])
    assert tally.count == "0/1 cell"


def test_maps_of_which_no_score_is_missing_are_a_cell() -> None:
    job = composed(1, [], range(4), metrics=[])
    tally = WorkCounter([job])
    assert tally.count == "0/1 cell"
    tally.hear(event("committed", job, column=job.key, rows=4))
    assert tally.count == "1/1 cell"


def show(reporter: ProgressReporter, work: WorkCounter, *events: Event) -> None:
    """Have a reporter show some work and what happens."""
    reporter.begin(work)
    for each in events:
        work.hear(each)
        reporter.hear(each)


def shown(bar: BarReporter, width: int) -> list[str]:
    console = Console(width=width, file=StringIO(), force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(bar)
    return capture.get().splitlines()


def console(width: int) -> Console:
    return Console(width=width, file=StringIO(), force_terminal=True, color_system=None)


@pytest.mark.parametrize("width", [80, 100, 140])
def test_counts_and_times_keep_their_room_and_the_stage_is_cut(width: int) -> None:
    bar = BarReporter(console(width))
    many = [composed(1, [], range(640), metrics=[f"metric-{k}" for k in range(1200)])]
    stage = "a-model-with-a-very-long-name-" * 4
    phase = event("phase", many[0], what="explain", component=stage)
    show(bar, WorkCounter(many), phase, event("failed", many[0], column="metric-3-1", state="failed", reason="no"))
    lines = shown(bar, width)
    assert len(lines) == 1
    assert "1/1,200 cells, 1 failed" in lines[0]
    assert "0:00:00" in lines[0]
    assert "explaining with" in lines[0] or width == 80
    assert lines[0].rstrip().endswith("…")
    assert len(lines[0]) <= width
    assert ("passes/s" in lines[0]) == (width >= 100)


def test_before_there_is_anything_to_count_the_stage_is_shown_and_no_count() -> None:
    bar = BarReporter(console(80))
    bar.stage("starting a worker, loading resnet18")
    (line,) = shown(bar, 80)
    assert line.rstrip().endswith("starting a worker, loading resnet18")
    assert "?" not in line and "/" not in line
    bar.begin(WorkCounter(jobs()))
    (line,) = shown(bar, 80)
    assert "0/3 cells" in line
    assert line.rstrip().endswith("starting workers")


def test_lines_in_a_log_are_whole_and_those_on_a_terminal_hang() -> None:
    out = StringIO()
    LineReporter(Console(file=out, width=80)).say("  failed: " + "word " * 40)
    assert out.getvalue() == "  failed: " + ("word " * 40).strip() + "\n"
    lines = wrap_line("  failed: " + "word " * 40, 80)
    assert len(lines) > 1
    assert all(len(line) <= 80 for line in lines)
    assert [line.startswith("    ") for line in lines] == [False] + [True] * (len(lines) - 1)
    assert wrap_line("a\x1b[31mb", 80) == ["a\ufffd[31mb"]


def test_a_log_has_what_is_done_and_how_far_it_is() -> None:
    out = StringIO()
    lines, (first, *_) = LineReporter(Console(file=out, width=80), every=-1.0), jobs()
    lines.stage("loading resnet18")
    show(lines, WorkCounter(jobs()), event("phase", first, what="score", component="a", column="a-1"))
    assert out.getvalue().splitlines() == ["loading resnet18", "3 cells to compute", "0/3 cells, 0 passes/s, scoring a"]
