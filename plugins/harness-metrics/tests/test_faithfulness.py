"""Deletion, insertion and ROAD against closed forms on linear models, Quantus's pixel flipping and pytorch-grad-cam's ROAD."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import quantus
import torch
from harness_metrics.curves import case_curve, removal_counts
from harness_metrics.faithfulness.deletion import deletion
from harness_metrics.faithfulness.insertion import insertion
from harness_metrics.faithfulness.road import road
from harness_metrics.imputation import imputer
from harness_metrics.ordering import case_ranks
from pytorch_grad_cam.metrics.perturbation_confidence import (
    PerturbationConfidenceMetric,
    RemoveLeastRelevantFirst,
    RemoveMostRelevantFirst,
)
from pytorch_grad_cam.metrics.road import NoisyLinearImputer
from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget

from harness.api import Case, Context
from tests.support.cases import selected


@pytest.fixture
def linear_case(linear_classifier):
    """A linear model with the exact contributions as maps; probability of class 0 is a sigmoid of their sum."""
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(1, 8, 8, generator=generator) * 0.5
    images = torch.rand(4, 1, 8, 8, generator=generator)
    maps = (weights * images)[:, 0]
    return Case(linear_classifier(weights), images, torch.zeros(4, dtype=torch.long), maps, Context(seed=0, ids=list("abcd")))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_deletion_of_a_linear_model(linear_case):
    """Deleting the k largest contributions leaves the sum of the others."""
    for got, contributions in zip(deletion(linear_case, step=1), linear_case.attributions, strict=True):
        left = [np.sort(contributions.flatten().numpy().astype(float))[: 64 - k].sum() for k in range(65)]
        assert got.item() == pytest.approx(np.trapezoid(sigmoid(np.array(left)), dx=1 / 64), rel=1e-5)


def test_insertion_of_a_linear_model(linear_case):
    for got, contributions in zip(insertion(linear_case, reference="zero", step=1), linear_case.attributions, strict=True):
        present = np.concatenate([[0], np.sort(contributions.flatten().numpy().astype(float))[::-1].cumsum()])
        assert got.item() == pytest.approx(np.trapezoid(sigmoid(present), dx=1 / 64), rel=1e-5)


def test_no_map_beats_the_contributions_of_a_linear_model(linear_case):
    best = {"deletion": deletion(linear_case, steps=16), "insertion": insertion(linear_case, reference="zero", steps=16)}
    for seed in range(20):
        maps = torch.randn(4, 8, 8, generator=torch.Generator().manual_seed(seed))
        other = replace(linear_case, attributions=maps, memory={})
        assert (deletion(other, steps=16) > best["deletion"]).all()
        assert (insertion(other, reference="zero", steps=16) < best["insertion"]).all()


def test_steps_of_a_given_size_and_number_agree(linear_case):
    torch.testing.assert_close(deletion(linear_case, steps=16), deletion(replace(linear_case, memory={}), step=4))


def test_curve_equals_quantus_pixel_flipping(linear_case):
    """Quantus flips single channels, which are pixels for grey images; its curve begins after the first step."""
    flipping = quantus.PixelFlipping(
        features_in_step=4, perturb_baseline=0.0, abs=False, normalise=False, disable_warnings=True, return_aggregate=False
    )
    curve = case_curve(linear_case, removal_counts(64, 16, None), "morf", "zero")
    for i in range(4):
        theirs = flipping(
            model=linear_case.model.module,
            x_batch=linear_case.images[i : i + 1].numpy(),
            y_batch=np.array([0]),
            a_batch=linear_case.attributions[i : i + 1, None].numpy(),
            channel_first=True,
            softmax=True,
        )
        assert curve[i, 1:].tolist() == pytest.approx(list(np.asarray(theirs[0]).ravel()), abs=1e-5)


def by_grad_cam(case, remover, percentile):
    """pytorch-grad-cam's confidence change with noiseless imputation, for maps without ties."""
    metric = PerturbationConfidenceMetric(remover(percentile, NoisyLinearImputer(noise=0.0)))
    targets = [ClassifierOutputSoftmaxTarget(int(t)) for t in case.targets]
    return metric(case.images, case.attributions.numpy(), targets, case.model)


def test_road_equals_pytorch_grad_cam(cnn_case):
    """Their percentile is the share that is kept. Images have 400 pixels, so that it removes exactly as many."""
    percentiles = (20, 40, 60, 80)
    morf = np.mean([by_grad_cam(cnn_case, RemoveMostRelevantFirst, p) for p in percentiles], axis=0)
    lerf = np.mean([by_grad_cam(cnn_case, RemoveLeastRelevantFirst, p) for p in percentiles], axis=0)
    for order, theirs in (("morf", -morf), ("lerf", lerf), ("combined", (lerf - morf) / 2)):
        ours = road(replace(cnn_case, memory={}), order=order, impute="linear")
        np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-4)


def test_road_removes_the_share_it_says_from_a_map_full_of_ties(cnn_case):
    """A ReLU map with 6 % non-zero pixels: pytorch-grad-cam at percentile 80 removes every pixel."""
    maps = torch.zeros(5, 20, 20)
    maps[:, 5:9, 5:11] = 1 + torch.rand(5, 4, 6, generator=torch.Generator().manual_seed(0))
    kept = []
    RemoveMostRelevantFirst(80, lambda image, mask: kept.append(mask.sum().item()))(cnn_case.images[0], maps[0])
    assert kept == [0]
    case = replace(cnn_case, attributions=maps)
    removed = case_ranks(case, absolute=False) < 80
    assert removed.flatten(1).sum(dim=1).tolist() == [80] * 5
    assert (removed | (maps == 0)).all()


def test_noise_of_road_is_small_and_belongs_to_the_sample(cnn_case):
    plain, noisy = road(cnn_case, impute="linear"), road(cnn_case)
    assert not torch.equal(plain, noisy)
    torch.testing.assert_close(plain, noisy, atol=5e-3, rtol=0)
    torch.testing.assert_close(road(selected(cnn_case, [1, 2])), noisy[1:3], atol=1e-5, rtol=0)


def test_road_prefers_the_map_of_what_the_model_looks_at(linear_classifier):
    """A model that looks at one bright square: a map of the square against a map of the rest, for each order."""
    weights = torch.zeros(1, 16, 16)
    weights[:, 4:8, 4:8] = 0.5
    images = torch.full((1, 1, 16, 16), 0.1)
    images[..., 4:8, 4:8] = 1.0
    case = Case(linear_classifier(weights), images, torch.tensor([0]), weights.clone(), Context(seed=0, ids=["a"]))
    wrong = replace(case, attributions=-weights, memory={})
    for order in ("morf", "lerf", "combined"):
        assert road(case, order=order).item() > road(wrong, order=order).item() + 0.05


def test_removing_by_a_reference_is_the_same_interface(cnn_case):
    """ROAD with a constant reference is the change of a deletion curve at its thresholds."""
    counts = (80, 160, 240, 320)
    curve = case_curve(replace(cnn_case, memory={}), counts, "morf", "black")
    with torch.no_grad():
        original = cnn_case.model(cnn_case.images).softmax(1).gather(1, cnn_case.targets[:, None])[:, 0]
        removed = torch.stack([case_ranks(cnn_case, absolute=False) < c for c in counts])
        inputs = imputer(cnn_case, "black")(removed)
        expected = torch.stack([cnn_case.model(x).softmax(1).gather(1, cnn_case.targets[:, None])[:, 0] for x in inputs], dim=1)
    torch.testing.assert_close(curve, expected)
    torch.testing.assert_close(road(cnn_case, impute="black"), original - expected.mean(dim=1))
