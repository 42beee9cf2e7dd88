"""A leaderboard in any format, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.leaderboard.formats.csv_table import render_csv
from harness.leaderboard.formats.html_page import render_html_page
from harness.leaderboard.formats.latex import render_latex
from harness.leaderboard.formats.markdown import render_markdown
from harness.leaderboard.formats.terminal import render_terminal
from harness.leaderboard.sections.all_sections import View
from harness.results.data_model import Weighting
from harness.results.document import Leaderboard
from harness.user_errors import UserError

ExtraFormat = Callable[[Mapping[str, Any]], str]


class UnknownFormat(UserError):
    """No format of that name is installed."""


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        name: also what chooses it.
        suffix: of the file that a run writes, and another name of it; None if a run writes none.
        render: the document as text that ends with a newline.
        shows_metrics: whether there is a text of its own on what is known of metrics.
    """

    name: str
    suffix: str | None
    render: Callable[[Leaderboard, View], str]
    shows_metrics: bool = True


FORMATS = {
    made.name: made
    for made in (
        Format("terminal", None, render_terminal),
        Format("markdown", "md", render_markdown),
        Format("latex", "tex", render_latex),
        Format("html", "html", render_html_page),
        Format("csv", "csv", render_csv),
        Format("json", None, lambda document, view: document.to_json(), shows_metrics=False),
    )
}


def formats_with(extra: Iterable[Mapping[str, ExtraFormat]]) -> dict[str, Format]:
    """All formats by name: the harness's, and those that each plugin adds: functions of the JSON of ``leaderboard.json``."""
    added = (Format(name, name, _from_json(make), shows_metrics=False) for formats in extra for name, make in formats.items())
    return {**FORMATS, **{made.name: made for made in added}}


def _from_json(make: ExtraFormat) -> Callable[[Leaderboard, View], str]:
    return lambda document, view: make(document.model_dump(mode="json"))


def render_leaderboard(
    document: Leaderboard,
    format: str = "terminal",
    *,
    group: Weighting = "category",
    width: int = 100,
    color: bool = False,
    ascii_only: bool = False,
    extra_formats: Iterable[Mapping[str, ExtraFormat]] = (),
    meta: bool = False,
    pairs: bool = False,
    published: bool = False,
    models: bool = False,
    levels: bool = False,
) -> str:
    """The leaderboard as text that ends with a newline; ``format`` is a name or a suffix, the rest is explained at `View`.

    Formats without a text on metrics hold everything. Raises `UnknownFormat`.
    """
    formats = formats_with(extra_formats)
    found = formats.get(format) or next((made for made in formats.values() if made.suffix == format), None)
    if found is None:
        raise UnknownFormat(f"unknown format {format!r}; choose from {', '.join(formats)}")
    return found.render(document, View(group, meta, pairs, published, models, levels, width, color, ascii_only))
