import dataclasses
import json

import numpy as np
import pytest
from rich.cells import cell_len

from harness.leaderboard.diff import ResultsDifference, diff_results
from harness.leaderboard.formats.terminal import render_difference
from harness.results.data_model import Cell, ExplanationSettings, Group, Results
from tests.support.synthetic_results import complete_cell, group_of, leaderboard_group, leaderboard_results, metric


def changed() -> Results:
    group = leaderboard_group()
    group.cells["lrp", "road"] = complete_cell(group.cells["lrp", "road"].values + 0.02 + 0.001 * np.arange(52))
    group.cells["lrp", "deletion"] = complete_cell(group.cells["lrp", "deletion"].values * (1 + 1e-7))
    group.cells["triad", "road"] = Cell.missing(52, "failed", "broke")
    group.explainers[1] = dataclasses.replace(group.explainers[1], version="0.2.0", digest="x", params={"rule": "epsilon"})
    group.explainers.pop()
    kept = {pair: cell for pair, cell in group.cells.items() if pair[0] != "laplace"}
    packages = {"xai-harness": "0.1.0", "torch": "2.12", "captum": "0.9"}
    provenance = {
        "name": "quickstart",
        "packages": packages,
        "seed": 0,
        "started": "later",
        "summary": {"jobs": 0, "shares": {"model": 0.5}},
    }
    return leaderboard_results(groups=[dataclasses.replace(group, cells=kept)], provenance=provenance)


@pytest.fixture(scope="module")
def found() -> ResultsDifference:
    return diff_results(leaderboard_results(), changed())


def test_a_run_is_the_same_as_itself() -> None:
    same = diff_results(leaderboard_results(), leaderboard_results())
    assert same.same
    assert {score.verdict for score in same.scores} == {"identical"}
    assert "nothing changed" in render_difference(same)


def test_versions_are_listed_and_times_are_not(found: ResultsDifference) -> None:
    assert {(change.what, change.before, change.after) for change in found.provenance} == {
        ("packages.torch", "2.11", "2.12"),
        ("packages.captum", None, "0.9"),
    }


def test_settings_are_written_as_a_spec_has_them() -> None:
    before = leaderboard_results(provenance={"seed": None}, nulls=["sobel"])
    found = diff_results(before, leaderboard_results(provenance={"seed": 1}, nulls=["sobel", "random"]))
    assert [(change.what, change.before, change.after) for change in found.provenance] == [
        ("analysis.nulls", "sobel", "sobel, random"),
        ("seed", "null", "1"),
    ]


def test_the_further_lines_of_a_change_stand_under_the_first(found: ResultsDifference) -> None:
    lines = render_difference(found, width=60).split("Recipes\n")[1].splitlines()
    assert lines[:2] == ["  lesions / lesions-vgg: explainer lrp: version 0.1.0 →", '    version 0.2.0, rule "epsilon"']


def test_recipes_say_what_is_made_otherwise(found: ResultsDifference) -> None:
    assert [(change.what, change.before, change.after) for change in found.recipes] == [
        ("lesions / lesions-vgg: explainer lrp", "version 0.1.0", 'version 0.2.0, rule "epsilon"'),
        ("lesions / lesions-vgg: explainer laplace", "laplace, version 0.1.0", None),
    ]


def test_states_that_changed(found: ResultsDifference) -> None:
    (change,) = found.states
    assert (change.what, change.before, change.after) == ("lesions / lesions-vgg: triad on road", "ok", "failed: broke")


def test_scores_beyond_noise_are_told_from_noise(found: ResultsDifference) -> None:
    by_pair = {(score.explainer, score.metric): score for score in found.scores}
    road = by_pair["lrp", "road"]
    assert (road.verdict, road.pairs, road.moved) == ("changed", 52, 52)
    assert road.difference.mean == pytest.approx(0.02 + 0.001 * 25.5)
    assert road.difference.low < road.difference.mean < road.difference.high
    assert road.largest == pytest.approx(0.071)
    assert road.significant
    assert by_pair["lrp", "deletion"].verdict == "noise"
    assert sum(score.verdict == "identical" for score in found.scores) == len(found.scores) - 2
    assert ("triad", "road") not in by_pair


def test_swapping_the_runs_turns_the_signs_round(found: ResultsDifference) -> None:
    back = {(score.explainer, score.metric): score for score in diff_results(changed(), leaderboard_results()).scores}
    for score in found.scores:
        assert back[score.explainer, score.metric].difference.mean == pytest.approx(-score.difference.mean, abs=1e-12)
        assert back[score.explainer, score.metric].verdict == score.verdict


