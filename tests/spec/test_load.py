from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.spec.load import load_spec
from harness.spec.loaded_spec import LoadedSpec
from harness.spec.problems import SpecError
from harness.spec.yaml_document import parse_yaml

Write = Callable[[str], Path]


@pytest.fixture
def loaded(quickstart: str, write: Write, registry: Registry) -> LoadedSpec:
    return load_spec(write(quickstart), registry)


def data(quickstart: str, **changes: Any) -> dict[str, Any]:
    return {**parse_yaml(quickstart, "x").data, **changes}


def labels(recipes: tuple[Recipe, ...]) -> list[str]:
    return [recipe.label for recipe in recipes]


def test_the_quickstart(loaded: LoadedSpec) -> None:
    assert (loaded.spec.name, loaded.spec.seed, loaded.reference) == ("quickstart", 0, "triad")
    assert labels(loaded.recipes.explainers) == ["grad-cam", "lrp", "IG", "triad"]
    assert labels(loaded.recipes.rows) == ["grad-cam", "lrp", "IG", "triad", "random", "sobel", "laplace"]
    assert loaded.recipes.datasets[0].params == {"split": "test", "samples": 48, "size": 96}
    assert loaded.recipes.explainers[3].params["parts"]["lrp"].params == {"rule": "epsilon", "epsilon": 1e-6}
    assert (loaded.spec.execution.timeout, loaded.spec.execution.startup_timeout) == (600.0, 300.0)
    assert loaded.recipes.random_model is False


def test_yaml_means_what_version_1_2_says(write: Write, quickstart: str, registry: Registry) -> None:
    text = quickstart.replace("name: quickstart", "name: no").replace("seed: 0", "seed: 012")
    text = text.replace("label: IG", "label: 1:30").replace("epsilon-plus-flat", "epsilon, epsilon: 1e-3")
    found = load_spec(write(text), registry)
    assert (found.spec.name, found.spec.seed, found.recipes.explainers[2].label) == ("no", 12, "1:30")
    assert found.recipes.explainers[1].params["epsilon"] == 0.001


SCALARS = {
    **{"0x1F": 31, "0o14": 12, "0b11": 3, "1_000": 1000, "-0": 0, "+.5": 0.5, "1.": 1.0, "1e5": 100000.0, "1e-3": 0.001},
    **{"2001-01-01": "2001-01-01", "yes": "yes", "no": "no", "1:30": "1:30", "TRUE": True, "~": None, "": None},
    **{"'1'": "1", "!!str 1": "1", "a # b": "a", "- -": [[None]]},
}


@pytest.mark.parametrize(("text", "value"), SCALARS.items())
def test_scalars(text: str, value: object) -> None:
    found = parse_yaml(f"a:\n  {text}\n" if text else "a:\n", "x").data["a"]
    assert found == value and type(found) is type(value)


def test_aliases_stand_for_what_they_name() -> None:
    assert parse_yaml("a: &x {b: 1}\nc: *x\n", "x").data == {"a": {"b": 1}, "c": {"b": 1}}


def test_a_byte_order_mark_is_no_harm(tmp_path: Path, quickstart: str, registry: Registry) -> None:
    file = tmp_path / "bom.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + quickstart.replace("\n", "\r\n").encode())
    assert load_spec(file, registry).spec.name == "quickstart"


def test_numbers_written_differently_are_one_recipe(quickstart: str, registry: Registry) -> None:
    one, other = (
        load_spec(data(quickstart, explainers=[{"use": "lrp", "params": {"epsilon": value}}, "triad"]), registry) for value in (1, 1.0)
    )
    assert one.recipes.explainers[0].digest == other.recipes.explainers[0].digest


def test_the_resolved_spec_runs_again(loaded: LoadedSpec, write: Write, registry: Registry) -> None:
    again = load_spec(write(loaded.to_yaml()), registry)
    assert again.recipes == loaded.recipes and again.to_yaml() == loaded.to_yaml()
    assert "acme/" not in loaded.to_yaml()


def test_an_ambiguous_name_is_written_with_its_distribution(quickstart: str, registry: Registry) -> None:
    parts = {"a": "one/twice", "b": "grad-cam"}
    found = load_spec(data(quickstart, explainers=["two/twice", {"use": "triad", "params": {"parts": parts}}]), registry)
    assert labels(found.recipes.explainers) == ["twice", "triad"]
    assert "use: two/twice" in found.to_yaml() and "use: one/twice" in found.to_yaml() and "use: grad-cam" in found.to_yaml()


