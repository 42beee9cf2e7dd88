"""Variation of a component's parameters, one at a time, to values that its schema allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.conformance.component_under_test import ComponentUnderTest
from harness.registry.errors import ReferenceProblems


def iter_variations(tested: ComponentUnderTest) -> Iterator[tuple[str, list[Any]]]:
    """Each parameter with the other values that are tried in its place, in turn; of those that are names or lists there are none."""
    for name, schema in tested.card.parameters.get("properties", {}).items():
        allowed = [value for value in _other_values(schema, tested.recipe.params.get(name)) if _is_allowed(tested, name, value)]
        if allowed:
            yield name, allowed


def _other_values(schema: Mapping[str, Any], value: Any) -> Iterator[Any]:
    if "anyOf" in schema:
        for branch in schema["anyOf"]:
            yield from _other_values(branch, value)
        return
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else 1
    of_type: dict[Any, list[Any]] = {
        "boolean": [not value],
        "integer": [int(number) + 1, int(number) - 1, 3 * int(number)],
        "number": [1.25 * number, 0.8 * number, number + 0.125],
        "null": [None],
    }
    chosen = schema.get("enum", [schema["const"]] if "const" in schema else of_type.get(schema.get("type"), []))
    yield from (other for other in chosen if other != value)


def _is_allowed(tested: ComponentUnderTest, name: str, value: Any) -> bool:
    try:
        tested.recipe_with(**{name: value})
    except ReferenceProblems:
        return False
    return True
