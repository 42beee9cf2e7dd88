"""The form of a spec, checked once by its pydantic model: what that refuses is put into words by the model's JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import ValidationError

from harness.registry.errors import KeyPath, Problem
from harness.registry.json_schema import (
    child_schema,
    coerce_numbers,
    find_schema_problems,
    inline_references,
    known_keys,
    missing_key,
    refused_value,
    unknown_key,
)
from harness.spec.executor_settings import extend_execution_schema
from harness.spec.run_spec import ExecutionOptions, RunSpec
from harness.spec.sweeps import SWEPT_LISTS


@cache
def form_schema() -> dict[str, Any]:
    """JSON Schema of a spec's form, without the parameters of components."""
    return inline_references(RunSpec.model_json_schema(mode="validation"))


def check_form(data: Mapping[str, Any], settings: Mapping[str, Any] | None) -> tuple[RunSpec | None, list[Problem]]:
    """The spec as its model takes it, or None and all that is wrong with its form.

    Args:
        data: the spec as plain values.
        settings: JSON Schema of what the executor takes besides the harness's own settings; None if that cannot be known.
    """
    found: list[Problem] = []
    execution = data.get("execution")
    if isinstance(execution, Mapping):
        found += _settings_problems(execution, settings)
        if settings:
            defaults = {name: schema["default"] for name, schema in settings["properties"].items() if "default" in schema}
            data = {**data, "execution": coerce_numbers({**defaults, **execution}, settings)}
    try:
        spec = RunSpec.model_validate(data)
    except ValidationError as error:
        return None, found + _refusals(error, data, extend_execution_schema(form_schema(), settings))
    return (None if found else spec), found


def _settings_problems(execution: Mapping[str, Any], settings: Mapping[str, Any] | None) -> Iterator[Problem]:
    """What is wrong with the settings of a plugin's executor, of which there is nothing but the schema on its card."""
    added = {name: value for name, value in execution.items() if name not in ExecutionOptions.model_fields}
    if added or not {"required", "allOf"}.isdisjoint(settings or ()):
        part = extend_execution_schema(form_schema(), settings)["properties"]["execution"]
        yield from find_schema_problems({"properties": {"execution": part}}, {"execution": added}, "key")


def _refusals(error: ValidationError, data: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Problem]:
    """A problem for each place that pydantic complains of; of alternatives that one which came furthest is told of."""
    found: dict[KeyPath, Problem] = {}
    for item in error.errors(include_url=False, include_context=False):
        at, value, part = _place(item["loc"], data, schema)
        if item["type"] == "extra_forbidden":
            at = (*at, str(item["loc"][-1]))
            found.setdefault(at, unknown_key(at, _writable_keys(at, part)))
        elif item["type"] == "missing":
            name = str(item["loc"][-1])
            found.setdefault((*at, name), missing_key(at, name, part))
        else:
            found.setdefault(at, refused_value(at, part, value, by_length=item["type"] in ("too_short", "too_long")))
    return [problem for at, problem in found.items() if not any(other[: len(at)] == at and other != at for other in found)]


def _writable_keys(at: KeyPath, part: Mapping[str, Any]) -> list[str]:
    """The keys that a mapping may have where it is written: of entries of lists also ``sweep``, which is gone when the form is checked."""
    known = known_keys(part)
    return [*known, "sweep"] if len(at) == 3 and at[0] in SWEPT_LISTS and "use" in known else known


def _place(loc: KeyPath, data: Any, schema: Mapping[str, Any]) -> tuple[KeyPath, Any, Mapping[str, Any]]:
    """The path of the value that a pydantic error is about, the value, and its schema: ``loc`` without the names of alternatives in it."""
    at: KeyPath = ()
    for part in loc:
        there = part in data if isinstance(data, Mapping) else isinstance(data, list) and isinstance(part, int) and part < len(data)
        if there and (child := child_schema(schema, part)):
            at, data, schema = (*at, part), data[part], child
    return at, data, schema
