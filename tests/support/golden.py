"""A run with all that a leaderboard can show, and files of how it was shown: they are what a change of mechanism must not change.

``python -m tests.support.golden`` writes the files of all formats again, and the published schema, after a change that is meant.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from harness.leaderboard.render import render_leaderboard
from harness.leaderboard.selection import Selection
from harness.results.data_model import Cell, ExplanationSettings, Group, Results
from harness.results.document import Leaderboard, json_schema, read_leaderboard
from harness.results.predictions import Predictions
from harness.results.published_tables import PublishedColumn, PublishedRow, PublishedTable, PublishedValue
from tests.support.synthetic_results import complete_cell, leaderboard_group, leaderboard_results, metric, variant_of, write_run

GOLDEN = Path(__file__).parents[1] / "leaderboard" / "golden"
PUBLISHED_SCHEMA = Path(__file__).parents[2] / "docs" / "leaderboard.schema.json"
EXPLAINERS = ["triad", "lrp", "SHAP", "deep-lift", "guided-backprop", "laplace", "sobel"]
METRICS = ["pointing-game", "deletion", "road", "max-sensitivity"]


def golden_results() -> Results:
    """Two data sets; on the first two replicates and another model; gaps of every kind, undefined scores, meta-evaluation of one group."""
    changes = {"explained": ExplanationSettings(target="predicted", seed=3, precision="fp32", dtype="float32")}
    groups = [
        dataclasses.replace(
            _with_predictions(leaderboard_group(size=34, model="net-0"), 0),
            replicate_of="net 0123",
            group_notes=["layer: features.29"],
            **changes,
        ),
        dataclasses.replace(
            _with_predictions(leaderboard_group(size=34, seed=1, model="net-1", gaps=False), 1), replicate_of="net 0123", **changes
        ),
        dataclasses.replace(_with_predictions(leaderboard_group(size=34, seed=2, model="other", gaps=False), None), **changes),
        dataclasses.replace(_with_agreement(leaderboard_group(size=9, seed=3, dataset="shapes", model="tiny", gaps=False)), **changes),
    ]
    kinds = [(kind, strength, repeat) for kind in ("inputs", "weights") for strength in ("minor", "disruptive") for repeat in (1, 2)]
    variants = [variant_of(groups[0], *kind, seed=10 + k) for k, kind in enumerate([*kinds, ("oracle", None, 0)])]
    whole = leaderboard_results(groups=groups, variants=variants, bootstrap=200, published=[_published()])
    return Selection(explainers=[*EXPLAINERS, "oracle"], metrics=[*METRICS, "parts"]).of(whole)


def _published() -> PublishedTable:
    where = {"datasets": ("lesions",), "models": ("net-0", "net-1")}
    columns = (
        PublishedColumn(name="deletion", metric="deletion", relation="<", bound=0.35, datasets=("shapes",), models=("tiny",)),
        PublishedColumn(name="road", metric="road", **where),
    )
    rows = (
        PublishedRow(name="lrp", labels=("lrp",), values=(PublishedValue(words="pass"), PublishedValue(value=0.2, deviation=0.01))),
        PublishedRow(name="SHAP", labels=("SHAP",), values=(PublishedValue(words="not tested"), PublishedValue(value=0.1))),
        PublishedRow(name="sobel", labels=("sobel",), values=(PublishedValue(words="pass"), PublishedValue())),
    )
    return PublishedTable(title="Two metrics", source="Somebody 2022, table 4", about="other images", columns=columns, rows=rows)


def _with_predictions(group: Group, seed: int | None) -> Group:
    """A model of three classes, of which one without a seed never predicts the last; labels are its predictions where it is correct."""
    size, generator = len(group.samples), np.random.default_rng(list(group.model.encode()))
    labels = np.arange(size) % 3
    predicted = np.where(group.correct & ((labels < 2) | (seed is not None)), labels, (labels + 1) % (2 if seed is None else 3))
    areas = np.round(generator.uniform(0.7, 1, 3), 3)
    answers = Predictions(
        labels=labels.astype(float), predicted=predicted.astype(float), classes=3, names=["none", "glioma", "meningioma"], areas=areas
    )
    model = dataclasses.replace(group.recipes["model"], params={} if seed is None else {"seed": seed})
    return dataclasses.replace(group, predictions=answers, recipes={**group.recipes, "model": model})


def _with_agreement(group: Group) -> Group:
    """A metric that ranks nobody, and scores that are not numbers."""
    size = len(group.samples)
    parts = metric("parts", category="agreement")
    infinite = group.cells["lrp", "road"].values.copy()
    infinite[:2] = np.inf, np.nan
    cells = {**group.cells, ("triad", "parts"): complete_cell(np.linspace(0.2, 0.4, size)), ("lrp", "road"): complete_cell(infinite)}
    cells["deep-lift", "deletion"] = Cell.missing(size, "blocked", "not computed: its rows are missing from the store")
    return dataclasses.replace(group, metrics=[*group.metrics, parts], cells=cells)


RENDERED: dict[str, Callable[[Leaderboard], str]] = {
    "leaderboard.json": Leaderboard.to_json,
    **{
        f"{name}{suffix}": (lambda document, form=form, meta=meta: render_leaderboard(document, form, meta=meta))  # type: ignore[misc]
        for name, meta in (("leaderboard", False), ("meta", True))
        for form, suffix in (("csv", ".csv"), ("markdown", ".md"), ("latex", ".tex"), ("html", ".html"), ("terminal", ".txt"))
    },
    "by-metric.md": lambda document: render_leaderboard(document, "markdown", group="metric"),
    "by-metric.html": lambda document: render_leaderboard(document, "html", group="metric"),
    **{
        f"models{suffix}": (lambda document, form=form: render_leaderboard(document, form, models=True))  # type: ignore[misc]
        for form, suffix in (("csv", ".csv"), ("markdown", ".md"), ("terminal", ".txt"))
    },
    "narrow.txt": lambda document: render_leaderboard(document, "terminal", width=60, ascii_only=True),
    "colour.txt": lambda document: render_leaderboard(document, "terminal", group="metric", width=160, color=True),
}
"""Every file, and how it is made of the document."""


def golden_document() -> Leaderboard:
    """The document that the files are of."""
    return read_leaderboard((GOLDEN / "leaderboard.json").read_bytes())


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    write_run(GOLDEN, golden_results())
    for file, render in RENDERED.items():
        (GOLDEN / file).write_text(render(golden_document()))
    PUBLISHED_SCHEMA.write_text(json.dumps(json_schema(), indent=2) + "\n")
