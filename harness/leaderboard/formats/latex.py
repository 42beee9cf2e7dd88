"""The leaderboard as LaTeX tables (packages booktabs, amssymb and graphicx)."""

from __future__ import annotations

import re

from harness.analysis.ranking import Weighting
from harness.leaderboard.document import GroupEntry, Leaderboard
from harness.leaderboard.formats.remarks import (
    BEST,
    BETTER,
    NULL,
    UNDEFINED,
    WORSE,
    blocked,
    facts,
    legend,
    noted,
    rank_explained,
    remarks,
    title,
)
from harness.leaderboard.formats.tables import Entry, PlainTable, metric_tables, overall_table, overview

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    '"': r"\textquotedbl{}", "[": "{[}", "]": "{]}", "±": r"$\pm$", "↑": r"$\uparrow$", "↓": r"$\downarrow$",
    "·": r"$\cdot$", "–": "--", "…": r"\ldots{}", "µ": r"$\mu$", "×": r"$\times$",
}  # fmt: skip
_NUMBER = re.compile(r"[-+]?\d[\d.e± -]*")
_MARKS = {BETTER: r"\blacktriangle", WORSE: r"\blacktriangledown", NULL: r"\circ", UNDEFINED: r"\ddagger"}
COLUMNS = 5
_FIT = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"


def render_latex(document: Leaderboard, group: Weighting = "category") -> str:
    """One ``table`` per block of at most five columns, shrunk to the line where wider; the best of a column is bold, nulls are italic."""
    parts = [r"% \usepackage{booktabs,amssymb,graphicx}"]
    for number, entry in enumerate(document.groups, start=1):
        parts.extend(_group(document, entry, group, number))
    if len(document.groups) > 1:
        table = overall_table(document, group)
        parts.append(latex_table(table, f"Mean rank across {len(document.groups)} groups", "tab:overall", ""))
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Text without a character that LaTeX would obey; ligatures of hyphens in names are kept apart."""
    return "".join(_SPECIAL.get(char, char) for char in text).replace("++", "+{}+")


def _group(document: Leaderboard, group: GroupEntry, weighting: Weighting, number: int) -> list[str]:
    notes = remarks(group)
    name = escaped(title(group))
    if (cause := blocked(group)) is not None:
        return [rf"\noindent {name}: {escaped(cause)}."]
    said = [*facts(document, group), rank_explained(group, weighting)]
    parts = [latex_table(overview(group, weighting, notes), f"{name}. {escaped('; '.join(said))}.", f"tab:{number}-ranks", "")]
    blocks = [block for table in metric_tables(group, weighting, notes) for block in split_table(table)]
    for index, table in enumerate(blocks, start=1):
        below = _below(document, group, notes.texts) if index == len(blocks) else ""
        parts.append(latex_table(table, f"{name}: {escaped(table.title)}.", f"tab:{number}-scores-{index}", below))
    return parts


def split_table(table: PlainTable) -> list[PlainTable]:
    """Tables of at most `COLUMNS` columns beside the names."""
    starts = range(1, len(table.headers), COLUMNS)
    return [
        PlainTable(
            table.title,
            [table.headers[0], *table.headers[start : start + COLUMNS]],
            [[row[0], *row[start : start + COLUMNS]] for row in table.rows],
            table.nulls,
        )
        for start in starts
    ]


def latex_table(table: PlainTable, caption: str, label: str, below: str) -> str:
    """One ``table``; ``caption`` and ``below`` are LaTeX already."""
    lines = [r"\begin{table}", r"\centering\small", rf"\caption{{{caption}}}", rf"\label{{{label}}}"]
    lines += [_FIT, rf"\begin{{tabular}}{{l{'r' * (len(table.headers) - 1)}}}", r"\toprule"]
    lines += [" & ".join(escaped(header) for header in table.headers) + r" \\", r"\midrule"]
    for row, null in zip(table.rows, table.nulls, strict=True):
        lines.append(" & ".join(_cell(entry, null and k == 0) for k, entry in enumerate(row)) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}}"]
    return "\n".join([*lines, *([below] if below else []), r"\end{table}"])


def _cell(entry: Entry, italic: bool) -> str:
    text = escaped(entry.text)
    if _NUMBER.fullmatch(entry.text):
        text = text.replace("-", "$-$")
    if entry.best:
        text = rf"\textbf{{{text}}}"
    elif italic:
        text = rf"\textit{{{text}}}"
    raised = "".join(_MARKS[mark] for mark in entry.marks)
    if entry.notes:
        raised += r"\dagger" + ",".join(map(str, entry.notes))
    return text + (f"$^{{{raised}}}$" if raised else "")


def _below(document: Leaderboard, group: GroupEntry, notes: list[str]) -> str:
    """The legend and the footnotes, under the last table of a group."""
    said = [rf"$^{{{_MARKS[mark]}}}$\,{escaped(meaning)}" for mark, meaning in legend(document, group) if mark != BEST]
    said += [f"Note: {escaped(note)}" for note in noted(group)]
    said += [rf"$^{{\dagger{number}}}$\,{escaped(text)}" for number, text in enumerate(notes, start=1)]
    return (
        r"\par\smallskip\footnotesize\raggedright "
        + ". ".join([r"\textbf{Bold}: best of the column; \textit{italic}: null explainers", *said])
        + "."
    )
