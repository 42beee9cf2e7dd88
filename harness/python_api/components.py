"""Components of Python's face: models, datasets, explainers and metrics by name, or from functions and objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.api.classifiers import Classifier
from harness.api.declarations import Kind
from harness.api.explainers import Explainer
from harness.api.sample import Dataset
from harness.api.turns import in_turn
from harness.registry.errors import Problem, ReferenceProblems
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.registry.resolve import resolve
from harness.spec.python_objects import make_reference
from harness.store.address import default_address
from harness.store.store import Store
from harness.worker.bound_components import BoundExplainer, BoundMetric
from harness.worker.component_cache import ComponentCache
from harness.worker.trained_models import TrainedModels


@in_turn
def model(use: str | Callable[..., Any], /, **params: Any) -> Classifier:
    """A model by its component's name, on the CPU; raises ``ValueError`` for an unknown name or parameter."""
    recipe = _resolve_recipe("models", use, params)
    return _cache_for(recipe).model(recipe)


@in_turn
def dataset(use: str | Callable[..., Any], /, **params: Any) -> Dataset:
    """A dataset by its component's name; items are `harness.api.Sample`. Raises as `model` does."""
    recipe = _resolve_recipe("datasets", use, params)
    return _cache_for(recipe).dataset(recipe)


@in_turn
def explainer(use: str | Callable[..., Any], /, **params: Any) -> BoundExplainer:
    """An explainer by its component's name, or from a plain function.

    Parameters that take explainers take names, references, functions and what this returns. Raises as `model` does.
    """
    recipe = _resolve_recipe("explainers", use, params)
    return _cache_for(recipe).explainer(recipe)


@in_turn
def metric(use: str | Callable[..., Any], /, *, inverted: bool = False, **params: Any) -> BoundMetric:
    """A metric by its component's name, or from a plain function; ``inverted``: its score minus that of the inverted map.

    Raises as `model` does, and for a metric that cannot be inverted.
    """
    recipe = _resolve_recipe("metrics", use, params, {"inverted": True} if inverted else {})
    return _cache_for(recipe).metric(recipe)


_caches: list[ComponentCache] = []  # at most one: that of the components as they are


def current_registry() -> Registry:
    """The components, looked at again if a file of theirs has changed."""
    if not _caches or not _caches[0].registry.current:
        _caches[:] = [ComponentCache(Registry.discover())]
        TrainedModels(_caches[0], lambda: Store(default_address()))
    return _caches[0].registry


def _cache_for(recipe: Recipe) -> ComponentCache:
    """What is kept of what was made, but for a thing of this recipe whose files have changed."""
    _caches[0].remake_if_changed(recipe)
    return _caches[0]


def _resolve_recipe(kind: Kind, use: Any, params: Mapping[str, Any], beside: Mapping[str, Any] | None = None) -> Recipe:
    registry = current_registry()
    try:
        return resolve(registry, kind, {**make_reference(registry, kind, use, params), **(beside or {})})
    except ReferenceProblems as error:  # a place in a reference is of no use to who wrote a call
        raise ReferenceProblems([Problem(() if len(each.at) < 3 else each.at, each.message) for each in error.problems]) from None


def to_explainer(given: Any) -> Explainer:
    """An explainer from what a call was given as one."""
    if isinstance(given, BoundMetric | Classifier):
        raise ValueError(f"explainer must be an explainer, not a {type(given).__name__}")
    return given if isinstance(given, Explainer) and not isinstance(given, type) else explainer(given)


def to_metric(given: Any) -> BoundMetric:
    """A metric from what a call was given as one."""
    if isinstance(given, Explainer | Classifier) and not isinstance(given, type):
        raise ValueError(f"metric must be a metric, not a {type(given).__name__}")
    return given if isinstance(given, BoundMetric) else metric(given)
