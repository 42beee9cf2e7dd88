import pytest
import torch
from captum import attr
from harness_captum.gradients import input_x_gradient, saliency
from harness_captum.modified_relu import deconvolution, guided_backprop
from torch import nn
from torchvision import models

from harness.api import classifier
from tests.support.networks import TARGETS, Convolutions, images, linear, made


def test_saliency_of_a_linear_model_is_its_largest_weight():
    model, weights = linear()
    expected = weights[TARGETS].abs().amax(dim=1)
    torch.testing.assert_close(saliency(model, images(size=8), TARGETS), expected)


def test_input_x_gradient_of_a_linear_model_is_input_times_weight():
    model, weights = linear()
    inputs = images(size=8)
    torch.testing.assert_close(input_x_gradient(model, inputs, TARGETS), inputs * weights[TARGETS])


@pytest.mark.parametrize(("function", "method"), [(guided_backprop, attr.GuidedBackprop), (deconvolution, attr.Deconvolution)])
def test_modified_relus_are_captums_on_the_original_module(function, method):
    torch.manual_seed(0)
    module = Convolutions().eval()
    found = function(classifier(module, input_shape=(3, 16, 16)), images(), TARGETS)
    torch.testing.assert_close(found, method(module).attribute(images().requires_grad_(), target=TARGETS))


def test_guided_backprop_lets_nothing_negative_through():
    class Sandwich(nn.Module):
        """relu(−relu(x)): no gradient can be positive at both."""

        def forward(self, x):
            return torch.relu(1 - torch.relu(x)).sum((2, 3))

    model = made(Sandwich)
    inputs = images().abs() / 4
    targets = torch.zeros(4, dtype=torch.long)
    assert guided_backprop(model, inputs, targets).abs().max() == 0
    assert deconvolution(model, inputs, targets).abs().max() == 0
    assert input_x_gradient(model, inputs, targets).abs().max() > 0


@pytest.mark.parametrize("function", [guided_backprop, deconvolution])
def test_functional_relus_count(function):
    class Functional(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.head = nn.Conv2d(3, 8, 3), nn.Linear(8, 3)

        def forward(self, x):
            return self.head(torch.relu(self.conv(x)).mean((2, 3)))

    model = made(Functional)
    assert function.applicable(model) is None
    plain = input_x_gradient(model, torch.ones(4, 3, 16, 16), TARGETS)
    assert not torch.allclose(function(model, torch.ones(4, 3, 16, 16), TARGETS), plain)


@pytest.mark.parametrize("function", [guided_backprop, deconvolution])
def test_without_relu_it_says_why_not(function):
    model = made(activation=nn.SiLU)
    assert "SiLU" in function.applicable(model)
    with pytest.raises(ValueError, match="no ReLU"):
        function(model, images(), TARGETS)


def test_other_activations_beside_relus_are_warned_of():
    torch.manual_seed(0)
    model = classifier(models.mobilenet_v3_small(num_classes=3), input_shape=(3, 32, 32))
    with pytest.warns(UserWarning, match="Hardswish"):
        guided_backprop(model, images(size=32), TARGETS)
