"""Performance information curves against the authors' implementation (PAIR saliency), and sizes against arithmetic by hand and WebP."""

from __future__ import annotations

from dataclasses import replace
from math import log2

import numpy as np
import pytest
import torch
from harness_metrics import information
from harness_metrics.compressed_size import compressed_sizes, residual_bytes, webp_bytes
from harness_metrics.faithfulness.aic import aic
from harness_metrics.faithfulness.sic import sic
from harness_metrics.imputation import imputer
from harness_metrics.information import PUBLISHED_FRACTIONS, curve_area, revealed, shown_pixels
from saliency.metrics import pic
from scipy.stats import spearmanr
from skimage.data import astronaut, coffee
from skimage.transform import resize
from torch import nn

from harness.api import Case, Context, classifier
from tests.support.cases import selected

SIDE = 32


@pytest.fixture(scope="module")
def case():
    """Crops of photographs in 8 bit, the class a network gives each, and the gradient of that class times the image."""
    photographs = [resize(image(), (128, 128)) for image in (astronaut, coffee)]
    crops = np.stack([image[y : y + SIDE, x : x + SIDE] for image in photographs for y in range(0, 96, 32) for x in range(0, 96, 32)])
    levels = torch.from_numpy(crops.transpose(0, 3, 1, 2) * 255).round().float() / 255
    torch.manual_seed(1)
    module = nn.Sequential(nn.Conv2d(3, 8, 5, stride=2), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(1152, 5))
    with torch.no_grad():
        module[-1].weight.mul_(40)
    model = classifier(module, input_shape=(3, SIDE, SIDE), mean=[0.4, 0.4, 0.4], std=[0.2, 0.2, 0.2])
    images = model.normalise(levels)
    targets = model(images).argmax(dim=1)
    given = images.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(given).gather(1, targets[:, None]).sum(), given)
    maps = (gradient * images).sum(dim=1)
    return Case(model, images, targets, maps, Context(seed=3, ids=[f"crop {i}" for i in range(len(images))], purpose="score"))


@pytest.fixture
def in_8_bit(monkeypatch):
    """What the model is shown is rounded to 8 bit, as by the authors."""

    def rounded(case, kind):
        fill = imputer(case, kind)

        def impute(removed):
            levels = case.model.denormalise(fill(removed)).clamp(0, 1).mul(255).round()
            return case.model.normalise(levels / 255)

        return impute

    monkeypatch.setattr(information, "imputer", rounded)


def authors(case, accuracy, fractions=PUBLISHED_FRACTIONS, **options):
    """Their `compute_pic_metric`, one sample at a time, with our way to fill in what is hidden and WebP; NaN where it says to skip one."""
    found = []
    for i, target in enumerate(case.targets.tolist()):
        alone = Case(case.model, case.images[i : i + 1], case.targets[i : i + 1], case.attributions[i : i + 1], case.ctx.select([i]))
        image = (case.model.denormalise(case.images[i]) * 255).round().byte().permute(1, 2, 0).numpy()

        def fill(full_img, pixel_mask, alone=alone, **_):
            inputs = imputer(alone, "linear")(torch.from_numpy(~pixel_mask)[None, None])[0]
            return (case.model.denormalise(inputs[0]).clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()

        def predict(images, target=target):
            with torch.no_grad():
                logits = case.model(case.model.normalise(torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255)).double()
            return (logits.argmax(dim=1) == target).double().numpy() if accuracy else logits.softmax(dim=1)[:, target].numpy()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pic, "create_blurred_image", fill)
            patch.setattr(np, "trapz", np.trapezoid, raising=False)  # NumPy 2 has lost it
            try:
                curve = pic.compute_pic_metric(
                    image,
                    case.attributions[i].double().numpy(),
                    revealed(alone)[0].numpy(),
                    predict,
                    fractions,
                    num_data_points=5000,
                    **options,
                )
            except pic.ComputePicMetricError:
                found.append(np.nan)
            else:
                found.append(curve.auc)
    return np.array(found)


@pytest.mark.parametrize("monotonous", [True, False])
def test_sic_equals_the_authors_curve(case, monotonous, in_8_bit):
    ours = sic(replace(case, memory={}), size="webp", monotonous=monotonous).numpy()
    theirs = authors(case, accuracy=False, keep_monotonous=monotonous)
    np.testing.assert_allclose(ours, theirs, atol=1e-4)  # their area is a sum over 5000 points of the curve
    assert 5 < np.isfinite(ours).sum() < len(ours) and np.nanstd(ours) > 0.05


