"""Every component that this repository ships keeps every rule."""

from __future__ import annotations

import pytest

from harness.conformance.pytest import BoundCheck, parametrize_with_checks
from harness.registry.registry import Registry
from tests.support.shipped import PARAMS, kinds, names

EXPECTED_FAILURES: dict[str, dict[str, str]] = {}


@pytest.mark.slow
@parametrize_with_checks(names(), params=PARAMS, expected_failures=EXPECTED_FAILURES)
def test_conformance(check: BoundCheck) -> None:
    check()


def test_every_parameter_of_every_component_says_what_it_does() -> None:
    cards = [card for card in Registry.discover().cards() if card.qualified in names()]
    silent = {
        card.qualified: lacking
        for card in cards
        if (lacking := [name for name, schema in card.parameters.get("properties", {}).items() if not schema.get("description")])
    }
    assert len(cards) == len(names()) and silent == {}


def test_every_kind_is_shipped_and_every_parameter_is_for_a_shipped_component() -> None:
    assert kinds() >= {"datasets", "models", "explainers", "metrics"}
    assert {*PARAMS, *EXPECTED_FAILURES} <= set(names())
