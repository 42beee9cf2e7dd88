import dataclasses

import numpy as np
import pytest
from scipy import stats

from harness.analysis.groups import analyse_group
from harness.leaderboard.build import build_leaderboard
from harness.results.data_model import Cell, Group, Results
from harness.results.document import CellEntry, GroupEntry, Leaderboard, OverallEntry, Row
from harness.results.sample_selection import selected_samples
from tests.support.synthetic_results import NULLS, complete_cell, explainer, group_of, leaderboard_group, leaderboard_results, metric

RNG = np.random.default_rng(0)


def run(group: Group | list[Group], **changes: object) -> Leaderboard:
    groups = group if isinstance(group, list) else [group]
    return build_leaderboard(Results(provenance={}, groups=groups, **{"bootstrap": 200, **changes}))  # type: ignore[arg-type]


def rows(group: GroupEntry) -> dict[str, Row]:
    return {row.label: row for row in group.rows}


def cells(group: GroupEntry) -> dict[tuple[str, str], CellEntry]:
    return {(row.label, metric): cell for row in group.rows for metric, cell in row.cells.items()}


def across(found: Leaderboard) -> dict[str, OverallEntry]:
    return {row.label: row for row in found.overall}


def order(found: Leaderboard) -> list[str]:
    return [row.label for row in found.overall]


@pytest.fixture(scope="module")
def numbers() -> Leaderboard:
    return build_leaderboard(leaderboard_results())


def test_only_samples_that_the_rule_names_count() -> None:
    first = group_of({"a": {"m": np.arange(4.0)}}, [metric()], correct=np.array([True, True, False, False]))
    second = dataclasses.replace(first, model="other", correct=np.array([True, False, True, False]))
    elsewhere = dataclasses.replace(first, dataset="elsewhere", correct=np.zeros(4, dtype=bool))
    groups = [first, second, elsewhere]
    assert list(selected_samples(first, groups, "all")) == [0, 1, 2, 3]
    assert list(selected_samples(second, groups, "correct")) == [0, 2]
    assert list(selected_samples(first, groups, "all-correct")) == [0]
    assert cells(run(groups, samples_rule="correct").groups[0])["a", "m"].mean == 0.5


def test_a_model_that_is_never_right_leaves_nothing_to_rank() -> None:
    group = group_of({"a": {"m": np.arange(4.0)}}, [metric()], correct=np.zeros(4, dtype=bool))
    found = run(group, samples_rule="correct", reference="a").groups[0]
    assert found.samples == 0
    assert found.rows[0].cells["m"].mean is None
    assert found.rows[0].standings["category"].rank is None


def test_statistics_do_not_depend_on_the_order_of_samples() -> None:
    group = leaderboard_group()
    places = RNG.permutation(len(group.samples))
    turned = dataclasses.replace(
        group,
        samples=[group.samples[k] for k in places],
        digests=[group.digests[k] for k in places],
        correct=group.correct[places],
        cells={
            pair: dataclasses.replace(cell, values=cell.values[places], computed=cell.computed[places])
            for pair, cell in group.cells.items()
        },
    )
    one, two = build_leaderboard(leaderboard_results()), build_leaderboard(leaderboard_results(groups=[turned]))
    assert cells(one.groups[0]) == cells(two.groups[0]) or _close(one, two)
    assert order(one) == order(two)


def test_statistics_do_not_depend_on_the_order_of_explainers_and_metrics() -> None:
    group = leaderboard_group()
    turned = dataclasses.replace(group, explainers=group.explainers[::-1], metrics=group.metrics[::-1])
    assert _close(build_leaderboard(leaderboard_results()), build_leaderboard(leaderboard_results(groups=[turned])))


def _close(one: Leaderboard, two: Leaderboard) -> bool:
    first, second = cells(one.groups[0]), cells(two.groups[0])
    for pair, cell in first.items():
        other = second[pair]
        assert (cell.mean, cell.low, cell.high) == pytest.approx((other.mean, other.low, other.high))
        assert cell.rank == pytest.approx(other.rank)
        assert (cell.n, cell.undefined, cell.missing, cell.null) == (other.n, other.undefined, other.missing, other.null)
        assert (cell.beats_null, cell.p_null, cell.p_null_adjusted) == (other.beats_null, other.p_null, other.p_null_adjusted)
        if cell.versus_reference is not None:
            assert other.versus_reference is not None
            assert cell.versus_reference.p_wilcoxon_adjusted == pytest.approx(other.versus_reference.p_wilcoxon_adjusted)
    for label, row in rows(one.groups[0]).items():
        for weighting in ("category", "metric"):
            here, there = row.standings[weighting], rows(two.groups[0])[label].standings[weighting]  # type: ignore[index]
            assert dict(here.skill) == pytest.approx(dict(there.skill))
            assert (here.place, here.places, here.alike) == (there.place, there.places, there.alike)
            assert here.rank == pytest.approx(there.rank)
    return True


