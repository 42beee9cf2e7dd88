import numpy as np
import pytest
import torch
from harness_perturbation.rise import RandomMasks, rise
from skimage.transform import resize
from torch import nn

from harness.api import classifier
from tests.support.networks import TARGETS, context, counted, images, made


@pytest.mark.parametrize(("height", "width", "cells"), [(28, 28, 7), (30, 20, 7), (9, 9, 2)])
def test_masks_are_those_of_the_authors(height, width, cells):
    drawn = torch.rand(6, cells * cells + 2, generator=torch.Generator().manual_seed(0))
    found = RandomMasks(drawn, cells, 0.4, height, width)(range(6))
    size = [-(-height // cells), -(-width // cells)]
    for mask, numbers in zip(found[:, 0], drawn.numpy(), strict=True):
        grid = (numbers[:-2].reshape(cells, cells) < 0.4).astype(np.float32)
        enlarged = resize(grid, [(cells + 1) * side for side in size], order=1, mode="reflect", anti_aliasing=False)
        top, left = (int(number * side) for number, side in zip(numbers[-2:], size, strict=True))
        expected = torch.from_numpy(enlarged[top : top + height, left : left + width])
        torch.testing.assert_close(mask, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("baseline", ["zero", "black", "noise"])
def test_the_mean_of_masks_by_their_probabilities(baseline):
    class Corner(nn.Module):
        def forward(self, x):
            return x[:, :, :2, :2].mean((2, 3))

    model = classifier(Corner(), input_shape=(3, 8, 8), mean=[0.5] * 3, std=[0.5] * 3)
    inputs = images(size=8)
    found = rise(model, inputs, TARGETS, masks=50, cells=3, probability=0.3, baseline=baseline, ctx=context(size=8))
    streams = context().fresh("call: shared by all samples").about([f"stream {number}" for number in range(11)])
    masks = RandomMasks(streams.uniform((50,)).T, 3, 0.3, 8, 8)(range(50))
    noise = 2 * context().fresh("call: baseline").uniform((3, 8, 8)) - 1
    hidden = noise if baseline == "noise" else model.reference(baseline, inputs)
    expected = 0
    for mask in masks:
        logits = (mask * inputs + (1 - mask) * hidden)[:, :, :2, :2].mean((2, 3))
        expected = expected + logits.softmax(1)[range(4), TARGETS].view(4, 1, 1) * mask / (50 * 0.3)
    torch.testing.assert_close(found, expected)


def test_of_a_pixel_that_decides_it_is_the_probability_that_is_kept():
    """Eq. 5: the expectation of the output, given that the pixel shows."""

    class Pixel(nn.Module):
        def forward(self, x):
            return torch.log(torch.stack([x[:, 0, 4, 4], 1 - x[:, 0, 4, 4]], dim=1))

    model = classifier(Pixel(), input_shape=(1, 8, 8), mean=[0.0], std=[1.0])
    found = rise(model, torch.full((1, 1, 8, 8), 0.9), torch.zeros(1, dtype=torch.int64), masks=4000, cells=4, ctx=context("a"))[0]
    masks = RandomMasks(torch.rand(200000, 18, generator=torch.Generator().manual_seed(1)), 4, 0.5, 8, 8)(range(200000))[:, 0]
    expected = 0.9 * (masks[:, 4, 4, None, None] * masks).mean(0) / masks.mean(0)
    torch.testing.assert_close(found, expected, rtol=0, atol=0.03)
    assert found.argmax() == 4 * 8 + 4


def test_all_images_share_the_masks_and_none_the_noise():
    model, inputs = made(), images(2).clone()
    inputs[1] = inputs[0]
    targets = torch.tensor([1, 1])
    first, second = rise(model, inputs, targets, masks=30, ctx=context("a", "b"))
    torch.testing.assert_close(first, second)
    first, second = rise(model, inputs, targets, masks=30, baseline="noise", ctx=context("a", "b"))
    assert (first - second).abs().max() > 1e-4 * first.max()


def test_as_many_passes_as_declared():
    model = made()
    with counted(model) as rows:
        rise(model, images(), TARGETS, masks=37, ctx=context())
    assert sum(rows) == 4 * 37
