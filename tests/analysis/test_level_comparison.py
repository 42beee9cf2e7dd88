"""Levels of what was swept against each other, held against SciPy and against what was made up."""

import dataclasses
from itertools import product

import numpy as np
import pytest
from scipy import stats

from harness.analysis.factors import FactorError
from harness.analysis.level_comparison import compare_levels
from harness.leaderboard.build import build_leaderboard
from harness.results.data_model import Cell, Results
from harness.results.levels_document import LevelComparison, LevelScores, LevelsEntry, LevelsRow
from tests.support.swept_results import GAINS, TUNES, swept_group, swept_results


def compare(results: Results, *by: str, **options: object) -> list[LevelsEntry]:
    return compare_levels(results, build_leaderboard(results).groups, by, **options)  # type: ignore[arg-type]


def row(entry: LevelsEntry, metric: str, explainer: str) -> LevelsRow:
    return next(row for found in entry.metrics if found.label == metric for row in found.rows if row.explainer == explainer)


def every_comparison(entry: LevelsEntry) -> list[tuple[str, LevelComparison]]:
    return [(metric.label, one) for metric in entry.metrics for row in metric.rows for one in row.comparisons]


def raw_scores(results: Results, tune: str, explainer: str, metric: str) -> np.ndarray:
    """(seeds, samples) of those that all models classify correctly: all but the first three."""
    groups = [group for group in results.groups if group.recipes["model"].factors["tune"] == tune]
    return np.stack([group.cells[explainer, metric].values[3:] for group in groups])


def test_levels_stand_in_the_order_of_the_sweep_and_samples_are_those_that_all_models_get_right() -> None:
    (entry,) = compare(swept_results(), "tune")
    assert [level.name for level in entry.levels] == list(TUNES)
    assert [len(level.models) for level in entry.levels] == [3] * 4
    assert (entry.samples, entry.samples_total) == (17, 20)
    assert [metric.label for metric in entry.metrics] == ["skill", "inside", "drop"]
    assert [row.explainer for row in entry.metrics[1].rows] == ["ramp steps=8", "ramp steps=32", "plain", "noise"]
    assert [row.null for row in entry.metrics[1].rows] == [False, False, False, True]
    (everything,) = compare(swept_results(samples_rule="all"), "tune")
    assert everything.samples == 20


def test_of_several_factors_the_first_named_changes_slowest() -> None:
    (entry,) = compare(swept_results(("3conv", "1conv")), "seed", "tune")
    assert [level.values for level in entry.levels] == [[s, t] for s in "012" for t in ("3conv", "1conv")]
    assert entry.levels[1].name == "0, 1conv"


def test_the_spread_is_of_all_scores_of_all_models() -> None:
    results = swept_results()
    (entry,) = compare(results, "tune")
    for tune in TUNES:
        raw, found = raw_scores(results, tune, "plain", "inside"), row(entry, "inside", "plain").scores[tune]
        assert (found.n, found.samples, found.models) == (51, 17, 3)
        assert found.mean == pytest.approx(raw.mean())
        quartiles = (found.lower_quartile, found.median, found.upper_quartile)
        assert quartiles == pytest.approx(np.quantile(raw, (0.25, 0.5, 0.75)))


def test_with_seeds_enough_seeds_and_samples_vary() -> None:
    """The variances of both sets of models, and of the samples' mean differences, with Satterthwaite's degrees of freedom."""
    results = swept_results()
    (entry,) = compare(results, "tune")
    for one in row(entry, "drop", "plain").comparisons:
        first, second = (raw_scores(results, tune, "plain", "drop") for tune in (one.first, one.second))
        parts = [stats.sem(first.mean(axis=1)), stats.sem(second.mean(axis=1)), stats.sem(second.mean(axis=0) - first.mean(axis=0))]
        error = np.sqrt(np.square(parts).sum())
        freedom = error**4 / (np.power(parts, 4) / (2, 2, 16)).sum()
        mean = (second - first).mean()
        assert (one.test, one.matched, one.pairs) == ("models", False, 17)
        assert one.difference == pytest.approx(mean)
        assert one.p == pytest.approx(2 * stats.t.sf(abs(mean) / error, freedom))
        assert (one.low, one.high) == pytest.approx(stats.t.interval(0.95, freedom, mean, error))


