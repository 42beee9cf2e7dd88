"""Keys change with all that can change a number, and with nothing else."""

from dataclasses import replace
from typing import Any

from harness.planning import keys
from harness.planning.variants import AS_IS, Variant
from harness.registry.recipe import Recipe
from harness.spec.run_spec import ExecutionOptions

EXPLAINER = Recipe("explainers", "cam", "harness-cam", "1", {"layer": "a"}, "CAM")
OPTIONS: dict[str, Any] = {"target": "predicted", "seed": 0, "training": None, "dtype": "float32"}


def key(explainer: Recipe = EXPLAINER, dataset: str = "d", model: str = "m", **changes: Any) -> str:
    return keys.explanation_key(dataset, model, explainer, **{**OPTIONS, **changes})


def test_what_changes_a_map_changes_its_key() -> None:
    others = [
        key(replace(EXPLAINER, params={"layer": "b"})),
        key(replace(EXPLAINER, identity="2")),
        key(replace(EXPLAINER, distribution="other")),
        key(dataset="e"),
        key(model="n"),
        key(variant=Variant("random model", seed=1)),
        key(variant=Variant("random model", seed=2)),
        key(target="label"),
        key(target=0),
        key(seed=1),
        key(training="t"),
        key(dtype="float16"),
        key(variant=Variant("inputs", "minor", 0.1, 1)),
        key(variant=Variant("weights", "minor", 0.1, 1)),
        key(variant=Variant("weights", "minor", 0.2, 1)),
        key(variant=Variant("weights", "minor", 0.1, 2)),
        key(variant=Variant("weights", "minor", 0.1, 1, seed=1)),
        key(variant=Variant("oracle")),
    ]
    assert len({key(), *others}) == len(others) + 1


def test_what_a_disturbance_should_do_is_in_no_key() -> None:
    assert key(variant=Variant("inputs", "minor", 0.1, 1)) == key(variant=Variant("inputs", "disruptive", 0.1, 1))
    assert key(variant=AS_IS) == key()


def test_a_label_changes_no_key() -> None:
    assert key(EXPLAINER.labelled("another")) == key()


def test_a_nested_explainer_is_in_the_key() -> None:
    outer = Recipe("explainers", "smooth", "x", "1", {"over": EXPLAINER})
    inner = replace(outer, params={"over": replace(EXPLAINER, params={"layer": "b"})})
    relabelled = replace(outer, params={"over": EXPLAINER.labelled("another")})
    assert key(outer) != key(inner)
    assert key(outer) == key(relabelled)


def test_how_many_samples_there_are_is_in_no_key() -> None:
    few, many = (Recipe("datasets", "d", "x", "1", {"split": "test", "samples": n}) for n in (4, 8))
    selection = frozenset({"samples"})
    assert keys.dataset_key(few, selection, None) == keys.dataset_key(many, selection, None)
    assert keys.dataset_key(few, selection, None) != keys.dataset_key(few, selection, [1, 0])
    train = replace(few, params={"split": "train", "samples": 4})
    assert keys.dataset_key(few, selection, None) != keys.dataset_key(train, selection, None)


def test_what_a_model_computes_in_is_in_its_key() -> None:
    model = Recipe("models", "m", "x", "1", {})
    executions = [
        ExecutionOptions(precision=precision, compile=compiled) for precision in ("fp32", "tf32", "bf16") for compiled in (False, True)
    ]
    assert len({keys.model_key(model, "content", execution.arithmetic) for execution in executions}) == 6
    assert ExecutionOptions().arithmetic == "fp32"  # which is in the keys of every store there is


def test_a_model_is_its_recipe_and_what_it_was_made_of() -> None:
    model = Recipe("models", "m", "x", "1", {"pool": "avg", "weights": "a.pt"})
    others = [
        keys.model_key(replace(model, name="n"), "content", "fp32"),
        keys.model_key(replace(model, identity="2"), "content", "fp32"),
        keys.model_key(replace(model, params={"pool": "max", "weights": "a.pt"}), "content", "fp32"),
        keys.model_key(model, "weights", "fp32"),
        keys.model_key(model, "content", "fp32", read="files"),
        keys.model_key(model, "content", "fp32", named={"weights": "held"}),
        keys.model_key(model, "content", "fp32", named={"weights": "held otherwise"}),
        keys.model_key(model, "content", "fp32", generation=1),
    ]
    assert len({keys.model_key(model, "content", "fp32"), *others}) == len(others) + 1
    moved = replace(model, params={"pool": "avg", "weights": "/elsewhere/b.pt"})
    assert keys.model_key(moved, "content", "fp32", named={"weights": "held"}) == others[5], "a file is what it holds, wherever it lies"


def test_keys_are_stable_over_time() -> None:
    """These are the keys of version 6: should they change, every store is stale, and `IDENTITY_VERSION` must say so."""
    assert keys.IDENTITY_VERSION == 6
    assert key() == key(Recipe.from_json(EXPLAINER.to_json()))
    assert key() == "693e498bfb435d07360ea6964dd43a262d2ae1a31017235fdce329dc51bf6812"
    assert (
        keys.score_key("e", Recipe("metrics", "deletion", "harness-metrics", "1", {"steps": 10}), None)
        == "f5bb21bdebe9b076ac7eb7a2ae7f15d5610f33ae6e11f54b728b6d7fd3311fc7"
    )
    assert (
        keys.dataset_key(Recipe("datasets", "d", "x", "1", {"split": "test", "samples": 4}), frozenset({"samples"}), [0, 2])
        == "f07ce7b75c4af83e99611bc915b85bc4d3f71c3ac8c2491a5a1afd612f8d0343"
    )
    assert (
        keys.model_key(Recipe("models", "m", "x", "1", {}), "content", "fp32")
        == "289f4072521a76e9986034a60cf9270914ac414fc9e4a3c86c156f441a1088b0"
    )
