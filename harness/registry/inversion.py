"""Quality gaps of metrics: the score of a map minus that of its inverse, ``inverted: true`` of a metric's entry in a spec.

Eiras-Franco, Hedström and Höhne 2025 (quality gap estimate): ``QGE = Ψ(e) − Ψ(e⁻)``, where the inverse e⁻ has the values of the map in the
reverse order, so that what was the most relevant is the least. It says how much better a map is than its antithesis, at the cost of a
second evaluation. How a map is inverted is in `harness.worker.inversion`; here is what changes of what a metric declares.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.registry.recipe import Recipe
    from harness.registry.registry import Registry


def recipe_declaration(registry: Registry, recipe: Recipe) -> Mapping[str, Any]:
    """Declaration of a component as a recipe has it: with its parameters, inverted or not."""
    declared = registry.declaration(recipe.kind, recipe.qualified, recipe.params)
    return quality_gap_fields(declared) if recipe.inverted else declared


def inversion_refusal(declared: Mapping[str, Any]) -> str | None:
    """Reason why the inverse of a map has no score of its own by the metric of a declaration, or None."""
    if declared.get("no_inverse"):
        return str(declared["no_inverse"])
    if "explainer" in declared.get("needs", ()):
        return "it explains again, and no explainer makes the inverted map"
    if declared.get("category") == "agreement":
        return "it compares the parts of an explanation, of which the map alone has an inverse"
    return None


def inverts_sizes(declared: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
    """Whether the metric sees |a| alone, so that it is |a| whose order is reversed."""
    absolute = declared.get("absolute", False)
    return bool(params.get(absolute, False)) if isinstance(absolute, str) else bool(absolute)


def quality_gap_fields(declared: Mapping[str, Any]) -> dict[str, Any]:
    """What is declared of the difference of two scores of a metric: its range; better is what is better of the metric.

    >>> quality_gap_fields({"bounds": (0, 1)})["bounds"], quality_gap_fields({"bounds": (0, None)})["bounds"]
    ((-1, 1), (None, None))
    """
    low, high = declared.get("bounds") or (None, None)
    width = None if low is None or high is None else high - low
    return {**declared, "bounds": (None if width is None else -width, width)}
