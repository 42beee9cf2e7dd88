"""From an imported component and its recipe to a callable that wants nothing but data and ``ctx``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from harness.api.declarations import Declaration, Kind
from harness.registry.card import singular
from harness.registry.errors import ParameterError
from harness.registry.naming import with_article
from harness.registry.recipe import NESTED, Recipe
from harness.registry.signature import (
    defined_names,
    format_component,
    format_validation_error,
    is_class,
    nested_params,
    parameters_model,
    takes_ctx,
    validate_params,
)

if TYPE_CHECKING:
    from harness.api import Classifier

__all__ = ["applicability_check", "bind", "bind_executor", "declared_passes", "inapplicable_reason", "takes_ctx"]


def bind(component: Any, recipe: Recipe, components: Callable[[Recipe], Any]) -> Callable[..., Any]:
    """The component with its parameters bound: a function's partial, or a class's instance.

    Args:
        component: what `Registry.load` returned.
        recipe: whose parameters are bound.
        components: makes the component that a nested recipe stands for.

    Raises:
        ParameterError: a parameter is refused by the component's own model.
    """
    nested = partial(_make_nested_component, components)
    instance, bound = _validated(component, recipe.to_json()["params"], f"{recipe.name} ({format_component(component)})", nested)
    if not is_class(component):
        return partial(component, **bound) if bound else component
    made = component(instance) if nested_params(component) is not None else component()
    return made if "__call__" in defined_names(component) else partial(_return_value, made)


def bind_executor(component: Any, params: Mapping[str, Any]) -> Callable[..., Any]:
    """Maker of an executor from ``(settings, registry)``: a function with its parameters bound, or a class that is given its `Params`.

    Raises:
        ParameterError: a parameter is refused by the executor's own model.
    """
    instance, bound = _validated(component, params, format_component(component))
    if is_class(component):
        return partial(component, params=instance) if nested_params(component) is not None else component
    return partial(component, **bound)


def _validated(
    component: Any, params: Mapping[str, Any], name: str, nested: Callable[[Any, Kind], Any] | None = None
) -> tuple[BaseModel, dict[str, Any]]:
    try:
        return validate_params(parameters_model(component), params, nested)
    except ValidationError as error:
        raise ParameterError(f"{name}: {format_validation_error(error)}") from error


def _make_nested_component(components: Callable[[Recipe], Any], value: Any, kind: Kind) -> Any:
    if not isinstance(value, Mapping) or NESTED not in value:
        raise ValueError(f"{value!r} is no resolved reference to {with_article(singular(kind))}")
    return components(Recipe.from_json(value[NESTED]))


def _return_value(value: Any) -> Any:
    return value


def applicability_check(component: Any, bound: Callable[..., Any]) -> Callable[..., Any] | None:
    """Method or attribute by which a component says which models it is applicable to, or None."""
    return getattr(bound, "applicable", None) or getattr(component, "applicable", None)


def inapplicable_reason(component: Any, bound: Callable[..., Any], model: Classifier) -> str | None:
    """Reason why the component does not apply to the model, or None; a component that does not say always applies.

    A function's ``applicable`` may take parameters of the function by name, and is given those that are bound.
    """
    check = applicability_check(component, bound)
    given = bound.keywords if isinstance(bound, partial) else {}
    reason = None if check is None else check(model, **{name: given[name] for name in signature(check).parameters if name in given})
    if reason is not None and not isinstance(reason, str):
        raise TypeError(f"{format_component(component)}: applicable() must return a reason or None, not {type(reason).__name__}")
    return reason


def declared_passes(declaration: Declaration, params: Mapping[str, Any]) -> float | None:
    """Forward-equivalent passes per sample that the component declares for these parameters, or None if it does not."""
    declared = getattr(declaration, "passes", None)
    found = declared(params) if callable(declared) else declared
    return None if found is None else float(found)
