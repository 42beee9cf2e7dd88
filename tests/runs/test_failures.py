"""What is told of failures: each component once, with the cells that it cost, its traceback in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.dispatch.events import ColumnFailed, RowsCommitted
from harness.planning.group_plan import ExplanationColumn, GroupPlan, ScoreColumn
from harness.planning.jobs import SampleRef
from harness.planning.plan import Plan
from harness.registry.recipe import Recipe
from harness.runs.failures import FailureLog
from harness.runs.run import Run
from harness.runs.run_summary import run_summary_lines
from tests.support.spec import SMALL, small_spec

RECIPE = Recipe("explainers", "e", "x", "1", label="e")


def failures(folder: Path, said: list[str]) -> FailureLog:
    """Of two explainers under three metrics, the first of which is finished for the first explainer."""

    def column(label: str) -> ExplanationColumn:
        scores = [ScoreColumn(name, RECIPE, f"{label}-{name}") for name in ("a", "b", "c")]
        return ExplanationColumn(label, RECIPE, label, scores)

    recipes = [Recipe("datasets", "d", "x", "1", label="data"), Recipe("models", "m", "x", "1", label="net")]
    rows = [SampleRef(0, "s", "d")]
    group = GroupPlan(*recipes, rows=rows, columns=[column("lrp"), column("cam")], finished={"lrp-a": np.ones(1, dtype=bool)})
    found = FailureLog(folder, said.append)
    found.begin(Plan([group]))
    return found


def failed(column: str, reason: str = "RuntimeError: no", state: str = "failed", **more: Any) -> ColumnFailed:
    return ColumnFailed(job="job-1", column=column, state=state, reason=reason, **more)


def test_an_explainer_that_fails_is_one_line_with_the_cells_it_costs(tmp_path: Path) -> None:
    found = failures(tmp_path, said := [])
    for key in ("lrp", "lrp-b", "lrp-c"):
        found.hear(failed(key, traceback="Traceback …" if key == "lrp" else ""))
    assert said == ["failed: lrp on data · net (2 cells): RuntimeError: no"]
    assert list(found.summary()) == ["failed: lrp on data · net (2 cells)"]
    assert found.tracebacks == tmp_path / "failures.log"
    assert (tmp_path / "failures.log").read_text() == "failed: lrp on data · net (2 cells): RuntimeError: no\nTraceback …\n\n"


def test_a_metric_that_fails_for_every_explainer_is_told_of_once(tmp_path: Path) -> None:
    found = failures(tmp_path, said := [])
    for key in ("lrp-b", "cam-b", "lrp-b"):
        found.hear(failed(key))
    assert said == ["failed: b on lrp of data · net: RuntimeError: no"]
    assert list(found.summary()) == ["failed: b on lrp of data · net, cam of data · net (2 cells)"]
    assert list(found.summary(reasons=True)) == ["failed: b on lrp of data · net, cam of data · net (2 cells): RuntimeError: no"]


def test_what_is_blocked_names_the_group_and_a_dead_worker_its_log(tmp_path: Path) -> None:
    found = failures(tmp_path, said := [])
    for key in ("lrp", "cam"):
        found.hear(failed(key, "gone", "blocked"))
    assert said == ["blocked: data · net (2 cells): gone"]
    assert list(found.summary()) == ["blocked: data · net (5 cells)"]
    assert found.tracebacks is None
    found.hear(failed("cam-a", "died", "crashed", log="w.log"))
    assert len(said) == 1, "it shares what is wrong with its explanation"
    again = failures(tmp_path, [])
    again.hear(failed("cam-a", "died", "crashed", log="w.log"))
    assert "what the worker printed: w.log" in (tmp_path / "failures.log").read_text()


def test_other_events_say_nothing(tmp_path: Path) -> None:
    found = failures(tmp_path, said := [])
    found.hear(RowsCommitted(job="j", column="lrp-a", rows=1))
    found.hear(failed("unknown"))
    assert (said, list(found.summary())) == ([], [])


@pytest.mark.filterwarnings("ignore")
def test_a_run_says_what_failed_while_it_runs_and_keeps_the_traceback(tmp_path: Path) -> None:
    def broken(case: Any) -> Any:
        """Raises."""
        raise ValueError("no score today")

    def absent() -> Any:
        """A model that cannot be had."""
        raise OSError("no such weights")

    said: list[str] = []
    loaded = small_spec(models=["pools", absent], explainers=["slope", "both"], metrics=["drop", broken])
    finished = run(tmp_path, loaded, said)
    text = "\n".join(said)
    assert text.count("no score today") == 1
    assert text.count("no such weights") == 1
    assert "blocked: 6 of 12 cells" in text
    log = (tmp_path / "out" / "failures.log").read_text()
    assert log.count("Traceback (most recent call last)") == 2
    assert 'raise ValueError("no score today")' in log
    assert list(finished.failures.summary()) == ["failed: broken (3 cells)"]
    lines = list(run_summary_lines(finished))
    assert lines[0] == "12 cells: 6 blocked, 3 ok, 3 failed"
    (blocked,) = (line for line in lines if "no such weights" in line)
    assert blocked.startswith("blocked: squares · absent: the model absent cannot be loaded: OSError: no such weights (test_failures.py:")
    assert f"tracebacks: {tmp_path / 'out' / 'failures.log'}" in lines
    group = next(group for group in finished.leaderboard.groups if group.model == "absent")
    assert {cell.status for row in group.rows for cell in row.cells.values()} == {"blocked"}


def run(folder: Path, spec: dict[str, Any], said: list[str]) -> Any:
    """Run a mapping, and note what is said meanwhile."""
    from harness.registry.registry import Registry
    from harness.runs.progress import ProgressReporter
    from harness.spec.load import load_spec

    class Noted(ProgressReporter):
        def say(self, text: str) -> None:
            said.append(text)

    registry = Registry.discover([SMALL])
    return Run(load_spec(spec, registry), registry, folder / "out", folder / "store", plugins=[SMALL]).execute(Noted())
