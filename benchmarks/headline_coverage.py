"""Coverage of the headline's interval where the null that is the hardest has to be found, on the same samples or on others.

    python benchmarks/headline_coverage.py

Scores of one explainer and of several nulls under four metrics, correlated by how hard a sample is. The true skill under a metric is the
least of the probabilities to be better than each null.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import stats

from harness.analysis.bootstrap import ResampledMeans
from harness.analysis.composed_intervals import estimate_interval
from harness.analysis.skill import wins_against_hardest
from harness.analysis.standings import estimate_skill
from harness.results.field_types import Floats

RESULTS = Path(__file__).parent / "results" / "headline-coverage.md"
REPEATS, RESAMPLES, METRICS, CONFIDENCE = 500, 200, 4, 0.95
SIZES, ADVANTAGES = (10, 48, 200), (0.0, 0.5, 1.5)
NULLS = ((1, 0.0), (3, 0.0), (5, 0.0), (5, 0.2), (5, 1.0))
"""How many, and by how much the first of them is better than the others, in standard deviations of a score."""
DIFFICULTY = 0.7  # standard deviation of what all scores of a sample share, that of a score's own being 1


def headline(scores: Floats, nulls: Floats, folds: int, seed: int) -> ResampledMeans:
    """The mean over metrics of the skill ``(1,)`` of ``scores`` (N, M) against the hardest of ``nulls`` (N, K, M), with resamples."""
    found = np.empty_like(scores)
    metrics = scores.shape[1]
    for m in range(metrics):
        candidates = {str(k): nulls[:, k, m] for k in range(nulls.shape[1])}
        found[:, m] = wins_against_hardest(scores[:, m], candidates, 1.0, np.arange(len(scores)) % folds)
    return ResampledMeans.of(found[:, None], RESAMPLES, seed).weigh(np.full(metrics, 1 / metrics))


def measure(size: int, count: int, ahead: float, advantage: float, generator: np.random.Generator) -> list[float]:
    """Coverage in percent and mean error for three ways, of an explainer that is better than the best null by ``advantage``."""
    strengths = np.zeros(count)
    strengths[0] = ahead
    truth = float(stats.norm.cdf(advantage / np.sqrt(2)))
    covered, errors = np.zeros((3, REPEATS)), np.zeros((2, REPEATS))
    for repeat in range(REPEATS):
        difficulty = DIFFICULTY * generator.normal(size=(size, 1))
        scores = difficulty + ahead + advantage + generator.normal(size=(size, METRICS))
        nulls = difficulty[:, :, None] + strengths[:, None] + generator.normal(size=(size, count, METRICS))
        same, other = headline(scores, nulls, 1, repeat), headline(scores, nulls, 2, repeat)
        ends = [estimate_interval(found.means, found.draws, size, CONFIDENCE) for found in (same, other)]
        (shown,) = estimate_skill(same, other, size, CONFIDENCE)
        assert shown.low is not None and shown.high is not None
        covered[:, repeat] = [*(low[0] <= truth <= high[0] for low, high in ends), shown.low <= truth <= shown.high]
        errors[:, repeat] = [found.means[0] - truth for found in (same, other)]
    rates = (100 * covered.mean(axis=1)).tolist()
    return [rates[0], float(errors[0].mean()), rates[1], float(errors[1].mean()), rates[2]]


def main() -> None:
    """Print the table, and keep it."""
    lines = [
        "# How often the headline's interval covers, where the hardest null has to be found",
        "",
        f"`python benchmarks/headline_coverage.py`: of {REPEATS} repeats the share, in percent, whose 95% interval holds the true skill, "
        f"and the mean of the estimate less the truth; {METRICS} metrics, {RESAMPLES} resamples. The hardest null is looked for on the "
        "same samples, or for each half of them on the other; the harness takes the low end of the one and the high end of the other. "
        "Ahead: by how much one null is better than the others, in standard deviations.",
        "",
        "| nulls | ahead | true skill | n | same samples | error | other samples | error | harness |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    generator = np.random.default_rng(0)
    for count, ahead in NULLS:
        for advantage in ADVANTAGES:
            for size in SIZES:
                same, biased, other, error, both = measure(size, count, ahead, advantage, generator)
                truth = stats.norm.cdf(advantage / np.sqrt(2))
                lines.append(
                    f"| {count} | {ahead:g} | {truth:.2f} | {size} | {same:.1f} | {biased:+.3f} | {other:.1f} | {error:+.3f} | {both:.1f} |"
                )
                print(lines[-1], flush=True)
    RESULTS.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