def test_a_null_that_is_a_row_is_that_row(quickstart: str, registry: Registry) -> None:
    spec = data(quickstart, explainers=["triad", {"use": "sobel", "label": "edges"}], nulls=["sobel", "random-model", "random"])
    found = load_spec(spec, registry).recipes
    assert labels(found.nulls) == ["edges", "random"] and labels(found.rows) == ["triad", "edges", "random"] and found.random_model


def test_training_data_and_class_maps(quickstart: str, registry: Registry) -> None:
    dataset = {
        "use": "lesions",
        "label": "d",
        "training": {"use": "lesions", "params": {"split": "train"}},
        "class_map": {"0": "a", "1": 1},
    }
    found = load_spec(data(quickstart, datasets=[dataset, "lesions"]), registry)
    assert found.recipes.training["d"].params["split"] == "train" and list(found.recipes.training) == ["d"]
    assert found.spec.datasets[0].class_map == {"0": "a", "1": 1}
    again = load_spec(parse_yaml(found.to_yaml(), "x").data, registry)
    assert again.recipes == found.recipes and again.spec.datasets[0].class_map == found.spec.datasets[0].class_map


OVERRIDES = [
    {"model": "lesions*", "explainer": "*-cam", "params": {"layer": "layer3"}},
    {"explainer": "grad-cam", "params": {"layer": "layer4", "relu": False}},
    {"dataset": "lesions", "params": {"samples": 8}},
    {"explainer": "triad", "metric": "road", "params": {"fractions": [0.5]}},
]


def test_overrides_reach_their_columns_and_later_ones_win(quickstart: str, registry: Registry) -> None:
    found = load_spec(data(quickstart, models=["lesions-vgg", {"use": "lesions-vgg", "label": "other"}], overrides=OVERRIDES[:1]), registry)
    cam, road = found.recipes.explainers[0], found.recipes.metrics[0]
    assert found.recipe_for("explainers", cam, dataset="lesions", model="lesions-vgg").params == {"layer": "layer3", "relu": True}
    assert found.recipe_for("explainers", cam, dataset="lesions", model="other") == cam
    assert found.recipe_for("explainers", cam) == cam
    found = load_spec(data(quickstart, overrides=OVERRIDES), registry)
    assert found.recipe_for("explainers", cam, model="lesions-vgg").params == {"layer": "layer4", "relu": False}
    assert found.recipe_for("explainers", cam, model="lesions-vgg").label == "grad-cam"
    assert found.recipe_for("datasets", found.recipes.datasets[0]).params["samples"] == 8
    assert found.recipe_for("metrics", road, explainer="triad").params["fractions"] == [0.5]
    assert found.recipe_for("metrics", road, explainer="lrp") == road
    again = load_spec(parse_yaml(found.to_yaml(), "x").data, registry)
    assert again.recipe_for("metrics", road, explainer="triad").params["fractions"] == [0.5]


def test_settings_replace_single_values(quickstart: str, write: Write, registry: Registry) -> None:
    changes = [
        ("seed", "7"),
        ("explain.target", "label"),
        ("explainers.0.params.layer", "layer3"),
        ("explainers.1", "integrated-gradients"),
        ("datasets.0.params.samples", "4"),
        ("statistics.confidence", "0.9"),
        ("statistics.correction", "holm"),
        ("metrics", "[road]"),
        ("name", 'a "quoted" name'),
    ]
    found = load_spec(write(quickstart), registry, changes)
    assert (found.spec.seed, found.spec.explain.target, found.spec.statistics.confidence) == (7, "label", 0.9)
    assert found.spec.statistics.correction == "holm"
    assert found.recipes.explainers[0].params["layer"] == "layer3"
    assert found.recipes.explainers[1].name == "integrated-gradients"
    assert found.recipes.datasets[0].params["samples"] == 4
    assert labels(found.recipes.metrics) == ["road"] and found.spec.name == 'a "quoted" name'


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (("seed", "x"), '--set seed=x: seed must be an integer ≥ 0 and < 9.22337e+18, not "x"'),
        (("seeed", "1"), '--set seeed=1: unknown key "seeed"; did you mean "seed"? (known: name, seed'),
        (("explainers.9.label", "x"), "--set explainers.9.label=x: explainers is a list: 9 must be one of its indices (0 to 3)"),
        (("explainers.one", "x"), "--set explainers.one=x: explainers is a list: one must be one of its indices (0 to 3)"),
        (("seed.x", "1"), "--set seed.x=1: seed is 0, which holds no x"),
        (("a..b", "1"), '--set a..b=1: "a..b" is no path such as seed or explainers.0.params.layer'),
        (("seed", "[1"), "--set seed=[1: expected ',' or ']'"),
        (
            ("explainers.2.params.steps", "0"),
            "--set explainers.2.params.steps=0: integrated-gradients: steps must be an integer ≥ 1",
        ),
    ],
)
def test_a_wrong_setting_is_told(setting: tuple[str, str], message: str, quickstart: str, write: Write, registry: Registry) -> None:
    with pytest.raises(SpecError) as error:
        load_spec(write(quickstart), registry, [setting])
    assert str(error.value).startswith(message) and len(error.value.problems) == 1


