"""A mismatch of classes names its dataset and its model, and a guess is told."""

from __future__ import annotations

import pytest

from harness.planning.class_matching import ClassMismatch, match_model_classes
from harness.planning.facts import DatasetFacts, ModelFacts
from harness.registry.card import Card
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry

DATASET = Recipe("datasets", "folder", "acme", "acme/folder", {}, "mine")
MODEL = Recipe("models", "net", "acme", "acme/net", {}, "theirs")
PARAMETERS = {"properties": {"num_classes": {}, "seed": {}}}


def facts(names: list[str] | None, labels: list[int]) -> DatasetFacts:
    ids = [f"s{i}" for i in range(len(labels))]
    return DatasetFacts(ids, ids, labels, names, evidence={})


def network(classes: int, names: list[str] | None = None) -> ModelFacts:
    return ModelFacts("digest", classes, names, (3, 8, 8), None, None, (), 1, ("its own",))


def match(data: DatasetFacts, model: ModelFacts, class_map: dict[str, str | int] | None = None) -> tuple[list[int] | None, ModelFacts]:
    registry = Registry([Card("models", "net", "acme", "1", "acme:net", identity="acme/net", parameters=PARAMETERS)])
    return match_model_classes(registry, DATASET, data, MODEL, model, class_map)


@pytest.mark.parametrize(
    ("data", "model"),
    [(facts(["a", "b"], [0, 1]), network(3)), (facts(["a"], [0]), network(2, ["x", "y"])), (facts(None, [0, 3]), network(3))],
)
def test_a_mismatch_names_both_and_the_parameters_that_may_help(data: DatasetFacts, model: ModelFacts) -> None:
    with pytest.raises(ClassMismatch, match=r"^the dataset mine and the model theirs: .*parameters of net that may help: `num_classes`\)$"):
        match(data, model)


def test_a_guess_is_among_the_notes_of_the_model_in_this_group() -> None:
    classes, model = match(facts(["a", "b"], [0, 1]), network(2))
    assert classes is None and model.notes[0] == "its own" and model.notes[1].startswith("no class names: ") and "mine" in model.notes[1]
    assert match(facts(["a", "b"], [0, 1]), network(2, ["b", "a"]))[1].notes == ("its own",)


def test_mapped_numbers_are_checked_as_the_model_s() -> None:
    assert match(facts(None, [1, 2]), network(2), {"1": 0, "2": 1})[0] == [0, 0, 1]
    with pytest.raises(ClassMismatch, match="s1: 5"):
        match(facts(None, [1, 5]), network(2), {"1": 0, "2": 1})
