"""How often intervals cover what they are of: the harness's, and those that one would use instead.

    python benchmarks/interval_coverage.py [--repeats 2000] [--resamples 1000] [--out benchmarks/results/coverage.md]

Prints Markdown tables. Every number is the share, in percent, of the repeats whose 95 % interval holds the true value; a run takes minutes.
(Not coverage.py: so is a package called that other libraries import.)
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import special, stats

from harness.analysis.bootstrap import resampled_means
from harness.analysis.composed_intervals import estimate_interval, replicate_interval
from harness.analysis.confidence_intervals import ScoreScale, mean_intervals

Array = np.ndarray
Ends = tuple[Array, Array]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Array]
CONFIDENCE = 0.95
FREE, UNIT = (-np.inf, np.inf), (0.0, 1.0)

SCORES: dict[str, tuple[Draw, float, tuple[float, float]]] = {
    "normal": (lambda rng, size: rng.normal(size=size), 0.0, FREE),
    "uniform": (lambda rng, size: rng.random(size), 0.5, UNIT),
    "exponential": (lambda rng, size: rng.exponential(size=size), 1.0, FREE),
    "lognormal, σ = ½": (lambda rng, size: rng.lognormal(0, 0.5, size), float(np.exp(0.125)), FREE),
    "lognormal, σ = 1": (lambda rng, size: rng.lognormal(0, 1, size), float(np.exp(0.5)), FREE),
    "Student's t, 3 degrees": (lambda rng, size: rng.standard_t(3, size), 0.0, FREE),
    "beta(½, ½)": (lambda rng, size: rng.beta(0.5, 0.5, size), 0.5, UNIT),
    "beta(9, 1)": (lambda rng, size: rng.beta(9, 1, size), 0.9, UNIT),
    "beta(0.2, 1.8)": (lambda rng, size: rng.beta(0.2, 1.8, size), 0.1, UNIT),
    "0, ½ or 1, mean 0.9": (lambda rng, size: rng.binomial(2, 0.9, size) / 2, 0.9, UNIT),
    "0 to 1 in quarters, mean 0.1": (lambda rng, size: rng.binomial(4, 0.1, size) / 4, 0.1, UNIT),
    "80 % are 0, else uniform": (lambda rng, size: np.where(rng.random(size) < 0.8, 0, rng.random(size)), 0.1, UNIT),
    "90 % are 1, else uniform": (lambda rng, size: np.where(rng.random(size) < 0.9, 1, rng.random(size)), 0.95, UNIT),
    "difference of two beta": (lambda rng, size: rng.beta(9, 1, size) - rng.beta(2, 2, size), 0.4, (-1, 1)),
    "difference of two lognormal": (lambda rng, size: rng.lognormal(size=size) - rng.lognormal(size=size), 0.0, FREE),
    "difference of two 0/1": (lambda rng, size: (rng.random(size) < 0.9) - 1.0 * (rng.random(size) < 0.7), 0.2, (-1, 1)),
    "0/1, mean 0.5": (lambda rng, size: 1.0 * (rng.random(size) < 0.5), 0.5, UNIT),
    "0/1, mean 0.9": (lambda rng, size: 1.0 * (rng.random(size) < 0.9), 0.9, UNIT),
    "0/1, mean 0.02": (lambda rng, size: 1.0 * (rng.random(size) < 0.02), 0.02, UNIT),
}


def of_means(name: str, count: int, repeats: int, resamples: int) -> list[str]:
    """A line of the table of means."""
    draw, truth, bounds = SCORES[name]
    rng = np.random.default_rng([count, *name.encode()])
    values = draw(rng, (count, repeats))
    scale = ScoreScale(*(np.full(repeats, bound) for bound in bounds), np.full(repeats, name.startswith("0/1")))
    ours = mean_intervals(values, scale, CONFIDENCE)
    plain = stats.ttest_1samp(values, 0).confidence_interval(CONFIDENCE)
    by_percentile = stats.bootstrap((values,), np.mean, axis=0, n_resamples=resamples, batch=20, method="percentile", rng=rng)
    by_bca = stats.bootstrap((values,), np.mean, axis=0, n_resamples=0, method="BCa", bootstrap_result=by_percentile)
    every = [
        (by_percentile.confidence_interval.low, by_percentile.confidence_interval.high),
        (by_bca.confidence_interval.low, by_bca.confidence_interval.high),
        studentised(values, resamples, rng),
        (plain.low, plain.high),
        (ours.low, ours.high),
    ]
    told = ~np.isnan(ours.low)
    shares = [percent(covers(ends, truth, told)) for ends in every]
    return [name, str(count), *shares, relative_length(every[-1], every[-2], bounds), percent(1 - told.mean())]


def studentised(values: Array, resamples: int, rng: np.random.Generator) -> Ends:
    """The studentised bootstrap (bootstrap-t): quantiles of the resampled t instead of Student's."""
    count = len(values)
    mean, error = values.mean(axis=0), stats.sem(values)
    away = values - mean
    drawn = rng.multinomial(count, np.full(count, 1 / count), resamples) / count
    moved, spread = drawn @ away, drawn @ away**2
    t = moved / np.sqrt(np.maximum(spread - moved**2, 0) / (count - 1))
    low, high = np.nanquantile(t, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0, method="inverted_cdf")
    return mean - high * error, mean - low * error


