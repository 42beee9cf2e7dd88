"""Tables that others published, with which labels of a run stand for their rows and columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.results.classification_document import Measure
from harness.results.field_types import Name, Number

Relation = Literal["<", "<=", ">", ">="]
RowKind = Literal["explainers", "models"]
RowMeasure = Literal["skill", "seconds"]


@dataclass(frozen=True, kw_only=True)
class PublishedValue:
    """A number with its deviation, or words such as ``pass``; nothing at all where nothing was published."""

    value: Number = None
    deviation: Number = None
    words: Name | None = None


@dataclass(frozen=True, kw_only=True)
class PublishedColumn:
    """A column of a published table.

    Attributes:
        metric: the label of the metric whose mean scores of ours stand beside; None if it is a ``measure``.
        measure: how well a model classifies, or of an explainer its ``skill`` or its ``seconds`` per explanation.
        datasets, models, explainers: labels over which ours is the mean; the rows' own kind is empty.
        relation, bound: what a number must be to pass; None if nothing is said.
    """

    name: Name
    metric: Name | None = None
    measure: Measure | RowMeasure | None = None
    datasets: tuple[Name, ...] = ()
    models: tuple[Name, ...] = ()
    explainers: tuple[Name, ...] = ()
    relation: Relation | None = None
    bound: Number = None


@dataclass(frozen=True, kw_only=True)
class PublishedRow:
    """A row: the ``labels`` over which ours is the mean, and one value for each column."""

    name: Name
    labels: tuple[Name, ...]
    values: tuple[PublishedValue, ...]


@dataclass(frozen=True, kw_only=True)
class PublishedTable:
    """A published table. ``about``: what its numbers are of."""

    title: Name
    source: Name
    about: Name | None = None
    kind: RowKind = "explainers"
    columns: tuple[PublishedColumn, ...]
    rows: tuple[PublishedRow, ...]
