"""Questions that planning has for a worker, as plain JSON, and their answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.execution import inspection
from harness.execution.training import training_facts
from harness.execution.workbench import Workbench
from harness.registry.recipe import Recipe


def answer(bench: Workbench, request: Mapping[str, Any]) -> Any:
    """The answer to one request (see `harness.execution.remembering`), as plain JSON."""
    recipe = Recipe.from_json(request["recipe"])
    if request["ask"] == "dataset":
        return inspection.dataset_facts(bench, recipe, request["known"]).to_json()
    if request["ask"] == "model":
        return inspection.model_facts(bench, recipe).to_json()
    if request["ask"] == "training":
        return training_facts(bench.dataset(recipe), request["seed"], request["labelled"], request["known"]).to_json()
    if request["ask"] == "passes":
        return {"passes": inspection.metric_passes(bench, recipe)}
    if request["ask"] == "verdict":
        return inspection.verdict(bench, Recipe.from_json(request["model"]), recipe)
    raise ValueError(f"unknown request {request['ask']!r}")
