"""What the section of a group shows, and what it leaves out."""

from dataclasses import replace

import numpy as np
import pytest

from harness.leaderboard.build import build_leaderboard
from harness.leaderboard.sections.group import group_section
from harness.leaderboard.sections.headline_legend import explain_headline
from harness.leaderboard.sections.section import Section
from harness.results.data_model import Cell, Group, Results
from harness.results.document import Settings
from tests.support.synthetic_results import group_of, metric

NONE = np.full(6, np.nan)


def section_of(group: Group) -> Section:
    document = build_leaderboard(Results(provenance={}, groups=[group], bootstrap=2))
    return group_section(document, document.groups[0], "category", 1)


def two_categories(null_of_the_second: np.ndarray) -> Group:
    scores = {"a": {"m": np.arange(6.0) - 9, "n": np.arange(6.0)}, "null": {"m": np.arange(6.0), "n": null_of_the_second}}
    return group_of(scores, [metric("m"), metric("n", category="localisation")], nulls=("null",))


def test_a_category_without_skill_takes_no_column_and_one_alone_leaves_no_weighting_open() -> None:
    both, one = (section_of(two_categories(null)).tables[0].headers for null in (np.zeros(6), NONE))
    assert {"first", "faithfulness", "localisation"} <= set(both)
    assert "faithfulness" in one and not {"first", "localisation"} & set(one)


def test_the_best_of_a_category_is_no_null() -> None:
    """Though a null, which is even with itself, has more than what always loses to it."""
    table = section_of(two_categories(NONE)).tables[0]
    (column,) = (column for column in table.columns if column.header == "faithfulness")
    assert [(cell.text, cell.best) for cell in column.cells] == [("0.50", False), ("0.00", True)]


def test_a_group_is_one_line_only_where_one_cause_blocks_all_of_it() -> None:
    group = two_categories(np.zeros(6))
    causes = {("a", "m"): "no disk", ("a", "n"): "no disk", ("null", "m"): "no disk", ("null", "n"): "no disk"}
    for changes, said in (({}, "blocked: no disk"), ({("a", "n"): "no device"}, None)):
        cells = {pair: Cell.missing(6, "blocked", reason) for pair, reason in (causes | changes).items()}
        found = section_of(replace(group, cells=cells))
        assert (found.cause, len(found.tables)) == (said, 0 if said else 2)


def test_what_explains_a_category_does_not_stand_below_a_metric_of_its_name() -> None:
    scores = {"a": {"m": np.arange(6.0), "complexity": np.arange(6.0)}, "null": {"m": np.zeros(6), "complexity": np.zeros(6)}}
    section = section_of(group_of(scores, [metric("m"), metric("complexity", category="complexity")], nulls=("null",)))
    said = [{item.mark for item in section.legend([table])} for table in section.tables]
    assert ["category" in marks for marks in said] == [True, False]
    assert ["beats null" in marks for marks in said] == [True, False]


def test_weights_that_were_chosen_are_said_of_skill_and_of_mean_ranks() -> None:
    (entry,) = build_leaderboard(Results(provenance={}, groups=[two_categories(np.zeros(6))], bootstrap=2)).groups
    for header, said in (("skill", True), ("mean rank", True), ("first", False)):
        items = explain_headline(entry, Settings(weights={"localisation": 2.0}), {header})
        assert any(item.mark == "weights" and "localisation 2" in item.meaning for item in items) == said


@pytest.mark.parametrize(
    ("weights", "rest"),
    [
        ({"localisation": 2.0}, "of other categories 1, but of complexity and robustness 0"),
        ({"complexity": 1.0}, "of other categories 1, but of robustness 0"),
        ({"complexity": 1.0, "robustness": 0.5}, "of other categories 1"),
    ],
)
def test_the_usual_weight_is_said_of_none_that_was_chosen(weights: dict[str, float], rest: str) -> None:
    (entry,) = build_leaderboard(Results(provenance={}, groups=[two_categories(np.zeros(6))], bootstrap=2)).groups
    (item,) = (item for item in explain_headline(entry, Settings(weights=weights), {"skill"}) if item.mark == "weights")
    assert item.meaning.partition("; ")[2] == rest
