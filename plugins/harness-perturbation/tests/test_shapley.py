from itertools import permutations
from math import factorial

import pytest
import torch
from captum import attr
from harness_perturbation.exact_shapley import exact_shapley
from harness_perturbation.kernel_shap import drawn_coalitions, kernel_shap
from harness_perturbation.regions import find_regions
from harness_perturbation.shapley_sampling import shapley_sampling
from torch import nn

from harness.api import classifier
from tests.support.networks import TARGETS, context, counted, images, linear, made

SAMPLERS = {kernel_shap: {"samples": 2000}, shapley_sampling: {"permutations": 300}}


def values(attribution, regions):
    """A region's share of the map: ``(B, R)``."""
    labels = regions.labels.expand_as(attribution.map)
    return torch.stack([(attribution.map * (labels == region)).sum((1, 2)) for region in range(regions.most)], dim=1)


def by_orders(model, image, target, labels, hidden):
    """Shapley values of one image as they are defined: each region's mean gain over all orders."""
    count = int(labels.max()) + 1
    known = {}

    def value(there):
        if there not in known:
            kept = torch.isin(labels, torch.tensor(sorted(there)))
            with torch.no_grad():
                known[there] = model(torch.where(kept, image, hidden)[None])[0, target].double()
        return known[there]

    total = torch.zeros(count, dtype=torch.float64)
    for order in permutations(range(count)):
        for place, region in enumerate(order):
            total[region] += value(frozenset(order[: place + 1])) - value(frozenset(order[:place]))
    return total / factorial(count)


