"""The dataset ``opacities``: its contract, that only the mask tells classes apart, and that chest and pneumonia are as they should be."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from harness_phantoms.chest import AIR, Chest, chest
from harness_phantoms.fields import Canvas
from harness_phantoms.opacities import OpacityImages, opacities
from harness_phantoms.pneumonia import FAINTEST, KINDS, LOBES, diffuse, lobar, with_pneumonia
from scipy import ndimage

from harness.api import Dataset

PATIENTS = range(8)


@pytest.fixture(scope="module")
def chests() -> list[Chest]:
    return [chest(Canvas.whole(160), np.random.default_rng(seed)) for seed in PATIENTS]


@pytest.fixture(scope="module")
def data() -> OpacityImages:
    return opacities(samples=12)


def test_contract(data: OpacityImages) -> None:
    assert isinstance(data, Dataset)
    assert list(data.class_names) == ["normal", "pneumonia"]
    samples = [data[i] for i in range(12)]
    assert [sample.label for sample in samples] == [0, 1] * 6, "balanced"
    assert [data.kind(i) for i in range(4)] == ["normal", "lobar", "normal", "diffuse"]
    assert len({sample.id for sample in samples}) == 12
    for sample in samples:
        assert sample.image.shape == (1, 96, 96) and sample.image.dtype == torch.float32
        assert sample.image.min() >= 0 and sample.image.max() <= 1
        if sample.label == 0:
            assert sample.mask is None, "nothing to point at"
        else:
            assert sample.mask is not None and sample.mask.dtype == torch.bool and sample.mask.any()
    with pytest.raises(IndexError):
        data[12]


def test_three_classes_tell_the_kinds_of_pneumonia_apart() -> None:
    data = opacities(samples=6, classes=3)
    assert list(data.class_names) == ["normal", "lobar", "diffuse"]
    assert [(data[i].label, data.kind(i)) for i in range(6)] == [(0, "normal"), (1, "lobar"), (2, "diffuse")] * 2


def test_a_sample_depends_on_seed_and_split_but_not_on_the_number_of_samples(data: OpacityImages) -> None:
    assert data[3].digest == opacities(samples=100)[3].digest
    others = [opacities(samples=4, **options)[3].digest for options in ({"seed": 1}, {"split": "train"}, {"split": "validation"})]
    assert len({data[3].digest, *others}) == 4


@pytest.mark.parametrize("size", [96, 200])
@pytest.mark.parametrize("kind", list(KINDS))
def test_outside_the_mask_the_image_is_the_healthy_patient_to_the_last_bit(kind: str, size: int) -> None:
    data = opacities(samples=6, size=size)
    for index in range(6):
        before, after, mask = data.of_kind(index, "normal")[0], *data.of_kind(index, kind)
        assert mask.shape == before.shape == after.shape == (size, size)
        np.testing.assert_array_equal(before[~mask], after[~mask])
        assert np.mean(np.abs(after - before)[mask] > 0.03) > 0.5, "most of the mask can be seen"
        assert 0.01 < mask.mean() < 0.45


def test_the_heart_lies_to_the_right_and_is_denser_than_the_lungs_on_its_sides(chests: list[Chest]) -> None:
    for one in chests:
        heart = (one.mediastinum < 0) & (np.abs(one.y + 0.2) < 0.2)
        assert one.x[heart].mean() > 0.03
        assert np.median(one.density[heart]) > np.median(one.density[one.lung > 0.95]) + 0.3
        assert 0.35 < np.ptp(one.x[heart]) / np.ptp(one.x[one.lung > 0.1]) < 0.6, "the cardiothoracic ratio"


def test_each_side_has_one_lung_which_takes_most_of_the_rays_from_the_depth(chests: list[Chest]) -> None:
    for one in chests:
        labels, count = ndimage.label(one.lung > 0.5)
        sizes = ndimage.sum_labels(np.ones_like(labels), labels, np.arange(1, count + 1))
        middles = [one.x[labels == label + 1].mean() for label in np.flatnonzero(sizes > 0.05 * labels.size)]
        assert len(middles) == 2 and min(middles) < -0.2 and max(middles) > 0.2
        assert (one.vessels[one.lung == 0] == 0).all() and one.vessels.max() < 0.5


def test_the_right_dome_of_the_diaphragm_is_the_higher_one_as_a_rule() -> None:
    domes = np.array([chest(Canvas.whole(16), np.random.default_rng(seed)).domes for seed in range(60)])
    assert 0.7 < np.mean(domes[:, 0] > domes[:, 1]) < 1


def test_patients_differ(chests: list[Chest]) -> None:
    areas = [float((one.lung > 0.5).mean()) for one in chests]
    hearts = [float(((one.mediastinum < 0) & (np.abs(one.y + 0.2) < 0.2)).mean()) for one in chests]
    assert np.std(areas) > 0.03 * np.mean(areas) and np.std(hearts) > 0.03 * np.mean(hearts)


def test_a_lobar_pneumonia_fills_one_lung_in_one_piece(chests: list[Chest]) -> None:
    for seed, one in enumerate(chests):
        for again in range(3):
            _, share = with_pneumonia(one, lobar(one, np.random.default_rng([seed, again])))
            labels, _ = ndimage.label(share > 0)
            assert np.bincount(labels.ravel())[1:].max() > 0.9 * (share > 0).sum()
            sides = one.x[share > 0]
            assert (sides < 0).all() or (sides > 0).all()
            assert share.max() > 0.5, "dense"


def test_all_lobes_fill_now_and_then_and_a_fissure_is_a_sharp_edge(chests: list[Chest]) -> None:
    middles, one = [], chests[0]
    steepest = {True: [], False: []}
    for seed in range(60):
        filled = lobar(one, np.random.default_rng(seed))
        weight = filled * one.lung
        middle = np.array([(weight * axis).sum() / weight.sum() for axis in (one.x, one.y)])
        which = int(np.argmin([np.hypot(*(middle - lobe.middle)) for lobe in LOBES]))
        middles.append(which)
        rises = np.abs(np.diff(filled, axis=0)).max()
        steepest[LOBES[which].above is not None].append(rises)
    assert set(middles) == set(range(len(LOBES)))
    assert np.median(steepest[True]) > 1.5 * np.median(steepest[False])


def test_a_diffuse_pneumonia_is_in_both_lungs_and_thinner_than_a_lobar_one(chests: list[Chest]) -> None:
    for seed, one in enumerate(chests):
        _, share = with_pneumonia(one, diffuse(one, np.random.default_rng(seed)))
        _, dense = with_pneumonia(one, lobar(one, np.random.default_rng(seed)))
        sides = one.x[share > 0]
        assert 0.1 < np.mean(sides < 0) < 0.9
        assert np.median(share[share > 0]) < np.median(dense[dense > 0])


@pytest.mark.parametrize("kind", list(KINDS))
def test_pneumonia_puts_tissue_where_air_was_and_hides_vessels(chests: list[Chest], kind: str) -> None:
    one = chests[1]
    filled = KINDS[kind](one, np.random.default_rng(5))
    density, share = with_pneumonia(one, filled)
    assert filled.min() >= 0 and filled.max() <= 1
    assert ((share == 0) | (share > FAINTEST)).all() and (share[one.lung == 0] == 0).all()
    np.testing.assert_array_equal(density[share == 0], (one.density + one.vessels)[share == 0])
    full = with_pneumonia(one, np.ones_like(filled))[0]
    lung = one.lung > 0.99
    np.testing.assert_allclose(full[lung], one.density[lung] + AIR * one.lung[lung], atol=1e-6)


def test_strength_scales_what_pneumonia_changes_under_the_same_mask(chests: list[Chest]) -> None:
    one = chests[2]
    filled = lobar(one, np.random.default_rng(0))
    healthy = one.density + one.vessels
    (whole, share), (third, less) = (with_pneumonia(one, filled, strength) for strength in (1, 0.3))
    np.testing.assert_allclose(third - healthy, 0.3 * (whole - healthy), atol=1e-6)
    np.testing.assert_array_equal(share > 0, less > 0)
    images = [opacities(samples=2, strength=strength)[1] for strength in (1.0, 0.3)]
    assert images[0].mask is not None and images[1].mask is not None
    torch.testing.assert_close(images[0].mask, images[1].mask)
    assert images[0].digest != images[1].digest
