"""Sections across groups: the ranks overall, and one model against another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from harness.analysis.composed_intervals import REPLICATES_FROM
from harness.analysis.standings import standing_order
from harness.leaderboard.number_format import MISSING, half_width, number_formatter, printable, rank_text, skill_text
from harness.leaderboard.sections.headline_legend import explain_standings
from harness.leaderboard.sections.section import INCOMPLETE, UNDEFINED, Column, LegendItem, Section, Table, TableCell
from harness.leaderboard.sections.standing_columns import standing_columns, standing_positions
from harness.leaderboard.sections.verdicts import VERDICT_MARKS, explain_fewer_pairs, explain_test, explain_verdicts
from harness.results.data_model import Weighting
from harness.results.document import GroupEntry, Leaderboard, MetricEntry, ModelsEntry, Standing, Versus
from harness.text_format import ARROWS, format_count


def overall_section(document: Leaderboard, weighting: Weighting) -> Section:
    """The skill across groups."""
    entries = standing_order(document.overall, weighting)
    standings = [entry.standings[weighting] for entry in entries]
    columns = [Column("explainer", [TableCell(printable(entry.label)) for entry in entries], align="left"), *standing_columns(standings)]
    columns.append(Column("spread", [TableCell(skill_text(entry.spread.get(weighting))) for entry in entries]))
    if not all(entry.complete for entry in entries):
        counts = [TableCell(f"{entry.groups}/{entry.groups_of}", marks="" if entry.complete else INCOMPLETE) for entry in entries]
        columns.append(Column("groups", counts))
    skilled = any(standing.skill.value is not None for standing in standings)
    for group in document.groups:
        found = {row.label: row.standings[weighting] for row in group.rows}
        cells = [TableCell(_group_text(found.get(entry.label), skilled)) for entry in entries]
        dataset, model = printable(group.dataset), printable(group.model)
        columns.append(Column(model, cells, section=dataset, alone=f"{dataset} · {model}"))
    across = f"mean {'skill' if skilled else 'rank'} across {len(document.groups)} groups"
    estimates = [standing.skill for standing in standings]
    nulls = [entry.null for entry in entries]
    table = Table(columns, nulls, caption=across.capitalize(), positions=standing_positions(standings), estimates=estimates)
    seeds = max((entry.seeds for entry in entries), default=0)
    facts = [_explain_seeds(seeds)] if seeds else []
    return Section(f"Overall: {across}", "overall", facts, tables=[table], legend=partial(_overall_legend, document))


def _group_text(standing: Standing | None, skilled: bool) -> str:
    """What a group says of a row in short."""
    if standing is None:
        return MISSING
    return skill_text(standing.skill.value) if skilled else rank_text(standing.rank)


def _explain_seeds(seeds: int) -> str:
    said = f"models trained from {format_count(seeds, 'seed')} count as one"
    if seeds < REPLICATES_FROM:
        return f"{said}: no intervals, as fewer than {REPLICATES_FROM} seeds say next to nothing of how seeds vary"
    return f"{said}: intervals are Student's t of the means of seeds"


def _overall_legend(document: Leaderboard, tables: Sequence[Table]) -> Iterator[LegendItem]:
    if any(null for table in tables for null in table.nulls):
        yield LegendItem("null", "null explainers", "style")
    headers = {column.header for table in tables for column in table.columns}
    yield from explain_standings(headers, document.settings.confidence)
    if "spread" in headers:
        yield LegendItem("spread", "standard deviation of the skill of the groups", "term")
    if any(INCOMPLETE in cell.marks for table in tables for column in table.columns for cell in column.cells):
        yield LegendItem(INCOMPLETE, "not ranked in every group, or under fewer metrics in some")


def models_section(document: Leaderboard, entry: ModelsEntry, number: int) -> Section:
    """Mean differences with half their intervals: explainers in the order of the first model's ranks, metrics in the spec's."""
    group = next(group for group in document.groups if (group.dataset, group.model) == (entry.dataset, entry.first[0]))
    rows = [row for row in group.rows if row.label in entry.cells]
    metrics = [metric for metric in group.metrics if any(metric.label in cells for cells in entry.cells.values())]
    columns = [_difference_column(metric, [entry.cells[row.label].get(metric.label) for row in rows], entry.samples) for metric in metrics]
    names = Column("explainer", [TableCell(printable(row.label)) for row in rows], align="left")
    title = f"{printable(entry.dataset)}: {_model_names(entry.second)} minus {_model_names(entry.first)}"
    said = _explain_differences(document, entry)
    table = Table([names, *columns], [row.null for row in rows], caption=f"{title}: {said}")
    return Section(title, f"models-{number}", [said], tables=[table], legend=partial(_models_legend, document, entry, group))


def _explain_differences(document: Leaderboard, entry: ModelsEntry) -> str:
    confidence = 100 * document.settings.confidence
    samples = format_count(entry.samples, "sample")
    said = f"mean differences over the {samples} that count for both models; ±: half the width of a {confidence:g} % interval"
    if len(entry.first) > 1 or len(entry.second) > 1:
        said += "; replicates are averaged sample by sample, so that intervals and tests hold for these trained models"
    return said


def _models_legend(document: Leaderboard, entry: ModelsEntry, group: GroupEntry, tables: Sequence[Table]) -> Iterator[LegendItem]:
    keys = {column.key for table in tables for column in table.columns}
    metrics = [metric.label for metric in group.metrics if metric.label in keys]
    shown = [(row, metric, cells[metric]) for row, cells in entry.cells.items() for metric in metrics if metric in cells]
    second, test = _model_names(entry.second), explain_test(document.settings, "all differences between these models")
    words = (f"better on {second}", f"worse on {second}", f"neither better nor worse on {second}")
    yield from explain_verdicts((versus.verdict for _, _, versus in shown), *words, test)
    yield from explain_fewer_pairs(((f"{printable(row)} {printable(label)}", versus) for row, label, versus in shown), entry.samples)


def _model_names(models: list[str]) -> str:
    more = f" and {format_count(len(models) - 1, 'replicate')}" if len(models) > 1 else ""
    return printable(models[0]) + more


def _difference_column(metric: MetricEntry, cells: Sequence[Versus | None], samples: int) -> Column:
    known = [cell for cell in cells if cell is not None]
    halves = [half_width(cell.low, cell.high) for cell in known]
    numbers = number_formatter(halves if any(halves) else [cell.difference for cell in known])

    def shown(cell: Versus | None) -> TableCell:
        if cell is None or cell.difference is None:
            return TableCell(MISSING)
        half = half_width(cell.low, cell.high)
        return TableCell(
            f"{'+' if cell.difference > 0 else ''}{numbers(cell.difference)}",
            MISSING if half is None else f"±{numbers(half)}",
            marks=VERDICT_MARKS[cell.verdict] + (UNDEFINED if cell.pairs < samples else ""),
        )

    return Column(printable(metric.label), [shown(cell) for cell in cells], ARROWS[metric.direction], "left", key=metric.label)
