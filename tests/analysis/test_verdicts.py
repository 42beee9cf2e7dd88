"""Verdicts against the reference and against nulls: when there is one, and how often there is one without reason."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from harness.analysis.explainer_comparisons import compare_with_nulls
from harness.analysis.group_comparisons import compare_cells
from harness.analysis.group_scores import score_cube
from harness.leaderboard.build import build_leaderboard
from harness.results.data_model import Correction, Group, Results
from harness.results.document import CellEntry, Versus
from tests.support.synthetic_results import group_of, metric

RNG = np.random.default_rng(0)
BASE = RNG.normal(size=48)


def results_of(group: Group, correction: Correction = "fdr") -> Results:
    nulls = [info.label for info in group.explainers if info.null]
    return Results(provenance={}, groups=[group], reference="reference", nulls=nulls, bootstrap=2, correction=correction)


def cells_of(
    scores: dict[str, np.ndarray], nulls: tuple[str, ...] = (), direction: str = "higher", **changes: object
) -> dict[str, CellEntry]:
    """Cells of one metric, by explainer."""
    group = group_of({label: {"m": values} for label, values in scores.items()}, [metric(direction=direction)], nulls)
    rows = build_leaderboard(results_of(group, **changes)).groups[0].rows  # type: ignore[arg-type]
    return {row.label: row.cells["m"] for row in rows}


def versus(scores: np.ndarray, reference: np.ndarray, **changes: object) -> Versus:
    found = cells_of({"reference": reference, "other": scores}, **changes)["other"].versus_reference  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.mark.parametrize("direction", ["higher", "lower"])
def test_few_large_losses_beside_many_small_gains_are_mixed(direction: str) -> None:
    """Forty times 0.01 better and eight times 1 worse: the mean is -0.158; the signed-rank test says better, a t-test worse."""
    sign = 1 if direction == "higher" else -1
    scores = BASE + sign * np.repeat([0.01, -1.0], [40, 8]) * np.linspace(1, 1.001, 48)
    found = versus(scores, BASE, direction=direction)
    assert found.p_wilcoxon is not None and found.p_wilcoxon < 0.05
    assert found.p_ttest == pytest.approx(0.006, abs=1e-4)
    assert found.verdict == "mixed"
    cell = cells_of({"reference": scores, "empty": BASE}, nulls=("empty",), direction=direction)["reference"]
    assert cell.p_null_adjusted is not None and cell.p_null_adjusted < 0.05
    assert cell.beats_null is False
    nulls = {"empty": BASE, "far below": BASE - 5 * sign}
    both = cells_of({"reference": scores, **nulls}, nulls=tuple(nulls), direction=direction)["reference"]
    assert both.p_null_adjusted is not None and both.p_null_adjusted < 0.05
    assert both.beats_null is False, "its mean is above that of one null alone"


def test_where_mean_and_ranks_agree_there_is_a_verdict() -> None:
    for shift, wanted in ((0.5, "better"), (-0.5, "worse"), (0.0, None)):
        noise = 0.4 * np.sin(np.arange(48))
        assert versus(BASE + shift + noise, BASE).verdict == wanted


def test_a_mean_of_float_noise_agrees_with_nothing() -> None:
    """Thirty-six times 0.1 and twelve times -0.3: the ranks of the losses are the larger ones, and the mean is 0."""
    found = versus(np.repeat([0.1, -0.3], [36, 12]) + 0.0, np.zeros(48))
    assert found.difference == 0.0
    assert found.verdict is None, "rank sums are 666 and 510"
    found = versus(np.repeat([0.1, -0.5], [40, 8]), np.zeros(48))
    assert (found.difference, found.verdict) == (0.0, "mixed")


def test_scores_of_0_and_1_have_the_exact_p_of_the_binomial() -> None:
    """Twelve wins and four losses among 48 samples."""
    reference = np.r_[np.zeros(12), np.ones(4), np.ones(32)]
    found = versus(np.r_[np.ones(12), np.zeros(4), np.ones(32)], reference)
    assert found.p_wilcoxon == pytest.approx(0.0768, abs=5e-5)
    assert found.p_wilcoxon == pytest.approx(stats.binomtest(12, 16).pvalue)
    assert found.verdict is None


@pytest.mark.parametrize("differences", [[1.0, 2, 3, 4, 5], [0.5, -0.5, 1, 2, 2, 0], [3.0, -1, -1, -1, 0, 0, 4]])
def test_p_of_few_samples_is_that_of_all_signs(differences: list[float]) -> None:
    """Brute force over the signs of the differences that are not 0, ties sharing ranks."""
    kept = np.array([value for value in differences if value])
    ranks = stats.rankdata(np.abs(kept))
    sums = np.array([ranks @ np.array(signs) for signs in product([0, 1], repeat=len(kept))])
    observed = ranks[kept > 0].sum()
    two_sided = min(1.0, 2 * min((sums >= observed - 1e-9).mean(), (sums <= observed + 1e-9).mean()))
    assert versus(np.array(differences), np.zeros(len(differences))).p_wilcoxon == pytest.approx(two_sided)
    columns = np.stack([np.array(differences), np.zeros(len(differences))], axis=1)
    assert compare_with_nulls(columns, ["a", "n"], ["n"], {}, sign=1.0)["a"].p == pytest.approx((sums >= observed - 1e-9).mean())


def test_every_null_must_be_beaten_and_not_the_best_alone() -> None:
    """The null with the best mean is beaten on every sample; another, which one sample ruins, is not."""
    even = BASE + 0.1 * np.resize([1.0, -1.0], 48)
    even[0] -= 100
    scores = {"reference": BASE, "weak": BASE - 0.5 - np.linspace(0, 0.1, 48), "even": even}
    assert even.mean() < scores["weak"].mean()
    cell = cells_of(scores, nulls=("weak", "even"))["reference"]
    assert (cell.null, cell.beats_null) == ("even", False)
    alone = [cells_of({"reference": BASE, null: scores[null]}, nulls=(null,))["reference"] for null in ("weak", "even")]
    assert cell.p_null == max(one.p_null or 0 for one in alone)
    assert [one.beats_null for one in alone] == [True, False]


def test_a_null_of_few_samples_is_none_to_beat_and_what_shares_no_sample_with_a_null_beats_none() -> None:
    few = np.where(np.arange(48) < 20, BASE + 3, np.nan)
    cell = cells_of({"reference": BASE, "whole": BASE - 1 - 0.01 * np.arange(48), "few": few}, nulls=("whole", "few"))["reference"]
    assert (cell.null, cell.beats_null) == ("whole", True)
    apart = {"reference": np.where(np.arange(48) < 20, BASE, np.nan), "null": np.where(np.arange(48) >= 20, BASE, np.nan)}
    cell = cells_of(apart, nulls=("null",))["reference"]
    assert (cell.null, cell.p_null, cell.beats_null) == ("null", 1.0, False)


def test_the_family_is_the_table_or_each_metric() -> None:
    """The raw p-values of a table, adjusted by SciPy together, or by Holm's formula for each metric and each question apart."""
    generator = np.random.default_rng(4)
    labels, metrics = ["reference", "a", "b", "null"], ["m", "n", "o"]
    scores = {label: {name: generator.normal(0.3 * k, 1, 30) for name in metrics} for k, label in enumerate(labels)}
    group = group_of(scores, [metric(name) for name in metrics], nulls=("null",))

    def table(correction: Correction) -> tuple[dict[tuple[str, str, str], float], dict[tuple[str, str, str], float]]:
        raw, adjusted = {}, {}
        for row in build_leaderboard(results_of(group, correction)).groups[0].rows:
            for name, cell in row.cells.items():
                if cell.versus_reference is not None:
                    raw["reference", row.label, name] = cell.versus_reference.p_wilcoxon
                    adjusted["reference", row.label, name] = cell.versus_reference.p_wilcoxon_adjusted
                if cell.p_null is not None:
                    raw["null", row.label, name] = cell.p_null
                    adjusted["null", row.label, name] = cell.p_null_adjusted
        return raw, adjusted  # type: ignore[return-value]

    raw, adjusted = table("fdr")
    assert len(raw) == 3 * 3 + 3 * 3
    assert list(adjusted.values()) == pytest.approx(stats.false_discovery_control(list(raw.values())))
    raw, adjusted = table("holm")
    for against, name in product(("reference", "null"), metrics):
        family = sorted((p, test) for test, p in raw.items() if (test[0], test[2]) == (against, name))
        wanted = 0.0
        for k, (p, test) in enumerate(family):
            wanted = max(wanted, min(1.0, p * (len(family) - k)))
            assert adjusted[test] == pytest.approx(wanted)


