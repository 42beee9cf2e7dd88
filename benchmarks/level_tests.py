"""How often tests and intervals of a difference between two levels of training are right, where nothing differs.

    python benchmarks/level_tests.py

Scores of S models of each level on the same N samples: a sample is hard or easy for all models, a model is good or bad on all samples (the
training seed), and the rest is its own. The true difference is 0.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import stats

from harness.analysis.crossed_test import (
    MeanVariance,
    add_variances,
    crossed_variance,
    t_probability,
    variance_over_models,
    variance_over_samples,
)
from harness.analysis.signed_rank import signed_ranks
from harness.results.field_types import Floats

RESULTS = Path(__file__).parent / "results" / "level_tests.md"
REPEATS, LEVEL = 2000, 0.05
SEEDS, SIZES, SPREADS = (3, 5, 10), (24, 200), (0.0, 0.1, 0.3)
OWN, SHIFTED = 0.4, 0.2  # standard deviations: of a score's own part, and of what a sample has with a level
HEADER = (
    "| seeds | n | deviation of seeds | averaged, Wilcoxon | seeds alone, Welch | both, Satterthwaite "
    "| of the same models | the same, Satterthwaite |"
)


def rejections(seeds: int, size: int, spread: float, generator: np.random.Generator) -> Floats:
    """Shares ``(5,)`` of repeats in which each way of testing finds a difference."""
    found = np.zeros((REPEATS, 5), dtype=bool)
    families = np.zeros(seeds, dtype=np.intp)
    averaged = np.empty((size, REPEATS))
    for repeat in range(REPEATS):
        sides = spread * generator.normal(size=(2, seeds, 1)) + OWN * generator.normal(size=(2, seeds, size))
        sides += SHIFTED * generator.normal(size=(2, 1, size))
        differences = sides[1] - sides[0]
        mean, samples = float(differences.mean()), variance_over_samples(differences)
        averaged[:, repeat] = differences.mean(axis=0)
        apart: list[MeanVariance] = [variance_over_models(side, families) for side in sides]
        paired = add_variances([samples, variance_over_models(differences, families)])
        tests = (add_variances(apart), add_variances([samples, *apart]), crossed_variance(differences, families), paired)
        found[repeat, 1:] = [t_probability(mean, test) < LEVEL for test in tests]
    found[:, 0] = signed_ranks(averaged).p < LEVEL
    return found.mean(axis=0)


def main() -> None:
    """Measure, and write the table."""
    generator, lines = np.random.default_rng(0), []
    for seeds in SEEDS:
        for size in SIZES:
            for spread in SPREADS:
                shares = " | ".join(f"{100 * share:.1f}" for share in rejections(seeds, size, spread, generator))
                lines.append(f"| {seeds} | {size} | {spread:g} | {shares} |")
    error = 100 * stats.binom.std(REPEATS, LEVEL) / REPEATS
    text = (
        "# How often a difference between two levels is found where there is none\n\n"
        f"`python benchmarks/level_tests.py`: of {REPEATS:,} repeats the share, in percent, with p < {LEVEL:g} (± {error:.1f}). Models of "
        f"two levels on the same n samples; standard deviations: of the means of seeds as given, {OWN:g} of each score, {SHIFTED:g} of "
        "what a sample has with a level. From three seeds on the harness takes *both*, samples and seeds; of the same models (levels of an "
        "explainer) with the models' degrees of freedom. Below it averages seeds.\n\n"
    )
    RESULTS.write_text(text + "\n".join([HEADER, "| ---: " * 8 + "|", *lines]) + "\n")
    print(RESULTS.read_text())


if __name__ == "__main__":
    main()
