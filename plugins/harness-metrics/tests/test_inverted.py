"""Inverted metrics (quality gaps) in closed form, and which of this package's have none."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import harness
from tests.support.components import cards_of

ONE_SCORE = {"complexity", "sparseness", "effective-complexity", "completeness"}  # which an inverted map has too


def gap(case, name, **params):
    scorer = harness.metric(name, inverted=True, **params)
    return scorer(replace(case, memory={}))


def score(case, name, **params):
    return harness.metric(name, **params)(replace(case, memory={}))


def test_the_gap_of_deletion_is_the_area_between_the_curves(cnn_case):
    """Removing what is most relevant of the inverse is removing what is least relevant of the map."""
    torch.testing.assert_close(gap(cnn_case, "deletion", steps=20), -score(cnn_case, "abpc", steps=20), atol=1e-6, rtol=0)
    torch.testing.assert_close(gap(cnn_case, "abpc", steps=20), 2 * score(cnn_case, "abpc", steps=20), atol=1e-6, rtol=0)


def test_ranks_in_the_mask_are_counted_from_the_other_end(cnn_case):
    inside, size = cnn_case.masks.flatten(1), int(cnn_case.masks[0].sum())
    for absolute in (False, True):
        maps = (cnn_case.attributions.abs() if absolute else cnn_case.attributions).flatten(1)
        ends = [inside.gather(1, maps.topk(size, largest=largest).indices)[:4].float().mean(dim=1) for largest in (True, False)]
        found = gap(cnn_case, "explanation-precision", absolute=absolute)
        torch.testing.assert_close(found[:4].float(), ends[0] - ends[1], atol=1e-6, rtol=0)
        assert torch.isnan(found[4]) and (found[:4] != 0).any()


def test_predictions_for_the_map_and_its_inverse_are_shared_among_metrics(cnn_case):
    asked = []

    def forward(model, inputs):
        asked.append(len(inputs))
        with torch.no_grad():
            return model(inputs)

    case = replace(cnn_case, memory={}, forward=forward)
    harness.metric("deletion", inverted=True, steps=10)(case)
    once = sum(asked)
    assert once == 5 * (1 + 2 * 10)
    harness.metric("pixel-flipping", inverted=True, steps=10, reference="zero")(case)
    assert sum(asked) == once


@pytest.mark.parametrize("name", [card.name for card in cards_of("harness-metrics", "metrics")])
def test_what_cannot_be_inverted_says_so(name):
    (card,) = (card for card in cards_of("harness-metrics", "metrics") if card.name == name)
    again = "explainer" in card.declaration["needs"] or bool(card.declaration.get("retrains"))
    params = {"network": "digits-cnn"} if card.declaration.get("retrains") else {}
    if again or card.declaration["category"] == "agreement" or name in ONE_SCORE:
        with pytest.raises(ValueError, match=f"{name} cannot be inverted"):
            harness.metric(name, inverted=True, **params)
    else:
        assert harness.metric(name, inverted=True).recipe.inverted


@pytest.mark.parametrize("name", sorted(ONE_SCORE))
def test_what_sees_values_alone_is_the_same_wherever_they_are(name, cnn_case):
    scorer, maps = harness.metric(name), cnn_case.attributions
    order = torch.stack([torch.randperm(400, generator=torch.Generator().manual_seed(seed)) for seed in range(5)])
    moved = replace(cnn_case, attributions=maps.flatten(1).gather(1, order).view_as(maps), memory={})
    torch.testing.assert_close(scorer(moved), scorer(cnn_case), atol=1e-4, rtol=0)
    assert (scorer(replace(cnn_case, attributions=maps.clamp_min(0), memory={})) != scorer(cnn_case)).any()


def test_effective_complexity_by_the_prediction_has_one(cnn_case):
    assert harness.metric("effective-complexity", inverted=True, criterion="prediction").sizes
    assert harness.metric("non-sensitivity", inverted=True).sizes and not harness.metric("deletion", inverted=True).sizes
    assert harness.metric("deletion", inverted=True, absolute=True).sizes
