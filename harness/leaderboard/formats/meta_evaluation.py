"""Whether the metrics hold, in every format: a table of metrics, and their rank correlations."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from io import StringIO

from rich.console import Console
from rich.text import Text

from harness.leaderboard.document import ConsistencyEntry, Leaderboard, MetaEntry, MetaMetric, Scales
from harness.leaderboard.formats.annotations import NULL, SAMPLES_RULE_TEXTS
from harness.leaderboard.formats.html_page import heading, html_fragment, html_table, marked_list, paragraph
from harness.leaderboard.formats.latex import PREAMBLE, run_slug
from harness.leaderboard.formats.latex_tables import LATEX_MARKS, latex_table, split_to_page
from harness.leaderboard.formats.latex_tables import escape_latex as latex_escaped
from harness.leaderboard.formats.markdown import escape_markdown as markdown_escaped
from harness.leaderboard.formats.markdown import markdown_table
from harness.leaderboard.formats.number_format import MISSING, format_significant, number_formatter, percent_text, printable
from harness.leaderboard.formats.plain_tables import PlainTable, TableCell
from harness.leaderboard.formats.text_console import console_text, text_console
from harness.leaderboard.formats.text_grid import GridColumn, draw_block, pack_columns
from harness.text_format import format_count

ALIKE_CORRELATION = 0.9  # a rank correlation from which on two metrics are shown as saying the same
TEXT_COLUMNS = ("metric", "best null", "closest")
CONSISTENCY_FIELDS = ("iac_nr", "iec_nr", "iac_ar", "iec_ar", "nr", "ar", "mc", "mc_std", "minor_samples", "disruptive_samples")


def render_meta_terminal(document: Leaderboard, width: int, color: bool) -> str:
    """Tables in blocks of at most ``width`` cells a line."""
    console = text_console(width, color)
    for entry in document.meta:
        for line in _wrap_text(meta_title(entry), width):
            console.print(Text(line, style="bold"))
        for line in _wrap_text(" · ".join(meta_facts(document, entry)), width):
            console.print(Text(line, style="dim"))
        console.print()
        for block in (block for table in meta_tables(entry) for block in _blocks(table, width)):
            for drawn_line in block:
                console.print(drawn_line)
            console.print()
        for mark, meaning in meta_legend(document, entry):
            lines = _wrap_text(meaning, max(1, width - 9))
            for k, text in enumerate(lines):
                console.print(Text.assemble((mark if k == 0 else "").ljust(9), (text, "dim")))
        console.print()
    return console_text(console)


def render_meta_markdown(document: Leaderboard) -> str:
    """Headings and tables."""
    parts = []
    for entry in document.meta:
        parts += [f"## {markdown_escaped(meta_title(entry))}", markdown_escaped(" · ".join(meta_facts(document, entry)))]
        for table in meta_tables(entry):
            parts += [f"### {table.title}", markdown_table(table)]
        parts.append(
            "\n".join(f"- {markdown_escaped(mark)}: {markdown_escaped(meaning)}" for mark, meaning in meta_legend(document, entry))
        )
    return "\n\n".join(parts) + "\n"


def render_meta_html(document: Leaderboard) -> str:
    """A part of a page."""
    parts = []
    for entry in document.meta:
        parts += [heading(meta_title(entry), 3), paragraph(" · ".join(meta_facts(document, entry)))]
        parts += [part for table in meta_tables(entry) for part in (heading(table.title, 4), html_table(table))]
        parts.append(marked_list(list(meta_legend(document, entry))))
    return html_fragment(parts)


def render_meta_latex(document: Leaderboard) -> str:
    """One ``table`` per block of columns."""
    parts = [PREAMBLE]
    for number, entry in enumerate(document.meta, start=1):
        said = latex_escaped(f"{meta_title(entry)}. {'; '.join(meta_facts(document, entry))}.")
        blocks = [block for table in meta_tables(entry) for block in split_to_page(table)]
        for k, block in enumerate(blocks, start=1):
            caption = said if k == 1 else latex_escaped(f"{meta_title(entry)}, {block.title.lower()}.")
            below = [_latex_legend_item(mark, meaning) for mark, meaning in meta_legend(document, entry) if _table_shows(block, mark)]
            parts.append(latex_table(block, caption, f"tab:{run_slug(document.run)}-meta-{number}-{k}", below))
    return "\n\n".join(parts) + "\n"


def _table_shows(table: PlainTable, mark: str) -> bool:
    """Whether a table has what a mark of the legend explains."""
    if mark in (NULL, MISSING):
        return any(mark in entry.marks or entry.text == mark for row in table.rows for entry in row)
    if mark == "1 2 3":
        return table.headers[1:2] != [] and all(header.isdecimal() for header in table.headers[1:])
    return any(header.split()[-1] == mark for header in table.headers)


def _latex_legend_item(mark: str, meaning: str) -> str:
    shown = rf"$^{{{LATEX_MARKS[mark]}}}$" if mark in LATEX_MARKS else latex_escaped(mark)
    return f"{shown}: {latex_escaped(meaning)}"


def render_meta_csv(document: Leaderboard) -> str:
    """One line per metric, numbers in full precision."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    kinds = [f"{kind}_{part}" for kind in ("inputs", "weights") for part in CONSISTENCY_FIELDS]
    separated = ["oracle", "null", "best_null", "wins", "p_holm", "separates"]
    writer.writerow(["dataset", "model", "metric", "mc", *kinds, *separated, "closest", "closest_over_explainers", "closest_over_samples"])
    for entry in document.meta:
        for metric in entry.metrics:
            numbers = [getattr(one, part, None) for one in (metric.inputs, metric.weights) for part in CONSISTENCY_FIELDS]
            found, near = metric.separation, closest_metric(metric)
            shown = (None,) * 6 if found is None else (found.oracle, found.null, found.best, found.wins, found.p_holm, found.separates)
            pair = (None, None) if near is None else (metric.over_explainers[near], metric.over_samples[near])
            writer.writerow([entry.dataset, entry.model, metric.label, metric.mc, *numbers, *shown, near, *pair])
    return out.getvalue()


