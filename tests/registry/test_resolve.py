from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from harness.api import Explainer
from harness.registry.card import Card
from harness.registry.component_facts import describe_component
from harness.registry.errors import ReferenceProblems
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.registry.resolve import resolve

from .conftest import Install


def plain(
    model: Any,
    images: Any,
    targets: Any,
    *,
    steps: Annotated[int, Field(ge=1, le=100)] = 10,
    sigma: Annotated[float, Field(gt=0)] = 1.0,
    rule: Literal["epsilon", "gamma"] = "epsilon",
    layer: str | None = None,
    levels: Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=1)] = [0.5],  # noqa: B006
) -> None: ...


def nesting(
    model: Any,
    images: Any,
    targets: Any,
    *,
    over: Explainer = "plain",
    parts: dict[str, Explainer] | None = None,
    extra: list[Explainer] = [],  # noqa: B006
    either: Explainer | Literal["none"] = "none",
) -> None: ...


def selfish(model: Any, images: Any, targets: Any, *, over: Explainer = "selfish") -> None: ...
def lost(model: Any, images: Any, targets: Any, *, over: Explainer = "nowhere") -> None: ...
def needy(model: Any, images: Any, targets: Any, *, path: str) -> None: ...


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry(
        Card(
            "explainers",
            one.__name__,
            "dist",
            "1",
            f"x:{one.__name__}",
            identity=f"id-{one.__name__}",
            **describe_component("explainers", one),
        )
        for one in (plain, nesting, selfish, lost, needy)
    )


def problems(registry: Registry, reference: Any) -> list[tuple[str, str]]:
    with pytest.raises(ReferenceProblems) as error:
        resolve(registry, "explainers", reference, ("e", 0))
    return [(".".join(map(str, problem.at)), problem.message) for problem in error.value.problems]


def test_defaults_are_filled(registry: Registry) -> None:
    found = resolve(registry, "explainers", "plain")
    assert found == Recipe(
        "explainers", "plain", "dist", "id-plain", {"steps": 10, "sigma": 1.0, "rule": "epsilon", "layer": None, "levels": [0.5]}, "plain"
    )


def test_a_name_and_its_mapping_are_one_recipe(registry: Registry) -> None:
    bare = resolve(registry, "explainers", "plain")
    full = resolve(registry, "explainers", {"use": "dist/plain", "params": {"steps": 10, "levels": [0.5]}, "label": "other"})
    assert bare.digest == full.digest and (bare.label, full.label) == ("plain", "other") and bare != full


def test_one_and_one_point_nought_are_one_recipe(registry: Registry) -> None:
    whole = resolve(registry, "explainers", {"use": "plain", "params": {"sigma": 1, "steps": 10.0, "levels": [1]}})
    pointed = resolve(registry, "explainers", {"use": "plain", "params": {"sigma": 1.0, "steps": 10, "levels": [1.0]}})
    assert whole.digest == pointed.digest
    assert isinstance(whole.params["sigma"], float) and isinstance(whole.params["steps"], int)


def test_references_are_resolved_wherever_they_stand(registry: Registry) -> None:
    params = {"over": {"use": "plain", "params": {"steps": 2}}, "parts": {"a": "plain"}, "extra": ["plain", {"use": "nesting"}]}
    found = resolve(registry, "explainers", {"use": "nesting", "params": params})
    assert found.params["over"].params["steps"] == 2
    assert found.params["parts"]["a"] == found.params["extra"][0] == resolve(registry, "explainers", "plain")
    assert found.params["extra"][1].params["over"].name == "plain"
    assert found.params["either"] == "none"
    assert len(list(found.nested)) == 4


def test_a_default_reference_is_the_same_as_a_written_one(registry: Registry) -> None:
    written = resolve(registry, "explainers", {"use": "nesting", "params": {"over": "plain"}})
    assert written.digest == resolve(registry, "explainers", "nesting").digest


def test_a_default_that_is_not_installed_is_said_with_what_its_plugin_lacks(install: Install) -> None:
    source = """
        from harness.api import Explainer

        def inner(model, images, targets, *, over: Explainer = "elsewhere"): ...
        def outer(model, images, targets, *, over: Explainer = "inner"): ...
    """
    points = {"harness.explainers": {"inner": "fused:inner", "outer": "fused:outer"}}
    install("fused-dist", {"fused.py": source}, points, requires=("not-there>=1", "pydantic", "other ; extra == 'dev'"))
    (problem,) = problems(Registry.discover(), "outer")
    assert problem[1] == (
        'outer: the default of over: inner: the default of over: unknown explainer "elsewhere" (installed: inner, outer); '
        "fused-dist requires not-there, not installed here"
    )


def test_nested_parameters_reach_the_digest(registry: Registry) -> None:
    changed = resolve(registry, "explainers", {"use": "nesting", "params": {"over": {"use": "plain", "params": {"steps": 11}}}})
    assert changed.digest != resolve(registry, "explainers", "nesting").digest


