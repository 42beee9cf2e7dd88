"""Names in published tables: the labels of a spec that they stand for, and what is wrong with those that nothing has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from pydantic import ValidationError

from harness.registry.card import singular
from harness.registry.errors import KeyPath, Problem
from harness.registry.naming import did_you_mean, join_words
from harness.spec.published_options import MODEL_MEASURES, PublishedColumnOptions, PublishedOptions, parse_published

Labels = Mapping[str, Sequence[str]]
"""Labels of a spec's components by list (``datasets``, ``models``, ``explainers`` with nulls, ``metrics``)."""
SELECTORS = ("dataset", "model", "explainer")


def labels_meant(name: str | None, labels: Sequence[str]) -> list[str]:
    """The labels that a name stands for: itself, else those that a sweep made of it or that match it as a glob; all for None."""
    if name is None or name in labels:
        return list(labels) if name is None else [name]
    return [label for label in labels if fnmatchcase(label, name) or _is_swept(label, name)]


def _is_swept(label: str, name: str) -> bool:
    """Whether the label is the name with what was swept behind it (``net seed=0``)."""
    return label.startswith(f"{name} ") and "=" in label[len(name) :]


def published_problems(given: Any, labels: Labels) -> Iterator[Problem]:
    """What is wrong with the tables of a spec but for their form: what they name is there, and rows have as many values as columns."""
    for index, item in enumerate(given if isinstance(given, list) else ()):
        try:
            table = PublishedOptions.model_validate(item)
        except ValidationError:  # said by `check_form`
            continue
        at: KeyPath = ("published", index)
        for name, column in table.columns.items():
            yield from _column_problems(table, column, (*at, "columns", name), labels)
        for name, values in table.values.items():
            yield from _row_problems(table, name, values, (*at, "values", name), labels)


def _column_problems(table: PublishedOptions, column: PublishedColumnOptions, at: KeyPath, labels: Labels) -> Iterator[Problem]:
    if (column.metric is None) == (column.measure is None):
        yield Problem(at, "a column has either metric, the label of one, or measure")
    if column.metric is not None and column.metric not in labels["metrics"]:
        yield _unknown((*at, "metric"), column.metric, "metric", labels["metrics"])
    if column.measure in MODEL_MEASURES and table.rows == "explainers":
        yield Problem((*at, "measure"), f"{column.measure} is known of models: write `rows: models`")
    row = singular(table.rows)
    if getattr(column, row) is not None:
        yield Problem((*at, row), f"the rows are {table.rows}, so that a column names none")
    for selector in SELECTORS:
        name, there = getattr(column, selector), labels[f"{selector}s"]
        if selector != row and name is not None and there and not labels_meant(name, there):
            yield _unknown((*at, selector), name, selector, there)


def _row_problems(table: PublishedOptions, name: str, values: Sequence[Any], at: KeyPath, labels: Labels) -> Iterator[Problem]:
    there = labels[table.rows]
    if there and not labels_meant(name, there):
        yield _unknown(at, name, singular(table.rows), there)
    if len(values) != len(table.columns):
        yield Problem(at, f"there are {len(table.columns)} columns ({join_words(list(table.columns))}), and {len(values)} values here")
    for index, value in enumerate(values):
        try:
            parse_published(value)
        except ValueError as error:
            yield Problem((*at, index), f'"{value}": {error}')


def _unknown(at: KeyPath, name: str, noun: str, there: Sequence[str]) -> Problem:
    return Problem(at, f'no {noun} is called "{name}"{did_you_mean(name, list(there))} (labels: {join_words(list(there))})')
