"""The headline: nothing empty can win, what is undefined helps nobody, and it does not depend on who else is there."""

import dataclasses

import numpy as np
import pytest

from harness.analysis.groups import analyse_group
from harness.analysis.headline import share_to_oracle
from harness.analysis.skill import draw_folds, wins_against_hardest
from harness.leaderboard.build import build_leaderboard
from harness.results.components import MetricInfo
from harness.results.data_model import Cell, Group, Results
from harness.results.document import GroupEntry, Row
from harness.results.meta_document import SeparationEntry
from tests.support.synthetic_results import complete_cell, explainer, group_of, leaderboard_group, metric

RNG = np.random.default_rng(0)
TRUTH, MANNERS = metric("truth"), metric("manners", category="robustness")


def analysed(group: Group, **changes: object) -> GroupEntry:
    return build_leaderboard(Results(provenance={}, groups=[group], **{"bootstrap": 300, **changes})).groups[0]  # type: ignore[arg-type]


def rows(group: Group, **changes: object) -> dict[str, Row]:
    return {row.label: row for row in analysed(group, **changes).rows}


def skills(found: dict[str, Row], weighting: str = "category") -> dict[str, float | None]:
    return {label: row.standings[weighting].skill.value for label, row in found.items()}  # type: ignore[index]


def simple(scores: dict[str, np.ndarray], nulls: tuple[str, ...] = ("null",), info: MetricInfo = TRUTH) -> Group:
    return group_of({label: {info.label: values} for label, values in scores.items()}, [info], nulls=nulls)


def test_skill_is_the_share_of_samples_on_which_a_map_is_better_than_the_hardest_null() -> None:
    null = np.arange(8.0)
    better = null + np.array([1, 1, 1, 1, 1, 0, -1, -1])
    easier = null - 100
    group = simple({"map": better, "null": null, "easy": easier}, ("null", "easy"))
    found = rows(group)
    assert skills(found) == {"map": pytest.approx(5.5 / 8), "null": 0.5, "easy": 0.0}
    assert found["map"].cells["truth"].null == "null"
    lower = dataclasses.replace(TRUTH, direction="lower")
    turned = simple({"map": -better, "null": -null, "easy": -easier}, ("null", "easy"), lower)
    assert skills(rows(turned)) == skills(found)


def test_what_cannot_be_told_from_nulls_is_not_above_them_and_the_interval_holds_a_half_however_many_they_are() -> None:
    """The null that happens to be the hardest on the samples makes skill too little: 0.43 in the mean. The interval knows of it."""
    names = ("one", "two", "three", "four", "five")
    groups = [simple({label: RNG.normal(size=40) for label in ("map", *names)}, names) for _ in range(100)]
    found = [rows(group)["map"].standings["category"].skill for group in groups]
    values, low, high = (np.asarray([getattr(one, name) for one in found], dtype=float) for name in ("value", "low", "high"))
    assert np.mean(values) == pytest.approx(0.43, abs=0.03)
    assert np.mean((low <= 0.5) & (high >= 0.5)) >= 0.93
    assert np.mean(low > 0.5) <= 0.01
    assert all((skills(rows(groups[0]))[label] or 0) <= 0.5 for label in names), "a null is held against itself, too"
    assert skills(rows(simple({"copy": np.arange(9.0), "null": np.arange(9.0)}))) == {"copy": 0.5, "null": 0.5}


def test_a_map_cannot_win_by_manners() -> None:
    """What says nothing is simple and robust: a constant is the best there, and stays behind what beats the nulls."""
    null, size = RNG.normal(size=40), 40
    scores = {
        "real": {"truth": null + 1, "manners": np.full(size, -5.0)},
        "empty": {"truth": null + RNG.normal(size=size) - 0.5, "manners": np.full(size, 9.0)},
        "null": {"truth": null, "manners": RNG.normal(size=size)},
    }
    group = group_of(scores, [TRUTH, MANNERS], nulls=("null",))
    found = analysed(group)
    assert next(row.label for row in found.rows) == "real"
    assert [metric.weights["category"] for metric in found.metrics] == [1, 0]
    chosen = analysed(group, weights={"robustness": 3.0})
    assert next(row.label for row in chosen.rows) == "empty", "unless it is asked for"
    assert [metric.weights["category"] for metric in chosen.metrics] == [0.25, 0.75]


