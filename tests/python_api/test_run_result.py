"""What a run gives back in Python: shown, as data frames, and narrowed down."""

from __future__ import annotations

import sys
import types
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

import harness
from harness.leaderboard.build import build_leaderboard
from harness.leaderboard.display import DisplayedLeaderboard
from harness.leaderboard.render import render_leaderboard
from harness.python_api.running import RunResult
from harness.results.data_model import Results
from tests.support.spec import SMALL, small_spec
from tests.support.synthetic_results import group_of, leaderboard_group, leaderboard_results, metric

EMPTY = {"meta", "line", "circle"}


def displayed(results: Results) -> DisplayedLeaderboard:
    return DisplayedLeaderboard.of(build_leaderboard(results))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    folder = tmp_path_factory.mktemp("run")
    found: RunResult = harness.run(small_spec(), out=folder / "out", store=folder / "store", plugins=[SMALL])
    return found


class Nested(HTMLParser):
    """Fails where tags do not close in order; gathers the text of cells by row."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag not in EMPTY:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


def test_a_run_is_printed_as_its_leaderboard(run: RunResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "90")
    assert str(run).startswith(render_leaderboard(run.leaderboard, width=90).rstrip())
    assert str(run).endswith(f"run folder: {run.folder}")
    assert str(run.leaderboard) == render_leaderboard(run.leaderboard, width=90).rstrip()
    for short in (repr(run), repr(run.leaderboard)):
        assert "\n" not in short and "squares · pools: 4 × 3" in short


def test_what_failed_is_said_once_for_each_reason(run: RunResult) -> None:
    failed = [("d", "m", "lrp", f"metric-{k}", "failed", "no such layer") for k in range(3)]
    failed.append(("d", "m", "x", "y", "not-applicable", "no masks"))
    broken = RunResult(run.leaderboard, run.scores, failed, run.folder)
    assert str(broken).count("no such layer") == 1 and "failed: lrp on metric-0 and 2 other cells: no such layer" in str(broken)
    assert "no masks" not in str(broken)
    assert "3 cells failed" in repr(broken)
    assert "no such layer" in broken._repr_html_()


def test_show_prints_on_a_terminal_and_displays_in_a_notebook(
    run: RunResult, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "IPython", None)
    run.show()
    assert capsys.readouterr().out == f"{run}\n"
    shown: list[object] = []
    shell = types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", types.SimpleNamespace(display=shown.append))
    for thing in (run, run.leaderboard, run.scores):
        thing.show()
    assert shown == [run, run.leaderboard, run.scores]
    assert capsys.readouterr().out == ""


def test_data_frames_hold_the_leaderboards_numbers(run: RunResult) -> None:
    pytest.importorskip("pandas")
    ranks, cells, scores = run.table(), run.table(cells=True), run.scores.table()
    rows = run.leaderboard.groups[0].rows
    assert ranks["explainer"].tolist() == [row.label for row in rows]
    standings = [row.standings["category"] for row in rows]
    assert ranks[["place_low", "place_high"]].astype(object).where(ranks["place_low"].notna(), None).to_numpy().tolist() == [
        list(one.places or (None, None)) for one in standings
    ], "with their sets, as in leaderboard.csv"
    assert ranks["mean_rank"].tolist() == pytest.approx([np.nan if one.rank is None else one.rank for one in standings], nan_ok=True)
    assert ranks["place"].tolist() == pytest.approx([np.nan if one.place is None else one.place for one in standings], nan_ok=True)
    assert ranks["inside"].tolist() == [row.cells["inside"].mean for row in rows]
    assert len(cells) == 4 * 3 and len(scores) == 4 * 3 * 8
    means = scores.groupby(["explainer", "metric"])["value"].mean()
    for _, line in cells.iterrows():
        assert line["mean"] == pytest.approx(means[line["explainer"], line["metric"]])


def test_two_explainers_are_compared_on_what_the_run_found(run: RunResult) -> None:
    found = run.compare("slope", "both")
    (entry,) = found.entries
    values = {label: run.scores.where(explainer=label, metric="inside", counts=True).values for label in ("slope", "both")}
    assert entry.cells["inside"].difference == pytest.approx((values["slope"] - values["both"]).mean())
    assert "slope minus both" in str(found) and repr(found) == "<slope minus both: squares · pools>"
    Nested(found._repr_html_())
    with pytest.raises(ValueError, match='no explainer "slopes" here; did you mean "slope"'):
        run.compare("slopes", "both")
    pytest.importorskip("pandas")
    assert found.table()["metric"].tolist() == list(entry.cells)


def test_without_pandas_a_table_says_what_to_install(run: RunResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    for make in (run.table, run.leaderboard.table, run.scores.table, lambda: run.table(cells=True)):
        with pytest.raises(ImportError, match="pip install pandas"):
            make()


def test_scores_are_narrowed_down_by_label(run: RunResult) -> None:
    scores = run.scores
    assert len(scores) == scores.num_rows == 4 * 3 * 8
    some = scores.where(explainer=["slope", "both"], metric="inside", sample="square-[0-2]")
    assert len(some) == 2 * 1 * 3
    assert some.labels("explainer") == ["slope", "both"] and some.labels("metric") == ["inside"]
    lines = [line for line in scores.to_pylist() if line["explainer"] in ("slope", "both") and line["metric"] == "inside"]
    expected = [line["value"] for line in lines if line["sample"] in ("square-0", "square-1", "square-2")]
    assert some.values.tolist() == some["value"].to_pylist() == expected
    assert len(scores.where()) == len(scores) and len(scores.where(explainer=[])) == 0
    with pytest.raises(ValueError, match="no scores of explainer 'lrp': there are those of slope, "):
        scores.where(explainer="lrp")
    with pytest.raises(ValueError, match="no scores of sample '3'"):
        scores.where(sample=3)  # type: ignore[arg-type]
    assert repr(some).splitlines()[-1] == "6 scores" and "first 10" in repr(scores)
    Nested(scores._repr_html_())


def test_html_holds_every_number_of_the_tables() -> None:
    document = displayed(leaderboard_results(groups=[leaderboard_group(), leaderboard_group(seed=1, model="b", gaps=False)]))
    rows = Nested(document._repr_html_()).rows
    for group in document.groups:
        for row in group.rows:
            named = [cells for cells in rows if cells[0].partition("†")[0] == row.label]
            assert any(f"{row.standings['category'].skill.value:.2f}" in cells for cells in named)
    markdown = render_leaderboard(document, "markdown")
    texts = {cell for cells in rows for cell in cells}
    for number in ("0.766 ± 0.032", "4.063 ± 0.357"):
        assert any(text.startswith(number) for text in texts) == (number in markdown) is True


def test_names_are_not_obeyed_by_html() -> None:
    name = "<script>alert(1)</script>&\"'"
    document = displayed(leaderboard_results(groups=[group_of({name: {name: np.arange(12.0)}}, [metric(name)])], nulls=[], reference=None))
    for text in (document._repr_html_(), render_leaderboard(document, "html")):
        page = Nested(text.removeprefix("<!doctype html>"))
        assert "script" not in {tag for tag, _ in page.tags}
        assert any(cells[0] == name for cells in page.rows)


def test_the_page_is_whole_and_the_part_is_not() -> None:
    document = displayed(leaderboard_results())
    assert render_leaderboard(document, "html").startswith("<!doctype html>") and render_leaderboard(document, "html").count("<html") == 1
    assert "<html" not in document._repr_html_()
    assert "http" not in document._repr_html_(), "nothing is fetched"


@pytest.mark.parametrize("settings", ["seed=3", ["seed=3"], [("seed",)], [(3, 4)]])
def test_settings_that_are_no_values_by_paths_are_told(settings: Any) -> None:
    with pytest.raises(ValueError, match=r"settings must be values by their paths, such as \{\"explain.target\": \"label\"\}, not"):
        harness.run(small_spec(), settings=settings, plugins=[SMALL])
