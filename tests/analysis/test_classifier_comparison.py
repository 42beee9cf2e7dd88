"""Models of a data set: their spread over training seeds, and tests between them."""

import dataclasses

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from harness.analysis.multiplicity import benjamini_hochberg, holm
from harness.leaderboard.build import build_leaderboard
from harness.results.classification_document import MEASURES, ClassificationEntry, ClassifierComparison
from harness.results.components import ComponentInfo
from harness.results.data_model import Group, Results
from harness.results.predictions import Predictions
from tests.support.synthetic_results import group_of, metric

SIZE = 60
LABELS = np.random.default_rng(0).integers(0, 3, SIZE)


def net(label: str, share: float, seed: int | None = None, family: str | None = None, **changes: object) -> Group:
    """A model that is right on this share of samples, at random."""
    rng = np.random.default_rng(list(label.encode()))
    predicted = np.where(rng.random(SIZE) < share, LABELS, rng.integers(0, 3, SIZE))
    areas = np.asarray([metrics.roc_auc_score(k == LABELS, predicted == k) for k in range(3)])
    answers = Predictions(labels=LABELS.astype(float), predicted=predicted.astype(float), classes=3, areas=areas)
    factors = {"tune": label.split()[0]} | ({} if seed is None else {"seed": str(seed)})
    model = ComponentInfo(component="net", params={} if seed is None else {"seed": seed}, factors=factors)
    fields = {"model": label, "replicate_of": family, "predictions": answers, "recipes": {"model": model}}
    return group_of({"a": {"m": np.linspace(0, 1, SIZE)}}, [metric()], **(fields | changes))


def seeds(tune: str, share: float, numbers: range) -> list[Group]:
    return [net(f"{tune} seed={k}", share, k, tune) for k in numbers]


def classified(*groups: Group, **changes: object) -> list[ClassificationEntry]:
    return build_leaderboard(Results(provenance={}, groups=list(groups), bootstrap=100, **changes)).classification  # type: ignore[arg-type]


def accuracy(group: Group) -> float:
    assert group.predictions is not None
    return float((group.predictions.predicted == LABELS).mean())


def test_each_model_with_its_interval_over_all_samples() -> None:
    """Those that do not count are in it, too."""
    one = net("one", 0.6, correct=np.arange(SIZE) < 5)
    (entry,) = classified(one, samples_rule="correct")
    (found,) = entry.models
    assert (found.model, found.samples, found.seed, found.factors) == ("one", SIZE, None, {"tune": "one"})
    right = round(accuracy(one) * SIZE)
    interval = stats.binomtest(right, SIZE).proportion_ci(method="wilson")
    assert (found.measures["accuracy"], found.low, found.high) == pytest.approx((right / SIZE, interval.low, interval.high))
    assert set(found.measures) == set(MEASURES)
    assert entry.comparisons == []


def test_mean_and_deviation_over_seeds() -> None:
    head, all_ = seeds("head", 0.3, range(4)), seeds("all", 0.8, range(4))
    (entry,) = classified(*head, *all_, net("other", 0.5))
    assert [family.name for family in entry.families] == ["head", "all", "other"]
    assert [family.models for family in entry.families] == [[g.model for g in head], [g.model for g in all_], ["other"]]
    assert [family.factors for family in entry.families] == [{"tune": "head"}, {"tune": "all"}, {"tune": "other"}]
    values = [accuracy(group) for group in head]
    spread = entry.families[0].measures["accuracy"]
    assert (spread.mean, spread.deviation) == pytest.approx((np.mean(values), np.std(values, ddof=1)))
    assert entry.families[2].measures["accuracy"].deviation is None
    assert [model.seed for model in entry.models] == [0, 1, 2, 3, 0, 1, 2, 3, None]


def test_a_measure_that_one_seed_lacks_has_no_mean() -> None:
    head = seeds("head", 0.5, range(3))
    first = head[0].predictions
    assert first is not None
    without = dataclasses.replace(first, areas=np.zeros(0), no_areas="not kept")
    (entry,) = classified(dataclasses.replace(head[0], predictions=without), *head[1:], *seeds("all", 0.8, range(3)))
    assert entry.families[0].measures["auc"].mean is None
    assert entry.models[0].undefined == {"auc": "not kept"}
    (comparison,) = entry.comparisons
    assert (comparison.over_seeds["auc"].p, comparison.over_seeds["auc"].p_adjusted) == (None, None)
    assert comparison.over_seeds["f1"].p_adjusted is not None


def test_families_are_paired_by_seed() -> None:
    head, all_ = seeds("head", 0.3, range(6)), seeds("all", 0.8, range(1, 8))
    (entry,) = classified(*head, *all_)
    (comparison,) = entry.comparisons
    assert (comparison.first, comparison.second) == ("head", "all")
    before, after = [accuracy(group) for group in head[1:]], [accuracy(group) for group in all_[:5]]
    test = comparison.over_seeds["accuracy"]
    expected = stats.ttest_rel(after, before)
    interval = expected.confidence_interval()
    assert test.pairs == 5
    assert (test.difference, test.low, test.high, test.p) == pytest.approx(
        (np.mean(after) - np.mean(before), interval.low, interval.high, expected.pvalue)
    )
    assert [(one.first, one.second) for one in comparison.mcnemar] == [(f"head seed={k}", f"all seed={k}") for k in range(1, 6)]


def right_on(count: int, seed: int, family: str) -> Group:
    """A model that is right on the first so many samples."""
    group = net(f"{family} seed={seed}", 1.0, seed, family)
    assert group.predictions is not None
    predicted = np.where(np.arange(SIZE) < count, LABELS, (LABELS + 1) % 3).astype(float)
    return dataclasses.replace(group, predictions=dataclasses.replace(group.predictions, predicted=predicted))


