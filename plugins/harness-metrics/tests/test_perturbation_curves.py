"""Pixel flipping, selectivity, ABPC, region perturbation and IROF: against Quantus where it is right, closed forms, and each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import quantus
import torch
from harness_metrics.curves import case_curve
from harness_metrics.faithfulness.abpc import abpc
from harness_metrics.faithfulness.deletion import deletion
from harness_metrics.faithfulness.insertion import insertion
from harness_metrics.faithfulness.irof import irof
from harness_metrics.faithfulness.pixel_flipping import pixel_flipping
from harness_metrics.faithfulness.region_perturbation import region_perturbation
from harness_metrics.faithfulness.road import road
from harness_metrics.faithfulness.selectivity import selectivity
from harness_metrics.imputation import input_range
from harness_metrics.segments import case_superpixels
from torch import nn

from harness.api import Case, Context, classifier


class Counting:
    """A forward that counts inputs."""

    def __init__(self):
        self.inputs = 0

    def __call__(self, model, inputs):
        self.inputs += len(inputs)
        with torch.no_grad():
            return model(inputs)


@pytest.fixture
def grey_case():
    """Four grey images of 21 × 21, which neither 8 nor 4 divides, under a small network and maps without ties."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(54, 3))
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(4, 1, 21, 21, generator=generator)
    maps = torch.randn(4, 21, 21, generator=generator)
    model = classifier(network, input_shape=(1, 21, 21))
    return Case(model, images, torch.tensor([0, 1, 2, 1]), maps, Context(seed=0, ids=list("abcd")))


def by_quantus(metric, case, softmax):
    """Quantus's score of each sample, scored alone."""
    scores = []
    for image, target, attribution in zip(case.images, case.targets, case.attributions, strict=True):
        found = metric(
            model=case.model.module,
            x_batch=image[None].numpy(),
            y_batch=target[None].numpy(),
            a_batch=attribution[None, None].numpy(),
            channel_first=True,
            softmax=softmax,
        )
        scores.append(np.asarray(found, dtype=float).squeeze())
    return np.stack(scores)


