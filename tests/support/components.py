"""Installed components, as tests of plugins ask about them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.api.declarations import Kind
from harness.bibtex import plain_fields
from harness.registry.card import Card
from harness.registry.errors import ReferenceProblems
from harness.registry.registry import Registry
from harness.registry.resolve import resolve
from harness.spec.load import load_spec

__all__ = ["cards_of", "declaration_of", "metrics_of_spec", "plain_fields", "problems_of"]


def cards_of(distribution: str, kind: Kind) -> list[Card]:
    """What is known of the components of a kind that a distribution ships."""
    return [card for card in Registry.discover().cards(kind) if card.distribution == distribution]


def declaration_of(kind: Kind, name: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a component declares with these parameters."""
    return Registry.discover().declaration(kind, name, params)


def problems_of(kind: Kind, reference: Mapping[str, Any]) -> list[tuple[tuple[str | int, ...], str]]:
    """What is wrong with a reference: where, and in words."""
    try:
        resolve(Registry.discover(), kind, reference)
    except ReferenceProblems as error:
        return [(tuple(problem.at), problem.message) for problem in error.problems]
    return []


def metrics_of_spec(spec: Path) -> set[str]:
    """The names of the metrics in a spec."""
    return {recipe.name for recipe in load_spec(spec, Registry.discover()).recipes.metrics}
