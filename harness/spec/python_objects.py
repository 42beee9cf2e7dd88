"""Specs given as mappings: Python objects in component positions become session components, the rest must be plain values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.api.declarations import Kind
from harness.registry.card import singular
from harness.registry.errors import KeyPath
from harness.registry.json_schema import format_value
from harness.registry.naming import kebab, with_article
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.spec.overrides import SELECTOR_KINDS
from harness.spec.problems import SpecProblem
from harness.spec.run_spec import KIND_BY_KEY, label_of
from harness.spec.yaml_document import MAX_DEPTH, SpecDocument


def read_mapping(spec: Mapping[str, Any], registry: Registry, file: str) -> tuple[SpecDocument, list[SpecProblem]]:
    """The spec as plain values, with its objects registered, and what is wrong with those that cannot be."""
    reader = _MappingReader(registry, file)
    lists = {str(key): reader.components(str(key), value) for key, value in spec.items() if key in KIND_BY_KEY}
    values = {str(key): lists[key] if key in lists else reader.section(str(key), value) for key, value in spec.items()}
    return SpecDocument(file, values, refused=reader.refused), reader.problems


def make_reference(registry: Registry, kind: Kind, use: Any, params: Mapping[str, Any]) -> dict[str, Any]:
    """``{use, params}`` (and ``inverted``) of a component given by name or as an object, with plain parameters.

    An object is registered under its name.

    Raises ``ValueError`` if it is neither, and with all that is wrong with the parameters.
    """
    if not (isinstance(use, str) or callable(use) or _recipe_of(use) or (kind == "datasets" and hasattr(use, "__getitem__"))):
        noun = singular(kind)
        raise ValueError(
            f"{noun} must be the name of a component, or a function or an object that is {with_article(noun)}, not {format_value(use)}"
        )
    reader = _MappingReader(registry, "")
    if not isinstance(use, str | Mapping) and _recipe_of(use) is None and not hasattr(use, "named_modules"):
        name = kebab(getattr(use, "__name__", type(use).__name__))
        use = registry.add(kind, name, use).qualified
    found = reader.component(kind, {"use": use, "params": dict(params)}, ())
    if reader.problems:
        raise ValueError("\n".join(problem.message.removeprefix("use: ") for problem in reader.problems))
    return {key: value for key, value in found.items() if key != "label"}


class _MappingReader:
    def __init__(self, registry: Registry, file: str) -> None:
        self.registry = registry
        self.file = file
        self.problems: list[SpecProblem] = []
        self.refused: set[KeyPath] = set()
        self.labels: dict[int, str] = {}  # of the rows and columns that objects stand for, by the object's identity

    def problem(self, at: KeyPath, message: str) -> None:
        self.refused.add(at)
        self.problems.append(SpecProblem(self.file, None, None, f"{'.'.join(map(str, at))}: {message}"))

    def section(self, key: str, value: Any) -> Any:
        """One top-level value that holds no list of components; what names one of those may be the object that stands there."""
        if key == "reference" and id(value) in self.labels:
            return self.labels[id(value)]
        if key == "overrides" and isinstance(value, list | tuple):
            return [self.override(item, (key, index)) for index, item in enumerate(value)]
        return self.plain(value, (key,))

    def override(self, item: Any, at: KeyPath) -> Any:
        if not isinstance(item, Mapping):
            return self.plain(item, at)
        named = {key: label for key, value in item.items() if key in SELECTOR_KINDS and (label := self.labels.get(id(value))) is not None}
        return {**self.plain({key: value for key, value in item.items() if key not in named}, at), **named}

    def components(self, key: str, value: Any) -> Any:
        """A list of components, in which every item may be an object; an object alone is a list of one."""
        if value is None or isinstance(value, str | int | float | Mapping):
            return self.plain(value, (key,))
        items = list(value) if isinstance(value, list | tuple) and not (key == "datasets" and _are_samples(value)) else [value]
        found = [self.component(KIND_BY_KEY[key], item, (key, index)) for index, item in enumerate(items)]
        for item, written in zip(items, found, strict=True):
            thing = item.get("use") if isinstance(item, Mapping) else item
            if not isinstance(thing, str) and written is not None:
                self.labels.setdefault(id(thing), label_of(written))
        return found

    def component(self, kind: Kind, item: Any, at: KeyPath) -> Any:
        """A reference whose ``use`` may be an object, and whose ``training`` may be such a reference; or an object."""
        if not isinstance(item, Mapping):
            return self.object(kind, item, at)
        found: dict[str, Any] = {}
        for key, value in item.items():
            name, inner = str(key), (*at, str(key))
            if name == "use":
                found[name] = self.object(kind, value, inner)
            elif name == "training" and kind == "datasets":
                found[name] = self.component(kind, value, inner)
            else:
                found[name] = self.plain(value, inner)
        return _flatten_reference(found)

    def object(self, kind: Kind, item: Any, at: KeyPath) -> Any:
        """An object's reference; plain values as they are."""
        recipe = _recipe_of(item)
        if recipe is not None:
            return {**recipe.reference(), "label": recipe.label} if recipe.label else recipe.reference()
        if hasattr(item, "named_modules") and kind == "models":
            self.problem(at, "a network is no model yet: harness.classifier(module, input_shape=(C, H, W)) makes one of it")
            return None
        if not (kind == "datasets" and _are_samples(item)) and (
            item is None or isinstance(item, str | int | float | list | tuple | Mapping)
        ):
            return self.plain(item, at)
        try:
            return self.registry.register(kind, item).qualified
        except Exception as error:
            self.problem(at, str(error))
            return None

    def plain(self, value: Any, at: KeyPath) -> Any:
        """JSON values, of numpy's and torch's numbers too; inside parameters a callable is taken for an explainer."""
        if len(at) > MAX_DEPTH:
            self.problem(at[:4], f"is nested more than {MAX_DEPTH} deep")
            return None
        if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
            return value
        if isinstance(value, Path):
            return str(value)
        if isinstance(value, Mapping):
            return _flatten_reference({str(key): self.plain(item, (*at, str(key))) for key, item in value.items()})
        if isinstance(value, list | tuple | range):
            return [self.plain(item, (*at, index)) for index, item in enumerate(value)]
        if "params" in at and (callable(value) or _recipe_of(value) is not None):
            return self.object("explainers", value, at)
        if callable(getattr(value, "tolist", None)):
            return self.plain(value.tolist(), at)
        self.problem(at, f"must be a plain value, not {format_value(value)}")
        return None


def _recipe_of(value: Any) -> Recipe | None:
    """The recipe of what `harness.explainer` and `harness.metric` return."""
    recipe = getattr(value, "recipe", None)
    return recipe if isinstance(recipe, Recipe) else None


def _are_samples(value: Any) -> bool:
    """Whether a list is a dataset, rather than a list of components."""
    return isinstance(value, list | tuple) and bool(value) and all(hasattr(item, "image") and hasattr(item, "label") for item in value)


def _flatten_reference(found: dict[str, Any]) -> dict[str, Any]:
    """``{use: {use, params, label}, params, …}`` (an object that knows its recipe) as one reference: what stands outside goes before."""
    use = found.get("use")
    if not isinstance(use, dict):
        return found
    outer = {key: value for key, value in found.items() if key != "use"}
    if isinstance(use.get("params"), dict) and isinstance(outer.get("params"), dict):
        outer["params"] = {**use["params"], **outer["params"]}
    return {**use, **outer}