def test_manners_break_ties() -> None:
    null = RNG.normal(size=20)
    scores = {
        "rude": {"truth": null + 1, "manners": np.zeros(20)},
        "polite": {"truth": null + 1, "manners": np.full(20, 2.0)},
        "null": {"truth": null, "manners": np.ones(20)},
    }
    found = rows(group_of(scores, [TRUTH, MANNERS], nulls=("null",)))
    assert skills(found)["rude"] == skills(found)["polite"] == 1.0
    assert {label: row.standings["category"].place for label, row in found.items()} == {"polite": 1, "rude": 2, "null": None}


def test_undefined_scores_count_as_the_nulls() -> None:
    """Were they left out, the explainer that is worse wherever it says something would be first."""
    null = RNG.normal(size=48)
    easy = np.arange(48) < 10
    good = np.where(easy, null + 2.0, null + 1.0)
    silent = np.where(easy, null + 1.5, np.nan)
    found = rows(simple({"good": good, "silent": silent, "null": null}))
    assert skills(found) == {"good": 1.0, "silent": pytest.approx((10 + 38 / 2) / 48), "null": 0.5}
    assert found["silent"].cells["truth"].undefined == 38
    assert next(row.label for row in analysed(simple({"silent": silent, "good": good, "null": null})).rows) == "good"
    assert found["good"].standings["category"].rank == 1 and found["silent"].standings["category"].rank == 2
    few = rows(simple({"good": good, "few": np.where(np.arange(48) < 2, 99.0, np.nan), "null": null}))
    assert skills(few)["few"] == pytest.approx(0.5 + 1 / 48)


def test_a_row_without_a_category_gets_that_of_a_null() -> None:
    null = RNG.normal(size=20)
    other = metric("other", category="localisation")
    scores = {label: {"truth": null + shift, "other": null + shift} for label, shift in (("a", 1), ("b", 0.5), ("null", 0))}
    group = group_of(scores, [TRUTH, other], nulls=("null",))
    group.cells["b", "other"] = Cell.missing(20, "not-applicable", "no such layer")
    found = rows(group)
    assert skills(found)["b"] == pytest.approx((1 + 0.5) / 2)
    assert found["b"].categories["localisation"].value == 0.5
    assert not found["b"].complete
    ranks = {label: row.standings["category"].rank for label, row in found.items()}
    assert ranks == {"a": 1.0, "b": 2.0, "null": None}, "a rank that is missing is the last"


def test_skill_does_not_depend_on_who_else_is_there_and_ranks_not_on_the_nulls() -> None:
    whole = leaderboard_group(gaps=False)
    nulls = ["random", "sobel", "laplace"]
    found = rows(whole, nulls=nulls)
    for left_out in ("triad", "saliency", "SHAP"):
        kept = [info for info in whole.explainers if info.label != left_out]
        cells = {pair: cell for pair, cell in whole.cells.items() if pair[0] != left_out}
        fewer = rows(dataclasses.replace(whole, explainers=kept, cells=cells, costs={}, notes={}), nulls=nulls)
        for label, row in fewer.items():
            for name, cell in row.cells.items():
                assert cell.skill == found[label].cells[name].skill
            assert dict(row.standings["category"].skill) == pytest.approx(dict(found[label].standings["category"].skill))
    without = [info for info in whole.explainers if info.label != "laplace"]
    cells = {pair: cell for pair, cell in whole.cells.items() if pair[0] != "laplace"}
    fewer = rows(dataclasses.replace(whole, explainers=without, cells=cells, costs={}, notes={}), nulls=nulls)
    assert {label: row.standings["metric"].rank for label, row in fewer.items()} == {
        label: row.standings["metric"].rank for label, row in found.items() if label != "laplace"
    }


def test_a_metric_on_which_a_null_is_at_the_bound_does_not_count() -> None:
    bounded = dataclasses.replace(metric("bounded"), direction="lower", bounds=(0, None))
    null = np.abs(RNG.normal(size=20))
    scores = {
        "a": {"bounded": np.ones(20), "truth": null + 1},
        "zero": {"bounded": np.zeros(20), "truth": null},
    }
    found = analysed(group_of(scores, [bounded, TRUTH], nulls=("zero",)))
    assert found.metrics[0].discounted == "zero, a null, has the best score that there is"
    assert [one.weights["category"] for one in found.metrics] == [0, 1]
    assert found.rows[0].standings["category"].skill.value == 1
    scores["zero"]["bounded"] = np.where(np.arange(20) == 3, 0.1, 0.0)
    assert analysed(group_of(scores, [bounded, TRUTH], nulls=("zero",))).metrics[0].discounted is None