def shifted(model, by):
    """The model of inputs from which ``by`` was taken away."""

    class Shifted(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = model.module

        def forward(self, x):
            return self.inner(x + by)

    return classifier(Shifted(), input_shape=model.input_shape)


def rows(case, i):
    """One sample of a case, with nothing shared."""
    return replace(
        case,
        images=case.images[i : i + 1],
        targets=case.targets[i : i + 1],
        attributions=case.attributions[i : i + 1],
        ctx=case.ctx.select([i]),
        memory={},
    )


@pytest.fixture
def options(monkeypatch):
    """Of all Quantus metrics here; the trapezoid sum that its areas call is gone from numpy 2.4."""
    monkeypatch.setattr(np, "trapz", np.trapezoid, raising=False)
    return {"abs": False, "normalise": False, "disable_warnings": True, "return_aggregate": False}


@pytest.mark.parametrize(("output", "softmax"), [("logit", False), ("probability", True)])
def test_pixel_flipping_equals_quantus(output, softmax, grey_case, options):
    """Its area begins after the first of 21 steps and is a sum over steps."""
    flipping = quantus.PixelFlipping(features_in_step=21, perturb_baseline=0.0, return_auc_per_sample=True, **options)
    theirs = by_quantus(flipping, grey_case, softmax)
    first = case_curve(grey_case, (0, 21), "morf", "zero", output=output).mean(dim=1)
    ours = pixel_flipping(grey_case, step=21, output=output)
    np.testing.assert_allclose((21 * ours - first).numpy(), theirs, atol=1e-4)


@pytest.mark.parametrize(("output", "softmax"), [("logit", False), ("probability", True)])
@pytest.mark.parametrize("patch", [3, 4])
def test_selectivity_equals_quantus(output, softmax, patch, grey_case, options):
    theirs = by_quantus(quantus.Selectivity(patch_size=patch, perturb_baseline=0.0, **options), grey_case, softmax)
    start = case_curve(grey_case, (0,), "morf", "zero", output=output).numpy()
    curve = np.concatenate([start, theirs], axis=1)
    assert curve.shape[1] == (49 if patch == 3 else 36) + 1
    expected = np.trapezoid(curve, dx=1 / (curve.shape[1] - 1), axis=1)
    np.testing.assert_allclose(selectivity(grey_case, patch=patch, output=output).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize(("output", "softmax"), [("logit", False), ("probability", True)])
@pytest.mark.parametrize("patch", [3, 4])
def test_region_perturbation_equals_quantus(output, softmax, patch, grey_case, options):
    """It returns the drops after 1 to L regions; the mean over 0 to L is left to the user."""
    metric = quantus.RegionPerturbation(patch_size=patch, regions_evaluation=20, perturb_baseline=0.0, **options)
    theirs = by_quantus(metric, grey_case, softmax)
    ours = region_perturbation(grey_case, patch=patch, regions=20, impute="zero", output=output)
    np.testing.assert_allclose(ours.numpy(), theirs.sum(axis=1) / 21, atol=1e-5)


def test_irof_equals_quantus(grey_case, options):
    """Its area begins after the first segment and is a sum over segments."""
    theirs = by_quantus(quantus.IROF(perturb_baseline=0.0, **options), grey_case, True)
    for i, expected in enumerate(theirs):
        case = rows(grey_case, i)
        ours = irof(case, impute="zero").item()
        (labels,), _ = case_superpixels(case, 100, 10.0)
        count = int(labels.max()) + 1
        assert count > 10
        means = [case.attributions[0][labels == s].mean().item() for s in range(count)]
        with torch.no_grad():
            before, after = case.model(torch.stack([case.images[0], case.images[0] * (labels != int(np.argmax(means)))])).softmax(1)
        first = (after / before)[case.targets[0]].item()
        assert ours == pytest.approx((expected - (1 + first) / 2) / count, abs=1e-5)


def test_quantus_irof_imputes_a_mean_that_drifts_and_ours_the_image_s(grey_case, options):
    """Its mean is taken of the whole batch as perturbed so far: it is another one in each step and beside other samples."""
    drifting = by_quantus(quantus.IROF(perturb_baseline="mean", **options), grey_case, True)
    fixed = [
        by_quantus(quantus.IROF(perturb_baseline=image.mean().item(), **options), rows(grey_case, i), True).item()
        for i, image in enumerate(grey_case.images)
    ]
    assert np.abs(drifting - fixed).min() > 1e-5
    batch = quantus.IROF(perturb_baseline="mean", **options)(
        model=grey_case.model.module,
        x_batch=grey_case.images.numpy(),
        y_batch=grey_case.targets.numpy(),
        a_batch=grey_case.attributions[:, None].numpy(),
        channel_first=True,
        softmax=True,
    )
    assert np.abs(drifting - batch).min() > 1e-5
    whole, alone = irof(grey_case), torch.cat([irof(rows(grey_case, i)) for i in range(4)])
    torch.testing.assert_close(whole, alone)
    shifted_to_mean = [
        irof(replace(rows(grey_case, i), images=image[None] - image.mean(), model=shifted(grey_case.model, image.mean())), impute="zero")
        for i, image in enumerate(grey_case.images)
    ]
    torch.testing.assert_close(whole, torch.cat(shifted_to_mean), atol=1e-5, rtol=0)


def test_quantus_on_rgb_tears_pixels_apart_and_raises(cnn_case, options):
    """A step of 20 features flips 20 channels, which belong to about 7 pixels; IROF's masks have one channel."""
    seen = []

    class Seeing(nn.Module):
        def forward(self, x):
            seen.append(x)
            return cnn_case.model.module(x)

    flipping = quantus.PixelFlipping(features_in_step=20, perturb_baseline=0.0, **options)
    watched = replace(cnn_case, model=classifier(Seeing(), input_shape=(3, 20, 20)))
    seen.clear()
    by_quantus(flipping, rows(watched, 0), True)
    changed = (seen[0] != cnn_case.images[:1])[0]
    assert changed.sum() == 20
    assert 7 <= changed.any(dim=0).sum() <= 20
    assert (changed.any(dim=0) & ~changed.all(dim=0)).any()
    with pytest.raises(AssertionError, match="shape of arr"):
        by_quantus(quantus.IROF(perturb_baseline=0.0, **options), cnn_case, True)
    assert irof(cnn_case).isfinite().all()


def test_quantus_black_is_the_least_value_and_its_uniform_noise_one_number(cnn_case, options):
    """Per image, and per image and step; ours are the colour and a number for each pixel and channel."""
    seen = []

    class Seeing(nn.Module):
        def forward(self, x):
            seen.append(x)
            return cnn_case.model.module(x)

    watched = rows(replace(cnn_case, model=classifier(Seeing(), input_shape=(3, 20, 20))), 0)
    for baseline in ("black", "uniform"):
        metric = quantus.RegionPerturbation(patch_size=5, regions_evaluation=1, perturb_baseline=baseline, **options)
        seen.clear()
        by_quantus(metric, watched, True)
        original, perturbed = seen
        filled = perturbed[original != perturbed].unique()
        assert len(filled) == 1
        if baseline == "black":
            assert filled.item() == pytest.approx(cnn_case.images[0].min().item())
            assert not torch.isclose(cnn_case.model.reference("black", cnn_case.images[:1]), filled).any()


def test_metrics_of_the_same_curve_share_its_passes(grey_case):
    counting = Counting()
    case = replace(grey_case, forward=counting)
    pixel_flipping(case, step=21)
    assert counting.inputs == 4 * (21 + 1)
    deletion(case, step=21)
    pixel_flipping(case, step=21, output="probability")
    assert counting.inputs == 4 * (21 + 1)
    pixel_flipping(case, step=63)  # every third of the points
    assert counting.inputs == 4 * (21 + 1)
    abpc(case, step=21)  # the other order, but for its ends
    assert counting.inputs == 4 * (21 + 1 + 20)
    insertion(case, reference="zero", step=21)
    assert counting.inputs == 4 * (21 + 1 + 20)


def test_metrics_of_the_same_patches_share_their_passes(grey_case):
    counting = Counting()
    case = replace(grey_case, forward=counting)
    region_perturbation(case, patch=7, regions=5, impute="mean")
    assert counting.inputs == 4 * (5 + 1)
    selectivity(case, patch=7, reference="mean")
    assert counting.inputs == 4 * (9 + 1)
    region_perturbation(case, patch=7, regions=7, impute="mean", output="probability")
    assert counting.inputs == 4 * (9 + 1)


def test_a_patch_of_one_pixel_is_a_pixel(linear_classifier):
    weights = torch.randn(1, 6, 6, generator=torch.Generator().manual_seed(0))
    counting = Counting()
    maps = torch.zeros(2, 6, 6)  # all ties
    case = Case(linear_classifier(weights), torch.rand(2, 1, 6, 6), torch.tensor([0, 1]), maps, Context(0, ["a", "b"]), forward=counting)
    torch.testing.assert_close(selectivity(case, patch=1), pixel_flipping(case, step=1))
    assert counting.inputs == 2 * (36 + 1)


def test_thresholds_of_road_cost_nothing_beside_their_mean(cnn_case):
    counting = Counting()
    case = replace(cnn_case, forward=counting)
    mean = road(case, order="lerf")
    each = [road(case, order="lerf", fractions=fraction) for fraction in (0.2, 0.4, 0.6, 0.8)]
    assert counting.inputs == 5 * (4 + 1)
    torch.testing.assert_close(torch.stack(each).mean(dim=0), mean)
    torch.testing.assert_close(road(case, order="lerf", fractions=(0.2,)), each[0])


@pytest.fixture
def additive(linear_classifier):
    """A model whose logit is a sum over pixels, explained by the exact contributions."""
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(1, 12, 12, generator=generator) * 0.3
    images = torch.rand(3, 1, 12, 12, generator=generator)
    return Case(linear_classifier(weights), images, torch.zeros(3, dtype=torch.long), (weights * images)[:, 0], Context(0, list("abc")))


def test_logits_of_an_additive_model_fall_by_what_is_removed(additive):
    """Sorted contributions for pixels, sorted sums of blocks for patches and regions."""
    contributions = additive.attributions.double()
    total = contributions.sum(dim=(1, 2))
    pixels = contributions.flatten(1).sort(dim=1, descending=True).values.cumsum(dim=1)
    blocks = contributions.unflatten(1, (4, 3)).unflatten(3, (4, 3)).sum(dim=(2, 4))
    patches = blocks.flatten(1).sort(dim=1, descending=True).values.cumsum(dim=1)
    start = torch.zeros(3, 1, dtype=torch.float64)
    for score, removed in (
        (pixel_flipping(additive, step=1), pixels),
        (selectivity(additive, patch=3), patches),
    ):
        left = total[:, None] - torch.cat([start, removed], dim=1)
        expected = torch.trapezoid(left, dx=1 / removed.shape[1], dim=1)
        torch.testing.assert_close(score.double(), expected, atol=1e-4, rtol=0)
    aopc = torch.cat([start, patches[:, :6]], dim=1).mean(dim=1)
    torch.testing.assert_close(region_perturbation(additive, patch=3, regions=6, impute="zero").double(), aopc, atol=1e-4, rtol=0)


def test_abpc_is_odd_and_no_map_beats_the_truth(additive):
    best = abpc(additive, steps=24)
    assert (best > 0.3).all()
    negated = replace(additive, attributions=-additive.attributions, memory={})
    torch.testing.assert_close(abpc(negated, steps=24), -best)
    others = []
    for seed in range(30):
        maps = torch.randn(3, 12, 12, generator=torch.Generator().manual_seed(seed))
        others.append(abpc(replace(additive, attributions=maps, memory={}), steps=24))
    assert (torch.stack(others) < best).all()
    assert torch.stack(others).mean(dim=0).abs().max() < 0.1


def test_a_map_that_says_nothing_has_no_area_between_its_curves_on_average(additive):
    scores = [
        abpc(replace(additive, attributions=torch.zeros(3, 12, 12), ctx=Context(seed, list("abc")), memory={}), steps=24)
        for seed in range(30)
    ]
    assert torch.stack(scores).mean(dim=0).abs().max() < 0.1


def test_regions_are_filled_with_noise_over_the_range_of_the_inputs(cnn_case):
    """One patch over the whole image: what the model sees is the noise of each draw."""
    seen = []

    def forward(model, inputs):
        seen.append(inputs)
        with torch.no_grad():
            return model(inputs)

    case = replace(cnn_case, forward=forward)
    region_perturbation(case, patch=20, regions=1, runs=3)
    noise = torch.stack([inputs for inputs in seen if not torch.equal(inputs, cnn_case.images)])
    assert noise.shape == (3, 5, 3, 20, 20)
    low, high = input_range(cnn_case)
    share = (noise - low) / (high - low)
    assert 0 <= share.min() < 0.001
    assert 0.999 < share.max() <= 1 + 1e-6
    assert abs(share.mean().item() - 0.5) < 0.01
    assert torch.corrcoef(share.flatten(1)).triu(1).abs().max() < 0.05


def test_draws_are_averaged_and_only_where_they_differ(cnn_case):
    counting = Counting()
    case = replace(cnn_case, forward=counting)
    together = region_perturbation(case, patch=5, regions=4, runs=2)
    assert counting.inputs == 5 * (1 + 2 * 4)
    region_perturbation(case, patch=5, regions=4, runs=5, impute="blur")
    assert counting.inputs == 5 * (1 + 2 * 4 + 4)
    one = region_perturbation(case, patch=5, regions=4, runs=1)
    assert not torch.allclose(one, together)


def test_irof_of_a_model_that_looks_at_one_segment(linear_classifier):
    """Four flat quadrants: removing the one the model looks at first leaves nothing, last loses nothing before the end."""
    images = torch.zeros(1, 1, 16, 16)
    images[..., :8, 8:], images[..., 8:, :8], images[..., 8:, 8:] = 0.3, 0.6, 1.0
    weights = torch.zeros(1, 16, 16)
    weights[:, 8:, 8:] = 1.0
    case = Case(linear_classifier(weights), images, torch.tensor([0]), weights.clone(), Context(0, ["a"]))
    before, after = torch.sigmoid(torch.tensor(64.0)).item(), 0.5
    for maps, removed_at in ((weights, 1), (-weights, 4)):
        curve = [before if k < removed_at else after for k in range(5)]
        score = irof(replace(case, attributions=maps, memory={}), segments=4, impute="zero")
        assert score.item() == pytest.approx(1 - np.trapezoid(curve, dx=0.25), abs=1e-5)
    first = irof(replace(case, attributions=-weights, memory={}), segments=4, impute="zero", absolute=True)
    torch.testing.assert_close(first, irof(replace(case, memory={}), segments=4, impute="zero"))


def test_irof_pays_for_the_segments_that_an_image_has(grey_case):
    counting = Counting()
    images = torch.nn.functional.avg_pool2d(grey_case.images, 3, 1, padding=1)
    images[1] = (torch.linspace(0, 1, 21) > 0.4).float()
    case = replace(grey_case, images=images, forward=counting)
    irof(case, segments=10, compactness=0.1)
    labels, counts = case_superpixels(case, 10, 0.1)
    units = labels.amax(dim=(1, 2)) + 1
    assert list(counts) == units.tolist()
    assert len(set(counts)) > 1
    assert counting.inputs == units.sum().item() + 4


@pytest.mark.parametrize("kind", ["black", "white", "mean", "blur", "zero", "noise", "convolution", "linear", "noisy-linear"])
def test_every_imputation_serves_every_curve(kind, cnn_case):
    """All remove the same pixels first, so that a score of each is finite and of its own."""
    for metric, name, params in (
        (deletion, "reference", {"steps": 3}),
        (insertion, "reference", {"steps": 3}),
        (pixel_flipping, "reference", {"steps": 3}),
        (abpc, "reference", {"steps": 3}),
        (selectivity, "reference", {"patch": 10}),
        (region_perturbation, "impute", {"patch": 10, "regions": 2, "runs": 1}),
        (irof, "impute", {"segments": 5}),
        (road, "impute", {"fractions": 0.3}),
    ):
        assert metric(cnn_case, **params, **{name: kind}).isfinite().all()
