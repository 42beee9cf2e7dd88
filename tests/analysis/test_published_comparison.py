"""A run's numbers beside published ones: which of them, their spread, verdicts and how far both agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from harness.leaderboard.build import build_leaderboard
from harness.results.data_model import CostsEntry, Group, Results
from harness.results.predictions import Predictions
from harness.results.published_document import PublishedEntry
from harness.results.published_tables import PublishedColumn, PublishedRow, PublishedTable, PublishedValue
from tests.support.synthetic_results import group_of, metric

RNG = np.random.default_rng(4)
ROWS = ("a", "b", "c", "d")
SCORES = {
    (data, net): {label: {"m": RNG.normal(k, 0.5, size=20)} for k, label in enumerate(ROWS)} for data in ("x", "y") for net in ("n0", "n1")
}


def predictions(wrong: int) -> Predictions:
    """Of 20 samples so many of the second class are taken for the first."""
    labels = np.repeat([0.0, 1.0], 10)
    answers = np.where(np.arange(20) < 20 - wrong, labels, 0.0)
    return Predictions(labels=labels, predicted=answers, classes=2)


def groups() -> list[Group]:
    costs = {label: CostsEntry(seconds_per_sample=0.5 * k) for k, label in enumerate(ROWS, start=1)}
    return [
        group_of(scores, [metric("m")], dataset=data, model=net, costs=costs, predictions=predictions(4 if net == "n0" else 2))
        for (data, net), scores in SCORES.items()
    ]


def table(columns: list[PublishedColumn], rows: dict[str, list[object]], labels: dict[str, tuple[str, ...]] = {}) -> PublishedTable:  # noqa: B006
    def value(given: object) -> PublishedValue:
        return PublishedValue(words=given) if isinstance(given, str) else PublishedValue(value=given)  # type: ignore[arg-type]

    made = [PublishedRow(name=name, labels=labels.get(name, (name,)), values=tuple(map(value, given))) for name, given in rows.items()]
    return PublishedTable(title="t", source="s", kind="models" if labels else "explainers", columns=tuple(columns), rows=tuple(made))


def compared(of: PublishedTable, **changes: Any) -> PublishedEntry:
    fields = {"provenance": {}, "groups": groups(), "bootstrap": 100, "published": [of], **changes}
    (entry,) = build_leaderboard(Results(**fields)).published
    return entry


def test_one_group_gives_its_mean_and_interval_and_several_their_mean_and_deviation() -> None:
    one = PublishedColumn(name="one", metric="m", datasets=("x",), models=("n1",))
    all_of_x = PublishedColumn(name="all", metric="m", datasets=("x",), models=("n0", "n1"))
    cells = compared(table([one, all_of_x], {"b": [1.0, 1.0]})).cells["b"]
    values = SCORES["x", "n1"]["b"]["m"]
    assert cells["one"].means == 1 and cells["one"].deviation is None
    low, high = stats.t.interval(0.95, 19, values.mean(), stats.sem(values))
    assert cells["one"].ours == pytest.approx(values.mean()) and cells["one"].low < values.mean() < cells["one"].high
    assert (cells["one"].low, cells["one"].high) == (pytest.approx(low, rel=0.1), pytest.approx(high, rel=0.1))
    means = [SCORES["x", net]["b"]["m"].mean() for net in ("n0", "n1")]
    assert cells["all"].ours == pytest.approx(np.mean(means)) and cells["all"].deviation == pytest.approx(np.std(means, ddof=1))
    assert cells["all"].means == 2 and cells["all"].low is None


def test_accuracy_and_precision_of_models_and_seconds_of_explainers() -> None:
    accuracy = PublishedColumn(name="accuracy", measure="accuracy", datasets=("x", "y"))
    seconds = PublishedColumn(name="seconds", measure="seconds", datasets=("y",), explainers=("c",))
    precision = PublishedColumn(name="precision", measure="precision", datasets=("y",))
    rows: dict[str, list[object]] = {"net": [0.5, 1.0, 0.7], "n1": [0.5, 1.0, 0.7]}
    entry = compared(table([accuracy, seconds, precision], rows, {"net": ("n0", "n1"), "n1": ("n1",)}))
    found = entry.cells["net"]["accuracy"]
    assert found.ours == pytest.approx(0.85) and found.means == 4 and found.deviation == pytest.approx(np.std([0.8, 0.9] * 2, ddof=1))
    assert entry.cells["net"]["seconds"].ours == pytest.approx(1.5)
    assert entry.cells["n1"]["precision"].ours == pytest.approx((1 + 10 / 12) / 2) and entry.cells["n1"]["precision"].low is None
    assert entry.cells["net"]["precision"].ours == pytest.approx(((1 + 10 / 12) / 2 + (1 + 10 / 14) / 2) / 2)


def test_accuracy_is_of_models_too_that_are_not_explained() -> None:
    """Of the best alone it would be higher than what was published of all."""
    kept = groups()[:2]
    wrong = {"n2": 10, "n3": 8, "n4": 6}
    dropped = [group_of(SCORES["x", "n0"], [metric("m")], dataset="x", model=k, predictions=predictions(n)) for k, n in wrong.items()]
    columns = [
        PublishedColumn(name="accuracy", measure="accuracy", datasets=("x",)),
        PublishedColumn(name="m", metric="m", datasets=("x",), explainers=("a",)),
    ]
    rows = {"net": [0.5, None], "worst": [0.5, None]}
    found = compared(table(columns, rows, {"net": ("n0", "n1", "n2", "n3"), "worst": ("n2",)}), groups=kept, not_kept=dropped).cells
    assert (found["net"]["accuracy"].means, found["net"]["accuracy"].ours) == (4, pytest.approx(np.mean([0.8, 0.9, 0.5, 0.6])))
    assert found["worst"]["accuracy"].ours == pytest.approx(0.5)
    assert (found["net"]["m"].means, found["worst"]["m"].means) == (2, 0)


def test_what_has_no_interval_is_judged_by_itself() -> None:
    """Seconds 0.5 and 1.5 of a and c; of several groups a mean of means."""
    seconds = PublishedColumn(name="seconds", measure="seconds", datasets=("x",), models=("n0",), relation="<", bound=1.0)
    mean = PublishedColumn(name="m", metric="m", datasets=("x", "y"), models=("n0", "n1"), relation="<", bound=1.0)
    cells = compared(table([seconds, mean], {"a": [None, None], "c": [None, None]})).cells
    assert [(cells[row]["seconds"].verdict, cells[row]["m"].verdict) for row in "ac"] == [("pass", "pass"), ("fail", "fail")]


def test_verdicts_are_the_same_in_capitals() -> None:
    column = PublishedColumn(name="v", metric="m", datasets=("x",), models=("n0",), relation=">", bound=1.5)
    (summary,) = compared(table([column], {"a": ["Fail"], "c": ["FAIL"], "d": ["Pass"], "b": ["passed over"]})).columns
    assert (summary.judged, summary.agreeing) == (3, 2)


@pytest.mark.parametrize(("relation", "far", "near"), [("<", "fail", "pass"), ("<=", "fail", "pass"), (">", "pass", "fail")])
def test_a_verdict_is_open_where_the_interval_holds_the_threshold(relation: str, far: str, near: str) -> None:
    means = {label: SCORES["x", "n0"][label]["m"].mean() for label in ROWS}
    bound = means["b"] + 0.01
    column = PublishedColumn(name="v", metric="m", datasets=("x",), models=("n0",), relation=relation, bound=bound)  # type: ignore[arg-type]
    entry = compared(table([column], {"a": ["pass"], "b": ["pass"], "d": ["pass"], "c": ["not tested"]}))
    assert [entry.cells[row]["v"].verdict for row in "abdc"] == [near, "open", far, far]
    (summary,) = entry.columns
    assert (summary.judged, summary.agreeing) == (2, 1), "an open verdict and words that are none are not judged"
    assert summary.passes == f"{relation} {bound:g}" and summary.rank_correlation is None


def test_the_rank_correlation_is_over_the_rows_that_have_both() -> None:
    column = PublishedColumn(name="v", metric="m", datasets=("y",), models=("n0",))
    theirs = {"a": 3.0, "b": 9.0, "c": None, "d": 4.0, "gone": 1.0}
    entry = compared(table([column], {row: [value] for row, value in theirs.items()}))
    ours = [SCORES["y", "n0"][row]["m"].mean() for row in "abd"]
    (summary,) = entry.columns
    assert summary.numbers == 3 and summary.rank_correlation == pytest.approx(stats.spearmanr(ours, [3, 9, 4]).statistic)
    assert entry.cells["gone"]["v"].ours is None and entry.cells["gone"]["v"].means == 0 and entry.cells["c"]["v"].published is None
