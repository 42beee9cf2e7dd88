"""How often confidence sets for places cover all true places at once: the harness's, and those that one would use instead.

    python benchmarks/rank_coverage.py [--repeats 500] [--resamples 500] [--out benchmarks/results/rank_coverage.md]

Prints a Markdown table. Every number is a share of the repeats, in percent; a run takes minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from scipy import special

from harness.analysis.bootstrap import resampled_means
from harness.analysis.rank_confidence_sets import rank_confidence_sets

Array = np.ndarray
Draw = Callable[[np.random.Generator, int, int], Array]
SIZES, EXPLAINERS = (10, 48, 200), (3, 8, 20)


def normal(rng: np.random.Generator, size: int, means: Array, deviations: Array | float = 1.0) -> Array:
    """Independent normal scores ``(N, E)``."""
    return rng.normal(size=(size, len(means))) * deviations + means


def skill(
    rng: np.random.Generator, size: int, means: Array, *, metrics: int = 4, sample: float = 0.3, map: float = 0.4, half: float = 0.1
) -> Array:
    """Skill ``(N, E)``: means over metrics that are 0, ½ (a tenth of them) or 1.

    ``sample`` and ``map`` are the shares of the variance, of what stands behind a metric, that all explainers have of the sample, and all
    metrics of the map.
    """
    shared = np.sqrt(sample) * rng.normal(size=(size, 1, 1)) + np.sqrt(map) * rng.normal(size=(size, len(means), 1))
    place = special.ndtr(shared + np.sqrt(1 - sample - map) * rng.normal(size=(size, len(means), metrics)))
    return np.asarray(((place < means[:, None] + half / 2) * 0.5 + (place < means[:, None] - half / 2) * 0.5).mean(axis=2))


def steady_and_skewed(rng: np.random.Generator, size: int, explainers: int) -> Array:
    """Equal means of 1: every other explainer exponential, the others nearly constant."""
    values = rng.exponential(size=(size, explainers))
    values[:, ::2] = rng.normal(1, 0.1, values[:, ::2].shape)
    return values


def fail_at_once(rng: np.random.Generator, size: int, explainers: int, mean: float) -> Array:
    """Equal means: every other explainer fails in all of four metrics at once or in none, the others in each by itself."""
    values = np.repeat(rng.random((size, explainers, 1)) < mean, 4, axis=2)
    values[:, ::2] = rng.random(values[:, ::2].shape) < mean
    return np.asarray(values.mean(axis=2))


def steps(explainers: int) -> Array:
    """1 for the first explainer, in equal steps down to 0."""
    return np.linspace(1, 0, explainers)


def halves(explainers: int) -> Array:
    """1 for the first half of the explainers, 0 for the others."""
    return (steps(explainers) > 0.5) * 1.0


def lone(explainers: int) -> Array:
    """0 for the first explainer, 1 for the others."""
    return (np.arange(explainers) > 0) * 1.0


Means = Callable[[int], Array]
SCORES: dict[str, tuple[Means, Draw]] = {
    "normal, all tie": (lambda e: 0 * steps(e), lambda rng, n, e: normal(rng, n, np.zeros(e))),
    "normal, all tie, deviations 1 to 20": (lambda e: 0 * steps(e), lambda rng, n, e: normal(rng, n, np.zeros(e), np.exp(3 * steps(e)))),
    "normal, over 0.4 deviations": (steps, lambda rng, n, e: normal(rng, n, 0.4 * steps(e))),
    "normal, two levels": (halves, lambda rng, n, e: normal(rng, n, 3 * halves(e))),
    "skill, all 0.5": (lambda e: 0 * steps(e), lambda rng, n, e: skill(rng, n, 0.5 + 0 * steps(e))),
    "skill, all 0.9": (lambda e: 0 * steps(e), lambda rng, n, e: skill(rng, n, 0.9 + 0 * steps(e))),
    "skill, 0.65 to 0.75": (steps, lambda rng, n, e: skill(rng, n, 0.65 + 0.1 * steps(e))),
    "skill, 0.5 to 0.95": (steps, lambda rng, n, e: skill(rng, n, 0.5 + 0.45 * steps(e))),
    "skill, 0.5 or 0.95": (halves, lambda rng, n, e: skill(rng, n, 0.5 + 0.45 * halves(e))),
    "skill, one 0.6, others 0.95": (lone, lambda rng, n, e: skill(rng, n, 0.6 + 0.35 * lone(e))),
    "skill of one metric, all 0.5, alike": (
        lambda e: 0 * steps(e),
        lambda rng, n, e: skill(rng, n, 0.5 + 0 * steps(e), metrics=1, sample=0.95, map=0, half=0),
    ),
    "every other exponential, equal means": (lambda e: 0 * steps(e), steady_and_skewed),
    "every other fails at once, all 0.9": (lambda e: 0 * steps(e), lambda rng, n, e: fail_at_once(rng, n, e, 0.9)),
    "every other fails at once, all 0.95": (lambda e: 0 * steps(e), lambda rng, n, e: fail_at_once(rng, n, e, 0.95)),
}


def greatest_difference(estimates: Array, draws: Array) -> Array:
    """Which pairs ``(E, E)`` differ by the greatest resampled difference alone, its quantile and errors as the resamples have them."""
    first, second = np.triu_indices(len(estimates), 1)
    apart = estimates[first] - estimates[second]
    deviations = draws[:, first] - draws[:, second] - apart
    error = np.sqrt(np.mean(deviations**2, axis=0))
    error[error == 0] = np.inf
    differ = np.zeros((len(estimates), len(estimates)), dtype=bool)
    differ[first, second] = np.abs(apart) / error > np.quantile(np.abs(deviations / error).max(axis=1), 0.95)
    return differ | differ.T


def line(name: str, size: int, explainers: int, repeats: int, resamples: int) -> str:
    """Coverage of either, and the share of the pairs with different means that the harness's sets tell apart, as a line of the table."""
    truth, draw = SCORES[name]
    means = truth(explainers)
    different = means[:, None] != means
    rng = np.random.default_rng([size, explainers, *name.encode()])
    covered, covered_instead, told = 0, 0, 0.0
    for seed in range(repeats):
        values = draw(rng, size, explainers)
        estimates, draws = values.mean(axis=0), resampled_means(values, resamples, seed)
        sets = rank_confidence_sets(estimates, draws, size)
        best, worst = 1 + (means > means[:, None]).sum(axis=1), explainers - (means < means[:, None]).sum(axis=1)
        covered += bool(((sets.low <= best) & (worst <= sets.high)).all())
        covered_instead += not (
            greatest_difference(estimates, draws) & ((estimates[:, None] > estimates) & (means[:, None] <= means))
        ).any()
        told += float(sets.differ[different].mean()) if different.any() else 0.0
    share = f"{100 * told / repeats:.1f}" if different.any() else ""
    return f"| {name} | {size} | {explainers} | {100 * covered_instead / repeats:.1f} | {100 * covered / repeats:.1f} | {share} |"


