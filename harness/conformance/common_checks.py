"""Checks for components of every kind: what a user reads of them before running anything."""

from __future__ import annotations

import json

from jsonschema import Draft202012Validator

from harness.conformance.component_under_test import ComponentUnderTest
from harness.conformance.results import require

MAX_SUMMARY_LENGTH = 140


def check_documented(tested: ComponentUnderTest) -> None:
    """The docstring's first line says what the component is."""
    require(tested.card.summary, "has no docstring: its first line is what `harness plugins list` shows")
    length = len(tested.card.summary)
    require(
        length <= MAX_SUMMARY_LENGTH,
        f"the docstring's first line has {length} characters; at most {MAX_SUMMARY_LENGTH} fit into `harness plugins list`",
    )


def check_parameters_documented(tested: ComponentUnderTest) -> str | None:
    """How many parameters have a description (reported)."""
    properties = tested.card.parameters.get("properties", {})
    silent = sorted(name for name, schema in properties.items() if not schema.get("description"))
    return f"no description of {', '.join(silent)}: give one in the docstring's Args" if silent else None


def check_parameters_schema(tested: ComponentUnderTest) -> None:
    """The parameters have a JSON Schema that is one, survives JSON, forbids others, and whose defaults it accepts itself."""
    schema = json.loads(json.dumps(tested.card.parameters))
    Draft202012Validator.check_schema(schema)
    require(schema.get("additionalProperties") is False, "the parameters' schema lets unknown parameters through")
    written = tested.recipe.to_json()
    require(json.loads(json.dumps(written)) == written, "the resolved parameters change on their way through JSON")


def check_kebab_case(tested: ComponentUnderTest) -> None:
    """The name is lower-case, words joined by hyphens."""
    name = tested.card.name
    allowed = name == name.lower() and not any(character in name for character in " _./:")
    require(allowed, f"the name {name!r} should be lower-case words joined by hyphens, such as {name.lower().replace('_', '-')!r}")


def check_citation(tested: ComponentUnderTest) -> str | None:
    """Whether a source is declared (reported)."""
    return None if tested.card.declaration.get("cite") else "declares no source: `harness cite` has nothing to say of it"
