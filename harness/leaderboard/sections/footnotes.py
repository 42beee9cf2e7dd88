"""The footnotes of a group: why a cell has no number, and what a reader must know of a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.leaderboard.number_format import format_significant, printable
from harness.results.data_model import COMPLETENESS_TOLERANCE, NOT_COMPUTED_PREFIX
from harness.results.document import CellEntry, GroupEntry, Row
from harness.text_format import format_count, format_some

REASON_LIMIT = 300
Place = tuple[str, str | None]  # a row's label, and a metric's where one cell is meant


@dataclass
class Footnotes:
    """Footnotes of one group; what is said of several cells or rows is said once.

    Attributes:
        cells: number of the footnote of a cell that is missing or incomplete, by (row label, metric label).
        rows: numbers of the footnotes of a row, by label.
        texts: the footnotes in the order of their numbers, from 1.
    """

    cells: dict[tuple[str, str], int] = field(default_factory=dict)
    rows: dict[str, list[int]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)


def is_missing(cell: CellEntry | None) -> bool:
    """Whether there is no number to show."""
    return cell is None or cell.mean is None


def never_begun(cell: CellEntry) -> bool:
    """Whether nothing is wrong with a cell but that its turn did not come."""
    return cell.status == "blocked" and (cell.reason or "").startswith(NOT_COMPUTED_PREFIX)


def collect_footnotes(group: GroupEntry) -> Footnotes:
    """Number the footnotes of a group: cells first, then rows."""
    notes = Footnotes()
    places: dict[str, list[Place]] = {}
    numbers: dict[str, int] = {}

    def noted(text: str, place: Place) -> int:
        places.setdefault(text, []).append(place)
        return numbers.setdefault(text, len(numbers) + 1)

    for row in group.rows:
        for metric in group.metrics:
            why = _missing_reason(row.cells.get(metric.label))
            if why is not None:
                notes.cells[row.label, metric.label] = noted(why, (row.label, metric.label))
    usual = _usual_hardware(group)
    for row in group.rows:
        said = [noted(text, (row.label, None)) for text in (*_row_remarks(row), *_other_hardware_note(row, usual))]
        if said:
            notes.rows[row.label] = said
    notes.texts = [f"{text} ({format_some(_name_places(group, places[text]))})" for text in numbers]
    return notes


def _name_places(group: GroupEntry, places: list[Place]) -> list[str]:
    """Places by name: a row that is meant as a whole by its label, a metric that all rows with any number lack by its own."""
    said = {row for row, metric in places if metric is None}
    scored = {row.label for row in group.rows if not all(is_missing(cell) for cell in row.cells.values())}
    whole = [row.label for row in group.rows if row.label in said or (row.label not in scored and _lacks_all_cells(row, places))]
    left = [place for place in places if place[0] not in whole]
    lacking = {metric.label: {row for row, label in left if label == metric.label} for metric in group.metrics}
    columns = [label for label, rows in lacking.items() if len(rows) > 1 and rows >= scored]
    cells = [f"{printable(row)} on {printable(metric or '')}" for row, metric in left if metric not in columns]
    return [*map(printable, whole), *map(printable, columns), *cells]


def _lacks_all_cells(row: Row, places: list[Place]) -> bool:
    """Whether all cells of a row are meant, but for those that do not apply for a reason of their own."""
    meant = {metric for label, metric in places if label == row.label}
    return len(meant) > 1 and all(label in meant or cell.status == "not-applicable" for label, cell in row.cells.items())


def _missing_reason(cell: CellEntry | None) -> str | None:
    """Why a cell is missing, or not ranked; None where it is whole."""
    if cell is None:
        return "not asked for"
    if never_begun(cell):
        return printable(cell.reason or "", REASON_LIMIT)
    if cell.status != "ok":
        return f"{cell.status}: {printable(cell.reason, REASON_LIMIT)}" if cell.reason else cell.status
    if cell.missing:
        computed = cell.n + cell.undefined
        return f"incomplete, and not ranked: {computed} of {format_count(computed + cell.missing, 'sample')} are computed"
    return None if cell.mean is not None else "undefined for every sample"


def _row_remarks(row: Row) -> list[str]:
    found = []
    if not row.complete and row.metrics_of:
        under = f"has all scores under {row.metrics_ranked} of {format_count(row.metrics_of, 'metric')} alone"
        found.append(f"{under}: what is missing counts as a null's in the skill, and as the last in the mean rank")
    error = row.notes.completeness_error
    measured = "" if error is None else f": half of the maps are off by more than {format_significant(100 * error, 2)} %"
    if row.notes.broken:
        found.append(f"the values of a map should add up to the change in the model's output that they explain, and do not{measured}")
    elif error is not None and error > COMPLETENESS_TOLERANCE:
        found.append(f"the values of a map add up only roughly to the change in the model's output; the method promises no more{measured}")
    if row.notes.zero_maps:
        found.append(f"{format_count(row.notes.zero_maps, 'map is', 'maps are')} 0 everywhere")
    found.extend(printable(text, REASON_LIMIT) for text in row.notes.warnings)
    return found


def _usual_hardware(group: GroupEntry) -> str | None:
    """What most rows were explained on."""
    counts = Counter(row.costs.hardware for row in group.rows if row.costs.hardware is not None)
    return max(counts, key=lambda name: (counts[name], name), default=None)


def _other_hardware_note(row: Row, usual: str | None) -> Iterator[str]:
    """That times cannot be compared, where others were measured on other hardware."""
    here = row.costs.hardware
    if here is not None and here != usual:
        yield f"time and memory on {printable(here)}; those of other rows on {printable(usual or '')}"
