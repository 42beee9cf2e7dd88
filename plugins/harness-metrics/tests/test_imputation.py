from __future__ import annotations

import pytest
import torch
from harness_metrics.imputation import imputer

from tests.support.cases import selected


def masks(case, stages=2):
    return torch.rand(stages, *case.attributions.shape, generator=torch.Generator().manual_seed(5)) < 0.5


@pytest.mark.parametrize("kind", ["black", "white", "mean", "blur", "zero", "noise", "convolution", "linear", "noisy-linear"])
def test_only_removed_pixels_change(kind, cnn_case):
    removed = masks(cnn_case)
    imputed = imputer(cnn_case, kind)(removed)
    assert imputed.shape == (2, *cnn_case.images.shape)
    kept = ~removed[:, :, None].expand_as(imputed)
    assert torch.equal(imputed[kept], cnn_case.images.expand_as(imputed)[kept])
    assert not torch.isclose(imputed[~kept], cnn_case.images.expand_as(imputed)[~kept]).all()


def test_colours_are_those_of_an_image_before_preprocessing(cnn_case):
    removed = torch.ones(1, *cnn_case.attributions.shape, dtype=torch.bool)
    as_image = {k: cnn_case.model.denormalise(imputer(cnn_case, k)(removed)[0]) for k in ("black", "white", "mean", "zero", "noise")}
    torch.testing.assert_close(as_image["black"], torch.zeros_like(as_image["black"]), atol=1e-6, rtol=0)
    torch.testing.assert_close(as_image["white"], torch.ones_like(as_image["white"]))
    expected = cnn_case.model.denormalise(cnn_case.images).mean((-2, -1), keepdim=True).expand_as(as_image["mean"])
    torch.testing.assert_close(as_image["mean"], expected)
    torch.testing.assert_close(as_image["zero"][0, :, 0, 0], torch.tensor([0.5, 0.4, 0.3]))
    assert -1e-6 <= as_image["noise"].min() < 0.05
    assert 0.95 < as_image["noise"].max() <= 1 + 1e-6


def test_noise_is_gaussian_in_units_of_the_image(cnn_case):
    removed = masks(cnn_case)
    plain, noisy = imputer(cnn_case, "linear")(removed), imputer(cnn_case, "noisy-linear", noise=0.05)(removed)
    difference = ((noisy - plain) * cnn_case.model.std)[removed[:, :, None].expand_as(plain)]
    assert difference.std().item() == pytest.approx(0.05, rel=0.05)
    assert abs(difference.mean().item()) < 0.002


def test_noise_belongs_to_the_sample(cnn_case):
    removed = masks(cnn_case)
    whole = imputer(cnn_case, "noisy-linear")(removed)
    alone = imputer(selected(cnn_case, [3]), "noisy-linear")(removed[:, 3:4])
    torch.testing.assert_close(alone[:, 0], whole[:, 3], atol=1e-4, rtol=0)
