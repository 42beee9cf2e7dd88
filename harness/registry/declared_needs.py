"""Declarations of components, and of those nested in them, of what they learn from."""

from __future__ import annotations

from collections.abc import Sequence

from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.registry.unmet_needs import FEATURE_NEEDS

DEFAULT_LABELLED_SAMPLES = 4096  # for a component that does not declare how many it draws


def declared_needs(registry: Registry, recipe: Recipe) -> frozenset[str]:
    """Needs of the component, or of one nested in it; of alternatives not the features of models, of which another may need none."""
    return _union_of_declared(registry, recipe, ("needs",))


def declared_uses(registry: Registry, recipe: Recipe) -> frozenset[str]:
    """Needs and wants of the component, or of one nested in it."""
    return _union_of_declared(registry, recipe, ("needs", "wants"))


def training_fallbacks(registry: Registry, recipe: Recipe) -> frozenset[str]:
    """Sentences on what the component, and those nested in it, do if the training data that they want are not there."""
    declared = registry.declaration(recipe.kind, recipe.qualified, recipe.params)
    own = {str(declared["otherwise"])} if declared.get("wants") and declared.get("otherwise") else set()
    return frozenset(own).union(*(training_fallbacks(registry, nested) for nested in recipe.nested))


def _union_of_declared(registry: Registry, recipe: Recipe, fields: Sequence[str]) -> frozenset[str]:
    declared = registry.declaration(recipe.kind, recipe.qualified, recipe.params)
    own = frozenset(name for field in fields for name in declared.get(field) or ())
    parts, alternatives = nested_roles(registry, recipe)
    own |= {name for nested in alternatives for name in _union_of_declared(registry, nested, fields)} - FEATURE_NEEDS
    return own.union(*(_union_of_declared(registry, nested, fields) for nested in parts))


def nested_roles(registry: Registry, recipe: Recipe) -> tuple[list[Recipe], list[Recipe]]:
    """The explainers in one that it always asks, and those of which it asks the first that is applicable to a model."""
    chosen = registry.declaration(recipe.kind, recipe.qualified, recipe.params).get("alternatives")
    parts = [nested for name in recipe.params if name != chosen for nested in recipe.nested_in(name)]
    return parts, [] if chosen is None else recipe.nested_in(chosen)


def count_labelled_samples(registry: Registry, recipe: Recipe) -> int:
    """The number of training samples with labels that the component, or one nested in it, may draw; 0 if none declares that it does."""
    declared = registry.declaration(recipe.kind, recipe.qualified, recipe.params)
    own = 0
    if "training-labels" in declared.get("needs", ()):
        own = int(recipe.params.get(declared.get("labelled") or "", DEFAULT_LABELLED_SAMPLES))
    return max([own, *(count_labelled_samples(registry, nested) for nested in recipe.nested)])


def is_trained(registry: Registry, recipe: Recipe) -> bool:
    """Whether a model is trained when it is first needed."""
    return recipe.kind == "models" and registry.declaration("models", recipe.qualified).get("trained") is not None
