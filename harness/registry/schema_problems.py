"""What is wrong with a value that a JSON Schema refuses, in words, with where it is."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from harness.registry.errors import Problem
from harness.registry.naming import did_you_mean, join_words

TYPE_WORDS = {
    "integer": "an integer",
    "number": "a number",
    "string": "a text",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}


def format_value(value: Any) -> str:
    """A value in a message: JSON, cut where it is long."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=repr)
    except (TypeError, ValueError, RecursionError):
        text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def describe_schema(schema: Mapping[str, Any]) -> str:
    """What a schema takes: ``an integer ≥ 1``, ``one of "a", "b"``, ``a list of numbers``, ``a text or null``."""
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
    return f"{TYPE_WORDS.get(str(kind), 'a value')}{format_limits(schema)}"


def format_limits(schema: Mapping[str, Any]) -> str:
    """The range of a number: `` ≥ 1``, `` > 0 and ≤ 1``; nothing where there is none."""
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    found = [f"{sign} {schema[key]:g}" for key, sign in signs.items() if isinstance(schema.get(key), int | float)]
    return f" {' and '.join(found)}" if found else ""


def _format_length(schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minItems"), schema.get("maxItems")
    if least is not None and least == most:
        return f" of {least}"
    return (f" of at least {least}" if least else "") + (f" of at most {most}" if most is not None else "")


def find_schema_problems(schema: Mapping[str, Any], value: Any, noun: str = "parameter") -> Iterator[Problem]:
    """Everything that ``schema`` refuses in ``value``; an unknown key is called a ``noun``."""
    for error in Draft202012Validator(schema).iter_errors(value):
        yield from _problems_of_error(error, noun)
    yield from _non_finite_problems(value, ())


def _non_finite_problems(value: Any, at: tuple[str | int, ...]) -> Iterator[Problem]:
    if isinstance(value, float) and not math.isfinite(value):
        yield Problem(at, f"{_format_subject(at)}must be finite, not {value}")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _non_finite_problems(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _non_finite_problems(item, (*at, index))


def _format_subject(at: tuple[str | int, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in at).removeprefix(".")
    return f"{text} " if text else ""


def _problems_of_error(error: ValidationError, noun: str) -> Iterator[Problem]:
    at = tuple(error.absolute_path)
    subject, value, schema, keyword = _format_subject(at), error.instance, error.schema, error.validator
    if keyword == "additionalProperties" and isinstance(value, Mapping):
        known = list(schema.get("properties", {}))
        for name in [name for name in value if name not in known]:
            yield Problem((*at, name), f'unknown {noun} "{name}"{did_you_mean(str(name), known)} (known: {join_words(known)})', key=True)
    elif keyword == "required":
        missing = next(name for name in schema["required"] if error.message.startswith(repr(name)))
        yield Problem(at, f"{_format_subject((*at, missing))}is missing: {describe_schema(schema.get('properties', {}).get(missing, {}))}")
    elif keyword in ("anyOf", "oneOf") and (inner := _nearest_branch_problems(error, noun)):
        yield from inner
    elif keyword in ("enum", "const"):
        near = did_you_mean(value, [item for item in schema.get("enum", ()) if isinstance(item, str)]) if isinstance(value, str) else ""
        yield Problem(at, f"{subject}must be {describe_schema(schema)}, not {format_value(value)}{near}")
    elif keyword in ("type", "anyOf", "oneOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum") or "x-words" in schema:
        yield Problem(at, f"{subject}must be {describe_schema(schema)}, not {format_value(value)}")
    elif keyword in ("minItems", "maxItems"):
        length = f"of {len(value)}" if value else "empty"
        yield Problem(at, f"{subject}must be {describe_schema(schema)}, not {length}")
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
