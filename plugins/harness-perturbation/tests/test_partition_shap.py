import numpy as np
import pytest
import torch
from harness_perturbation.partition_shap import partition_shap
from torch import nn

from harness.api import classifier
from harness.api.randomness import seeded_generators
from tests.support.networks import TARGETS, context, counted, images, linear, made


@pytest.fixture
def shap(monkeypatch):
    """The library with its functions as Python has them, of which Numba's compiling takes half a minute."""
    with seeded_generators(0):
        import shap
        from shap.explainers import _partition
        from shap.maskers import _image
        from shap.utils import _masked_model
    for module in (_partition, _image, _masked_model):
        for name, function in list(vars(module).items()):
            if hasattr(function, "py_func"):
                monkeypatch.setattr(module, name, function.py_func)
    monkeypatch.setattr("numba.typed.List", list)
    return shap


@pytest.mark.parametrize("evaluations", [6, 40, 84])
def test_equals_shaps_partition_explainer(shap, evaluations):
    module = nn.Sequential(nn.AdaptiveAvgPool2d(16), made().module)
    model, inputs = classifier(module, input_shape=(3, 16, 12), mean=[0.5] * 3, std=[0.25] * 3), images()[..., :12].contiguous()
    found = partition_shap(model, inputs, TARGETS, evaluations=evaluations, baseline="mean", ctx=context())
    for i in range(2):
        hidden = model.reference("mean", inputs)[i].permute(1, 2, 0).numpy()

        def predict(batch, target=TARGETS[i]):
            with torch.no_grad():
                return model(torch.from_numpy(np.asarray(batch)).float().permute(0, 3, 1, 2))[:, target].numpy()

        picture = inputs[i].permute(1, 2, 0).numpy()
        with seeded_generators(0):
            expected = shap.PartitionExplainer(predict, shap.maskers.Image(hidden))(picture[None], max_evals=evaluations, silent=True)
        torch.testing.assert_close(found.map[i], torch.from_numpy(expected.values[0].sum(-1)).float(), rtol=1e-3, atol=1e-6)


def test_of_a_linear_model_it_is_each_pixels_term_in_the_end():
    model, weights = linear(size=4)
    inputs = images(size=4)
    found = partition_shap(model, inputs, TARGETS, evaluations=10**4, baseline="black", ctx=context())
    expected = ((inputs - model.reference("black", inputs)) * weights[TARGETS]).sum(dim=1)
    torch.testing.assert_close(found.map, expected, rtol=1e-3, atol=1e-5)


def test_quarters_have_owens_values():
    """Of a product of all four quarters: halves share alike, and so do quarters; of one that needs its own half only, that half alone."""

    class Quarters(nn.Module):
        def forward(self, x):
            a, b, c, d = x.unfold(2, 2, 2).unfold(3, 2, 2).mean((1, 4, 5)).flatten(1).unbind(1)
            return torch.stack([a * b * c * d, a * b, a * c], dim=1)

    model = classifier(Quarters(), input_shape=(3, 4, 4), mean=[0.0] * 3, std=[1.0] * 3)
    found = partition_shap(model, torch.ones(3, 3, 4, 4), torch.arange(3), evaluations=10, baseline="zero", ctx=context("a", "b", "c"))
    shares = found.map.unfold(1, 2, 2).unfold(2, 2, 2).sum((-1, -2)).flatten(1)
    torch.testing.assert_close(shares, torch.tensor([[0.25] * 4, [0.5, 0.5, 0, 0], [0.5, 0, 0.5, 0]]))


@pytest.mark.parametrize("baseline", ["blur", "convolution"])
def test_it_sums_to_the_difference(baseline):
    model, inputs = made(), images()
    found = partition_shap(model, inputs, TARGETS, evaluations=50, baseline=baseline, ctx=context())
    hidden = model.reference("mean" if baseline == "convolution" else "blur", inputs)
    with torch.no_grad():
        torch.testing.assert_close(found.expected, (model(inputs) - model(hidden))[range(4), TARGETS], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.map.sum((1, 2)), found.expected, rtol=1e-4, atol=1e-5)


def test_as_many_passes_as_declared():
    model = made()
    with counted(model) as rows:
        partition_shap(model, images(), TARGETS, evaluations=60, ctx=context())
    assert sum(rows) == 4 * 60
