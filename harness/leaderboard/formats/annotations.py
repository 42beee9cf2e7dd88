"""What is said about a group beside its numbers, the same in every format: the facts, the marks and the footnotes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from harness.analysis.ranking import Weighting
from harness.leaderboard.document import CellEntry, GroupEntry, Leaderboard, MetricEntry, Row
from harness.leaderboard.formats.number_format import MISSING, format_significant, half_width, percent_text, printable
from harness.results.data_model import COMPLETENESS_TOLERANCE, NOT_COMPUTED_PREFIX, RANK_INTERVALS_FROM, STUDENT_T_BELOW
from harness.text_format import format_count, format_some

BEST, BETTER, WORSE, NULL, UNDEFINED = "*", "▲", "▼", "°", "‡"
SAMPLES_RULE_TEXTS = {"all": "all samples", "correct": "classified correctly", "all-correct": "classified correctly by every model"}
SHORT_STATUSES = {"not-applicable": "n/a", "out-of-memory": "no memory"}
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


def ranked_rows(group: GroupEntry, weighting: Weighting) -> list[Row]:
    """Rows from best to worst by one weighting, those without a rank last."""

    def key(row: Row) -> tuple[bool, float]:
        mean = row.ranks[weighting].mean
        return mean is None, mean or 0.0

    return sorted(group.rows, key=key)


def metric_categories(group: GroupEntry) -> list[str]:
    """Categories in the order in which metrics name them."""
    return list(dict.fromkeys(metric.category for metric in group.metrics))


def ranked_categories(group: GroupEntry) -> list[str]:
    """Those of `metric_categories` that ranks are made of."""
    return [kind for kind in metric_categories(group) if any(kind in row.categories for row in group.rows)]


def ranked_metrics(group: GroupEntry) -> list[MetricEntry]:
    """Metrics that ranks are made of."""
    kinds = ranked_categories(group)
    return [metric for metric in group.metrics if metric.category in kinds]


def is_best(group: GroupEntry, metric: MetricEntry, cell: CellEntry) -> bool:
    """Whether no cell of the metric ranks before this one."""
    ranks = [row.cells[metric.label].rank for row in group.rows if metric.label in row.cells]
    return cell.rank is not None and cell.rank == min(rank for rank in ranks if rank is not None)


def nemenyi_letters(group: GroupEntry, weighting: Weighting) -> dict[str, str]:
    """Letters by row label: rows that share one cannot be told apart (Nemenyi); empty where nothing was compared."""
    critical = group.critical_difference.get(weighting)
    if critical is None:
        return {}
    return {row.label: "".join(_letter(k) for k, clique in enumerate(critical.cliques) if row.label in clique) for row in group.rows}


def _letter(index: int) -> str:
    """a … z, A … Z, then a dot."""
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return alphabet[index] if index < len(alphabet) else "·"


NEMENYI_EXPLAINED = "'alike': those that share a letter cannot be told apart (Nemenyi over samples, rows with every metric)"


def is_missing(cell: CellEntry | None) -> bool:
    """Whether there is no number to show."""
    return cell is None or cell.mean is None


def cell_marks(group: GroupEntry, metric: MetricEntry, cell: CellEntry) -> str:
    """The marks behind a number: best, better or worse than the reference, does not beat the null, undefined for some samples."""
    found = BEST if is_best(group, metric, cell) else ""
    if cell.versus_reference is not None and cell.versus_reference.verdict is not None:
        found += BETTER if cell.versus_reference.verdict == "better" else WORSE
    if cell.beats_null is False:
        found += NULL
    if _partly_undefined(cell):
        found += UNDEFINED
    return found


def group_legend(document: Leaderboard, group: GroupEntry, metrics: Sequence[str] | None = None) -> Iterator[tuple[str, str]]:
    """Each mark that occurs in the group (under ``metrics``, where they are given by label), with its meaning."""
    shown = [metric for metric in group.metrics if metrics is None or metric.label in metrics]
    used = "".join(cell_marks(group, m, row.cells[m.label]) for row in group.rows for m in shown if m.label in row.cells)
    test = f"Wilcoxon signed-rank, Holm, p < {1 - document.settings.confidence:.2g}"
    reference = printable(document.settings.reference or "")
    meanings = {
        BEST: "best of the metric",
        BETTER: f"better than {reference} ({test})",
        WORSE: f"worse than {reference} ({test})",
        NULL: f"does not beat the best null (one-sided {test})",
        UNDEFINED: f"undefined for some samples, which are left out: {_list_undefined_cells(group, shown)}",
    }
    for mark, meaning in meanings.items():
        if mark in used:
            yield mark, meaning


def explain_intervals(group: GroupEntry, metrics: Sequence[str] | None = None) -> str:
    """What ± stands for, and how the intervals of this group (of ``metrics``, where they are given by label) were made."""
    shown = [metric for metric in group.metrics if metrics is None or metric.label in metrics]
    cells = [cell for row in group.rows for metric in shown if (cell := row.cells.get(metric.label)) is not None]
    used = {cell.interval for cell in cells if cell.mean is not None}
    proportions = [metric.label for metric in shown if any(_interval_kind(row, metric) == "wilson" for row in group.rows)]
    kinds = {
        "wilson": f"Wilson's for scores of 0 or 1 ({', '.join(map(printable, proportions))})",
        "student": f"Student's t for fewer than {STUDENT_T_BELOW} samples",
        "bootstrap": "the bootstrap's" if used <= {"bootstrap", None} else f"the bootstrap's from {STUDENT_T_BELOW} samples on",
    }
    said = "; ".join(text for kind, text in kinds.items() if kind in used)
    none = "no interval: one sample, or all scores equal" if None in used else ""
    return "half the width of a mean's interval" + (f" ({said})" if said else "") + (f"; {MISSING}: {none}" if none else "")


def half_width_text(cell: CellEntry | None, numbers: Callable[[float | None], str]) -> str:
    """± half the interval of a mean, in the decimals of its column; a dash where it has none, and nothing where there is no mean."""
    if cell is None or cell.mean is None:
        return ""
    half = half_width(cell.low, cell.high)
    return MISSING if half is None else f"±{numbers(half)}"


def _interval_kind(row: Row, metric: MetricEntry) -> str | None:
    cell = row.cells.get(metric.label)
    return None if cell is None else cell.interval


def _list_undefined_cells(group: GroupEntry, metrics: Sequence[MetricEntry]) -> str:
    found = [
        f"{printable(row.label)} {printable(metric.label)} ({cell.undefined} of {cell.undefined + cell.n})"
        for row in group.rows
        for metric in metrics
        if (cell := row.cells.get(metric.label)) is not None and _partly_undefined(cell)
    ]
    return ", ".join(found)


def _partly_undefined(cell: CellEntry) -> bool:
    """Whether some samples are undefined, but not all, which a footnote says."""
    return cell.undefined > 0 and not is_missing(cell)


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
    if _never_begun(cell):
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
        found.append(f"rank over {row.metrics_ranked} of {format_count(row.metrics_of, 'metric')}")
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


def cell_state_text(cell: CellEntry | None) -> str:
    """What stands in a cell without a number."""
    if cell is None:
        return "·"
    if _never_begun(cell):
        return MISSING
    return SHORT_STATUSES.get(cell.status, cell.status) if cell.status != "ok" else "undefined"


def _never_begun(cell: CellEntry) -> bool:
    """Whether nothing is wrong with a cell but that its turn did not come."""
    return cell.status == "blocked" and (cell.reason or "").startswith(NOT_COMPUTED_PREFIX)


def group_title(group: GroupEntry) -> str:
    """The group's data set and model."""
    return f"{printable(group.dataset)} · {printable(group.model)}"


