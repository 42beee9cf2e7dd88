from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.registry.canonical_json import canonical_json, json_digest
from harness.registry.json_schema import coerce_numbers

SCALARS = (
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4), max_leaves=12
)


@given(JSON)
def test_canonical_json_says_the_same(value: object) -> None:
    assert json.loads(canonical_json(value)) == json.loads(json.dumps(value))


@given(st.dictionaries(st.text(max_size=4), JSON, max_size=5))
def test_the_order_of_keys_does_not_count(value: dict[str, object]) -> None:
    assert json_digest(dict(reversed(value.items()))) == json_digest(value)


def test_known_text() -> None:
    assert canonical_json({"b": (1, 2.0, -0.0), "a": "é"}) == '{"a":"é","b":[1,2.0,0.0]}'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [float("-inf")]}])
def test_what_is_not_finite_has_no_digest(value: object) -> None:
    with pytest.raises(ValueError, match="JSON"):
        json_digest(value)


NUMBER, INTEGER = {"type": "number"}, {"type": "integer"}


@pytest.mark.parametrize(
    ("value", "schema", "expected"),
    [
        (1, NUMBER, 1.0),
        (1.0, INTEGER, 1),
        (1.5, INTEGER, 1.5),
        (True, NUMBER, True),
        ("1", NUMBER, "1"),
        (1, {"anyOf": [NUMBER, {"type": "null"}]}, 1.0),
        (1, {"anyOf": [NUMBER, INTEGER]}, 1),
        ([1, 2], {"type": "array", "items": NUMBER}, [1.0, 2.0]),
        ([1, 1.0], {"type": "array", "prefixItems": [NUMBER, INTEGER]}, [1.0, 1]),
        ({"a": 1, "b": 1}, {"properties": {"a": NUMBER}, "additionalProperties": INTEGER}, {"a": 1.0, "b": 1}),
        ({"a": {"b": 2}}, {"properties": {"a": {"additionalProperties": NUMBER}}}, {"a": {"b": 2.0}}),
    ],
)
def test_numbers_take_the_type_of_the_schema(value: object, schema: dict[str, object], expected: object) -> None:
    found = coerce_numbers(value, schema)
    assert found == expected and canonical_json(found) == canonical_json(expected)
