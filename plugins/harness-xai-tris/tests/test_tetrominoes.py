"""The dataset ``xai-tris``: its contract, its ground truth, and that the class is in the mask and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from harness_xai_tris.backgrounds import BackgroundKind, correlated_norm, drawn_by, smoothing
from harness_xai_tris.data import Tetrominoes, xai_tris
from harness_xai_tris.tetrominoes import Scenario, energy, pattern
from PIL import Image
from scipy import ndimage, stats

from harness.api import Dataset

SCENARIOS = get_args(Scenario)
KINDS = get_args(BackgroundKind)


def images(data: Tetrominoes) -> np.ndarray:
    return torch.cat([data[i].image for i in range(len(data))]).numpy().astype(np.float64)


@pytest.mark.parametrize("background", KINDS)
@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("size", [8, 64])
def test_contract(scenario: Scenario, background: BackgroundKind, size: int) -> None:
    data = xai_tris(scenario=scenario, background=background, size=size, samples=4)
    assert isinstance(data, Dataset) and len(data) == 4 and len(data.class_names) == 2
    samples = [data[i] for i in range(4)]
    assert [sample.label for sample in samples] == [0, 1, 0, 1]
    assert all(sample.image.shape == (1, size, size) and sample.mask.shape == (size, size) for sample in samples)
    assert all(sample.image.min() > 0 and sample.image.max() < 1 for sample in samples), "nothing is cut off"
    assert torch.equal((samples[0].image * 255).round() / 255, samples[0].image)
    with pytest.raises(IndexError):
        data[4]


def test_a_sample_depends_on_seed_and_split_but_not_on_the_number_of_samples() -> None:
    assert len({xai_tris(**options)[3].digest for options in ({"samples": 4}, {"samples": 100}, {})}) == 1
    assert (
        len({xai_tris(samples=4, **options)[3].digest for options in ({}, {"seed": 1}, {"split": "train"}, {"split": "validation"})}) == 4
    )


def test_tetrominoes_lie_as_in_the_paper() -> None:
    mask = xai_tris()[0].mask.int().tolist()
    assert ["".join(map(str, row)) for row in mask] == [
        "00000000",
        "01000000",
        "01100000",
        "01000000",
        "00000100",
        "00000100",
        "00000110",
        "00000000",
    ]
    own = [xai_tris()[i].evidence["own_mask"] for i in (0, 1)]
    assert own[0].sum() == own[1].sum() == 4 and torch.equal(own[0] | own[1], xai_tris()[0].mask)


def test_large_tetrominoes_are_small_ones_enlarged_and_smoothed() -> None:
    """The reference's mask of 64 × 64: the small one, each pixel 8 × 8, under a Gaussian of σ 1.5, from 0.05 on."""
    small = xai_tris()[0].mask.numpy().astype(float)
    expected = ndimage.gaussian_filter(np.kron(small, np.ones((8, 8))), 1.5) >= 0.05
    np.testing.assert_array_equal(xai_tris(size=64)[0].mask.numpy(), expected)


def test_moving_tetrominoes_are_everywhere_in_all_four_turns() -> None:
    data = xai_tris(scenario="translations-rotations", samples=4000, background="white")
    masks = np.stack([pattern(data.scenario, 8, i, np.random.default_rng(i)) > 0 for i in range(4000)])
    corners = {(int(mask.any(1).argmax()), int(mask.any(0).argmax()), mask[mask.any(1)][:, mask.any(0)].tobytes()) for mask in masks}
    assert len(corners) == 2 * 4 * 42, "each of two shapes, four turns and 6 · 7 places"
    assert (masks.sum((1, 2)) == 4).all()


def test_the_four_pairs_of_signs_are_equally_frequent_and_say_nothing_each_by_itself() -> None:
    patterns = np.stack([pattern("xor", 8, i, np.random.default_rng()) for i in range(40)])
    first, second = patterns[:, 1, 1], patterns[:, 4, 5]
    labels = np.arange(40) % 2
    assert ((first * second < 0) == labels).all()
    assert not np.corrcoef(first, labels)[0, 1] and not np.corrcoef(second, labels)[0, 1]


@pytest.mark.parametrize(("scenario", "background"), [("linear", "white"), ("linear", "correlated"), ("multiplicative", "white")])
def test_outside_the_mask_no_pixel_knows_of_the_class(scenario: Scenario, background: BackgroundKind) -> None:
    data = xai_tris(scenario=scenario, background=background, samples=3000, alpha=0.5)
    values = images(data) - 0.5
    moved = np.abs(values) if scenario == "multiplicative" else values
    p = stats.ttest_ind(moved[::2], moved[1::2], equal_var=False).pvalue
    mask = data[0].mask.numpy()
    assert p[mask].max() < 1e-6
    assert p[~mask].min() > 0.05 / 56 / 10


@pytest.mark.parametrize("size", [8, 64])
@pytest.mark.parametrize("kind", KINDS)
def test_backgrounds_have_a_mean_sum_of_squares_of_one(kind: BackgroundKind, size: int) -> None:
    draw = drawn_by(kind, size, None)
    sums = [float((draw(np.random.default_rng(i)) ** 2).sum()) for i in range(40)]
    assert np.mean(sums) == pytest.approx(1, abs=4 * np.std(sums) / 40**0.5 + 1e-9)


def test_correlated_noise_is_white_noise_under_the_papers_gaussian() -> None:
    noise = np.random.default_rng(5).standard_normal((8, 8))
    ours = drawn_by("correlated", 8, None)(np.random.default_rng(5))
    np.testing.assert_allclose(ours * correlated_norm(8), ndimage.gaussian_filter(noise, 3.0), atol=1e-12)
    assert smoothing(64).sum(1) == pytest.approx(1)


@pytest.mark.parametrize("scenario", ["linear", "translations-rotations", "xor"])
def test_energies_are_those_of_patterns(scenario: Scenario) -> None:
    drawn = [pattern(scenario, 64, i, np.random.default_rng(i)) for i in range(200)]
    inside = [[own for own in drawn[label::2] if not (own[[0, -1]].any() or own[:, [0, -1]].any())] for label in (0, 1)]
    assert np.mean([np.mean([(own**2).sum() for own in of_class]) for of_class in inside]) == pytest.approx(energy(scenario, 64), rel=1e-9)


def test_pictures_of_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no picture"):
        xai_tris(background="image", images=tmp_path)
    with pytest.raises(ValueError, match="write background: image"):
        xai_tris(images=tmp_path)
    ramp = np.tile(np.linspace(0, 255, 96).astype(np.uint8), (64, 1))
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    drawn = drawn_by("image", 8, tmp_path)(np.random.default_rng(0))
    assert (np.diff(drawn, axis=1) > 0).all() and drawn.mean() == pytest.approx(0, abs=1e-12)
    Image.new("L", (40, 40), 7).save(tmp_path / "ramp.png")
    assert not drawn_by("image", 8, tmp_path)(np.random.default_rng(0)).any()


def test_discs_make_a_picture_of_neighbours_that_are_alike() -> None:
    """A spectrum that falls as photographs' do: power as f⁻² within a wide margin."""
    draw = drawn_by("image", 64, None)
    power = np.mean([np.abs(np.fft.fft2(draw(np.random.default_rng(i)))) ** 2 for i in range(30)], axis=0)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(64), np.fft.fftfreq(64)))
    band = (frequency > 0.03) & (frequency < 0.35)
    slope = np.polyfit(np.log(frequency[band]), np.log(power[band]), 1)[0]
    assert -3.5 < slope < -1.8
