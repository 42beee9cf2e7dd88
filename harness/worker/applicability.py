"""Reasons why an explainer is not applicable to a model: by what it declares and says itself, and by what those nested in it do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.api.classifiers import Classifier
from harness.api.network_features import detect_features
from harness.registry.binding import inapplicable_reason
from harness.registry.declared_needs import declared_needs
from harness.registry.recipe import Recipe
from harness.registry.unmet_needs import lacking_features

if TYPE_CHECKING:
    from harness.worker.component_cache import ComponentCache


def inapplicability_reason(components: ComponentCache, recipe: Recipe, model: Classifier) -> str | None:
    """Reason why an explainer is not applicable to a model, or None: for the features it lacks, else as itself says."""
    lacking = lacking_features(declared_needs(components.registry, recipe), detect_features(model))
    return lacking if lacking is not None else _refusal_reason(components, recipe, model)


def _refusal_reason(components: ComponentCache, recipe: Recipe, model: Classifier) -> str | None:
    """Reason that an explainer's ``applicable``, or that of the first nested in it which refuses, gives for a model; None if none does."""
    reason = inapplicable_reason(components.factory.component(recipe), components.explainer(recipe).call, model)
    if reason is not None:
        return reason
    found = ((nested.name, _refusal_reason(components, nested, model)) for nested in recipe.nested)
    return next((f"{name}: {inner}" for name, inner in found if inner is not None), None)
