import math

import numpy as np
import pytest
import torch
from harness_masks.meaningful import disc, enlarged, meaningful_perturbation, shifted, smallest_disc
from harness_masks.search import differences_between_neighbours, minimised
from harness_masks.smallest_regions import smallest_destroying_region, smallest_sufficient_region
from scipy import ndimage
from torch import nn

from harness.api import classifier
from tests.support.networks import TARGETS, context, counted, images, made


class Binary(nn.Module):
    """Two classes, of which the second's logit is 0; the first's is the sum of pixels, times 20 in the middle and −20 around it."""

    def __init__(self, bias):
        super().__init__()
        self.bias = bias
        weights = torch.full((8, 8), -20.0)
        weights[3:6, 2:5] = 20.0
        self.register_buffer("weights", weights / 9)

    def forward(self, x):
        logits = (x.mean(1) * self.weights).sum((1, 2)) + self.bias
        return torch.stack([logits, torch.zeros_like(logits)], dim=1)


def binary(bias=3):
    return classifier(Binary(bias), input_shape=(3, 8, 8), mean=[0.0] * 3, std=[1.0] * 3)


MIDDLE = torch.zeros(8, 8).index_put((torch.tensor([3, 4, 5])[:, None], torch.tensor([2, 3, 4])), torch.tensor(1.0))


def test_each_images_search_is_its_own():
    """Adam from both sides comes to each image's own minimum, and stays within the bounds."""
    places = torch.tensor([[0.25], [0.5], [3.0]])
    found = minimised(torch.zeros(3, 1), lambda x, _: ((x - places) ** 2).sum(1), 300, lambda given: torch.optim.Adam(given, lr=0.05))
    torch.testing.assert_close(found, torch.tensor([[0.25], [0.5], [1.0]]), rtol=0, atol=1e-3)


def test_differences():
    masks = torch.tensor([[[0.0, 1.0], [0.5, 1.0]]])
    assert differences_between_neighbours(masks, 3.0).tolist() == [1 + 0.125 + 0.125 + 0]


def test_sufficient_is_what_adds_more_than_it_costs():
    """Nine pixels alike add to the logit, the others nothing."""
    model, inputs, target = binary(), MIDDLE.expand(1, 3, 8, 8), torch.zeros(1, dtype=torch.int64)
    found = smallest_sufficient_region(
        model, inputs, target, area=1.0, smoothness=0.0, cell=1, baseline="black", steps=300, rate=0.03, ctx=context("a")
    )
    torch.testing.assert_close(found[0], _best(lambda k: k / 64 + math.log1p(math.exp(-(k * 20 / 9 + 3)))), rtol=0, atol=0.03)


def test_destroying_is_what_takes_more_than_it_costs():
    model, inputs, target = binary(bias=-8), MIDDLE.expand(1, 3, 8, 8), torch.zeros(1, dtype=torch.int64)
    options = {"area": 30.0, "smoothness": 0.0, "cell": 1, "baseline": "black", "steps": 300, "rate": 0.03}
    found = smallest_destroying_region(model, inputs, target, ctx=context("a"), **options)
    expected = _best(lambda k: 30 * k / 64 + 5 * (1 + math.exp(-((9 - k) * 20 / 9 - 8))) ** -0.3)
    assert 0.8 < expected.max() < 0.97
    torch.testing.assert_close(found[0], expected, rtol=0, atol=0.03)


@pytest.mark.parametrize("explain", [smallest_sufficient_region, smallest_destroying_region])
def test_variation_costs(explain):
    model, inputs, options = made(), images(2), {"area": 0.1, "steps": 30}
    rough = [
        differences_between_neighbours(explain(model, inputs, TARGETS[:2], smoothness=weight, ctx=context("a", "b"), **options), 2.0)
        for weight in (0.0, 0.1)
    ]
    assert (rough[1] < 0.8 * rough[0]).all()


@pytest.mark.parametrize("explain", [smallest_sufficient_region, smallest_destroying_region])
def test_lengths_are_in_proportion_to_224_pixels(explain):
    """Of 112: a cell for two pixels, and a blur of σ 5.5."""
    model, image = made(size=112), images(1, size=112)
    found = explain(model, image, TARGETS[:1], steps=3, ctx=context("a", size=112))
    hidden = torch.from_numpy(ndimage.gaussian_filter(image.numpy(), [0, 0, 5.5, 5.5], mode="mirror"))
    cells = torch.ones(1, 1, 56, 56, requires_grad=True)
    search = torch.optim.Adam([cells], lr=0.1)
    for _ in range(3):
        search.zero_grad()
        mask = nn.functional.interpolate(cells, (112, 112), mode="bilinear")
        share = mask if explain is smallest_sufficient_region else 1 - mask
        log_probability = model(image * share + hidden * (1 - share)).log_softmax(1)[0, TARGETS[0]]
        rough = mask.diff(dim=2).square().sum() + mask.diff(dim=3).square().sum()
        missed = -log_probability if explain is smallest_sufficient_region else 5 * (0.3 * log_probability).exp()
        (10 * mask.mean() + 1e-3 * rough + missed).backward()
        search.step()
        cells.data.clamp_(0, 1)
    expected = nn.functional.interpolate(cells.detach(), (112, 112), mode="bilinear")[0, 0]
    torch.testing.assert_close(found[0], expected, rtol=0, atol=1e-4)
    assert expected.std() > 0.005


