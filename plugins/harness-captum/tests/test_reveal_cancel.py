import numpy as np
import pytest
import torch
from harness_captum.deep_lift import deep_lift
from harness_captum.reveal_cancel import multipliers_of_pairs
from torch import nn

from harness.api import classifier
from harness.api.declarations import declaration_of
from tests.support.networks import TARGETS, Convolutions, Scaled, counted, images, linear, made, state


def revealed(model, inputs, targets=TARGETS, **options):
    return deep_lift(model, inputs, targets, rule="reveal-cancel", **options)


def completeness(found):
    return float((found.map.sum((1, 2, 3)) - found.expected).abs().max() / found.expected.abs().max())


class Minimum(nn.Module):
    """o = i₁ − ReLU(i₁ − i₂) = min(i₁, i₂), the example of the paper's section 3.5.3."""

    def __init__(self):
        super().__init__()
        self.split, self.relu, self.join = nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 1, bias=False)
        self.split.weight.data = torch.tensor([[1.0, 0.0], [1.0, -1.0]])
        self.join.weight.data = torch.tensor([[1.0, -1.0]])

    def forward(self, x):
        return self.join(self.relu(self.split(x)))


@pytest.mark.parametrize("point", [(10.0, 6.0), (6.0, 10.0), (3.0, 2.9)])
def test_both_inputs_of_a_minimum_have_half_of_it(point):
    """Where the rescale rule, gradients and integrated gradients give all of it to one of them."""
    inputs = torch.tensor([point])
    slopes, difference = multipliers_of_pairs(Minimum(), inputs, torch.zeros(1, 2), torch.zeros(1, dtype=torch.long))
    torch.testing.assert_close(slopes * inputs, torch.full((1, 2), min(point) / 2))
    torch.testing.assert_close(difference, torch.tensor([min(point)]))


def by_hand(layers, x, x0, target):
    """Multipliers of one input of a dense network, neuron by neuron, in the paper's words."""
    relu = lambda value: max(value, 0.0)  # noqa: E731
    kept, delta, reference = [], x - x0, x0
    for number, (weights, bias) in enumerate(layers):
        up, down = np.zeros(len(weights)), np.zeros(len(weights))
        for j, row in enumerate(weights):
            for w, change in zip(row, delta, strict=True):
                up[j] += max(w * change, 0)
                down[j] += min(w * change, 0)
        reference = weights @ reference + bias
        step = {"weights": weights, "delta": delta, "up": up, "down": down}
        if number < len(layers) - 1:
            effects = [
                (
                    (relu(r + u) - relu(r) + relu(r + u + d) - relu(r + d)) / 2,
                    (relu(r + d) - relu(r) + relu(r + u + d) - relu(r + u)) / 2,
                )
                for r, u, d in zip(reference, up, down, strict=True)
            ]
            step["slopes"] = [(a / u, b / d) for (a, b), u, d in zip(effects, up, down, strict=True)]
            delta = np.array([a + b for a, b in effects])
            reference = np.maximum(reference, 0)
        kept.append(step)
    multipliers = np.eye(len(layers[-1][0]))[target]
    for step in reversed(kept):
        slopes = step.get("slopes", [(1.0, 1.0)] * len(multipliers))
        found = np.zeros(len(step["delta"]))
        for m, (rise, fall), row in zip(multipliers, slopes, step["weights"], strict=True):
            for i, (w, change) in enumerate(zip(row, step["delta"], strict=True)):
                found[i] += w * m * ((rise + fall) / 2 if change == 0 else rise if w * change > 0 else fall)
        multipliers = found
    return multipliers


def test_three_layers_neuron_by_neuron():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(48, 9), nn.ReLU(), nn.Linear(9, 7), nn.ReLU(), nn.Linear(7, 3))
    model = classifier(net, input_shape=(3, 4, 4), mean=[0.5] * 3, std=[0.25] * 3)
    inputs = images(size=4)
    layers = [(net[i].weight.detach().double().numpy(), net[i].bias.detach().double().numpy()) for i in (1, 3, 5)]
    found = revealed(model, inputs, baseline="black").map
    references = model.reference("black", inputs)
    for i, target in enumerate(TARGETS):
        x, x0 = (value[i].flatten().double().numpy() for value in (inputs, references))
        expected = (x - x0) * by_hand(layers, x, x0, target)
        np.testing.assert_allclose(found[i].flatten(), expected, rtol=1e-3, atol=1e-5)


