"""Arguments of a metric's constructor: which it takes, as JSON, and what functions their names stand for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from quantus.functions import complexity_func, discretise_func, loss_func, norm_func, perturb_func, similarity_func
from quantus.functions.normalise_func import (
    normalise_by_average_second_moment_estimate,
    normalise_by_max,
    normalise_by_negative,
)

from harness_quantus.catalogue import CLASSES

OURS = {"self", "kwargs", "normalise", "normalise_func", "normalise_func_kwargs", "return_aggregate", "aggregate_func"}
IRRELEVANT = {"default_plot_func", "disable_warnings", "display_progressbar", "output_func", "mosaic_shape"}
FUNCTIONS: Mapping[str, ModuleType] = {
    "similarity_func": similarity_func,
    "perturb_func": perturb_func,
    "norm_numerator": norm_func,
    "norm_denominator": norm_func,
    "loss_func": loss_func,
    "discretise_func": discretise_func,
    "complexity_func": complexity_func,
}
NORMALISATIONS: Mapping[str, Callable[..., Any]] = {
    "max": normalise_by_max,
    "negative": normalise_by_negative,
    "second-moment": normalise_by_average_second_moment_estimate,
}
TYPES: Mapping[type, object] = {bool: "boolean", int: "integer", float: "number", str: ["string", "number"]}


def named_functions(module: ModuleType) -> dict[str, Callable[..., Any]]:
    """The public functions that a module defines."""
    return {
        name: item
        for name, item in vars(module).items()
        if inspect.isfunction(item) and item.__module__ == module.__name__ and not name.startswith("_")
    }


def taken(name: str) -> dict[str, Any]:
    """JSON Schema of each argument that a metric's constructor takes."""
    found: dict[str, Any] = {}
    for argument, parameter in inspect.signature(CLASSES[name].__init__).parameters.items():
        if argument in FUNCTIONS:
            found[argument] = {"enum": sorted(named_functions(FUNCTIONS[argument]))}
        elif argument not in OURS | IRRELEVANT:
            kind = TYPES.get(type(parameter.default))
            found[argument] = {"type": "object"} if argument.endswith("_kwargs") else {} if kind is None else {"type": kind}
    return found


def conditions() -> list[dict[str, Any]]:
    """For each metric what ``arguments`` takes, as a condition of a JSON Schema."""
    return [
        {
            "if": {"properties": {"metric": {"const": name}}, "required": ["metric"]},
            "then": {"properties": {"arguments": {"properties": taken(name), "additionalProperties": False}}},
        }
        for name in CLASSES
    ]


def resolved(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with functions in the place of their names."""
    return {
        argument: named_functions(FUNCTIONS[argument])[value] if argument in FUNCTIONS else value for argument, value in arguments.items()
    }


def normalisation(kind: str) -> dict[str, Any]:
    """The arguments that say how maps are normalised; none where Quantus's own default stands."""
    if kind == "default":
        return {}
    return {"normalise": False} if kind == "none" else {"normalise": True, "normalise_func": NORMALISATIONS[kind]}