def test_the_same_models_are_paired() -> None:
    """The root of min F' over the differences within models, with as many degrees of freedom as the three models give."""
    results = swept_results(("all",))
    (entry,) = compare(results, "steps")
    (one,) = row(entry, "inside", "ramp").comparisons
    found = raw_scores(results, "all", "ramp steps=32", "inside") - raw_scores(results, "all", "ramp steps=8", "inside")
    f1, f2 = (stats.ttest_1samp(found.mean(axis=axis), 0).statistic ** 2 for axis in (1, 0))
    assert (one.test, one.matched) == ("models", True)
    assert one.p == pytest.approx(2 * stats.t.sf(np.sqrt(f1 * f2 / (f1 + f2)), 2))


def test_with_fewer_seeds_samples_vary_and_models_are_averaged() -> None:
    results = swept_results(seeds=2)
    (entry,) = compare(results, "tune")
    for one in row(entry, "inside", "ramp steps=8").comparisons:
        first, second = (
            np.stack([g.cells["ramp steps=8", "inside"].values[2:] for g in results.groups if g.recipes["model"].factors["tune"] == tune])
            for tune in (one.first, one.second)
        )
        wanted = stats.wilcoxon(second.mean(axis=0), first.mean(axis=0), method="exact")
        assert one.test == "samples"
        assert one.p == pytest.approx(wanted.pvalue)
        assert one.difference == pytest.approx((second - first).mean())


def test_models_that_are_no_replicates_are_taken_as_they_are() -> None:
    groups = [swept_group(tune, seed, gain=0.1 * k, seeds=False) for k, tune in enumerate(("1conv", "all")) for seed in range(3)]
    (entry,) = compare(swept_results(groups=groups), "tune")
    assert {one.test for _, one in every_comparison(entry)} == {"samples"}


@pytest.mark.parametrize("alone", [("1conv", "all"), ("1conv",), ("all",)])
def test_one_model_without_replicates_leaves_its_level_with_samples_alone(alone: tuple[str, ...]) -> None:
    """Nothing is known of how its seeds would vary; nor is then of any difference from its level."""
    groups = [
        swept_group(tune, seed, gain=GAINS[tune], seeds=seed < 3 or tune not in alone) for tune in ("1conv", "all") for seed in range(4)
    ]
    (entry,) = compare(swept_results(groups=groups), "tune")
    for metric in entry.metrics:
        for line in metric.rows:
            assert {name for name, found in line.scores.items() if found.test == "samples"} == set(alone)
            assert [one.test for one in line.comparisons] == ["samples"]


def test_intervals_over_seeds_stay_inside_the_bounds_of_a_metric() -> None:
    """Two of three seeds score about 0, one about 1, and at the other level the other way round: Student's t of few."""
    generator, groups = np.random.default_rng(8), []
    for k, group in enumerate(swept_results(("1conv", "all")).groups):
        group.cells["plain", "inside"].values[:] = np.clip(float(k in (0, 4, 5)) + generator.normal(0, 0.05, 20), 0, 1)
        groups.append(dataclasses.replace(group, metrics=[dataclasses.replace(info, bounds=(0, 1)) for info in group.metrics]))
    (entry,) = compare(swept_results(groups=groups), "tune")
    found = row(entry, "inside", "plain")
    assert {(each.low, each.high, each.test) for each in found.scores.values()} == {(0.0, 1.0, "models")}
    (one,) = found.comparisons
    assert (one.high, one.test) == (1.0, "models")
    assert one.low is not None and one.difference is not None and one.low > -1 and one.difference - one.low > 1 - one.difference
    (turned,) = row(compare(swept_results(groups=groups[::-1]), "tune")[0], "inside", "plain").comparisons
    assert turned.low == -1.0


def test_levels_of_an_explainer_are_of_the_same_models() -> None:
    results = swept_results(("all",), seeds=1)
    (entry,) = compare(results, "steps")
    assert [level.name for level in entry.levels] == ["8", "32"]
    assert [row.explainer for row in entry.metrics[1].rows] == ["ramp"]
    assert list(entry.left_out) == ["plain, noise: no steps"]
    (one,) = row(entry, "inside", "ramp").comparisons
    cells = results.groups[0].cells
    before, after = (cells[f"ramp steps={steps}", "inside"].values[1:] for steps in (8, 32))
    assert one.p == pytest.approx(stats.wilcoxon(after, before, method="exact").pvalue)
    assert (one.matched, one.verdict) == (True, "better")


