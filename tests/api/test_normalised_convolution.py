"""In-painting by normalised convolution against scipy's convolutions, and against what any such mean must satisfy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from harness.api.normalised_convolution import convolution_imputation


def reference(image, removed):
    """Each round convolves by a kernel of 3 × 3 taps, twice as far apart as before, and fills what it reaches first."""
    known = (~removed).astype(float)
    values, filled, todo = image * known, image.astype(float).copy(), removed.copy()
    spacing = 1
    while todo.any():
        kernel = np.zeros((2 * spacing + 1, 2 * spacing + 1))
        kernel[::spacing, ::spacing] = np.outer([1, 2, 1], [1, 2, 1]) / 16
        values = np.stack([ndimage.convolve(v, kernel, mode="constant") for v in values])
        known = ndimage.convolve(known, kernel, mode="constant")
        reached = todo & (known > 0)
        filled[:, reached] = values[:, reached] / known[reached]
        todo &= ~reached
        spacing *= 2
    return filled


def holes(kind):
    generator = torch.Generator().manual_seed(3)
    removed = torch.zeros(19, 26, dtype=torch.bool)
    if kind == "scattered":
        removed = torch.rand(19, 26, generator=generator) < 0.9
    elif kind == "a region":
        removed[3:18, 5:25] = True
    elif kind == "all but a corner":
        removed[:] = True
        removed[0, 0] = False
    return removed


@pytest.mark.parametrize("kind", ["scattered", "a region", "all but a corner", "nothing"])
def test_equals_convolutions_by_scipy(kind):
    images = torch.randn(2, 3, 19, 26, generator=torch.Generator().manual_seed(1))
    removed = torch.stack([holes(kind), holes(kind).flip(1)])
    ours = convolution_imputation(images, removed)
    for got, image, mask in zip(ours, images, removed, strict=True):
        np.testing.assert_allclose(got.numpy(), reference(image.numpy(), mask.numpy()), atol=1e-5)


def test_a_lone_hole_is_the_binomial_mean_of_its_neighbours():
    image = torch.arange(9.0).view(1, 1, 3, 3) ** 2
    removed = torch.zeros(1, 3, 3, dtype=torch.bool)
    removed[0, 1, 1] = True
    weights = np.array([1, 2, 1, 2, 2, 1, 2, 1]) / 12
    expected = (weights * np.array([0, 1, 4, 9, 25, 36, 49, 64])).sum()
    assert convolution_imputation(image, removed)[0, 0, 1, 1].item() == pytest.approx(expected, rel=1e-6)


def test_fills_within_the_range_of_what_is_known_and_keeps_that():
    images = torch.rand(3, 2, 32, 32, generator=torch.Generator().manual_seed(1))
    removed = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(2)) < 0.8
    removed[1, 4:30, 4:30] = True
    filled = convolution_imputation(images, removed)
    for image, mask, got in zip(images, removed, filled, strict=True):
        assert torch.equal(got[:, ~mask], image[:, ~mask])
        low, high = image[:, ~mask].amin(dim=1, keepdim=True), image[:, ~mask].amax(dim=1, keepdim=True)
        assert (got[:, mask] >= low - 1e-6).all()
        assert (got[:, mask] <= high + 1e-6).all()


def test_an_image_of_which_nothing_is_left_becomes_its_mean_colour():
    images = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    filled = convolution_imputation(images, torch.ones(2, 8, 8, dtype=torch.bool))
    torch.testing.assert_close(filled, images.mean((-2, -1), keepdim=True).expand_as(images))


def test_does_not_depend_on_the_batch_or_on_what_was_removed():
    images = torch.rand(3, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    removed = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(2)) < 0.9
    whole = convolution_imputation(images, removed)
    torch.testing.assert_close(convolution_imputation(images[1:2], removed[1:2]), whole[1:2])
    other = torch.where(removed[:, None], torch.randn(3, 1, 16, 16), images)
    torch.testing.assert_close(convolution_imputation(other, removed), whole)
