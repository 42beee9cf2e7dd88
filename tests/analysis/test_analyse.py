import dataclasses

import numpy as np
import pytest

from harness.analysis.analyse import analyse_results
from harness.analysis.confidence_intervals import Interval
from harness.analysis.run_statistics import RunStatistics
from harness.results.data_model import Cell, Group, Results
from harness.results.sample_selection import selected_samples
from tests.support.synthetic_results import NULLS, explainer, group_of, leaderboard_group, leaderboard_results, metric

RNG = np.random.default_rng(0)


def run(group: Group | list[Group], **changes: object) -> RunStatistics:
    groups = group if isinstance(group, list) else [group]
    return analyse_results(Results(provenance={}, groups=groups, **{"bootstrap": 200, **changes}))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def numbers() -> RunStatistics:
    return analyse_results(leaderboard_results())


def test_only_samples_that_the_rule_names_count() -> None:
    first = group_of({"a": {"m": np.arange(4.0)}}, [metric()], correct=np.array([True, True, False, False]))
    second = dataclasses.replace(first, model="other", correct=np.array([True, False, True, False]))
    elsewhere = dataclasses.replace(first, dataset="elsewhere", correct=np.zeros(4, dtype=bool))
    groups = [first, second, elsewhere]
    assert list(selected_samples(first, groups, "all")) == [0, 1, 2, 3]
    assert list(selected_samples(second, groups, "correct")) == [0, 2]
    assert list(selected_samples(first, groups, "all-correct")) == [0]
    assert run(groups, samples_rule="correct").groups[0].cells["a", "m"].score.mean == 0.5


def test_a_model_that_is_never_right_leaves_nothing_to_rank() -> None:
    group = group_of({"a": {"m": np.arange(4.0)}}, [metric()], correct=np.zeros(4, dtype=bool))
    found = run(group, samples_rule="correct", reference="a").groups[0]
    assert found.selected == 0
    assert np.isnan(found.cells["a", "m"].score.mean)
    assert np.isnan(found.rows["a"].rank["category"].mean)


def test_statistics_do_not_depend_on_the_order_of_samples() -> None:
    group = leaderboard_group()
    order = RNG.permutation(len(group.samples))
    turned = dataclasses.replace(
        group,
        samples=[group.samples[k] for k in order],
        digests=[group.digests[k] for k in order],
        correct=group.correct[order],
        cells={
            pair: dataclasses.replace(cell, values=cell.values[order], computed=cell.computed[order]) for pair, cell in group.cells.items()
        },
    )
    one, two = analyse_results(leaderboard_results()), analyse_results(leaderboard_results(groups=[turned]))
    assert one.groups[0].cells == two.groups[0].cells or _close(one, two)
    assert one.order == two.order


def test_statistics_do_not_depend_on_the_order_of_explainers_and_metrics() -> None:
    group = leaderboard_group()
    turned = dataclasses.replace(group, explainers=group.explainers[::-1], metrics=group.metrics[::-1])
    assert _close(analyse_results(leaderboard_results()), analyse_results(leaderboard_results(groups=[turned])))


def _close(one: RunStatistics, two: RunStatistics) -> bool:
    first, second = one.groups[0], two.groups[0]
    for pair, cell in first.cells.items():
        other = second.cells[pair]
        assert dataclasses.astuple(cell.score) == pytest.approx(dataclasses.astuple(other.score), nan_ok=True)
        assert cell.rank == pytest.approx(other.rank, nan_ok=True)
        assert (cell.n, cell.undefined, cell.missing, cell.versus_null) == (other.n, other.undefined, other.missing, other.versus_null)
        if cell.versus_reference is not None:
            assert other.versus_reference is not None
            assert cell.versus_reference.p_wilcoxon_holm == pytest.approx(other.versus_reference.p_wilcoxon_holm)
    for label, row in first.rows.items():
        for weighting in ("category", "metric"):
            expected = dataclasses.astuple(second.rows[label].rank[weighting])
            assert dataclasses.astuple(row.rank[weighting]) == pytest.approx(expected, nan_ok=True)
    return True


