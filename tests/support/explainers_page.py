"""``docs/explainers.md``, made from what is installed; ``python -m tests.support.explainers_page`` writes it again."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

import harness
from harness.api.declarations import DECLARATION_ATTRIBUTE, Family
from harness.bibtex import plain_fields
from harness.conformance import networks
from harness.registry.binding import declared_passes
from harness.registry.card import Card
from harness.registry.plugin_listing import NULLS, card_groups
from harness.registry.registry import Registry
from tests.support.shipped import ROOT, names

PAGE = ROOT / "docs" / "explainers.md"
HEAD = """# Explainers

Made by `python -m tests.support.explainers_page` from what the packages of this repository declare; a test holds the two together.
`harness plugins show NAME` says what each does, and its parameters.

- **passes** are forward-equivalents per image at the default parameters: a forward pass is 1, forward and backward are 2; where windows are
  counted, at 224 px. A dash: they depend on other explainers or on the image.
- **signed**: negative values are evidence against the target. **sums to**: ✓ if the map promises to sum to the target's logit, to its
  difference from a reference, or to the relevance that was put in; the error is measured for every sample.
- **CNN**, **ViT**, **linear**: ✓ if it runs on a small convolutional network with ReLU, a small transformer, a linear model. Why not is
  said by `harness plan`, and of VGG, ResNet, … MaxViT by [families.md](families.md).
- **held to** names the files of tests that call it, beside the conformance suite, which every explainer passes.

All that run on a convolutional network, on one digit (`digits-cnn`) and on one lesion (`lesions-vgg`), drawn by
`python -m tests.support.contact_sheet`: [explainers-digit.png](explainers-digit.png), [explainers-lesion.png](explainers-lesion.png).
"""
COLUMNS = ("explainer", "what it is", "source", "passes", "signed", "sums to", "needs", "CNN", "ViT", "linear", "held to")


def explainers_page() -> str:
    """The page, as it should be."""
    shipped = set(names("explainers"))
    groups: dict[str, list[Card]] = {group: [] for group in (*get_args(Family), NULLS)}
    for card in Registry.discover().cards("explainers"):
        if card.qualified in shipped:
            (group,) = card_groups(card)
            groups[group].append(card)
    parts = [HEAD]
    for group, cards in groups.items():
        if not cards:
            continue
        rows = [_row(card) for card in sorted(cards, key=lambda card: card.name)]
        parts.append(f"## {group[0].upper()}{group[1:]}\n\n" + "\n".join(_table(rows)) + "\n")
    return "\n".join(parts)


def _table(rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield "| " + " | ".join(COLUMNS) + " |"
    yield "| " + " | ".join("---" for _ in COLUMNS) + " |"
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


def _row(card: Card) -> Iterator[str]:
    declared, bound = card.declaration, harness.explainer(card.qualified)
    yield f"`{card.name}`"
    yield card.summary.rstrip(".")
    yield _source(declared.get("cite") or "")
    passes = _passes(bound)
    yield "–" if passes is None else f"{passes:g}"
    yield "✓" if declared["signed"] else ""
    yield "✓" if declared["complete"] else ""
    yield ", ".join([*declared["needs"], *(f"({wanted})" for wanted in declared["wants"])])
    for name in networks.NAMES:
        yield "✓" if _runs_on(bound, name) else "–"
    yield ", ".join(f"[{path.stem.removeprefix('test_')}](../{path.relative_to(ROOT)})" for path in sorted(_tests_of(card)))


def _source(cite: str) -> str:
    """Names and year with a link; nothing for what has no source."""
    fields = plain_fields(cite)
    if not fields:
        return ""
    families = [author.split(",")[0] for author in fields.get("author", "").split(" and ")]
    who = families[0] + (" et al." if len(families) > 2 else f" and {families[1]}" if len(families) == 2 else "")
    links = {"doi": "https://doi.org/", "eprint": "https://arxiv.org/abs/", "url": ""}
    link = next((prefix + fields[name] for name, prefix in links.items() if name in fields), None)
    said = f"{who} {fields.get('year', '')}".strip()
    return f"[{said}]({link})" if link else said


def _passes(bound: Any) -> float | None:
    component = bound.components.factory.component(bound.recipe)
    return declared_passes(getattr(component, DECLARATION_ATTRIBUTE), bound.recipe.params)


def _runs_on(bound: Any, network: str) -> bool:
    try:
        bound.require_applicable(networks.make_network(network))
    except ValueError:
        return False
    return True


def _tests_of(card: Card) -> Iterator[Path]:
    """Files of the plugin's tests that import the component from its module, or the module."""
    module, _, attribute = card.target.partition(":")
    for path, imported in _imports_of_tests(card.distribution).items():
        if (module, attribute) in imported or (module, "*") in imported:
            yield path


@cache
def _imports_of_tests(distribution: str) -> dict[Path, set[tuple[str, str]]]:
    """By file what its tests import: pairs of module and name."""
    found: dict[Path, set[tuple[str, str]]] = {}
    for path in (ROOT / "plugins" / distribution / "tests").glob("test_*.py"):
        nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom) and node.module]
        found[path] = {(str(node.module), alias.name) for node in nodes for alias in node.names}
        found[path] |= {(f"{node.module}.{alias.name}", "*") for node in nodes for alias in node.names}
    return found


if __name__ == "__main__":
    PAGE.write_text(explainers_page())
