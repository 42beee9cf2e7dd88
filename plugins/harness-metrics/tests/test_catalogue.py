"""The catalogue: what is declared is documented, and one spec runs all of it."""

from __future__ import annotations

import re
from pathlib import Path

from catalogue import DOCUMENT, made
from taxonomies import CO_12, VXAI, places

from tests.support.components import cards_of, metrics_of_spec

SPEC = Path(__file__).parents[3] / "specs" / "catalogue.yaml"


def test_the_document_is_of_what_is_declared():
    assert DOCUMENT.read_text() == made(), "run PYTHONPATH=. python plugins/harness-metrics/tests/catalogue.py"


def test_the_spec_has_every_metric_in_it():
    retraining = metrics_of_spec(SPEC.with_name("roar.yaml"))  # for each explainer, which the catalogue has not the time for
    assert metrics_of_spec(SPEC) | retraining == {card.name for card in cards_of("harness-metrics", "metrics")}


def test_every_metric_has_its_place_in_both_taxonomies():
    placed = places()
    assert set(placed) == {card.name for card in cards_of("harness-metrics", "metrics")}, "add it to taxonomies.py, or take it out"
    for words, position in ((CO_12, 0), (VXAI, 1)):
        named = {word for place in placed.values() for word in re.findall(r"[A-Z][a-z]+(?: complexity)?", place[position])}
        assert named <= set(words) and len(named) >= 5