def test_a_monotone_transformation_leaves_the_ranks_of_samples_alone() -> None:
    scores = {label: {"m": RNG.normal(size=20) + k} for k, label in enumerate("abc")}
    warped = {label: {"m": np.exp(columns["m"])} for label, columns in scores.items()}
    one, two = (run(group_of(each, [metric()])).groups[0].critical_difference_by_metric["m"] for each in (scores, warped))
    assert one == two


def test_missing_cells_are_not_ranked_and_their_rows_are_not_complete(numbers: Leaderboard) -> None:
    found = cells(numbers.groups[0])
    for pair in [("SHAP", "road"), ("deep-lift", "max-sensitivity"), ("laplace", "deletion")]:
        row = rows(numbers.groups[0])[pair[0]]
        assert found[pair].rank is None
        assert not row.complete
        assert (row.metrics_ranked, row.metrics_of) == (9, 10)
    assert found["laplace", "deletion"].missing == 36
    assert found["laplace", "deletion"].n == 12
    assert found["lrp", "pointing-game"].undefined == 3
    assert (found["lrp", "pointing-game"].rank or 0) >= 1
    road = sorted(cell.rank or 0 for (label, name), cell in found.items() if name == "road" and label not in ("SHAP", *NULLS))
    assert road == list(range(1, 9))
    assert all(found[null, "road"].rank is None for null in NULLS), "nulls take no place"


def test_the_better_is_ranked_before_the_worse_in_either_direction(numbers: Leaderboard) -> None:
    assert order(numbers)[0] == "triad"
    assert order(numbers)[-1] == "random"
    for direction in ("higher", "lower"):
        scores = {"good": {"m": np.full(5, 2.0)}, "bad": {"m": np.full(5, 1.0)}}
        found = order(run(group_of(scores, [metric(direction=direction)])))
        assert found == (["good", "bad"] if direction == "higher" else ["bad", "good"])


def test_intervals_hold_their_means(numbers: Leaderboard) -> None:
    estimates = 0
    for row in numbers.groups[0].rows:
        skills = [standing.skill for standing in row.standings.values()]
        for one in [*skills, *row.categories.values(), *(cell.skill for cell in row.cells.values())]:
            assert one.value is None or one.low is None or (one.high is not None and one.low <= one.value <= one.high)
            estimates += one.low is not None
        place, places = row.standings["category"].place, row.standings["category"].places
        assert row.null == (place is None) == (places is None)
        assert place is None or places is None or places[0] <= place <= places[1]
    assert estimates > 100


def test_equal_explainers_share_a_place_and_cannot_be_told_apart() -> None:
    same = RNG.normal(size=31)
    scores = {"a": {"m": same}, "b": {"m": same.copy()}, "c": {"m": same - 9}, "null": {"m": same - 1}}
    found = run(group_of(scores, [metric()], nulls=("null",)), reference="a").groups[0]
    first, second, third = (rows(found)[label].standings["category"] for label in "abc")
    assert first == second
    assert (first.place, first.places, first.rank) == (1, (1, 2), 1.5)
    assert (third.place, third.places, third.rank) == (3, (3, 3), 3)
    assert first.alike and third.alike and not set(first.alike) & set(third.alike)
    versus = cells(found)["b", "m"].versus_reference
    assert versus is not None
    assert (versus.p_wilcoxon_adjusted, versus.p_ttest_adjusted, versus.effect, versus.verdict) == (1.0, 1.0, 0.0, None)


def test_the_reference_is_compared_with_all_but_itself(numbers: Leaderboard) -> None:
    found = cells(numbers.groups[0])
    assert all(found["triad", column.label].versus_reference is None for column in numbers.groups[0].metrics)
    worse = found["random", "deletion"].versus_reference
    assert worse is not None and None not in (worse.difference, worse.low, worse.high)
    assert worse.difference > 0, "a higher deletion score"
    assert worse.verdict == "worse", "is a worse one"
    assert worse.low < worse.difference < worse.high
    assert found["SHAP", "road"].versus_reference is None


def test_pairs_without_both_scores_are_dropped_and_counted(numbers: Leaderboard) -> None:
    versus = cells(numbers.groups[0])["lrp", "pointing-game"].versus_reference
    assert versus is not None
    assert (versus.pairs, numbers.groups[0].samples) == (45, 48)


