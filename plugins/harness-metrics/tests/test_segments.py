from __future__ import annotations

import numpy as np
import torch
from harness_metrics.segments import segment_means, segment_ranks, superpixels
from skimage.segmentation import slic


def labels_of(*rows):
    return torch.tensor(rows)[:, None, :]


def test_superpixels_are_those_of_scikit_image():
    images = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    for found, count, image in zip(*superpixels(images, 9, 5.0), images, strict=True):
        expected = slic(image.permute(1, 2, 0).double().numpy(), n_segments=9, compactness=5.0, start_label=0)
        np.testing.assert_array_equal(found.numpy(), expected)
        assert sorted(found.unique().tolist()) == list(range(count))


def test_an_image_is_segmented_alone():
    images = torch.rand(3, 1, 24, 24, generator=torch.Generator().manual_seed(0))
    labels, counts = superpixels(images, 9, 5.0)
    alone, (count,) = superpixels(images[1:2], 9, 5.0)
    assert torch.equal(labels[1:2], alone)
    assert counts[1] == count


def test_superpixels_follow_colours():
    image = torch.zeros(1, 3, 20, 20)
    image[:, 0, :, 7:] = 1.0
    (labels,), _ = superpixels(image, 8, 0.1)
    assert not set(labels[:, :7].unique().tolist()) & set(labels[:, 7:].unique().tolist())


def test_means_and_places():
    labels = labels_of([0, 0, 1, 2], [1, 0, 1, 1])
    maps = torch.tensor([[[1.0, 3.0, 5.0, -1.0]], [[2.0, 2.5, 2.0, 2.0]]])
    means = segment_means(maps, labels, 3)
    assert means[0].tolist() == [2, 5, -1]
    assert means[1, :2].tolist() == [2.5, 2]
    assert means[1, 2].isnan()
    tiebreak = torch.rand(2, 3, generator=torch.Generator().manual_seed(0))
    assert segment_ranks(maps, labels, tiebreak)[:, 0].tolist() == [[1, 1, 0, 2], [1, 0, 1, 1]]


def test_ties_are_in_the_given_order_whatever_the_neighbours_have():
    labels = labels_of([0, 1, 2, 2], [0, 1, 2, 3])
    tiebreak = torch.tensor([[0.9, 0.1, 0.5, 0.0], [0.4, 0.3, 0.2, 0.1]])
    places = segment_ranks(torch.zeros(2, 1, 4), labels, tiebreak)
    assert places[:, 0].tolist() == [[2, 0, 1, 1], [3, 2, 1, 0]]
    assert torch.equal(segment_ranks(torch.zeros(1, 1, 4), labels[:1], tiebreak[:1, :3]), places[:1])