def test_recipes_survive_json_and_being_written(registry: Registry) -> None:
    found = resolve(registry, "explainers", {"use": "nesting", "params": {"parts": {"a": "plain"}, "extra": ["nesting"]}})
    assert Recipe.from_json(found.to_json()) == found
    assert resolve(registry, "explainers", found.reference()) == found


def test_what_is_left_out_of_a_key(registry: Registry) -> None:
    few, many = (resolve(registry, "explainers", {"use": "plain", "params": {"steps": steps}}) for steps in (1, 2))
    assert few.digest != many.digest and few.digest_without({"steps"}) == many.digest_without({"steps"})
    assert "steps" not in few.key_params({"steps"})


INSTALLED = "(installed: lost, needy, nesting, plain, selfish)"
KNOWN = "(known: steps, sigma, rule, layer, levels)"
AN_EXPLAINER = "must be an explainer (its name, or use + params), not"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("plian", [("e.0", f'unknown explainer "plian"; did you mean "plain"? {INSTALLED}')]),
        ({"use": "plian"}, [("e.0.use", f'unknown explainer "plian"; did you mean "plain"? {INSTALLED}')]),
        (3, [("e.0", f"{AN_EXPLAINER} 3")]),
        (
            {"usee": "plain"},
            [
                ("e.0.usee", 'unknown key "usee"; did you mean "use"? (known: use, params, label)'),
                ("e.0", "use is missing: the name of the explainer"),
            ],
        ),
        ({"use": "plain", "params": [1]}, [("e.0.params", "params must be a mapping, not [1]")]),
        ({"use": "plain", "label": " "}, [("e.0.label", 'label must be a string, not " "')]),
        ({"use": "needy"}, [("e.0", "needy: path is missing: a string")]),
        ({"use": "lost"}, [("e.0", f'lost: the default of over: unknown explainer "nowhere" {INSTALLED}')]),
        ({"use": "nesting", "params": {"over": 3}}, [("e.0.params.over", f"nesting: over {AN_EXPLAINER} 3")]),
        ({"use": "nesting", "params": {"extra": ["plain", 3]}}, [("e.0.params.extra.1", f"nesting: extra[1] {AN_EXPLAINER} 3")]),
        (
            {"use": "nesting", "params": {"parts": {"a": "plian", "b": {"use": "plain", "params": {"steps": 0, "rul": 1}}}}},
            [
                ("e.0.params.parts.a", f'unknown explainer "plian"; did you mean "plain"? {INSTALLED}'),
                ("e.0.params.parts.b.params.steps", "plain: steps must be an integer ≥ 1 and ≤ 100, not 0"),
                ("e.0.params.parts.b.params.rul", f'plain: unknown parameter "rul"; did you mean "rule"? {KNOWN}'),
            ],
        ),
    ],
)
def test_everything_wrong_is_told_at_its_place(registry: Registry, reference: Any, expected: list[tuple[str, str]]) -> None:
    assert sorted(problems(registry, reference)) == sorted(expected)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"steps": 0}, "steps must be an integer ≥ 1 and ≤ 100, not 0"),
        ({"steps": True}, "steps must be an integer ≥ 1 and ≤ 100, not true"),
        ({"steps": "7"}, 'steps must be an integer ≥ 1 and ≤ 100, not "7"'),
        ({"steps": 1.5}, "steps must be an integer ≥ 1 and ≤ 100, not 1.5"),
        ({"steps": None}, "steps must be an integer ≥ 1 and ≤ 100, not null"),
        ({"sigma": 0}, "sigma must be a number > 0, not 0"),
        ({"sigma": float("nan")}, "sigma must be finite, not nan"),
        ({"rule": "gama"}, 'rule must be one of "epsilon", "gamma", not "gama"; did you mean "gamma"?'),
        ({"layer": 4}, "layer must be a string or null, not 4"),
        ({"levels": []}, "levels must be a list of at least 1, each a number ≥ 0 and ≤ 1, not empty"),
        ({"levels": [0.5, 2]}, "levels[1] must be a number ≥ 0 and ≤ 1, not 2"),
        ({"levels": 0.5}, "levels must be a list of at least 1, each a number ≥ 0 and ≤ 1, not 0.5"),
    ],
)
def test_a_parameter_out_of_range_is_told_in_words(registry: Registry, params: dict[str, Any], message: str) -> None:
    ((_, found),) = problems(registry, {"use": "plain", "params": params})
    assert found == f"plain: {message}"


def test_a_default_that_is_the_component_itself_ends(registry: Registry) -> None:
    ((_, message),) = problems(registry, "selfish")
    assert "more than 16 deep" in message


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["plain", "nesting", "none", "", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["use", "params", "label", "over", "parts", "extra", "steps", "x"]), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(reference=ANY)
def test_resolving_gives_a_recipe_or_problems(registry: Registry, reference: Any) -> None:
    try:
        found = resolve(registry, "explainers", reference)
    except ReferenceProblems as error:
        assert error.problems
    else:
        assert Recipe.from_json(found.to_json()).digest == found.digest