def test_metrics_that_say_the_same_count_once() -> None:
    size, names = 40, "abcde"
    truth = {name: RNG.normal(k, 1, size) for k, name in enumerate(names)}
    apart = {name: RNG.normal(-k, 1, size) for k, name in enumerate(names)}
    null = {"one": np.zeros(size), "same": np.zeros(size), "other": np.zeros(size)}
    scores = {name: {"one": truth[name], "same": np.exp(truth[name]) - 1, "other": apart[name]} for name in names} | {"null": null}
    found = analysed(group_of(scores, [metric("one"), metric("same"), metric("other")], nulls=("null",)))
    assert [one.weights["category"] for one in found.metrics] == pytest.approx([1 / 4, 1 / 4, 1 / 2])
    assert [one.alike for one in found.metrics] == [["same"], ["one"], []]


def test_the_order_of_columns_decides_no_weight() -> None:
    """Of five explainers correlations are often equal: which are joined first, and which left over, is then anybody's choice."""
    labels, names, size = ["one", "two", "three"], "abcde", 30
    noise = np.linspace(0, 0.01, size)
    orders = {"one": [1, 2, 3, 4, 5], "two": [2, 1, 3, 4, 5], "three": [1, 2, 3, 5, 4]}  # one is at 0.9 of both, they at 0.8
    scores = {name: {label: noise + orders[label][e] for label in labels} for e, name in enumerate(names)}
    scores["null"] = {label: RNG.normal(size=size) for label in labels}
    found = set()
    for order in (labels, labels[::-1], ["two", "three", "one"]):
        entry = analysed(group_of(scores, [metric(label) for label in order], nulls=("null",)))
        found.add(tuple(sorted((one.label, *one.alike) for one in entry.metrics)))
    assert found == {(("one", "three"), ("three", "one"), ("two",))}


def test_a_metric_with_a_weight_of_its_own_shares_none() -> None:
    size, names = 40, "abcde"
    truth = {name: RNG.normal(k, 1, size) for k, name in enumerate(names)}
    scores = {name: {"one": truth[name], "same": np.exp(truth[name]), "third": truth[name] ** 3} for name in names}
    scores["null"] = {label: RNG.normal(size=size) for label in ("one", "same", "third")}
    group = group_of(scores, [metric("one"), metric("same"), metric("third")], nulls=("null",))
    found = analysed(group, weights={"third": 0.0}).metrics
    assert [one.weights["category"] for one in found] == [0.5, 0.5, 0], "what counts nothing takes no weight from others"
    assert [one.alike for one in found] == [["same"], ["one"], []]
    found = analysed(group, weights={"third": 2.0, "same": 1.0}).metrics
    assert [one.weights["category"] for one in found] == pytest.approx([1 / 4, 1 / 4, 1 / 2]), "whatever the other rows are"


def test_a_metric_under_which_not_all_have_a_null_takes_skill_from_nobody() -> None:
    """Else a row without a null there has no skill at all, and stands behind the one that a twin is the null of."""
    other, null = metric("other", category="localisation"), RNG.normal(size=20)
    scores = {label: {"truth": null + shift, "other": null + shift} for label, shift in (("a", 1), ("b", 2), ("a-twin", -1), ("noise", 0))}
    infos = [explainer("a"), explainer("b"), explainer("a-twin", null=True, twin_of="a"), explainer("noise", null=True)]
    group = dataclasses.replace(group_of(scores, [TRUTH, other]), explainers=infos)
    group.cells["noise", "other"] = Cell.missing(20, "not-applicable", "no such layer")
    assert skills(rows(group)) == {"a": 1.0, "b": 1.0, "a-twin": 0.0, "noise": 0.5}
    why = [one.discounted for one in analysed(group).metrics]
    assert why == [None, "no null that all have to beat has scores on enough samples"]
    thirds = {f"null {k}": np.where(np.arange(21) % 3 == k, 0.0, np.nan) for k in range(3)}
    scattered = analysed(simple({"a": np.ones(21), **thirds}, tuple(thirds)))
    assert scattered.metrics[0].discounted == why[1], "none has a score on half of the samples that any has one for"


def test_a_null_with_scores_on_few_samples_takes_no_metric_away_and_fills_no_gap() -> None:
    bounded = dataclasses.replace(metric("bounded"), bounds=(0, 1))
    few = np.where(np.arange(20) == 3, 1.0, np.nan)
    scores = {"a": np.where(np.arange(20) < 12, 0.8, np.nan), "b": np.full(20, 0.7), "null": np.full(20, 0.6), "few": few}
    found = analysed(simple(scores, ("null", "few"), bounded))
    assert found.metrics[0].discounted is None, "the best score on one sample is not the best on each"
    ranks = {row.label: row.standings["category"].rank for row in found.rows}
    assert ranks == {"a": 1, "b": 2, "null": None, "few": None}, "12 × 0.8 and 8 of the null's 0.6 are more than 0.7"
    complete = found.rows[0].cells["bounded"]
    assert complete.skill.value == pytest.approx(1.0) and found.rows[0].label == "b"


