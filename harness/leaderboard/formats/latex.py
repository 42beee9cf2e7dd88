"""The leaderboard as LaTeX tables (packages booktabs, amssymb and graphicx)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from harness.analysis.ranking import Weighting
from harness.leaderboard.document import GroupEntry, Leaderboard, ModelsEntry
from harness.leaderboard.formats.figures import printable
from harness.leaderboard.formats.latex_tables import MARKS, escaped, fitted, latex_table
from harness.leaderboard.formats.models import models_explained, models_legend, models_table, models_title
from harness.leaderboard.formats.remarks import (
    ALIKE,
    BEST,
    Remarks,
    blocked,
    facts,
    intervals_explained,
    legend,
    noted,
    rank_explained,
    remarks,
    title,
)
from harness.leaderboard.formats.tables import PlainTable, metric_tables, overall_table, overview

PREAMBLE = r"""% \usepackage{booktabs,amssymb,graphicx}
% Tables fit the text of a page; in two columns write table* for table."""


def render_latex(document: Leaderboard, group: Weighting = "category") -> str:
    """Tables no wider than a page's text, each with its marks explained below it, and labels that begin with the run's name."""
    run = slug(document.run)
    parts = [PREAMBLE]
    for number, entry in enumerate(document.groups, start=1):
        parts.extend(_group(document, entry, group, f"tab:{run}-{number}"))
    if len(document.groups) > 1:
        parts.extend(_tables(overall_table(document, group), f"Mean rank across {len(document.groups)} groups.", f"tab:{run}-overall"))
    for number, compared in enumerate(document.models, start=1):
        parts.extend(_models(document, compared, f"tab:{run}-models-{number}"))
    return "\n\n".join(parts) + "\n"


def slug(run: dict[str, Any]) -> str:
    """The name of a run as it may stand in a label."""
    return re.sub(r"[^a-z0-9]+", "-", str(run.get("name", "")).lower()).strip("-") or "run"


def _group(document: Leaderboard, group: GroupEntry, weighting: Weighting, label: str) -> list[str]:
    notes = remarks(group)
    name = escaped(title(group))
    if (cause := blocked(group)) is not None:
        return [rf"\noindent {name}: {escaped(cause)}."]
    said = [*facts(document, group), rank_explained(group, weighting)]

    def of_scores(block: PlainTable) -> Iterator[str]:
        heads = [header.rpartition(" ")[0] for header in block.headers[1:]]
        metrics = [metric.label for metric in group.metrics if printable(metric.label) in heads]
        yield rf"$\pm$: {escaped(intervals_explained(group, metrics))}"
        yield from _marked((mark, meaning) for mark, meaning in legend(document, group, metrics) if mark != BEST)

    said_of = [rf"\noindent {name}, notes: {escaped('; '.join(noted(group)))}."] if group.notes else []
    parts = [
        *said_of,
        *_tables(overview(group, weighting, notes), f"{name}. {escaped('; '.join(said))}.", f"{label}-ranks", _of_ranks, notes),
    ]
    for k, table in enumerate(metric_tables(group, weighting, notes), start=1):
        parts.extend(_tables(table, f"{name}: {escaped(table.title)}.", f"{label}-scores-{k}", of_scores, notes))
    return parts


def _of_ranks(block: PlainTable) -> Iterator[str]:
    if "alike" in block.headers:
        yield escaped(ALIKE)


def _models(document: Leaderboard, entry: ModelsEntry, label: str) -> list[str]:
    caption = f"{escaped(models_title(entry))}: {escaped(models_explained(document, entry))}."
    return _tables(models_table(document, entry), caption, label, lambda block: _marked(models_legend(document, entry, block.headers)))


def _marked(marks: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield from (rf"$^{{{MARKS[mark]}}}$\,{escaped(meaning)}" for mark, meaning in marks)


def _basics(block: PlainTable) -> Iterator[str]:
    if any(entry.best for row in block.rows for entry in row):
        yield r"\textbf{Bold}: best of the column"
    if any(block.nulls):
        yield r"\textit{Italic}: null explainers"


def _nothing(block: PlainTable) -> Iterator[str]:
    yield from ()


def _tables(
    table: PlainTable,
    caption: str,
    label: str,
    explained: Callable[[PlainTable], Iterator[str]] = _nothing,
    notes: Remarks | None = None,
) -> list[str]:
    """The table in parts that fit, each with what is ``explained`` of it and with those of the footnotes that it has."""
    blocks = fitted(table)
    made = []
    for k, block in enumerate(blocks, start=1):
        used = sorted({number for row in block.rows for entry in row for number in entry.notes})
        texts = [] if notes is None else [rf"$^{{\dagger{number}}}$\,{escaped(notes.texts[number - 1])}" for number in used]
        more = f" ({k} of {len(blocks)})" if len(blocks) > 1 else ""
        below = [*_basics(block), *explained(block), *texts]
        made.append(latex_table(block, caption.removesuffix(".") + more + ".", label if k == 1 else f"{label}-{k}", below))
    return made
