"""From a reference in a spec to a recipe: names found, parameters checked against the card's schema, defaults filled, nested ones too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from harness.api.declarations import Kind
from harness.registry.card import Card
from harness.registry.distributions import missing_requirements
from harness.registry.errors import KeyPath, Problem, ReferenceProblems, RegistryError
from harness.registry.inversion import inversion_refusal
from harness.registry.json_schema import coerce_numbers, find_schema_problems, reference_schema
from harness.registry.recipe import Recipe, default_label
from harness.registry.registry import Registry

MAX_NESTING = 16
BESIDE_PARAMS = {"datasets": ("label", "training", "class_map"), "metrics": ("label", "inverted")}
"""Keys of a spec's reference that are easily taken for parameters."""


def resolve(registry: Registry, kind: Kind, reference: Any, at: KeyPath = ()) -> Recipe:
    """The recipe of ``reference``, a name or a mapping of ``use``, ``params`` and ``label``.

    Args:
        registry: where names are looked up.
        kind: what the reference must name.
        reference: as a spec has it; of a metric also with ``inverted``.
        at: the reference's path in the spec, which every problem's path starts with.

    Raises:
        ReferenceProblems: all that is wrong, at once.
    """
    found: list[Problem] = []
    recipe = _resolve_collecting(registry, kind, reference, at, found, 0)
    if recipe is None:
        raise ReferenceProblems(found)
    return recipe


def _resolve_collecting(registry: Registry, kind: Kind, reference: Any, at: KeyPath, found: list[Problem], depth: int) -> Recipe | None:
    wrong = _form_problems(kind, reference, at)
    found.extend(wrong)
    if wrong:
        return None
    mapping: Mapping[str, Any] = {"use": reference} if isinstance(reference, str) else reference
    try:
        card = registry.known(kind, mapping["use"])
    except RegistryError as error:
        found.append(Problem(at if isinstance(reference, str) else (*at, "use"), str(error)))
        return None
    if depth > MAX_NESTING:
        found.append(Problem(at, f"{card.name}: components inside components, more than {MAX_NESTING} deep"))
        return None
    inverted = bool(mapping.get("inverted"))
    label = mapping.get("label") or default_label(card.name, inverted)
    if card.error is not None:  # nothing is known of its parameters; whoever makes it will say why it is broken
        return Recipe(card.kind, card.name, card.distribution, card.identity, dict(mapping.get("params", {})), label, inverted)
    before = len(found)
    params = _resolve_params(registry, card, mapping.get("params", {}), at, found, depth)
    if len(found) > before:
        return None
    refused = inversion_refusal(registry.declaration(kind, card.qualified, params)) if inverted else None
    if refused is not None:
        found.append(Problem((*at, "inverted"), f"{card.name} cannot be inverted: {refused}"))
        return None
    return Recipe(card.kind, card.name, card.distribution, card.identity, params, label, inverted)


def _form_problems(kind: Kind, reference: Any, at: KeyPath) -> list[Problem]:
    """What is wrong with the reference before its name is looked up; its parameters are a matter of the component's own schema."""
    if isinstance(reference, Mapping) and isinstance(reference.get("params"), Mapping):
        reference = {**reference, "params": {}}
    found = find_schema_problems(reference_schema(kind), reference, "key")
    return [Problem((*at, *problem.at), problem.message, problem.key) for problem in found]


def _resolve_params(
    registry: Registry, card: Card, given: Mapping[str, Any], at: KeyPath, found: list[Problem], depth: int
) -> dict[str, Any]:
    """Every parameter with its value; problems of the values go to ``found``."""
    properties: Mapping[str, Any] = card.parameters.get("properties", {})
    known = {name: value for name, value in given.items() if name in properties}
    placeheld = {
        name: _replace_references(value, properties[name], (), lambda reference, _, __: "placeholder") for name, value in known.items()
    }
    for problem in find_schema_problems(card.parameters, {**given, **placeheld}):
        beside = problem.key and len(problem.at) == 1 and problem.at[0] in BESIDE_PARAMS.get(card.kind, ("label",))
        hint = f": write {problem.at[0]} beside params, not among them" if beside else ""
        found.append(Problem((*at, "params", *problem.at) if given else at, f"{card.name}: {problem.message}{hint}", problem.key))

    nested = NestedResolver(registry, found, depth + 1)
    values = {}
    for name, schema in properties.items():
        if name in given:
            values[name] = coerce_numbers(_replace_references(given[name], schema, (*at, "params", name), nested.given), schema)
        elif "default" in schema:
            default = partial(nested.default, at, card, name)
            values[name] = coerce_numbers(_replace_references(schema["default"], schema, (), default), schema)
    return values


@dataclass(frozen=True)
class NestedResolver:
    """Resolves the references inside one component's parameters."""

    registry: Registry
    found: list[Problem]
    depth: int

    def given(self, reference: Any, at: KeyPath, kind: Kind) -> Recipe | None:
        """A reference that the spec gives, at its own place."""
        return _resolve_collecting(self.registry, kind, reference, at, self.found, self.depth)

    def default(self, at: KeyPath, card: Card, parameter: str, reference: Any, _: KeyPath, kind: Kind) -> Recipe | None:
        """A reference in a parameter's default: its problems are told at the component, with what its plugin requires and lacks."""
        inner: list[Problem] = []
        recipe = _resolve_collecting(self.registry, kind, reference, (), inner, self.depth)
        for problem in inner:
            lacking = " and ".join(missing_requirements(card.distribution))
            hint = f"; {card.distribution} requires {lacking}, not installed here"
            known = hint in problem.message or not lacking
            self.found.append(Problem(at, f"{card.name}: the default of {parameter}: {problem.message}{'' if known else hint}"))
        return recipe


def _replace_references(value: Any, schema: Mapping[str, Any], at: KeyPath, visit: Callable[[Any, KeyPath, Kind], Any]) -> Any:
    """``value`` with every reference in it replaced by what ``visit`` makes of it, its place, and the kind that it must name."""
    branch = _matching_branch(value, schema)
    if "x-reference" in branch and isinstance(value, str | Mapping):
        return visit(value, at, branch["x-reference"])
    if isinstance(value, Mapping):
        inner = branch.get("additionalProperties")
        inside = {name: branch.get("properties", {}).get(name, inner) for name in value}
        return {
            name: _replace_references(item, inside[name], (*at, name), visit) if isinstance(inside[name], Mapping) else item
            for name, item in value.items()
        }
    if isinstance(value, list) and isinstance(branch.get("items"), Mapping):
        return [_replace_references(item, branch["items"], (*at, index), visit) for index, item in enumerate(value)]
    return value


def _matching_branch(value: Any, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The branch of an ``anyOf`` that ``value`` is meant for: by its type, and a mapping with ``use`` is a reference."""
    if "x-reference" in schema or "anyOf" not in schema:
        return schema
    branches: list[Mapping[str, Any]] = schema["anyOf"]
    references = [branch for branch in branches if "x-reference" in branch]
    if isinstance(value, str):
        named = [branch for branch in branches if value in branch.get("enum", [branch.get("const")])]
        return (named or references or [schema])[0]
    if isinstance(value, Mapping):
        mappings = [branch for branch in branches if branch.get("type") == "object"]
        return (references if references and ("use" in value or not mappings) else mappings or [schema])[0]
    lists = [branch for branch in branches if branch.get("type") == "array"]
    return lists[0] if isinstance(value, list) and lists else schema
