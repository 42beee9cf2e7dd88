"""The page of explainers on families of networks, held to what they do now."""

from __future__ import annotations

import pytest

from harness.registry.registry import Registry
from tests.support.contact_sheet import by_family
from tests.support.families import FAMILIES
from tests.support.families_page import EXTRA, bound, cell, read_page

SOME = ["gradient", "deep-lift", "full-grad", "guided-backprop", "attn-lrp", "lrp", "cam", "grad-cam", "exact-shapley", "le-grad"]
"""Fast ones, with reasons of all kinds for which they do not apply."""


@pytest.mark.slow
@pytest.mark.parametrize("family", ["VGG", "ViT", "MLP"])
def test_explainers_do_on_a_family_what_the_page_says(family: str) -> None:
    said = read_page()
    assert {name: cell(bound(name), family) for name in SOME} == {name: said[name][family] for name in SOME}


def test_the_page_has_every_explainer_and_none_that_raises() -> None:
    registry, said = Registry.discover(), read_page()
    assert set(said) == {*EXTRA, *(name for name in by_family(registry) if not registry.declaration("explainers", name).get("null"))}
    assert all(set(cells) == set(FAMILIES) for cells in said.values())


def test_lrp_conserves_relevance_on_the_families_that_it_runs_on() -> None:
    conserving = read_page()["lrp, zero_bias, conserve"]
    assert {conserving[family] for family in ("VGG", "ResNet", "DenseNet", "MLP")} == {"0 %"}
