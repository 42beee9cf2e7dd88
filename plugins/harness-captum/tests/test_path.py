import numpy as np
import pytest
import torch
from captum.attr._core.gradient_shap import InputBaselineXGradient
from harness_captum.path import gradient_shap, integrated_gradients
from torch import nn

from harness.api import Context, NoTrainingData
from tests.support.networks import TARGETS, context, images, linear, made


@pytest.mark.parametrize("baseline", ["black", "white", "mean", "blur", "zero"])
@pytest.mark.parametrize("method", ["gausslegendre", "riemann_middle", "riemann_left", "riemann_right"])
def test_integrated_gradients_of_a_linear_model(baseline, method):
    model, weights = linear()
    inputs = images(size=8)
    found = integrated_gradients(model, inputs, TARGETS, steps=4, baseline=baseline, method=method, ctx=context())
    expected = (inputs - model.reference(baseline, inputs)) * weights[TARGETS]
    torch.testing.assert_close(found.map, expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found.expected, expected.sum((1, 2, 3)), rtol=1e-4, atol=1e-5)


def test_integrated_gradients_of_a_polynomial_are_exact():
    class Cubic(nn.Module):
        def forward(self, x):
            return torch.stack([(x**3).sum((1, 2, 3)), (x[:, :1] * x[:, 1:2]).sum((1, 2, 3))], dim=1)

    model = made(Cubic)
    inputs = images(2)
    found = integrated_gradients(model, inputs, torch.tensor([0, 1]), steps=2, baseline="zero", ctx=context()).map
    torch.testing.assert_close(found[0], inputs[0] ** 3, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found[1, :2], (inputs[1, 0] * inputs[1, 1] / 2).expand(2, -1, -1), rtol=1e-4, atol=1e-5)


def test_maps_of_several_references_are_averaged_and_uniform_noise_lies_within_the_bounds():
    model, weights = linear()
    inputs = images(size=8)
    found = integrated_gradients(model, inputs, TARGETS, steps=2, over=["black", "white", "uniform"], ctx=context(size=8))
    low, high = model.bounds
    noise = low + (high - low) * context(size=8).uniform(inputs.shape[1:])
    mean = (model.reference("black", inputs) + model.reference("white", inputs) + noise) / 3
    torch.testing.assert_close(found.map, (inputs - mean) * weights[TARGETS], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.map.sum((1, 2, 3)), found.expected, rtol=1e-4, atol=1e-4)
    assert integrated_gradients(model, inputs, TARGETS, baseline="mean", ctx=context()).map.equal(
        integrated_gradients(model, inputs, TARGETS, over=["mean"], ctx=context()).map
    )


def test_integrated_gradients_come_to_the_difference_with_more_steps():
    model = made(activation=nn.SiLU)
    inputs = images()

    def error(steps):
        found = integrated_gradients(model, inputs, TARGETS, steps=steps, ctx=context())
        return float((found.map.sum((1, 2, 3)) - found.expected).abs().max() / found.expected.abs().max())

    assert error(200) < 0.01
    assert error(200) < error(2)


def test_gradient_shap_of_a_linear_model_uses_the_background_drawn():
    model, weights = linear()
    inputs = images(size=8)
    found = gradient_shap(model, inputs, TARGETS, draws=5, background=1, ctx=context(size=8))
    expected = (inputs - context(size=8).background(1)) * weights[TARGETS]
    torch.testing.assert_close(found.map, expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found.expected, expected.sum((1, 2, 3)), rtol=1e-4, atol=1e-5)


def test_gradient_shap_is_captums_with_the_same_draws():
    model, ctx = made(), context()
    training = ctx.background(5)
    found = gradient_shap(model, images(), TARGETS, draws=6, background=5, ctx=ctx).map
    for i in range(4):
        with ctx.seeded(i):
            chosen = torch.from_numpy(np.random.choice(5, 6))
            method = InputBaselineXGradient(model)
            expected = method.attribute(images()[[i] * 6].requires_grad_(), training[chosen], target=TARGETS[[i] * 6]).mean(dim=0)
        torch.testing.assert_close(found[i], expected.detach())


def test_gradient_shap_comes_to_the_difference_with_more_draws():
    model = made(activation=nn.SiLU)
    inputs = 2 + images()
    found = gradient_shap(model, inputs, TARGETS, draws=600, background=4, ctx=context())
    error = (found.map.sum((1, 2, 3)) - found.expected).abs().max()
    assert error < 0.1 * found.expected.abs().max()


def test_gradient_shap_draws_by_sample_and_seed():
    model = made()

    def run(ids, seed):
        return gradient_shap(model, images()[[0] * 2], TARGETS[[0] * 2], draws=2, noise=0.2, ctx=context(*ids, seed=seed)).map

    assert torch.equal(run("aa", 0)[0], run("ab", 0)[0])
    assert not torch.equal(run("ab", 0)[0], run("ab", 0)[1])
    assert not torch.equal(run("ab", 0), run("ab", 1))


def test_gradient_shap_training_images_that_are_demanded_must_be_there():
    with pytest.raises(NoTrainingData):
        gradient_shap(made(), images(), TARGETS, background="training", ctx=Context(0, list("abcd")))


@pytest.mark.parametrize("background", ["auto", 5, "references"])
def test_gradient_shap_without_training_images_a_linear_model_is_compared_with_three_references(background):
    model, weights = linear()
    inputs = images(size=8)
    ctx = context(size=8) if background == "references" else Context(0, list("abcd"))
    found = gradient_shap(model, inputs, TARGETS, draws=2000, background=background, ctx=ctx)  # the references drawn by chance
    references = torch.stack([model.reference(kind, inputs) for kind in ("black", "blur", "mean")])
    expected = (inputs - references.mean(dim=0)) * weights[TARGETS]
    assert (found.map - expected).abs().max() < 0.1 * expected.abs().max()
    torch.testing.assert_close(found.expected, expected.sum((1, 2, 3)), rtol=1e-4, atol=1e-5)


def test_gradient_shap_the_map_comes_to_the_difference_from_references():
    model, inputs = made(activation=nn.SiLU), 2 + images()
    found = gradient_shap(model, inputs, TARGETS, draws=900, ctx=Context(0, list("abcd")))
    references = [model.reference(kind, inputs) for kind in ("black", "blur", "mean")]
    expected = (model(inputs) - torch.stack([model(each) for each in references]).mean(dim=0))[range(4), TARGETS]
    torch.testing.assert_close(found.expected, expected, rtol=1e-4, atol=1e-5)
    assert (found.map.sum((1, 2, 3)) - expected).abs().max() < 0.1 * expected.abs().max()
    alone = gradient_shap(model, inputs[2:3], TARGETS[2:3], draws=900, ctx=Context(0, ["c"]))
    torch.testing.assert_close(alone.map[0], found.map[2], rtol=1e-4, atol=1e-5)


def test_gradient_shap_training_images_are_those_of_auto_where_there_are_any():
    model = made()
    one, other = (gradient_shap(model, images(), TARGETS, draws=6, background=which, ctx=context()) for which in ("auto", "training"))
    assert torch.equal(one.map, other.map)
