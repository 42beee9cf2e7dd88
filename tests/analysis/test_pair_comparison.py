"""Two explainers that a reader chooses."""

import numpy as np
import pytest
from scipy import stats

from harness.analysis.pair_comparison import PairError, compare_pair
from harness.leaderboard.build import build_leaderboard
from harness.results.data_model import Results
from tests.support.synthetic_results import group_of, leaderboard_group, leaderboard_results, metric

RESULTS = leaderboard_results(groups=[leaderboard_group(), leaderboard_group(seed=1, model="other", gaps=False)])


def test_against_the_reference_the_tests_are_those_of_the_table_and_the_family_the_pair() -> None:
    entries = compare_pair(RESULTS, "grad-cam", "triad")
    groups = build_leaderboard(RESULTS).groups
    assert [(entry.dataset, entry.model, entry.samples) for entry in entries] == [(g.dataset, g.model, g.samples) for g in groups]
    for entry, group in zip(entries, groups, strict=True):
        cells = next(row.cells for row in group.rows if row.label == "grad-cam")
        assert list(entry.cells) == list(cells)
        raw = [versus.p_wilcoxon for versus in entry.cells.values()]
        adjusted = [versus.p_wilcoxon_adjusted for versus in entry.cells.values()]
        assert adjusted == pytest.approx(stats.false_discovery_control(raw))
        for label, versus in entry.cells.items():
            other = cells[label].versus_reference
            assert other is not None
            same = {"difference", "low", "high", "effect", "d_z", "p_ttest", "p_wilcoxon", "pairs"}
            assert versus.model_dump(include=same) == other.model_dump(include=same)


def test_turned_round_the_signs_are() -> None:
    (forth, _), (back, _) = compare_pair(RESULTS, "lrp", "saliency"), compare_pair(RESULTS, "saliency", "lrp")
    assert list(forth.cells) == list(back.cells)
    assert "insertion" not in forth.cells, "one of them has no scores there"
    opposite = {"better": "worse", "worse": "better", "mixed": "mixed", None: None}
    for one, other in zip(forth.cells.values(), back.cells.values(), strict=True):
        assert one.difference == pytest.approx(-(other.difference or 0.0))
        assert (one.low, one.high) == pytest.approx((-(other.high or 0.0), -(other.low or 0.0)))
        assert one.p_wilcoxon == other.p_wilcoxon
        assert one.verdict == opposite[other.verdict]
    assert {versus.verdict for versus in forth.cells.values()} >= {"better"}


def test_holms_family_is_the_pairs_metrics_too() -> None:
    generator = np.random.default_rng(0)
    scores = {label: {name: generator.normal(k, 1, 12) for name in "mn"} for k, label in enumerate("ab")}
    group = group_of(scores, [metric("m"), metric("n", direction="lower")])
    (entry,) = compare_pair(Results(provenance={}, groups=[group], correction="holm"), "b", "a")
    p = [versus.p_wilcoxon or 0.0 for versus in entry.cells.values()]
    assert sorted(versus.p_wilcoxon_adjusted or 0.0 for versus in entry.cells.values()) == pytest.approx(
        sorted([min(p) * 2, max(min(p) * 2, max(p))])
    )


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("gradcam", "triad", 'no explainer "gradcam" here; did you mean "grad-cam"( or "[^"]+")*\\? \\(there are triad, lrp, '),
        ("triad", "shap", 'no explainer "shap" here; did you mean "SHAP"'),
        ("triad", "x\x1b[31my", r'no explainer "x.\[31my" here: there are triad'),
        ("lrp", "lrp", '"lrp" is compared with itself'),
    ],
)
def test_wrong_labels_are_refused_with_what_is_near(first: str, second: str, said: str) -> None:
    with pytest.raises(PairError, match=said) as caught:
        compare_pair(RESULTS, first, second)
    assert "\x1b" not in str(caught.value)


def test_only_groups_that_have_both_are_compared() -> None:
    one = group_of({"a": {"m": np.arange(4.0)}, "b": {"m": np.ones(4)}}, [metric()])
    other = group_of({"b": {"m": np.arange(4.0)}, "c": {"m": np.ones(4)}}, [metric()], model="other")
    results = Results(provenance={}, groups=[one, other])
    assert [entry.model for entry in compare_pair(results, "b", "c")] == ["other"]
    with pytest.raises(PairError, match='no data set and model has both "a" and "c"'):
        compare_pair(results, "a", "c")
