"""Made-up results of models and explainers that were swept, with known differences between levels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.results.components import ComponentInfo, ExplainerInfo
from harness.results.data_model import Group, Results
from tests.support.synthetic_results import group_of, metric

TUNES = ("1conv", "3conv", "all", "2conv")  # in the order of the sweep, and not of the alphabet
GAINS = {"1conv": 0.0, "2conv": 0.1, "3conv": 0.2, "all": 0.3}


def swept_explainer(steps: int) -> ExplainerInfo:
    label = f"ramp steps={steps}"
    return ExplainerInfo(label=label, component="ramp", digest=f"ramp-{steps}", factors={"steps": str(steps)})


def swept_group(tune: str, seed: int, *, dataset: str = "data", size: int = 20, gain: float = 0.0, seeds: bool = True) -> Group:
    """One model: the explainers ``ramp`` at two numbers of steps, ``plain``, and the null ``noise``; it errs on its own first sample."""
    generator = np.random.default_rng([*map(ord, f"{tune}{seed}{dataset}")])
    hard = np.random.default_rng(5).normal(0, 0.1, size)

    def scores(better: float) -> np.ndarray:
        return np.clip(0.4 + better + gain + hard + generator.normal(0, 0.05) + generator.normal(0, 0.05, size), 0, 1)

    values = {
        label: {"inside": scores(better), "drop": 1 - scores(better)}
        for label, better in (("ramp steps=8", 0.1), ("ramp steps=32", 0.2), ("plain", 0.0), ("noise", -0.3 - gain))
    }
    correct = np.ones(size, dtype=bool)
    correct[seed] = False
    explainers = [
        swept_explainer(8),
        swept_explainer(32),
        *(ExplainerInfo(label=label, component=label, null=label == "noise", digest=label) for label in ("plain", "noise")),
    ]
    factors = {"tune": tune, "seed": str(seed)}
    return group_of(
        values,
        [metric("inside", category="localisation"), metric("drop", "lower")],
        dataset=dataset,
        model=f"net tune={tune}, seed={seed}",
        explainers=explainers,
        samples=[f"{dataset}-{k:03d}" for k in range(size)],
        digests=[f"{dataset}-{k}" for k in range(size)],
        correct=correct,
        accuracy=round(0.7 + GAINS[tune] / 2 + 0.01 * seed, 3),
        recipes={"model": ComponentInfo(component="net", digest=f"{tune}{seed}", factors=factors)},
        replicate_of=f"net {tune}" if seeds else None,
    )


def swept_results(tunes: Sequence[str] = TUNES, seeds: int = 3, datasets: Sequence[str] = ("data",), **changes: object) -> Results:
    """Models of four degrees of tuning and several seeds; the more is tuned the better maps are, but those of the null."""
    groups = [swept_group(tune, seed, dataset=dataset, gain=GAINS[tune]) for dataset in datasets for tune in tunes for seed in range(seeds)]
    fields = {"provenance": {"name": "swept"}, "groups": groups, "nulls": ["noise"], "samples_rule": "correct", "bootstrap": 50}
    return Results(**(fields | changes))  # type: ignore[arg-type]
