"""The leaderboard on a terminal of any width."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rich.console import Console, Group, RenderableType
from rich.text import Text

from harness.analysis.ranking import Weighting
from harness.leaderboard.document import GroupEntry, Leaderboard, MetricEntry, ModelsEntry, OverallEntry, Rank, Row
from harness.leaderboard.formats.annotations import (
    BEST,
    BETTER,
    NEMENYI_EXPLAINED,
    NULL,
    UNDEFINED,
    WORSE,
    Footnotes,
    blocked_reason,
    cell_marks,
    cell_state_text,
    collect_footnotes,
    explain_intervals,
    explain_rank,
    group_facts,
    group_legend,
    group_title,
    half_width_text,
    is_best,
    is_missing,
    metric_categories,
    nemenyi_letters,
    ranked_categories,
    ranked_rows,
    reader_notes,
)
from harness.leaderboard.formats.model_comparison import explain_model_comparison, model_comparison_legend, model_comparison_table
from harness.leaderboard.formats.number_format import (
    MISSING,
    bytes_text,
    count_text,
    interval_text,
    number_formatter,
    printable,
    rank_text,
    seconds_text,
)
from harness.leaderboard.formats.text_console import console_text, text_console
from harness.leaderboard.formats.text_grid import GAP, SOFT_HYPHEN, GridColumn, draw_block, pack_columns, total_width, widen_sections

ARROWS = {"higher": "↑", "lower": "↓"}
PLOT_WIDTHS = (14, 40)
HYPHENATED = {
    word.replace(SOFT_HYPHEN, ""): word
    for word in ("localis\u00adation", "faithful\u00adness", "complex\u00adity", "robust\u00adness", "random\u00adisation")
}
MARK_STYLES = {BEST: "bold green", BETTER: "green", WORSE: "red", NULL: "yellow", UNDEFINED: "magenta"}


def render_terminal(document: Leaderboard, group: Weighting = "category", width: int = 100, color: bool = False) -> str:
    """The leaderboard as text of at most ``width`` cells a line, with ANSI styles where ``color``."""
    console = text_console(width, color)
    console.print(leaderboard_renderable(document, group, max(width, 1)))
    return console_text(console)


def leaderboard_renderable(document: Leaderboard, weighting: Weighting, width: int) -> RenderableType:
    """Everything, as one thing to print."""
    parts: list[RenderableType] = []
    for group in document.groups:
        parts.extend(_group(document, group, weighting, width))
    if len(document.groups) > 1:
        parts.extend(_overall(document, weighting, width))
    for entry in document.models:
        parts.extend(_models(document, entry, width))
    return Group(*parts)


def _group(document: Leaderboard, group: GroupEntry, weighting: Weighting, width: int) -> list[RenderableType]:
    notes = collect_footnotes(group)
    rows = ranked_rows(group, weighting)
    styles = ["dim" if row.null else "" for row in rows]
    said = [*group_facts(document, group), explain_rank(group, weighting)]
    parts: list[RenderableType] = [
        *(Text(line, style="bold") for line in _wrap(group_title(group), width)),
        *(Text(line, style="dim") for line in _wrap(" · ".join(said), width)),
        *_indented_lines("notes: ", reader_notes(group), width),
        Text(),
    ]
    cause = blocked_reason(group)
    if cause is not None:
        return [*parts, *_indented_lines("", [cause], width), Text()]
    fixed = [_position_column(rows, weighting)] if width >= 50 else []
    fixed.append(_name_column(rows, notes, name_column_width(width)))
    plot = _plot([row.ranks[weighting] for row in rows], len(rows))
    parts.extend(_blocks(fixed, _overview(group, rows, weighting), styles, width, plot))
    parts.extend(
        _blocks(
            fixed, [_metric_column(group, rows, metric, notes, weighting) for metric in _ordered_metrics(group, weighting)], styles, width
        )
    )
    parts.extend(_footnotes(document, group, notes, width))
    return parts


def _ordered_metrics(group: GroupEntry, weighting: Weighting) -> list[MetricEntry]:
    """Metrics by category, or as the spec has them."""
    if weighting == "metric":
        return group.metrics
    return sorted(group.metrics, key=lambda metric: metric_categories(group).index(metric.category))


def _blocks(
    fixed: Sequence[GridColumn],
    columns: Sequence[GridColumn],
    styles: Sequence[str],
    width: int,
    plot: Callable[[int], GridColumn] | None = None,
) -> list[RenderableType]:
    """The columns in blocks; a ``plot`` takes what the first leaves of the width, behind its second column."""
    parts: list[RenderableType] = []
    for k, block in enumerate(pack_columns(fixed, columns, width)):
        spare = width - total_width(widen_sections([*fixed, *block], width)) - GAP
        extra = [plot(min(spare, PLOT_WIDTHS[1]))] if plot is not None and k == 0 and spare >= PLOT_WIDTHS[0] else []
        parts.extend(draw_block([*fixed, *block[:2], *extra, *block[2:]], styles, width))
        parts.append(Text())
    return parts


def _position_column(rows: Sequence[Row], weighting: Weighting) -> GridColumn:
    """1, 2, 3 … of the rows whose rank is over all metrics."""
    cells, position = [], 0
    for row in rows:
        position += row.complete
        cells.append(Text(str(position) if row.complete and row.ranks[weighting].mean is not None else MISSING))
    return GridColumn("", cells)


def name_column_width(width: int) -> int:
    """How much of the width the labels of rows may take."""
    return max(6, width // 2 if width < 60 else width // 3)


def _name(label: str, null: bool) -> Text:
    """A row's label; a null's in parentheses."""
    return Text(f"({printable(label)})") if null else Text(printable(label), style="bold")


def _name_column(rows: Sequence[Row], notes: Footnotes, width: int) -> GridColumn:
    cells = []
    for row in rows:
        numbers = notes.rows.get(row.label)
        mark = "" if numbers is None else f" †{','.join(map(str, numbers))}"
        name = _name(row.label, row.null)
        name.truncate(max(1, width - len(mark)), overflow="ellipsis")
        cells.append(Text.assemble(name, (mark, "yellow")))
    return GridColumn("explainer", cells, align="left").limited(width)


def _overview(group: GroupEntry, rows: Sequence[Row], weighting: Weighting) -> list[GridColumn]:
    """Rank, what cannot be told apart, nulls beaten, costs, and the ranks by category."""
    columns = _rank_columns([row.ranks[weighting] for row in rows])
    letters = nemenyi_letters(group, weighting)
    if letters:
        columns.append(GridColumn("alike", [Text(letters[row.label]) for row in rows], align="left"))
    if any(row.against_null for row in rows):
        columns.append(GridColumn("beats null", [_beats_null_text(row) for row in rows]))
    costs = [
        GridColumn("time", [Text(seconds_text(row.costs.seconds_per_sample)) for row in rows], section="per sample"),
        GridColumn("passes", [Text(count_text(row.costs.passes_per_sample)) for row in rows], section="per sample"),
        GridColumn("peak memory", [Text(bytes_text(row.costs.peak_memory)) for row in rows]),
    ]
    columns.extend(column for column in costs if any(cell.plain != MISSING for cell in column.cells))
    if weighting == "category":
        section = "mean rank by category"
        columns.extend(
            GridColumn(HYPHENATED.get(name, printable(name)), [_category_text(rows, row, name) for row in rows], section=section)
            for name in ranked_categories(group)
        )
    return columns


def _rank_columns(ranks: Sequence[Rank]) -> list[GridColumn]:
    return [
        GridColumn("rank", [Text(rank_text(rank.mean), style="bold") for rank in ranks]),
        GridColumn("interval", [Text(interval_text(rank.low, rank.high)) for rank in ranks]),
    ]


def _beats_null_text(row: Row) -> Text:
    if not row.against_null:
        return Text("")
    style = "yellow" if 2 * row.beats_null < row.against_null else ""
    return Text(f"{row.beats_null}/{row.against_null}", style=style)


def _category_text(rows: Sequence[Row], row: Row, name: str) -> Text:
    """The mean rank within a category, the best of the rows in bold."""
    means = [rank.mean for other in rows if (rank := other.categories.get(name)) is not None and rank.mean is not None]
    found = row.categories.get(name)
    if found is None or found.mean is None:
        return Text(MISSING)
    return Text(f"{found.mean:.1f}", style="bold green" if found.mean == min(means) else "")


def _plot(ranks: Sequence[Rank], worst: int) -> Callable[[int], GridColumn]:
    """Every rank and its interval on one scale from 1 to the number of rows, as a column of any width."""

    def column(width: int) -> GridColumn:
        drawn_scale = GridColumn("", [_bar(rank, worst, width) for rank in ranks], align="left")
        drawn_scale.lines = [f"1{' ' * max(1, width - 1 - len(str(worst)))}{worst}"]
        return drawn_scale

    return column


def _bar(rank: Rank, worst: int, width: int) -> Text:
    if rank.mean is None:
        return Text(" " * width)
    mean, ends = rank.mean, [rank.mean if end is None else end for end in (rank.low, rank.high)]
    low, middle, high = (round((min(value, worst) - 1) / max(worst - 1, 1) * (width - 1)) for value in (ends[0], mean, ends[1]))
    bar = [("━" * (middle - low), "cyan"), ("●", "bold cyan"), ("━" * (high - middle), "cyan")]
    return Text.assemble(" " * low, *bar, " " * (width - high - 1))


def _metric_column(group: GroupEntry, rows: Sequence[Row], metric: MetricEntry, notes: Footnotes, weighting: Weighting) -> GridColumn:
    cells = [row.cells.get(metric.label) for row in rows]
    numbers = number_formatter(cell.mean for cell in cells if cell is not None)
    means = [numbers(cell.mean) if cell is not None and cell.mean is not None else "" for cell in cells]
    halves = [half_width_text(cell, numbers) for cell in cells]
    wide, deep = max(map(len, means), default=0), max(map(len, halves), default=0)
    texts = []
    for row, cell, mean, half in zip(rows, cells, means, halves, strict=True):
        number = notes.cells.get((row.label, metric.label))
        note = "" if number is None else f"†{number}"
        if cell is None or is_missing(cell):
            texts.append(Text.assemble((cell_state_text(cell), "red" if cell is not None else "dim"), (note, "yellow")))
            continue
        text = Text(mean.rjust(wide), style="bold green" if is_best(group, metric, cell) else "")
        text.append(f" {half.ljust(deep)}" if deep else "", style="not bold dim")
        for mark in cell_marks(group, metric, cell):
            text.append(mark, style=MARK_STYLES[mark])
        texts.append(text.append(note, style="yellow"))
    section = printable(metric.category) if weighting == "category" else None
    return GridColumn(printable(metric.label), texts, align="left", section=section, arrow=ARROWS[metric.direction])


def _footnotes(document: Leaderboard, group: GroupEntry, notes: Footnotes, width: int) -> list[RenderableType]:
    entries = [(Text("±"), explain_intervals(group))]
    if any(row.null for row in group.rows):
        entries.append((Text("( )"), "null explainers: they look at no model, or at a randomised one"))
    if any(group.critical_difference.values()):
        entries.append((Text("a b"), NEMENYI_EXPLAINED))
    entries.extend((Text(mark, style=MARK_STYLES[mark]), meaning) for mark, meaning in group_legend(document, group))
    entries.extend((Text(f"†{number}", style="yellow"), text) for number, text in enumerate(notes.texts, start=1))
    return [*_legend_lines(entries, width), Text()]


def _legend_lines(entries: Sequence[tuple[Text, str]], width: int) -> Iterator[RenderableType]:
    """Each mark before its meaning, whose further lines stand under the first."""
    indent = max((mark.cell_len for mark, _ in entries), default=0) + 1
    for mark, meaning in entries:
        for k, line in enumerate(_wrap(meaning, max(width - indent, 1))):
            lead = mark if k == 0 else Text()
            yield Text.assemble(lead, " " * (indent - lead.cell_len), (line, "dim"))


def _indented_lines(lead: str, texts: Sequence[str], width: int) -> list[RenderableType]:
    """Each text on lines of its own that are indented as far as the first is by its lead; nothing where there is none."""
    blank = " " * len(lead)
    broken = [_wrap(text, max(width - len(lead), 1)) for text in texts]
    lines = [line for text in broken for line in text]
    return [Text.assemble((lead if k == 0 else blank, "dim"), (line, "dim")) for k, line in enumerate(lines)]


def _wrap(text: str, width: int) -> list[str]:
    """Lines of at most ``width`` cells, without trailing blanks."""
    return [line.plain.rstrip() for line in Text(text).wrap(Console(width=width), width)]


def _overall(document: Leaderboard, weighting: Weighting, width: int) -> list[RenderableType]:
    """The ranks across groups."""

    def key(entry: OverallEntry) -> tuple[bool, float]:
        mean = entry.ranks[weighting].mean
        return mean is None, mean or 0.0

    entries = sorted(document.overall, key=key)
    ranks = [entry.ranks[weighting] for entry in entries]
    names = GridColumn("explainer", [_name(entry.label, entry.null) for entry in entries], align="left")
    fixed = [names.limited(name_column_width(width))]
    columns = _rank_columns(ranks)
    columns.append(GridColumn("spread", [Text(rank_text(entry.spread.get(weighting))) for entry in entries]))
    if not all(entry.complete for entry in entries):
        columns.append(
            GridColumn("groups", [Text(f"{entry.groups}/{entry.groups_of}" + ("" if entry.complete else "†")) for entry in entries])
        )
    by_label = [{row.label: row.ranks[weighting].mean for row in group.rows} for group in document.groups]
    columns.extend(
        GridColumn(printable(group.model), [Text(rank_text(found.get(entry.label))) for entry in entries], section=printable(group.dataset))
        for group, found in zip(document.groups, by_label, strict=True)
    )
    heading = _wrap(f"Overall: mean rank across {len(document.groups)} groups", width)
    parts: list[RenderableType] = [
        *(Text(line, style="bold") for line in heading),
        Text(),
        *_blocks(fixed, columns, ["dim" if entry.null else "" for entry in entries], width, _plot(ranks, len(entries))),
    ]
    if not all(entry.complete for entry in entries):
        parts.extend(Text(line, style="dim") for line in _wrap("† not ranked in every group, or under fewer metrics in some", width))
    return parts


def _styled(marks: str) -> list[tuple[str, str]]:
    return [(mark, MARK_STYLES[mark]) for mark in marks]


def _models(document: Leaderboard, entry: ModelsEntry, width: int) -> list[RenderableType]:
    """One model against another."""
    table = model_comparison_table(document, entry)
    names = [_name(row[0].text, null) for row, null in zip(table.rows, table.nulls, strict=True)]
    columns = []
    for k, header in enumerate(table.headers[1:], start=1):
        deep = max((len(row[k].marks) for row in table.rows), default=0)
        cells = [Text.assemble(row[k].text, *_styled(row[k].marks), " " * (deep - len(row[k].marks))) for row in table.rows]
        label, _, arrow = header.rpartition(" ")
        columns.append(GridColumn(label, cells, arrow=arrow))
    fixed = [GridColumn("explainer", names, align="left").limited(name_column_width(width))]
    parts: list[RenderableType] = [
        *(Text(line, style="bold") for line in _wrap(table.title, width)),
        *(Text(line, style="dim") for line in _wrap(explain_model_comparison(document, entry), width)),
        Text(),
        *_blocks(fixed, columns, ["dim" if null else "" for null in table.nulls], width),
    ]
    legend = [(Text(mark, style=MARK_STYLES[mark]), meaning) for mark, meaning in model_comparison_legend(document, entry)]
    return [*parts, *_legend_lines(legend, width), Text()]