def test_what_beats_the_null() -> None:
    base = RNG.normal(size=40)
    scores = {
        "oracle": {"m": base + 2},
        "edge": {"m": base + 1 + 0.1 * RNG.normal(size=40)},
        "edge-like": {"m": base + 1 + 0.1 * RNG.normal(size=40)},
        "noise": {"m": base + 0.1 * RNG.normal(size=40)},
    }
    found = cells(run(group_of(scores, [metric()], nulls=("edge", "noise"))).groups[0])
    assert found["oracle", "m"].beats_null
    assert found["oracle", "m"].null == "edge", "the hardest of the nulls"
    assert found["edge-like", "m"].beats_null is False
    assert found["edge", "m"].beats_null is None
    turned = {label: {"m": -columns["m"]} for label, columns in scores.items()}
    lower = cells(run(group_of(turned, [metric(direction="lower")], nulls=("edge", "noise"))).groups[0])["oracle", "m"]
    assert (lower.null, lower.p_null, lower.beats_null) == ("edge", found["oracle", "m"].p_null, True)


def test_a_twin_is_the_null_of_its_own_explainer_only() -> None:
    base = RNG.normal(size=30)
    scores = {"a": {"m": base + 1}, "b": {"m": base + 2}, "a-twin": {"m": base + 5}, "noise": {"m": base}}
    group = group_of(scores, [metric()])
    infos = [explainer("a"), explainer("b"), explainer("a-twin", null=True, twin_of="a"), explainer("noise", null=True)]
    found = cells(run(dataclasses.replace(group, explainers=infos)).groups[0])
    assert (found["a", "m"].null, found["a", "m"].beats_null) == ("a-twin", False)
    assert (found["b", "m"].null, found["b", "m"].beats_null) == ("noise", True)


def test_explainers_like_the_null_seldom_beat_it() -> None:
    generator = np.random.default_rng(5)
    wins = 0
    for _ in range(100):
        draws = {label: {"m": generator.normal(size=25)} for label in ("a", "b", "c", "null")}
        found = cells(run(group_of(draws, [metric()], nulls=("null",)), bootstrap=2).groups[0])
        wins += any(found[label, "m"].beats_null for label in "abc")
    assert wins <= 11, "the family-wise error is 5 %"


@pytest.mark.filterwarnings("error")
def test_degenerate_groups() -> None:
    empty = Cell.missing(3, "failed", "no")
    nothing = dataclasses.replace(group_of({"a": {"m": np.ones(3)}, "b": {"m": np.ones(3)}}, [metric()]), cells={("a", "m"): empty})
    found = run(nothing, reference="a", nulls=["b"]).groups[0]
    assert cells(found)["a", "m"].status == "failed"
    assert not rows(found)["a"].complete
    infinite = {"a": {"m": np.full(3, np.nan)}, "b": {"m": np.array([1.0, np.inf, 2.0])}}
    undefined = run(group_of(infinite, [metric()]), reference="b").groups[0]
    assert cells(undefined)["a", "m"].undefined == 3
    assert cells(undefined)["b", "m"].undefined == 1, "infinite is undefined"
    assert rows(undefined)["b"].standings["category"].rank == 1
    single = cells(run(group_of({"a": {"m": np.ones(1)}, "b": {"m": np.zeros(1)}}, [metric()], nulls=("b",)), reference="b").groups[0])
    assert single["a", "m"].mean == 1
    assert single["a", "m"].low is None
    assert single["a", "m"].beats_null is False
    assert build_leaderboard(Results(provenance={}, groups=[])).overall == []


def against_null(shares: dict[str, float], model: str = "net", replicate: str | None = None, size: int = 20, **scores: np.ndarray) -> Group:
    """A group whose explainers are better than the null on these shares of samples."""
    wins = {label: np.where(np.arange(size) < round(share * size), 1.0, -1.0) for label, share in shares.items()}
    given = {label: {"m": values} for label, values in {**wins, **scores, "null": np.zeros(size)}.items()}
    return group_of(given, [metric()], nulls=("null",), model=model, replicate_of=replicate)


