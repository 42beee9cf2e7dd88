"""The section of one data set with one model: ranks and costs of every explainer, and its scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from harness.analysis.standings import standing_order
from harness.leaderboard.number_format import (
    MISSING,
    bytes_text,
    count_text,
    half_width,
    number_formatter,
    percent_text,
    printable,
    seconds_text,
    share_text,
    skill_text,
)
from harness.leaderboard.sections.footnotes import REASON_LIMIT, Footnotes, collect_footnotes, is_missing, never_begun
from harness.leaderboard.sections.group_legend import group_legend
from harness.leaderboard.sections.headline_legend import counts_in_headline
from harness.leaderboard.sections.sample_counts import sample_count_text
from harness.leaderboard.sections.section import BEST, NOT_COUNTED, NULL, UNDEFINED, Column, Section, Table, TableCell
from harness.leaderboard.sections.standing_columns import standing_columns, standing_positions
from harness.leaderboard.sections.verdicts import VERDICT_MARKS
from harness.results.data_model import NOT_COMPUTED_PREFIX, Weighting
from harness.results.document import CellEntry, GroupEntry, Leaderboard, MetricEntry, Row
from harness.text_format import ARROWS, format_count

SHORT_STATUSES = {"not-applicable": "n/a", "out-of-memory": "no memory"}


def group_section(document: Leaderboard, group: GroupEntry, weighting: Weighting, number: int) -> Section:
    """Ranks and costs in one table, scores by category in another."""
    notes = collect_footnotes(group)
    rows = standing_order(group.rows, weighting)
    title = f"{printable(group.dataset)} · {printable(group.model)}"
    facts = [*_facts(document, group), _explain_headline(group, weighting)]
    names = Column("explainer", [TableCell(printable(row.label), notes=tuple(notes.rows.get(row.label, ()))) for row in rows], align="left")
    overview = [names, *_overview(group, rows, weighting)]
    scores = [names, *(_score_column(group, rows, metric, notes, weighting) for metric in _ordered_metrics(group, weighting))]
    standings = [row.standings[weighting] for row in rows]
    table = partial(Table, nulls=[row.null for row in rows], positions=standing_positions(standings))
    tables = [
        table(overview, slug="ranks", caption=f"{title}. {'; '.join(facts)}", estimates=[standing.skill for standing in standings]),
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
    found = [sample_count_text(group.samples, settings.samples, group.samples_total), f"accuracy {percent_text(group.accuracy)}"]
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


def _explain_headline(group: GroupEntry, weighting: Weighting) -> str:
    """What rows are ordered by."""
    if all(row.standings[weighting].skill.value is None for row in group.rows):
        if not any(metric.weights.get(weighting) for metric in group.metrics):
            return "no metric here tells the truth of a map: there is no headline, and rows are ordered by what there is"
        return "without nulls there is no skill: rows are ordered by their mean rank"
    count = format_count(sum(metric.weights.get(weighting, 0.0) > 0 for metric in group.metrics), "metric")
    if weighting == "metric":
        return f"skill: mean over {count}"
    kinds = [kind for kind in _categories(group) if counts_in_headline(group, kind)]
    over, named = f"its {count}" if len(kinds) == 1 else "their metrics", ", ".join(map(printable, kinds))
    return f"skill: mean over {format_count(len(kinds), 'category', 'categories')} ({named}) of the mean over {over}"


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


def _ordered_metrics(group: GroupEntry, weighting: Weighting) -> list[MetricEntry]:
    """Metrics by category, or as the spec has them."""
    categories = _categories(group)
    return group.metrics if weighting == "metric" else sorted(group.metrics, key=lambda metric: categories.index(metric.category))


def _overview(group: GroupEntry, rows: Sequence[Row], weighting: Weighting) -> list[Column]:
    """Skill and places, what cannot be told apart, skill by category, nulls beaten, and the costs that any row has."""
    columns = standing_columns([row.standings[weighting] for row in rows])
    if any(row.first_share is not None for row in rows) and len(_counted_categories(group)) > 1:
        columns.append(Column("first", [TableCell(share_text(row.first_share)) for row in rows]))
    if weighting == "category":
        columns += [_category_column(group, rows, kind) for kind in _counted_categories(group)]
    if any(row.against_null for row in rows):
        columns.append(Column("beats null", [_beats_null_cell(row) for row in rows]))
    costs = [
        Column("time", [TableCell(seconds_text(row.costs.seconds_per_sample)) for row in rows], section="per sample"),
        Column("passes", [TableCell(count_text(row.costs.passes_per_sample)) for row in rows], section="per sample"),
        Column("peak memory", [TableCell(bytes_text(row.costs.peak_memory)) for row in rows]),
    ]
    return [*columns, *(column for column in costs if any(cell.text != MISSING for cell in column.cells))]


def _counted_categories(group: GroupEntry) -> list[str]:
    """Categories that have a skill, those of the headline first."""
    kinds = [kind for kind in _categories(group) if any((own := row.categories.get(kind)) and own.value is not None for row in group.rows)]
    return sorted(kinds, key=lambda kind: not counts_in_headline(group, kind))


def _category_column(group: GroupEntry, rows: Sequence[Row], kind: str) -> Column:
    """The skill under the metrics of a category."""
    found = [None if (own := row.categories.get(kind)) is None else own.value for row in rows]
    best = max((value for value, row in zip(found, rows, strict=True) if value is not None and not row.null), default=None)
    cells = [TableCell(skill_text(value), best=value is not None and value == best) for value in found]
    if counts_in_headline(group, kind):
        return Column(printable(kind), cells, section="skill by category", last=True)
    return Column(printable(kind), cells, section="not in the headline", alone=f"({printable(kind)})", last=True)


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
    arrow = ARROWS[metric.direction] + (NOT_COUNTED if metric.discounted else "")
    return Column(printable(metric.label), shown, arrow, "left", section, key=metric.label)


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
