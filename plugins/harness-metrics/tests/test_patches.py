from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from harness_metrics.patches import case_patch_ranks, grid_of, over_pixels, patch_sums
from skimage.measure import block_reduce

from tests.support.cases import selected


def test_sums_equal_scikit_image_where_the_patch_divides_the_size():
    maps = torch.randn(2, 12, 18, generator=torch.Generator().manual_seed(0))
    expected = np.stack([block_reduce(m, (6, 6), np.sum) for m in maps.numpy()])
    np.testing.assert_allclose(patch_sums(maps, 6).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize(("size", "patch"), [((7, 11), 3), ((5, 5), 4), ((9, 4), 2), ((3, 3), 5)])
def test_each_pixel_belongs_to_the_patch_that_counts_it(size, patch):
    """A map with one pixel set has one patch with a sum, which spread over pixels includes it."""
    height, width = size
    single = torch.eye(height * width).view(-1, height, width)
    sums = patch_sums(single, patch)
    assert sums.shape[1:] == grid_of(size, patch)
    assert torch.equal(sums.sum(dim=(1, 2)), torch.ones(height * width))
    spread = over_pixels(sums, patch, size)
    assert spread.shape == single.shape
    assert (spread[single.bool()] == 1).all()
    together = spread.flatten(1)  # pixel by pixel, whether they are of one patch
    assert torch.equal(together, together.T)
    assert together.sum(dim=1).max() <= patch * patch


def test_the_border_is_cut_off_evenly():
    rows = patch_sums(torch.ones(1, 10, 10), 4)[0, 1]
    assert rows.tolist() == [12, 16, 12]


def test_ranks_of_patches(cnn_case):
    maps = torch.zeros(5, 20, 20)
    maps[:, 10:, :10], maps[:, :10, 10:] = 0.1, -1.0
    case = replace(cnn_case, attributions=maps)
    places = case_patch_ranks(case, absolute=False, patch=10)
    assert (places[:, 10:, :10] == 0).all()
    assert (places[:, :10, 10:] == 3).all()
    assert sorted({places[0, 0, 0].item(), places[0, 15, 15].item()}) == [1, 2]
    assert (case_patch_ranks(case, absolute=True, patch=10)[:, :10, 10:] == 0).all()


def test_tied_patches_are_in_an_order_of_the_sample(cnn_case):
    case = replace(cnn_case, attributions=torch.zeros(5, 20, 20))
    places = case_patch_ranks(case, absolute=False, patch=2)
    alone = case_patch_ranks(selected(case, [3]), absolute=False, patch=2)
    assert torch.equal(alone[0], places[3])
    assert len({tuple(p.flatten().tolist()) for p in places}) == 5
