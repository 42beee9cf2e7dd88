"""The leaderboard as LaTeX tables (packages booktabs, amssymb and graphicx)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from harness.analysis.ranking import Weighting
from harness.leaderboard.document import GroupEntry, Leaderboard, ModelsEntry
from harness.leaderboard.formats.annotations import (
    BEST,
    NEMENYI_EXPLAINED,
    Footnotes,
    blocked_reason,
    collect_footnotes,
    explain_intervals,
    explain_rank,
    group_facts,
    group_legend,
    group_title,
    reader_notes,
)
from harness.leaderboard.formats.latex_tables import LATEX_MARKS, escape_latex, latex_table, split_to_page
from harness.leaderboard.formats.model_comparison import (
    explain_model_comparison,
    model_comparison_legend,
    model_comparison_table,
    model_comparison_title,
)
from harness.leaderboard.formats.number_format import printable
from harness.leaderboard.formats.plain_tables import PlainTable, metric_tables, overall_table, overview_table

PREAMBLE = r"""% \usepackage{booktabs,amssymb,graphicx}
% Tables fit the text of a page; in two columns write table* for table."""


def render_latex(document: Leaderboard, group: Weighting = "category") -> str:
    """Tables no wider than a page's text, each with its marks explained below it, and labels that begin with the run's name."""
    run = run_slug(document.run)
    parts = [PREAMBLE]
    for number, entry in enumerate(document.groups, start=1):
        parts.extend(_group(document, entry, group, f"tab:{run}-{number}"))
    if len(document.groups) > 1:
        parts.extend(
            _latex_tables(overall_table(document, group), f"Mean rank across {len(document.groups)} groups.", f"tab:{run}-overall")
        )
    for number, compared in enumerate(document.models, start=1):
        parts.extend(_models(document, compared, f"tab:{run}-models-{number}"))
    return "\n\n".join(parts) + "\n"


def run_slug(run: dict[str, Any]) -> str:
    """The name of a run as it may stand in a label."""
    return re.sub(r"[^a-z0-9]+", "-", str(run.get("name", "")).lower()).strip("-") or "run"


def _group(document: Leaderboard, group: GroupEntry, weighting: Weighting, label: str) -> list[str]:
    notes = collect_footnotes(group)
    name = escape_latex(group_title(group))
    if (cause := blocked_reason(group)) is not None:
        return [rf"\noindent {name}: {escape_latex(cause)}."]
    said = [*group_facts(document, group), explain_rank(group, weighting)]

    def of_scores(block: PlainTable) -> Iterator[str]:
        heads = [header.rpartition(" ")[0] for header in block.headers[1:]]
        metrics = [metric.label for metric in group.metrics if printable(metric.label) in heads]
        yield rf"$\pm$: {escape_latex(explain_intervals(group, metrics))}"
        yield from _marked((mark, meaning) for mark, meaning in group_legend(document, group, metrics) if mark != BEST)

    said_of = [rf"\noindent {name}, notes: {escape_latex('; '.join(reader_notes(group)))}."] if group.notes else []
    parts = [
        *said_of,
        *_latex_tables(
            overview_table(group, weighting, notes), f"{name}. {escape_latex('; '.join(said))}.", f"{label}-ranks", _of_ranks, notes
        ),
    ]
    for k, table in enumerate(metric_tables(group, weighting, notes), start=1):
        parts.extend(_latex_tables(table, f"{name}: {escape_latex(table.title)}.", f"{label}-scores-{k}", of_scores, notes))
    return parts


def _of_ranks(block: PlainTable) -> Iterator[str]:
    if "alike" in block.headers:
        yield escape_latex(NEMENYI_EXPLAINED)


def _models(document: Leaderboard, entry: ModelsEntry, label: str) -> list[str]:
    caption = f"{escape_latex(model_comparison_title(entry))}: {escape_latex(explain_model_comparison(document, entry))}."
    return _latex_tables(
        model_comparison_table(document, entry),
        caption,
        label,
        lambda block: _marked(model_comparison_legend(document, entry, block.headers)),
    )


def _marked(marks: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield from (rf"$^{{{LATEX_MARKS[mark]}}}$\,{escape_latex(meaning)}" for mark, meaning in marks)


def _style_explanations(block: PlainTable) -> Iterator[str]:
    if any(entry.best for row in block.rows for entry in row):
        yield r"\textbf{Bold}: best of the column"
    if any(block.nulls):
        yield r"\textit{Italic}: null explainers"


def _no_explanation(block: PlainTable) -> Iterator[str]:
    yield from ()


def _latex_tables(
    table: PlainTable,
    caption: str,
    label: str,
    explained: Callable[[PlainTable], Iterator[str]] = _no_explanation,
    notes: Footnotes | None = None,
) -> list[str]:
    """The table in parts that fit, each with what is ``explained`` of it and with those of the footnotes that it has."""
    blocks = split_to_page(table)
    made = []
    for k, block in enumerate(blocks, start=1):
        used = sorted({number for row in block.rows for entry in row for number in entry.notes})
        texts = [] if notes is None else [rf"$^{{\dagger{number}}}$\,{escape_latex(notes.texts[number - 1])}" for number in used]
        more = f" ({k} of {len(blocks)})" if len(blocks) > 1 else ""
        below = [*_style_explanations(block), *explained(block), *texts]
        made.append(latex_table(block, caption.removesuffix(".") + more + ".", label if k == 1 else f"{label}-{k}", below))
    return made
