"""A spec's published tables, with the labels of the run in the place of the names in them."""

from __future__ import annotations

from typing import Any

from harness.results.published_tables import PublishedColumn, PublishedRow, PublishedTable, PublishedValue, Relation
from harness.spec.loaded_spec import LoadedSpec
from harness.spec.published_checks import Labels, labels_meant
from harness.spec.published_options import PublishedColumnOptions, PublishedOptions, parse_published


def published_tables(loaded: LoadedSpec) -> list[PublishedTable]:
    """Every table of the spec, in its order."""
    recipes = loaded.recipes
    lists = {"datasets": recipes.datasets, "models": recipes.models, "explainers": recipes.rows}
    labels = {kind: [recipe.label for recipe in found] for kind, found in lists.items()}
    return [_table(options, labels) for options in loaded.spec.published]


def _table(options: PublishedOptions, labels: Labels) -> PublishedTable:
    rows = [
        PublishedRow(
            name=name,
            labels=tuple(labels_meant(name, labels[options.rows])),
            values=tuple(PublishedValue(value=v, deviation=d, words=w) for v, d, w in map(parse_published, values)),
        )
        for name, values in options.values.items()
    ]
    columns = [_column(name, column, options.rows, labels) for name, column in options.columns.items()]
    return PublishedTable(
        title=options.title, source=options.source, about=options.about, kind=options.rows, columns=tuple(columns), rows=tuple(rows)
    )


def _column(name: str, options: PublishedColumnOptions, rows: str, labels: Labels) -> PublishedColumn:
    asked = {"datasets": options.dataset, "models": options.model, "explainers": options.explainer}
    chosen = {kind: () if kind == rows else tuple(labels_meant(name, labels[kind])) for kind, name in asked.items()}
    relation: Relation | None = None
    relation, bound = options.threshold or (None, None)  # type: ignore[assignment]
    measure: Any = options.measure and options.measure.replace("-", "_")
    return PublishedColumn(name=name, metric=options.metric, measure=measure, relation=relation, bound=bound, **chosen)
