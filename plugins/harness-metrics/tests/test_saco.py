"""SaCo and single deletion against the authors' loops, one sample, pair and cell at a time, and on linear models."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from harness_metrics.faithfulness.faithfulness_estimate import faithfulness_estimate
from harness_metrics.faithfulness.saco import saco
from harness_metrics.faithfulness.single_deletion import grid_cells, single_deletion
from scipy.stats import spearmanr

from harness.api import Case, Context


@pytest.fixture
def linear_case(linear_classifier):
    """A linear model of three channels with the exact contributions as maps, which are worth what they say."""
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(3, 12, 12, generator=generator)
    images = torch.rand(4, 3, 12, 12, generator=generator)
    maps = (weights * images).sum(dim=1)
    return Case(linear_classifier(weights), images, torch.zeros(4, dtype=torch.long), maps, Context(seed=0, ids=list("abcd")))


def output(case, i, image, probability):
    with torch.no_grad():
        logits = case.model(image[None].float())[0].double()
    return (logits.softmax(dim=0) if probability else logits)[case.targets[i]].item()


def authors_saco(case, groups):
    """Their algorithm: sort, cut, replace by the image's mean, and go through all pairs."""
    found = []
    for i, (image, attribution) in enumerate(zip(case.images, case.attributions.double(), strict=True)):
        flat, before = attribution.flatten(), output(case, i, image, True)
        salience, change = [], []
        for group in np.array_split(np.argsort(-flat.numpy(), kind="stable"), groups):
            perturbed = image.flatten(1).clone()
            perturbed[:, group] = image.mean(dim=(1, 2))[:, None]
            salience.append(flat[group].sum().item())
            change.append(before - output(case, i, perturbed.view_as(image), True))
        score = total = 0.0
        for first, second in combinations(range(groups), 2):
            weight = salience[first] - salience[second]
            score += weight if change[first] >= change[second] else -weight
            total += abs(weight)
        found.append(score / total)
    return found


@pytest.mark.parametrize("groups", [5, 10])
def test_saco_equals_the_authors_algorithm(cnn_case, groups):
    assert saco(cnn_case, steps=groups).tolist() == pytest.approx(authors_saco(cnn_case, groups), abs=1e-5)


def test_saco_of_what_is_exactly_so(linear_case):
    """Without probabilities the drop of a group is its sum: every pair agrees, and of the negated map none."""
    exact = {"reference": "zero", "output": "logit"}
    assert saco(linear_case, **exact).tolist() == pytest.approx([1] * 4)
    negated = replace(linear_case, attributions=-linear_case.attributions, memory={})
    assert saco(negated, **exact).tolist() == pytest.approx([-1] * 4)


def test_saco_weighs_pairs_by_how_different_they_are(linear_classifier):
    """Three pixels of relevance 5, 3 and 2 whose removal costs 1, 4 and 0."""
    model = linear_classifier(torch.tensor([[[1.0, 4.0, 0.0]]]))
    maps = torch.tensor([[[5.0, 3.0, 2.0]]])
    case = Case(model, torch.ones(1, 1, 1, 3), torch.tensor([0]), maps, Context(0, ["a"]))
    # pairs: (5, 3) weighs 2 and is the wrong way round, (5, 2) weighs 3, (3, 2) weighs 1: (−2 + 3 + 1) / 6
    assert saco(case, steps=3, reference="zero", output="logit").item() == pytest.approx(1 / 3)


def test_saco_counts_equal_drops_for_the_map(linear_classifier):
    model = linear_classifier(torch.zeros(1, 2, 4))
    maps = torch.arange(8.0).view(1, 2, 4)
    case = Case(model, torch.ones(1, 1, 2, 4), torch.tensor([0]), maps, Context(0, ["a"]))
    assert saco(case, steps=4).item() == 1
    assert saco(replace(case, attributions=torch.ones(1, 2, 4), memory={}), steps=4).isnan()


