"""How the same explainers differ between two models, as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.leaderboard.document import GroupEntry, Leaderboard, MetricEntry, ModelsEntry, Versus
from harness.leaderboard.formats.annotations import BETTER, UNDEFINED, WORSE
from harness.leaderboard.formats.number_format import MISSING, half_width, number_formatter, printable
from harness.leaderboard.formats.plain_tables import PlainTable, TableCell
from harness.text_format import format_count


def model_comparison_table(document: Leaderboard, entry: ModelsEntry) -> PlainTable:
    """Mean differences with half their intervals: explainers in the order of the first model's ranks, metrics in the spec's."""
    group = _first_model_group(document, entry)
    rows = [row for row in group.rows if row.label in entry.cells]
    metrics = [metric for metric in group.metrics if any(metric.label in cells for cells in entry.cells.values())]
    columns = [_column([entry.cells[row.label].get(metric.label) for row in rows], entry.samples) for metric in metrics]
    body = [[TableCell(printable(row.label)), *(column[k] for column in columns)] for k, row in enumerate(rows)]
    return PlainTable(model_comparison_title(entry), ["explainer", *map(_header, metrics)], body, [row.null for row in rows])


def model_comparison_title(entry: ModelsEntry) -> str:
    """Which model is held against which."""
    return f"{printable(entry.dataset)}: {_model_names(entry.second)} minus {_model_names(entry.first)}"


def explain_model_comparison(document: Leaderboard, entry: ModelsEntry) -> str:
    """What the numbers are."""
    confidence = 100 * document.settings.confidence
    samples = format_count(entry.samples, "sample")
    said = f"mean differences over the {samples} that count for both models; ±: half the width of a {confidence:g} % interval"
    if len(entry.first) > 1 or len(entry.second) > 1:
        said += "; replicates are averaged sample by sample, so that intervals and tests hold for these trained models"
    return said


def model_comparison_legend(document: Leaderboard, entry: ModelsEntry, headers: Sequence[str] | None = None) -> Iterator[tuple[str, str]]:
    """Each mark that occurs (in the columns of these headers, where they are given), with its meaning."""
    metrics = [metric.label for metric in _first_model_group(document, entry).metrics if headers is None or _header(metric) in headers]
    shown = [(row, metric, cells[metric]) for row, cells in entry.cells.items() for metric in metrics if metric in cells]
    test = f"Wilcoxon signed-rank over samples, Holm over explainers, p < {1 - document.settings.confidence:.2g}"
    found = {versus.verdict for _, _, versus in shown}
    for verdict, mark in (("better", BETTER), ("worse", WORSE)):
        if verdict in found:
            yield mark, f"{verdict} on {_model_names(entry.second)} ({test})"
    fewer = [f"{printable(row)} {printable(label)} ({versus.pairs})" for row, label, versus in shown if 0 < versus.pairs < entry.samples]
    if fewer:
        yield UNDEFINED, f"over fewer samples, those that have both scores: {', '.join(fewer)}"


def _first_model_group(document: Leaderboard, entry: ModelsEntry) -> GroupEntry:
    return next(group for group in document.groups if (group.dataset, group.model) == (entry.dataset, entry.first[0]))


def _model_names(models: list[str]) -> str:
    more = f" and {format_count(len(models) - 1, 'replicate')}" if len(models) > 1 else ""
    return printable(models[0]) + more


def _header(metric: MetricEntry) -> str:
    return f"{printable(metric.label)} {'↑' if metric.direction == 'higher' else '↓'}"


def _column(cells: list[Versus | None], samples: int) -> list[TableCell]:
    known = [cell for cell in cells if cell is not None]
    halves = [half_width(cell.low, cell.high) for cell in known]
    numbers = number_formatter(halves if any(halves) else [cell.difference for cell in known])
    entries = []
    for cell in cells:
        if cell is None or cell.difference is None:
            entries.append(TableCell(MISSING))
            continue
        half = half_width(cell.low, cell.high)
        sign = "+" if cell.difference > 0 else ""
        mark = "" if cell.verdict is None else BETTER if cell.verdict == "better" else WORSE
        mark += UNDEFINED if cell.pairs < samples else ""
        entries.append(TableCell(f"{sign}{numbers(cell.difference)} {MISSING if half is None else f'± {numbers(half)}'}", marks=mark))
    return entries