def marks_of_a_table(generator: np.random.Generator, correction: Correction, nulls: int, shift: float = 0.0) -> list[bool]:
    """Of every mark in a table of 14 explainers under 10 metrics, whether it is true: half of the explainers are better by ``shift``.

    Scores share the difficulty of a sample, its own under each metric, and an explainer's luck with it under all metrics.
    """
    samples, explainers, metrics = 16, 14 + nulls, 10
    x = generator.normal(size=(samples, 1, 1)) + generator.normal(size=(samples, 1, metrics))
    x = x + np.sqrt(0.5) * (generator.normal(size=(samples, explainers, 1)) + generator.normal(size=(samples, explainers, metrics)))
    x[:, 1:8] += shift
    labels = ["reference", *(f"e{k}" for k in range(13)), *(f"null{k}" for k in range(nulls))]
    scores = {label: {f"m{m}": x[:, k, m] for m in range(metrics)} for k, label in enumerate(labels)}
    group = group_of(scores, [metric(f"m{m}") for m in range(metrics)], nulls=tuple(labels[14:]))
    found, against_nulls = compare_cells(group, results_of(group, correction), score_cube(group, np.arange(samples)))
    better = set(labels[1:8]) if shift else set()
    marks = [label in better and one.verdict == "better" for (label, _), one in found.items() if one.verdict is not None]
    return [*marks, *(label in better for (label, _), one in against_nulls.items() if one.beats_null)]


@pytest.mark.slow
@pytest.mark.parametrize("nulls", [0, 1])
def test_a_table_of_nothing_seldom_has_any_mark(nulls: int) -> None:
    """Without a correction over metrics, some mark stood in three tables of ten."""
    trials = 300 if nulls == 0 else 120
    generator = np.random.default_rng([nulls, 1])
    assert np.mean([len(marks_of_a_table(generator, "fdr", nulls)) > 0 for _ in range(trials)]) <= 0.06
    assert np.mean([len(marks_of_a_table(generator, "holm", nulls)) > 0 for _ in range(25)]) > 0.15


@pytest.mark.slow
def test_few_marks_of_a_table_are_false() -> None:
    """Half of the explainers are better: of the marks, tests against the same reference and the same null, one in twenty may be wrong."""
    generator = np.random.default_rng(7)
    tables = [marks_of_a_table(generator, "fdr", nulls=1, shift=0.9) for _ in range(60)]
    assert np.mean([len(marks) for marks in tables]) > 20
    assert np.mean([1 - np.mean(marks) if marks else 0.0 for marks in tables]) <= 0.05