def test_across_groups_skill_and_rank_are_the_means_of_the_groups() -> None:
    overall = across(run([against_null({"a": 0.9, "b": 0.7, "c": 0.5}), against_null({"a": 0.6, "b": 0.8}, "other")]))
    standings = {label: row.standings["metric"] for label, row in overall.items()}
    assert {label: one.skill.value for label, one in standings.items()} == pytest.approx({"a": 0.75, "b": 0.75, "c": 0.5, "null": 0.5})
    assert {label: one.rank for label, one in standings.items()} == {"a": 1.5, "b": 1.5, "c": 3.0, "null": None}
    assert {label: one.place for label, one in standings.items()} == {"a": 1, "b": 1, "c": 3, "null": None}
    assert overall["a"].spread["metric"] == pytest.approx(np.std([0.9, 0.6], ddof=1))
    assert (overall["c"].groups, overall["c"].groups_of, overall["c"].complete) == (1, 2, False)
    assert overall["a"].complete


def test_a_group_in_which_nothing_of_an_explainer_is_ranked_is_not_counted() -> None:
    found = across(run([against_null({"a": 0.9, "b": 0.7}), against_null({"b": 0.5}, "other", a=np.full(20, np.nan))]))
    assert {label: (row.groups, row.groups_of, row.complete) for label, row in found.items() if label in "ab"} == {
        "a": (1, 2, False),
        "b": (2, 2, True),
    }


def test_of_rows_alike_in_skill_and_place_the_complete_one_stands_first() -> None:
    null, manners = np.zeros(6), metric("n", category="complexity")
    group = group_of(
        {label: {"m": null + 1, "n": null} for label in "ab"} | {"null": {"m": null, "n": null}}, [metric(), manners], ("null",)
    )
    group.cells["a", "n"] = Cell.missing(6, "failed")
    found = run(group).groups[0]
    assert [row.standings["category"].place for row in found.rows] == [1, 1, None]
    assert [row.label for row in found.rows] == ["b", "a", "null"]


def test_replicates_count_as_one_and_their_interval_is_of_seeds() -> None:
    seeds = [against_null({"a": share, "b": 0.7}, f"net-{k}", "net") for k, share in enumerate([0.9, 0.8, 0.55])]
    found = across(run(seeds))["a"]
    mean, error = np.mean([0.9, 0.8, 0.55]), np.std([0.9, 0.8, 0.55], ddof=1) / np.sqrt(3)
    skill, half = found.standings["metric"].skill, stats.t.ppf(0.975, 2) * error
    assert (skill.value, skill.low, skill.high) == pytest.approx((mean, mean - half, min(mean + half, 1)))
    assert found.seeds == 3
    assert found.standings["metric"].places is None
    turned = [against_null({"a": share, "b": 0.7}, f"net-{k}", "net") for k, share in enumerate([0.1, 0.2, 0.45])]
    assert dict(across(run(turned))["a"].standings["metric"].skill) == pytest.approx({"value": 0.25, "low": 0.0, "high": 0.25 + half})
    both = across(run([*seeds, against_null({"a": 0.6, "b": 0.7}, "single")]))["a"].standings["metric"].skill
    assert both.value == pytest.approx((mean + 0.6) / 2), "three replicates weigh as much as one model"
    two = across(run(seeds[:2]))["a"].standings["metric"].skill
    assert two.value == pytest.approx(0.85)
    assert two.low is None and two.high is None, "two seeds say next to nothing of how seeds vary"


def test_independent_parts_of_an_interval_add_up_as_squares() -> None:
    seeds = [against_null({"a": share}, f"net-{k}", "net") for k, share in enumerate([0.9, 0.8, 0.55])]
    single = against_null({"a": 0.6}, "single")
    alone, trained, both = (
        across(run(groups, bootstrap=2000))["a"].standings["metric"].skill for groups in ([single], seeds, [*seeds, single])
    )
    parts = [(one.value - one.low) / 2 for one in (alone, trained)]  # type: ignore[operator]
    assert both.value - both.low == pytest.approx(np.hypot(*parts))  # type: ignore[operator]


def test_an_interval_rests_on_the_samples_of_its_own_part_alone() -> None:
    """Many samples of what is averaged over seeds, or of what an explainer is not in, say nothing of the few that it is won on."""
    few = dataclasses.replace(against_null({"a": 1.0, "b": 1.0}, size=10), dataset="few")
    one = across(run([few]))["a"].standings["metric"].skill
    many = [against_null({"a": 1.0 - k / 100}, f"net-{k}", "net", 400) for k in range(3)]
    both = across(run([few, *many]))["a"].standings["metric"].skill
    trained = across(run(many))["a"].standings["metric"].skill
    assert both.value - both.low == pytest.approx(np.hypot(1 - one.low, trained.value - trained.low) / 2)  # type: ignore[operator]
    mixed = across(run([few, against_null({"a": 1.0}, size=400)]))
    assert dict(mixed["b"].standings["metric"].skill) == pytest.approx(dict(one)), "b is in the group of few samples alone"
    assert mixed["a"].standings["metric"].skill.low > one.low  # type: ignore[operator]


