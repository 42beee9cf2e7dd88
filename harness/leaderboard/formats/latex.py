"""The leaderboard as LaTeX tables (packages booktabs, amssymb and graphicx)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.leaderboard.formats.text_grid import wrap_header
from harness.leaderboard.sections.all_sections import View, leaderboard_sections
from harness.leaderboard.sections.section import (
    BETTER,
    INCOMPLETE,
    MIXED,
    NOT_COUNTED,
    NULL,
    UNDEFINED,
    WORSE,
    Column,
    LegendItem,
    Section,
    Table,
    TableCell,
)
from harness.results.document import Leaderboard

PREAMBLE = r"""% \usepackage{booktabs,amssymb,graphicx}
% Tables fit the text of a page; in two columns write table* for table."""
MARKS = {
    BETTER: r"\blacktriangle",
    WORSE: r"\blacktriangledown",
    MIXED: r"\blacklozenge",
    NOT_COUNTED: r"\times",
    NULL: r"\circ",
    UNDEFINED: r"\ddagger",
    INCOMPLETE: r"\dagger",
}
PAGE_WIDTH = 88
"""Characters of the size of footnotes that fit the text of an article, gaps between columns included."""
PAGE_HEIGHT = 40
"""Rows that fit a page, with what stands above and below them."""
GAP = 2
_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    '"': r"\textquotedblright{}", "[": "{[}", "]": "{]}", "±": r"$\pm$", "↑": r"$\uparrow$", "↓": r"$\downarrow$",
    "·": r"$\cdot$", "–": "--", "…": r"\ldots{}", "µ": r"$\mu$", "×": r"$\times$", "²": "$^2$", "³": "$^3$", "°": r"$^\circ$",
    "α": r"$\alpha$", "β": r"$\beta$", "γ": r"$\gamma$", "δ": r"$\delta$", "ε": r"$\varepsilon$", "λ": r"$\lambda$", "μ": r"$\mu$",
    "σ": r"$\sigma$", "‘": "`", "’": "'", "“": "``", "”": "''",
}  # fmt: skip
_NUMBER = re.compile(r"[-+]?\d[\d.e± -]*")
_FIT = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"


def render_latex(document: Leaderboard, view: View) -> str:
    """Tables no wider than a page's text, each with its marks explained below it, and labels that begin with the run's name."""
    run = re.sub(r"[^a-z0-9]+", "-", str(document.run.get("name", "")).lower()).strip("-") or "run"
    parts = [part for section in leaderboard_sections(document, view) for part in _section(section, f"tab:{run}-{section.slug}")]
    return "\n\n".join([PREAMBLE, *parts]) + "\n"


def escape_latex(text: str) -> str:
    """Text without a character that LaTeX would obey; ligatures of hyphens in names are kept apart."""
    return "".join(_SPECIAL.get(char, char) for char in text).replace("++", "+{}+")


def _section(section: Section, label: str) -> Iterator[str]:
    name = escape_latex(section.title)
    if section.cause is not None:
        yield rf"\noindent {name}: {escape_latex(section.cause)}."
        return
    if section.notes:
        yield rf"\noindent {name}, notes: {escape_latex('; '.join(section.notes))}."
    for table in section.titled_tables:
        caption = escape_latex(table.caption or f"{section.title}: {table.title}")
        blocks = split_to_page(table)
        for k, block in enumerate(blocks, start=1):
            more = f" ({k} of {len(blocks)})" if len(blocks) > 1 else ""
            ends = [part for part in (table.slug, str(k) if k > 1 else "") if part]
            below = [*_styles(block), *(_legend_line(item) for item in section.legend([block]) if item.kind != "style")]
            yield _table(block, f"{caption}{more}.", "-".join([label, *ends]), below)


def _styles(block: Table) -> Iterator[str]:
    if block.bold and any(cell.best for column in block.columns for cell in column.cells):
        yield rf"\textbf{{Bold}}: {block.bold}"
    if any(block.nulls):
        yield r"\textit{Italic}: null explainers, which the others have to beat"


def _legend_line(item: LegendItem) -> str:
    meaning = escape_latex(item.meaning)
    if item.kind == "example":
        return meaning
    raised = MARKS.get(item.mark) or item.mark.replace("†", r"\dagger")
    shown = rf"$^{{{raised}}}$" if item.mark in MARKS or item.kind == "note" else escape_latex(item.mark)
    return f"{shown}: {meaning}" if item.kind == "term" else rf"{shown}\,{meaning}"


def split_to_page(table: Table) -> list[Table]:
    """The table in parts that are no wider than `PAGE_WIDTH` and no higher than `PAGE_HEIGHT`; each begins with the names of its rows."""
    widths = [_width(column) for column in table.columns]
    widths = [
        max(width, *map(len, wrap_header(_name(column), width, column.arrow))) + GAP
        for column, width in zip(table.columns, widths, strict=True)
    ]
    blocks: list[list[int]] = [[]]
    for column in range(table.names, len(table.columns)):
        if blocks[-1] and sum(widths[k] for k in [*range(table.names), *blocks[-1], column]) > PAGE_WIDTH:
            blocks.append([])
        blocks[-1].append(column)
    starts = range(0, max(len(table.nulls), 1), PAGE_HEIGHT)
    return [table.cut([*range(table.names), *columns], slice(start, start + PAGE_HEIGHT)) for columns in blocks for start in starts]


def _width(column: Column) -> int:
    """Characters of the widest cell; what is raised is smaller."""
    return max((len(cell.words) + (len(cell.other_marks + cell.dagger) + 1) // 2 for cell in column.cells), default=0)


def _name(column: Column) -> str:
    return column.alone or column.header


def _table(table: Table, caption: str, label: str, below: list[str]) -> str:
    """One ``table``; ``caption`` and the sentences ``below`` are LaTeX already."""
    lines = [r"\begin{table}", r"\centering\footnotesize\setlength{\tabcolsep}{4pt}", rf"\caption{{{caption}}}", rf"\label{{{label}}}"]
    marked = [k >= table.names and any(_raised(cell) for cell in column.cells) for k, column in enumerate(table.columns)]
    kinds = ["l"] * table.names + ["r@{}l" if apart else "r" for apart in marked[table.names :]]
    lines += [_FIT, rf"\begin{{tabular}}{{@{{}}{''.join(kinds)}@{{}}}}"]
    lines += [r"\toprule", " & ".join(map(_header, table.columns, marked)) + r" \\", r"\midrule"]
    for row, null in zip(table.rows, table.nulls, strict=True):
        lines.append(" & ".join(_cell(cell, null and k == 0, marked[k]) for k, cell in enumerate(row)) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}}"]
    if below:
        lines.append(r"\par\smallskip\scriptsize\raggedright " + ". ".join(below) + ".")
    return "\n".join([*lines, r"\end{table}"])


def _header(column: Column, marked: bool) -> str:
    """The header of a column; one with marks is two columns in LaTeX, so that numbers stand under one another."""
    lines = [escape_latex(line) for line in wrap_header(_name(column), _width(column), column.arrow)]
    shown = lines[0] if len(lines) == 1 else r"\shortstack[r]{" + r" \\ ".join(lines) + "}"
    return rf"\multicolumn{{2}}{{r}}{{{shown}}}" if marked else shown


def _cell(cell: TableCell, italic: bool, marked: bool) -> str:
    text = escape_latex(cell.words)
    if _NUMBER.fullmatch(cell.words):
        text = text.replace("-", "$-$")
    if cell.best:
        text = rf"\textbf{{{text}}}"
    elif italic:
        text = rf"\textit{{{text}}}"
    return f"{text} & {_raised(cell)}".rstrip() if marked else text + _raised(cell)


def _raised(cell: TableCell) -> str:
    """The marks and footnotes of a cell, empty where it has none."""
    raised = "".join(MARKS[mark] for mark in cell.other_marks) + cell.dagger.replace("†", r"\dagger")
    return f"$^{{{raised}}}$" if raised else ""