def test_samples_are_compared_by_id_and_content() -> None:
    before = group_of({"a": {"m": np.arange(6.0)}}, [metric()])
    values = np.array([9.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    after = group_of({"a": {"m": values}}, [metric()], digests=["other", *before.digests[1:]], samples=[*before.samples[:5], "new"])
    one, two = (Results(provenance={}, groups=[group], bootstrap=50) for group in (before, after))
    found = diff_results(one, two)
    assert len(found.samples) == 2
    assert (found.scores[0].pairs, found.scores[0].verdict) == (4, "identical"), "changed and new samples take no part"


def test_a_score_that_became_undefined_is_a_change() -> None:
    before = group_of({"a": {"m": np.arange(6.0)}}, [metric()])
    after = group_of({"a": {"m": np.where(np.arange(6) == 2, np.nan, np.arange(6.0))}}, [metric()])
    found = diff_results(*(Results(provenance={}, groups=[group], bootstrap=50) for group in (before, after))).scores[0]
    assert (found.verdict, found.moved, found.difference.mean) == ("changed", 1, 0.0)


def explained(key: str = "k", **changes: object) -> Results:
    """One cell, or two with the same key."""
    group: Group = group_of(
        {"a": {"m": np.arange(6.0), "n": np.arange(6.0)}}, [metric("m"), metric("n")], explained=ExplanationSettings(**changes)
    )  # type: ignore[arg-type]
    cells = {pair: dataclasses.replace(cell, key=f"{key}-{pair[1]}" if key else "") for pair, cell in group.cells.items()}
    return Results(provenance={}, groups=[dataclasses.replace(group, cells=cells)], bootstrap=50)


def test_what_was_explained_otherwise_is_said_once() -> None:
    known = {"target": "predicted", "seed": 0, "precision": "fp32", "dtype": "float32"}
    found = diff_results(explained(**known), explained("other", **known | {"target": 3, "seed": 1}))
    assert [(change.what, change.before, change.after) for change in found.recipes] == [
        ("data / net: target", "predicted", "3"),
        ("data / net: seed", "0", "1"),
    ]
    assert diff_results(explained(), explained(**known)).same, "what a run does not say is no change"


def test_cells_of_another_column_are_said_where_nothing_else_explains_them() -> None:
    (change,) = diff_results(explained("one"), explained("two")).recipes
    assert (change.what, change.before, change.after) == ("data / net: column of a on m (and of 1 more)", "one-m", "two-m")
    assert diff_results(explained("one"), explained("")).same
    after = explained("two")
    for info in (0, 1):
        after.groups[0].metrics[info] = dataclasses.replace(after.groups[0].metrics[info], digest="new")
    assert [change.what for change in diff_results(explained("one"), after).recipes] == ["data / net: metric m", "data / net: metric n"]


@pytest.mark.filterwarnings("error")
def test_degenerate_comparisons() -> None:
    nothing = Results(provenance={}, groups=[])
    assert diff_results(nothing, nothing).same
    assert [change.what for change in diff_results(nothing, leaderboard_results(provenance={})).recipes] == ["lesions / lesions-vgg"]
    odd = group_of({"a": {"m": np.array([np.inf, np.nan, 1.0])}}, [metric()])
    finite = group_of({"a": {"m": np.array([0.0, 1.0, 1.0])}}, [metric()])
    for pair in ((odd, odd), (odd, finite), (finite, odd)):
        found = diff_results(*(Results(provenance={}, groups=[group], bootstrap=5) for group in pair))
        json.dumps(found.to_json(), allow_nan=False)
        render_difference(found)


def test_the_difference_as_json(found: ResultsDifference) -> None:
    text = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert text["same"] is False
    assert text["provenance"][1] == {"what": "packages.torch", "before": "2.11", "after": "2.12"}
    assert len(text["scores"]) == len(found.scores)


@pytest.mark.parametrize("width", [20, 60, 100])
def test_the_difference_on_a_terminal(found: ResultsDifference, width: int) -> None:
    text = render_difference(found, "runs/a", "runs/b", width=width)
    assert max(cell_len(line) for line in text.splitlines()) <= width
    flat = " ".join(text.split())
    for words in ("runs/a → runs/b", "packages.torch: 2.11 → 2.12", "1 within float noise"):
        assert words in flat
    assert "\x1b" in render_difference(found, color=True)


@pytest.mark.parametrize(("size", "said"), [(5, False), (6, True)])
def test_differences_that_are_all_the_same_are_beyond_0_where_a_sign_test_would_say_so(size: int, said: bool) -> None:
    """They have no interval: nothing is known of how they vary."""
    before = Results(provenance={}, groups=[group_of({"a": {"m": np.arange(float(size))}}, [metric()])])
    after = Results(provenance={}, groups=[group_of({"a": {"m": np.arange(float(size)) + 1}}, [metric()])])
    (score,) = diff_results(before, after).scores
    assert (score.verdict, score.difference.mean, score.significant) == ("changed", 1.0, said)
    assert np.isnan(score.difference.low)


def test_the_table_says_which_mean_differences_are_beyond_0() -> None:
    before = {"steady": {"m": np.zeros(8)}, "noisy": {"m": np.zeros(8)}}
    after = {"steady": {"m": 1 + np.arange(8) / 10}, "noisy": {"m": np.resize([1.0, -1.1], 8)}}
    found = diff_results(*(Results(provenance={}, groups=[group_of(scores, [metric()])]) for scores in (before, after)))
    said = {words[0]: words[-1] for line in render_difference(found, width=200).splitlines() if (words := line.split())}
    assert (said["steady"], said["noisy"]) == ("yes", "no"), "and one group needs no name before its explainers"