def test_one_false_discovery_rate_over_all_differences_or_holm_by_metric() -> None:
    (entry,) = compare(swept_results(), "tune")
    found = every_comparison(entry)
    assert [one.p_adjusted for _, one in found] == pytest.approx(stats.false_discovery_control([one.p for _, one in found]))
    (entry,) = compare(swept_results(correction="holm"), "tune")
    for metric in ("skill", "inside", "drop"):
        own = [one for label, one in every_comparison(entry) if label == metric]
        order = sorted(own, key=lambda one: one.p or 0.0)
        stepped = np.maximum.accumulate([(one.p or 0.0) * (len(own) - k) for k, one in enumerate(order)])
        assert [one.p_adjusted for one in order] == pytest.approx(np.minimum(stepped, 1.0))


def test_better_is_better_in_the_direction_of_the_metric_and_letters_are_shared_by_what_is_not_told_apart() -> None:
    (entry,) = compare(swept_results(seeds=5), "tune")
    for metric in ("inside", "drop"):
        found = row(entry, metric, "plain")
        assert {one.verdict for one in found.comparisons if (one.first, one.second) == ("1conv", "all")} == {"better"}
        assert {one.verdict for one in found.comparisons if (one.first, one.second) == ("all", "2conv")} == {"worse"}
        for one in found.comparisons:
            together = bool(set(found.scores[one.first].alike) & set(found.scores[one.second].alike))
            assert together == (one.verdict not in ("better", "worse"))


def test_the_skill_of_a_level_of_one_model_is_that_of_its_board() -> None:
    groups = [
        dataclasses.replace(swept_group(tune, 0, gain=gain), correct=np.ones(20, dtype=bool))
        for tune, gain in (("1conv", 0.0), ("all", 0.1))
    ]
    results = swept_results(groups=groups)
    boards = build_leaderboard(results).groups
    assert len({tuple(metric.weights["category"] for metric in board.metrics) for board in boards}) == 1
    (entry,) = compare(results, "tune")
    for board, level in zip(boards, entry.levels, strict=True):
        for line in board.rows:
            found = row(entry, "skill", line.label).scores[level.name]
            assert found.mean == pytest.approx(line.standings["category"].skill.value)


@pytest.mark.parametrize("by", ["tune", "steps"])
def test_a_skill_of_wins_alone_has_wilsons_interval_whether_nulls_take_part_or_not(by: str) -> None:
    """Nulls have no steps, and take part in levels of tune alone, with halves."""
    (entry,) = compare(swept_results(("1conv", "all"), seeds=1), by)
    skill = next(metric for metric in entry.metrics if metric.skill)
    assert {line.null for line in skill.rows} == ({False} if by == "steps" else {False, True})
    for line in skill.rows:
        for found in line.scores.values():
            low, high = stats.binomtest(found.samples, found.samples).proportion_ci(method="wilson") if not line.null else (None, None)
            assert (found.mean, found.low, found.high) == pytest.approx((0.5 if line.null else 1.0, low, high))


def test_skill_is_of_metrics_and_samples_for_which_nulls_have_scores_at_every_level() -> None:
    """Where one model's null has no score of a metric, or of a sample, that says nothing of any level, or of that sample."""
    results = swept_results(("1conv", "all"), seeds=1)
    first, second = results.groups
    first.cells["noise", "drop"] = Cell.missing(20, "failed", "no")
    second.cells["plain", "drop"].values[:] = 1.0  # the worst
    (entry,) = compare(results, "tune")
    skill = row(entry, "skill", "plain").scores
    assert [(each.mean, each.n) for each in skill.values()] == [(1.0, 19), (1.0, 19)], "by what lies inside alone"
    second.cells["noise", "inside"].values[5] = np.nan
    (entry,) = compare(results, "tune")
    skill = row(entry, "skill", "plain").scores
    assert [(each.mean, each.n) for each in skill.values()] == [(1.0, 19), (1.0, 18)]


def test_a_test_over_seeds_speaks_of_means_and_one_over_samples_of_ranks_too() -> None:
    """A sixth of the samples gains much, and the others lose a little: the mean rises, and most ranks fall."""
    for seeds, verdict in ((3, "better"), (2, "mixed")):
        results = swept_results(groups=[swept_group(tune, seed, size=80) for tune in ("1conv", "all") for seed in range(seeds)])
        for k, group in enumerate(results.groups):
            gains = np.where(np.arange(80) % 6 == 5, 0.5, -0.01) if k >= seeds else np.zeros(80)
            group.cells["plain", "inside"].values[:] = 0.3 + 0.001 * (k % seeds) + gains + np.arange(80) * 1e-5
        (entry,) = compare(results, "tune")
        (one,) = row(entry, "inside", "plain").comparisons
        assert one.difference is not None and one.difference > 0 and one.effect is not None and one.effect < 0
        assert one.verdict == verdict