@pytest.mark.parametrize("steps", [7, 9, 13])
def test_saco_of_groups_of_unlike_size(steps, cnn_case, linear_case):
    """400 and 144 pixels: a larger group is not the more relevant one for its size, nor is what its removal costs."""
    assert saco(replace(cnn_case, attributions=torch.full_like(cnn_case.attributions, 0.3), memory={}), steps=steps).isnan().all()
    assert saco(linear_case, steps=steps, reference="zero", output="logit").tolist() == pytest.approx([1] * 4)
    shifted = replace(linear_case, attributions=linear_case.attributions + 100, memory={})
    assert saco(shifted, steps=steps, reference="zero", output="logit").tolist() == pytest.approx([1] * 4)


def test_saco_shares_its_passes_with_faithfulness_estimate(cnn_case):
    asked = []

    def forward(model, inputs):
        asked.append(len(inputs))
        with torch.no_grad():
            return model(inputs)

    case = replace(cnn_case, memory={}, forward=forward)
    saco(case, steps=8)
    once = sum(asked)
    faithfulness_estimate(case, steps=8, reference="mean")
    assert once == 5 * 9 and sum(asked) == once


def authors_single_deletion(case, grid):
    """Their loop over cells, for sizes that the grid divides; the baseline is 0 in the network's input."""
    found, side = [], case.images.shape[-1] // grid
    for i, (image, attribution) in enumerate(zip(case.images, case.attributions, strict=True)):
        worth, change = [], []
        for row in range(grid):
            for column in range(grid):
                cell = slice(row * side, (row + 1) * side), slice(column * side, (column + 1) * side)
                deleted = image.clone()
                deleted[:, cell[0], cell[1]] = 0
                worth.append(attribution[cell].sum().item())
                change.append(output(case, i, image, False) - output(case, i, deleted, False))
        found.append(spearmanr(worth, change).statistic)
    return found


@pytest.mark.parametrize("grid", [2, 4, 5])
def test_single_deletion_equals_the_authors_loop(cnn_case, grid):
    assert single_deletion(cnn_case, grid=grid).tolist() == pytest.approx(authors_single_deletion(cnn_case, grid), abs=1e-6)


def test_single_deletion_of_what_is_exactly_so(linear_case):
    for similarity in ("spearman", "pearson"):
        assert single_deletion(linear_case, similarity=similarity).tolist() == pytest.approx([1] * 4, abs=1e-5)
        negated = replace(linear_case, attributions=-linear_case.attributions, memory={})
        assert single_deletion(negated, similarity=similarity).tolist() == pytest.approx([-1] * 4, abs=1e-5)


@pytest.mark.parametrize(("height", "width", "grid"), [(10, 13, 4), (7, 7, 7), (9, 4, 3)])
def test_cells_cover_every_pixel_once_and_are_of_like_size(height, width, grid):
    cells = torch.stack([cell[0] for cell in grid_cells(torch.zeros(2, 3, height, width), grid)])
    assert len(cells) == grid**2 and torch.equal(cells.sum(dim=0), torch.ones(height, width, dtype=torch.long))
    for along in (cells.any(dim=2).sum(dim=1), cells.any(dim=1).sum(dim=1)):
        assert along.max() - along.min() <= 1


def test_more_cells_than_pixels_are_refused(cnn_case):
    with pytest.raises(ValueError, match="grid of 21 × 21"):
        single_deletion(cnn_case, grid=21)


def test_what_is_deleted_is_asked_once_for_all_explainers(cnn_case):
    asked = []

    def forward(model, inputs):
        asked.append(len(inputs))
        with torch.no_grad():
            return model(inputs)

    case = replace(cnn_case, memory={}, forward=forward)
    first = single_deletion(case)
    other = replace(case, attributions=case.attributions.flip(1), memory={})
    assert not torch.equal(single_deletion(other), first) and sum(asked) == 5 * 17
