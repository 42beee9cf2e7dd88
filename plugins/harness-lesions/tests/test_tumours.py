"""The dataset ``tumours``: its contract, that only the mask tells classes apart, and that each tumour is where and as it should be."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from harness_lesions.growths import glioma, meningioma, pituitary, place_in
from harness_lesions.heads import HEADS
from harness_lesions.slices import Slice
from harness_lesions.template import PLANES, Plane, is_missing
from harness_lesions.tumours import GROWTHS, TumourImages, tumours
from scipy import ndimage
from skimage.morphology import convex_hull_image

from harness.api import Dataset

NAMES = list(GROWTHS)
SEEDS = range(6)


NEEDED = pytest.mark.skipif(is_missing() is not None, reason=str(is_missing()))
KINDS = [pytest.param((plane, name), id=f"{name}-{plane}", marks=NEEDED if name == "mni" else ()) for name in HEADS for plane in PLANES]


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> tuple[Plane, str]:
    return request.param


@pytest.fixture(scope="module")
def healthy(kind: tuple[Plane, str]) -> Slice:
    plane, name = kind
    return HEADS[name](plane, 192, np.random.default_rng(1)).healthy


@pytest.fixture(scope="module")
def data() -> TumourImages:
    return tumours(samples=8)


def test_contract(data: TumourImages) -> None:
    assert isinstance(data, Dataset)
    assert list(data.class_names) == ["glioma", "meningioma", "none", "pituitary"]
    samples = [data[i] for i in range(8)]
    assert [sample.label for sample in samples] == [0, 1, 2, 3] * 2, "balanced"
    assert len({sample.id for sample in samples}) == 8
    for sample in samples:
        assert sample.image.shape == (1, 96, 96) and sample.image.dtype == torch.float32
        assert sample.image.min() >= 0 and sample.image.max() <= 1
        if sample.label == 2:
            assert sample.mask is None, "nothing to point at"
        else:
            assert sample.mask is not None and sample.mask.dtype == torch.bool and sample.mask.any()
    with pytest.raises(IndexError):
        data[8]


def test_a_sample_depends_on_seed_and_split_but_not_on_the_number_of_samples(data: TumourImages) -> None:
    assert data[3].digest == tumours(samples=100)[3].digest
    others = [tumours(samples=4, **options)[3].digest for options in ({"seed": 1}, {"split": "train"}, {"split": "validation"})]
    assert len({data[3].digest, *others}) == 4


@pytest.mark.parametrize("size", [96, 200])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "none"])
def test_outside_the_mask_the_image_is_the_healthy_head_to_the_last_bit(kind: tuple[Plane, str], name: str, size: int) -> None:
    data = tumours(samples=2, size=size, plane=kind[0], backgrounds=kind[1])
    for index in range(2):
        before, after, mask = data.with_tumour(index, "none")[0], *data.with_tumour(index, name)
        assert mask.shape == before.shape == after.shape == (size, size)
        np.testing.assert_array_equal(before[~mask], after[~mask])
        assert np.mean(np.abs(after - before)[mask] > 0.03) > 0.4, "most of the mask can be seen"


def test_planes_take_turns_as_often_for_each_class() -> None:
    data = tumours(samples=24, plane="any")
    found = [(data[index].label, data.plane_of(index)) for index in (0, 5, 10)] + [(i % 4, data.plane_of(i)) for i in range(24)]
    assert all(found.count(pair) >= 2 for pair in {(label, plane) for label in range(4) for plane in PLANES})
    assert data[5].digest == tumours(samples=24, plane="coronal")[5].digest != tumours(samples=24, plane="axial")[5].digest


def test_all_classes_have_the_same_heads(data: TumourImages) -> None:
    """The head of a sample does not follow from its class: that of each class is the one that any other would have."""
    for index in range(4):
        (first, first_mask), *others = [data.with_tumour(index, name) for name in NAMES]
        for other, mask in others:
            apart = ~(first_mask | mask)
            np.testing.assert_array_equal(first[apart], other[apart])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_glioma_is_an_irregular_bright_rim_around_necrosis_inside_a_hemisphere(
    healthy: Slice, kind: tuple[Plane, str], seed: int
) -> None:
    head, opacity = glioma(healthy, np.random.default_rng(seed))
    touched, rim = opacity > 0.05, (opacity > 0.5) & (head > 0.7)
    assert healthy.depth[touched].min() > 0, "intra-axial"
    filled = convex_hull_image(rim)
    dark = filled & (head < 0.33)
    assert dark.sum() > 0.1 * filled.sum(), "necrosis within the rim"
    oedema = touched & ~ndimage.binary_dilation(filled, iterations=3)
    assert oedema.sum() > (0.2 if kind == ("sagittal", "mni") else 0.3) * filled.sum(), "little white matter is near the midline"
    assert np.median((head - healthy.head)[oedema]) < -0.05


def test_gliomas_are_all_over_the_depth_of_either_hemisphere(healthy: Slice, kind: tuple[Plane, str]) -> None:
    places = np.array([place_in(healthy, healthy.deep, np.random.default_rng(seed)) for seed in range(200)])
    if kind[0] != "sagittal":
        assert 0.38 < np.mean(places[:, 0] > 0) < 0.62
        assert np.abs(places[:, 0]).min() > 18
    assert np.ptp(places, axis=0).max() > 50 and np.ptp(places, axis=0).min() > 20


@pytest.mark.parametrize("seed", SEEDS)
def test_a_meningioma_lies_on_the_dura_round_and_even(healthy: Slice, seed: int) -> None:
    head, opacity = meningioma(healthy, np.random.default_rng(seed))
    body = (opacity > 0.95) & (head > 0.7)
    assert 0 < healthy.depth[opacity > 0].min() < 1.0, "on the dura and not beyond"
    inner = ndimage.binary_opening(body, iterations=4)
    assert ndimage.label(inner)[1] == 1
    assert head[ndimage.binary_erosion(inner, iterations=2)].std() < 0.03
    hull = np.ptp(healthy.x[inner]), np.ptp(healthy.y[inner])
    assert max(hull) / min(hull) < 1.9
    tail = body & ~ndimage.binary_dilation(inner, iterations=3)
    assert tail.any() and healthy.depth[tail].max() < 4, "the thick dura beside it"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_pituitary_adenoma_lies_on_the_midline_above_the_sella(healthy: Slice, seed: int) -> None:
    head, opacity = pituitary(healthy, np.random.default_rng(seed))
    body = ndimage.binary_fill_holes(head * opacity > 0.6)
    assert np.hypot(healthy.x[body].mean() - healthy.sella[0], healthy.y[body].mean() - healthy.sella[1]) < 5
    assert 70 < body.sum() * healthy.pixel**2 < 600, "square millimetres"
    assert np.abs(healthy.x[opacity > 0.05] - healthy.sella[0]).max() < 20


@pytest.mark.parametrize("name", [name for name in NAMES if name != "none"])
def test_a_head_is_untouched_where_the_opacity_is_0(healthy: Slice, name: str) -> None:
    head, opacity = GROWTHS[name](healthy, np.random.default_rng(0))
    np.testing.assert_array_equal(head[opacity == 0], healthy.head[opacity == 0])
    assert opacity.min() >= 0 and opacity.max() <= 1
    assert opacity.max() > 0.97


def test_the_cistern_is_dark_and_the_brain_above_it_bright(healthy: Slice) -> None:
    near = np.hypot(healthy.x - healthy.sella[0], healthy.y - healthy.sella[1]) < 5
    assert np.mean(healthy.head[near] < 0.17) > 0.4, "fluid"
    assert np.median(healthy.head[healthy.deep]) > 0.4


@pytest.mark.parametrize("seed", range(20))
def test_every_head_has_room_for_every_tumour(kind: tuple[Plane, str], seed: int) -> None:
    plane, name = kind
    head = HEADS[name](plane, 96, np.random.default_rng(seed))
    assert np.count_nonzero(head.healthy.deep) * head.healthy.pixel**2 > 500, "square millimetres"
    for below in (3.6, 11.3):
        assert np.count_nonzero((np.abs(head.healthy.depth - below) < head.healthy.pixel) & head.healthy.convexity) > 20
    if head.visible is not None:
        assert not (head.visible[[0, -1]].any() or head.visible[:, [0, -1]].any()), "no brain is cut off"