def skills(rng: np.random.Generator, shape: tuple[int, int, int], mean: float, alike: float) -> Array:
    """Headlines ``(N, K)``: means over M metrics of ``shape`` (N, M, K) of 0, 1 and some ½; in a share of samples all are ``alike``."""
    count, _, repeats = shape
    u = np.where(rng.random((count, 1, repeats)) < alike, rng.random((count, 1, repeats)), rng.random(shape))
    tie = min(0.1, 2 * (1 - mean))
    return np.asarray((0.5 * (u < mean - tie / 2) + 0.5 * (u < mean + tie / 2)).mean(axis=1))


def of_headlines(metrics: int, alike: float, mean: float, count: int, groups: int, repeats: int, resamples: int) -> list[str]:
    """A line of the table of headlines."""
    rng = np.random.default_rng([metrics, round(100 * alike), round(1000 * mean), count, groups])
    values = [skills(rng, (count, metrics, repeats), mean, alike) for _ in range(groups)]
    estimate = np.mean([group.mean(axis=0) for group in values], axis=0)
    draws = np.mean([resampled_means(group, resamples, seed) for seed, group in enumerate(values)], axis=0)
    half = special.stdtrit(groups * count - 1, (1 + CONFIDENCE) / 2) * draws.std(axis=0) * np.sqrt(count / (count - 1))
    by_t, ours = (estimate - half, estimate + half), estimate_interval(estimate, draws, groups * count, CONFIDENCE)
    every = [percentiles(draws), by_t, ours]
    told = ~np.isnan(every[-1][0])
    shares = [percent(covers(ends, mean, told)) for ends in every]
    return [str(metrics), f"{alike:g}", str(groups), f"{mean:g}", str(count), *shares, relative_length(every[-1], every[-2], UNIT)]


def of_seeds(seeds: int, repeats: int, resamples: int) -> list[str]:
    """A line of the table of training seeds, whose means are normal."""
    rng = np.random.default_rng(seeds)
    values = rng.normal(size=(seeds, repeats))
    resampled = percentiles(resampled_means(values, resamples, seeds))
    return [str(seeds), *(percent(covers(ends, 0.0)) for ends in (resampled, replicate_interval(values, CONFIDENCE)))]