def test_rescale_where_nothing_cancels():
    """Weights that are not negative, and an image brighter than black: all changes are positive."""
    model, inputs = made(), images()
    with torch.no_grad():
        for layer in model.module.modules():
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                layer.weight.abs_()
    both = [deep_lift(model, inputs, TARGETS, rule=rule).map for rule in ("rescale", "reveal-cancel")]
    torch.testing.assert_close(*both, rtol=1e-3, atol=1e-5)
    plain = [deep_lift(made(), inputs, TARGETS, rule=rule).map for rule in ("rescale", "reveal-cancel")]
    assert (plain[0] - plain[1]).abs().max() > 0.1 * plain[0].abs().max()


def test_a_linear_model():
    model, weights = linear()
    inputs = images(size=8)
    torch.testing.assert_close(revealed(model, inputs).map, (inputs - model.reference("black", inputs)) * weights[TARGETS])


class Residual(nn.Module):
    """Batch normalisation with scales of both signs, a skip connection, and both kinds of pooling."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.second = nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.Conv2d(6, 6, 3, padding=1)
        self.relu, self.pool, self.head = nn.ReLU(), nn.MaxPool2d(3, 2), nn.Linear(6, 3)
        self.norm.weight.data = torch.tensor([1.0, -1.0, 0.5, -2.0, 1.5, -0.5])
        self.norm.running_mean.normal_(0, 0.1)
        self.norm.running_var.uniform_(0.5, 1.5)

    def forward(self, x):
        x = self.pool(self.relu(self.norm(self.first(x))))
        return self.head(self.relu(self.second(x) + x).mean((2, 3)))


@pytest.mark.parametrize("activation", [nn.ReLU, nn.SiLU, nn.Hardswish, nn.GELU, nn.Sigmoid])
def test_complete_on_convolutions(activation):
    assert completeness(revealed(made(activation=activation, window=3), 4 * images(), baseline="mean")) < 1e-4


def test_complete_on_a_residual_network_and_the_same_as_with_the_norm_in_the_weights():
    model, fused = made(Residual), made(Residual)
    found = revealed(model, images())
    assert completeness(found) < 1e-4
    with torch.no_grad():
        norm, first = fused.module.norm, fused.module.first
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        first.bias.copy_((first.bias - norm.running_mean) * scale + norm.bias)
        first.weight.mul_(scale.view(-1, 1, 1, 1))
        fused.module.norm = nn.Identity()
    torch.testing.assert_close(revealed(fused, images()).map, found.map, rtol=1e-3, atol=1e-5)


def test_maps_depend_on_no_neighbour_and_leave_all_as_it_was():
    model = made(Residual)
    inputs = images()
    inputs[:, :, :8] = model.reference("black", inputs)[:, :, :8]
    before = state(model)
    together = revealed(model, inputs).map
    assert together[:, :, :8].abs().max() == 0
    for i in range(4):
        torch.testing.assert_close(revealed(model, inputs[i : i + 1], TARGETS[i : i + 1]).map[0], together[i], rtol=1e-4, atol=1e-6)
    assert state(model) == before


@pytest.mark.parametrize("module_type", [Scaled, lambda: nn.Sequential(Convolutions(), nn.LayerNorm(3))])
def test_what_the_pairs_do_not_add_up_to_is_refused(module_type):
    model = made(module_type)
    assert "something else" in deep_lift.applicable(model, "reveal-cancel")
    assert deep_lift.applicable(model, "rescale") is None
    with pytest.raises(ValueError, match="something else"):
        revealed(model, images())


def test_passes():
    """The image and the reference, then both parts there and back; what layers add with weights of each sign is declared."""
    model = made()
    revealed(model, images())  # which looks once whether gradients reach the image
    with counted(model) as rows:
        revealed(model, images())
    assert rows == [4, 4, 8, 8]
    assert declaration_of(deep_lift, "explainers").passes({"rule": "reveal-cancel"}) == 12
    assert declaration_of(deep_lift, "explainers").passes({"rule": "rescale"}) == 3
