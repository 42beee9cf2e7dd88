"""The catalogue: what is declared is documented, and one spec runs all of it."""

from __future__ import annotations

from pathlib import Path

from catalogue import DOCUMENT, made

from harness.registry.registry import Registry
from harness.spec.load import load_spec

SPEC = Path(__file__).parents[3] / "specs" / "catalogue.yaml"


def test_the_document_is_of_what_is_declared():
    assert DOCUMENT.read_text() == made(), "run python plugins/harness-metrics/tests/catalogue.py"


def test_the_spec_has_every_metric_in_it():
    registry = Registry.discover()
    named = {recipe.name for recipe in load_spec(SPEC, registry).recipes.metrics}
    assert named == {card.name for card in registry.cards("metrics") if card.distribution == "harness-metrics"}
