import numpy as np
import pytest
import torch
from torch.nn import functional as F

from harness.figures.overlay import overlay, resize_map

GREY = np.full((16, 16), 0.6)


def warmth(colour):
    red, _, blue = (float(channel) for channel in colour)
    return red - blue


@pytest.fixture
def image():
    return np.random.default_rng(0).random((16, 24, 3))


@pytest.mark.parametrize("signed", [True, False])
def test_a_zero_map_shows_the_grey_image(image, signed):
    found = overlay(image, np.zeros((16, 24)), signed)
    assert found.dtype == np.uint8
    expected = np.round(255 * (image * [0.299, 0.587, 0.114]).sum(axis=2))
    assert np.array_equal(found, np.repeat(expected[..., None], 3, axis=2))


def test_positive_is_warm_negative_cold_and_nothing_else_is_touched():
    values = np.zeros((16, 16))
    values[2, 3], values[10, 12] = 1.0, -1.0
    found = overlay(GREY, values, signed=True)
    assert warmth(found[2, 3]) > 100
    assert warmth(found[10, 12]) < -100
    untouched = values == 0
    assert np.array_equal(found[untouched], np.full((untouched.sum(), 3), 153))


@pytest.mark.parametrize("ground", [0.0, 0.5, 1.0])
def test_evidence_is_told_apart_on_any_ground(ground):
    values = np.tile(np.linspace(-1, 1, 16), (16, 1))
    found = overlay(np.full((16, 16), ground), values, signed=True)
    assert all(warmth(colour) < 0 for colour in found[0, :8])
    assert all(warmth(colour) > 0 for colour in found[0, 8:])


def test_opposite_maps_have_the_same_strength():
    values = np.linspace(-1, 1, 256).reshape(16, 16)
    found, opposite = overlay(GREY, values, True), overlay(GREY, -values, True)
    assert np.array_equal(found, opposite[::-1, ::-1])


def test_more_evidence_is_brighter_on_a_black_ground():
    values = np.tile(np.linspace(0, 1, 16), (16, 1))
    found = overlay(np.zeros((16, 16)), values, signed=False).astype(float) @ [0.299, 0.587, 0.114]
    assert (np.diff(found[0]) > 0).all()


def test_an_unsigned_map_is_drawn_from_its_least_value_on_and_a_signed_one_from_zero():
    """RISE's values lie close together far from 0."""
    values = np.tile(np.linspace(0, 1, 16), (16, 1))
    raised = 0.5 + values / 100
    assert np.abs(overlay(GREY, raised, False).astype(int) - overlay(GREY, values, False)).max() <= 1
    assert np.array_equal(overlay(GREY, raised, False)[:, 0], overlay(GREY, 0 * values, False)[:, 0])
    assert warmth(overlay(GREY, raised, True)[0, 0]) > 100


def test_an_unsigned_map_with_negative_values_is_drawn_as_signed():
    values = np.linspace(-1, 1, 256).reshape(16, 16)
    assert np.array_equal(overlay(GREY, values, False), overlay(GREY, values, True))


@pytest.mark.parametrize("scale", [1e-40, 1e-8, 1e30])
def test_scale_does_not_matter(scale):
    values = np.random.default_rng(0).normal(size=(16, 16))
    assert np.array_equal(overlay(GREY, values * scale, True), overlay(GREY, values, True))


def test_one_outlier_does_not_hide_the_rest():
    values = np.random.default_rng(0).normal(size=(64, 64))
    ground = np.full((64, 64), 0.5)
    expected = overlay(ground, values, True).astype(int)
    values[5, 5] = 1e6
    changed = np.abs(overlay(ground, values, True).astype(int) - expected).max(axis=2)
    changed[5, 5] = 0
    assert changed.max() < 20


def test_a_few_pixels_of_evidence_are_seen():
    """The percentile of such a map is 0."""
    values = np.zeros((64, 64))
    values[7, 7] = 1e-3
    assert warmth(overlay(np.full((64, 64), 0.5), values, True)[7, 7]) > 100


def test_images_of_any_form_are_the_same(image):
    values = np.random.default_rng(1).normal(size=(16, 24))
    eight_bits = np.round(image * 255).astype(np.uint8)
    assert np.array_equal(overlay(eight_bits, values, True), overlay(eight_bits / 255, values, True))
    grey = image[..., 0]
    assert np.array_equal(overlay(grey, values, True), overlay(grey[..., None], values, True))


@pytest.mark.parametrize(("small", "size"), [((7, 7), (56, 56)), ((4, 6), (40, 90)), ((1, 1), (5, 8))])
def test_a_coarse_map_lies_where_torch_would_put_it(small, size):
    values = np.random.default_rng(0).normal(size=small)
    expected = F.interpolate(torch.from_numpy(values)[None, None], size=size, mode="bilinear", align_corners=False)[0, 0]
    np.testing.assert_allclose(resize_map(values, size), expected, atol=1e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(value):
    values = np.zeros((16, 16))
    values[3, 3] = value
    with pytest.raises(ValueError, match="not finite"):
        overlay(GREY, values, True)


@pytest.mark.parametrize(("shape", "values"), [((3, 16, 16), (16, 16)), ((16, 16, 4), (16, 16)), ((16, 16), (1, 16, 16)), ((0, 4), (2, 2))])
def test_other_shapes_are_refused(shape, values):
    with pytest.raises(ValueError, match="must be"):
        overlay(np.zeros(shape), np.zeros(values), True)


def test_the_image_is_seen_through_a_map_that_covers_it_and_sparse_maps_keep_their_strength():
    stripes = np.tile([0.2, 0.8], (16, 8))
    everywhere, spot = np.ones((16, 16)), np.zeros((16, 16))
    spot[4:6, 4:6] = 1
    contrast = {}
    for name, values in (("everywhere", everywhere), ("spot", spot)):
        drawn = overlay(stripes, values, signed=False).astype(float)[4, 4:6].mean(axis=1)
        contrast[name] = abs(drawn[1] - drawn[0]) / 255
    assert contrast["everywhere"] == pytest.approx(0.5 * 0.6, abs=0.01), "half of the image's own contrast is left"
    assert contrast["spot"] == pytest.approx(0.15 * 0.6, abs=0.01)
