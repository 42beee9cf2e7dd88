import warnings

import numpy as np
import pytest
import shap
import torch
from harness_shap.deep import shap_deep
from torch import nn

from harness.api import Context, NoTrainingData
from harness.api.declarations import declaration_of
from tests.support.networks import TARGETS, Scaled, context, counted, images, linear, made, state


def completeness(found):
    return float((found.map.sum((1, 2, 3)) - found.expected).abs().max() / found.expected.abs().max())


class Plain(nn.Module):
    """What shap has rules for: convolutions, ReLUs, windows that do not overlap."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Conv2d(3, 6, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(6, 4, 3), nn.ReLU(inplace=True)),
            *(nn.Flatten(), nn.Linear(100, 3)),
        )

    def forward(self, x):
        return self.layers(x)


def test_shaps_own_values():
    model, background = made(Plain), images(10, seed=7)
    found = shap_deep(model, images(), TARGETS, background=10, ctx=context())
    values = shap.DeepExplainer(model.module, background).shap_values(images())
    expected = torch.stack([torch.from_numpy(values[i, ..., target]) for i, target in enumerate(TARGETS)]).float()
    torch.testing.assert_close(found.map, expected, rtol=1e-4, atol=1e-7)
    with torch.no_grad():
        difference = (model(images()) - model(background).mean(dim=0))[range(4), TARGETS]
    torch.testing.assert_close(found.expected, difference, rtol=1e-4, atol=1e-6)
    assert completeness(found) < 1e-4


def test_a_linear_model():
    model, weights = linear()
    inputs = images(size=8)
    found = shap_deep(model, inputs, TARGETS, background=11, ctx=context(size=8))
    expected = (inputs - context(size=8).background(11).mean(dim=0)) * weights[TARGETS]
    torch.testing.assert_close(found.map, expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found.expected, expected.sum((1, 2, 3)), rtol=1e-4, atol=1e-5)


def test_a_skip_connection_with_a_reused_relu_in_place():
    """Stock modules of this kind make shap raise; the prepared one runs, and shows the error that the gate leaves."""
    found = shap_deep(made(Scaled), images(), TARGETS, ctx=context())
    assert found.map.isfinite().all() and completeness(found) > 1e-4


def test_a_map_depends_on_no_neighbour():
    model = made()
    together = shap_deep(model, images(), TARGETS, background=5, ctx=context())
    for rows in ([2], [3, 0]):
        ids = ["abcd"[row] for row in rows]
        alone = shap_deep(model, images()[rows], TARGETS[rows], background=5, ctx=context(*ids))
        torch.testing.assert_close(alone.map, together.map[rows], rtol=1e-4, atol=1e-7)
        torch.testing.assert_close(alone.expected, together.expected[rows], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("module_type", [Plain, Scaled])
def test_everything_is_left_as_it_was(module_type):
    model, inputs = made(module_type), images()
    before, generators = state(model), (torch.get_rng_state(), np.random.get_state()[1].copy())
    keys = list(model.module.state_dict())
    with torch.no_grad():
        first = shap_deep(model, inputs, TARGETS, ctx=context())
    assert state(model) == before and list(model.module.state_dict()) == keys
    assert torch.equal(inputs, images()) and not inputs.requires_grad and not first.map.requires_grad
    assert torch.equal(torch.get_rng_state(), generators[0]) and np.array_equal(np.random.get_state()[1], generators[1])
    assert torch.equal(shap_deep(model, inputs, TARGETS, ctx=context()).map, first.map)


@pytest.mark.parametrize("after", [0, 1, 2])
def test_everything_is_left_as_it_was_after_an_exception(after):
    model, calls = made(Scaled), []

    def fails(module, arguments):
        calls.append(module)
        if len(calls) > after:
            raise RuntimeError("broken")

    model.module.head.register_forward_pre_hook(fails)
    before = state(model)
    with pytest.raises(RuntimeError, match="broken"):
        shap_deep(model, images(), TARGETS, ctx=context())
    assert state(model) == before


def test_an_exception_on_the_way_back():
    model = made(Plain)

    def fails(module, arguments, output):
        if output.requires_grad:
            output.register_hook(raises)

    def raises(gradient):
        raise RuntimeError("broken")

    model.module.layers[3].register_forward_hook(fails)
    before = state(model)
    with pytest.raises(RuntimeError, match="broken"):
        shap_deep(model, images(), TARGETS, ctx=context())
    assert state(model) == before


def test_layers_that_shap_does_not_know_keep_their_gradient_and_the_error_shows():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = shap_deep(made(activation=nn.Hardswish), 2 * images(), TARGETS, ctx=context())
    assert completeness(found) > 0.01


def test_training_images_that_are_demanded_must_be_there():
    with pytest.raises(NoTrainingData):
        shap_deep(made(), images(), TARGETS, background="training", ctx=Context(0, list("abcd")))


@pytest.mark.parametrize("background", ["auto", 5, "references"])
def test_without_training_images_a_linear_model_is_compared_with_three_references(background):
    model, weights = linear()
    inputs = images(size=8)
    ctx = context(size=8) if background == "references" else Context(0, list("abcd"))
    found = shap_deep(model, inputs, TARGETS, background=background, ctx=ctx)
    references = torch.stack([model.reference(kind, inputs) for kind in ("black", "blur", "mean")])
    expected = (inputs - references.mean(dim=0)) * weights[TARGETS]
    torch.testing.assert_close(found.map, expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found.expected, expected.sum((1, 2, 3)), rtol=1e-4, atol=1e-5)


def test_the_map_comes_to_the_difference_from_references():
    model, inputs = made(Plain), 2 + images()
    found = shap_deep(model, inputs, TARGETS, ctx=Context(0, list("abcd")))
    references = [model.reference(kind, inputs) for kind in ("black", "blur", "mean")]
    expected = (model(inputs) - torch.stack([model(each) for each in references]).mean(dim=0))[range(4), TARGETS]
    torch.testing.assert_close(found.expected, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.map.sum((1, 2, 3)), expected, rtol=1e-3, atol=1e-4)
    alone = shap_deep(model, inputs[2:3], TARGETS[2:3], ctx=Context(0, ["c"]))
    torch.testing.assert_close(alone.map[0], found.map[2], rtol=1e-4, atol=1e-5)


def test_training_images_are_those_of_auto_where_there_are_any():
    model = made()
    one, other = (shap_deep(model, images(), TARGETS, background=which, ctx=context()) for which in ("auto", "training"))
    assert torch.equal(one.map, other.map)


def test_as_many_passes_as_declared():
    model = made()
    with counted(model) as rows:
        shap_deep(model, images(8), TARGETS.repeat(2), background=16, ctx=context(*"abcdefgh"))
    assert sum(rows) / 8 == declaration_of(shap_deep, "explainers").passes({"background": 16})