def test_aic_equals_the_authors_curve(case, in_8_bit):
    ours = aic(replace(case, memory={}), size="webp").numpy()
    np.testing.assert_allclose(ours, authors(case, accuracy=True), atol=2e-4)
    assert 5 < np.isfinite(ours).sum() < len(ours) and np.nanstd(ours) > 0.05


def test_what_residuals_take_orders_curves_as_webp_does(case):
    both = [sic(replace(case, memory={}), size=size, confident=0.0).numpy() for size in ("residuals", "webp")]
    defined = np.isfinite(both[0]) & np.isfinite(both[1])
    assert defined.sum() > 8 and np.corrcoef(both[0][defined], both[1][defined])[0, 1] > 0.9


def test_residuals_grow_with_what_is_shown_as_webp_does(case):
    """Of each photograph from a hundredth of its pixels to all."""
    order = case.ctx.permutation(SIDE**2).view(-1, SIDE, SIDE)
    removed = torch.stack([order >= round(share * SIDE**2) for share in (0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)])
    shown = case.model.denormalise(imputer(case, "linear")(removed).flatten(0, 1))
    sizes = [compressed_sizes(shown, size).view(8, -1).numpy() for size in ("residuals", "webp")]
    correlations = [spearmanr(ours, theirs).statistic for ours, theirs in zip(*(size.T for size in sizes), strict=True)]
    assert np.median(correlations) > 0.95 and min(correlations) > 0.7


def by_hand(levels):
    """One pixel at a time."""
    bits = 0.0
    red, green, blue = (channel.astype(int) for channel in levels)
    for channel in ((red - green) % 256, green, (blue - green) % 256):
        counts: dict[int, int] = {}
        for y, x in np.ndindex(channel.shape):
            left = channel[y, x - 1] if x else 0
            above = channel[y - 1, x] if y else 0
            corner = channel[y - 1, x - 1] if x and y else 0
            predicted = sorted([left, above, left + above - corner])[1]
            residual = (channel[y, x] - predicted) % 256
            counts[residual] = counts.get(residual, 0) + 1
        bits -= sum(count * log2(count / channel.size) for count in counts.values())
    return bits / 8


def test_residuals_by_hand():
    levels = np.random.default_rng(0).integers(0, 256, (2, 3, 5, 7)).astype(np.uint8)
    levels[1] //= 32
    assert residual_bytes(torch.from_numpy(levels)).tolist() == pytest.approx([by_hand(image) for image in levels])


def test_residuals_of_what_is_known():
    black, grey = torch.zeros(1, 1, 8, 8), torch.full((1, 1, 8, 8), 0.5)
    noise = torch.rand(1, 1, 256, 256, generator=torch.Generator().manual_seed(0))
    ramp = torch.arange(32.0).expand(1, 1, 32, 32) / 255
    assert compressed_sizes(black, "residuals").item() == 0
    assert compressed_sizes(grey, "residuals").item() == pytest.approx((63 * log2(64 / 63) + log2(64)) / 8)  # the first pixel alone is news
    assert 0.99 < compressed_sizes(noise, "residuals").item() / 256**2 <= 1
    share = 31 / 1024  # of the first row, but for its first pixel: below it nothing is new
    assert compressed_sizes(ramp, "residuals").item() == pytest.approx(128 * -(share * log2(share) + (1 - share) * log2(1 - share)))


def test_webp_is_the_authors_estimate(case):
    levels = (case.model.denormalise(case.images[:4]) * 255).round().byte()
    assert webp_bytes(levels).tolist() == [pic.estimate_image_entropy(image.permute(1, 2, 0).numpy()) for image in levels]
    assert webp_bytes(levels[:, :1]).tolist() == [pic.estimate_image_entropy(image[0].numpy()) for image in levels]


@pytest.mark.parametrize("pixels", [400, 1024, 50176, 37])
def test_as_many_pixels_are_shown_as_are_above_the_authors_quantile(pixels):
    values = np.random.default_rng(0).permutation(pixels).astype(float)
    for fraction in PUBLISHED_FRACTIONS:
        assert shown_pixels(fraction, pixels) == (values >= np.quantile(values, 1 - fraction)).sum()


