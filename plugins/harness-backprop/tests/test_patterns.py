import pytest
import torch
from harness_backprop.pattern_net import PatternAttribution, PatternNet, PatternsBack, without_patterns
from harness_backprop.patterns import fit_patterns
from torch import nn
from torch.nn import functional as F

import harness
from harness.api import Context, Sample, classifier
from tests.support.networks import TARGETS, Scaled, images, made, state


def of(module, size=8):
    return classifier(module, input_shape=(3, size, size), mean=[0.5] * 3, std=[0.25] * 3)


def signals_and_distractors(count=4000):
    """The paper's example: x = (1, 0) y + (1, 1) d, of which w = (1, −1) finds y."""
    y, distractor = torch.randn(2, count, generator=torch.Generator().manual_seed(0)).double()
    return torch.stack([y + distractor, distractor], dim=1).view(count, 1, 1, 2), y


def plane(bias=0.0):
    layer = nn.Linear(2, 1)
    layer.weight.data, layer.bias.data = torch.tensor([[1.0, -1.0]]), torch.tensor([bias])
    return classifier(
        nn.Sequential(nn.Flatten(), layer, nn.ReLU(), nn.Linear(1, 2)).double(), input_shape=(1, 1, 2), mean=[0.5], std=[0.25]
    )


@pytest.mark.parametrize("estimator", ["two-component", "linear"])
def test_the_pattern_is_the_direction_of_the_signal(estimator):
    """Which the weights are not: they cancel the distractor."""
    given, _ = signals_and_distractors()
    pattern, _ = fit_patterns(plane(bias=3.0), given.split(1000), estimator)
    torch.testing.assert_close(pattern, torch.tensor([[1.0, 0.0]]).double(), rtol=0, atol=0.05)


def by_definition(patches, weight, estimator, sign=1):
    """A pattern (K, L) of patches (N, L) and weights (K, L), from expectations."""
    found = []
    for row in weight:
        y = patches @ row
        there = (sign * y > 0) if estimator == "two-component" else torch.ones_like(y, dtype=torch.bool)
        products = (patches[there] * y[there, None]).mean(0) - patches[there].mean(0) * y.mean()
        found.append(products / (row @ products))
    return torch.stack(found)


@pytest.mark.parametrize("estimator", ["two-component", "linear"])
def test_patterns_of_convolutions_and_dense_layers_are_those_by_definition(estimator):
    torch.manual_seed(0)
    conv, dense = nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.Linear(64, 5)
    model = of(nn.Sequential(conv, nn.ReLU(), nn.Flatten(), dense, nn.ReLU(), nn.Linear(5, 3)).double())
    inputs = images(40, size=8).double() + 1
    before = state(model)
    patterns = fit_patterns(model, inputs.split(16), estimator)
    patches = F.unfold(inputs, 3, padding=1, stride=2).transpose(1, 2).flatten(0, 1)
    torch.testing.assert_close(patterns[0].flatten(1), by_definition(patches, conv.weight.detach().flatten(1), estimator))
    hidden = conv(inputs).relu().flatten(1).detach()
    torch.testing.assert_close(patterns[1], by_definition(hidden, dense.weight.detach(), estimator))
    for layer, pattern in zip((conv, dense, model.module[-1]), patterns, strict=True):
        torch.testing.assert_close((layer.weight * pattern).flatten(1).sum(1), torch.ones(len(pattern)).double())
    assert state(model) == before


def test_a_batch_normalisation_is_as_if_merged_into_the_convolution():
    torch.manual_seed(0)
    conv, norm, last = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(144, 3)
    norm.running_mean, norm.running_var = torch.randn(4), torch.rand(4) + 0.5
    norm.weight.data, norm.bias.data = torch.tensor([1.0, -2.0, 0.5, -0.7]), torch.randn(4)
    apart = of(nn.Sequential(conv, norm, nn.ReLU(), nn.Flatten(), last).double().eval())
    merged = of(nn.Sequential(nn.utils.fusion.fuse_conv_bn_eval(conv, norm), nn.ReLU(), nn.Flatten(), last).double())
    training = images(40, size=8, seed=5).double().split(20)
    for weighted in (False, True):
        maps = []
        for model in (apart, merged):
            points = images(size=8).double().requires_grad_()
            with PatternsBack(fit_patterns(model, training, "two-component"), weighted):
                logits = model(points).gather(1, TARGETS[:, None])
            maps.append(torch.autograd.grad(logits.sum(), points)[0])
        torch.testing.assert_close(*maps)
        assert maps[0].abs().sum() > 0


