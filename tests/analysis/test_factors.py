"""Factors of a run by name, and what components are called where some of them do not matter."""

import dataclasses

import pytest

from harness.analysis.factors import FactoredComponent, FactorError, find_factors
from harness.results.components import ComponentInfo
from tests.support.swept_results import swept_results


def test_names_are_found_in_models_datasets_and_explainers() -> None:
    found = find_factors(swept_results(), ["tune", " steps", "tune", "model"])
    assert [(factor.name, factor.kind, factor.key) for factor in found] == [
        ("tune", "model", "tune"),
        ("steps", "explainer", "steps"),
        ("model", "model", None),
    ]


def test_a_name_that_several_have_is_the_models_and_the_others_say_whose_they_are() -> None:
    results = swept_results()
    data = ComponentInfo(component="data", factors={"seed": "7"})
    results = dataclasses.replace(results, groups=[dataclasses.replace(g, recipes={**g.recipes, "dataset": data}) for g in results.groups])
    found = find_factors(results, ["seed", "dataset seed", "model seed"])
    assert [(factor.name, factor.kind) for factor in found] == [("seed", "model"), ("dataset seed", "dataset"), ("seed", "model")]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["tunes"], "nothing here was swept by 'tunes'; did you mean tune\\? \\(there are model, dataset, tune, seed, steps\\)"),
        (["lr"], "nothing here was swept by 'lr' \\(there are"),
        (["x\x1b[31m"], r"nothing here was swept by 'x.\[31m' "),
        ([""], "say by what levels are made: there are model, dataset, tune"),
    ],
)
def test_an_unknown_name_is_refused_with_those_there_are(names: list[str], said: str) -> None:
    with pytest.raises(FactorError, match=said) as caught:
        find_factors(swept_results(), names)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("label", "factors", "names", "called"),
    [
        ("net tune=all, seed=3", {"tune": "all", "seed": "3"}, ["tune"], "net seed=3"),
        ("net tune=all, seed=3", {"tune": "all", "seed": "3"}, ["seed", "tune"], "net"),
        ("net tune=all, seed=3", {"tune": "all", "seed": "3"}, ["steps"], "net tune=all, seed=3"),
        ("My net seed=3", {"arch": "vgg16", "seed": "3"}, ["seed"], "My net"),
        ("the small one", {"size": "small", "tune": "all"}, ["size"], "component tune=all"),
        ("net e=1 tune=10", {"tune": "10", "e": "1"}, ["e"], "component tune=10"),
        ("net", {"tune": "all"}, ["tune"], "component"),
    ],
)
def test_what_is_called_alike_differs_in_nothing_else(label: str, factors: dict[str, str], names: list[str], called: str) -> None:
    assert FactoredComponent(label, "component", factors).without(names) == called
