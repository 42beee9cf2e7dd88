"""The section on whether the metrics of a group hold: what is known of each, and their rank correlations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from harness.leaderboard.number_format import MISSING, format_significant, number_formatter, percent_text, printable
from harness.leaderboard.sections.sample_counts import sample_count_text
from harness.leaderboard.sections.section import NULL, Column, LegendItem, Section, Table, TableCell
from harness.results.document import Leaderboard
from harness.results.meta_document import MetaEntry, MetaMetric, Scales
from harness.text_format import format_count

ALIKE_CORRELATION = 0.9  # a rank correlation from which on two metrics are shown as saying the same


def meta_section(document: Leaderboard, entry: MetaEntry, number: int) -> Section:
    """The metrics from the most consistent to the least, and the correlations between them."""
    title = f"{printable(entry.dataset)} · {printable(entry.model)}: metrics"
    facts = _facts(document, entry)
    metrics = sorted(entry.metrics, key=lambda metric: (metric.mc is None, -(metric.mc or 0.0)))
    names = Column("metric", [TableCell(f"{k:2d} {printable(metric.label)}") for k, metric in enumerate(metrics, start=1)], align="left")
    table = partial(Table, nulls=[False] * len(metrics), bold="")
    tables = [table([names, *_overview(metrics)], title="Metrics", slug="1", caption=f"{title}. {'; '.join(facts)}")]
    if len(metrics) > 1:
        correlations = [names, *(_correlations(metrics, k) for k in range(len(metrics)))]
        tables.append(table(correlations, title="Rank correlation", slug="2", caption=f"{title}, rank correlation"))
    return Section(title, f"meta-{number}", facts, tables=tables, legend=partial(_legend, document, entry))


def _facts(document: Leaderboard, entry: MetaEntry) -> list[str]:
    """What the numbers rest on."""
    inputs, weights = _scales(entry.inputs, "± {:g}"), _scales(entry.weights, "× N(1, {:g})")
    found = [
        sample_count_text(entry.samples, document.settings.samples),
        f"{format_count(len(entry.explainers), 'explainer')} explained again",
        format_count(entry.repeats, "repeat"),
        f"minor disturbances: inputs {inputs[0]} of their range, weights {weights[0]}",
        f"disruptive: {inputs[1]}, {weights[1]}",
    ]
    changed = [one.disruptive_samples for m in entry.metrics[:1] for one in (m.inputs, m.weights) if one is not None]
    known = [format_significant(count, 3) for count in changed if count is not None]
    return [*found, f"predictions changed for {' and '.join(known)} samples"] if known else found


def _scales(scales: Scales, form: str) -> tuple[str, str]:
    minor, disruptive = (MISSING if scale is None else form.format(scale) for scale in (scales.minor, scales.disruptive))
    return minor, disruptive


def _legend(document: Leaderboard, entry: MetaEntry, tables: Sequence[Table]) -> Iterator[LegendItem]:
    """What the columns mean."""
    words = {header.split()[-1] for table in tables for header in table.headers}
    cells = [cell for table in tables for column in table.columns for cell in column.cells]
    level = f"p < {1 - document.settings.confidence:.2g}"
    unknown = any(one is not None and None in (one.nr, one.ar) for metric in entry.metrics for one in (metric.inputs, metric.weights))
    meanings = {
        "NR": "noise resilience: scores and ranks stay under a minor disturbance that keeps the prediction (1 the best)",
        "AR": "reactivity to adversity: scores become worse under a disruptive disturbance that changes the prediction (1 the best)",
        "MC": "meta-consistency, the mean of these; 0.5 for a metric that never changes (Hedström et al. 2023)",
        MISSING: "unknown: no sample has scores before and after, and a prediction that did as it should",
        "oracle": "mean score of maps made of the masks; best null: that of the null with the best mean",
        "wins": "share of samples that score the oracle better than that null, ties half",
        NULL: f"does not tell the oracle from it (one-sided Wilcoxon signed-rank, Holm over metrics, {level})",
        "closest": "the metric that ranks an explainer's samples most alike, with the rank correlation",
        "1 2 3": "rank correlations: of explainers above the diagonal, of an explainer's samples below it "
        f"(bold: at least {ALIKE_CORRELATION:g})",
    }
    shown = {
        **dict.fromkeys(words, True),
        MISSING: unknown and any(cell.text == MISSING for cell in cells),
        NULL: any(NULL in cell.marks for cell in cells),
        "1 2 3": "1" in words,
    }
    yield from (LegendItem(mark, meaning, "term") for mark, meaning in meanings.items() if shown.get(mark))


def _overview(metrics: Sequence[MetaMetric]) -> list[Column]:
    columns = [Column("MC", [_share_cell(metric.mc) for metric in metrics])]
    for kind, found in {"inputs": [metric.inputs for metric in metrics], "weights": [metric.weights for metric in metrics]}.items():
        if any(one is not None for one in found):
            columns.append(Column(f"{kind} NR", [_share_cell(None if one is None else one.nr) for one in found]))
            columns.append(Column(f"{kind} AR", [_share_cell(None if one is None else one.ar) for one in found]))
    if any(metric.separation is not None for metric in metrics):
        oracle, null, wins = zip(*map(_separation_cells, metrics), strict=True)
        columns += [Column("oracle", oracle), Column("best null", null, align="left"), Column("wins", wins)]
    return [*columns, Column("closest", [_closest_cell(metric) for metric in metrics], align="left")]


def _separation_cells(metric: MetaMetric) -> tuple[TableCell, TableCell, TableCell]:
    found = metric.separation
    if found is None:
        return TableCell(MISSING), TableCell(MISSING), TableCell(MISSING)
    numbers = number_formatter([found.oracle, found.best])
    null = f"{numbers(found.best)} {printable(found.null, 24)}"
    return TableCell(numbers(found.oracle)), TableCell(null), TableCell(percent_text(found.wins), marks="" if found.separates else NULL)


def closest_metric(metric: MetaMetric) -> str | None:
    """The other metric whose scores of samples are the most alike; by those of explainers where samples have none."""
    for correlations in (metric.over_samples, metric.over_explainers):
        known = {label: value for label, value in correlations.items() if value is not None and label != metric.label}
        if known:
            return max(known, key=lambda label: known[label])
    return None


def _closest_cell(metric: MetaMetric) -> TableCell:
    label = closest_metric(metric)
    if label is None:
        return TableCell(MISSING)
    value = metric.over_samples.get(label)
    return _correlation_cell(metric.over_explainers.get(label) if value is None else value, f" {printable(label)}")


def _correlations(metrics: Sequence[MetaMetric], place: int) -> Column:
    """Of every metric with the one in this place."""
    near = metrics[place].label
    known = [(metric.over_explainers if k < place else metric.over_samples).get(near) for k, metric in enumerate(metrics)]
    return Column(str(place + 1), [TableCell("") if k == place else _correlation_cell(value) for k, value in enumerate(known)])


def _correlation_cell(value: float | None, more: str = "") -> TableCell:
    text = MISSING if value is None else f"{value:+.2f}".replace("-0.00", "+0.00")
    return TableCell(text + more, best=value is not None and value >= ALIKE_CORRELATION)


def _share_cell(value: float | None) -> TableCell:
    return TableCell(MISSING if value is None else f"{value:.2f}")
