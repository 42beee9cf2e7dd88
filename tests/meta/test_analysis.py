"""Metrics of known behaviour get the numbers that the paper's definitions give them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import stats

from harness.analysis.rank_correlation import rank_correlations
from harness.meta.analysis import (
    analyse_meta,
    inter_consistency,
    intra_consistency,
    measure_separation,
)
from harness.results.data_model import Group, Results
from harness.results.meta_document import ConsistencyEntry, MetaEntry
from harness.results.variant_info import VariantInfo
from tests.support.synthetic_results import group_of, metric

N, E, REPEATS = 40, 4, 3
ROWS = [f"e{k}" for k in range(E)]
GENERATOR = np.random.default_rng(0)
BEFORE = GENERATOR.normal(size=(N, E))
DIRECTIONS = {"up": "higher", "down": "lower"}


def group(scores: np.ndarray, **changes: object) -> Group:
    """Explainers ``(N, E)`` under a metric whose higher scores are better, and under its negative."""
    cells = {row: {"up": scores[:, k], "down": -scores[:, k]} for k, row in enumerate(ROWS)}
    return group_of(cells, [metric(label, direction) for label, direction in DIRECTIONS.items()], **changes)


def variant(scores: np.ndarray, kind: str, strength: str, repeat: int, kept: np.ndarray) -> Group:
    known = VariantInfo(model="net", kind=kind, strength=strength, repeat=repeat, scale=1.0, kept=kept, known=np.ones(N, dtype=bool))  # type: ignore[arg-type]
    return group(scores, model=f"net ({kind} {strength} {repeat})", variant=known)


def evaluated(minor: list[np.ndarray], disruptive: list[np.ndarray], stayed: np.ndarray, changed: np.ndarray) -> MetaEntry:
    """The analysis of disturbed inputs and weights alike; ``stayed`` and ``changed`` (N,) say for which samples predictions did."""
    variants = []
    for kind in ("inputs", "weights"):
        variants += [variant(scores, kind, "minor", k + 1, stayed) for k, scores in enumerate(minor)]
        variants += [variant(scores, kind, "disruptive", k + 1, ~changed) for k, scores in enumerate(disruptive)]
    (found,) = analyse_meta(Results(provenance={}, groups=[group(BEFORE)], variants=variants))
    return found


def measured(found: MetaEntry, label: str, kind: str) -> ConsistencyEntry:
    (entry,) = (one for one in found.metrics if one.label == label)
    consistency = getattr(entry, kind)
    assert isinstance(consistency, ConsistencyEntry)
    return consistency


def parts(one: ConsistencyEntry) -> list[float | None]:
    return [one.iac_nr, one.iec_nr, one.iac_ar, one.iec_ar]


ALL = np.ones(N, dtype=bool)


@pytest.mark.parametrize("label", DIRECTIONS)
@pytest.mark.parametrize("kind", ["inputs", "weights"])
def test_a_metric_that_stays_and_then_worsens_is_perfect(label: str, kind: str) -> None:
    found = evaluated([BEFORE] * REPEATS, [BEFORE - 5] * REPEATS, ALL, ALL)
    one = measured(found, label, kind)
    assert parts(one) == pytest.approx([1, 1, 1, 1], abs=1e-6)
    assert (one.nr, one.ar, one.mc, one.mc_std) == pytest.approx((1, 1, 1, 0), abs=1e-6)


def test_a_metric_that_never_changes_is_resilient_and_unreactive() -> None:
    """The paper's first sanity check: MC is 0.5."""
    one = measured(evaluated([BEFORE] * REPEATS, [BEFORE] * REPEATS, ALL, ALL), "up", "inputs")
    assert parts(one) == [1, 1, 0, 0]
    assert one.mc == 0.5


def test_a_metric_of_other_scores_each_time_is_reactive_alone() -> None:
    """The paper's second sanity check: another distribution whenever anything is disturbed."""
    far = [GENERATOR.normal(size=(N, E)) - 1000 for _ in range(REPEATS)]
    one = measured(evaluated(far, far, ALL, ALL), "up", "inputs")
    assert one.iac_nr == pytest.approx(0, abs=1e-6)
    assert one.iac_ar == pytest.approx(1, abs=1e-6)
    assert one.iec_ar == 1
    assert one.iec_nr == pytest.approx(1 / E, abs=0.1)


def test_a_metric_drawn_at_random_reaches_chance() -> None:
    drawn = [GENERATOR.normal(size=(N, E)) for _ in range(60)]
    one = measured(evaluated(drawn, drawn, ALL, ALL), "down", "weights")
    assert one.iec_nr == pytest.approx(1 / E, abs=0.03)
    assert one.iec_ar == pytest.approx(0.5, abs=0.1)
    assert one.iac_nr + one.iac_ar == pytest.approx(1)