def test_a_monotone_transformation_leaves_the_ranks_of_samples_alone() -> None:
    scores = {label: {"m": RNG.normal(size=20) + k} for k, label in enumerate("abc")}
    warped = {label: {"m": np.exp(columns["m"])} for label, columns in scores.items()}
    one, two = (run(group_of(each, [metric()])).groups[0].critical["m"] for each in (scores, warped))
    assert one == two


def test_missing_cells_are_not_ranked_and_their_rows_are_not_complete(numbers: RunStatistics) -> None:
    group = numbers.groups[0]
    for pair in [("SHAP", "road"), ("deep-lift", "max-sensitivity"), ("laplace", "deletion")]:
        assert np.isnan(group.cells[pair].rank)
        assert not group.rows[pair[0]].complete
        assert (group.rows[pair[0]].ranked, group.rows[pair[0]].of) == (9, 10)
    assert group.cells["laplace", "deletion"].missing == 36
    assert group.cells["laplace", "deletion"].n == 12
    assert group.cells["lrp", "pointing-game"].undefined == 3
    assert group.cells["lrp", "pointing-game"].rank >= 1
    road = sorted(group.cells[label, "road"].rank for label in group.rows if label != "SHAP")
    assert road == list(range(1, 12))


def test_the_better_is_ranked_before_the_worse_in_either_direction(numbers: RunStatistics) -> None:
    assert numbers.order["category"][0] == "triad"
    assert numbers.order["metric"][-1] == "random"
    for direction in ("higher", "lower"):
        scores = {"good": {"m": np.full(5, 2.0)}, "bad": {"m": np.full(5, 1.0)}}
        found = run(group_of(scores, [metric(direction=direction)])).order["category"]
        assert found == (["good", "bad"] if direction == "higher" else ["bad", "good"])


def test_intervals_hold_their_means(numbers: RunStatistics) -> None:
    for row in numbers.groups[0].rows.values():
        for interval in [*row.rank.values(), *row.categories.values()]:
            assert np.isnan(interval.mean) or interval.low <= interval.mean <= interval.high


def test_equal_explainers_share_a_rank_also_in_every_resample() -> None:
    same = RNG.normal(size=31)
    found = run(group_of({"a": {"m": same}, "b": {"m": same.copy()}, "c": {"m": same - 9}}, [metric()]), reference="a").groups[0]
    assert found.rows["a"].rank["category"] == found.rows["b"].rank["category"] == Interval(1.5, 1.5, 1.5)
    versus = found.cells["b", "m"].versus_reference
    assert versus is not None
    assert (versus.p_wilcoxon_holm, versus.p_ttest_holm, versus.effect, versus.verdict) == (1.0, 1.0, 0.0, None)


def test_the_reference_is_compared_with_all_but_itself(numbers: RunStatistics) -> None:
    cells = numbers.groups[0].cells
    assert all(cells["triad", column].versus_reference is None for column in numbers.groups[0].group.metric_labels)
    worse = cells["random", "deletion"].versus_reference
    assert worse is not None
    assert worse.difference > 0, "a higher deletion score"
    assert worse.verdict == "worse", "is a worse one"
    assert worse.low < worse.difference < worse.high
    assert cells["SHAP", "road"].versus_reference is None


def test_pairs_without_both_scores_are_dropped_and_counted(numbers: RunStatistics) -> None:
    versus = numbers.groups[0].cells["lrp", "pointing-game"].versus_reference
    assert versus is not None
    assert (versus.pairs, versus.dropped) == (45, 3)


