"""Backgrounds of the MNI152 template: where its slices are, and that brains differ and are whole."""

from __future__ import annotations

import numpy as np
import pytest
from harness_lesions import template as module
from harness_lesions.data import lesions
from harness_lesions.template import AXES, PLANES, Plane, cut, grey_values, intensities, smoothed, template
from scipy import ndimage

load_mni152_template = pytest.importorskip(
    "nilearn.datasets", reason="the template comes with nilearn: pip install 'harness-lesions[mni]'"
).load_mni152_template


def test_intensities_are_the_template_s_at_its_own_places() -> None:
    image = load_mni152_template(resolution=1)
    voxels = np.random.default_rng(0).integers(30, 150, (500, 3))
    places = (image.affine @ np.column_stack([voxels, np.ones(500)]).T)[:3]
    expected = 0.7 * image.get_fdata()[tuple(voxels.T)] ** 1.3
    assert (expected > 0.1).sum() > 300
    np.testing.assert_allclose(intensities(grey_values(template().levels, places), 1.3)[expected > 0], expected[expected > 0], atol=1e-5)


@pytest.mark.parametrize("plane", PLANES)
def test_what_large_pixels_see_is_the_mean_of_the_small_ones_in_them(plane: Plane) -> None:
    (right, _), up, through = AXES[plane]
    fine = np.moveaxis(template().levels.astype(float), (right, up, through), (0, 1, 2))[:, :, 90]
    seen = np.moveaxis(smoothed(plane, 2), (right, up, through), (0, 1, 2))[:, :, 90]
    halves = ndimage.zoom(fine, 2, order=0, grid_mode=True, mode="nearest")
    expected = np.array([[halves[2 * i - 1 : 2 * i + 3, 2 * j - 1 : 2 * j + 3].mean() for j in range(40, 90)] for i in range(40, 90)])
    np.testing.assert_allclose(seen[40:90, 40:90], expected, atol=0.51)


@pytest.mark.parametrize("plane", PLANES)
def test_a_brain_is_bent_and_nowhere_folded_over(plane: Plane) -> None:
    (right, sign), up, _ = AXES[plane]
    for seed in range(12):
        places = cut(plane, 4.0, 96, np.random.default_rng(seed)).places
        (right_by_row, right_by_column), (up_by_row, up_by_column) = np.gradient(sign * places[right]), np.gradient(places[up])
        area = -(right_by_column * up_by_row - right_by_row * up_by_column) / (module.FIELD_OF_VIEW / 96) ** 2
        assert area.min() > 0.3 and area.max() < 2.2
        assert np.ptp(area) > 0.2


@pytest.mark.parametrize(("size", "count"), [(96, 30), (270, 6)])
def test_backgrounds_are_whole_brains_over_less_than_55_percent_of_black(size: int, count: int) -> None:
    data = lesions(backgrounds="mni", size=size, samples=count)
    for index in range(count):
        background, drawn = data.layers(index)
        assert background.shape == (size, size) and background.dtype == np.float32
        assert background.min() == 0 and 0.5 < background.max() <= 0.7
        assert np.mean(background == 0) < 0.55
        assert not background[[0, -1]].any() and not background[:, [0, -1]].any()
        labels, parts = ndimage.label(background > 0)
        assert np.bincount(labels.ravel())[1:].max() > 0.99 * (labels > 0).sum(), parts
        assert np.mean(background[drawn > 0] == 0) < 0.01, "lesions lie in the brain"


def test_every_sample_is_another_brain_whose_sides_differ() -> None:
    """The template's own slices are equal to their mirror image, and neighbours among them are nearly equal."""
    brains = [lesions(backgrounds="mni", samples=8).layers(i)[0].astype(float) for i in range(8)]
    for first in range(8):
        turned = max(np.corrcoef(brains[first].ravel(), np.roll(brains[first][:, ::-1], k, axis=1).ravel())[0, 1] for k in range(-4, 5))
        others = max(np.corrcoef(brains[first].ravel(), brains[other].ravel())[0, 1] for other in range(first)) if first else 0
        assert turned < 0.985 and others < 0.985


def test_brains_are_as_sharp_as_the_template() -> None:
    """Mean steepness of intensities inside the brain, noise smoothed away alike in both."""

    def steepness(image: np.ndarray) -> float:
        inside = ndimage.binary_erosion(image > 0, iterations=6)
        return float(ndimage.gaussian_gradient_magnitude(image, 1.4)[inside].mean() / image[inside].mean())

    plain = np.rot90(template().levels[:, :, 72 + 8]).astype(float)
    own = steepness(ndimage.zoom(plain, 1 / 0.7, order=1))
    made = [steepness(lesions(backgrounds="mni", size=270, samples=6).layers(i)[0].astype(float)) for i in range(6)]
    assert np.mean(made) > own


def test_a_sample_depends_on_seed_and_split_but_not_on_the_number_of_samples() -> None:
    digests = [lesions(backgrounds="mni", **options)[3].digest for options in ({"samples": 4}, {}, {"seed": 1}, {"split": "train"})]
    assert digests[0] == digests[1] and len(set(digests)) == 3
