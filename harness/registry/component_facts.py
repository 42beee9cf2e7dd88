"""From a component (imported, so in a child process or in a notebook) to what its card says of it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema

from harness.api.declarations import Kind, declaration_of
from harness.registry import docstrings
from harness.registry.errors import SignatureError
from harness.registry.json_schema import VALUE_KEYWORDS, inline_references
from harness.registry.signature import (
    check_signature,
    format_component,
    format_validation_error,
    nested_params,
    parameters_model,
    validate_params,
)

JSON_ADAPTER = TypeAdapter(Any, config=ConfigDict(ser_json_inf_nan="constants"))


class _StrictJsonSchema(GenerateJsonSchema):
    """JSON Schema that fails if a default cannot be written as JSON."""

    ignored_warning_kinds = frozenset({"skipped-choice", "non-serializable-default"})  # type: ignore[assignment]


def describe_component(kind: Kind, component: Any) -> dict[str, Any]:
    """``summary``, ``doc``, ``parameters`` and ``declaration`` of a component; raises ``TypeError`` if it has not its kind's form."""
    declaration = declaration_of(component, kind)
    check_signature(kind, component)
    doc = inspect.getdoc(component) or ""
    schema = parameters_schema(component)
    for name, meaning in _parameter_descriptions(component, doc).items():
        if name in schema["properties"] and meaning:
            schema["properties"][name].setdefault("description", meaning)
    declared = declaration.to_json()
    _check_by_declarations(component, declared.get("by", {}), schema["properties"])
    if (alternatives := declared.get("alternatives")) not in (None, *schema["properties"]):
        raise SignatureError(f"{format_component(component)}: declares alternatives by `{alternatives}`, which it does not take")
    return {"summary": docstrings.summary_line(doc), "doc": doc, "parameters": schema, "declaration": declared}


def _check_by_declarations(component: Any, by: Mapping[str, Mapping[str, Any]], properties: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise `SignatureError` if something is declared for a value that the parameter does not take: a named choice, or ``"null"``."""
    for parameter, cases in by.items():
        unknown = [value for value in cases if value not in _declarable_values(properties.get(parameter, {}))]
        if unknown:
            raise SignatureError(f"{format_component(component)}: declares by `{parameter}` for {unknown}, which it does not take")


def _declarable_values(schema: Mapping[str, Any]) -> set[object]:
    """The values of a parameter that something may be declared for."""
    forms = [schema, *schema.get("anyOf", ())]
    return {value for form in forms for value in form.get("enum", ())} | {"null" for form in forms if form.get("type") == "null"}


def _parameter_descriptions(component: Any, doc: str) -> dict[str, str]:
    found = docstrings.argument_descriptions(doc)
    for part in (nested_params(component), vars(component).get("__call__") if inspect.isclass(component) else None):
        found = {**docstrings.argument_descriptions(inspect.getdoc(part) or ""), **found}
    return found


def parameters_schema(component: Any) -> dict[str, Any]:
    """JSON Schema of the parameters: an object that forbids others, defaults included, without ``$ref`` and titles.

    What one parameter takes because of another's value is said by a class's ``Params``, under ``allOf`` in its ``json_schema_extra``.
    """
    model = parameters_model(component)
    try:
        schema = model.model_json_schema(schema_generator=_StrictJsonSchema, mode="validation")
    except Exception as error:
        raise SignatureError(f"{format_component(component)}: its parameters have no JSON Schema: {error}") from error
    plain = inline_references(schema)
    properties = {name: _mark_explainers(inner) for name, inner in plain.get("properties", {}).items()}
    for name, default in _json_defaults(component, model).items():
        properties[name]["default"] = default
    required = {"required": plain["required"]} if plain.get("required") else {}
    conditions = {"allOf": plain["allOf"]} if "allOf" in plain else {}
    return {"type": "object", "properties": properties, "additionalProperties": False, **required, **conditions}


def _json_defaults(component: Any, model: type[BaseModel]) -> dict[str, Any]:
    """Each default as JSON, checked against its own annotation."""
    found = {}
    for name, info in model.model_fields.items():
        if info.is_required():
            continue
        value = info.get_default(call_default_factory=True)
        try:
            found[info.alias or name] = json.loads(json.dumps(JSON_ADAPTER.dump_python(value, mode="json"), allow_nan=False))
        except Exception as error:
            raise SignatureError(
                f"{format_component(component)}: the default of `{info.alias or name}` is no JSON value: {error}"
            ) from error
    try:
        validate_params(model, found)
    except ValidationError as error:
        wrong = [item for item in error.errors() if item["type"] != "missing"]
        if wrong:
            raise SignatureError(
                f"{format_component(component)}: a default is refused by its own annotation: {format_validation_error(error)}"
            ) from error
    return found


def _mark_explainers(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "x-explainer": True} if takes_explainers(schema) else schema


def takes_explainers(schema: Any) -> bool:
    """Whether a reference to an explainer may stand anywhere in values of this schema."""
    if isinstance(schema, list):
        return any(map(takes_explainers, schema))
    if not isinstance(schema, Mapping):
        return False
    inner = [value for key, value in schema.items() if key not in (*VALUE_KEYWORDS, "properties")]
    return schema.get("x-reference") == "explainers" or any(map(takes_explainers, [*inner, *schema.get("properties", {}).values()]))
