"""The dataset ``naevi``: its contract, that only the mask tells classes apart, and that each lesion has what dermoscopy knows it by."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import combinations

import numpy as np
import pytest
import torch
from harness_phantoms import naevi as module
from harness_phantoms.fields import Canvas
from harness_phantoms.naevi import GROWTHS, NaevusImages, naevi
from harness_phantoms.pigments import BLOOD, BLOODLESS, DEEP, MELANIN, VEIL, Layers, blended, coloured
from harness_phantoms.skin import skin
from harness_phantoms.spots import Place, Spot
from scipy import ndimage
from skimage.measure import label as pieces
from skimage.measure import regionprops

from harness.api import Dataset

NAMES = list(GROWTHS)
PATIENTS = range(12)


@pytest.fixture(scope="module")
def data() -> NaevusImages:
    return naevi(samples=14)


@cache
def grown(name: str, seed: int) -> tuple[Spot, Layers]:
    generator = np.random.default_rng(seed)
    return GROWTHS[name](Canvas.whole(160), Place.drawn(generator), generator)


def inside(name: str, seed: int, share: float = 0.5) -> np.ndarray:
    return grown(name, seed)[0].within > share


def mean(name: str, pigment: str) -> float:
    """The mean amount of a pigment inside lesions of one class."""
    return float(np.mean([getattr(grown(name, seed)[1], pigment)[inside(name, seed)].mean() for seed in PATIENTS]))


def test_contract(data: NaevusImages) -> None:
    assert isinstance(data, Dataset)
    assert list(data.class_names) == ["AKIEC", "BCC", "BKL", "DF", "MEL", "NV", "VASC"]
    samples = [data[i] for i in range(14)]
    assert [sample.label for sample in samples] == list(range(7)) * 2, "balanced"
    assert len({sample.id for sample in samples}) == 14
    for sample in samples:
        assert sample.image.shape == (3, 96, 96) and sample.image.dtype == torch.float32
        assert sample.image.min() >= 0 and sample.image.max() <= 1
        assert sample.mask is not None and sample.mask.dtype == torch.bool and 0.04 < sample.mask.float().mean() < 0.6
    with pytest.raises(IndexError):
        data[14]


def test_a_sample_depends_on_seed_and_split_but_not_on_the_number_of_samples(data: NaevusImages) -> None:
    assert data[3].digest == naevi(samples=100)[3].digest
    others = [naevi(samples=4, **options)[3].digest for options in ({"seed": 1}, {"split": "train"}, {"split": "validation"})]
    assert len({data[3].digest, *others}) == 4


@pytest.mark.parametrize("size", [96, 200])
@pytest.mark.parametrize("name", NAMES)
def test_outside_the_mask_the_image_is_the_bare_skin_to_the_last_bit(name: str, size: int) -> None:
    data = naevi(samples=6, size=size)
    for index in range(6):
        before, after, mask = data.with_lesion(index, None)[0], *data.with_lesion(index, name)
        assert mask.shape == (size, size) and before.shape == after.shape == (3, size, size)
        np.testing.assert_array_equal(before[:, ~mask], after[:, ~mask])
        seen = np.abs(after - before).max(axis=0) > 0.03
        dark = before.max(axis=0) < 0.15  # beyond the lens, and under hairs
        assert np.mean((seen | dark)[mask]) > 0.6, "most of the mask can be seen"


def test_a_mixed_lesion_is_between_two_classes_in_one_mask() -> None:
    plain, mixed = naevi(samples=40), naevi(samples=40, mixed=0.5)
    changed = []
    for index in range(12):
        before, (own, own_mask), (after, mask) = (
            data.with_lesion(index, name) for data, name in ((plain, None), (plain, "VASC"), (mixed, "VASC"))
        )
        np.testing.assert_array_equal(before[0][:, ~mask], after[:, ~mask])
        assert (mask | ~own_mask).all(), "all of its own is still there"
        changed.append(float(np.abs(after - own)[:, own_mask].mean() / np.abs(before[0] - own)[:, own_mask].mean()))
    assert min(changed) < 0.15 and 0.25 < max(changed) < 0.8, "from hardly to a half"


def test_what_lies_above_in_a_mixture_does_not_follow_from_the_class(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[tuple[str, Layers]] = []
    mixtures: list[tuple[str, str, float]] = []

    def kept_by(name: str) -> Callable[[Canvas, Place, np.random.Generator], tuple[Spot, Layers]]:
        def growth(canvas: Canvas, place: Place, generator: np.random.Generator) -> tuple[Spot, Layers]:
            spot, layers = GROWTHS[name](canvas, place, generator)
            kept.append((name, layers))
            return spot, layers

        return growth

    def name_of(layers: Layers) -> str:
        return next(name for name, one in kept if one is layers)

    def mixture(first: Layers, second: Layers, share: float) -> Layers:
        mixtures.append((name_of(first), name_of(second), share))
        return blended(first, second, share)

    monkeypatch.setattr(module, "blended", mixture)
    monkeypatch.setattr(module, "GROWTHS", {name: kept_by(name) for name in NAMES})
    data = naevi(samples=28, mixed=0.5)
    for index in range(28):
        data[index]
    assert all(first < second for first, second, _ in mixtures), "the order of the alphabet"
    owns = [
        (first, share) if index % 7 == NAMES.index(first) else (second, 1 - share) for index, (first, second, share) in enumerate(mixtures)
    ]
    assert [NAMES.index(name) for name, _ in owns] == [index % 7 for index in range(28)]
    assert (
        all(foreign <= 0.5 for _, foreign in owns)
        and len({first == own for (first, *_), (own, _) in zip(mixtures, owns, strict=True)}) == 2
    )


def test_half_of_each_is_the_same_whichever_is_first() -> None:
    first, second = (grown(name, 0)[1] for name in ("MEL", "VASC"))
    over = np.full((3, *first.melanin.shape), 0.9, dtype=np.float32)
    absorbing = [Layers(layers.melanin, layers.blood, layers.deep) for layers in (first, second)]
    either, other = (coloured(blended(*pair, 0.5), over) for pair in (absorbing, absorbing[::-1]))
    np.testing.assert_allclose(either, other, atol=1e-6)
    np.testing.assert_array_equal(blended(first, second, 0).melanin, first.melanin)
    np.testing.assert_array_equal(blended(first, second, 1).blood, second.blood)


def test_all_classes_lie_in_one_place_on_the_same_skin(data: NaevusImages) -> None:
    for index in range(4):
        found = [data.with_lesion(index, name) for name in NAMES]
        for (first, first_mask), (second, second_mask) in combinations(found, 2):
            apart = ~(first_mask | second_mask)
            np.testing.assert_array_equal(first[:, apart], second[:, apart])
            assert (first_mask & second_mask).sum() > 0.5 * min(first_mask.sum(), second_mask.sum())


def test_nothing_of_a_lesion_is_outside_it_and_masks_are_whole() -> None:
    for name in NAMES:
        for seed in PATIENTS:
            spot, layers = grown(name, seed)
            outside = spot.within == 0
            amounts = [layers.melanin, layers.blood, layers.deep, *(opacity for _, opacity in layers.scattering)]
            assert all((amount[outside] == 0).all() and (amount >= 0).all() for amount in amounts)
            edges = np.concatenate([spot.within[0], spot.within[-1], spot.within[:, 0], spot.within[:, -1]])
            assert (edges == 0).all(), "the window has no part in the outline"


def test_what_absorbs_takes_away_as_beer_and_lambert_have_it() -> None:
    amount = np.linspace(0, 1, 50, dtype=np.float32)[None]
    none, over = np.zeros_like(amount), np.tile(np.array(BLOODLESS, dtype=np.float32)[:, None, None], (1, 1, 50))
    for at, absorbed in ((0, MELANIN), (1, BLOOD), (2, DEEP)):
        layers = Layers(*(amount if place == at else none for place in range(3)))
        expected = over * np.exp(-np.array(absorbed)[:, None, None] * amount)
        np.testing.assert_allclose(coloured(layers, over), expected, rtol=0.13)
    bare = Layers(none, none, none, [(VEIL, np.full_like(none, 0.25))])
    np.testing.assert_allclose(coloured(bare, over)[:, 0, 0], 0.75 * np.array(BLOODLESS) + 0.25 * np.array(VEIL), rtol=1e-6)


def test_pigments_are_those_of_the_tissue() -> None:
    melanin, blood, deep = ({name: mean(name, pigment) for name in NAMES} for pigment in ("melanin", "blood", "deep"))
    assert max(melanin, key=melanin.__getitem__) == "MEL" and melanin["NV"] > 0.5 and melanin["VASC"] == 0
    assert max(blood, key=blood.__getitem__) == "VASC" and blood["AKIEC"] > 2 * max(blood[name] for name in ("BKL", "DF", "NV"))
    assert {name for name in NAMES if deep[name] > 0} == {"BCC", "MEL", "VASC"}, "blue and purple"


def test_a_melanoma_is_asymmetrical_and_ragged_and_a_naevus_is_not() -> None:
    def uneven(name: str, seed: int) -> float:
        """Share of the lesion that has no counterpart on the other side of its middle, and how differently dark its halves are."""
        _, layers = grown(name, seed)
        there = np.pad(inside(name, seed), 80)
        middle = np.round(ndimage.center_of_mass(there)).astype(int)
        cut = tuple(slice(place - 70, place + 71) for place in middle)
        shape, shade = there[cut], np.pad(layers.melanin, 80)[cut]
        both = shape & shape[::-1, ::-1]
        return 1 - both.sum() / shape.sum() + float(np.abs(ndimage.gaussian_filter(shade - shade[::-1, ::-1], 5)[both]).mean())

    def solidity(name: str, seed: int) -> float:
        return max(regionprops(pieces(inside(name, seed))), key=lambda region: region.area).solidity

    melanomas, naevi_ = ([uneven(name, seed) for seed in PATIENTS] for name in ("MEL", "NV"))
    assert np.median(melanomas) > 3 * np.median(naevi_)
    assert np.median([solidity("MEL", seed) for seed in PATIENTS]) < 0.96 < np.median([solidity("NV", seed) for seed in PATIENTS])


def test_borders_are_sharp_where_lesions_are_stuck_on_and_fade_where_they_are_not() -> None:
    def rim(name: str) -> float:
        """Share of a lesion's pixels where it is neither whole nor absent."""
        return float(np.median([np.mean((within := grown(name, seed)[0].within)[within > 0] < 0.95) for seed in PATIENTS]))

    rims = {name: rim(name) for name in NAMES}
    assert max(rims["BKL"], rims["VASC"], rims["MEL"]) < 0.5 * min(rims["AKIEC"], rims["DF"], rims["NV"])


