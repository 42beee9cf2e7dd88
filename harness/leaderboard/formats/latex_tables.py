"""A table in LaTeX: escaped, marked, and cut into parts that fit a page."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.leaderboard.formats.annotations import BETTER, NULL, UNDEFINED, WORSE
from harness.leaderboard.formats.plain_tables import PlainTable, TableCell
from harness.leaderboard.formats.text_grid import wrap_header

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    '"': r"\textquotedblright{}", "[": "{[}", "]": "{]}", "±": r"$\pm$", "↑": r"$\uparrow$", "↓": r"$\downarrow$",
    "·": r"$\cdot$", "–": "--", "…": r"\ldots{}", "µ": r"$\mu$", "×": r"$\times$", "²": "$^2$", "³": "$^3$", "°": r"$^\circ$",
    "α": r"$\alpha$", "β": r"$\beta$", "γ": r"$\gamma$", "δ": r"$\delta$", "ε": r"$\varepsilon$", "λ": r"$\lambda$", "μ": r"$\mu$",
    "σ": r"$\sigma$", "‘": "`", "’": "'", "“": "``", "”": "''",
}  # fmt: skip
_NUMBER = re.compile(r"[-+]?\d[\d.e± -]*")
LATEX_MARKS = {BETTER: r"\blacktriangle", WORSE: r"\blacktriangledown", NULL: r"\circ", UNDEFINED: r"\ddagger"}
PAGE_WIDTH = 88
"""Characters of the size of footnotes that fit the text of an article, gaps between columns included."""
PAGE_HEIGHT = 40
"""Rows that fit a page, with what stands above and below them."""
GAP = 2
_FIT = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"


def escape_latex(text: str) -> str:
    """Text without a character that LaTeX would obey; ligatures of hyphens in names are kept apart."""
    return "".join(_SPECIAL.get(char, char) for char in text).replace("++", "+{}+")


def split_to_page(table: PlainTable) -> list[PlainTable]:
    """The table in parts that are no wider than `PAGE_WIDTH` and no higher than `PAGE_HEIGHT`; each begins with the names of its rows."""
    widths = [max(len(_plain_text(row[k])) for row in table.rows) if table.rows else 0 for k in range(len(table.headers))]
    widths = [max(width, *map(len, _lines(header, width))) + GAP for header, width in zip(table.headers, widths, strict=True)]
    blocks: list[list[int]] = [[]]
    for column in range(1, len(table.headers)):
        if blocks[-1] and widths[0] + sum(widths[k] for k in [*blocks[-1], column]) > PAGE_WIDTH:
            blocks.append([])
        blocks[-1].append(column)
    starts = range(0, max(len(table.rows), 1), PAGE_HEIGHT)
    return [_cut_table(table, [0, *columns], slice(start, start + PAGE_HEIGHT)) for columns in blocks for start in starts]


def latex_table(table: PlainTable, caption: str, label: str, below: Sequence[str] = ()) -> str:
    """One ``table``; ``caption`` and the sentences ``below`` are LaTeX already."""
    widths = [max((len(_plain_text(row[k])) for row in table.rows), default=0) for k in range(len(table.headers))]
    heads = [_header(header, width) for header, width in zip(table.headers, widths, strict=True)]
    lines = [r"\begin{table}", r"\centering\footnotesize\setlength{\tabcolsep}{4pt}", rf"\caption{{{caption}}}", rf"\label{{{label}}}"]
    lines += [_FIT, rf"\begin{{tabular}}{{@{{}}l{'r' * (len(table.headers) - 1)}@{{}}}}"]
    lines += [r"\toprule", " & ".join(heads) + r" \\", r"\midrule"]
    for row, null in zip(table.rows, table.nulls, strict=True):
        lines.append(" & ".join(_cell(entry, null and k == 0) for k, entry in enumerate(row)) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}}"]
    if below:
        lines.append(r"\par\smallskip\scriptsize\raggedright " + ". ".join(below) + ".")
    return "\n".join([*lines, r"\end{table}"])


def _cut_table(table: PlainTable, columns: Sequence[int], rows: slice) -> PlainTable:
    chosen = [[row[k] for k in columns] for row in table.rows[rows]]
    return PlainTable(table.title, [table.headers[k] for k in columns], chosen, table.nulls[rows])


def _plain_text(entry: TableCell) -> str:
    """What a cell shows, for its width; what is raised is smaller."""
    notes = "†" + ",".join(map(str, entry.notes)) if entry.notes else ""
    return entry.text + (entry.marks + notes)[: (len(entry.marks + notes) + 1) // 2]


def _lines(header: str, width: int) -> list[str]:
    name, _, arrow = header.rpartition(" ") if header.endswith(("↑", "↓")) else (header, "", "")
    return wrap_header(name, width, arrow)


def _header(header: str, width: int) -> str:
    lines = [escape_latex(line) for line in _lines(header, width)]
    return lines[0] if len(lines) == 1 else r"\shortstack[r]{" + r" \\ ".join(lines) + "}"


def _cell(entry: TableCell, italic: bool) -> str:
    text = escape_latex(entry.text)
    if _NUMBER.fullmatch(entry.text):
        text = text.replace("-", "$-$")
    if entry.best:
        text = rf"\textbf{{{text}}}"
    elif italic:
        text = rf"\textit{{{text}}}"
    raised = "".join(LATEX_MARKS[mark] for mark in entry.marks)
    if entry.notes:
        raised += r"\dagger" + ",".join(map(str, entry.notes))
    return text + (f"$^{{{raised}}}$" if raised else "")
