"""A spec that is right: its form checked, its components resolved."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.representer import SafeRepresenter

from harness.api.declarations import Kind
from harness.registry.card import singular
from harness.registry.errors import KeyPath
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.spec.overrides import apply_override, overridden_kind, override_matches, selectors
from harness.spec.problems import SpecProblem
from harness.spec.run_spec import RANDOM_MODEL, RunSpec
from harness.spec.yaml_document import SpecDocument


class _Representer(SafeRepresenter):
    """Writes texts with characters that YAML changes (line separators, controls) in double quotes."""


_Representer.add_representer(
    str, lambda self, text: self.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')
)


@dataclass(frozen=True)
class SpecRecipes:
    """A spec's components, resolved; labels are unique in each list, and among explainers and nulls together.

    Attributes:
        datasets, models, explainers, metrics: in the spec's order.
        nulls: the null explainers; one that is a row of the spec already has that row's label.
        random_model: whether every row gets a twin on a model with random weights.
        training: the dataset that components learn from, by the label of the dataset that names one.
    """

    datasets: tuple[Recipe, ...]
    models: tuple[Recipe, ...]
    explainers: tuple[Recipe, ...]
    metrics: tuple[Recipe, ...]
    nulls: tuple[Recipe, ...] = ()
    random_model: bool = False
    training: Mapping[str, Recipe] = field(default_factory=dict)

    @property
    def rows(self) -> tuple[Recipe, ...]:
        """Explainers, then the nulls that are not among them."""
        known = {recipe.digest for recipe in self.explainers}
        return (*self.explainers, *(recipe for recipe in self.nulls if recipe.digest not in known))


@dataclass(frozen=True)
class LoadedSpec:
    """A checked spec, its recipes, where it came from, the registry that it was resolved in, and its text as it was read."""

    spec: RunSpec
    recipes: SpecRecipes
    source: str | None
    registry: Registry = field(repr=False)
    document: SpecDocument | None = field(default=None, repr=False, compare=False)

    def problem(self, at: KeyPath, message: str) -> SpecProblem:
        """Something that is found wrong later, where it stands: in a file at a line, in a mapping under its keys."""
        return (self.document or SpecDocument(self.source or "spec")).problem(at, message)

    @property
    def reference(self) -> str:
        """The label of the row that others are compared with."""
        return self.spec.reference if self.spec.reference is not None else self.recipes.explainers[0].label

    def recipe_for(
        self, kind: Kind, recipe: Recipe, *, dataset: str | None = None, model: str | None = None, explainer: str | None = None
    ) -> Recipe:
        """The recipe as it is in one column: with the overrides that match applied in turn, so that later ones win.

        Args:
            kind: of the recipe.
            recipe: one of `recipes`.
            dataset, model, explainer: labels of the column that it stands in; a recipe's own label need not be given.
        """
        labels = {"dataset": dataset, "model": model, "explainer": explainer, singular(kind): recipe.label}
        for override in self.spec.overrides:
            if overridden_kind(override) == kind and override_matches(override, labels):
                recipe = self._overridden(recipe, override)
        return recipe

    @cached_property
    def _made(self) -> dict[tuple[Recipe, int], Recipe]:
        return {}

    def _overridden(self, recipe: Recipe, override: Any) -> Recipe:
        key = (recipe, id(override))
        if key not in self._made:
            self._made[key] = apply_override(self.registry, recipe, override)
        return self._made[key]

    def resolved(self) -> dict[str, Any]:
        """The spec as plain values with every default written out; loading it gives the same recipes."""
        data = self.spec.model_dump(mode="json")
        for kind in ("datasets", "models", "explainers", "metrics"):
            written = [self._written(recipe) for recipe in getattr(self.recipes, kind)]
            data[kind] = [{**item, **extra} for item, extra in zip(written, self._extras(kind), strict=True)]
        data["nulls"] = [*map(self._written, self.recipes.nulls), *([RANDOM_MODEL] if self.recipes.random_model else [])]
        data["reference"] = self.reference
        data["overrides"] = [{**selectors(override), "params": override.params} for override in self.spec.overrides]
        return data

    def _extras(self, kind: str) -> list[dict[str, Any]]:
        """What references have besides use, params and label."""
        factors = [self.factors(kind, recipe.label) for recipe in getattr(self.recipes, kind)]
        extras: list[dict[str, Any]] = [{"factors": found} if found else {} for found in factors]
        if kind == "models":
            for extra, model in zip(extras, self.spec.models, strict=True):
                if model.keep is not None:
                    extra["keep"] = model.keep.model_dump(mode="json", exclude_defaults=True)
        if kind == "datasets":
            for extra, reference, recipe in zip(extras, self.spec.datasets, self.recipes.datasets, strict=True):
                if recipe.label in self.recipes.training:
                    extra["training"] = self._written(self.recipes.training[recipe.label])
                if reference.class_map is not None:
                    extra["class_map"] = dict(reference.class_map)
        return extras

    def factors(self, kind: str, label: str) -> dict[str, str]:
        """In what a component of a list differs from others, as the spec says or a sweep made it."""
        return self._factors.get((kind, label), {})

    @cached_property
    def _factors(self) -> dict[tuple[str, str], dict[str, str]]:
        return {
            (kind, recipe.label): dict(reference.factors)
            for kind in ("datasets", "models", "explainers", "metrics")
            for recipe, reference in zip(getattr(self.recipes, kind), getattr(self.spec, kind), strict=True)
            if reference.factors
        }

    def _written(self, recipe: Recipe) -> dict[str, Any]:
        return {**recipe.reference(self._use), "label": recipe.label}

    def _use(self, recipe: Recipe) -> str:
        """``distribution/name`` only if the bare name is ambiguous."""
        return recipe.qualified if self.registry.is_ambiguous(recipe.kind, recipe.name) else recipe.name

    def to_yaml(self) -> str:
        """The resolved spec, which runs again as it is."""
        stream = io.StringIO()
        yaml = YAML(typ="safe", pure=True)
        yaml.Representer = _Representer
        yaml.default_flow_style = None
        yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
        yaml.width = 140
        yaml.allow_unicode = True
        yaml.dump(self.resolved(), stream)
        return stream.getvalue()