def test_a_row_without_a_score_is_first_under_no_weighting() -> None:
    other, null = metric("other", category="localisation"), RNG.normal(size=20)
    scores = {label: {"truth": null + shift, "other": null + shift} for label, shift in (("bad", -1), ("gone", 0), ("null", 0))}
    group = group_of(scores, [TRUTH, other], nulls=("null",))
    for label in ("truth", "other"):
        group.cells["gone", label] = Cell.missing(20, "failed", "broken")
    found = analysed(group)
    assert {row.label: row.first_share for row in found.rows} == {"bad": 1.0, "gone": None, "null": None}
    assert found.first_without == {"faithfulness": ["bad"], "localisation": ["bad"]}


def test_without_nulls_rows_stand_by_their_mean_rank_and_have_no_skill() -> None:
    found = analysed(simple({"worse": np.zeros(12), "better": np.ones(12)}, ()))
    assert [row.label for row in found.rows] == ["better", "worse"]
    assert all(row.standings["category"].skill.value is None for row in found.rows)
    assert [row.standings["category"].place for row in found.rows] == [1, 2]


def test_without_a_metric_of_truth_there_is_no_headline() -> None:
    found = analysed(simple({"a": np.zeros(12), "b": np.ones(12), "null": np.full(12, 0.5)}, info=MANNERS))
    assert [row.label for row in found.rows] == ["b", "a", "null"]
    assert all(row.standings["category"].skill.value is None for row in found.rows)
    assert found.rows[0].categories["robustness"].value == 1


def test_a_twin_is_a_null_of_its_own_explainer() -> None:
    base = RNG.normal(size=30)
    scores = {"a": {"truth": base + 1}, "b": {"truth": base + 2}, "a-twin": {"truth": base + 5}, "noise": {"truth": base}}
    infos = [explainer("a"), explainer("b"), explainer("a-twin", null=True, twin_of="a"), explainer("noise", null=True)]
    found = rows(dataclasses.replace(group_of(scores, [TRUTH]), explainers=infos))
    assert skills(found) == {"a": 0.0, "b": 1.0, "a-twin": 0.5, "noise": 0.5}


def test_who_is_first_under_which_weights_is_said() -> None:
    other = metric("other", category="localisation")
    null = np.zeros(20)
    wins = {"a": (20, 11), "b": (12, 20), "c": (11, 12)}
    scores = {
        label: {"truth": np.where(np.arange(20) < first, 1.0, -1.0), "other": np.where(np.arange(20) < second, 1.0, -1.0)}
        for label, (first, second) in wins.items()
    }
    found = analysed(group_of({**scores, "null": {"truth": null, "other": null}}, [TRUTH, other], nulls=("null",)))
    shares = {row.label: row.first_share for row in found.rows}
    assert shares == {"a": pytest.approx(8 / 17), "b": pytest.approx(9 / 17), "c": 0.0, "null": None}, (
        "w + .55 (1 - w) > .6 w + (1 - w) from w = 9/17 on"
    )
    assert found.first_without == {"faithfulness": ["b"], "localisation": ["a"]}


@pytest.mark.filterwarnings("error")
def test_degenerate_groups_have_a_headline_or_none() -> None:
    empty = group_of({"a": {"truth": np.empty(0)}, "null": {"truth": np.empty(0)}}, [TRUTH], nulls=("null",))
    assert skills(rows(empty)) == {"a": None, "null": None}
    one = rows(simple({"a": np.ones(1), "null": np.zeros(1)}))
    assert skills(one) == {"a": 1.0, "null": 0.5}
    assert one["a"].standings["category"].places is None
    silent = rows(simple({"a": np.full(5, np.nan), "b": np.arange(5.0) - 1, "null": np.arange(5.0)}))
    assert skills(silent) == {"a": None, "b": 0.0, "null": 0.5}, "what has no score at all is above nobody"
    assert [silent[label].standings["category"].place for label in "ab"] == [None, 1]
    no_null = simple({"a": np.arange(5.0), "null": np.full(5, np.nan)})
    assert analysed(no_null).metrics[0].discounted == "no null that all have to beat has scores on enough samples"
    only_nulls = rows(simple({"null": np.arange(5.0)}))
    assert skills(only_nulls) == {"null": 0.5}
    nothing = dataclasses.replace(empty, explainers=[], cells={})
    assert analysed(nothing).rows == []
    assert complete_cell(np.ones(2)).status == "ok"


