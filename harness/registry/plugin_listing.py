"""The list that ``harness plugins list`` shows: components by kind, explainers by family, metrics by category, and what is broken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.api.declarations import Category, Family
from harness.registry.card import COMPONENT_KINDS, Card, singular
from harness.registry.plugin_pages import EM_DASH, format_origin
from harness.text_format import ARROWS

NARROW = 60
"""Columns below which a table's words would be broken, so that its cells stand below each other."""
SEVERAL = "several categories"
EITHER = "↕"
NULLS = "nulls"


def filter_cards(cards: Sequence[Card], words: Sequence[str]) -> list[Card]:
    """The cards that have every word somewhere in kind, family or category, name, distribution or summary; case does not matter."""

    def text(card: Card) -> str:
        return " ".join([card.kind, *card_groups(card), card.name, card.distribution, card.summary]).casefold()

    return [card for card in cards if all(word.casefold() in text(card) for word in words)]


def plugins_list(cards: Sequence[Card], problems: Sequence[str] = (), long: bool = False) -> RenderableType:
    """A line for each component under a title for every kind, family and category, or if it is ``long`` all of what it is and where from.

    What is broken, and why, comes last. Metrics have the direction of better scores before their names: ↑ higher, ↓ lower, ↕ if a
    parameter decides.
    """
    parts: list[RenderableType] = []
    for kind in COMPONENT_KINDS:
        working = [card for card in cards if card.kind == kind and card.error is None]
        for title, members in _titled_groups(kind, working):
            rows = [_row(card) for card in members]
            parts.append(_TitledTable(f"{title} ({len(members)})", ("name", "what it is", "from"), rows, compact=not long))
    broken = [card for card in cards if card.error is not None]
    if broken:
        parts.append(_TitledTable(f"broken ({len(broken)})", ("name", "why", "from"), [_broken_row(card) for card in broken], "bold red"))
    if problems:
        parts.append(Text("\n".join(problems), style="red"))
    return Group(*parts) if parts else Text("No components are installed: install a plugin, such as harness-cam.")


def card_groups(card: Card) -> set[str]:
    """The families or categories that a component declares, whatever its parameters; of a null explainer that it is one."""
    if card.kind == "explainers" and card.declaration.get("null"):
        return {NULLS}
    return _declared_values(card, "family" if card.kind == "explainers" else "category")


def _titled_groups(kind: str, cards: Sequence[Card]) -> Iterator[tuple[str, list[Card]]]:
    """The cards of a kind by family or category; those that declare none first, under the kind alone."""
    found: dict[str, list[Card]] = {group: [] for group in ("", *get_args(Family), NULLS, *get_args(Category), SEVERAL)}
    for card in cards:
        groups = card_groups(card)
        found[groups.pop() if len(groups) == 1 else SEVERAL if groups else ""].append(card)
    yield from ((f"{kind}: {group}" if group else kind, members) for group, members in found.items() if members)


def _declared_values(card: Card, field: str) -> set[str]:
    """All values that a field of its declaration has, whatever its parameters."""
    cases = [said for values in card.declaration.get("by", {}).values() for said in values.values()]
    return {said[field] for said in [card.declaration, *cases] if said.get(field)}


def _row(card: Card) -> tuple[str, str, str]:
    directions = _declared_values(card, "direction")
    arrow = ARROWS[directions.pop()] if len(directions) == 1 else EITHER if directions else ""
    return f"{arrow} {card.name}".strip(), card.summary or EM_DASH, format_origin(card)


def _broken_row(card: Card) -> tuple[str, str, str]:
    return f"{singular(card.kind)} {card.name}", (card.error or "").splitlines()[0], format_origin(card)


@dataclass(frozen=True)
class _TitledTable:
    """Rows of three cells under a title; a compact one has a line for each and leaves the third out."""

    title: str
    columns: tuple[str, str, str]
    rows: Iterable[tuple[str, str, str]]
    style: str = "bold"
    compact: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if options.max_width < NARROW:
            yield from self._stack()
            return
        looks: Any = {"box": None, "show_header": False} if self.compact else {"box": box.SIMPLE_HEAD}
        table = Table(title=self.title, title_justify="left", title_style=self.style, pad_edge=False, expand=True, **looks)
        if self.compact:  # what has no room is cut
            table.add_column(style="cyan", max_width=36, no_wrap=True)
            table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        else:
            table.add_column(self.columns[0], style="cyan", min_width=12, max_width=36, overflow="fold")
            table.add_column(self.columns[1], ratio=1, overflow="fold")
            table.add_column(self.columns[2], max_width=20, overflow="fold", style="dim")
        for row in self.rows:
            table.add_row(*map(escape, row[: len(table.columns)]))
        yield table
        if self.compact:
            yield Text("")

    def _stack(self) -> Iterator[RenderableType]:
        yield Text(self.title, style=self.style)
        for name, what, origin in self.rows:
            yield Text(name, style="cyan", overflow="fold")
            yield Padding(Text.assemble(what, "\n", (origin, "dim"), overflow="fold"), (0, 0, 0, 2))
        yield Text("")
