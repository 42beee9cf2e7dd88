import pytest
import torch
from harness_paths.adversarial import adversarial_gradient_integration, other_classes
from harness_paths.boundary_ig import boundary_ig, boundary_points, margins
from harness_paths.steps import input_range

from harness.api import classifier
from tests.support.networks import TARGETS, images, linear, made


def unbounded():
    """A linear model of three classes without a preprocessing, so that no step is cut off."""
    torch.manual_seed(0)
    layer = torch.nn.Linear(3 * 64, 3)
    return classifier(torch.nn.Sequential(torch.nn.Flatten(), layer), input_shape=(3, 8, 8)), layer.weight.detach().view(3, 3, 8, 8)


def test_other_classes_are_spread_and_never_the_target():
    chosen = other_classes(10, torch.tensor([0, 9]), 3)
    assert chosen.tolist() == [[1, 0], [4, 3], [7, 6]]
    every = other_classes(4, torch.tensor([2]), 20)
    assert sorted(every[:, 0].tolist()) == [0, 1, 3]


def test_a_step_of_adversarial_integration_by_hand():
    model, inputs = made(), images()
    size = 0.05 * input_range(model, inputs)
    low, high = model.bounds
    expected = torch.zeros_like(inputs)
    for i in range(4):
        for other in range(3):
            x = inputs[i : i + 1].clone().requires_grad_()
            if other == TARGETS[i] or int(model(x).argmax()) == other:
                continue
            shares = model(x).softmax(dim=1)[0]
            (toward,) = torch.autograd.grad(shares[other], x, retain_graph=True)
            (away,) = torch.autograd.grad(shares[TARGETS[i]], x)
            step = (x + size * toward.sign()).clamp(low, high) - x
            expected[i] -= (away * step)[0].detach()
    found = adversarial_gradient_integration(model, inputs, TARGETS, steps=1)
    assert found.abs().max() > 0
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-7)


def test_adversarial_integration_adds_up_to_the_fall_of_the_probability_on_the_way():
    model, _ = unbounded()
    inputs = images(size=8)
    targets = model(inputs).argmax(dim=1)
    small = adversarial_gradient_integration(model, inputs, targets, classes=1, steps=40, step_size=0.0005)
    other = other_classes(3, targets, 1)[0]
    place = inputs.clone()
    for _ in range(40):  # the same way, for its end
        x = place.clone().requires_grad_()
        logits = model(x)
        (toward,) = torch.autograd.grad(logits.softmax(1).gather(1, other[:, None]).sum(), x)
        going = (logits.argmax(1) != other).view(-1, 1, 1, 1)
        place = place + going * 0.0005 * input_range(model, inputs) * toward.sign()
    fall = model(inputs).softmax(1).gather(1, targets[:, None]) - model(place).softmax(1).gather(1, targets[:, None])
    assert fall.min() > 0
    torch.testing.assert_close(small.sum((1, 2, 3)), fall[:, 0].detach(), rtol=0.05, atol=1e-4)


@pytest.mark.parametrize("predicted", [True, False])
def test_the_boundary_of_a_linear_model_is_the_nearest_point_of_a_plane(predicted):
    model, weights = unbounded()
    inputs = images(size=8)
    logits = model(inputs)
    targets = logits.argmax(dim=1) if predicted else logits.argmin(dim=1)
    found = boundary_points(model, inputs, targets, 50)
    for i, target in enumerate(targets):
        rival = int(logits[i].scatter(0, target, -torch.inf).argmax())
        normal = weights[target] - weights[rival]
        nearest = inputs[i] - (logits[i, target] - logits[i, rival]) / normal.square().sum() * normal
        assert (found[i] - inputs[i]).norm() >= 0.99 * (nearest - inputs[i]).norm()
        if predicted:  # else the target must pass a second rival
            assert (found[i] - nearest).norm() < 0.03 * (nearest - inputs[i]).norm() + 1e-4


def test_boundary_points_are_on_the_images_side_of_a_boundary_of_any_network():
    model, inputs = made(), images()
    targets = model(inputs).argmax(dim=1)
    found = boundary_points(model, inputs, targets, 50)
    gaps, before = margins(model(found), targets), margins(model(inputs), targets)
    assert (gaps >= 0).all()
    assert (gaps < 0.01 * before + 1e-4).all()


def test_boundary_ig_of_a_linear_model_is_weights_times_the_way_from_the_boundary():
    model, weights = linear()
    inputs = images(size=8) / 4
    found = boundary_ig(model, inputs, TARGETS, steps=2)
    way = inputs - boundary_points(model, inputs, TARGETS, 50)
    torch.testing.assert_close(found.map, way * weights[TARGETS], rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(found.map.sum((1, 2, 3)), found.expected, rtol=1e-3, atol=1e-4)
