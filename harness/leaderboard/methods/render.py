"""Account of how a run evaluated, as text, Markdown or LaTeX, with the checklist."""

from __future__ import annotations

from harness.leaderboard.bibliography import collect_sources
from harness.leaderboard.build import build_leaderboard
from harness.leaderboard.methods.checklist import ChecklistItem, checklist
from harness.leaderboard.methods.methods_text import methods_paragraphs
from harness.leaderboard.methods.prose_style import ProseFormat, ProseStyle
from harness.results.data_model import Results

MARKS = {"text": ("[x]", "[ ]"), "markdown": ("[x]", "[ ]"), "latex": (r"$\boxtimes$", r"$\square$")}


def render_methods(results: Results, format: ProseFormat, *, with_checklist: bool = True) -> str:
    """Paragraphs for the section on methods, and the questions of a reviewer; ends with a newline."""
    document, style = build_leaderboard(results), ProseStyle.of(format, collect_sources(results))
    parts = methods_paragraphs(results, document, style)
    if format == "latex":
        parts = [r"% \usepackage{amssymb}; the sources: harness cite RUN > sources.bib", *parts]
    if with_checklist:
        lines = [_line(item, style) for item in checklist(results, document)]
        parts += [style.heading("Checklist").rstrip(), style.bullets(lines)]
    return "\n\n".join(parts) + "\n"


def _line(item: ChecklistItem, style: ProseStyle) -> str:
    return f"{MARKS[style.format][not item.answered]} {style.words(item.question)} {style.words(item.said)}"
