"""A section of plain text and tables, as the builders make it and the formats draw it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.results.document import Skill
from harness.results.levels_document import LevelScores

BEST, BETTER, WORSE, MIXED, NULL, UNDEFINED, INCOMPLETE, NOT_COUNTED = "*", "▲", "▼", "◆", "°", "‡", "†", "×"
Tone = Literal["", "strong", "warning", "problem", "faint", "absent", "gone", "new"]


@dataclass(frozen=True)
class TableCell:
    """One cell of a table.

    Attributes:
        text: what it says.
        half: half the width of the interval of a mean, after ±; a dash where a mean has none.
        best: it is the best of its column.
        marks: one character each, explained by the legend; `BEST` is for formats that cannot write in bold.
        notes: numbers of footnotes.
        tone: how a terminal colours it; what is absent it leaves out.
    """

    text: str
    half: str = ""
    best: bool = False
    marks: str = ""
    notes: tuple[int, ...] = ()
    tone: Tone = ""

    @property
    def words(self) -> str:
        """Text and interval in one."""
        return f"{self.text} {self.half.replace('±', '± ')}" if self.half else self.text

    @property
    def other_marks(self) -> str:
        """The marks of a format in which the best is bold."""
        return self.marks.replace(BEST, "")

    @property
    def dagger(self) -> str:
        """The numbers of the footnotes as they stand in text."""
        return "†" + ",".join(map(str, self.notes)) if self.notes else ""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        header: its name.
        arrow: behind the name: which direction is better.
        section: a heading that neighbours share.
        alone: the name where no section is drawn, if that is another.
        last: it stands behind the others in a table that is drawn in blocks.
        key: the label of the metric whose scores it shows.
    """

    header: str
    cells: Sequence[TableCell]
    arrow: str = ""
    align: Literal["left", "right"] = "right"
    section: str | None = None
    alone: str = ""
    last: bool = False
    key: str | None = None

    @property
    def title(self) -> str:
        """Name and arrow in one."""
        return f"{self.alone or self.header} {self.arrow}".rstrip()


@dataclass(frozen=True)
class Table:
    """A table: its columns, of which the first names the rows (or the first few do), and which rows are nulls.

    Attributes:
        title: a heading over it, if it has one.
        slug: what ends its label in LaTeX.
        caption: what stands over it where tables float; the titles of section and table where that is empty.
        bold: what the best of a column are; empty where the legend says it.
        positions: of the rows, 1 for the first.
        estimates: of each row, in [0, 1], with intervals that can be drawn behind the first two columns.
        needs_title: its columns do not say what they are of, so that even a terminal has its title.
        names: how many columns name the rows.
        boxes: of each row, box plots that can be drawn behind its names.
    """

    columns: Sequence[Column]
    nulls: Sequence[bool]
    title: str = ""
    slug: str = ""
    caption: str = ""
    bold: str = "best of the column, nulls aside"
    positions: Sequence[str] = ()
    estimates: Sequence[Skill] = ()
    needs_title: bool = False
    names: int = 1
    boxes: Sequence[LevelScores] = ()

    @property
    def headers(self) -> list[str]:
        """Headers of the columns."""
        return [column.title for column in self.columns]

    @property
    def rows(self) -> list[tuple[TableCell, ...]]:
        """The cells row by row."""
        return list(zip(*(column.cells for column in self.columns), strict=True))

    def by_section(self) -> list[Table]:
        """One table for each section, under its name, if all columns are in one; else the table as it is."""
        names = list(dict.fromkeys(column.section for column in self.columns[self.names :]))
        return [
            self if name is None else self._part(name, f"{self.slug}-{number}")
            for number, name in enumerate(names if None not in names else [None], start=1)
        ]

    def _part(self, name: str, slug: str) -> Table:
        return replace(self, columns=self._section(name), title=name[:1].upper() + name[1:], slug=slug)

    def _section(self, name: str) -> list[Column]:
        return [*self.columns[: self.names], *(column for column in self.columns[self.names :] if column.section == name)]

    def cut(self, columns: Sequence[int], rows: slice) -> Table:
        """A part of it; estimates, boxes and positions are left out."""
        chosen = [replace(self.columns[k], cells=self.columns[k].cells[rows]) for k in columns]
        return replace(self, columns=chosen, nulls=self.nulls[rows], positions=(), estimates=(), boxes=())


@dataclass(frozen=True)
class LegendItem:
    """One line of a legend.

    ``kind``: a *term* is followed by a colon, a *mark* stands raised behind what it marks, a *note* is a footnote by number, a *style* is
    "best" or "null" and written by each format in its own way, an *example* shows what is meant, which is clear without it.
    """

    mark: str
    meaning: str
    kind: Literal["term", "mark", "note", "style", "example"] = "mark"


def no_legend(tables: Sequence[Table]) -> Iterator[LegendItem]:
    """The legend of tables without marks."""
    yield from ()


@dataclass(frozen=True)
class Section:
    """One part of a leaderboard.

    Attributes:
        slug: what begins the labels of its tables in LaTeX, behind the run's name.
        facts: what the numbers rest on.
        notes: what a reader must know before anything else.
        lines: in pieces, each with its tone.
        cause: why it has no tables.
        legend: what explains the tables that are given: those of the section, or a part of one.
    """

    title: str
    slug: str = ""
    facts: Sequence[str] = ()
    notes: Sequence[str] = ()
    lines: Sequence[Sequence[tuple[str, Tone]]] = ()
    cause: str | None = None
    tables: Sequence[Table] = ()
    legend: Callable[[Sequence[Table]], Iterable[LegendItem]] = no_legend

    @property
    def titled_tables(self) -> list[Table]:
        """The tables for a format that has headings: scores by category."""
        return [part for table in self.tables for part in table.by_section()]
