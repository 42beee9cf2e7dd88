import warnings

import pytest
import torch
from captum.attr import DeepLift
from harness_captum.deep_lift import deep_lift
from harness_captum.rescale import multipliers
from torch import nn
from torchvision import models

from harness.api import classifier
from tests.support.networks import TARGETS, Convolutions, Scaled, images, linear, made

shap = pytest.importorskip("shap")


def completeness(found):
    return float((found.map.sum((1, 2, 3)) - found.expected).abs().max() / found.expected.abs().max())


@pytest.mark.parametrize("baseline", ["black", "white", "mean", "blur", "zero"])
def test_a_linear_model(baseline):
    model, weights = linear()
    inputs = images(size=8)
    found = deep_lift(model, inputs, TARGETS, baseline=baseline)
    expected = (inputs - model.reference(baseline, inputs)) * weights[TARGETS]
    torch.testing.assert_close(found.map, expected)
    torch.testing.assert_close(found.expected, expected.sum((1, 2, 3)), rtol=1e-4, atol=1e-5)


class Plain(nn.Module):
    """Convolutions and activations only."""

    def __init__(self, activation=nn.ReLU):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 3), activation(), nn.Conv2d(8, 4, 3), activation(), nn.Flatten(), nn.Linear(576, 3))

    def forward(self, x):
        return self.layers(x)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.ELU, nn.Tanh, nn.Softplus, nn.Sigmoid, nn.LeakyReLU])
def test_captums_where_captums_is_right(activation):
    model = made(Plain, activation=activation)
    inputs = images()
    references = model.reference("black", inputs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = DeepLift(model.module).attribute(inputs.clone(), references, target=TARGETS).detach()
    torch.testing.assert_close(deep_lift(model, inputs, TARGETS).map, expected, rtol=1e-3, atol=1e-5)


def test_shaps_with_pooling():
    """A window right after an activation: where captum takes the plain gradient (captum#1104), shap does not."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(150, 3))
    model = classifier(module, input_shape=(3, 16, 16))
    inputs = images()
    found = deep_lift(model, inputs, TARGETS)
    values = shap.DeepExplainer(model.module, model.reference("black", inputs[:1])).shap_values(inputs, check_additivity=False)
    expected = torch.stack([torch.from_numpy(values[i, ..., target]) for i, target in enumerate(TARGETS)]).float()
    torch.testing.assert_close(found.map, expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("window", [2, 3])
@pytest.mark.parametrize("activation", [nn.ReLU, nn.ReLU6, nn.SiLU, nn.Hardswish, nn.GELU, nn.Hardsigmoid, nn.Mish])
def test_complete_for_every_activation_and_window(activation, window):
    model = made(activation=activation, window=window)
    assert completeness(deep_lift(model, 4 * images(), TARGETS, baseline="mean")) < 1e-4


def test_where_input_and_reference_agree_the_map_is_zero_and_the_neighbours_do_not_matter():
    """Dark borders, as medical images have; captum takes the first sample's gradient there (captum#1276)."""
    model = made()
    inputs = images()
    inputs[:, :, :8] = model.reference("black", inputs)[:, :, :8]
    together = deep_lift(model, inputs, TARGETS)
    assert together.map[:, :, :8].abs().max() == 0
    assert completeness(together) < 1e-4
    for i in range(4):
        alone = deep_lift(model, inputs[i : i + 1], TARGETS[i : i + 1]).map[0]
        torch.testing.assert_close(alone, together.map[i], rtol=1e-4, atol=1e-6)


def test_a_layer_that_is_called_twice():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.relu = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), nn.ReLU()

        def forward(self, x):
            return self.relu(self.second(self.relu(self.first(x)))).flatten(1)[:, :3]

    torch.manual_seed(0)
    inputs, references = images(), torch.zeros(4, 3, 16, 16)
    slopes, difference = multipliers(Twice(), inputs, references, TARGETS)
    torch.testing.assert_close((slopes * inputs).sum((1, 2, 3)), difference, rtol=1e-4, atol=1e-6)


def test_skip_connections_and_gates():
    assert completeness(deep_lift(made(Scaled), images(), TARGETS)) < 1e-4


@pytest.mark.parametrize("arch", ["resnet18", "mobilenet_v3_small"])
def test_complete_on_torchvision(arch):
    torch.manual_seed(0)
    module = models.get_model(arch, weights=None, num_classes=3).train()
    for norm in (layer for layer in module.modules() if isinstance(layer, nn.BatchNorm2d)):
        norm.momentum = None
    with torch.no_grad():
        module(torch.randn(16, 3, 64, 64))
    model = classifier(module, input_shape=(3, 64, 64), mean=[0.5] * 3, std=[0.25] * 3)
    assert completeness(deep_lift(model, images(2, 64), TARGETS[:2])) < 1e-3


def test_a_network_that_cannot_be_complete_shows_its_error():
    class Normalised(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm, self.head = nn.Conv2d(3, 4, 4, stride=4), nn.LayerNorm(64), nn.Linear(64, 3)

        def forward(self, x):
            return self.head(self.norm(self.conv(x).flatten(1)))

    found = deep_lift(made(Normalised), images(), TARGETS)
    assert completeness(found) > 0.01


def test_the_same_architecture_in_double_precision():
    torch.manual_seed(0)
    model = classifier(Convolutions().double(), input_shape=(3, 16, 16))
    found = deep_lift(model, images().double(), TARGETS)
    assert found.map.dtype == torch.float64 and completeness(found) < 1e-10
