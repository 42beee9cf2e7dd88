import pytest
import torch
from captum import attr
from harness_gradients.integrated_hessians import integrated_hessians, log_quadrature, softened
from torch import nn

from tests.support.networks import TARGETS, images, linear, made, state


def test_the_quadrature_integrates_powers_against_the_logarithm():
    points, weights = (torch.tensor(values, dtype=torch.float64) for values in log_quadrature(32))
    for power in range(6):  # ∫ tᵖ (−ln t) dt = 1 / (p + 1)²
        assert float((weights * points**power).sum()) == pytest.approx(1 / (power + 1) ** 2, rel=1e-3)


def test_interactions_of_a_product_are_shared_by_its_factors():
    class Product(nn.Module):
        def forward(self, x):
            product = (x[:, 0] * x[:, 1]).sum((1, 2))
            return torch.stack([product, x[:, 2].square().sum((1, 2)), -product], dim=1)

    model, inputs = made(Product), images(2)
    found = integrated_hessians(model, inputs, torch.tensor([0, 1]), baseline="zero")
    half = inputs[0, 0] * inputs[0, 1] / 2
    torch.testing.assert_close(found[0], torch.stack([half, half, torch.zeros_like(half)]), rtol=2e-3, atol=1e-4)
    torch.testing.assert_close(found[1, 2], inputs[1, 2].square(), rtol=2e-3, atol=1e-4)
    assert found[1, :2].abs().max() == 0


def test_of_a_linear_network_it_is_input_times_weight():
    model, weights = linear()
    inputs = images(size=8)
    found = integrated_hessians(model, inputs, TARGETS, steps=3, baseline="zero")
    torch.testing.assert_close(found, inputs * weights[TARGETS], rtol=1e-4, atol=1e-6)


class Averaging(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(200, 3))


def test_row_sums_are_the_integrated_gradients_of_the_softened_network():
    model, inputs = made(Averaging), images(2)
    before = state(model)
    found = integrated_hessians(model, inputs, TARGETS[:2], steps=64, sharpness=5.0)
    with softened(model, 5.0):
        expected = attr.IntegratedGradients(model).attribute(
            inputs, baselines=model.reference("black", inputs), target=TARGETS[:2], n_steps=64
        )
    assert (found - expected).norm() < 0.01 * expected.norm()
    assert state(model) == before
