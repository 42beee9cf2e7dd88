"""The catalogue: what is declared is documented, and one spec runs all of it."""

from __future__ import annotations

from pathlib import Path

from catalogue import DOCUMENT, made

from tests.support.components import cards_of, metrics_of_spec

SPEC = Path(__file__).parents[3] / "specs" / "catalogue.yaml"


def test_the_document_is_of_what_is_declared():
    assert DOCUMENT.read_text() == made(), "run PYTHONPATH=. python plugins/harness-metrics/tests/catalogue.py"


def test_the_spec_has_every_metric_in_it():
    assert metrics_of_spec(SPEC) == {card.name for card in cards_of("harness-metrics", "metrics")}