def fitted(kind, model, training):
    method = kind(kind.Params())
    method.fit(model, Context(0, ["fit"], labelled=lambda n: (training[:n], torch.zeros(len(training), dtype=torch.long))))
    return method


def test_signal_and_attribution_are_those_by_hand():
    torch.manual_seed(0)
    first, second = nn.Linear(192, 6), nn.Linear(6, 3)
    model, inputs, training = of(nn.Sequential(nn.Flatten(), first, nn.ReLU(), second)), images(size=8), images(60, size=8, seed=5)
    a, b = fit_patterns(model, [training], "two-component")
    active = (first(inputs.flatten(1)) > 0).float()
    logits = model(inputs).gather(1, TARGETS[:, None])
    signal = (logits * b[TARGETS] * active) @ a
    torch.testing.assert_close(fitted(PatternNet, model, training)(model, inputs, TARGETS).flatten(1), signal)
    relevance = logits * (b * second.weight)[TARGETS] * active
    expected = relevance @ (a * first.weight)
    found = fitted(PatternAttribution, model, training)(model, inputs, TARGETS).flatten(1)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(found.sum(1), relevance.sum(1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("scale", [1.0, -1.0])
def test_a_neuron_that_is_never_positive_has_its_linear_estimator(scale):
    """Behind a normalisation that turns it around: that never is negative. Else the map of its class were 0."""
    conv, norm = nn.Conv2d(3, 2, 1, bias=False), nn.BatchNorm2d(2)
    conv.weight.data = -scale * torch.tensor([[1.0, 2, 3], [-1, 2, 1]]).view(2, 3, 1, 1)
    norm.weight.data[:] = scale
    model, inputs = of(nn.Sequential(conv, norm, nn.ReLU(), nn.Flatten(), nn.Linear(128, 3)).double().eval()), images(40, size=8).double()
    pixels, rows = (inputs.abs() * torch.tensor([1.0, 0.1, 1]).view(3, 1, 1)), conv.weight.detach().flatten(1)
    flat = pixels.movedim(1, -1).flatten(0, -2)
    assert (scale * flat @ rows[0]).max() < 0 < (scale * flat @ rows[1]).max()
    first, second = fit_patterns(model, pixels.split(16), "two-component")[0].flatten(1)
    torch.testing.assert_close(first, by_definition(flat, rows[:1], "linear")[0])
    torch.testing.assert_close(second, by_definition(flat, rows[1:], "two-component", sign=scale)[0])


def test_what_never_varies_has_no_pattern():
    model = of(nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(128, 3)))
    patterns = fit_patterns(model, [torch.full((5, 3, 8, 8), 0.3)], "linear")
    assert all(torch.equal(pattern, torch.zeros_like(pattern)) for pattern in patterns)


@pytest.mark.parametrize(("model", "name"), [(lambda: made(activation=nn.SiLU), "silu"), (lambda: made(Scaled), "add, .*sigmoid")])
def test_a_network_of_more_than_linear_layers_and_relus_is_refused(model, name):
    with pytest.raises(ValueError, match=name):
        fitted(PatternNet, made(), images(10))(model(), images(), TARGETS)
    assert without_patterns(made()) is None


def samples(count, seed):
    return [Sample(torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(seed + i)), i % 2, f"{seed + i}") for i in range(count)]


def test_in_a_run_they_are_fitted_to_the_training_split(tmp_path):
    def data():
        return samples(3, 0)

    def training():
        return samples(30, 100)

    names = ["pattern-net", {"use": "pattern-net", "label": "of all", "params": {"estimator": "linear"}}, "pattern-attribution"]
    spec = {"name": "x", "models": [made()], "explainers": names, "metrics": ["sparseness"], "nulls": [], "explain": {"samples": "all"}}
    runs = [
        harness.run({**spec, "datasets": [each]}, store="memory://patterns", out=tmp_path)
        for each in ({"use": data, "training": training}, {"use": data})
    ]
    assert not runs[0].failures
    assert len(runs[1].failures) == 3 and all("training split" in reason for *_, reason in runs[1].failures)
