"""What signatures become: parameter schemas, bound components, and errors that name what is wrong."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from harness.api import Explainer
from harness.api.declarations import ExplainerDeclaration, explainer
from harness.registry.binding import bind, declared_passes, inapplicable_reason, takes_ctx
from harness.registry.component_facts import describe_component, parameters_schema
from harness.registry.errors import ParameterError, SignatureError
from harness.registry.recipe import Recipe


def recipe(kind: str = "explainers", name: str = "it", **params: Any) -> Recipe:
    return Recipe(kind, name, "dist", "id", params)


def no_explainers(nested: Recipe) -> Any:
    raise AssertionError("no reference here")


def smooth(
    model: Any,
    images: Any,
    targets: Any,
    *,
    over: Annotated[Explainer, Field(description="what is smoothed")] = "saliency",
    parts: list[Explainer] = ["a", {"use": "b"}],  # noqa: B006
    named: dict[str, Explainer] | None = None,
    maybe: Explainer | None = None,
    draws: Annotated[int, Field(ge=1)] = 8,
    sigma: float = 1,
    levels: tuple[float, ...] = (0.2, 0.4),
    where: Path | None = None,
    copy: bool = False,
    model_dump: Literal["x", "y"] = "x",
    ctx: Any,
) -> Any:
    """Smooth."""
    return {"over": over, "parts": parts, "named": named, "maybe": maybe, "levels": levels, "where": where, "sigma": sigma}


class Stateful:
    """With state."""

    class Params(BaseModel):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        over: Explainer = "saliency"
        rate: float = Field(default=0.5, gt=0, description="how fast")
        names: list[str] = Field(default_factory=lambda: ["a"])

        @field_validator("rate")
        @classmethod
        def not_nine(cls, value: float) -> float:
            if value == 9:
                raise ValueError("nine is right out")
            return value

    def __init__(self, params: Params) -> None:
        self.params = params

    def __call__(self, model: Any, images: Any, targets: Any, *, ctx: Any) -> Any:
        return self.params


def test_the_schema_of_a_function() -> None:
    schema = parameters_schema(smooth)
    properties = schema["properties"]
    assert schema["additionalProperties"] is False and "required" not in schema
    assert "ctx" not in properties and list(properties)[:4] == ["over", "parts", "named", "maybe"]
    assert [name for name, inner in properties.items() if inner.get("x-explainer")] == ["over", "parts", "named", "maybe"]
    assert properties["over"]["default"] == "saliency" and properties["over"]["description"] == "what is smoothed"
    assert properties["parts"]["default"] == ["a", {"use": "b"}]
    assert properties["draws"] == {"type": "integer", "minimum": 1, "default": 8}
    assert properties["levels"] == {"type": "array", "items": {"type": "number"}, "default": [0.2, 0.4]}
    assert properties["copy"] == {"type": "boolean", "default": False}
    assert properties["model_dump"]["enum"] == ["x", "y"]


def test_the_schema_of_a_class() -> None:
    properties = parameters_schema(Stateful)["properties"]
    assert properties["over"]["x-explainer"] is True
    assert properties["rate"] == {"type": "number", "exclusiveMinimum": 0, "default": 0.5, "description": "how fast"}
    assert properties["names"]["default"] == ["a"]


def test_a_schema_without_references_or_titles() -> None:
    class Inner(BaseModel):
        title: str = "kept"

    def it(case: Any, *, inner: Inner = Inner()) -> None: ...  # noqa: B008

    it.__annotations__["inner"] = Inner
    schema = parameters_schema(it)["properties"]["inner"]
    assert schema == {"type": "object", "properties": {"title": {"type": "string", "default": "kept"}}, "default": {"title": "kept"}}


def test_a_parameter_without_default_is_required() -> None:
    def it(case: Any, *, path: str, n: int = 1) -> None: ...

    assert parameters_schema(it)["required"] == ["path"]


def test_binding_a_function() -> None:
    nested = recipe(name="inner", steps=3)
    references = {"over": nested, "parts": [nested], "named": {"k": nested}, "maybe": None}
    values = {"draws": 2, "sigma": 2, "levels": [1, 0.5], "where": "/x", "copy": True, "model_dump": "y"}
    bound = bind(smooth, recipe(**references, **values), lambda one: ("made", one.name, one.params["steps"]))
    made = ("made", "inner", 3)
    assert bound(1, 2, 3, ctx=None) == {
        "over": made,
        "parts": [made],
        "named": {"k": made},
        "maybe": None,
        "levels": (1.0, 0.5),
        "where": Path("/x"),
        "sigma": 2.0,
    }


def test_binding_a_class() -> None:
    bound = bind(Stateful, recipe(over=recipe(name="inner"), rate=2.5), lambda one: one.name)
    params = bound(1, 2, 3, ctx=None)
    assert isinstance(bound, Stateful) and isinstance(params, Stateful.Params)
    assert (params.over, params.rate, params.names) == ("inner", 2.5, ["a"])


@pytest.mark.parametrize(
    ("params", "wrong"),
    [
        ({"draws": True}, "draws: Input should be a valid integer"),
        ({"draws": "3"}, "draws: Input should be a valid integer"),
        ({"draws": 0}, "draws: Input should be greater than or equal to 1"),
        ({"sigma": True}, "sigma: Input should be a valid number"),
        ({"copy": 1}, "copy: Input should be a valid boolean"),
        ({"drawss": 1}, "drawss: Extra inputs are not permitted"),
        ({"over": "a name"}, "over: 'a name' is no resolved reference"),
    ],
)
def test_binding_is_strict(params: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ParameterError) as error:
        bind(smooth, recipe(**params), no_explainers)
    assert str(error.value).startswith(f"it ({__name__}:smooth): ") and wrong in str(error.value)


def test_a_classs_own_validators_have_their_say() -> None:
    with pytest.raises(ParameterError, match="rate: nine is right out"):
        bind(Stateful, recipe(rate=9), no_explainers)


def test_a_dataset_that_is_a_class_without_call() -> None:
    class Data:
        class Params(BaseModel):
            n: int = 3

        def __init__(self, params: Params) -> None:
            self.n = params.n

        def __len__(self) -> int:
            return self.n

    assert describe_component("datasets", Data)["parameters"]["properties"] == {"n": {"type": "integer", "default": 3}}
    assert len(bind(Data, recipe("datasets", n=5), no_explainers)()) == 5


def test_who_takes_ctx() -> None:
    assert takes_ctx(smooth) and takes_ctx(Stateful) and not takes_ctx(lambda case: case)


def two(model: Any, images: Any, *, layer: str = "x") -> None: ...
def loose(model: Any, images: Any, targets: Any, layer: str = "x") -> None: ...
def stars(model: Any, images: Any, targets: Any, **options: Any) -> None: ...
def bare(model: Any, images: Any, targets: Any, *, layer=None) -> None: ...
def mistaken(model: Any, images: Any, targets: Any, *, n: int = "three") -> None: ...
def opaque(model: Any, images: Any, targets: Any, *, n: object = object()) -> None: ...
def unknown(model: Any, images: Any, targets: Any, *, n: Nowhere = 1) -> None: ...  # noqa: F821
def endless(model: Any, images: Any, targets: Any, *, n: float = float("inf")) -> None: ...


class Uncalled:
    pass


class Misplaced:
    def __call__(self, model: Any, images: Any, targets: Any, *, n: int = 1) -> None: ...


FORM = "expected the signature (model, images, targets, *, "


@pytest.mark.parametrize(
    ("component", "message"),
    [
        (two, f":two: {FORM}parameters…), found (model, images, *, layer='x')"),
        (loose, "put `*` before `layer`: parameters are keyword-only"),
        (stars, "name every parameter instead of **options"),
        (bare, ":bare: argument `layer` has no annotation"),
        (mistaken, ":mistaken: a default is refused by its own annotation: n: Input should be a valid integer"),
        (opaque, ":opaque: the default of `n` is no JSON value"),
        (endless, ":endless: the default of `n` is no JSON value"),
        (unknown, ":unknown: the annotation of `n`, 'Nowhere', fails: name 'Nowhere' is not defined"),
        (Uncalled, ":Uncalled: a class of explainers needs __call__(self, model, images, targets)"),
        (Misplaced, "parameters of a class are fields of its nested Params, not arguments (n)"),
        (3, "3 is a int, which is no explainer: it cannot be called"),
    ],
)
def test_a_wrong_form_is_told(component: Any, message: str) -> None:
    with pytest.raises(SignatureError) as error:
        describe_component("explainers", component)
    assert message in str(error.value)


@pytest.mark.parametrize(("kind", "form"), [("metrics", "(case, *, "), ("models", "(*, "), ("datasets", "(*, ")])
def test_every_kind_has_its_form(kind: Any, form: str) -> None:
    with pytest.raises(SignatureError) as error:
        describe_component(kind, two)
    assert f"expected the signature {form}parameters…)" in str(error.value)


def test_a_partial_is_a_component() -> None:
    def it(model: Any, images: Any, targets: Any, *, n: int = 1, m: int = 2) -> tuple[int, int]:
        return n, m

    made = partial(it, n=5)
    assert parameters_schema(made)["properties"]["n"]["default"] == 5
    assert bind(made, recipe(n=6, m=7), no_explainers)(0, 0, 0) == (6, 7)


def test_applicable_and_passes() -> None:
    def it(model: Any, images: Any, targets: Any) -> None: ...

    assert inapplicable_reason(it, it, None) is None
    it.applicable = lambda model: f"not on {model}"
    assert inapplicable_reason(it, partial(it), "vgg") == "not on vgg"
    it.applicable = lambda model, layer="default": f"{layer} on {model}"
    assert inapplicable_reason(it, partial(it, layer="conv", steps=3), "vgg") == "conv on vgg"
    assert inapplicable_reason(it, it, "vgg") == "default on vgg"
    it.applicable = lambda model: False
    with pytest.raises(TypeError, match="must return a reason or None, not bool"):
        inapplicable_reason(it, it, None)
    assert declared_passes(ExplainerDeclaration(passes=3), {}) == 3.0
    assert declared_passes(ExplainerDeclaration(passes=lambda params: 2 * params["n"]), {"n": 4}) == 8.0
    assert declared_passes(ExplainerDeclaration(), {}) is None


def test_the_declaration_is_on_the_card() -> None:
    declared = explainer(signed=True, needs={"relu"})(lambda model, images, targets: images)
    assert describe_component("explainers", declared)["declaration"]["needs"] == ["relu"]
