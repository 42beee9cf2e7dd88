import pytest
import torch
from harness_gradients.full_grad import full_grad, full_gradients, not_decomposed, rescaled
from torch import nn
from torch.nn import functional as F

from harness.api import classifier
from harness.conformance.networks import TRANSFORMER, make_network
from tests.support.networks import TARGETS, Convolutions, images, made, state


class Normalised(nn.Module):
    """Convolutions with batch normalisations of random statistics, a skip connection and dense layers."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 6, 3, padding=1, bias=False)
        self.norm, self.plain = nn.BatchNorm2d(6), nn.BatchNorm2d(6, affine=False)
        self.pool, self.head = nn.MaxPool2d(2), nn.Linear(6, 3)
        for norm in (self.norm, self.plain):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
        nn.init.normal_(self.norm.weight)
        nn.init.normal_(self.norm.bias)

    def forward(self, x):
        x = torch.relu(self.plain(self.first(x)))
        return self.head(torch.relu(self.norm(self.second(self.pool(x))) + self.pool(x)).mean((2, 3)))


@pytest.mark.parametrize("network", [Convolutions, Normalised])
def test_the_parts_add_up_to_the_logit(network):
    model, inputs = made(network), images()
    before = state(model)
    found = full_gradients(model, inputs, TARGETS)
    total = found.image.flatten(1).sum(1) + sum(part.flatten(1).sum(1) for part in found.biases)
    torch.testing.assert_close(total, model(inputs).gather(1, TARGETS[:, None])[:, 0], rtol=1e-4, atol=1e-5)
    assert state(model) == before
    assert not_decomposed(model) is None


def test_a_biass_part_is_what_the_parameters_gradient_says():
    model, inputs = made(), images(1)
    parameter = model.module.features[0].bias
    logit = model(inputs)[0, TARGETS[0]]
    parameter.requires_grad_()
    (gradient,) = torch.autograd.grad(model(inputs)[0, TARGETS[0]], parameter)
    parameter.requires_grad_(False)
    found = full_gradients(model, inputs, TARGETS[:1])
    torch.testing.assert_close(found.biases[0].sum((0, 2, 3)), (gradient * parameter).detach(), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found.logits[0], logit.detach())


def test_the_map_is_made_of_the_rescaled_parts_that_have_a_place():
    model, inputs = made(), images()
    found = full_gradients(model, inputs, TARGETS)
    expected = torch.zeros(4, 16, 16)
    for part in (found.image, *found.biases):
        if part.ndim == 4:
            for i, sample in enumerate(part.abs()):
                unit = (sample - sample.min()) / (sample.max() - sample.min())
                expected[i] += F.interpolate(unit[None], size=(16, 16), mode="bilinear", align_corners=False)[0].sum(0)
    assert sum(part.ndim == 4 for part in found.biases) == 2
    torch.testing.assert_close(full_grad(model, inputs, TARGETS), expected, rtol=1e-4, atol=1e-5)


def test_a_constant_part_is_no_evidence():
    assert rescaled(torch.full((1, 2, 3, 3), 5.0)).abs().max() == 0


def test_a_network_that_is_not_piecewise_linear_is_refused():
    model = made(activation=nn.SiLU)
    assert "not piecewise linear" in (not_decomposed(model) or "")
    with pytest.raises(ValueError, match="leave out"):
        full_grad(model, images(), TARGETS)


class Positions(nn.Module):
    """A layer on the channels of every position: a dense one behind the channels, or a convolution of one pixel."""

    def __init__(self, dense):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.layer, self.head = nn.Conv2d(3, 6, 3, stride=2), nn.Linear(6, 5), nn.Linear(5, 3)
        self.convolution = nn.Conv2d(6, 5, 1)
        self.convolution.weight.data, self.convolution.bias.data = self.layer.weight.data[:, :, None, None], self.layer.bias.data
        if not dense:
            self.layer = nn.Identity()
        self.dense = dense

    def forward(self, x):
        y = self.first(x).relu()
        y = self.layer(y.permute(0, 2, 3, 1)).permute(0, 3, 1, 2) if self.dense else self.convolution(y)
        return self.head(y.relu().mean((2, 3)))


def test_a_dense_layer_at_every_position_is_a_convolution_of_one_pixel():
    found = [full_grad(classifier(Positions(dense), input_shape=(3, 12, 12)), images(size=12), TARGETS) for dense in (True, False)]
    torch.testing.assert_close(*found)


def test_a_transformer_is_not_applicable_for_a_reason():
    """Its dense layers are called on tokens, as many as they like."""
    assert "not piecewise linear" in full_grad.applicable(make_network(TRANSFORMER))
