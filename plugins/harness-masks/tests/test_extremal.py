import math

import pytest
import torch
from harness_masks.extremal import SmoothMasks, area_distance, between_levels, extremal_perturbation
from torch import nn

from harness.api import classifier
from harness.api.blurring import zero_bordered_blur
from tests.support.networks import TARGETS, counted, images, made


@pytest.mark.parametrize(("height", "width", "step", "sigma"), [(9, 12, 2, 4.0), (8, 8, 3, 5.0)])
def test_a_mask_is_the_smooth_maximum_of_kernels(height, width, step, sigma):
    masks = SmoothMasks(height, width, step, sigma, torch.zeros(1))
    parameters = torch.rand(1, *masks.grid, generator=torch.Generator().manual_seed(0))
    found, whole = masks(parameters)
    assert found.shape == (1, height, width)
    for y in range(height):
        for x in range(width):
            top, left = (y + round(sigma)) // step, (x + round(sigma)) // step
            values = []
            for i in range(top - masks.padding, top - masks.padding + 2 * masks.reach + 1):
                for j in range(left - masks.padding, left - masks.padding + 2 * masks.reach + 1):
                    inside = 0 <= i < masks.grid[0] and 0 <= j < masks.grid[1]
                    distance = math.hypot(y - step * i, x - step * j) / sigma
                    values.append(float(parameters[0, i, j]) * math.exp(-2 * max(0, distance - 0.5) ** 2) if inside else 0.0)
            weights = [math.exp(20 * value) for value in values]
            expected = sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)
            assert abs(float(found[0, y, x]) - expected) < 1e-5
    assert whole.shape[1] > height + sigma


def test_between_levels():
    pyramid = torch.tensor([0.0, 10.0, 40.0]).view(1, 3, 1, 1, 1).expand(1, 3, 2, 1, 4)
    assert between_levels(pyramid, torch.tensor([[[0, 0.25, 0.75, 1.0]]])).tolist() == [[[[0, 5, 25, 40]], [[0, 5, 25, 40]]]]


def test_the_area_is_that_of_sorted_values():
    masks = torch.tensor([[[1.0, 0.5], [0.0, 1.0]], [[1.0, 0.0], [0.0, 0.0]]])
    assert area_distance(masks, torch.tensor([2, 3])).tolist() == [0.25 / 4, 0]


class Energetic(nn.Module):
    """Logits: how much there is in two corners that a blur takes away, the one above on the left and the one below on the right."""

    def forward(self, x):
        return torch.stack([x[:, :, :8, :8].square().sum((1, 2, 3)), x[:, :, 8:, 8:].square().sum((1, 2, 3))], dim=1) / 8


def energetic():
    return classifier(Energetic(), input_shape=(3, 16, 16), mean=[0.0] * 3, std=[1.0] * 3)


def test_the_mask_lies_where_the_logit_is_made_and_has_its_area():
    model, inputs = energetic(), images(2)
    found = extremal_perturbation(model, inputs, torch.tensor([0, 1]), areas=[0.2], steps=60, cell=2, smoothness=3.0, mirrored=False)
    for mask, corner in zip(found, (slice(0, 8), slice(8, 16)), strict=True):
        assert mask[corner, corner].sum() > 0.6 * mask.sum()
        assert 0.15 < mask.mean() < 0.35


@pytest.mark.parametrize(("variant", "areas"), [("preserve", [0.1]), ("delete", [0.2]), ("dual", [0.1, 0.3])])
def test_equals_torchray(variant, areas, monkeypatch):
    """Their code makes one step less of as many, and breaks ties of sorted values as it comes, which the first steps are full of."""
    module = pytest.importorskip("torchray.attribution.extremal_perturbation")
    sort = torch.Tensor.sort
    monkeypatch.setattr(torch.Tensor, "sort", lambda given, dim, stable=True: sort(given, dim=dim, stable=stable))
    model, inputs = made(size=32), images(2, size=32)
    found = extremal_perturbation(model, inputs, TARGETS[:2], areas=areas, steps=11, variant=variant, cell=4, smoothness=8.0, blur=20.0)
    for i in range(2):
        masks, _ = module.extremal_perturbation(
            model.module, inputs[i : i + 1], int(TARGETS[i]), areas=areas, max_iter=12, step=4, sigma=8, variant=variant
        )
        torch.testing.assert_close(found[i], masks.mean(0)[0], rtol=0, atol=2e-3)


def test_is_torchrays_as_noted():
    """Means over fourths of each side of what their code (1.0.0.2) gives for an image of waves after 40 steps."""
    places = torch.arange(3 * 16 * 16.0).view(1, 3, 16, 16)
    found = extremal_perturbation(
        energetic(), torch.sin(places), torch.tensor([1]), areas=[0.2], steps=39, cell=4, smoothness=4.0, blur=20.0
    )
    expected = torch.tensor(
        [[0.041, 0.063, 0.002, 0.0], [0.649, 0.776, 0.133, 0.0], [0.942, 0.947, 0.218, 0.0], [0.947, 0.896, 0.185, 0.0]]
    )
    torch.testing.assert_close(nn.functional.avg_pool2d(found, 4)[0], expected, rtol=0, atol=2e-3)


@pytest.mark.parametrize("variant", ["preserve", "delete", "dual"])
def test_the_search_climbs_what_equation_2_says(variant):
    """Of one image and area, step by step: the reward of each game, less an area that counts more at every step."""
    model, image, steps, size = made(), images(1).double(), 30, 16
    model.module.double()
    found = extremal_perturbation(
        model, image, TARGETS[:1], areas=[0.3], steps=steps, variant=variant, cell=4, smoothness=8.0, blur=20.0, mirrored=False
    )
    masks = SmoothMasks(size, size, 4, 8.0, image)
    pyramid = torch.stack([zero_bordered_blur(image, 20.0 * (7 - level) / 7) for level in range(8)], dim=1)
    parameters = torch.ones(1, *masks.grid).double().requires_grad_()
    wanted = torch.zeros(masks.count).double()
    wanted[int(masks.count * 0.7) :] = 1
    velocity = torch.zeros_like(parameters)
    for number in range(steps):
        shown, whole = masks(parameters)
        kept, left = (model(between_levels(pyramid, mask))[0, TARGETS[0]] for mask in (shown, 1 - shown))
        area = 300 * 1.0035**number * (whole.flatten().sort(stable=True).values - wanted).square().mean()
        gains = {"preserve": kept, "delete": -left, "dual": kept - left}[variant] - area
        (slope,) = torch.autograd.grad(gains, parameters)
        velocity = slope if number == 0 else 0.9 * velocity + 0.1 * slope
        parameters = (parameters + 0.01 * velocity).detach().clamp(0, 1).requires_grad_()
    torch.testing.assert_close(found, masks(parameters)[0].detach(), rtol=0, atol=1e-6)
    assert found.std() > 0.1


def test_as_many_passes_as_declared():
    model = made()
    with counted(model) as rows:
        extremal_perturbation(model, images(), TARGETS, areas=[0.1, 0.2], steps=3, variant="dual")
    assert sum(rows) == 4 * 2 * 3 * 2 * 2