def test_levels_that_are_not_all_compared_share_no_letters() -> None:
    (entry,) = compare(swept_results(("1conv", "all"), datasets=("first", "second")), "dataset", "tune")
    found = row(entry, "inside", "plain")
    assert [(one.first, one.second) for one in found.comparisons] == [("first, 1conv", "first, all"), ("second, 1conv", "second, all")]
    assert {each.alike for each in found.scores.values()} == {""}


def test_without_nulls_there_is_no_skill() -> None:
    results = swept_results(nulls=[])
    groups = [dataclasses.replace(g, explainers=[dataclasses.replace(i, null=False) for i in g.explainers]) for g in results.groups]
    (entry,) = compare(dataclasses.replace(results, groups=groups), "tune")
    assert [metric.label for metric in entry.metrics] == ["inside", "drop"]


def test_each_data_set_is_compared_by_itself_and_data_sets_are_levels_without_tests() -> None:
    results = swept_results(("1conv", "all"), datasets=("first", "second"))
    found = compare(results, "tune")
    assert [entry.dataset for entry in found] == ["first", "second"]
    (entry,) = compare(results, "dataset")
    assert (entry.dataset, [level.name for level in entry.levels], entry.samples) == (None, ["first", "second"], 34)
    scores = row(entry, "inside", "plain").scores
    assert [each.samples for each in scores.values()] == [17, 17]
    assert every_comparison(entry) == []
    assert {each.alike for each in scores.values()} == {""}


@pytest.mark.parametrize(("rule", "count"), [("all", 13), ("correct", 12), ("all-correct", 12)])
def test_samples_that_a_level_does_not_have_or_has_otherwise_count_for_none(rule: str, count: int) -> None:
    """One model knows 15 of 20 samples, two of them with other content; both err on the same sample."""
    first, second = swept_results(("1conv", "all"), seeds=1).groups
    second = second.take(np.arange(15))
    second = dataclasses.replace(second, digests=[*second.digests[:-2], "other", "another"])
    results = swept_results(groups=[first, second], samples_rule=rule)
    (entry,) = compare(results, "tune")
    assert (entry.samples, entry.samples_total) == (count, 22)
    for found in row(entry, "inside", "plain").scores.values():
        assert found.samples == count
    assert row(entry, "inside", "plain").comparisons[0].pairs == count


def test_models_are_levels_too() -> None:
    results = swept_results(("1conv", "all"), seeds=1)
    (entry,) = compare(results, "model")
    assert [level.name for level in entry.levels] == ["net tune=1conv, seed=0", "net tune=all, seed=0"]


def test_undefined_scores_and_failed_cells_are_left_out() -> None:
    results = swept_results(("1conv", "all"), seeds=1)
    first, second = results.groups
    first.cells["plain", "inside"].values[4] = np.nan
    second.cells["plain", "inside"].values[6] = np.inf
    second.cells["ramp steps=8", "drop"] = Cell.missing(20, "failed", "no")
    (entry,) = compare(results, "tune")
    found = row(entry, "inside", "plain")
    assert ([each.n for each in found.scores.values()], [one.pairs for one in found.comparisons]) == ([18, 18], [17])
    assert list(row(entry, "drop", "ramp steps=8").scores) == ["1conv"]
    assert row(entry, "drop", "ramp steps=8").comparisons == []


def test_models_without_scores_are_left_out_and_named() -> None:
    results = swept_results(("1conv", "all"), seeds=2)
    silent = results.groups[3]
    cells = {pair: Cell.missing(20, "blocked", "it could not be trained") for pair in silent.cells}
    groups = [*results.groups[:3], dataclasses.replace(silent, cells=cells, correct=np.zeros(20, dtype=bool))]
    (entry,) = compare(dataclasses.replace(results, groups=groups), "tune")
    assert [len(level.models) for level in entry.levels] == [2, 1]
    assert list(entry.left_out) == ["net tune=all, seed=1 on data: no scores"]


