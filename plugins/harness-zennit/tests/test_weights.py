"""Networks whose layers compute the weights that they apply."""

import pytest
import torch
from harness_zennit.lrp import LRP
from harness_zennit.weights import without_rule
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from harness.api import classifier


class Standardised(nn.Conv2d):
    def forward(self, x):
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return F.conv2d(x, weight, self.bias, self.stride, self.padding)


class Dynamic(nn.Conv2d):
    """Weights that depend on the image: nothing plain stands for it."""

    def forward(self, x):
        return F.conv2d(x, self.weight * x.mean(), self.bias)


class ByHand(nn.Module):
    def __init__(self, product):
        super().__init__()
        self.weight, self.product, self.relu = nn.Parameter(torch.randn(8, 8)), product, nn.ReLU()

    def forward(self, x):
        return self.relu(self.product(x.movedim(1, -1), self.weight).movedim(-1, 1))


def made(layer):
    torch.manual_seed(0)
    net = [nn.Conv2d(3, 8, 3), nn.ReLU(), layer, nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 3)]
    return classifier(nn.Sequential(*net), input_shape=(3, 12, 12))


def relevance(model):
    images = torch.rand(2, 3, 12, 12, generator=torch.Generator().manual_seed(1))
    return LRP(LRP.Params())(model, images, torch.tensor([0, 2])).map


@pytest.mark.parametrize("kind", [Standardised, lambda *shape: weight_norm(nn.Conv2d(*shape))])
def test_relevance_is_that_of_the_network_with_the_weights_written_in(kind):
    layer = kind(8, 8, 3)
    plain = nn.Conv2d(8, 8, 3)
    with torch.no_grad():
        weight = layer.weight - layer.weight.mean((1, 2, 3), keepdim=True) if isinstance(layer, Standardised) else layer.weight
        plain.weight.copy_(weight)
        plain.bias.copy_(layer.bias)
    assert torch.equal(relevance(made(layer)), relevance(made(plain)))


@pytest.mark.parametrize(
    "layer",
    [Dynamic(8, 8, 3), ByHand(torch.matmul), ByHand(lambda x, w: x @ w), ByHand(lambda x, w: torch.einsum("bhwi,io->bhwo", x, w))],
)
def test_weights_that_no_rule_sees_are_named(layer):
    model = made(layer)
    reason = LRP(LRP.Params()).applicable(model)
    assert reason is not None and reason.startswith(f"2 ({type(layer).__name__}) computes the weights that it applies")
    with pytest.raises(ValueError, match="LRP's rules go by the weights of torch's own layers"):
        relevance(model)


def test_plain_layers_and_gates_have_rules():
    assert without_rule(made(nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, padding_mode="reflect"), nn.BatchNorm2d(8)))) is None
    assert without_rule(made(nn.ConvTranspose2d(8, 8, 2, stride=2))) is None