def percentiles(draws: Array) -> Ends:
    """Ends of the central part of ``draws`` (R, …)."""
    low, high = np.quantile(draws, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
    return low, high


def covers(ends: Ends, truth: float, told: Array | bool = True) -> float:
    """Share of the intervals that hold ``truth``, of those that are ``told``; an interval without ends holds nothing but one value."""
    return float(((ends[0] <= truth) & (truth <= ends[1]))[np.broadcast_to(told, ends[0].shape)].mean())


def relative_length(ends: Ends, others: Ends, bounds: tuple[float, float]) -> str:
    """Median length of intervals over that of others, both cut off at ``bounds``; a dash where most of the others have none."""
    ours, theirs = (float(np.nanmedian(np.minimum(high, bounds[1]) - np.maximum(low, bounds[0]))) for low, high in (ends, others))
    return f"{ours / theirs:.2f}" if theirs > 0 else "–"


def percent(share: float) -> str:
    """With one decimal place."""
    return f"{100 * share:.1f}"


def least_covered(lines: list[list[str]], words: int, harness: int) -> str:
    """A sentence on the three lines in which the harness covers least, of those of ten samples or more; n is the last of the words."""
    lowest = sorted((line for line in lines if int(line[words - 1]) >= 10), key=lambda line: float(line[harness]))[:3]
    told = "; ".join(f"{line[harness]} ({' | '.join(line[:words])})" for line in lowest)
    return f"The harness's cover least, from 10 samples on, here: {told}."


def table(header: str, lines: list[list[str]], words: int) -> str:
    """A Markdown table, its first columns words and the others numbers."""
    names = header.split(" | ")
    rule = ["---" if k < words else "---:" for k in range(len(names))]
    return "\n".join(f"| {' | '.join(line)} |" for line in [names, rule, *lines])


MEANS = (
    "Percentile and BCa: `scipy.stats.bootstrap`; the studentised bootstrap (bootstrap-t); Student's t; and the harness's, of "
    "`harness/analysis/confidence_intervals.py`: Wilson's for scores of 0 or 1, else Student's t, widened as far as the t corrected for "
    "skewness reaches. Of repeats whose scores are all equal the harness has no interval (the last column, in percent), and they count for "
    "no method; a proportion has one always, where the others have none, or one of length 0. The length is the median of the harness's "
    "over that of Student's t, both cut off at the bounds of the scores."
)
HEADLINES = (
    "The mean over n samples of the mean over metrics of 0, ½ or 1 (lost, tied, won against a null), which are all the same in a share of "
    "the samples (alike), and else independent; over several groups of n samples each, the mean over groups. Percentiles of the resamples; "
    "t times the bootstrap's standard error; and the harness's, `estimate_interval` of `harness/analysis/composed_intervals.py`, which "
    "alone has an interval where all have won."
)
SEEDS = "Percentiles of seeds resampled with replacement, and Student's t over the seeds (`replicate_interval`)."


def report(repeats: int, resamples: int) -> str:
    """The three tables with their captions."""
    means = [of_means(name, count, repeats, resamples) for name in SCORES for count in (5, 10, 30, 48, 100, 200)]
    headlines = [
        of_headlines(metrics, alike, mean, count, groups, repeats, resamples)
        for metrics, alike, groups in ((1, 0.0, 1), (5, 0.0, 1), (5, 0.2, 1), (5, 0.5, 1), (10, 0.2, 1), (5, 0.2, 3))
        for mean in (0.5, 0.8, 0.9, 0.95, 0.98)
        for count in (10, 30, 48, 100)
    ]
    seeds = [of_seeds(seeds, repeats, resamples) for seeds in (3, 5, 10)]
    columns = "percentile | BCa | studentised | Student's t | harness | length | no interval"
    parts = [
        "# How often intervals cover",
        f"`python benchmarks/interval_coverage.py`: of {repeats} repeats the share, in percent, whose {CONFIDENCE:.0%} interval holds the "
        f"true value; {resamples} resamples. The error of a share is about {100 * np.sqrt(CONFIDENCE * (1 - CONFIDENCE) / repeats):.1f}.",
        "## Means of n scores",
        MEANS,
        table(f"scores | n | {columns}", means, 1),
        least_covered(means, 2, 6),
        "## Headlines",
        HEADLINES,
        table("metrics | alike | groups | mean | n | percentile | t | harness | length, over t", headlines, 0),
        least_covered(headlines, 5, 7),
        "## Means over training seeds",
        SEEDS,
        table("seeds | percentile | harness", seeds, 0),
    ]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=2000)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore")  # of samples that are all alike
        text = report(options.repeats, options.resamples)
    if options.out is not None:
        options.out.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
