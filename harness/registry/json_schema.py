"""JSON Schemas: without references, read along a value's path, put into words, and what they refuse in a value, with where it is.

Parameters of components are checked by their schemas alone, since a process that imports no plugin knows nothing else of them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.registry.card import singular
from harness.registry.errors import Problem, SignatureError
from harness.registry.naming import did_you_mean, join_words, with_article

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

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


def reference_schema(kind: str) -> dict[str, Any]:
    """Schema of what names a component: its name, or a mapping of ``use``, ``params`` and ``label``; of a metric also ``inverted``."""
    noun = singular(kind)
    properties: dict[str, Any] = {
        "use": {"type": "string", "minLength": 1, "x-words": f"the name of the {noun}"},
        "params": {"type": "object"},
        "label": {"type": ["string", "null"], "pattern": r"\S", "x-words": "a string"},
        **({"inverted": {"type": "boolean"}} if kind == "metrics" else {}),
    }
    mapping = {"type": "object", "properties": properties, "additionalProperties": False, "required": ["use"]}
    return {"x-words": f"{with_article(noun)} (its name, or use + params)", "anyOf": [{"type": "string", "minLength": 1}, mapping]}


def coerce_numbers(value: Any, schema: Mapping[str, Any]) -> Any:
    """``value`` with its numbers in the schema's type: ``1`` for a number is ``1.0``, ``1.0`` for an integer is ``1``."""
    if isinstance(value, Mapping):
        return {key: coerce_numbers(item, child_schema(schema, key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [coerce_numbers(item, child_schema(schema, index)) for index, item in enumerate(value)]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    types = {branch.get("type") for branch in _branches(schema)}
    if {"integer", "number"} <= types:
        return value
    if "integer" in types:
        return int(value) if isinstance(value, float) and value.is_integer() else value
    return float(value) if "number" in types and abs(value) < 2**1023 else value


def child_schema(schema: Mapping[str, Any], part: str | int) -> Mapping[str, Any]:
    """The schema of a mapping's value or of a list's item; ``{}`` if nothing is said of it."""
    for branch in _branches(schema):
        if isinstance(part, int):
            fixed = branch.get("prefixItems", ())
            found = [fixed[part] if part < len(fixed) else branch.get("items")]
        else:
            patterns = branch.get("patternProperties", {})
            by_pattern = [child for pattern, child in patterns.items() if re.search(pattern, part)]
            found = [branch.get("properties", {}).get(part), *by_pattern, branch.get("additionalProperties")]
        for child in found:
            if isinstance(child, Mapping):
                return child
    return {}


def known_keys(schema: Mapping[str, Any]) -> list[str]:
    """The keys that a mapping may have."""
    return list(dict.fromkeys(name for branch in _branches(schema) for name in branch.get("properties", ())))


def _branches(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    for key in ("anyOf", "oneOf", "allOf"):
        for branch in schema.get(key, ()):
            yield from _branches(branch)


TYPE_WORDS = {
    "integer": "an integer",
    "number": "a number",
    "string": "a string",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
LIMIT_SIGNS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
REFUSING_KEYWORDS = ("type", "enum", "const", "anyOf", "oneOf", *LIMIT_SIGNS)
"""Those of which it is enough to say what a schema takes."""


def format_value(value: Any) -> str:
    """A value in a message: JSON, cut if it is long."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=repr)
    except (TypeError, ValueError, RecursionError):
        text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def describe_schema(schema: Mapping[str, Any]) -> str:
    """Describe what a schema takes: ``an integer ≥ 1``, ``one of "a", "b"``, ``a list of numbers``, ``a string or null``."""
    if "x-words" in schema:
        return str(schema["x-words"])
    if "enum" in schema or "const" in schema:
        choices = [format_value(choice) for choice in schema.get("enum", [schema.get("const")])]
        return choices[0] if len(choices) == 1 else f"one of {join_words(choices)}"
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(describe_schema(branch) for branch in schema[key]))
    kind = schema.get("type")
    if isinstance(kind, list):
        return " or ".join(TYPE_WORDS[name] for name in kind)
    if kind == "array" and isinstance(schema.get("items"), Mapping):
        return f"a list{_format_length(schema)}, each {describe_schema(schema['items'])}"
    if kind == "array" and isinstance(schema.get("prefixItems"), list):
        return f"a list of {len(schema['prefixItems'])}: {', '.join(map(describe_schema, schema['prefixItems']))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping) and schema["additionalProperties"]:
        return f"a mapping, each value {describe_schema(schema['additionalProperties'])}"
    return f"{TYPE_WORDS.get(str(kind), 'a value')}{_format_limits(schema)}"


def _format_limits(schema: Mapping[str, Any]) -> str:
    """The range of a number: `` ≥ 1``, `` > 0 and ≤ 1``; nothing if there is none."""
    found = [f"{sign} {schema[key]:g}" for key, sign in LIMIT_SIGNS.items() if isinstance(schema.get(key), int | float)]
    return f" {' and '.join(found)}" if found else ""


def _format_length(schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minItems"), schema.get("maxItems")
    if least is not None and least == most:
        return f" of {least}"
    return (f" of at least {least}" if least else "") + (f" of at most {most}" if most is not None else "")


def find_schema_problems(schema: Mapping[str, Any], value: Any, noun: str = "parameter") -> Iterator[Problem]:
    """Everything that ``schema`` refuses in ``value``; an unknown key is called a ``noun``."""
    from jsonschema import Draft202012Validator  # slow to import, and only needed if there is something to check

    for error in Draft202012Validator(schema).iter_errors(value):
        yield from _problems_of_error(error, noun)
    yield from _non_finite_problems(value, ())


def _non_finite_problems(value: Any, at: tuple[str | int, ...]) -> Iterator[Problem]:
    if isinstance(value, float) and not math.isfinite(value):
        yield refused_value(at, {}, value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _non_finite_problems(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _non_finite_problems(item, (*at, index))


def format_subject(at: tuple[str | int, ...]) -> str:
    """A value's path before a verb: ``datasets[0].use ``; nothing for the value as a whole."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in at).removeprefix(".")
    return f"{text} " if text else ""


def unknown_key(at: tuple[str | int, ...], known: Sequence[str], noun: str = "key") -> Problem:
    """The problem of a key that is none of those known."""
    near = did_you_mean(str(at[-1]), known)
    elsewhere = ": write parameters under params" if "params" in known and not near else ""
    return Problem(at, f'unknown {noun} "{at[-1]}"{near} (known: {join_words(known)}){elsewhere}', key=True)


def missing_key(at: tuple[str | int, ...], name: str, schema: Mapping[str, Any]) -> Problem:
    """The problem of a mapping that lacks a key."""
    return Problem(at, f"{format_subject((*at, name))}is missing: {describe_schema(child_schema(schema, name))}")


def refused_value(at: tuple[str | int, ...], schema: Mapping[str, Any], value: Any, by_length: bool = False) -> Problem:
    """The problem of a value that is not as its schema says; ``by_length`` of a list with too few or too many items."""
    subject = format_subject(at)
    if isinstance(value, float) and not math.isfinite(value):
        return Problem(at, f"{subject}must be finite, not {value}")
    near = did_you_mean(value, [item for item in schema.get("enum", ()) if isinstance(item, str)]) if isinstance(value, str) else ""
    found = format_value(value) if not by_length else f"of {len(value)}" if value else "empty"
    return Problem(at, f"{subject}must be {describe_schema(schema)}, not {found}{near}")


def _problems_of_error(error: ValidationError, noun: str) -> Iterator[Problem]:
    at = tuple(error.absolute_path)
    subject, value, schema, keyword = format_subject(at), error.instance, error.schema, error.validator
    if isinstance(value, float) and not math.isfinite(value):  # is told by `_non_finite_problems`
        return
    if keyword == "additionalProperties" and isinstance(value, Mapping):
        known = list(schema.get("properties", {}))
        yield from (unknown_key((*at, name), known, noun) for name in value if name not in known)
    elif keyword == "required":
        yield missing_key(at, next(name for name in schema["required"] if error.message.startswith(repr(name))), schema)
    elif keyword in ("anyOf", "oneOf") and (inner := _nearest_branch_problems(error, noun)):
        yield from inner
    elif keyword in ("minItems", "maxItems"):
        yield refused_value(at, schema, value, by_length=True)
    elif keyword in REFUSING_KEYWORDS or "x-words" in schema:
        yield refused_value(at, schema, value)
    elif keyword in ("minLength", "maxLength"):
        yield Problem(at, f"{subject}must have {'at least' if keyword == 'minLength' else 'at most'} {schema[keyword]} characters")
    elif keyword == "pattern":
        yield Problem(at, f"{subject}must match the pattern {schema['pattern']}, not {format_value(value)}")
    elif keyword == "multipleOf":
        yield Problem(at, f"{subject}must be a multiple of {schema['multipleOf']}, not {format_value(value)}")
    else:
        yield Problem(at, f"{subject}is wrong: {error.message}")


def _nearest_branch_problems(error: ValidationError, noun: str) -> list[Problem]:
    """The problems of the one branch whose type fits the value, if there is one that fails inside."""
    branches: dict[int, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(int(inner.schema_path[0]), []).append(inner)
    fitting = [errors for errors in branches.values() if not any(e.validator == "type" and not e.path for e in errors)]
    if len(fitting) != 1 or all(e.validator in ("enum", "const") for e in fitting[0]):
        return []
    if not any(e.path or e.validator in ("additionalProperties", "required") for e in fitting[0]):
        return []
    return [problem for inner in fitting[0] for problem in _problems_of_error(inner, noun)]
