"""A leaderboard in any format, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.analysis.ranking import Weighting
from harness.leaderboard.formats.csv_table import render_csv
from harness.leaderboard.formats.html_page import render_html_page
from harness.leaderboard.formats.latex import render_latex
from harness.leaderboard.formats.markdown import render_markdown
from harness.leaderboard.formats.meta_evaluation import (
    render_meta_csv,
    render_meta_html,
    render_meta_latex,
    render_meta_markdown,
    render_meta_terminal,
)
from harness.leaderboard.formats.terminal import render_terminal
from harness.leaderboard.formats.text_console import to_ascii
from harness.results.document import Leaderboard

FORMATS = ("terminal", "markdown", "latex", "html", "csv", "json")
ALIASES = {"md": "markdown", "tex": "latex"}
ExtraFormat = Callable[[Mapping[str, Any]], str]


class UnknownFormat(ValueError):
    """No format of that name is installed."""


def render_leaderboard(
    document: Leaderboard,
    format: str = "terminal",
    *,
    group: Weighting = "category",
    width: int = 100,
    color: bool = False,
    ascii_only: bool = False,
    extra_formats: Mapping[str, ExtraFormat] | None = None,
    meta: bool = False,
) -> str:
    """The leaderboard as text that ends with a newline.

    ``group``: whether ranks are averaged over categories (and metrics shown by category) or over all metrics alike. ``width``, ``color``
    (ANSI styles) and ``ascii_only`` (for a terminal that cannot show more) are the terminal's. ``extra_formats`` are those that plugins
    add: ``{name: function(the JSON of leaderboard.json) -> str}``. ``meta``: what is known of the metrics, in the place of the
    ranks (JSON and formats of plugins hold both). Raises `UnknownFormat`.
    """
    extra = extra_formats or {}
    format = format if format in extra else ALIASES.get(format, format)
    if format in extra:
        return extra[format](document.model_dump(mode="json"))
    if format == "terminal":
        text = render_meta_terminal(document, width, color) if meta else render_terminal(document, group, width, color)
        return to_ascii(text) if ascii_only else text
    if format == "markdown":
        return render_meta_markdown(document) if meta else render_markdown(document, group)
    if format == "latex":
        return render_meta_latex(document) if meta else render_latex(document, group)
    if format == "html":
        return render_meta_html(document) if meta else render_html_page(document, group)
    if format == "csv":
        return render_meta_csv(document) if meta else render_csv(document)
    if format == "json":
        return document.to_json()
    raise UnknownFormat(f"unknown format {format!r}; choose from {', '.join([*FORMATS, *sorted(extra)])}")
