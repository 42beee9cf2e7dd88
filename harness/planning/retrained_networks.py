"""Networks that a metric has trained: those among its parameters, and what is filled in of them for each explainer and model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

from harness.api.declarations import EACH, EXPLAINER, MODEL
from harness.planning.facts import Unavailable
from harness.planning.trainings import Trainings
from harness.registry.declared_needs import is_trained
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.spec.loaded_spec import LoadedSpec


def trained_parts(registry: Registry, recipe: Recipe) -> Iterator[Recipe]:
    """The trained models among a component's parameters, however deep, but for those that others of them begin with."""
    for part in recipe.nested:
        if is_trained(registry, part):
            yield part
        else:
            yield from trained_parts(registry, part)


def retrains(registry: Registry, metric: Recipe) -> bool:
    """Whether a metric has networks trained for each explainer."""
    return bool(_declared(registry, metric))


def for_explainer(registry: Registry, metric: Recipe, explainer: Recipe, model: Recipe) -> Recipe:
    """The metric as it scores this explainer on this model: each network that it has trained once for each of the values it names."""
    filled = {
        parameter: [_variation(metric, parameter, template, value, explainer, model) for value in _values(metric, template)]
        for parameter, template in _declared(registry, metric).items()
    }
    return replace(metric, params={**metric.params, **filled}) if filled else metric


def with_networks(trainings: Trainings, metric: Recipe, explainer: Recipe | None, model: Recipe) -> tuple[Recipe, list[str]]:
    """The metric with the networks that are trained for it, and the keys of these; ``explainer`` is None if it explains no model as it is.

    Raises `Unavailable` if there are none, and none will be.
    """
    registry = trainings.registry
    if retrains(registry, metric):
        if (reason := unfit_network(registry, metric)) is not None:
            raise Unavailable(reason)
        if explainer is None:
            raise Unavailable("networks are trained again for explainers of the model as it is alone")
        metric = for_explainer(registry, metric, explainer, model)
    networks = list(trained_parts(registry, metric))
    for network in networks:
        trainings.lacking(network)
    return metric, [trainings.key(network) for network in networks]


def networks_of_spec(loaded: LoadedSpec) -> Iterator[Recipe]:
    """All models of a spec, each followed by the trained models among the parameters of metrics on explanations of it."""
    recipes, registry, chosen = loaded.recipes, loaded.registry, loaded.recipe_for
    for dataset, named in product(recipes.datasets, recipes.models):
        model = chosen("models", named, dataset=dataset.label)
        yield model
        for row, judged in product(recipes.rows, recipes.metrics):
            explainer = chosen("explainers", row, dataset=dataset.label, model=model.label)
            metric = chosen("metrics", judged, dataset=dataset.label, model=model.label, explainer=row.label)
            if unfit_network(registry, metric) is None:
                yield from trained_parts(registry, for_explainer(registry, metric, explainer, model))


def unfit_network(registry: Registry, metric: Recipe) -> str | None:
    """Reason why a network among a metric's parameters cannot be trained as the metric wants it, or None."""
    for parameter, template in _declared(registry, metric).items():
        network = metric.params[parameter]
        if not isinstance(network, Recipe) or not is_trained(registry, network) or not set(template) <= set(network.params):
            return f"{parameter} must be one network to train with the parameters {', '.join(sorted(template))}, such as trained"
    return None


def _declared(registry: Registry, metric: Recipe) -> Mapping[str, Mapping[str, Any]]:
    return registry.declaration("metrics", metric.qualified).get("retrains") or {} if metric.kind == "metrics" else {}


def _values(metric: Recipe, template: Mapping[str, Any]) -> list[Any]:
    """The values of the parameter that the template names, of each of which there is a network."""
    names = [str(value).removeprefix(EACH) for value in template.values() if str(value).startswith(EACH)]
    return list(metric.params[names[0]]) if names else [None]


def _variation(metric: Recipe, parameter: str, template: Mapping[str, Any], value: Any, explainer: Recipe, model: Recipe) -> Recipe:
    standing = {EXPLAINER: explainer, MODEL: model}
    filled = {name: value if str(given).startswith(EACH) else standing.get(given, given) for name, given in template.items()}
    network: Recipe = metric.params[parameter]
    names = [part.label or part.name for part in (metric, explainer, model)]
    label = " · ".join([*names, *([] if value is None else [str(value)])])
    return replace(network, params={**network.params, **filled}, label=label)