def test_a_setting_can_mend_a_spec(quickstart: str, write: Write, registry: Registry) -> None:
    assert load_spec(write(quickstart.replace("- grad-cam", "- gradcam")), registry, [("explainers.0", "grad-cam")])


def my_own(model: Any, images: Any, targets: Any, *, power: float = 2.0) -> Any:
    """Mine."""
    return images


class Data:
    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Any:
        return None


def test_python_objects_in_component_positions(quickstart: str, registry: Registry) -> None:
    spec = data(
        quickstart,
        datasets=[Data(), {"use": Data(), "label": "second"}],
        explainers=["triad", my_own, {"use": my_own, "params": {"power": 3}, "label": "cubed"}],
        metrics=({"use": "triad-size", "label": "x"}, lambda case: case.attributions.sum((1, 2)))[1:],
        nulls=[],
    )
    found = load_spec(spec, registry)
    assert labels(found.recipes.datasets) == ["data", "second"]
    assert [recipe.qualified for recipe in found.recipes.explainers] == ["acme/triad", "session/my-own", "session/my-own"]
    assert found.recipes.explainers[2].params == {"power": 3.0} and found.recipes.metrics[0].qualified == "session/lambda"
    assert registry.component(found.recipes.explainers[1]) is my_own


def test_python_objects_inside_parameters(quickstart: str, registry: Registry) -> None:
    spec = data(quickstart, explainers=[{"use": "triad", "params": {"parts": {"a": my_own, "b": "lrp"}}}], reference=None)
    assert load_spec(spec, registry).recipes.explainers[0].params["parts"]["a"].qualified == "session/my-own"


def test_an_object_that_knows_its_recipe_stands_for_it(quickstart: str, registry: Registry) -> None:
    class Bound:
        recipe = load_spec(data(quickstart), registry).recipes.explainers[1].labelled("mine")

    found = load_spec(data(quickstart, explainers=[Bound(), {"use": Bound(), "label": "b"}], reference=None), registry)
    assert labels(found.recipes.explainers) == ["mine", "b"]
    assert found.recipes.explainers[0].digest == found.recipes.explainers[1].digest == Bound.recipe.digest


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"explainers": [lambda model: 0]}, "spec: explainers.0: "),
        ({"seed": object()}, "spec: seed: must be a plain value, not "),
        (
            {"explainers": [{"use": "lrp", "params": {"epsilon": -1}}]},
            "spec: explainers.0.params.epsilon: lrp: epsilon must be",
        ),
        ({"explainers": [{"use": "lrp", "params": {"epsilon": {1, 2}}}]}, "spec: explainers.0.params.epsilon: must be a plain value"),
    ],
)
def test_a_wrong_mapping_is_told_by_its_path(changes: dict[str, Any], message: str, quickstart: str, registry: Registry) -> None:
    with pytest.raises(SpecError) as error:
        load_spec(data(quickstart, reference=None, **changes), registry)
    assert any(str(problem).startswith(message) for problem in error.value.problems)


def test_loading_does_not_change_what_it_was_given(quickstart: str, registry: Registry) -> None:
    spec = data(quickstart)
    load_spec(spec, registry, [("explainers.0.params.layer", "x"), ("seed", "3")])
    assert spec == data(quickstart)


def test_durations() -> None:
    from harness.spec.duration import format_duration, parse_duration

    assert [parse_duration(text) for text in ("90s", "10m", "2h", "1.5m", "250ms", 3, 0.5)] == [90, 600, 7200, 90, 0.25, 3, 0.5]
    assert [format_duration(value) for value in (90, 600, 7200, 0.25)] == ["90s", "10m", "2h", "0.25s"]


def test_weights_are_of_categories_and_metrics_that_there_are(quickstart: str, registry: Registry) -> None:
    spec = {**parse_yaml(quickstart, "x").data, "rank": {"weights": {"localisation": 2, "road": 0.5}}}
    assert load_spec(spec, registry).spec.rank.weights == {"localisation": 2, "road": 0.5}
    with pytest.raises(SpecError) as error:
        load_spec({**spec, "rank": {"weights": {"localization": 2, "rood": 1, "road": -1}}}, registry)
    said = str(error.value)
    assert 'no category and no metric is called "localization"; did you mean "localisation"?' in said
    assert 'no category and no metric is called "rood"; did you mean "road"?' in said
    assert "rank.weights.road" in said
