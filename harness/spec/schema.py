"""JSON Schema of a whole spec, for editors: with the parameters of every installed component."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.api.declarations import Kind
from harness.registry.card import Card, singular
from harness.registry.registry import Registry
from harness.spec.executor_settings import merge_executor_schemas
from harness.spec.form import form_schema
from harness.spec.form_types import ONE_LINE_PATTERN
from harness.spec.run_spec import KIND_BY_KEY, RANDOM_MODEL

DIALECT = "https://json-schema.org/draft/2020-12/schema"


_RANGE = {
    "type": "object",
    "properties": {"from": {"type": "integer"}, "to": {"type": "integer"}, "step": {"type": "integer", "minimum": 1}},
    "required": ["from", "to"],
    "additionalProperties": False,
}
SWEEP_SCHEMA = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {"anyOf": [{"type": "array", "minItems": 1}, _RANGE]},
    "description": "One component for each combination of values of these parameters: lists, or ranges with both their ends.",
}


def spec_schema(registry: Registry) -> dict[str, Any]:
    """The schema; every list takes the names that are installed, and ``params`` what the component named by ``use`` takes."""
    form = form_schema()
    properties = dict(form["properties"])
    for key, kind in KIND_BY_KEY.items():
        definition = {"nulls": "null-explainer", "datasets": "dataset-entry", "models": "model-entry"}.get(key, singular(kind))
        properties[key] = {**properties[key], "items": {"$ref": f"#/$defs/{definition}"}}
    properties["execution"] = _execution_schema(registry, properties["execution"])
    entry = _entry(form, "datasets")
    training = {**entry["training"], "anyOf": [{"$ref": "#/$defs/dataset"}, {"type": "null"}]}
    definitions = {singular(kind): _component_schema(registry, kind) for kind in ("models", "datasets", "explainers")}
    definitions["model-entry"] = _component_schema(registry, "models", {"keep": _entry(form, "models")["keep"]})
    definitions["metric"] = _component_schema(registry, "metrics", {"inverted": _entry(form, "metrics")["inverted"]})
    definitions["dataset-entry"] = _component_schema(registry, "datasets", {"training": training, "class_map": entry["class_map"]})
    definitions["null-explainer"] = {"anyOf": [{"const": RANDOM_MODEL}, _random_model_schema(), {"$ref": "#/$defs/explainer"}]}
    return {
        "$schema": DIALECT,
        "title": "A run of xai-harness",
        "type": "object",
        "properties": properties,
        "required": form["required"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def _entry(form: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The keys of an entry of a list of components, in the form of a spec."""
    properties: Mapping[str, Any] = form["properties"][key]["items"]["anyOf"][1]["properties"]
    return properties


def _execution_schema(registry: Registry, form: Mapping[str, Any]) -> dict[str, Any]:
    """``execution``, with the executors that there are and what each takes."""
    named = {card.qualified: (_usable_names(registry, card), card.parameters) for card in _working_cards(registry, "executors")}
    executors = [name for names, _ in named.values() for name in names]
    added = merge_executor_schemas(named)
    own = {**form["properties"], "executor": {**form["properties"]["executor"], "enum": executors}}
    return {**form, **added, "properties": {**added["properties"], **own}}


def _random_model_schema() -> dict[str, Any]:
    return {"type": "object", "properties": {"use": {"const": RANDOM_MODEL}}, "required": ["use"], "additionalProperties": False}


def _working_cards(registry: Registry, kind: Kind) -> list[Card]:
    return [card for card in registry.cards(kind) if card.error is None]


def _usable_names(registry: Registry, card: Card) -> list[str]:
    """What may name a component: its qualified name, and its bare one if that is not ambiguous."""
    return [card.qualified] if registry.is_ambiguous(card.kind, card.name) else [card.name, card.qualified]


def _component_schema(registry: Registry, kind: Kind, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A reference to a component: a name that needs no parameters, or a mapping whose ``params`` depend on ``use``."""
    cards = _working_cards(registry, kind)
    names = [name for card in cards for name in _usable_names(registry, card)]
    bare = [name for card in cards if not card.parameters.get("required") for name in _usable_names(registry, card)]
    summaries = [card.summary for card in cards for _ in _usable_names(registry, card)]
    properties = {
        "use": {"enum": names, "enumDescriptions": summaries} if names else {"type": "string"},
        "params": {"type": "object"},
        "label": {"type": ["string", "null"], "pattern": ONE_LINE_PATTERN, "maxLength": 200},
        "sweep": SWEEP_SCHEMA,
        "factors": {"type": "object", "additionalProperties": {"type": "string"}},
        **(extra or {}),
    }
    mapping = {
        "type": "object",
        "properties": properties,
        "required": ["use"],
        "additionalProperties": False,
        "allOf": [_params_schema(_usable_names(registry, card), card) for card in cards],
    }
    return {"if": {"type": "object"}, "then": mapping, "else": {"type": "string", "enum": bare}}


def _params_schema(names: list[str], card: Card) -> dict[str, Any]:
    parameters = _link_references(card.parameters)
    then: dict[str, Any] = {"properties": {"params": parameters}}
    if card.parameters.get("required"):
        swept = {"properties": {"params": {name: value for name, value in parameters.items() if name != "required"}}}
        then = {"if": {"required": ["sweep"]}, "then": swept, "else": {**then, "required": ["params"]}}
    return {"if": {"properties": {"use": {"enum": names}}, "required": ["use"]}, "then": then}


def _link_references(schema: Any) -> Any:
    """A parameter schema whose references to components are those of the spec."""
    if isinstance(schema, list):
        return [_link_references(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    if "x-reference" in schema:
        kept = {key: schema[key] for key in ("description", "default") if key in schema}
        return {**kept, "$ref": f"#/$defs/{singular(schema['x-reference'])}"}
    return {key: value if key in ("default", "enum", "const") else _link_references(value) for key, value in schema.items()}