def test_what_beats_the_null() -> None:
    base = RNG.normal(size=40)
    scores = {
        "oracle": {"m": base + 2},
        "edge": {"m": base + 1 + 0.1 * RNG.normal(size=40)},
        "edge-like": {"m": base + 1 + 0.1 * RNG.normal(size=40)},
        "noise": {"m": base + 0.1 * RNG.normal(size=40)},
    }
    cells = run(group_of(scores, [metric()], nulls=("edge", "noise"))).groups[0].cells
    assert cells["oracle", "m"].versus_null is not None
    assert cells["oracle", "m"].versus_null.beaten
    assert cells["oracle", "m"].versus_null.null == "edge", "the best of the nulls"
    assert cells["edge-like", "m"].versus_null is not None
    assert not cells["edge-like", "m"].versus_null.beaten
    assert cells["edge", "m"].versus_null is None
    lower = run(group_of({k: {"m": -v["m"]} for k, v in scores.items()}, [metric(direction="lower")], nulls=("edge", "noise"))).groups[0]
    assert lower.cells["oracle", "m"].versus_null == cells["oracle", "m"].versus_null


def test_a_twin_is_the_null_of_its_own_explainer_only() -> None:
    base = RNG.normal(size=30)
    scores = {"a": {"m": base + 1}, "b": {"m": base + 2}, "a-twin": {"m": base + 5}, "noise": {"m": base}}
    group = group_of(scores, [metric()])
    rows = [explainer("a"), explainer("b"), explainer("a-twin", null=True, twin_of="a"), explainer("noise", null=True)]
    cells = run(dataclasses.replace(group, explainers=rows)).groups[0].cells
    assert cells["a", "m"].versus_null is not None
    assert (cells["a", "m"].versus_null.null, cells["a", "m"].versus_null.beaten) == ("a-twin", False)
    assert cells["b", "m"].versus_null is not None
    assert (cells["b", "m"].versus_null.null, cells["b", "m"].versus_null.beaten) == ("noise", True)


def test_explainers_like_the_null_seldom_beat_it() -> None:
    generator = np.random.default_rng(5)
    wins = 0
    for _ in range(100):
        draws = {label: {"m": generator.normal(size=25)} for label in ("a", "b", "c", "null")}
        cells = run(group_of(draws, [metric()], nulls=("null",)), bootstrap=2).groups[0].cells
        wins += any((found := cells[label, "m"].versus_null) is not None and found.beaten for label in "abc")
    assert wins <= 11, "the family-wise error is 5 %"


@pytest.mark.filterwarnings("error")
def test_degenerate_groups() -> None:
    empty = Cell.missing(3, "failed", "no")
    nothing = dataclasses.replace(group_of({"a": {"m": np.ones(3)}, "b": {"m": np.ones(3)}}, [metric()]), cells={("a", "m"): empty})
    found = run(nothing, reference="a", nulls=["b"]).groups[0]
    assert found.cells["a", "m"].status == "failed"
    assert not found.rows["a"].complete
    undefined = run(group_of({"a": {"m": np.full(3, np.nan)}, "b": {"m": np.array([1.0, np.inf, 2.0])}}, [metric()]), reference="b").groups[
        0
    ]
    assert undefined.cells["a", "m"].undefined == 3
    assert undefined.cells["b", "m"].undefined == 1, "infinite is undefined"
    assert undefined.rows["b"].rank["category"].mean == 1
    single = run(group_of({"a": {"m": np.ones(1)}, "b": {"m": np.zeros(1)}}, [metric()], nulls=("b",)), reference="b").groups[0]
    assert single.cells["a", "m"].score.mean == 1
    assert np.isnan(single.cells["a", "m"].score.low)
    assert single.cells["a", "m"].versus_null is not None
    assert not single.cells["a", "m"].versus_null.beaten
    assert analyse_results(Results(provenance={}, groups=[])).overall == {}


def test_across_groups_a_rank_is_the_mean_of_the_groups_ranks() -> None:
    first = group_of({"a": {"m": np.full(12, 3.0)}, "b": {"m": np.full(12, 2.0)}, "c": {"m": np.full(12, 1.0)}}, [metric()])
    second = group_of({"a": {"m": np.full(12, 1.0)}, "b": {"m": np.full(12, 2.0)}}, [metric()], model="other")
    overall = run([first, second]).overall
    assert {label: row.rank["metric"].mean for label, row in overall.items()} == {"a": 1.5, "b": 1.5, "c": 3.0}
    assert overall["a"].spread["metric"] == pytest.approx(np.std([1, 2], ddof=1))
    assert (overall["c"].groups, overall["c"].of, overall["c"].complete) == (1, 2, False)
    assert overall["a"].complete


