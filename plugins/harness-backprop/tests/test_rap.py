import pytest
import torch
from harness_backprop.rap import not_attributed, rap
from torch import nn
from torchvision.models import resnet18

from harness.api import classifier
from tests.support.networks import TARGETS, Convolutions, Scaled, images, made, state


def network(size=6):
    """Two convolutions, of which the second has only inputs that are not negative, pooling, and three dense layers."""
    torch.manual_seed(1)
    features = nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 5, 2), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True), nn.Flatten()
    module = nn.Sequential(*features, nn.Linear(45, 7), nn.ReLU(), nn.Linear(7, 6), nn.ReLU(), nn.Linear(6, 3))
    return classifier(module, input_shape=(3, size, size), mean=[0.5] * 3, std=[0.25] * 3)


def matrix(layer, inputs):
    """The layer as a matrix (outputs, inputs), without its bias."""
    rows = torch.autograd.functional.jacobian(lambda x: layer(x[None])[0].flatten(), inputs)
    return rows.flatten(1)


def shared(relevance, z, negative_by_positive):
    """Relevance (inputs,) of one layer, neuron by neuron, from the contributions z (outputs, inputs)."""
    found = torch.zeros(z.shape[1], dtype=z.dtype)
    for value, row in zip(relevance.tolist(), z, strict=True):
        if value == 0:
            continue
        up, down = row.clamp(min=0), -row.clamp(max=0)
        whole = up if value > 0 or negative_by_positive else down
        if whole.sum() > 0:
            found += value * whole / whole.sum()
        if up.sum() + down.sum() > 0:
            found += value * down / (up.sum() + down.sum())
    some = found != 0
    found[some] -= (found.sum() - relevance.sum()) / some.sum()
    return found


def by_hand(module, image, target):
    """Relevance (C, H, W) of one image, layer by layer."""
    given = [image]
    for layer in module:
        given.append(layer(given[-1][None])[0])
    *_, last = module
    contributions = (given[-2] * last.weight[target]).abs()
    relevance = contributions / contributions.sum() * given[-1][target]
    for layer, inputs, output in reversed(list(zip(module[:-1], given[:-2], given[1:-1], strict=True))):
        if isinstance(layer, nn.MaxPool2d):
            weights = matrix(layer, inputs)
            relevance = weights.T @ torch.where(output.flatten() == 0, 0, relevance)
        elif isinstance(layer, nn.Conv2d) and inputs is image:
            weights = matrix(layer, inputs)
            z = inputs.flatten() * weights - inputs.min() * weights.clamp(min=0) - inputs.max() * weights.clamp(max=0)
            relevance = (z / z.sum(1, keepdim=True) * relevance[:, None]).sum(0)
        elif isinstance(layer, nn.Conv2d | nn.Linear):
            z = matrix(layer, inputs) * inputs.flatten()
            relevance = shared(relevance, z, isinstance(layer, nn.Linear))
    return relevance.view_as(image)


def test_relevance_is_that_by_hand():
    model, inputs = network(), images(size=6).double()
    model.module.double()
    before = state(model)
    found = rap(model, inputs, TARGETS)
    with torch.no_grad():
        logits = model(inputs).gather(1, TARGETS[:, None])[:, 0]
        for sample, target in enumerate(TARGETS):
            torch.testing.assert_close(found.map[sample], by_hand(model.module, inputs[sample], target), rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(found.expected, logits)
    torch.testing.assert_close(found.map.sum((1, 2, 3)), logits)
    assert state(model) == before


class Residual(nn.Module):
    """Skip connections and batch normalisation."""

    def __init__(self):
        super().__init__()
        self.network = resnet18(num_classes=3)
        for layer in self.network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.running_mean, layer.running_var = torch.randn(layer.num_features) / 4, torch.rand(layer.num_features) + 0.5

    def forward(self, x):
        return self.network(x)


@pytest.mark.parametrize(("module", "size"), [(Convolutions, 16), (Residual, 32)])
def test_relevance_is_conserved(module, size):
    model, inputs = made(module, size=size), images(size=size).double()
    model.module.double()
    found = rap(model, inputs, TARGETS)
    torch.testing.assert_close(found.map.sum((1, 2, 3)), found.expected, rtol=1e-3, atol=1e-6)
    assert found.map.amin() < 0 < found.map.amax()


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (lambda: made(activation=nn.SiLU), "no rule for what the model computes by silu"),
        (lambda: made(Scaled), "no rule for what the model computes by .*sigmoid"),
        (lambda: made(lambda: nn.Sequential(nn.Conv2d(3, 3, 16), nn.Flatten())), "do not come from a dense layer"),
    ],
)
def test_a_network_that_it_says_nothing_of_is_refused(model, reason):
    with pytest.raises(ValueError, match=reason):
        rap(model(), images(), TARGETS)
    assert not_attributed(made()) is None