def test_a_cell_of_a_meaningful_perturbation_is_in_proportion_to_224_pixels():
    model, image = made(size=112), images(1, size=112)
    found, expected, other = (
        meaningful_perturbation(model, image, TARGETS[:1], **cell, steps=2, ctx=context("a", size=112))
        for cell in ({}, {"cell": 4}, {"cell": 7})
    )
    assert torch.equal(found, expected) and not torch.equal(found, other)


def _best(cost):
    """The mask that has one value at all pixels of the middle, which are alike, 0 elsewhere, and the least cost of their sum."""
    sums = np.linspace(0, 9, 9001)
    return MIDDLE * float(min(sums, key=cost)) / 9


def test_meaningful_deletes_what_lowers_the_probability():
    """Every pixel of the middle adds, every other takes away: the hole is the middle, where what it gains is more than λ₁."""
    model, inputs = binary(), torch.ones(1, 3, 8, 8) * (0.3 * MIDDLE + 0.01)
    found = meaningful_perturbation(
        model, inputs, torch.zeros(1, dtype=torch.int64), smoothness=0.0, jitter=0, cell=1, baseline="black", ctx=context("a")
    )
    assert found[0][MIDDLE > 0].min() > 0.5 and found[0].sum() < 16


def naive_meaningful(model, image, target, steps):
    """Equation 5 of one image, with SciPy's Gaussian and loops."""
    hidden = torch.from_numpy(ndimage.gaussian_filter(image.numpy(), [0, 3, 3], mode="mirror"))
    cells = smallest_disc(model, image[None], target[None], hidden[None], (16, 16)).requires_grad_()
    search = torch.optim.Adam([cells], lr=0.1)
    kernel = torch.exp(-0.5 * (torch.arange(-1, 2) / (5 * 16 / 224)) ** 2)
    kernel = (kernel[:, None] * kernel / kernel.sum() ** 2)[None, None]
    for _ in range(steps):
        search.zero_grad()
        mask = nn.functional.conv2d(nn.functional.pad(cells[None], (1,) * 4, mode="reflect"), kernel)[0]
        probability = model((image * mask + hidden * (1 - mask))[None]).softmax(1)[0, target]
        rough = (cells[:, 1:] - cells[:, :-1]).abs().pow(3).sum() + (cells[:, :, 1:] - cells[:, :, :-1]).abs().pow(3).sum()
        (1e-4 * (1 - cells).sum() + 1e-2 * rough + probability).backward()
        search.step()
        cells.data.clamp_(0, 1)
    return 1 - nn.functional.conv2d(nn.functional.pad(cells.detach()[None], (1,) * 4, mode="reflect"), kernel)[0, 0]


def test_meaningful_is_what_the_equation_says():
    model, inputs = made(), images(2)
    found = meaningful_perturbation(model, inputs, TARGETS[:2], steps=8, ctx=context("a", "b"))
    for i in range(2):
        torch.testing.assert_close(found[i], naive_meaningful(model, inputs[i], TARGETS[i], 8), rtol=0, atol=5e-3)
    assert found.min() < 0.5 < found.max()


def test_shifts():
    image = torch.arange(12.0).view(1, 1, 3, 4).repeat(2, 2, 1, 1)
    found = shifted(image, torch.tensor([[1, 0], [0, -2]]))
    assert found[0, 1].tolist() == [[0, 1, 2, 3], [0, 1, 2, 3], [4, 5, 6, 7]]
    assert found[1, 0].tolist() == [[2, 3, 3, 3], [6, 7, 7, 7], [10, 11, 11, 11]]


def test_the_image_is_shifted_as_the_samples_stream_says():
    model, inputs = made(), images(2)
    found = {
        (jitter, seed): meaningful_perturbation(model, inputs, TARGETS[:2], steps=4, jitter=jitter, ctx=context("a", "b", seed=seed))
        for jitter in (0, 28)
        for seed in (0, 1)
    }
    assert torch.equal(found[0, 0], found[0, 1])
    assert ((found[28, 0] - found[28, 1]).abs().amax((1, 2)) > 1e-3).all()


def test_the_search_begins_with_the_smallest_disc_that_is_enough():
    model = binary()
    inputs = torch.ones(2, 3, 8, 8) * torch.stack([MIDDLE, 1 - MIDDLE])[:, None]
    start = smallest_disc(model, inputs, torch.zeros(2, dtype=torch.int64), torch.zeros_like(inputs), (8, 8))
    assert (start[0][MIDDLE > 0] == 0).float().mean() > 0.7 and start[0].sum() > 20, "logit 23 to 3 takes nearly the whole middle"
    assert start[1].min() == 1, "deleting makes it more probable"
    assert disc(8, 8, 0.0, start).sum() == 0 and disc(8, 6, 1.0, start).sum() == 48


def test_masks_are_smoothed():
    cells = torch.zeros(1, 4, 4)
    cells[0, 1, 2] = 1
    found = enlarged(cells, (16, 16), 2.0)
    whole = nn.functional.interpolate(cells[None], (16, 16), mode="bilinear")[0]
    expected = ndimage.gaussian_filter(whole.numpy(), [0, 2, 2], mode="mirror")
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("explain", [smallest_sufficient_region, smallest_destroying_region])
def test_as_many_passes_as_declared(explain):
    model = made()
    with counted(model) as rows:
        explain(model, images(), TARGETS, steps=3, ctx=context())
    assert sum(rows) == 4 * 2 * 3
    with counted(model) as rows:
        meaningful_perturbation(model, images(), TARGETS, steps=3, ctx=context())
    assert sum(rows) == 4 * (2 * 3 + 36)