def test_accuracies_are_held_equal() -> None:
    """0.70 to 0.74 and 0.85 to 0.89: of one model each, the nearest are the last and the first."""
    results = swept_results(("1conv", "all"), seeds=5)
    (entry,) = compare(results, "tune", equal_accuracy=True, count=1)
    assert [[(model.model, model.accuracy) for model in level.models] for level in entry.levels] == [
        [("net tune=1conv, seed=4", 0.74)],
        [("net tune=all, seed=0", 0.85)],
    ]
    assert entry.samples == 18, "only the models that are kept have to be right"
    (entry,) = compare(results, "tune", equal_accuracy=True, accuracy=0.87)
    assert [[model.accuracy for model in level.models] for level in entry.levels] == [[0.73, 0.74], [0.86, 0.87]]
    assert entry.equal_accuracy == 0.87


def test_a_level_of_one_model_keeps_it_and_the_others_choose() -> None:
    """0.70, and 0.85 to 0.87."""
    groups = [swept_group("1conv", 0), *(swept_group("all", seed, gain=0.3) for seed in range(3))]
    (entry,) = compare(swept_results(groups=groups), "tune", equal_accuracy=True)
    assert [[model.accuracy for model in level.models] for level in entry.levels] == [[0.7], [0.85]]


def one_level() -> Results:
    return swept_results(("all",))


def wrong_everywhere() -> Results:
    results = swept_results(("1conv", "all"), seeds=1)
    return dataclasses.replace(
        results, groups=[dataclasses.replace(g, correct=np.arange(20) % 2 == k) for k, g in enumerate(results.groups)]
    )


def without_scores() -> Results:
    results = one_level()
    return dataclasses.replace(results, groups=[dataclasses.replace(g, cells={}) for g in results.groups])


def apart() -> Results:
    return swept_results(groups=[swept_group("1conv", 0, dataset="first"), swept_group("all", 0, dataset="second")])


@pytest.mark.parametrize(
    ("results", "by", "options", "said"),
    [
        (one_level, "tune", {}, r"tune has one level only that has scores \(all\): there is nothing to compare"),
        (without_scores, "tune", {}, "no scores here: there is nothing to compare"),
        (apart, "tune", {}, "each data set has one level of tune only"),
        (
            wrong_everywhere,
            "tune",
            {},
            "no sample of data counts for all models of all levels: .*; net tune=1conv, seed=0 on data has the least",
        ),
        (swept_results, "steps", {"equal_accuracy": True}, "all levels are of the same models: their accuracies are equal as they are"),
        (swept_results, "model", {"equal_accuracy": True}, "no level has more than 1 model to choose from"),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_line(results, by: str, options: dict[str, object], said: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(FactorError, match=said):
        compare(results(), by, **options)


def test_an_unknown_accuracy_cannot_be_held_equal() -> None:
    results = swept_results()
    groups = [dataclasses.replace(results.groups[0], accuracy=None), *results.groups[1:]]
    with pytest.raises(FactorError, match="the accuracy of net tune=1conv, seed=0 is not known"):
        compare(dataclasses.replace(results, groups=groups), "tune", equal_accuracy=True)


def test_rows_that_would_be_called_alike_keep_their_labels() -> None:
    results = swept_results(("all",), seeds=1)
    group = results.groups[0]
    twice = [
        dataclasses.replace(i, component="ramp", factors={"size": "small" if i.label != "plain" else "large"}) for i in group.explainers
    ]
    (entry,) = compare(dataclasses.replace(results, groups=[dataclasses.replace(group, explainers=twice)]), "size")
    assert [row.explainer for row in entry.metrics[1].rows] == ["ramp steps=8", "ramp steps=32", "plain", "noise"]


def test_no_number_depends_on_the_order_of_models_or_samples() -> None:
    results = swept_results(("1conv", "all"))
    turned = [group.take(np.arange(20)[::-1]) for group in reversed(results.groups)]
    (one,), (other,) = compare(results, "tune"), compare(dataclasses.replace(results, groups=turned), "tune")

    def numbers(scores: LevelScores) -> tuple[float | None, ...]:
        return scores.mean, scores.low, scores.high, scores.median, scores.lower_quartile

    for metric, level in product(("skill", "inside", "drop"), ("1conv", "all")):
        assert numbers(row(one, metric, "plain").scores[level]) == pytest.approx(numbers(row(other, metric, "plain").scores[level]))
