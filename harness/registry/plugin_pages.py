"""Cards as ``harness plugins`` shows them: pages and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from harness.bibtex import plain_fields
from harness.registry.card import Card, singular
from harness.registry.docstrings import prose
from harness.registry.json_schema import describe_schema, format_value
from harness.registry.naming import join_words

EM_DASH = "—"
DECLARATION_FIELDS = (
    "version",
    "cite",
    "family",
    "signed",
    "complete",
    "null",
    "category",
    "direction",
    "bounds",
    "needs",
    "wants",
    "passes",
    "selection",
)


def plugins_json(cards: Iterable[Card]) -> str:
    """The cards as a JSON list."""
    return json.dumps([card.to_json() for card in cards], indent=2, ensure_ascii=False)


def format_origin(card: Card) -> str:
    """Distribution and version, and whether it is installed in place."""
    return " ".join(filter(None, [card.distribution, card.version, "(editable)" if card.editable and card.version else ""]))


def plugin_page(card: Card) -> RenderableType:
    """One component: what it is, its parameters as a table, what it declares, its source paper, where it comes from."""
    head = Text.assemble((card.name, "bold cyan"), f"  {singular(card.kind)}", (f"  {format_origin(card)}", "dim"))
    parts: list[RenderableType] = [head, Text("")]
    if card.error is not None:
        parts += [Text(f"broken: {card.error}", style="red"), Text("")]
    if card.doc:
        parts += [Text(prose(card.doc)), Text("")]
    if card.error is None:
        parts.append(parameters_table(card.parameters))
    parts.append(_facts_table(card))
    return Group(*parts)


def parameters_table(schema: Mapping[str, Any]) -> RenderableType:
    """Name, type with range or choices, default and meaning of every parameter."""
    properties = schema.get("properties", {})
    if not properties:
        return Text("It takes no parameters.\n")
    table = Table(title="parameters", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False, expand=True)
    table.add_column("name", no_wrap=True, style="cyan")
    defaults = {name: _format_default(inner["default"]) if "default" in inner else "required" for name, inner in properties.items()}
    longest = max(len(word) for default in defaults.values() for word in default.split() or [""])
    meanings = {name: str(inner["description"]) for name, inner in properties.items() if inner.get("description")}
    table.add_column("takes", ratio=2, overflow="fold")
    table.add_column("default", ratio=1, overflow="fold", min_width=min(18, longest))
    if meanings:
        table.add_column("meaning", ratio=3, overflow="fold")
    for name, inner in properties.items():
        row = [name, describe_schema(inner), defaults[name], *([meanings.get(name, "")] if meanings else [])]
        table.add_row(*map(escape, row))
    return table


def _format_default(value: Any) -> str:
    if isinstance(value, Mapping) and "use" in value:
        return str(value["use"]) + (f" {format_value(value['params'])}" if value.get("params") else "")
    if isinstance(value, list):
        return ", ".join(map(_format_default, value)) or "[]"
    if isinstance(value, Mapping) and value:
        return ", ".join(f"{key}: {_format_default(item)}" for key, item in value.items())
    return value if isinstance(value, str) and value else format_value(value)


def _facts_table(card: Card) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in _declared_facts(card):
        grid.add_row(name, escape(value))
    grid.add_row("from", escape(f"{card.distribution} {card.version}".strip() + f", {card.target}"))
    grid.add_row("plugin API", card.api or "not declared")
    return grid


def _declared_facts(card: Card) -> Iterator[tuple[str, str]]:
    for name in DECLARATION_FIELDS:
        value = card.declaration.get(name)
        if name == "cite" and value:
            yield "source", format_citation(value)
        elif name == "bounds" and value and value != [None, None]:
            yield name, f"{_format_bound(value[0], '-∞')} to {_format_bound(value[1], '∞')}"
        elif isinstance(value, list | tuple) and name != "bounds" and value:
            yield name, ", ".join(map(str, value))
        elif isinstance(value, bool) and value:
            yield name, "yes"
        elif isinstance(value, str | int | float) and not isinstance(value, bool) and name != "cite":
            yield name, str(value)
    for parameter, cases in card.declaration.get("by", {}).items():
        yield f"by {parameter}", _format_by_value(cases)


def _format_by_value(cases: Mapping[str, Mapping[str, Any]]) -> str:
    """What is declared for each value of a parameter, or, of many values, what differs between them."""
    if len(cases) > 3:
        return f"{', '.join(sorted({name for said in cases.values() for name in said}))} of its own for {join_words(cases)}"
    return "; ".join(f"{value}: {', '.join(_format_declared(name, said[name]) for name in said)}" for value, said in cases.items())


def _format_declared(name: str, value: Any) -> str:
    return f"{name} {_format_default(value)}" if value != [] else f"{name} nothing"


def _format_bound(value: float | None, infinite: str) -> str:
    return infinite if value is None else f"{value:g}"


def format_citation(cite: str) -> str:
    """A citation on one line: a DOI or arXiv id as a link, a BibTeX entry as author, year, title and where."""
    if cite.startswith("10."):
        return f"https://doi.org/{cite}"
    if cite.lower().startswith("arxiv:"):
        return f"https://arxiv.org/abs/{cite[6:].strip()}"
    if not cite.lstrip().startswith("@"):
        return cite
    fields = plain_fields(cite)
    author = fields.get("author", "").split(" and ")
    people = author[0].split(",")[0] + (" et al." if len(author) > 2 else f" and {author[1].split(',')[0]}" if len(author) == 2 else "")
    where = fields.get("journal") or fields.get("booktitle")
    link = (
        f"https://doi.org/{fields['doi']}" if "doi" in fields else f"arXiv:{fields['eprint']}" if "eprint" in fields else fields.get("url")
    )
    return ". ".join(filter(None, [f"{people} {fields.get('year', '')}".strip(), fields.get("title"), where, link]))
