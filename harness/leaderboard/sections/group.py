"""The section of one data set with one model: ranks and costs of every explainer, and its scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from harness.analysis.ranking import Weighting, ranking_order
from harness.leaderboard.number_format import (
    MISSING,
    bytes_text,
    count_text,
    half_width,
    interval_text,
    number_formatter,
    percent_text,
    printable,
    rank_text,
    seconds_text,
)
from harness.leaderboard.sections.footnotes import REASON_LIMIT, Footnotes, collect_footnotes, is_missing, never_begun
from harness.leaderboard.sections.group_legend import group_legend, nemenyi_letters
from harness.leaderboard.sections.section import BEST, NULL, UNDEFINED, Column, Section, Table, TableCell
from harness.leaderboard.sections.verdicts import VERDICT_MARKS
from harness.results.data_model import NOT_COMPUTED_PREFIX, RANK_INTERVALS_FROM
from harness.results.document import CellEntry, GroupEntry, Leaderboard, MetricEntry, Row
from harness.text_format import ARROWS, format_count

SAMPLES_RULE_TEXTS = {"all": "all samples", "correct": "classified correctly", "all-correct": "classified correctly by every model"}
SHORT_STATUSES = {"not-applicable": "n/a", "out-of-memory": "no memory"}


def group_section(document: Leaderboard, group: GroupEntry, weighting: Weighting, number: int) -> Section:
    """Ranks and costs in one table, scores by category in another."""
    notes = collect_footnotes(group)
    rows = ranking_order(group.rows, weighting)
    title = f"{printable(group.dataset)} · {printable(group.model)}"
    facts = [*_facts(document, group), _explain_rank(group, weighting)]
    names = Column("explainer", [TableCell(printable(row.label), notes=tuple(notes.rows.get(row.label, ()))) for row in rows], align="left")
    overview = [names, *_overview(group, rows, weighting)]
    scores = [names, *(_score_column(group, rows, metric, notes, weighting) for metric in _ordered_metrics(group, weighting))]
    table = partial(Table, nulls=[row.null for row in rows], positions=_positions(rows, weighting))
    tables = [
        table(overview, slug="ranks", caption=f"{title}. {'; '.join(facts)}", ranks=[row.ranks[weighting] for row in rows]),
        table(scores, slug="scores" if weighting == "category" else "scores-1", title="Scores"),
    ]
    cause = _blocked_reason(group)
    return Section(
        title,
        str(number),
        facts,
        notes=[printable(note, REASON_LIMIT) for note in group.notes],
        cause=cause,
        tables=[] if cause else tables,
        legend=partial(group_legend, document, group, weighting, notes),
    )


def _facts(document: Leaderboard, group: GroupEntry) -> list[str]:
    """What the numbers of a group rest on."""
    settings = document.settings
    whole = group.samples == group.samples_total
    count = format_count(group.samples, "sample") if whole else f"{group.samples} of {format_count(group.samples_total, 'sample')}"
    found = [count + ("" if settings.samples == "all" else f" ({SAMPLES_RULE_TEXTS[settings.samples]})")]
    found.append(f"accuracy {percent_text(group.accuracy)}")
    if settings.reference is not None:
        found.append(f"reference {printable(settings.reference)}")
    if settings.nulls:
        found.append(f"{'null' if len(settings.nulls) == 1 else 'nulls'} {', '.join(_null_names(group, settings.nulls))}")
    found.append(f"{100 * settings.confidence:g} % intervals")
    if group.samples > 0 and 0.5 ** (group.samples - 1) >= 1 - settings.confidence:
        found.append("too few samples for any test to find anything")
    return found


def _null_names(group: GroupEntry, nulls: Sequence[str]) -> list[str]:
    """Nulls by their labels; explainers on a random model, of which there may be as many as rows, by how many they are."""
    twins = {row.label for row in group.rows if row.twin_of is not None}
    said = [printable(label) for label in nulls if label not in twins]
    return [*said, f"{format_count(len(twins), 'explainer')} on a random model"] if twins else said


def _explain_rank(group: GroupEntry, weighting: Weighting) -> str:
    """How the rank comes about, and its interval."""
    few = group.samples < RANK_INTERVALS_FROM
    intervals = f"without intervals, as samples are fewer than {RANK_INTERVALS_FROM}" if few else "intervals by bootstrap"
    if weighting == "metric":
        count = max((row.metrics_of for row in group.rows), default=0)
        return f"rank: mean over {format_count(count, 'metric')}; {intervals}"
    categories = _ranked_categories(group)
    kinds, their = format_count(len(categories), "category", "categories"), "its" if len(categories) == 1 else "their"
    return f"rank: mean over {kinds} of the mean over {their} metrics; {intervals}"


def _blocked_reason(group: GroupEntry) -> str | None:
    """The one cause that left a whole group without a number, for which one line is enough; None if there is a table to show."""
    cells = [cell for row in group.rows for cell in row.cells.values()]
    reasons = {cell.reason for cell in cells if cell.status == "blocked" and is_missing(cell)}
    if len(reasons) != 1 or any(cell.status != "blocked" or not is_missing(cell) for cell in cells):
        return None
    reason = printable(reasons.pop() or "the reason is not known", REASON_LIMIT)
    return reason if reason.startswith(NOT_COMPUTED_PREFIX) else f"blocked: {reason}"


def _categories(group: GroupEntry) -> list[str]:
    """Categories in the order in which metrics name them."""
    return list(dict.fromkeys(metric.category for metric in group.metrics))


def _ranked_categories(group: GroupEntry) -> list[str]:
    """Categories that ranks are made of: those in which any row has one."""
    ranks = [row.categories for row in group.rows]
    return [kind for kind in _categories(group) if any(kind in of_row and of_row[kind].mean is not None for of_row in ranks)]


def _ordered_metrics(group: GroupEntry, weighting: Weighting) -> list[MetricEntry]:
    """Metrics by category, or as the spec has them."""
    categories = _categories(group)
    return group.metrics if weighting == "metric" else sorted(group.metrics, key=lambda metric: categories.index(metric.category))


def _positions(rows: Sequence[Row], weighting: Weighting) -> list[str]:
    """1, 2, 3 … of the rows whose rank is over all metrics."""
    complete = [row.complete for row in rows]
    return [
        str(sum(complete[: k + 1])) if row.complete and row.ranks[weighting].mean is not None else MISSING for k, row in enumerate(rows)
    ]


def _overview(group: GroupEntry, rows: Sequence[Row], weighting: Weighting) -> list[Column]:
    """Ranks, what cannot be told apart, ranks by category, nulls beaten, and the costs that any row has."""
    letters = nemenyi_letters(group, weighting)
    ranks = [row.ranks[weighting] for row in rows]
    columns = [
        Column("rank", [TableCell(rank_text(rank.mean), tone="strong") for rank in ranks]),
        Column("interval", [TableCell(interval_text(rank.low, rank.high)) for rank in ranks]),
    ]
    if letters:
        found = [letters[row.label] for row in rows]
        columns.append(Column("alike", [TableCell(text) if text else TableCell(MISSING, tone="absent") for text in found], align="left"))
    if weighting == "category":
        columns += [_category_column(rows, kind) for kind in _ranked_categories(group)]
    if any(row.against_null for row in rows):
        columns.append(Column("beats null", [_beats_null_cell(row) for row in rows]))
    costs = [
        Column("time", [TableCell(seconds_text(row.costs.seconds_per_sample)) for row in rows], section="per sample"),
        Column("passes", [TableCell(count_text(row.costs.passes_per_sample)) for row in rows], section="per sample"),
        Column("peak memory", [TableCell(bytes_text(row.costs.peak_memory)) for row in rows]),
    ]
    return [*columns, *(column for column in costs if any(cell.text != MISSING for cell in column.cells))]


def _category_column(rows: Sequence[Row], kind: str) -> Column:
    """The mean ranks within a category."""
    means = [None if (rank := row.categories.get(kind)) is None else rank.mean for row in rows]
    best = min((mean for mean in means if mean is not None), default=None)
    cells = [TableCell(MISSING if mean is None else f"{mean:.1f}", best=mean is not None and mean == best) for mean in means]
    return Column(printable(kind), cells, section="mean rank by category", last=True)


def _beats_null_cell(row: Row) -> TableCell:
    if not row.against_null:
        return TableCell(MISSING, tone="absent")
    return TableCell(f"{row.beats_null}/{row.against_null}", tone="warning" if 2 * row.beats_null < row.against_null else "")


def _score_column(group: GroupEntry, rows: Sequence[Row], metric: MetricEntry, notes: Footnotes, weighting: Weighting) -> Column:
    cells = [row.cells.get(metric.label) for row in rows]
    scored = [cell for cell in cells if cell is not None]
    numbers = number_formatter([cell.mean for cell in scored], [half_width(cell.low, cell.high) for cell in scored])
    best = min((cell.rank for cell in scored if cell.rank is not None), default=None)
    shown = [_score_cell(cell, numbers, best, notes.cells.get((row.label, metric.label))) for row, cell in zip(rows, cells, strict=True)]
    section = printable(metric.category) if weighting == "category" else None
    return Column(printable(metric.label), shown, ARROWS[metric.direction], "left", section, key=metric.label)


def _score_cell(cell: CellEntry | None, numbers: Callable[[float | None], str], best: float | None, note: int | None) -> TableCell:
    notes = () if note is None else (note,)
    if cell is None:
        return TableCell("·", notes=notes, tone="faint")
    if cell.mean is None:
        state = SHORT_STATUSES.get(cell.status, cell.status) if cell.status != "ok" else "undefined"
        return TableCell(MISSING if never_begun(cell) else state, notes=notes, tone="problem")
    half = half_width(cell.low, cell.high)
    is_best = cell.rank is not None and cell.rank == best
    return TableCell(numbers(cell.mean), MISSING if half is None else f"±{numbers(half)}", is_best, _marks(cell, is_best), notes)


def _marks(cell: CellEntry, best: bool) -> str:
    """Best, better or worse than the reference or neither, does not beat every null, undefined for some samples."""
    verdict = None if cell.versus_reference is None else cell.versus_reference.verdict
    found = (BEST if best else "") + VERDICT_MARKS[verdict]
    return found + (NULL if cell.beats_null is False else "") + (UNDEFINED if cell.undefined > 0 else "")
