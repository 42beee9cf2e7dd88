"""The choice of the best models: ranked within levels, ties by seed."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from harness.planning.keeping import Level, choice_lines, choose, mean_accuracy
from harness.registry.recipe import Recipe
from harness.spec.keep_options import KeepOptions


def model(label: str, seed: int | None = None) -> Recipe:
    return Recipe("models", "net", "plugin", "1", label=label, params={} if seed is None else {"seed": seed})


def kept(models: list[Recipe], scores: Mapping[str, float | None], best: int = 2, final: bool = True) -> tuple[set[str], bool]:
    level = Level("net", KeepOptions(best=best), models)
    choice = choose(level, lambda one: scores.get(one.label), final=final)
    return set(choice.kept), choice.decided


def test_the_best_are_kept() -> None:
    models = [model(label) for label in "abcd"]
    assert kept(models, {"a": 0.5, "b": 0.9, "c": 0.7, "d": 0.0}) == ({"b", "c"}, True)
    assert kept(models, {"a": 0.5, "b": 0.9, "c": 0.7, "d": 0.0}, best=9) == ({"a", "b", "c", "d"}, True)


@pytest.mark.parametrize("order", [[0, 1, 2, 10], [10, 2, 1, 0], [2, 10, 0, 1]])
def test_of_equals_the_lower_seed_is_better(order: list[int]) -> None:
    models = [model(f"s{seed}", seed) for seed in order]
    assert kept(models, dict.fromkeys((one.label for one in models), 0.5)) == ({"s0", "s1"}, True)


def test_equals_are_equal_whatever_their_sums_are_rounded_to() -> None:
    scores = {"s1": mean_accuracy([0.1, 0.2, 0.3]), "s0": mean_accuracy([0.3, 0.2, 0.1])}
    assert scores["s0"] != scores["s1"], "or there is nothing to see"
    assert kept([model("s1", 1), model("s0", 0)], scores, best=1) == ({"s0"}, True)


def test_of_equals_without_seeds_who_is_named_first_is_better() -> None:
    assert kept([model(label) for label in "zay"], dict.fromkeys("zay", 0.5)) == ({"z", "a"}, True)


def test_until_all_are_ranked_the_first_stand_in() -> None:
    models = [model(label) for label in "abc"]
    assert kept(models, {"c": 1.0}, final=False) == ({"a", "b"}, False)
    assert kept(models, {"a": 0.1, "b": 0.2, "c": 1.0}, final=False) == ({"b", "c"}, True)


def test_of_those_that_stand_in_the_lower_seeds_are_first() -> None:
    """As they would be if all were equally good."""
    models = [model(f"s{seed}", seed) for seed in (10, 1, 0)]
    assert kept(models, {}, final=False) == ({"s0", "s1"}, False)


def test_who_cannot_be_ranked_in_the_end_is_explained_and_takes_nobodys_place() -> None:
    """It fails there, and says why."""
    assert kept([model(label) for label in "abcd"], {"a": 0.1, "b": None, "c": 1.0, "d": 0.5}) == ({"b", "c", "d"}, True)


def test_a_mean_over_data_sets_is_known_when_all_are() -> None:
    assert mean_accuracy([0.5, 1.0]) == 0.75
    assert mean_accuracy([0.5, None]) is None
    assert mean_accuracy([]) is None


def test_what_is_explained_is_said_of_each_pool() -> None:
    keep = KeepOptions(best=1, within=["init", "tune"])
    choices = [choose(Level("vgg", keep, [model("a"), model("b")]), lambda one: 0.5, final=True) for _ in range(3)]
    assert choice_lines(choices) == ["vgg: 3 of 6 models explained, the best 1 of each of 3 levels of init and tune by test-accuracy"]
    open_ = choose(Level("net", KeepOptions(best=1), [model("a"), model("b")]), lambda one: None, final=False)
    (line,) = choice_lines([open_])
    assert line.startswith("net: 1 of 2 models explained, the best 1 by test-accuracy; which they are is known when")
