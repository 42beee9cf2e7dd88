import numpy as np
import pytest
import torch
from harness_gradients.rect_grad import rect_grad
from torch import nn

from harness.api import classifier
from tests.support.networks import TARGETS, images, made, state


def dense(hidden=40):
    torch.manual_seed(0)
    layers = [nn.Flatten(), nn.Linear(48, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 3)]
    return classifier(nn.Sequential(*layers), input_shape=(3, 4, 4), mean=[0.5] * 3, std=[0.25] * 3)


@pytest.mark.parametrize("percentile", [0, 50, 80, 98])
def test_equals_a_backward_pass_by_hand(percentile):
    model, inputs = dense(), images(size=4)
    _, first, _, second, _, head = model.module
    weights = [(layer.weight.detach().numpy().astype(np.float64), layer.bias.detach().numpy()) for layer in (first, second, head)]
    found = rect_grad(model, inputs, TARGETS, percentile=percentile)
    for i, target in enumerate(TARGETS):
        x = inputs[i].flatten().numpy().astype(np.float64)
        a1 = np.maximum(weights[0][0] @ x + weights[0][1], 0)
        a2 = np.maximum(weights[1][0] @ a1 + weights[1][1], 0)
        relevance = weights[2][0][target]
        relevance = relevance * (a2 * relevance > np.percentile(a2 * relevance, percentile, method="nearest"))
        relevance = weights[1][0].T @ relevance
        relevance = relevance * (a1 * relevance > np.percentile(a1 * relevance, percentile, method="nearest"))
        expected = x * (weights[0][0].T @ relevance)
        np.testing.assert_allclose(found[i].flatten().numpy(), expected, rtol=1e-3, atol=1e-6)


def test_thresholds_are_of_each_sample_and_hooks_are_gone():
    model, inputs = made(), images()
    before = state(model)
    together = rect_grad(model, inputs, TARGETS, percentile=60)
    for i in range(4):
        torch.testing.assert_close(together[i : i + 1], rect_grad(model, inputs[i : i + 1], TARGETS[i : i + 1], percentile=60))
    assert state(model) == before
    assert together.abs().sum() > 0


def test_a_network_without_relu_is_refused():
    with pytest.raises(ValueError, match="no ReLU"):
        rect_grad(made(activation=nn.SiLU), images(), TARGETS)
