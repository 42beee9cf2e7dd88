"""A recipe: a component with all its parameters, resolved; what workers are sent and what keys are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from harness.api.declarations import Kind
from harness.registry.canonical_json import json_digest

NESTED = "$recipe"


def default_label(name: str, inverted: bool) -> str:
    """What a component is called that is given no label."""
    return f"{name} (QGE)" if inverted else name


@dataclass(frozen=True, eq=False)
class Recipe:
    """A component, what its results depend on, and its resolved parameters.

    Attributes:
        kind, name, distribution, identity: as on its `Card`.
        params: every parameter, defaults included, as JSON values; if a parameter takes components, recipes stand in it.
        label: what the leaderboard calls it; no part of the digest.
        inverted: whether a metric's score is that of a map minus that of its inverse (`harness.registry.inversion`).
    """

    kind: Kind
    name: str
    distribution: str
    identity: str
    params: Mapping[str, Any] = field(default_factory=dict)
    label: str = ""
    inverted: bool = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recipe) and (self.digest, self.label) == (other.digest, other.label)

    def __hash__(self) -> int:
        return hash(self.digest)

    @property
    def qualified(self) -> str:
        """``distribution/name``."""
        return f"{self.distribution}/{self.name}"

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) over kind, name, distribution, identity, parameters (nested ones by their digests) and inversion."""
        return self.digest_without(frozenset())

    def digest_without(self, without: Set[str]) -> str:
        """The digest with some parameters left out, such as a dataset's selection."""
        return json_digest([self.kind, self.name, self.distribution, self.identity, self.key_params(without), *self._inversion.items()])

    @property
    def _inversion(self) -> dict[str, Any]:
        """``inverted`` in JSON, only where it is."""
        return {"inverted": True} if self.inverted else {}

    def key_params(self, without: Set[str] = frozenset()) -> dict[str, Any]:
        """The parameters as JSON, nested recipes as their digests, without those named."""
        return {
            name: _map_recipes(value, lambda recipe: {NESTED: recipe.digest}) for name, value in self.params.items() if name not in without
        }

    @property
    def nested(self) -> list[Recipe]:
        """The recipes that stand directly in the parameters."""
        return [recipe for name in self.params for recipe in self.nested_in(name)]

    def nested_in(self, parameter: str) -> list[Recipe]:
        """The recipes that stand directly in one parameter."""
        found: list[Recipe] = []
        _map_recipes(self.params[parameter], found.append)
        return found

    def labelled(self, label: str) -> Recipe:
        """The same recipe under another label."""
        return replace(self, label=label)

    def reference(self, use: Callable[[Recipe], str] | None = None) -> dict[str, Any]:
        """``{use, params}`` (and ``inverted``) as a spec would say it, nested ones too.

        ``use`` says how components are named (default: qualified).
        """
        name = use or (lambda recipe: recipe.qualified)
        params = {key: _map_recipes(value, lambda recipe: recipe.reference(use)) for key, value in self.params.items()}
        return {"use": name(self), "params": params, **self._inversion}

    def to_json(self) -> dict[str, Any]:
        """The recipe as a JSON object; a nested recipe is ``{"$recipe": …}``."""
        return {
            "kind": self.kind,
            "name": self.name,
            "distribution": self.distribution,
            "identity": self.identity,
            "params": {name: _map_recipes(value, lambda recipe: {NESTED: recipe.to_json()}) for name, value in self.params.items()},
            "label": self.label,
            **self._inversion,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Recipe:
        """The inverse of `to_json`."""
        return cls(**{**data, "params": {name: _recipes_from_json(value) for name, value in data["params"].items()}})


def _map_recipes(value: Any, nested: Callable[[Recipe], Any]) -> Any:
    if isinstance(value, Recipe):
        return nested(value)
    if isinstance(value, Mapping):
        return {key: _map_recipes(item, nested) for key, item in value.items()}
    return [_map_recipes(item, nested) for item in value] if isinstance(value, list | tuple) else value


def _recipes_from_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Recipe.from_json(value[NESTED]) if set(value) == {NESTED} else {key: _recipes_from_json(item) for key, item in value.items()}
    return [_recipes_from_json(item) for item in value] if isinstance(value, list) else value