def group_facts(document: Leaderboard, group: GroupEntry) -> list[str]:
    """What the numbers of a group rest on."""
    settings = document.settings
    whole = group.samples == group.samples_total
    count = format_count(group.samples, "sample") if whole else f"{group.samples} of {format_count(group.samples_total, 'sample')}"
    found = [count + ("" if settings.samples == "all" else f" ({SAMPLES_RULE_TEXTS[settings.samples]})")]
    found.append(f"accuracy {percent_text(group.accuracy)}")
    if settings.reference is not None:
        found.append(f"reference {printable(settings.reference)}")
    if settings.nulls:
        found.append(f"{'null' if len(settings.nulls) == 1 else 'nulls'} {', '.join(printable(label) for label in settings.nulls)}")
    found.append(f"{100 * settings.confidence:g} % intervals")
    if group.samples > 0 and 0.5 ** (group.samples - 1) >= 1 - settings.confidence:
        found.append("too few samples for any test to find anything")
    return found


def blocked_reason(group: GroupEntry) -> str | None:
    """The one cause that left a whole group without a number, for which one line is enough; None where there is a table to show."""
    cells = [cell for row in group.rows for cell in row.cells.values()]
    reasons = {cell.reason for cell in cells if cell.status == "blocked" and is_missing(cell)}
    if len(reasons) != 1 or any(cell.status != "blocked" or not is_missing(cell) for cell in cells):
        return None
    reason = printable(reasons.pop() or "the reason is not known", REASON_LIMIT)
    return reason if reason.startswith(NOT_COMPUTED_PREFIX) else f"blocked: {reason}"


def reader_notes(group: GroupEntry) -> list[str]:
    """What the dataset and the model want a reader to know."""
    return [printable(note, REASON_LIMIT) for note in group.notes]


def explain_rank(group: GroupEntry, weighting: Weighting) -> str:
    """How the rank comes about, and its interval."""
    few = (
        f"; without intervals, as samples are fewer than {RANK_INTERVALS_FROM}"
        if group.samples < RANK_INTERVALS_FROM
        else "; intervals by bootstrap"
    )
    if weighting == "metric":
        return f"rank: mean over {format_count(len(ranked_metrics(group)), 'metric')}{few}"
    kinds = len(ranked_categories(group))
    return (
        f"rank: mean over {format_count(kinds, 'category', 'categories')} of the mean over {'its' if kinds == 1 else 'their'} metrics{few}"
    )