def test_a_hundredth_and_the_corners_are_known(case):
    shown = revealed(case)
    assert shown[:, [0, 0, -1, -1], [0, -1, 0, -1]].all()
    assert ((shown.sum(dim=(1, 2)) >= 10) & (shown.sum(dim=(1, 2)) <= 14)).all() and shown.float().mean(dim=0).max() == 1
    torch.testing.assert_close(revealed(replace(case, attributions=-case.attributions)), shown)


def area(sizes, outputs, monotonous=True, ends=(0.0, 1.0), best=(0.0, 1.0)):
    given = (torch.tensor([values], dtype=torch.float64) for values in (sizes, outputs, ends, best))
    return curve_area(*given, monotonous).item()


def test_areas_of_curves_that_are_known():
    assert area([0.25, 0.5], [0.25, 0.5]) == pytest.approx(0.5)
    assert area([0.5], [1.0]) == pytest.approx(0.75)
    assert area([0.5], [1.0], ends=(10.0, 30.0)) == pytest.approx(0.5)  # of no size: a curve begins at 0
    assert area([20.0], [0.6], ends=(10.0, 30.0), best=(0.2, 0.6)) == pytest.approx(0.75)
    assert area([0.2, 0.4], [1.0, 0.0]) == pytest.approx(0.1 + 0.8)
    assert area([0.2, 0.4], [1.0, 0.0], monotonous=False) == pytest.approx(0.1 + 0.1 + 0.3)
    assert np.isnan(area([0.5], [1.0], ends=(1.0, 1.0))) and np.isnan(area([0.5], [1.0], best=(0.5, 0.4)))


def test_a_network_that_is_not_sure_has_no_curve(case):
    torch.testing.assert_close(
        sic(replace(case, memory={}), confident=0.0).isnan() | sic(replace(case, memory={})).isnan(), sic(case).isnan()
    )
    assert sic(case, confident=1.0).isnan().all()
    wrong = replace(case, targets=(case.targets + 1) % 5, memory={})
    assert aic(wrong).isnan().all() and sic(wrong).isnan().all()


def test_both_share_their_passes_and_explainers_the_ends(case):
    asked = []

    def forward(model, inputs):
        asked.append(len(inputs))
        with torch.no_grad():
            return model(inputs)

    counted = Case(case.model, case.images, case.targets, case.attributions, case.ctx, forward=forward)
    sic(counted)
    aic(counted)
    assert sum(asked) == len(case.images) * (len(PUBLISHED_FRACTIONS) + 2)
    aic(replace(counted, attributions=-case.attributions, memory={}))
    assert sum(asked) == len(case.images) * (2 * len(PUBLISHED_FRACTIONS) + 2)


SURE = {sic: {"confident": 0.0}, aic: {}}


@pytest.mark.parametrize("metric", SURE)
def test_what_holds_for_every_metric(metric, case):
    """Those of test_components, whose samples no network is sure of."""

    def scores(given, **changes):
        return metric(replace(given, memory={}), **SURE[metric] | changes)

    together = scores(case)
    defined = together.isfinite()
    assert defined.sum() > 4 and ((together[defined] >= 0) & (together[defined] <= 1)).all()
    order = [17, 4, 9, 0]
    torch.testing.assert_close(scores(selected(case, order)), together[order], equal_nan=True, rtol=1e-4, atol=1e-5)
    for scale in (2.0**-100, 2.0**60):
        torch.testing.assert_close(scores(replace(case, attributions=case.attributions * scale)), together, equal_nan=True)
    sizes = replace(case, attributions=case.attributions.abs())
    torch.testing.assert_close(scores(case, absolute=True), scores(sizes), equal_nan=True)
    for changed in (scores(sizes), scores(case, impute="black"), scores(case, monotonous=False), scores(case, fractions=(0.1, 0.2))):
        assert not torch.allclose(changed, together, equal_nan=True, rtol=1e-4)
    nothing = scores(replace(case, attributions=torch.zeros_like(case.attributions)))
    torch.testing.assert_close(nothing, scores(replace(case, attributions=torch.full_like(case.attributions, 0.3))), equal_nan=True)
    assert torch.equal(nothing.isfinite(), defined)


def test_a_map_that_points_at_what_counts_does_better_than_noise_and_than_its_inverse(case):
    noise = torch.rand(case.attributions.shape, generator=torch.Generator().manual_seed(0))
    found = [sic(replace(case, attributions=maps, memory={}), confident=0.0) for maps in (case.attributions, noise, -case.attributions)]
    means = [scores.nanmean().item() for scores in found]
    assert means[0] > means[1] + 0.05 and means[0] > means[2] + 0.1
