"""A run's numbers beside those that others published."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from harness.analysis.rank_correlation import rank_correlations
from harness.results.classification_document import MEASURES, ClassificationEntry, ClassifierEntry, Measure
from harness.results.document import GroupEntry, Row
from harness.results.published_document import PublishedCell, PublishedColumnEntry, PublishedEntry, PublishedVerdict
from harness.results.published_tables import PublishedColumn, PublishedRow, PublishedTable, PublishedValue, Relation

RELATIONS: Mapping[Relation, Callable[[float, float], bool]] = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
JUDGED = ("pass", "fail")
Classifiers = Mapping[tuple[str, str], ClassifierEntry]
Estimate = tuple[float | None, float | None, float | None]  # with the interval that it has


def compare_with_published(
    groups: Sequence[GroupEntry], classification: Sequence[ClassificationEntry], tables: Sequence[PublishedTable]
) -> list[PublishedEntry]:
    """Every table, with what the groups have in the place of each of its values.

    Measures of classification are of models too of which others were better, and which are not explained: those of the best would be too
    good.
    """
    classifiers = {(entry.dataset, found.model): found for entry in classification for found in entry.models}
    return [_compare(groups, classifiers, table) for table in tables]


def _compare(groups: Sequence[GroupEntry], classifiers: Classifiers, table: PublishedTable) -> PublishedEntry:
    cells: dict[str, dict[str, PublishedCell]] = {}
    for row in table.rows:
        for column, value in zip(table.columns, row.values, strict=True):
            cells.setdefault(row.name, {})[column.name] = _cell(list(_estimates(groups, classifiers, table, row, column)), column, value)
    columns = [_column_entry(column, [cells[row.name][column.name] for row in table.rows]) for column in table.columns]
    return PublishedEntry(title=table.title, source=table.source, about=table.about, kind=table.kind, columns=columns, cells=cells)


def _estimates(
    groups: Sequence[GroupEntry], classifiers: Classifiers, table: PublishedTable, row: PublishedRow, column: PublishedColumn
) -> Iterator[Estimate]:
    """What is known of each group, or of each explainer on it, that the row and the column are of."""
    models, explainers = (row.labels, column.explainers) if table.kind == "models" else (column.models, row.labels)

    def meant(dataset: str, model: str) -> bool:
        return dataset in column.datasets and model in models

    if column.measure in MEASURES:
        yield from (_model_estimate(found, column.measure) for key, found in classifiers.items() if meant(*key))
    else:
        chosen = [group for group in groups if meant(group.dataset, group.model)]
        yield from (_estimate(entry, column) for group in chosen for entry in group.rows if entry.label in explainers)


def _model_estimate(classifier: ClassifierEntry, measure: Measure) -> Estimate:
    interval = (classifier.low, classifier.high) if measure == "accuracy" else (None, None)
    return classifier.measures.get(measure), *interval


def _estimate(row: Row, column: PublishedColumn) -> Estimate:
    if column.measure == "seconds":
        return row.costs.seconds_per_sample, None, None
    if column.measure == "skill":
        skill = row.standings["category"].skill
        return skill.value, skill.low, skill.high
    cell = row.cells.get(str(column.metric))
    return (None, None, None) if cell is None else (cell.mean, cell.low, cell.high)


def _cell(found: Sequence[Estimate], column: PublishedColumn, published: PublishedValue) -> PublishedCell:
    theirs = {"published": published.value, "published_deviation": published.deviation, "published_words": published.words}
    known = [(value, low, high) for value, low, high in found if value is not None]
    if not known:
        return PublishedCell(**theirs)
    values = np.asarray([value for value, _, _ in known])
    ours, low, high = (float(values.mean()), None, None) if len(known) > 1 else known[0]
    deviation = float(values.std(ddof=1)) if len(known) > 1 else None
    verdict = _verdict(ours, low, high, column)
    return PublishedCell(ours=ours, low=low, high=high, deviation=deviation, means=len(known), verdict=verdict, **theirs)


def _verdict(value: float, low: float | None, high: float | None, column: PublishedColumn) -> PublishedVerdict | None:
    """Whether the value passes: `open` if one end of its interval does and the other does not."""
    if column.relation is None or column.bound is None:
        return None
    passes = {RELATIONS[column.relation](end, column.bound) for end in (value, low, high) if end is not None}
    return "open" if len(passes) > 1 else "pass" if True in passes else "fail"


def _their_verdict(cell: PublishedCell) -> str:
    """What was published in words, whether it began a sentence or not."""
    return (cell.published_words or "").casefold()


def _column_entry(column: PublishedColumn, cells: Sequence[PublishedCell]) -> PublishedColumnEntry:
    judged = [(cell.verdict, theirs) for cell in cells if cell.verdict in JUDGED and (theirs := _their_verdict(cell)) in JUDGED]
    numbers = np.asarray([(cell.ours, cell.published) for cell in cells if None not in (cell.ours, cell.published)], dtype=np.float64)
    both = numbers.reshape(-1, 2)
    return PublishedColumnEntry(
        name=column.name,
        measured=column.metric or column.measure or "",
        passes=None if column.relation is None else f"{column.relation} {column.bound:g}",
        judged=len(judged),
        agreeing=sum(ours == theirs for ours, theirs in judged),
        numbers=len(both),
        rank_correlation=float(rank_correlations(both)[0, 1]),
    )