def test_differences_that_do_not_vary_have_no_interval() -> None:
    """Six of sixty more for each seed, of which the shares differ by 0.1 but for what is rounded."""
    counts = (30, 37, 44)
    before, after = ([right_on(count + more, seed, name) for seed, count in enumerate(counts)] for name, more in (("head", 0), ("all", 6)))
    assert np.ptp([(count + 6) / SIZE - count / SIZE for count in counts]) > 0
    test = classified(*before, *after)[0].comparisons[0].over_seeds["accuracy"]
    assert test.difference == pytest.approx(0.1)
    assert (test.low, test.high, test.p) == (None, None, None)


def ps(comparisons: list[ClassifierComparison], name: str) -> list[tuple[float | None, float | None]]:
    return [(each.over_seeds[name].p, each.over_seeds[name].p_adjusted) for each in comparisons]  # type: ignore[index]


@pytest.mark.parametrize("correction", ["fdr", "holm"])
def test_tests_over_seeds_are_adjusted_together(correction: str) -> None:
    groups = [group for tune, share in (("a", 0.3), ("b", 0.4), ("c", 0.9)) for group in seeds(tune, share, range(4))]
    (entry,) = classified(*groups, correction=correction)
    assert [(each.first, each.second) for each in entry.comparisons] == [("a", "b"), ("a", "c"), ("b", "c")]
    by_measure = {name: ps(entry.comparisons, name) for name in MEASURES}
    if correction == "holm":
        for found in by_measure.values():
            assert [adjusted for _, adjusted in found] == pytest.approx(holm([p for p, _ in found]))
        return
    found = [pair for k in range(3) for pair in (by_measure[name][k] for name in MEASURES)]
    assert [adjusted for _, adjusted in found] == pytest.approx(benjamini_hochberg([p for p, _ in found]))


@pytest.mark.parametrize("correction", ["fdr", "holm"])
def test_mcnemar_between_single_models(correction: str) -> None:
    nets = [net("one", 0.3), net("two", 0.6), net("three", 0.9)]
    (entry,) = classified(*nets, correction=correction)
    found = [test for each in entry.comparisons for test in each.mcnemar]
    right = [group.predictions.correct for group in nets if group.predictions is not None]
    expected = []
    for test, (one, two) in zip(found, ((0, 1), (0, 2), (1, 2)), strict=True):
        counts = int((right[one] & ~right[two]).sum()), int((~right[one] & right[two]).sum())
        assert (test.only_first, test.only_second, test.samples) == (*counts, SIZE)
        expected.append(stats.binomtest(counts[0], sum(counts)).pvalue)
    assert [test.p for test in found] == pytest.approx(expected)
    adjust = {"fdr": benjamini_hochberg, "holm": holm}[correction]
    assert [test.p_adjusted for test in found] == pytest.approx(adjust(expected))
    assert all(not each.over_seeds for each in entry.comparisons), "nothing is known of seeds"


def test_mcnemar_takes_the_samples_that_both_models_were_asked_about() -> None:
    first, second = net("one", 0.3), net("two", 0.9)
    answers = second.predictions
    assert answers is not None
    unknown = answers.labels.copy()
    unknown[:20] = np.nan
    second = dataclasses.replace(
        second, predictions=dataclasses.replace(answers, labels=unknown), digests=[*second.digests[:-10], *("changed" for _ in range(10))]
    )
    (test,) = classified(first, second)[0].comparisons[0].mcnemar
    assert test.samples == SIZE - 30


def test_a_model_alone_is_held_against_each_replicate() -> None:
    (entry,) = classified(net("other", 0.5), *seeds("all", 0.8, range(3)))
    (comparison,) = entry.comparisons
    assert [(one.first, one.second) for one in comparison.mcnemar] == [("other", f"all seed={k}") for k in range(3)]
    assert comparison.over_seeds == {}


def test_replicates_whose_seeds_are_not_known_are_not_paired() -> None:
    """Two of each would make four pairs, of which nobody knows which belong together."""
    (entry,) = classified(*(net(f"{family} {k}", 0.5, None, family) for family in ("a", "b") for k in range(2)))
    (comparison,) = entry.comparisons
    assert (comparison.mcnemar, comparison.over_seeds) == ([], {})


def test_models_that_are_not_explained_are_in_their_families_and_say_so() -> None:
    head, all_ = seeds("head", 0.3, range(3)), seeds("all", 0.8, range(3))
    (entry,) = classified(head[1], all_[2], not_kept=[head[0], head[2], *all_[:2]])
    assert {model.model for model in entry.models if model.kept} == {"head seed=1", "all seed=2"}
    assert [sorted(family.models) for family in entry.families] == [[group.model for group in half] for half in (head, all_)]
    assert entry.comparisons[0].over_seeds["accuracy"].pairs == 3


def test_of_many_each_is_held_against_the_first() -> None:
    (few,), (many,) = (classified(*(net(f"net {k}", 0.5) for k in range(count))) for count in (12, 13))
    assert len(few.comparisons) == 66
    assert [(each.first, each.second) for each in many.comparisons] == [("net 0", f"net {k}") for k in range(1, 13)]


def test_data_sets_are_apart_and_what_knows_no_predictions_is_left_out() -> None:
    found = classified(net("one", 0.5), net("two", 0.5, predictions=None), net("one", 0.5, dataset="elsewhere"))
    assert [(entry.dataset, [model.model for model in entry.models]) for entry in found] == [("data", ["one"]), ("elsewhere", ["one"])]
