"""What components, and those nested in them, declare that they learn from."""

from __future__ import annotations

from collections.abc import Sequence

from harness.registry.recipe import Recipe
from harness.registry.registry import Registry

MOST_LABELLED = 4096  # for a component that does not declare how many it draws


def declared_needs(registry: Registry, recipe: Recipe) -> frozenset[str]:
    """What the component, or one nested in it, cannot do without."""
    return _declared(registry, recipe, ("needs",))


def declared_uses(registry: Registry, recipe: Recipe) -> frozenset[str]:
    """What the component, or one nested in it, needs or wants."""
    return _declared(registry, recipe, ("needs", "wants"))


def without_training(registry: Registry, recipe: Recipe) -> frozenset[str]:
    """What the component, and those nested in it, do where the training data that they want are not there."""
    declared = registry.declaration(recipe.kind, recipe.qualified, recipe.params)
    own = {str(declared["otherwise"])} if declared.get("wants") and declared.get("otherwise") else set()
    return frozenset(own).union(*(without_training(registry, nested) for nested in recipe.nested))


def _declared(registry: Registry, recipe: Recipe, fields: Sequence[str]) -> frozenset[str]:
    declared = registry.declaration(recipe.kind, recipe.qualified, recipe.params)
    own = frozenset(name for field in fields for name in declared.get(field) or ())
    return own.union(*(_declared(registry, nested, fields) for nested in recipe.nested))


def labelled(registry: Registry, recipe: Recipe) -> int:
    """How many training samples with labels the component, or one nested in it, may draw; 0 where none declares that it does."""
    declared = registry.declaration(recipe.kind, recipe.qualified, recipe.params)
    own = 0
    if "training-labels" in declared.get("needs", ()):
        own = int(recipe.params.get(declared.get("labelled") or "", MOST_LABELLED))
    return max([own, *(labelled(registry, nested) for nested in recipe.nested)])