def test_replicates_count_as_one_and_widen_the_interval() -> None:
    def one(model: str, first: float, replicate: str | None) -> Group:
        return group_of({"a": {"m": np.full(12, first)}, "b": {"m": np.full(12, 2.0)}}, [metric()], model=model, replicate_of=replicate)

    seeds = [one(f"net-{k}", 3.0 if k < 2 else 1.0, "net") for k in range(3)]
    overall = run([*seeds, one("single", 3.0, None)], bootstrap=500).overall
    assert overall["a"].rank["metric"].mean == pytest.approx((4 / 3 + 1) / 2)
    assert overall["a"].rank["metric"].low == pytest.approx(1.0)
    assert overall["a"].rank["metric"].high == pytest.approx(1.5, abs=1e-9)
    apart = run([dataclasses.replace(group, replicate_of=None) for group in seeds]).overall
    assert apart["a"].rank["metric"].low == apart["a"].rank["metric"].high


def test_groups_of_the_same_samples_share_their_resamples() -> None:
    scores = {label: {"m": RNG.normal(size=30)} for label in "abc"}
    groups = [group_of(scores, [metric()]), group_of(scores, [metric()], model="copy")]
    found = run(groups)
    assert np.array_equal(found.groups[0].draws["metric"], found.groups[1].draws["metric"])
    assert found.overall["a"].rank["metric"] == found.groups[0].rows["a"].rank["metric"]


def test_the_same_results_give_the_same_numbers() -> None:
    one, two = analyse_results(leaderboard_results()), analyse_results(leaderboard_results())
    assert np.array_equal(one.groups[0].draws["category"], two.groups[0].draws["category"])
    assert [label for label in one.groups[0].rows if one.groups[0].rows[label].against_null == 0] == NULLS


def test_results_refuse_what_contradicts_itself() -> None:
    with pytest.raises(ValueError, match="occurs twice"):
        group_of({"a": {"m": np.ones(2)}}, [metric(), metric()])
    with pytest.raises(ValueError, match="3 values for 2 samples"):
        dataclasses.replace(group_of({"a": {"m": np.ones(2)}}, [metric()]), cells={("a", "m"): Cell.complete(np.ones(3))})
    with pytest.raises(ValueError, match="unknown status"):
        Cell(status="great", values=np.ones(1), computed=np.ones(1, dtype=bool))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="same dataset and model"):
        leaderboard_results(groups=[leaderboard_group(), leaderboard_group()])
    with pytest.raises(ValueError, match="confidence"):
        leaderboard_results(confidence=95)


def test_how_parts_agree_takes_no_part_in_ranks() -> None:
    """An ensemble alone has such scores: it would be the first of its category, and all others would have no rank in it."""
    generator = np.random.default_rng(0)
    scores = {label: {"a": generator.normal(k, 1, 40), "b": generator.normal(-k, 1, 40)} for k, label in enumerate("xyz")}
    without = analyse_results(Results(provenance={}, groups=[group_of(scores, [metric("a"), metric("b")])]))
    scores["x"]["parts"] = np.ones(40)
    with_parts = group_of(scores, [metric("a"), metric("b"), metric("parts", category="agreement")])
    numbers = analyse_results(Results(provenance={}, groups=[with_parts])).groups[0]
    for label, row in without.groups[0].rows.items():
        assert numbers.rows[label].rank == row.rank
        assert numbers.rows[label].complete
        assert set(numbers.rows[label].categories) == {"faithfulness"}
    assert numbers.cells["x", "parts"].score.mean == 1.0 and np.isnan(numbers.cells["x", "parts"].rank)
