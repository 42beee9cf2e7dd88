"""Prose as plain text, Markdown or LaTeX: how names, citations and headings are written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.bibtex import plain_fields
from harness.leaderboard.bibliography import Source
from harness.leaderboard.formats.latex import escape_latex
from harness.leaderboard.formats.markdown import escape_markdown
from harness.leaderboard.number_format import printable

ProseFormat = Literal["text", "markdown", "latex"]


@dataclass(frozen=True)
class ProseStyle:
    """One way of writing.

    Attributes:
        format: which.
        sources: by the component that cites them.
    """

    format: ProseFormat
    sources: Mapping[str, Sequence[Source]]

    @classmethod
    def of(cls, format: ProseFormat, sources: Sequence[Source]) -> ProseStyle:
        """The style that knows these sources."""
        by_user: dict[str, list[Source]] = {}
        for source in sources:
            for user in source.users:
                by_user.setdefault(user, []).append(source)
        return cls(format, by_user)

    @property
    def percent(self) -> str:
        """The sign."""
        return r"\%" if self.format == "latex" else "%"

    def words(self, text: str) -> str:
        """Text of which no character is obeyed."""
        shown = printable(text)
        return escape_latex(shown) if self.format == "latex" else escape_markdown(shown) if self.format == "markdown" else shown

    def name(self, text: str) -> str:
        """A name that one types."""
        shown = printable(text)
        if self.format == "latex":
            return rf"\texttt{{{escape_latex(shown)}}}"
        return shown if self.format == "text" or "`" in shown else f"`{shown}`"

    def cited(self, component: str) -> str:
        """The sources that a component cites, behind a space; nothing without any."""
        sources = self.sources.get(component, ())
        if not sources:
            return ""
        if self.format == "latex":
            return rf"~\cite{{{','.join(source.key for source in sources)}}}"
        return f" ({self.words('; '.join(map(_author_and_year, sources)))})"

    def heading(self, text: str) -> str:
        """A paragraph's name, at its beginning."""
        return {"latex": rf"\paragraph{{{text}.}} ", "markdown": f"**{text}.** ", "text": f"{text}. "}[self.format]

    def bullets(self, lines: Sequence[str]) -> str:
        """Lines of a list."""
        if self.format == "latex":
            return "\n".join([r"\begin{itemize}", *(rf"\item {line}" for line in lines), r"\end{itemize}"])
        return "\n".join(f"- {line}" for line in lines)


def _author_and_year(source: Source) -> str:
    """``Selvaraju et al. 2017``; the title where nobody is named."""
    fields = plain_fields(source.entry)
    people = re.split(r"\s+and\s+", fields.get("author", fields.get("editor", "")))
    names = [name.partition(",")[0].strip() for name in people if name.strip()]  # of ``Family, Given``, or of a body
    who = {0: fields.get("title", source.key), 1: names[0] if names else "", 2: " and ".join(names)}
    return f"{who.get(len(names)) or f'{names[0]} et al.'} {fields.get('year', 'n.d.')}"