def test_who_is_seen_on_few_samples_makes_nobody_else_less_sure() -> None:
    large = against_null({"a": 0.9, "b": 0.4}, size=90)
    small = dataclasses.replace(against_null({"a": 0.8, "b": 0.4, "c": 1.0}, size=5), dataset="small")
    found = {label: entry.standings["metric"].places for label, entry in across(run([large, small], bootstrap=400)).items()}
    assert found == {"a": (1, 2), "b": (2, 3), "c": (1, 3), "null": None}, "five samples alone tell nothing apart"


def test_models_that_are_right_on_nearly_the_same_samples_share_the_resamples_of_these() -> None:
    """Else two copies of one model, of which one is wrong on a sample more, would halve the variance."""
    values, right = RNG.normal(size=40), np.ones(40, dtype=bool)
    groups = [dataclasses.replace(against_null({}, name, size=40, a=values), correct=right) for name in ("net", "copy")]
    copy = np.where(np.arange(40) == 7, False, right)
    results = run([groups[0], dataclasses.replace(groups[1], correct=copy)], samples_rule="correct", bootstrap=2000)
    assert [group.samples for group in results.groups] == [40, 39]
    alone, both = (across(found)["a"].standings["metric"].skill for found in (run(groups[:1], bootstrap=2000), results))
    assert both.high - both.low == pytest.approx(alone.high - alone.low, rel=0.05)  # type: ignore[operator]


def test_a_mean_over_groups_rests_on_so_many_samples() -> None:
    """Of n samples that are all won, Wilson's interval begins at n / (n + t²), whatever is resampled."""

    def low(*sizes: tuple[str, int]) -> float | None:
        groups = [dataclasses.replace(against_null({"a": 1.0}, f"net-{size}", size=size), dataset=dataset) for dataset, size in sizes]
        return across(run(groups))["a"].standings["metric"].skill.low

    def wilson(size: int) -> float:
        return size / (size + stats.t.ppf(0.975, size - 1) ** 2)

    assert low(("one", 20), ("other", 20)) == pytest.approx(wilson(40)), "data sets add up"
    assert low(("one", 20), ("other", 60)) == pytest.approx(wilson(60)), "twice the harmonic mean"
    assert low(("one", 20), ("one", 60)) == pytest.approx(wilson(30)), "models of a data set share its samples"
    assert low(("one", 20), ("one", 60), ("other", 30)) == pytest.approx(wilson(60))


def test_groups_of_the_same_samples_share_their_resamples() -> None:
    scores = {label: RNG.normal(size=30) for label in "abc"}
    groups = [against_null({}, size=30, **scores), against_null({}, "copy", size=30, **scores)]
    results = Results(provenance={}, groups=groups, bootstrap=200)
    first, second = (analyse_group(group, results) for group in groups)
    assert np.array_equal(first.contests["metric"].skill.draws, second.contests["metric"].skill.draws)
    both, one = across(build_leaderboard(results))["a"].standings["metric"], first.rows["a"].standings["metric"]
    assert dict(both.skill) == pytest.approx(dict(one.skill)), "the same samples twice say no more than once"
    assert both.places == one.places


def test_the_same_results_give_the_same_numbers() -> None:
    one, two = (build_leaderboard(leaderboard_results()) for _ in range(2))
    assert one == two
    assert {row.label for row in one.groups[0].rows if row.against_null == 0} == set(NULLS)


def test_results_refuse_what_contradicts_itself() -> None:
    with pytest.raises(ValueError, match="occurs twice"):
        group_of({"a": {"m": np.ones(2)}}, [metric(), metric()])
    with pytest.raises(ValueError, match="3 values for 2 samples"):
        dataclasses.replace(group_of({"a": {"m": np.ones(2)}}, [metric()]), cells={("a", "m"): complete_cell(np.ones(3))})
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
    without = build_leaderboard(Results(provenance={}, groups=[group_of(scores, [metric("a"), metric("b")])]))
    scores["x"]["parts"] = np.ones(40)
    with_parts = group_of(scores, [metric("a"), metric("b"), metric("parts", category="agreement")])
    found = rows(build_leaderboard(Results(provenance={}, groups=[with_parts])).groups[0])
    for row in without.groups[0].rows:
        assert found[row.label].standings == row.standings
        assert found[row.label].complete
        assert set(found[row.label].categories) == {"faithfulness"}
    parts = found["x"].cells["parts"]
    assert parts.mean == 1.0 and parts.rank is None