def test_only_samples_whose_prediction_did_as_it_should_count() -> None:
    stayed, changed = np.arange(N) < 30, np.arange(N) >= 25
    minor, disruptive = np.where(stayed[:, None], BEFORE, 99.0), np.where(changed[:, None], BEFORE - 5, BEFORE + 99)
    one = measured(evaluated([minor], [disruptive], stayed, changed), "up", "inputs")
    assert parts(one) == pytest.approx([1, 1, 1, 1], abs=1e-3)
    assert (one.minor_samples, one.disruptive_samples) == (30, 15)


def test_where_no_prediction_changed_reactivity_is_unknown() -> None:
    one = measured(evaluated([BEFORE], [BEFORE], ALL, ~ALL), "up", "inputs")
    assert one.ar is None
    assert one.mc is None
    assert one.nr == 1


def test_undefined_scores_are_left_out() -> None:
    gappy = BEFORE.copy()
    gappy[:10, 0] = np.nan
    assert intra_consistency(gappy[:, 0], BEFORE[:, 0], disruptive=False) == 1
    assert inter_consistency(gappy, BEFORE, 1.0, disruptive=False) == 1
    gappy[:, 1] = np.nan
    assert inter_consistency(gappy, BEFORE, 1.0, disruptive=False) == 1, "an explainer without any score is not asked"
    assert np.isnan(intra_consistency(np.full(5, np.nan), BEFORE[:5, 0], disruptive=True))
    assert np.isnan(inter_consistency(BEFORE[:, :1], BEFORE[:, :1], 1.0, disruptive=False)), "one explainer has no rank to keep"


def test_a_swap_of_two_ranks_is_seen_at_two_of_all_places() -> None:
    scores = np.tile(np.arange(E, dtype=float), (10, 1))
    swapped = scores.copy()
    swapped[:5, [0, 1]] = swapped[:5, [1, 0]]
    assert inter_consistency(scores, swapped, 1.0, disruptive=False) == pytest.approx(1 - 2 / E / 2)


def test_the_oracle_is_held_against_the_best_null() -> None:
    oracle, worse = np.arange(20.0), np.arange(20.0) - 3
    good = measure_separation(oracle, {"bad": worse - 9, "best": worse}, 1.0)
    assert good is not None
    assert (good.null, good.wins) == ("best", 1.0)
    assert good.best == worse.mean()
    lower = measure_separation(oracle, {"bad": worse - 9, "best": worse}, -1.0)
    assert lower is not None
    assert (lower.null, lower.wins) == ("bad", 0.0)
    same = measure_separation(oracle, {"same": oracle}, 1.0)
    assert same is not None
    assert (same.wins, same.p_holm) == (0.5, 1.0)
    assert measure_separation(oracle, {}, 1.0) is None


def test_metrics_that_see_the_truth_separate_and_those_that_do_not_do_not() -> None:
    noise = GENERATOR.normal(size=(N, E + 1))
    metrics = [metric("sees"), metric("blind", "lower")]
    nulls = {f"e{k}": {"sees": noise[:, k], "blind": noise[:, k]} for k in range(E)}
    truth = {"oracle": {"sees": noise[:, E] + 9, "blind": noise[:, E]}}
    whole = np.ones(N, dtype=bool)
    oracle = VariantInfo(model="net", kind="oracle", kept=whole, known=whole)
    results = Results(
        provenance={},
        groups=[group_of({**nulls, "x": nulls["e0"]}, metrics, nulls=tuple(nulls))],
        variants=[group_of(truth, metrics, model="net (oracle)", variant=oracle)],
    )
    (found,) = analyse_meta(results)
    assert found.explainers == ["x"]
    sees, blind = (one.separation for one in found.metrics)
    assert sees is not None and blind is not None
    assert sees.separates
    assert not blind.separates
    assert sees.p_holm == pytest.approx(2 * stats.wilcoxon(np.arange(1.0, N + 1), alternative="greater").pvalue)


def test_correlations_are_spearmans_with_gaps() -> None:
    values = GENERATOR.normal(size=(30, 4)).round(1)
    values[:7, 1] = np.nan
    values[20:, 2] = np.nan
    values[:, 3] = 1.0
    found = rank_correlations(values)
    for one in range(3):
        for two in range(3):
            wanted = stats.spearmanr(values[:, one], values[:, two], nan_policy="omit").statistic
            assert found[one, two] == pytest.approx(wanted)
    assert np.isnan(found[3]).all()
    assert np.isnan(rank_correlations(values[:2])).all()


def test_metrics_that_say_the_same_in_opposite_directions_correlate() -> None:
    found = evaluated([BEFORE], [BEFORE], ALL, ALL)
    for one in found.metrics:
        assert one.over_explainers == pytest.approx({"up": 1.0, "down": 1.0})
        assert one.over_samples == pytest.approx({"up": 1.0, "down": 1.0})


def test_without_variants_there_is_nothing_to_say() -> None:
    assert analyse_meta(Results(provenance={}, groups=[group(BEFORE)])) == []
    other = dataclasses.replace(variant(BEFORE, "inputs", "minor", 1, ALL), dataset="other")
    assert analyse_meta(Results(provenance={}, groups=[group(BEFORE)], variants=[other])) == []
