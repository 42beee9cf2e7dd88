"""Answers to what planning must know of components, which takes importing and running them: plain JSON, as requests are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.api.classifiers import Classifier
from harness.api.declarations import declaration_of
from harness.api.network_features import detect_features
from harness.planning.facts import ModelFacts
from harness.registry.binding import applicability_check, declared_passes, inapplicable_reason
from harness.registry.recipe import Recipe
from harness.worker.applicability import inapplicability_reason, parts_that_explain, substitution_notes
from harness.worker.component_cache import ComponentCache
from harness.worker.dataset_inspection import ReadingCounter, dataset_facts
from harness.worker.mutation_guard import caused_mutation, forbid_changes
from harness.worker.probe_logits import compute_probe_logits
from harness.worker.training_data import planned_training_facts


def answer_request(components: ComponentCache, request: Mapping[str, Any], counter: ReadingCounter | None = None) -> dict[str, Any]:
    """The answer to one request (see `harness.planning.remembered_facts`), as plain JSON.

    The ``counter`` hears how far the reading of a data set is. Beside its ``value`` are the states of the files that were ``read`` to find
    it out, and a digest of their ``content``.
    """
    recipe = Recipe.from_json(request["recipe"])
    value = _answer_value(components, request, recipe, counter or ReadingCounter())
    content = components.factory.reading.content(recipe) if request["ask"] in ("model", "opened", "passes") else None
    return {"value": value, "read": components.factory.reading.states(recipe), "content": content}


def _answer_value(components: ComponentCache, request: Mapping[str, Any], recipe: Recipe, counter: ReadingCounter) -> Any:
    if request["ask"] == "dataset":
        return dataset_facts(components, recipe, request["known"], counter).to_json()
    if request["ask"] == "model":
        return model_facts(components, recipe).to_json()
    if request["ask"] == "training":
        return planned_training_facts(components, recipe, request["seed"], request["labelled"], request["known"]).to_json()
    if request["ask"] == "passes":
        declared = metric_passes(components, recipe)
        with forbid_changes([]):
            bound = components.metric(recipe).call  # what this opens is told with it
        return {"passes": declared, "selective": applicability_check(components.factory.component(recipe), bound) is not None}
    if request["ask"] == "verdict":
        return check_applicability(components, Recipe.from_json(request["model"]), recipe)
    if request["ask"] == "opened":
        check_construction(components, recipe)
        return {}
    raise ValueError(f"unknown request {request['ask']!r}")


def model_facts(components: ComponentCache, recipe: Recipe) -> ModelFacts:
    """Makes the model."""
    model = components.model(recipe)
    return ModelFacts(
        digest=model.digest,
        num_classes=model.num_classes,
        class_names=model.class_names,
        input_shape=list(model.input_shape),
        family=model.family,
        cam_layer=model.cam_layer,
        features=sorted(detect_features(model)),
        parameters=sum(parameter.numel() for parameter in model.module.parameters()),
        notes=list(model.notes),
        bounded=model.bounds is not None,
        answers=compute_probe_logits(model, steady=True),
    )


def check_applicability(components: ComponentCache, model_recipe: Recipe, recipe: Recipe) -> dict[str, Any]:
    """Verdict of an explainer or a metric on a model, as JSON: see `harness.planning.facts.Verdict`.

    Raises `harness.worker.mutation_guard.MutationError` if binding it or asking it changed the model (which is made again then) or
    shared state.
    """
    with components.unchanged_model(model_recipe) as model:
        if recipe.kind == "metrics":
            bound = components.metric(recipe).call
            return {"reason": inapplicable_reason(components.factory.component(recipe), bound, model), "passes": None}
        reason = inapplicability_reason(components, recipe, model)
        notes = [] if reason is not None else list(substitution_notes(components, recipe, model))
        return {"reason": reason, "passes": _explainer_passes(components, recipe, model), "notes": notes}


def check_construction(components: ComponentCache, recipe: Recipe) -> None:
    """Make an explainer; raises `MutationError` if that changed shared state, and will be found to do so again."""
    try:
        with forbid_changes([]):
            components.explainer(recipe)
    except BaseException as error:
        if caused_mutation(error):
            components.forget_explainers()
        raise


def _explainer_passes(components: ComponentCache, recipe: Recipe, model: Classifier) -> float | None:
    """Passes per sample that an explainer declares; of a composition that does not say, what its parts take."""
    declared = declared_passes(declaration_of(components.factory.component(recipe), "explainers"), recipe.params)
    nested = parts_that_explain(components, recipe, model) if declared is None else []
    parts = [_explainer_passes(components, part, model) for part in nested]
    known = [part for part in parts if part is not None]
    return sum(known) if parts and len(known) == len(parts) else declared


def metric_passes(components: ComponentCache, recipe: Recipe) -> float | None:
    """Passes per sample that a metric declares for its parameters, or None; of one that explains again, how often it does.

    Of a score that is held against the inverted map's, twice as many: what both ask alike is asked once.
    """
    passes = declared_passes(declaration_of(components.factory.component(recipe), "metrics"), recipe.params)
    return None if passes is None else passes * (2 if recipe.inverted else 1)
