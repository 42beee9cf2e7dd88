import numpy as np
import pytest
import torch
from captum import attr
from harness_perturbation.feature_ablation import feature_ablation
from harness_perturbation.regions import Regions, by_count, find_regions
from skimage.segmentation import slic

from harness.api.normalised_convolution import convolution_imputation
from tests.support.networks import TARGETS, context, counted, images, made


def test_a_grid_has_equal_rectangles():
    found = find_regions(made(), torch.zeros(2, 3, 10, 6), "grid", 9)
    assert found.counts == (9,) and found.labels.shape == (1, 10, 6)
    assert found.labels[0, :, 0].tolist() == [0, 0, 0, 0, 3, 3, 3, 6, 6, 6]
    assert found.labels[0, 0].tolist() == [0, 0, 1, 1, 2, 2]
    assert find_regions(made(), torch.zeros(1, 3, 2, 8), "grid", 25).labels.unique().tolist() == list(range(10))


def test_superpixels_are_those_of_the_picture_and_of_no_neighbour():
    model, inputs = made(), images()
    found = find_regions(model, inputs, "slic", 12)
    for image, labels, count in zip(inputs, found.labels, found.counts, strict=True):
        picture = model.denormalise(image).clamp(0, 1).permute(1, 2, 0).double().numpy()
        expected = slic(picture, n_segments=12, compactness=20, sigma=1, start_label=0)
        assert torch.equal(labels, torch.from_numpy(np.unique(expected, return_inverse=True)[1].reshape(16, 16)))
        assert labels.unique().tolist() == list(range(count))
    assert max(find_regions(model, inputs, "slic", 12, most=5).counts) <= 5 < max(found.counts)


def test_values_means_and_masks():
    labels = torch.tensor([[[0, 0, 1], [1, 1, 1]], [[2, 1, 0], [0, 0, 0]]])
    regions = Regions(labels, (2, 3))
    values = torch.tensor([[1.0, 2.0, 9.0], [1.0, 2.0, 9.0]])
    assert regions.at_pixels(values).tolist() == [[[1, 1, 2], [2, 2, 2]], [[9, 2, 1], [1, 1, 1]]]
    assert regions.shared_out(values)[:, 0].tolist() == [[0.5, 0.5, 0.5], [9, 2, 0.25]]
    pictures = torch.arange(12.0).view(2, 1, 2, 3)
    assert regions.means(pictures)[:, 0].tolist() == [[[0.5, 0.5, 3.5], [3.5, 3.5, 3.5]], [[6, 7, 9.5], [9.5, 9.5, 9.5]]]
    coalitions = torch.tensor([[[True, False, False], [False, True, True], [False, False, True]]])
    kept = regions.masks(coalitions)(range(1, 3))
    assert kept.int().tolist() == [[[[0, 0, 1], [1, 1, 1]], [[1, 1, 0], [0, 0, 0]]], [[[0, 0, 0], [0, 0, 0]], [[1, 0, 0], [0, 0, 0]]]]


def test_what_depends_on_the_number_of_regions_is_made_once_and_filled_up():
    regions, asked = Regions(torch.zeros(3, 1, 1), (2, 3, 2)), []

    def make(count):
        asked.append(count)
        return torch.ones(count, count), torch.full((4,), count)

    squares, lines = by_count(regions, make)
    assert asked == [2, 3] and squares.sum((1, 2)).tolist() == [4, 9, 4] and squares[0, :2, :2].all()
    assert lines.tolist() == [[2] * 4, [3] * 4, [2] * 4]
    assert by_count(Regions(regions.labels, (3, 3, 3)), make)[0].shape == (1, 3, 3)


@pytest.mark.parametrize("kind", ["slic", "grid"])
def test_ablation_equals_captums(kind):
    model, inputs = made(), images()
    labels = find_regions(model, inputs, kind, 9).labels
    found = feature_ablation(model, inputs, TARGETS, regions=kind, segments=9, baseline="white", ctx=context())
    for i in range(4):
        mask = labels.expand(4, -1, -1)[i][None, None]
        expected = attr.FeatureAblation(model).attribute(
            inputs[i : i + 1], baselines=model.reference("white", inputs[i : i + 1]), target=TARGETS[i : i + 1], feature_mask=mask
        )
        torch.testing.assert_close(found[i], expected[0, 0], rtol=1e-4, atol=1e-6)


def test_a_hole_is_filled_from_what_is_around_it():
    model, inputs = made(), images()
    labels = find_regions(model, inputs, "grid", 4).labels[0]
    found = feature_ablation(model, inputs, TARGETS, regions="grid", segments=4, baseline="convolution", ctx=context())
    with torch.no_grad():
        whole = model(inputs)[range(4), TARGETS]
        for region in range(4):
            without = convolution_imputation(inputs, (labels == region).expand(4, -1, -1))
            drops = whole - model(without)[range(4), TARGETS]
            torch.testing.assert_close(found[:, labels == region], drops[:, None].expand(-1, 64), rtol=1e-4, atol=1e-6)


def test_as_many_passes_as_declared():
    model = made()
    with counted(model) as rows:
        feature_ablation(model, images(), TARGETS, regions="grid", segments=16, ctx=context())
    assert sum(rows) == 4 * 17
