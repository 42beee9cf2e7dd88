import numpy as np
import pytest
import torch
from harness_masks.grids import grid_masks, sobol_points
from harness_masks.hsic import dependence, hsic
from harness_masks.sobol import replicated_designs, sobol, total_order_indices
from torch import nn
from torch.nn.functional import interpolate

from harness.api import classifier
from tests.support.networks import TARGETS, context, counted, images, linear, made


class Quarters(nn.Module):
    """Logits of the mean of each quarter: their sum with weights, a product of two, and one alone."""

    def forward(self, x):
        a, b, c, d = x.unfold(2, 2, 2).unfold(3, 2, 2).mean((1, 4, 5)).flatten(1).unbind(1)
        return torch.stack([a + 2 * b - 3 * c, a * b, d], dim=1)


def quarters():
    return classifier(Quarters(), input_shape=(3, 4, 4), mean=[0.0] * 3, std=[1.0] * 3)


def test_masks_are_grids_enlarged():
    shares = torch.rand(5, 9, generator=torch.Generator().manual_seed(0))
    found = grid_masks(shares, 3, torch.zeros(1, 1, 10, 7))(range(1, 4))
    torch.testing.assert_close(found, interpolate(shares[1:4].view(3, 1, 3, 3), (10, 7)))


def test_total_order_indices_of_functions_whose_own_are_known():
    """Of a sum aᵢ² / Σ a²; of a product of two uniform variables 4/7 each (Var: 7/144; of the mean over either: 1/48)."""
    found = sobol(quarters(), torch.ones(3, 3, 4, 4), torch.arange(3), cells=2, designs=2**12, ctx=context("a", "b", "c"))
    assert found.coarse
    expected = torch.tensor([[1 / 14, 4 / 14, 9 / 14, 0], [4 / 7, 4 / 7, 0, 0], [0, 0, 0, 1]])
    torch.testing.assert_close(found.map.flatten(1), expected, rtol=0, atol=0.01)


def test_indices_are_jansens_of_masked_images():
    model, inputs = made(), images()
    found = sobol(model, inputs, TARGETS, cells=3, designs=8, baseline="white", output="probability", ctx=context())
    points = sobol_points(8, 18, inputs)
    first, second = points[:, :9], points[:, 9:]
    hidden = model.reference("white", inputs)

    def outputs(masks):
        mask = interpolate(masks.view(-1, 1, 3, 3), (16, 16))[:, None]
        with torch.no_grad():
            logits = model((mask * inputs + (1 - mask) * hidden).flatten(0, 1))
        return logits.softmax(1).view(8, 4, -1)[:, range(4), TARGETS].double()

    reached = outputs(first)
    for i in range(9):
        changed = first.clone()
        changed[:, i] = second[:, i]
        expected = (reached - outputs(changed)).square().sum(0) / (2 * 8 * reached.var(0))
        torch.testing.assert_close(found.map[:, i // 3, i % 3].double(), expected, rtol=1e-3, atol=1e-6)


def test_points_are_those_of_sobols_sequence():
    assert sobol_points(4, 2, torch.zeros(1)).tolist() == [[0, 0], [0.5, 0.5], [0.75, 0.25], [0.25, 0.75]]
    assert sobol_points(6, 3, torch.zeros(1)).shape == (6, 3)


def test_nothing_varies():
    values = torch.full((1, 5, 4), 3.0) + 1e-7 * torch.randn(1, 5, 4, generator=torch.Generator().manual_seed(0))
    assert total_order_indices(values).tolist() == [[0, 0, 0, 0]]
    assert dependence(torch.eye(4) > 0, torch.zeros(1, 4)).tolist() == [[0, 0, 0, 0]]


def test_designs():
    a, b = torch.zeros(2, 3), torch.ones(2, 3)
    assert replicated_designs(a, b)[2].tolist() == [[0, 1, 0], [0, 1, 0]]


def kernel_matrices(kept, values):
    """The estimator as the paper writes it: whole kernel matrices, centred from both sides."""
    count = len(kept)
    centring = np.eye(count) - np.ones((count, count)) / count
    outputs = np.exp(-((values[:, None] - values) ** 2) / (2 * np.median(values) ** 2))
    found = []
    for column in kept.T.astype(float):
        inputs = 0.5 - (column[:, None] - column) ** 2
        found.append(np.sum((centring @ inputs @ centring) * (centring @ outputs @ centring)) / count)
    return found


@pytest.mark.parametrize("output", ["probability", "logit"])
def test_dependence_is_that_of_kernel_matrices(output):
    model, inputs = made(), images()
    found = hsic(model, inputs, TARGETS, cells=3, masks=41, baseline="black", output=output, ctx=context())
    kept = sobol_points(41, 9, inputs) > 0.5
    hidden = model.reference("black", inputs)
    mask = interpolate(kept.float().view(-1, 1, 3, 3), (16, 16)) > 0.5
    for i in range(4):
        with torch.no_grad():
            logits = model(torch.where(mask, inputs[i], hidden[i]))
        values = (logits.softmax(1) if output == "probability" else logits)[:, TARGETS[i]].double().numpy()
        expected = kernel_matrices(kept.numpy(), values)
        np.testing.assert_allclose(found.map[i].flatten().numpy(), expected, rtol=1e-3, atol=1e-7)


def test_of_a_cell_that_decides():
    """Two outputs: L = 1 − κ (xᵢ − xⱼ)², so that HSIC is 4 κ N p² (1 − p)²; other cells have what the design has in common."""
    found = hsic(quarters(), torch.ones(1, 3, 4, 4), torch.tensor([2]), cells=2, masks=64, output="logit", ctx=context("a"))
    kept = (sobol_points(64, 4, torch.zeros(1)) > 0.5).double()
    width, share = kept[:, 3].quantile(0.5), kept[:, 3].mean()
    kappa = 1 - torch.exp(-1 / (2 * width**2))
    torch.testing.assert_close(found.map[0, 1, 1].double(), 4 * kappa * 64 * (share * (1 - share)) ** 2)
    assert found.map[0].flatten()[:3].max() < 0.01 * found.map[0, 1, 1]


def test_as_many_passes_as_declared():
    model = made()
    with counted(model) as rows:
        sobol(model, images(), TARGETS, cells=3, designs=5, ctx=context())
    assert sum(rows) == 4 * 5 * 10
    with counted(model) as rows:
        hsic(model, images(), TARGETS, cells=3, masks=11, ctx=context())
    assert sum(rows) == 4 * 11


def test_a_linear_models_indices_are_squares_of_what_cells_add():
    model, weights = linear(size=8)
    inputs = images(size=8)
    found = sobol(model, inputs, TARGETS, cells=2, designs=2**12, ctx=context(size=8))
    parts = (inputs * weights[TARGETS]).sum(1).unfold(1, 4, 4).unfold(2, 4, 4).sum((-1, -2))
    squares = parts.square()
    torch.testing.assert_close(found.map, squares / squares.sum((1, 2), keepdim=True), rtol=0.02, atol=0.01)
