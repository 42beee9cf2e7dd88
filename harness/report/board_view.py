"""The board of one group as its template draws it: rows and columns of text, with the strips of their intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from markupsafe import Markup

from harness.leaderboard.number_format import (
    MISSING,
    bytes_text,
    count_text,
    half_width,
    interval_text,
    number_formatter,
    printable,
    seconds_text,
    share_text,
    skill_text,
)
from harness.leaderboard.sections.footnotes import Footnotes, collect_footnotes, never_begun
from harness.leaderboard.sections.standing_columns import places_text
from harness.leaderboard.sections.verdicts import VERDICT_MARKS
from harness.report.interval_strips import SKILL_SCALE, StripScale, draw_strip, strip_scale
from harness.results.document import CellEntry, GroupEntry, MetricEntry, Row, Skill
from harness.text_format import ARROWS

SHORT_STATES = {"not-applicable": "n/a", "out-of-memory": "no memory"}
VERDICT_WORDS = {"better": "better than the reference", "worse": "worse than the reference", "mixed": "differs, neither better nor worse"}


@dataclass(frozen=True)
class BoardCell:
    """One cell: ``title`` says in words what marks and a hollow point mean; ``notes`` are numbers of footnotes."""

    text: str
    half: str = ""
    verdict: str | None = None
    verdict_mark: str = ""
    beats_null: bool | None = None
    best: bool = False
    undefined: bool = False
    title: str = ""
    strip: Markup | str = ""
    notes: tuple[int, ...] = ()


@dataclass(frozen=True)
class MetricColumn:
    """One metric: ``number`` in the document; ``ends`` of its scale as text; ``counts`` in the headline.

    ``trial``: whether the meta-evaluation found that it tells an oracle's maps from the nulls; None if it was not asked.
    """

    number: int
    label: str
    category: str
    arrow: str
    counts: bool
    ends: str
    null_text: str
    trial: bool | None = None


@dataclass(frozen=True)
class BoardRow:
    """One explainer."""

    number: int
    label: str
    detail: str
    family: str
    null: bool
    place: str
    skill: str
    interval: str
    strip: Markup
    places: str
    alike: str
    first: str
    categories: list[str]
    beats: str
    costs: list[str]
    cells: list[BoardCell]
    notes: tuple[int, ...]


@dataclass(frozen=True)
class BoardView:
    """The board of a group; ``costs`` are the headers of the costs that any row has, by key."""

    rows: list[BoardRow]
    metrics: list[MetricColumn]
    categories: list[str]
    families: list[str]
    costs: dict[str, str]
    footnotes: list[str]
    first: bool


def board_view(group: GroupEntry, families: Mapping[str, str], trials: Mapping[str, bool]) -> BoardView:
    """The board; ``families`` of explainers and ``trials`` of metrics by label."""
    notes = collect_footnotes(group)
    scales = [_metric_scale(group, metric) for metric in group.metrics]
    columns = [_score_column(group, metric, scale, notes) for metric, scale in zip(group.metrics, scales, strict=True)]
    kinds = list(dict.fromkeys(metric.category for metric in group.metrics))
    shown = [kind for kind in kinds if any(row.categories.get(kind, Skill()).value is not None for row in group.rows)]
    costs = {key: header for key, (header, text) in COSTS.items() if any(text(row) != MISSING for row in group.rows)}
    rows = [
        _board_row(k, row, families[row.label], shown, list(costs), [cells[k] for _, cells in columns], notes)
        for k, row in enumerate(group.rows)
    ]
    used = list(dict.fromkeys(row.family for row in rows))
    return BoardView(
        rows,
        [replace(column, trial=trials.get(metric.label)) for (column, _), metric in zip(columns, group.metrics, strict=True)],
        shown,
        used,
        costs,
        notes.texts,
        any(row.first_share is not None for row in group.rows),
    )


COSTS: dict[str, tuple[str, Callable[[Row], str]]] = {
    "time": ("time", lambda row: seconds_text(row.costs.seconds_per_sample)),
    "passes": ("passes", lambda row: count_text(row.costs.passes_per_sample)),
    "memory": ("memory", lambda row: bytes_text(row.costs.peak_memory)),
}
"""Costs of explaining a sample: header and text by key."""


def best_null_mean(group: GroupEntry, metric: MetricEntry) -> float | None:
    """The mean score of the null that all have to beat whose mean is best; None without any."""
    means = [
        cell.mean
        for row in group.rows
        if row.null and row.twin_of is None and (cell := row.cells.get(metric.label)) and cell.mean is not None
    ]
    return None if not means else max(means) if metric.direction == "higher" else min(means)


def _metric_scale(group: GroupEntry, metric: MetricEntry) -> StripScale:
    cells = [cell for row in group.rows if (cell := row.cells.get(metric.label)) is not None]
    return strip_scale(number for cell in cells for number in (cell.mean, cell.low, cell.high))


def _score_column(group: GroupEntry, metric: MetricEntry, scale: StripScale, notes: Footnotes) -> tuple[MetricColumn, list[BoardCell]]:
    found = [row.cells.get(metric.label) for row in group.rows]
    scored = [cell for cell in found if cell is not None]
    numbers = number_formatter([cell.mean for cell in scored], [half_width(cell.low, cell.high) for cell in scored])
    best = min((cell.rank for cell in scored if cell.rank is not None), default=None)
    null = best_null_mean(group, metric)
    cells = [
        _board_cell(cell, numbers, scale, null, best, notes.cells.get((row.label, metric.label)))
        for row, cell in zip(group.rows, found, strict=True)
    ]
    ends = f"{numbers(scale.low)} … {numbers(scale.high)}{', log' if scale.logarithmic else ''}"
    column = MetricColumn(
        number=group.metrics.index(metric),
        label=printable(metric.label),
        category=printable(metric.category),
        arrow=ARROWS[metric.direction],
        counts=bool(metric.weights.get("category")),
        ends=ends,
        null_text=numbers(null),
    )
    return column, cells


def _board_cell(
    cell: CellEntry | None,
    numbers: Callable[[float | None], str],
    scale: StripScale,
    null: float | None,
    best: float | None,
    note: int | None,
) -> BoardCell:
    notes = () if note is None else (note,)
    empty = draw_strip(scale, None, None, None, null)
    if cell is None:
        return BoardCell("·", title="not asked for", strip=empty, notes=notes)
    if cell.mean is None:
        state = SHORT_STATES.get(cell.status, cell.status) if cell.status != "ok" else "undefined"
        return BoardCell(MISSING if never_begun(cell) else state, title=printable(cell.reason or "", 300), strip=empty, notes=notes)
    half = half_width(cell.low, cell.high)
    verdict = None if cell.versus_reference is None else cell.versus_reference.verdict
    return BoardCell(
        numbers(cell.mean),
        "" if half is None else f"±{numbers(half)}",
        verdict,
        VERDICT_MARKS[verdict],
        cell.beats_null,
        cell.rank is not None and cell.rank == best,
        cell.undefined > 0,
        "; ".join(_cell_words(cell)),
        draw_strip(scale, cell.mean, cell.low, cell.high, null, hollow=cell.beats_null is False),
        notes,
    )


def _cell_words(cell: CellEntry) -> list[str]:
    """What the marks of a cell mean."""
    verdict = None if cell.versus_reference is None else cell.versus_reference.verdict
    said = [f"{cell.n} samples"] + ([f"undefined for {cell.undefined}"] if cell.undefined else [])
    if cell.skill.value is not None:
        said.append(f"better than {printable(cell.null or 'the null')} on {share_text(cell.skill.value)} of the samples")
    said += [VERDICT_WORDS[verdict]] if verdict else []
    return said + (["not shown to beat every null"] if cell.beats_null is False else ["beats every null"] if cell.beats_null else [])


def _board_row(
    number: int, row: Row, family: str, kinds: list[str], costs: list[str], cells: list[BoardCell], notes: Footnotes
) -> BoardRow:
    standing = row.standings["category"]
    skill = standing.skill
    named = printable(row.explainer) if row.explainer != row.label else ""
    return BoardRow(
        number=number,
        label=printable(row.label),
        detail=" · ".join(filter(None, [named, f"{printable(row.plugin)} {printable(row.version)}".strip()])),
        family=family,
        null=row.null,
        place=MISSING if standing.place is None else str(standing.place),
        skill=skill_text(skill.value),
        interval=interval_text(skill.low, skill.high),
        strip=draw_strip(SKILL_SCALE, skill.value, skill.low, skill.high, 0.5, hollow=skill.low is None or skill.low <= 0.5),
        places=places_text(standing),
        alike=standing.alike or MISSING,
        first=share_text(row.first_share),
        categories=[skill_text(row.categories.get(kind, Skill()).value) for kind in kinds],
        beats=f"{row.beats_null}/{row.against_null}" if row.against_null else MISSING,
        costs=[COSTS[key][1](row) for key in costs],
        cells=cells,
        notes=tuple(notes.rows.get(row.label, ())),
    )
