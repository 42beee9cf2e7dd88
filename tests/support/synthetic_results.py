"""Made-up results with known properties, for the tests of analysis and leaderboard."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from harness.leaderboard.build import build_leaderboard
from harness.results.components import ComponentInfo, ExplainerInfo, MetricInfo
from harness.results.data_model import Cell, CostsEntry, ExplainerNotes, Group, Results
from harness.results.document import Leaderboard
from harness.results.run_folder import write_leaderboard, write_results
from harness.results.variant_info import VariantInfo

METRICS = [
    ("explanation-precision", "localisation", "higher", (0, 1)),
    ("relevance-mass-accuracy", "localisation", "higher", (0, 1)),
    ("relevance-rank-accuracy", "localisation", "higher", (0, 1)),
    ("pointing-game", "localisation", "higher", (0, 1)),
    ("deletion", "faithfulness", "lower", (0, 1)),
    ("insertion", "faithfulness", "higher", (0, 1)),
    ("road", "faithfulness", "higher", (None, None)),
    ("sparseness", "complexity", "higher", (0, 1)),
    ("complexity", "complexity", "lower", (0, None)),
    ("max-sensitivity", "robustness", "lower", (0, None)),
]
EXPLAINERS = [
    ("triad", "harness-triad", 2.0),
    ("lrp", "harness-zennit", 1.6),
    ("grad-cam", "harness-cam", 1.2),
    ("grad-cam++", "harness-cam", 1.15),
    ("SHAP", "harness-shap", 1.4),
    ("integrated-gradients", "harness-captum", 1.1),
    ("deep-lift", "harness-captum", 1.3),
    ("saliency", "harness-captum", 0.6),
    ("guided-backprop", "harness-captum", 0.1),
    ("random", "harness-nulls", -1.0),
    ("sobel", "harness-nulls", 0.2),
    ("laplace", "harness-nulls", 0.0),
]
NULLS = ["random", "sobel", "laplace"]


def complete_cell(values: np.ndarray) -> Cell:
    """An ok cell with a score (NaN: undefined) for every sample."""
    return Cell(status="ok", values=np.asarray(values, dtype=np.float64), computed=np.ones(len(values), dtype=bool))


def metric(label: str = "m", direction: str = "higher", category: str = "faithfulness") -> MetricInfo:
    return MetricInfo(label=label, component=label, category=category, direction=direction, digest=f"metric-{label}")  # type: ignore[arg-type]


def explainer(label: str, null: bool = False, twin_of: str | None = None) -> ExplainerInfo:
    return ExplainerInfo(
        label=label, component=label, plugin="plugin", version="1", null=null, twin_of=twin_of, digest=f"explainer-{label}"
    )


def group_of(scores: dict[str, dict[str, np.ndarray]], metrics: list[MetricInfo], nulls: tuple[str, ...] = (), **changes: object) -> Group:
    """A group out of scores by explainer and metric label, all computed."""
    size = len(next(iter(next(iter(scores.values())).values())))
    fields = {
        "dataset": "data",
        "model": "net",
        "samples": [f"s{k:04d}" for k in range(size)],
        "digests": [f"d{k:04d}" for k in range(size)],
        "correct": np.ones(size, dtype=bool),
        "accuracy": 1.0,
        "explainers": [explainer(label, null=label in nulls) for label in scores],
        "metrics": metrics,
        "cells": {(row, column): complete_cell(values) for row, columns in scores.items() for column, values in columns.items()},
    }
    return Group(**(fields | changes))  # type: ignore[arg-type]


def leaderboard_group(*, size: int = 52, seed: int = 0, dataset: str = "lesions", model: str = "lesions-vgg", gaps: bool = True) -> Group:
    """Twelve explainers under ten metrics, some cells failed, not applicable, undefined or incomplete."""
    generator = np.random.default_rng(seed)
    difficulty = generator.normal(size=size)
    cells = {}
    for label, _, quality in EXPLAINERS:
        for name, _, direction, bounds in METRICS:
            raw = quality * (1 if direction == "higher" else -1) + 0.7 * difficulty + 0.8 * generator.normal(size=size)
            values = 1 / (1 + np.exp(-0.6 * raw))
            if name == "pointing-game":
                values = (raw > 0).astype(float)
            elif name == "complexity":
                values = 6 + raw
            elif name == "max-sensitivity":
                values = 10 ** (0.8 * raw - 3)
            elif bounds[0] is None:
                values = values - 0.5
            cells[label, name] = complete_cell(values)
    if gaps:
        _make_gaps(cells, size)
    explainers = [
        ExplainerInfo(
            label=label,
            component="shap-gradient" if label == "SHAP" else label,
            plugin=plugin,
            version="0.1.0",
            null=label in NULLS,
            digest=f"digest-{label}",
            cite="10.1109/ICCV.2017.74" if "cam" in label else None,
        )
        for label, plugin, _ in EXPLAINERS
    ]
    metrics = [
        MetricInfo(label=n, component=n, plugin="harness-metrics", version="0.1.0", digest=f"digest-{n}", category=c, direction=d, bounds=b)  # type: ignore[arg-type]
        for n, c, d, b in METRICS
    ]
    correct = np.ones(size, dtype=bool)
    correct[:4] = False
    return Group(
        dataset=dataset,
        model=model,
        recipes={
            "dataset": ComponentInfo(component=dataset, digest="digest-data"),
            "model": ComponentInfo(component=model, digest=f"digest-{model}"),
        },
        samples=[f"test-{k:03d}" for k in range(size)],
        digests=[f"{k:064x}" for k in range(size)],
        correct=correct,
        accuracy=float(correct.mean()),
        explainers=explainers,
        metrics=metrics,
        cells=cells,
        costs={
            label: CostsEntry(seconds_per_sample=0.01 * (k + 1) ** 2, passes_per_sample=3.0 * k, peak_memory=2e8)
            for k, (label, *_) in enumerate(EXPLAINERS)
        },
        notes={
            "lrp": ExplainerNotes(completeness=np.full(size, 0.31), broken=True),
            "saliency": ExplainerNotes(zero_maps=3),
            "guided-backprop": ExplainerNotes(warnings=("equals the plain gradient: the model has no ReLU modules",)),
        },
    )


def _make_gaps(cells: dict[tuple[str, str], Cell], size: int) -> None:
    cells["deep-lift", "max-sensitivity"] = Cell.missing(size, "timeout", "took longer than 600 s")
    cells["SHAP", "road"] = Cell.missing(size, "failed", "RuntimeError: singular matrix | at step_3 & more")
    cells["guided-backprop", "max-sensitivity"] = Cell.missing(size, "not-applicable", "the model has no ReLU")
    cells["saliency", "insertion"] = Cell.missing(size, "out-of-memory")
    undefined = cells["lrp", "pointing-game"].values.copy()
    undefined[[10, 20, 30]] = np.nan
    cells["lrp", "pointing-game"] = complete_cell(undefined)
    partial = cells["laplace", "deletion"]
    cells["laplace", "deletion"] = Cell(status="ok", values=partial.values, computed=np.arange(size) < 16)


def variant_of(group: Group, kind: str, strength: str | None, repeat: int, seed: int) -> Group:
    """A group as it would be were its inputs or weights disturbed, or an oracle scored in the place of its explainers."""
    size = len(group.samples)
    generator = np.random.default_rng(seed)
    kept = generator.random(size) < (0.9 if strength == "minor" else 0.4)
    what = VariantInfo(
        model=group.model,
        kind=kind,  # type: ignore[arg-type]
        strength=strength,  # type: ignore[arg-type]
        repeat=repeat,
        scale=0.5,
        kept=kept,
        known=np.ones(size, dtype=bool),
    )
    rows = group.explainers[:1] if kind == "oracle" else [info for info in group.explainers if not info.null]
    if kind == "oracle":
        rows = [dataclasses.replace(rows[0], label="oracle", component="oracle")]
    other = leaderboard_group(size=size, seed=seed, gaps=False)
    cells = {
        (row.label, label): other.cells["triad" if kind == "oracle" else row.label, label] for row in rows for label in group.metric_labels
    }
    fields = {"model": f"{group.model} ({kind} {strength} {repeat})", "explainers": rows, "cells": cells, "variant": what}
    return dataclasses.replace(group, **fields, costs={}, notes={})  # type: ignore[arg-type]


def leaderboard_results(**changes: object) -> Results:
    """One run of `leaderboard_group`."""
    fields = {
        "provenance": {"name": "quickstart", "packages": {"xai-harness": "0.1.0", "torch": "2.11"}, "seed": 0},
        "groups": [leaderboard_group()],
        "reference": "triad",
        "nulls": NULLS,
        "samples_rule": "correct",
        "bootstrap": 500,
    }
    return Results(**(fields | changes))  # type: ignore[arg-type]


def write_run(folder: Path, results: Results) -> Leaderboard:
    """Write the files of a run folder, and give back the leaderboard."""
    write_results(folder, results)
    leaderboard = build_leaderboard(results)
    write_leaderboard(folder, leaderboard)
    return leaderboard
