"""JSON Schemas without references."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.registry.errors import SignatureError

VALUE_KEYWORDS = ("default", "const", "enum", "examples")


def inline_references(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with every ``$ref`` to its ``$defs`` written out, and without titles.

    Raises:
        SignatureError: a definition contains itself.
    """
    found: dict[str, Any] = _inline_references(schema, schema.get("$defs", {}), ())
    return found


def _inline_references(schema: Any, definitions: Mapping[str, Any], inside: tuple[str, ...]) -> Any:
    if isinstance(schema, list):
        return [_inline_references(item, definitions, inside) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    if "$ref" in schema:
        name = str(schema["$ref"]).rsplit("/", 1)[-1]
        if name in inside:
            raise SignatureError(f"parameters that contain themselves ({name}) are not supported")
        siblings = {key: value for key, value in schema.items() if key != "$ref"}
        return {**_inline_references(definitions[name], definitions, (*inside, name)), **_inline_references(siblings, definitions, inside)}
    found = {}
    for key, value in schema.items():
        if key in ("properties", "patternProperties"):
            found[key] = {name: _inline_references(inner, definitions, inside) for name, inner in value.items()}
        elif key in VALUE_KEYWORDS:
            found[key] = value
        elif key not in ("title", "$defs", "discriminator"):
            found[key] = _inline_references(value, definitions, inside)
    return found
