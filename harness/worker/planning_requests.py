"""Questions that planning has for a worker, as plain JSON, and their answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.registry.recipe import Recipe
from harness.worker import inspection
from harness.worker.component_cache import ComponentCache
from harness.worker.mutation_guard import forbid_changes
from harness.worker.training_data import training_facts


def answer_request(components: ComponentCache, request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to one request (see `harness.planning.remembered_facts`), as plain JSON.

    Beside its ``value`` are the states of the files that were ``read`` to find it out, and a digest of their ``content``.
    """
    recipe = Recipe.from_json(request["recipe"])
    value = _answer_value(components, request, recipe)
    content = components.factory.reading.content(recipe) if request["ask"] in ("model", "opened", "passes") else None
    return {"value": value, "read": components.factory.reading.states(recipe), "content": content}


def _answer_value(components: ComponentCache, request: Mapping[str, Any], recipe: Recipe) -> Any:
    if request["ask"] == "dataset":
        return inspection.dataset_facts(components, recipe, request["known"]).to_json()
    if request["ask"] == "model":
        return inspection.model_facts(components, recipe).to_json()
    if request["ask"] == "training":
        dataset = components.dataset(recipe)
        with components.factory.reading.of(recipe):
            return training_facts(dataset, request["seed"], request["labelled"], request["known"]).to_json()
    if request["ask"] == "passes":
        declared = inspection.metric_passes(components, recipe)
        with forbid_changes([]):
            components.metric(recipe)  # what this opens is told with it
        return {"passes": declared}
    if request["ask"] == "verdict":
        return inspection.check_applicability(components, Recipe.from_json(request["model"]), recipe)
    if request["ask"] == "opened":
        inspection.check_construction(components, recipe)
        return None
    raise ValueError(f"unknown request {request['ask']!r}")