def test_structures_are_where_they_belong() -> None:
    for seed in PATIENTS:
        spot, layers = grown("DF", seed)
        ((_, white),) = layers.scattering
        radius = np.hypot(spot.right, spot.up)
        assert white[radius < 0.15].min() > 0.2 and white[radius < 0.7].sum() > 0.9 * white.sum(), "a white patch in the middle"
        assert layers.melanin[radius < 0.15].max() < 0.5 * layers.melanin[(radius > 0.6) & (spot.within > 0.8)].mean()
        spot, layers = grown("BCC", seed)
        veins = layers.blood > 1.5
        assert 0.01 < veins.sum() / (spot.within > 0).sum() < 0.25, "vessels are thin"
    networks = {name: np.mean([fine(grown(name, seed)[1].melanin, grown(name, seed)[0]) for seed in PATIENTS]) for name in NAMES}
    assert networks["NV"] > 5 * networks["BCC"] and networks["DF"] > 3 * networks["AKIEC"], "pigment has a net, or dots"


def fine(amount: np.ndarray, spot: Spot) -> float:
    """Spread of what changes over few pixels."""
    return float((amount - ndimage.gaussian_filter(amount, 4))[spot.within > 0.95].std())


def test_skin_is_fair_to_brown_and_half_of_it_has_hairs() -> None:
    skins = [skin(Canvas.whole(48), np.random.default_rng(seed)) for seed in range(80)]
    light = np.array([one.bare.mean() for one in skins])
    assert light.max() > 0.75 and light.min() < 0.5
    assert all((one.bare[0] > one.bare[1]).all() and (one.bare[1] > one.bare[2]).all() for one in skins), "red, then green, then blue"
    assert 0.3 < np.mean([(one.hairs > 0).mean() > 0.03 for one in skins]) < 0.8
