"""Signatures of components: their positional arguments, and their parameters as a pydantic model."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Mapping
from functools import partial, reduce
from operator import or_
from types import GenericAlias, UnionType
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, create_model
from pydantic_core import CoreSchema, core_schema

from harness.api.declarations import Kind
from harness.registry.errors import SignatureError
from harness.registry.json_schema import reference_schema

POSITIONALS: Mapping[str, tuple[str, ...]] = {
    "explainers": ("model", "images", "targets"),
    "metrics": ("case",),
    "datasets": (),
    "models": (),
    "executors": (),
}
CTX = "ctx"
FIELD_PREFIX = "p_"
MODEL_CONFIG = ConfigDict(extra="forbid", arbitrary_types_allowed=True, protected_namespaces=())


class ComponentParameter:
    """Stands for an annotation of `NESTED_TYPES` in a parameters model, one subclass for each.

    A value is turned into a component by ``context["components"]``; without one it is left as it is.
    """

    kind: ClassVar[Kind]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            lambda value, info: info.context["components"](value, cls.kind) if info.context else value,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda value: value),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"x-reference": cls.kind, **reference_schema(cls.kind)}


class ExplainerParameter(ComponentParameter):
    """Stands for `harness.api.Explainer`."""

    kind = "explainers"


class DatasetParameter(ComponentParameter):
    """Stands for `harness.api.Dataset`."""

    kind = "datasets"


class ModelParameter(ComponentParameter):
    """Stands for `harness.api.Classifier`."""

    kind = "models"


NESTED_TYPES: Mapping[tuple[str, str], type[ComponentParameter]] = {
    ("harness.api.explainers", "Explainer"): ExplainerParameter,
    ("harness.api.sample", "Dataset"): DatasetParameter,
    ("harness.api.classifiers", "Classifier"): ModelParameter,
}
"""What stands for an annotation, by where that is defined: as a parameter it takes a reference to a component."""


def is_class(component: object) -> bool:
    """Whether the component has the class form."""
    return inspect.isclass(component)


def nested_params(component: object) -> type[BaseModel] | None:
    """The nested ``Params`` of a component of class form."""
    params = getattr(component, "Params", None) if is_class(component) else None
    if params is not None and not (inspect.isclass(params) and issubclass(params, BaseModel)):
        raise SignatureError(f"{format_component(component)}: Params must be a pydantic model")
    return params


def unwrap_partial(component: Any) -> Any:
    """The function or class under ``functools.partial``, or the component itself."""
    while isinstance(component, partial):
        component = component.func
    return component


def format_component(component: object) -> str:
    """A component in a message: ``package.module:name``."""
    component = unwrap_partial(component)
    name = getattr(component, "__qualname__", None)
    return f"{getattr(component, '__module__', '?')}:{name}" if name else repr(component)


def signature_of(component: Any) -> inspect.Signature:
    """The signature of a call of the component: of the function, or of ``__call__`` without ``self``; annotations as written."""
    called = component
    if is_class(component):
        if "__call__" not in defined_names(component):
            return inspect.Signature()
        called = component.__call__
    elif not callable(component):
        return inspect.Signature()
    if sys.version_info >= (3, 14):
        from annotationlib import Format

        found = inspect.signature(called, annotation_format=Format.FORWARDREF)
    else:
        found = inspect.signature(called)
    return found.replace(parameters=list(found.parameters.values())[1:]) if is_class(component) else found


def defined_names(component: type) -> set[str]:
    """Names that the class and its bases define, metaclass and ``object`` aside."""
    return {name for base in component.__mro__[:-1] for name in vars(base)}


def takes_ctx(component: object) -> bool:
    """Whether a call of the component takes the reserved argument ``ctx``."""
    return CTX in signature_of(component).parameters


def check_signature(kind: Kind, component: Any) -> None:
    """Raise `SignatureError` unless the component's call has the form of its kind; it names what was expected and found."""
    if not callable(component):
        raise SignatureError(
            f"{format_component(component)} is a {type(component).__name__}, which is no {kind.removesuffix('s')}: it cannot be called"
        )
    if kind == "executors":
        _check_executor(component)
        return
    expected = POSITIONALS[kind]
    if is_class(component) and expected and "__call__" not in defined_names(component):
        raise SignatureError(f"{format_component(component)}: a class of {kind} needs __call__(self, {', '.join(expected)})")
    parameters = list(signature_of(component).parameters.values())
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    loose = [p for p in parameters if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    extra = [p for p in parameters if p.kind is p.KEYWORD_ONLY and p.name != CTX] if is_class(component) else []
    if len(positional) == len(expected) and not loose and not extra and CTX not in [p.name for p in positional]:
        return
    found = inspect.Signature([p.replace(annotation=p.empty) for p in parameters])
    rest = f"{CTX}" if is_class(component) else "parameters…"
    form = f"({', '.join([*expected, '*', rest])})"
    raise SignatureError(
        f"{format_component(component)}: expected the signature {form}, "
        f"found {found}{_advice(component, positional, loose, extra, expected)}"
    )


def _check_executor(component: Any) -> None:
    """An executor is made from ``(settings, registry)``, and a class with `Params` from ``(settings, registry, params)``."""
    expected = ["settings", "registry", *(["params"] if nested_params(component) is not None else [])]
    found = inspect.signature(component)
    try:
        found.bind_partial(*expected)
    except TypeError:
        raise SignatureError(f"{format_component(component)}: an executor is made from ({', '.join(expected)}), found {found}") from None


def _advice(
    component: object,
    positional: list[inspect.Parameter],
    loose: list[inspect.Parameter],
    extra: list[inspect.Parameter],
    expected: tuple[str, ...],
) -> str:
    if loose:
        return f"; name every parameter instead of {'*' * (1 + (loose[-1].kind is inspect.Parameter.VAR_KEYWORD))}{loose[-1].name}"
    if extra:
        return f"; parameters of a class are fields of its nested Params, not arguments ({', '.join(p.name for p in extra)})"
    if len(positional) > len(expected):
        return f"; put `*` before `{positional[len(expected)].name}`: parameters are keyword-only"
    return ""


def parameters_model(component: Any) -> type[BaseModel]:
    """The pydantic model of a component's parameters; unknown ones are forbidden.

    Of a class it is a model made from its nested ``Params``; of a function its fields are the keyword-only arguments except ``ctx``, named
    ``p_<argument>`` with the argument's name as alias, so that no name collides with pydantic's own.
    """
    try:
        return _class_model(component) if is_class(component) else _function_model(component)
    except SignatureError:
        raise
    except Exception as error:
        raise SignatureError(f"{format_component(component)}: its parameters make no model: {error}") from error


def _class_model(component: Any) -> type[BaseModel]:
    params = nested_params(component)
    if params is None:
        return create_model("Params", __config__=MODEL_CONFIG)
    strict = type("Params", (params,), {"__module__": params.__module__, "__doc__": params.__doc__, "model_config": MODEL_CONFIG})
    fields: dict[str, Any] = {
        name: (_replace_components(info.annotation), info)
        for name, info in params.model_fields.items()
        if _mentions_component(info.annotation)
    }
    return create_model("Params", __base__=strict, **fields) if fields else strict


def _function_model(component: Any) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for parameter in signature_of(component).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.name != CTX:
            default = ... if parameter.default is parameter.empty else parameter.default
            fields[FIELD_PREFIX + parameter.name] = (
                _replace_components(_resolve_annotation(component, parameter)),
                Field(default, alias=parameter.name),
            )
    return create_model("Params", __config__=MODEL_CONFIG, **fields)


def _resolve_annotation(component: Any, parameter: inspect.Parameter) -> Any:
    if parameter.annotation is parameter.empty:
        raise SignatureError(f"{format_component(component)}: argument `{parameter.name}` has no annotation")
    if not isinstance(parameter.annotation, str):
        return parameter.annotation
    function = unwrap_partial(component)
    if not inspect.isroutine(function):
        function = type(function).__call__
    function = inspect.unwrap(function)
    cells = inspect.getclosurevars(function).nonlocals if inspect.isfunction(function) else {}
    try:
        return eval(parameter.annotation, getattr(function, "__globals__", {}), dict(cells))
    except Exception as error:
        raise SignatureError(
            f"{format_component(component)}: the annotation of `{parameter.name}`, {parameter.annotation!r}, fails: {error}"
        ) from error


def _component_parameter(annotation: Any) -> type[ComponentParameter] | None:
    """What stands for an annotation, if it is one of `NESTED_TYPES`: what nothing has imported yet cannot stand in one."""
    for (module, name), parameter in NESTED_TYPES.items():
        if annotation is getattr(sys.modules.get(module), name, ComponentParameter):
            return parameter
    return None


def _mentions_component(annotation: Any) -> bool:
    return _component_parameter(annotation) is not None or any(_mentions_component(part) for part in get_args(annotation))


def _replace_components(annotation: Any) -> Any:
    """The annotation with a `ComponentParameter` wherever it says one of `NESTED_TYPES`."""
    if not _mentions_component(annotation):
        return annotation
    if (parameter := _component_parameter(annotation)) is not None:
        return parameter
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return Annotated[(_replace_components(parts[0]), *annotation.__metadata__)]
    replaced = tuple(_replace_components(part) for part in parts)
    return reduce(or_, replaced) if origin in (Union, UnionType) else GenericAlias(origin, replaced)


def validate_params(
    model: type[BaseModel], params: Mapping[str, Any], components: Callable[[Any, Kind], Any] | None = None
) -> tuple[BaseModel, dict[str, Any]]:
    """Validate JSON parameters strictly: the model's instance, and its values by argument name.

    JSON semantics: a list may become a tuple, a string a path, but neither ``true`` nor ``"1"`` becomes a number. Raises pydantic's
    ``ValidationError``.
    """
    context = None if components is None else {"components": components}
    instance = model.model_validate_json(json.dumps(params), strict=True, context=context)
    return instance, {info.alias or name: getattr(instance, name) for name, info in model.model_fields.items()}


def format_validation_error(error: ValidationError) -> str:
    """A pydantic error as one line that names the arguments."""
    lines = []
    for item in error.errors(include_url=False):
        place = ".".join(map(str, item["loc"]))
        message = str(item["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
        lines.append(f"{place}: {message}" if place else message)
    return "; ".join(lines)
