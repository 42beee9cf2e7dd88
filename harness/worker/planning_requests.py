"""Questions that planning has for a worker, as plain JSON, and their answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.registry.recipe import Recipe
from harness.worker import inspection
from harness.worker.component_cache import ComponentCache
from harness.worker.mutation_guard import forbid_changes
from harness.worker.training_data import training_facts


def answer_request(bench: ComponentCache, request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to one request (see `harness.planning.remembered_facts`), as plain JSON.

    Beside its ``value`` are the states of the files that were ``read`` to find it out, and a digest of their ``content``.
    """
    recipe = Recipe.from_json(request["recipe"])
    value = _answer_value(bench, request, recipe)
    content = bench.reading.content(recipe) if request["ask"] in ("model", "opened", "passes") else None
    return {"value": value, "read": bench.reading.states(recipe), "content": content}


def _answer_value(bench: ComponentCache, request: Mapping[str, Any], recipe: Recipe) -> Any:
    if request["ask"] == "dataset":
        return inspection.dataset_facts(bench, recipe, request["known"]).to_json()
    if request["ask"] == "model":
        return inspection.model_facts(bench, recipe).to_json()
    if request["ask"] == "training":
        dataset = bench.dataset(recipe)
        with bench.reading.of(recipe):
            return training_facts(dataset, request["seed"], request["labelled"], request["known"]).to_json()
    if request["ask"] == "passes":
        declared = inspection.metric_passes(bench, recipe)
        with forbid_changes([]):
            bench.metric(recipe)  # what this opens is told with it
        return {"passes": declared}
    if request["ask"] == "verdict":
        return inspection.check_applicability(bench, Recipe.from_json(request["model"]), recipe)
    if request["ask"] == "opened":
        inspection.check_construction(bench, recipe)
        return None
    raise ValueError(f"unknown request {request['ask']!r}")