def test_a_twin_that_is_perfect_does_not_make_its_metric_useless_for_others() -> None:
    """It is a null of one explainer: the others' undefined scores are not its own, either."""
    bounded = dataclasses.replace(TRUTH, bounds=(0, 1))
    scores = {"a": np.full(8, 0.5), "b": np.r_[np.nan, np.full(7, 0.7)], "a-twin": np.ones(8), "noise": np.full(8, 0.6)}
    infos = [explainer("a"), explainer("b"), explainer("a-twin", null=True, twin_of="a"), explainer("noise", null=True)]
    group = dataclasses.replace(group_of({label: {"truth": values} for label, values in scores.items()}, [bounded]), explainers=infos)
    assert analysed(group).metrics[0].discounted is None
    placed = dataclasses.replace(group, cells={**group.cells, ("a", "truth"): complete_cell(np.full(8, 0.7))})
    assert {label: row.cells["truth"].rank for label, row in rows(placed).items()} == {"a": 1, "b": 2, "a-twin": None, "noise": None}


def test_how_nulls_order_samples_does_not_tell_metrics_apart() -> None:
    base, other = RNG.normal(size=(2, 20)), metric("other")
    scores = {label: {"truth": base[0] + k, "other": 2 * base[0] + k} for k, label in enumerate("abc", start=5)}
    nulls = {label: {"truth": base[0] - k, "other": base[1] + k} for k, label in enumerate(("one", "two", "three", "four"))}
    found = analysed(group_of(scores | nulls, [TRUTH, other], nulls=tuple(nulls)))
    assert [one.alike for one in found.metrics] == [["other"], ["truth"]]


@pytest.mark.parametrize(("size", "counts"), [(4, True), (5, False)])
def test_an_oracle_that_is_not_told_apart_counts_against_a_metric_where_a_test_could_tell_it(size: int, counts: bool) -> None:
    """All samples agree by chance with probability 1/16 and 1/32."""
    group = simple({"a": np.arange(size) + 1.0, "null": np.arange(float(size))})
    missed = SeparationEntry(null="null", oracle=0.0, best=0.0, wins=0.5, p_holm=1.0, separates=False)
    (found,) = analyse_group(group, Results(provenance={}, groups=[group], bootstrap=2), {"truth": missed}).entry.metrics
    assert (found.discounted is None) == counts


def test_a_mean_is_so_far_on_its_way_from_the_best_null_to_an_oracle() -> None:
    found = SeparationEntry(null="null", oracle=0.2, best=0.6, wins=1.0, p_holm=0.0, separates=True)
    assert [share_to_oracle(mean, found) for mean in (0.6, 0.5, 0.2, 0.7)] == pytest.approx([0, 0.25, 1, -0.25])
    assert share_to_oracle(None, found) is share_to_oracle(0.5, None) is None
    assert share_to_oracle(0.5, found.model_copy(update={"separates": False})) is None


def test_the_hardest_null_is_looked_for_on_the_same_samples_or_on_others() -> None:
    scores = np.zeros(4)
    nulls = {"a": np.array([1.0, 1.0, -1.0, -1.0]), "b": np.array([-1.0, -1.0, 1.0, 1.0]), "none": np.full(4, np.nan)}
    folds = np.array([0, 0, 1, 1])
    assert wins_against_hardest(scores, nulls, 1.0, folds).tolist() == [1, 1, 1, 1], "on the others b and then a is the harder"
    assert wins_against_hardest(scores, nulls, 1.0).tolist() == [0, 0, 1, 1], "of equal ones the first"
    assert wins_against_hardest(-scores, {"a": -nulls["a"], "b": -nulls["b"]}, -1.0, folds).tolist() == [1, 1, 1, 1]


def test_folds_are_of_one_size_and_follow_the_samples_in_any_order() -> None:
    names = [f"s{k}" for k in range(23)]
    folds = draw_folds(names, 0)
    assert sorted(np.bincount(folds)) == [11, 12]
    assert sorted(np.bincount(draw_folds(names, 0, 5))) == [4, 4, 5, 5, 5]
    turned = RNG.permutation(23)
    assert np.array_equal(draw_folds([names[k] for k in turned], 0), folds[turned])
    assert not np.array_equal(draw_folds(names, 1), folds)
    assert draw_folds(names[:1], 0).tolist() == [0] and sorted(draw_folds(names[:3], 0, 5)) == [0, 1, 2]
    assert draw_folds([], 0).tolist() == []
