import pytest
import torch
from harness_masks.fgvis import _Guard, fgvis
from torch import nn

from harness.api import classifier
from tests.support.networks import TARGETS, context, counted, images, made, state


def perceptron():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(48, 20), nn.ReLU(), nn.Linear(20, 3))
    return classifier(module, input_shape=(3, 4, 4), mean=[0.5] * 3, std=[0.25] * 3)


def guarded_slope(model, masks, image, target):
    """By hand: log f of the masked image, and its slope in the mask, with gradients only through neurons within their bounds."""
    _, first, _, last = model.module
    with torch.no_grad():
        before = (first.weight @ image.flatten() + first.bias).clamp(min=0)
        neurons = first.weight @ (masks * image).flatten() + first.bias
        logits = last.weight @ neurons.clamp(min=0) + last.bias
        slope = -logits.softmax(0)
        slope[target] += 1
        passes = (neurons > 0) & (neurons <= before * (1 + 1e-6))
        gradient = first.weight.T @ ((last.weight.T @ slope) * passes) * image.flatten()
        return logits.log_softmax(0)[target], gradient.view_as(image), (neurons > 0) & ~passes


@pytest.mark.parametrize("game", ["deletion", "preservation"])
def test_each_step_is_against_the_guarded_gradient(game):
    model, inputs, steps, price = perceptron(), images(4, size=4), 12, 1e-3
    found = fgvis(model, inputs, TARGETS, game=game, steps=steps, sparsity=price, until=0.3, ctx=context(size=4))
    excited = 0
    for i in range(4):
        mask = torch.ones(3, 4, 4)
        start, _, _ = guarded_slope(model, mask, inputs[i], TARGETS[i])
        for _ in range(steps):
            value, slope, blocked = guarded_slope(model, mask, inputs[i], TARGETS[i])
            excited += int(blocked.sum())
            if game == "deletion" and value <= start + torch.tensor(0.3).log():
                break
            step = value.exp() * slope - price if game == "deletion" else price - slope
            mask = (mask - 0.1 * step / step.abs().max()).clamp(0, 1)
        torch.testing.assert_close(found[i], 1 - mask if game == "deletion" else mask, rtol=0, atol=1e-3)
    assert excited > 20, "the guard has something to do"


def test_a_neuron_that_is_silent_for_the_image_is_not_made_to_speak():
    """The second number silences a neuron that would lower the logit: deleting it is no evidence. The first and third are."""

    class Silenced(nn.Module):
        def __init__(self):
            super().__init__()
            self.relu = nn.ReLU()

        def forward(self, x):
            a, b, c = x.flatten(1).unbind(1)
            logit = 3 * a - 5 * self.relu(c - 2 * b)
            return torch.stack([logit, torch.zeros_like(logit)], dim=1)

    model = classifier(Silenced(), input_shape=(3, 1, 1), mean=[0.0] * 3, std=[1.0] * 3)
    found = fgvis(model, torch.ones(1, 3, 1, 1), torch.tensor([0]), until=0.5, ctx=context("a", size=1))
    assert found.flatten()[0] > 0.3 and found.flatten()[1:].max() == 0


def test_deletion_ends_with_the_probability_that_was_asked_for():
    model, inputs = perceptron(), images(size=4)
    with torch.no_grad():
        model.module[3].weight.mul_(8)
        targets = model(inputs).argmax(1)
        found = fgvis(model, inputs, targets, steps=200, rate=0.02, until=0.5, ctx=context(size=4))
        before, after = (model(x).softmax(1).gather(1, targets[:, None]) for x in (inputs, inputs * (1 - found)))
    assert ((after / before) < 0.5).all() and (after / before).min() > 0.3


def test_it_leaves_the_model_alone():
    model = made()
    before = state(model)
    fgvis(model, images(), TARGETS, steps=2, ctx=context())
    assert state(model) == before


def test_as_many_passes_as_declared():
    model = made()
    assert fgvis.applicable(model) is None
    with counted(model) as rows:
        fgvis(model, images(), TARGETS, steps=3, ctx=context())
    assert sum(rows) == 4 * (2 * 3 + 1)


def test_a_gradient_passes_between_zero_and_what_the_image_gave_of_either_sign():
    values = torch.tensor([[-2.0, -0.5, 0.5, -0.5, 0.5, 2.0]], requires_grad=True)
    _Guard.apply(values, torch.tensor([[-1.0, -1, -1, 1, 1, 1]])).sum().backward()
    assert values.grad.tolist() == [[0, 1, 0, 0, 1, 0]]


@pytest.mark.parametrize(("game", "price"), [("deletion", 0.0), ("preservation", 1e-4)])
def test_what_sparsity_costs_by_default(game, price):
    model, inputs = perceptron(), images(size=4)
    found, same, other = (
        fgvis(model, inputs, TARGETS, game=game, steps=5, ctx=context(size=4), **given)
        for given in ({}, {"sparsity": price}, {"sparsity": price + 1e-4})
    )
    assert torch.equal(found, same) and not torch.equal(found, other)