@pytest.mark.parametrize("kind", ["grid", "slic"])
def test_exact_values_are_means_over_all_orders(kind):
    model, inputs = made(), images()
    regions = find_regions(model, inputs, kind, 5 if kind == "slic" else 4, 12)
    found = exact_shapley(model, inputs, TARGETS, regions=kind, segments=5 if kind == "slic" else 4, baseline="blur", ctx=context())
    hidden = model.reference("blur", inputs)
    for i in range(4):
        labels = regions.labels.expand(4, -1, -1)[i]
        expected = by_orders(model, inputs[i], TARGETS[i], labels, hidden[i])
        torch.testing.assert_close(values(found, regions)[i, : len(expected)].double(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("function", SAMPLERS)
def test_samplers_come_to_exact_values(function):
    model, inputs = made(), images()
    exact = exact_shapley(model, inputs, TARGETS, segments=9, ctx=context())
    found = function(model, inputs, TARGETS, regions="grid", segments=9, **SAMPLERS[function], ctx=context())
    error = (found.map - exact.map).norm() / exact.map.norm()
    assert error < (1e-4 if function is kernel_shap else 0.1)  # 510 coalitions are all there are


def test_drawn_coalitions_come_to_exact_values_too():
    model, inputs = made(), images()
    exact = exact_shapley(model, inputs, TARGETS, regions="slic", segments=12, ctx=context())
    assert min(find_regions(model, inputs, "slic", 12, 12).counts) == 9  # 510 proper coalitions
    errors = []
    for samples in (50, 500):
        found = kernel_shap(model, inputs, TARGETS, segments=12, samples=samples, ctx=context())
        errors.append(float((found.map - exact.map).norm() / exact.map.norm()))
    assert 0 < errors[1] < min(0.1, errors[0] / 2)


def test_drawn_coalitions_have_the_sizes_and_the_members_of_the_kernel():
    drawn = torch.rand(9, 20000, generator=torch.Generator().manual_seed(0))
    kept = drawn_coalitions(8, 40000, drawn[0], drawn[1:].T).kept
    assert torch.equal(kept[0::2], ~kept[1::2])
    sizes = torch.arange(1, 8)
    weight = 1 / (sizes * (8 - sizes))
    torch.testing.assert_close(kept.sum(1).bincount()[1:] / 40000, weight / weight.sum(), rtol=0.05, atol=0)
    torch.testing.assert_close(kept.float().mean(0), torch.full((8,), 0.5))
    assert kept[kept.sum(1) == 1].float().mean(0).sub(1 / 8).abs().max() < 0.01


@pytest.mark.parametrize("function", [exact_shapley, *SAMPLERS])
def test_efficiency_dummy_and_symmetry(function):
    class Corners(nn.Module):
        """Logits of means of the quarters: their product of the first two, nothing of the third, the fourth."""

        def forward(self, x):
            a, b, _, d = x.unfold(2, 4, 4).unfold(3, 4, 4).mean((1, 4, 5)).flatten(1).unbind(1)
            return torch.stack([a * b + d.relu(), a - d, b * d], dim=1)

    model = classifier(Corners(), input_shape=(3, 8, 8), mean=[0.5] * 3, std=[0.5] * 3)
    inputs = images(size=8)
    inputs[:, :, :4, 4:] = inputs[:, :, :4, :4]
    targets = torch.zeros(4, dtype=torch.int64)
    found = function(model, inputs, targets, regions="grid", segments=4, baseline="zero", ctx=context(size=8), **SAMPLERS.get(function, {}))
    regions = find_regions(model, inputs, "grid", 4)
    first, second, dummy, own = values(found, regions).T
    wanted = model(inputs)[:, 0] - model(torch.zeros_like(inputs))[:, 0]
    torch.testing.assert_close(found.expected, wanted)
    torch.testing.assert_close(found.map.sum((1, 2)), wanted, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(dummy, torch.zeros(4), rtol=0, atol=1e-6)
    torch.testing.assert_close(own, inputs[:, :, 4:, 4:].mean((1, 2, 3)).relu(), rtol=1e-4, atol=1e-6)
    if function is not shapley_sampling:  # whose orders are a sample: symmetric on average
        torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("function", [exact_shapley, *SAMPLERS])
def test_a_linear_models_are_its_terms(function):
    model, weights = linear()
    inputs = images(size=8)
    found = function(model, inputs, TARGETS, regions="slic", segments=6, baseline="black", ctx=context(size=8))
    regions = find_regions(model, inputs, "slic", 6, 12)
    terms = ((inputs - model.reference("black", inputs)) * weights[TARGETS]).sum(dim=1)
    expected = torch.stack([(terms * (regions.labels == region)).sum((1, 2)) for region in range(regions.most)], dim=1)
    torch.testing.assert_close(values(found, regions), expected, rtol=1e-3, atol=1e-3)


def test_equals_captums_shapley_value_sampling_with_the_same_orders(monkeypatch):
    model, inputs = made(), images()
    found = shapley_sampling(model, inputs, TARGETS, regions="grid", segments=9, permutations=5, baseline="mean", ctx=context())
    regions = find_regions(model, inputs, "grid", 9)
    keys = context().fresh("call: shared by all samples").about([f"stream {number}" for number in range(9)]).uniform((5,))
    method = attr.ShapleyValueSampling(model)
    method.permutation_generator = lambda features, samples: (keys[:, sample].argsort().tolist() for sample in range(samples))
    expected = method.attribute(
        inputs,
        baselines=model.reference("mean", inputs),
        target=TARGETS,
        feature_mask=regions.labels[:, None],
        n_samples=5,
    )[:, 0]
    sizes = regions.labels.flatten().bincount()[regions.labels]
    torch.testing.assert_close(found.map * sizes, expected, rtol=1e-3, atol=1e-5)


def test_equals_captums_kernel_shap_with_the_same_coalitions():
    model, inputs = made(), images(1)
    found = kernel_shap(model, inputs, TARGETS[:1], regions="grid", segments=16, samples=200, ctx=context("a"))
    regions = find_regions(model, inputs, "grid", 16)
    drawn = context().fresh("call: shared by all samples").about([f"stream {number}" for number in range(17)]).uniform((200,))
    kept = drawn_coalitions(16, 200, drawn[0], drawn[1:].T).kept
    ends = torch.tensor([[True], [False]]).expand(2, 16)
    method = attr.KernelShap(model)

    def coalitions(*_, **__):
        yield from torch.cat([ends, kept])[:, None].long()

    method.perturb_func = coalitions
    expected = method.attribute(
        inputs,
        baselines=model.reference("black", inputs),
        target=TARGETS[:1],
        feature_mask=regions.labels[:, None],
        n_samples=202,
    )[:, 0]
    torch.testing.assert_close(found.map * 16, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("function", "params", "passes"),
    [
        (exact_shapley, {"segments": 4}, 16),
        (kernel_shap, {"segments": 16, "samples": 30}, 32),
        (shapley_sampling, {"segments": 9, "permutations": 4}, 34),
    ],
)
def test_as_many_passes_as_declared(function, params, passes):
    model = made()
    with counted(model) as rows:
        function(model, images(), TARGETS, regions="grid", **params, ctx=context())
    assert sum(rows) == 4 * passes
