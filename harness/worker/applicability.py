"""Reasons why an explainer is not applicable to a model: by what it declares and says itself, and by what those nested in it do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.api.classifiers import Classifier
from harness.api.network_features import detect_features
from harness.registry.binding import inapplicable_reason
from harness.registry.declared_needs import declared_needs, nested_roles
from harness.registry.recipe import Recipe
from harness.registry.unmet_needs import lacking_features

if TYPE_CHECKING:
    from harness.worker.component_cache import ComponentCache


def inapplicability_reason(components: ComponentCache, recipe: Recipe, model: Classifier) -> str | None:
    """Reason why an explainer is not applicable to a model, or None: for the features it lacks, else as itself says."""
    lacking = lacking_features(declared_needs(components.registry, recipe), detect_features(model))
    return lacking if lacking is not None else _refusal_reason(components, recipe, model)


def parts_that_explain(components: ComponentCache, recipe: Recipe, model: Classifier) -> list[Recipe]:
    """The explainers in one that it asks about a model; of alternatives it is the first that is applicable."""
    parts, alternatives = nested_roles(components.registry, recipe)
    first = next((other for other in alternatives if inapplicability_reason(components, other, model) is None), None)
    return parts if first is None else [*parts, first]


def substitution_notes(components: ComponentCache, recipe: Recipe, model: Classifier) -> Iterator[str]:
    """Notes for a reader of an explanation in which an alternative stands in for the first, and why."""
    _, alternatives = nested_roles(components.registry, recipe)
    for nested in parts_that_explain(components, recipe, model):
        if alternatives and nested in alternatives[1:]:
            yield f"{nested.label} in place of {alternatives[0].label}: {inapplicability_reason(components, alternatives[0], model)}"
        yield from substitution_notes(components, nested, model)


def _refusal_reason(components: ComponentCache, recipe: Recipe, model: Classifier) -> str | None:
    """Reason that an explainer's ``applicable``, or that of one nested in it without which it cannot explain, gives for a model."""
    reason = inapplicable_reason(components.factory.component(recipe), components.explainer(recipe).call, model)
    if reason is not None:
        return reason
    parts, alternatives = nested_roles(components.registry, recipe)
    refused = ((nested.name, _refusal_reason(components, nested, model)) for nested in parts)
    reason = next((f"{name}: {inner}" for name, inner in refused if inner is not None), None)
    if reason is not None or not alternatives or len(parts_that_explain(components, recipe, model)) > len(parts):
        return reason
    return "; ".join(f"{other.name}: {inapplicability_reason(components, other, model)}" for other in alternatives)