def meta_title(entry: MetaEntry) -> str:
    """The group whose metrics they are."""
    return f"{printable(entry.dataset)} · {printable(entry.model)}: metrics"


def meta_facts(document: Leaderboard, entry: MetaEntry) -> list[str]:
    """What the numbers rest on."""
    rule = document.settings.samples
    inputs, weights = _scales(entry.inputs, "± {:g}"), _scales(entry.weights, "× N(1, {:g})")
    found = [
        format_count(entry.samples, "sample") + ("" if rule == "all" else f" ({SAMPLES_RULE_TEXTS[rule]})"),
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


def meta_legend(document: Leaderboard, entry: MetaEntry) -> Iterator[tuple[str, str]]:
    """What the columns mean."""
    yield "NR", "noise resilience: scores and ranks stay under a minor disturbance that keeps the prediction (1 the best)"
    yield "AR", "reactivity to adversity: scores become worse under a disruptive disturbance that changes the prediction (1 the best)"
    yield "MC", "meta-consistency, the mean of these; 0.5 for a metric that never changes (Hedström et al. 2023)"
    if any(one is not None and None in (one.nr, one.ar) for metric in entry.metrics for one in (metric.inputs, metric.weights)):
        yield MISSING, "unknown: no sample has scores before and after, and a prediction that did as it should"
    if any(metric.separation is not None for metric in entry.metrics):
        level = f"p < {1 - document.settings.confidence:.2g}"
        yield "oracle", "mean score of maps made of the masks; best null: that of the null with the best mean"
        yield "wins", "share of samples that score the oracle better than that null, ties half"
        yield NULL, f"does not tell the oracle from it (one-sided Wilcoxon signed-rank, Holm over metrics, {level})"
    yield "closest", "the metric that ranks an explainer's samples most alike, with the rank correlation"
    yield (
        "1 2 3",
        f"rank correlations: of explainers above the diagonal, of an explainer's samples below it (bold: at least {ALIKE_CORRELATION:g})",
    )


def meta_tables(entry: MetaEntry) -> list[PlainTable]:
    """The metrics from the most consistent to the least, and the correlations between them."""
    metrics = sorted(entry.metrics, key=lambda metric: (metric.mc is None, -(metric.mc or 0.0)))
    return [_metric_overview(metrics), *([_correlations(metrics)] if len(metrics) > 1 else [])]


def _metric_overview(metrics: list[MetaMetric]) -> PlainTable:
    headers = ["metric", "MC"]
    columns: list[list[TableCell]] = [
        [TableCell(_numbered_label(k, metric)) for k, metric in enumerate(metrics, start=1)],
        [_share_cell(m.mc) for m in metrics],
    ]
    for kind, read in _KINDS.items():
        found = [read(metric) for metric in metrics]
        if any(one is not None for one in found):
            headers += [f"{kind} NR", f"{kind} AR"]
            columns += [[_share_cell(None if one is None else getattr(one, part)) for one in found] for part in ("nr", "ar")]
    if any(metric.separation is not None for metric in metrics):
        headers += ["oracle", "best null", "wins"]
        columns += [list(column) for column in zip(*map(_separation_cells, metrics), strict=True)]
    headers.append("closest")
    columns.append([_closest_cell(metric) for metric in metrics])
    return PlainTable("Metrics", headers, [list(row) for row in zip(*columns, strict=True)], [False] * len(metrics))


_KINDS: dict[str, Callable[[MetaMetric], ConsistencyEntry | None]] = {
    "inputs": lambda metric: metric.inputs,
    "weights": lambda metric: metric.weights,
}


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
    value = metric.over_explainers.get(label) if value is None else value
    return TableCell(f"{_correlation(value)} {printable(label)}", best=value is not None and value >= ALIKE_CORRELATION)


def _correlations(metrics: list[MetaMetric]) -> PlainTable:
    rows = []
    for k, metric in enumerate(metrics):
        row = [TableCell(_numbered_label(k + 1, metric))]
        for other, near in enumerate(metrics):
            value = (metric.over_explainers if other > k else metric.over_samples).get(near.label)
            row.append(
                TableCell("") if other == k else TableCell(_correlation(value), best=value is not None and value >= ALIKE_CORRELATION)
            )
        rows.append(row)
    headers = ["metric", *(str(k) for k in range(1, len(metrics) + 1))]
    return PlainTable("Rank correlation", headers, rows, [False] * len(rows))


def _numbered_label(number: int, metric: MetaMetric) -> str:
    return f"{number:2d} {printable(metric.label)}"


def _share_cell(value: float | None) -> TableCell:
    return TableCell(MISSING if value is None else f"{value:.2f}")


def _correlation(value: float | None) -> str:
    return MISSING if value is None else f"{value:+.2f}".replace("-0.00", "+0.00")


def _blocks(table: PlainTable, width: int) -> list[list[Text]]:
    """A table's lines for a terminal, in as many blocks as its width needs."""
    columns = []
    for k, header in enumerate(table.headers):
        cells = [_styled_text(row[k]) for row in table.rows]
        columns.append(GridColumn(header, cells, align="left" if header in TEXT_COLUMNS else "right"))
    fixed = [columns[0].limited(max(8, width // 2 if width < 60 else width * 2 // 5))]
    return [draw_block([*fixed, *block], [""] * len(table.rows), width) for block in pack_columns(fixed, columns[1:], width)]


def _styled_text(entry: TableCell) -> Text:
    return Text.assemble((entry.text, "bold green" if entry.best else ""), (entry.marks, "yellow"))


def _wrap_text(text: str, width: int) -> list[str]:
    return [line.plain.rstrip() for line in Text(text).wrap(Console(width=max(1, width)), max(1, width))]
