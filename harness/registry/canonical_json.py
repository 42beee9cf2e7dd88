"""One JSON text, and one digest, for values that mean the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def canonical_json(value: Any) -> str:
    """JSON with sorted keys, no spaces, shortest-repr floats and no negative zero; raises ``ValueError`` on NaN and infinities."""
    return json.dumps(_to_plain_json(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def json_digest(value: Any) -> str:
    """SHA-256 (hex) of the canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode("utf-8", "surrogatepass")).hexdigest()


def _to_plain_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _to_plain_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_to_plain_json(item) for item in value]
    return value + 0.0 if isinstance(value, float) else value


def coerce_numbers(value: Any, schema: Mapping[str, Any]) -> Any:
    """``value`` with its numbers in the schema's type: ``1`` for a number is ``1.0``, ``1.0`` for an integer is ``1``."""
    branches = list(_branches(schema))
    if isinstance(value, Mapping):
        return {key: coerce_numbers(item, _property_schema(branches, key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [coerce_numbers(item, _item_schema(branches, index)) for index, item in enumerate(value)]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    types = {branch.get("type") for branch in branches}
    if {"integer", "number"} <= types:
        return value
    if "integer" in types:
        return int(value) if isinstance(value, float) and value.is_integer() else value
    return float(value) if "number" in types and abs(value) < 2**1023 else value


def _branches(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    for key in ("anyOf", "oneOf", "allOf"):
        for branch in schema.get(key, ()):
            yield from _branches(branch)


def _property_schema(branches: Sequence[Mapping[str, Any]], key: str) -> Mapping[str, Any]:
    for branch in branches:
        for found in (branch.get("properties", {}).get(key), branch.get("additionalProperties")):
            if isinstance(found, Mapping):
                return found
    return {}


def _item_schema(branches: Sequence[Mapping[str, Any]], index: int) -> Mapping[str, Any]:
    for branch in branches:
        fixed = branch.get("prefixItems", ())
        found = fixed[index] if index < len(fixed) else branch.get("items")
        if isinstance(found, Mapping):
            return found
    return {}
