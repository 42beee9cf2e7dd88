"""Facts of a run's components that only their cards hold: families of explainers, definitions of metrics."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.bibtex import plain_fields
from harness.leaderboard.bibliography import parse_citation
from harness.registry.card import Card
from harness.registry.errors import RegistryError
from harness.registry.registry import Registry
from harness.results.components import ComponentInfo, ExplainerInfo

OTHER_FAMILY, NULL_FAMILY = "other", "nulls"
_SECTION = re.compile(r"^(Args|Returns|Raises|Attributes|Yields|Example|Examples):\s*$", re.MULTILINE)
_SHAPE = re.compile(r"^\(B,\)\s*")
_LITERAL = re.compile(r"``([^`]*)``|`([^`]*)`")


@dataclass(frozen=True)
class ComponentText:
    """Description of a component by itself, as it is installed.

    Attributes:
        paragraphs: its description.
        returns: what it returns, with range and what is undefined.
        parameters: (name, value of the run, meaning).
        source: where it is from, one line for each publication, with a link if there is one.
        remark: that it is not the version that the run used, or not installed; empty if it is.
    """

    paragraphs: list[str]
    returns: str
    parameters: list[tuple[str, str, str]]
    source: list[tuple[str, str | None]]
    remark: str


def explainer_family(info: ExplainerInfo, registry: Registry) -> str:
    """The family that an explainer declares; nulls are one of their own."""
    if info.null or info.twin_of is not None:
        return NULL_FAMILY
    card = _find_card(registry, "explainers", info)
    return str((card.declaration.get("family") if card else None) or OTHER_FAMILY)


def component_text(kind: str, info: ComponentInfo, registry: Registry) -> ComponentText:
    """The text of a component as it is installed, with the parameters that the run gave it."""
    card = _find_card(registry, kind, info)
    doc = "" if card is None else card.doc
    meanings: Mapping[str, Any] = {} if card is None else card.parameters.get("properties", {})
    parameters = [
        (name, parameter_text(value), plain_text(meanings.get(name, {}).get("description", ""))) for name, value in info.params.items()
    ]
    if card is None:
        remark = "not installed here: what it says of itself is not known"
    elif info.version and card.version != info.version:
        remark = f"described as of version {card.version}; the run used {info.version}"
    else:
        remark = ""
    head, sections = _split_doc(doc)
    return ComponentText(
        head, _SHAPE.sub("", sections.get("Returns", "")), parameters, list(source_lines(info.cite, info.component)), remark
    )


def parameter_text(value: Any) -> str:
    """A parameter's value as a spec writes it; a nested component by its name and parameters."""
    if isinstance(value, dict) and isinstance(value.get("name"), str):
        inside = ", ".join(f"{name}={parameter_text(one)}" for name, one in (value.get("params") or {}).items())
        return str(value["name"]) + (f" ({inside})" if inside else "")
    if isinstance(value, dict):
        return ", ".join(f"{name}: {parameter_text(one)}" for name, one in value.items())
    if isinstance(value, list):
        return ", ".join(map(parameter_text, value))
    return {None: "null", True: "true", False: "false"}.get(value, str(value)) if value is None or isinstance(value, bool) else str(value)


def plain_text(text: str) -> str:
    """One paragraph of a docstring without its marks for literals."""
    return " ".join(_LITERAL.sub(lambda found: found[1] or found[2] or "", text).split())


def source_lines(cite: str | None, component: str) -> Iterator[tuple[str, str | None]]:
    """Each publication that a citation names, as words, with the address of its DOI or arXiv id."""
    for entry in parse_citation(cite or "", component):
        fields = plain_fields(entry)
        authors = [name.split(",")[0] for name in fields.get("author", "").split(" and ")]
        who = f"{authors[0]} et al." if len(authors) > 2 else " and ".join(authors)
        where = fields.get("journal") or fields.get("booktitle") or fields.get("publisher", "")
        words = ". ".join(filter(None, [f"{who} {fields.get('year', '')}".strip() if who else "", fields.get("title", ""), where]))
        identifier = fields.get("doi") or fields.get("eprint") or fields.get("url", "")
        yield words or fields.get("note") or identifier, _address(identifier)


def _address(text: str) -> str | None:
    """An ``https`` address of a DOI, an arXiv id or an address; None for other words."""
    doi = re.search(r"10\.\d{4,9}/[^\s\"<>]+", text)
    arxiv = re.search(r"(?<![\d.])\d{4}\.\d{4,5}(v\d+)?(?!\d)", text)
    if doi:
        return f"https://doi.org/{doi[0]}"
    if arxiv:
        return f"https://arxiv.org/abs/{arxiv[0]}"
    return text if re.fullmatch(r"https://[^\s\"'<>]+", text) else None


def _find_card(registry: Registry, kind: Any, info: ComponentInfo) -> Card | None:
    try:
        return registry.card(kind, f"{info.plugin}/{info.component}" if info.plugin else info.component)
    except RegistryError:
        return None


def _split_doc(doc: str) -> tuple[list[str], dict[str, str]]:
    """The paragraphs of a docstring, and its sections as one paragraph each."""
    pieces = _SECTION.split(doc)
    head = [plain_text(paragraph) for paragraph in re.split(r"\n\s*\n", pieces[0]) if paragraph.strip()]
    return head, {name: plain_text(text) for name, text in zip(pieces[1::2], pieces[2::2], strict=True)}