def main() -> None:
    """Prints the table, and writes it where it is asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=500)
    parser.add_argument("--resamples", type=int, default=500)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    lines = [
        "# How often sets for places cover",
        "",
        f"`python benchmarks/rank_coverage.py`: of {options.repeats} repeats the share, in percent, whose 95 % sets hold the true places "
        "of all explainers at once, and where means tie each place that they could have; "
        f"{options.resamples} resamples. The error of a share is about 1.",
        "",
        "The greatest difference: the quantile of the greatest studentised difference over the resamples, its errors and quantile as the "
        "resamples have them (in one step; as `csranks` does from a covariance). The harness's sets: "
        "`harness/analysis/rank_confidence_sets.py`. Told apart: the share of the pairs with different means of which they know who is "
        "ahead.",
        "",
        "No method can know of failures that are too rare to have happened: where every other explainer fails at once in a twentieth of "
        "the samples, some of them do not in any of 48 samples, and seem certain.",
        "",
        "| scores | n | explainers | greatest difference | harness | told apart |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    print("\n".join(lines), flush=True)
    cases = [(name, size, explainers) for name in SCORES for size in SIZES for explainers in EXPLAINERS]
    with ProcessPoolExecutor() as pool:
        for found in pool.map(partial(line, repeats=options.repeats, resamples=options.resamples), *zip(*cases, strict=True)):
            lines.append(found)
            print(found, flush=True)
    if options.out is not None:
        options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
