import numpy as np
import pytest
import shap
import torch
from harness_shap.expected_gradients import Draw, expected_gradients
from harness_shap.gradient import shap_gradient
from torch import nn

from harness.api import Context, NoTrainingData
from harness.api.declarations import declaration_of
from tests.support.networks import TARGETS, Convolutions, context, counted, images, linear, made, state


def shaps_draws(seed, background, count, shape=None):
    """The draws that shap's GradientExplainer makes for one sample after seeding numpy, with its noise from torch's generator."""
    np.random.seed(seed)
    for _ in range(count):
        chosen, position = np.random.choice(background), np.random.uniform()
        noise = None if shape is None else 0.3 * torch.empty(shape).normal_()[None]
        yield Draw(torch.tensor([chosen]), torch.tensor([position], dtype=torch.float32), noise)


def explained_by_shap(module, background, image, target, count, smoothing=0.0):
    explainer = shap.GradientExplainer(module, background, local_smoothing=smoothing)
    return torch.from_numpy(explainer.shap_values(image, nsamples=count, rseed=3)[0, ..., target]).float()


@pytest.mark.parametrize(("smoothing", "at_once"), [(0.0, 1), (0.3, 1), (0.3, 5)])
def test_the_estimator_is_shaps_with_the_same_draws(smoothing, at_once):
    model, background, image = made(), images(5, seed=7), images(1)
    torch.manual_seed(5)
    expected = explained_by_shap(model.module, background, image, 0, 12, smoothing)  # classes after the first draw other noise
    torch.manual_seed(5)
    draws = shaps_draws(3, 5, 12, image.shape[1:] if smoothing else None)
    found = expected_gradients(lambda x: model(x)[:, 0], image, background, draws, at_once)
    torch.testing.assert_close(found[0], expected, rtol=1e-4, atol=1e-7)


def test_an_inner_layer_is_shaps_of_the_rest_of_the_network():
    model, background, image = made(), images(5, seed=7), images(1)
    layers = list(model.module.features)
    stem, rest = nn.Sequential(*layers[:3]), nn.Sequential(*layers[3:], model.module.head)
    expected = explained_by_shap(rest, stem(background), stem(image), 2, 400)
    found = shap_gradient(model, image, torch.tensor([2]), layer="features.3", draws=400, background=5, ctx=context("a"))
    assert found.coarse and found.map.shape == expected[None].shape
    distance = (found.map[0] - expected).norm() / expected.norm()
    assert distance < 0.25  # two independent draws of 400
    torch.testing.assert_close(found.expected, (model(image) - model(background).mean(dim=0))[:, 2])


def test_the_first_layer_s_input_is_the_image():
    model = made()
    plain, layered = (shap_gradient(model, images(), TARGETS, layer=layer, ctx=context()) for layer in ("image", "features.0"))
    torch.testing.assert_close(layered.map, plain.map)


def test_a_linear_model():
    model, weights = linear()
    inputs = images(size=8)
    found = shap_gradient(model, inputs, TARGETS, draws=5, background=1, ctx=context(size=8))
    expected = (inputs - context(size=8).background(1)) * weights[TARGETS]
    torch.testing.assert_close(found.map, expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found.expected, expected.sum((1, 2, 3)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layer", ["image", "features.3"])
def test_the_map_comes_to_the_difference_with_more_draws(layer):
    model, inputs = made(activation=nn.SiLU), 2 + images()
    found = shap_gradient(model, inputs, TARGETS, draws=600, background=4, layer=layer, ctx=context())
    error = (found.map.sum((1, 2, 3)) - found.expected).abs().max()
    assert error < 0.1 * found.expected.abs().max()


def test_every_background_image_is_used_as_often():
    """With a linear score every draw gives (x − x′) · w, so that the mean is exact: x minus the background's mean."""
    model, weights = linear()
    inputs = images(size=8)
    found = shap_gradient(model, inputs, TARGETS, draws=14, background=7, ctx=context(size=8))
    expected = (inputs - context(size=8).background(7).mean(dim=0)) * weights[TARGETS]
    torch.testing.assert_close(found.map, expected, rtol=1e-4, atol=1e-6)


def test_every_part_of_the_path_is_used():
    """On a quadratic score (Σ w x)², whose slope grows along the path, the error is that of a rule of ``draws`` even parts."""

    class Quadratic(nn.Module):
        def forward(self, x):
            return x.mean((1, 2, 3), keepdim=True).flatten(1).expand(-1, 3) ** 2

    found = shap_gradient(made(Quadratic), 1 + images(), TARGETS, draws=100, background=1, ctx=context())
    error = (found.map.sum((1, 2, 3)) - found.expected).abs() / found.expected
    assert error.max() < 0.005  # independent draws: a standard error of about 0.06


@pytest.mark.parametrize("options", [{}, {"layer": "features.3"}, {"local_smoothing": 0.2}])
def test_a_map_depends_on_no_neighbour(options):
    model = made()
    together = shap_gradient(model, images(), TARGETS, draws=3, ctx=context(), **options)
    for rows in ([2], [3, 0]):
        ids = ["abcd"[row] for row in rows]
        alone = shap_gradient(model, images()[rows], TARGETS[rows], draws=3, ctx=context(*ids), **options)
        torch.testing.assert_close(alone.map, together.map[rows], rtol=1e-4, atol=1e-7)
        torch.testing.assert_close(alone.expected, together.expected[rows], rtol=1e-4, atol=1e-6)


def test_another_seed_and_another_sample_draw_otherwise():
    model = made()

    def run(ids, seed):
        return shap_gradient(model, images()[[0] * 2], TARGETS[[0] * 2], draws=2, ctx=context(*ids, seed=seed)).map

    assert torch.equal(run("ab", 0), run("ab", 0)) and torch.equal(run("aa", 0)[0], run("ab", 0)[0])
    assert not torch.equal(run("ab", 0)[0], run("ab", 0)[1])
    assert not torch.equal(run("ab", 0), run("ab", 1))


@pytest.mark.parametrize("layer", ["image", "features.3"])
def test_everything_is_left_as_it_was(layer):
    model, inputs = made(), images()
    before, generators = state(model), (torch.get_rng_state(), np.random.get_state()[1].copy())
    with torch.no_grad():
        found = shap_gradient(model, inputs, TARGETS, layer=layer, ctx=context())
    assert state(model) == before
    assert torch.equal(inputs, images()) and not inputs.requires_grad and not found.map.requires_grad
    assert torch.equal(torch.get_rng_state(), generators[0]) and np.array_equal(np.random.get_state()[1], generators[1])


@pytest.mark.parametrize("layer", ["image", "features.3"])
def test_everything_is_left_as_it_was_after_an_exception(layer):
    model = made()
    handle = model.module.head.register_forward_pre_hook(fails)
    before = state(model)
    with pytest.raises(RuntimeError, match="broken"):
        shap_gradient(model, images(), TARGETS, layer=layer, ctx=context())
    assert state(model) == before
    handle.remove()


def fails(module, arguments):
    raise RuntimeError("broken")


def test_unknown_and_idle_layers_are_named():
    model = made(Idle)
    with pytest.raises(ValueError, match=r"no layer 'features\.99'"):
        shap_gradient(model, images(), TARGETS, layer="features.99", ctx=context())
    with pytest.raises(ValueError, match="does not call"):
        shap_gradient(model, images(), TARGETS, layer="idle", ctx=context())


class Idle(Convolutions):
    def __init__(self):
        super().__init__()
        self.idle = nn.ReLU()


def test_training_images_that_are_demanded_must_be_there():
    with pytest.raises(NoTrainingData):
        shap_gradient(made(), images(), TARGETS, background="training", ctx=Context(0, list("abcd")))


@pytest.mark.parametrize("background", ["auto", 5, "references"])
def test_without_training_images_a_linear_model_is_compared_with_three_references(background):
    model, weights = linear()
    inputs = images(size=8)
    ctx = context(size=8) if background == "references" else Context(0, list("abcd"))
    found = shap_gradient(model, inputs, TARGETS, draws=6, background=background, ctx=ctx)
    references = torch.stack([model.reference(kind, inputs) for kind in ("black", "blur", "mean")])
    expected = (inputs - references.mean(dim=0)) * weights[TARGETS]
    torch.testing.assert_close(found.map, expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found.expected, expected.sum((1, 2, 3)), rtol=1e-4, atol=1e-5)


def test_the_map_comes_to_the_difference_from_references():
    model, inputs = made(activation=nn.SiLU), 2 + images()
    found = shap_gradient(model, inputs, TARGETS, draws=900, ctx=Context(0, list("abcd")))
    references = [model.reference(kind, inputs) for kind in ("black", "blur", "mean")]
    expected = (model(inputs) - torch.stack([model(each) for each in references]).mean(dim=0))[range(4), TARGETS]
    torch.testing.assert_close(found.expected, expected, rtol=1e-4, atol=1e-5)
    assert (found.map.sum((1, 2, 3)) - expected).abs().max() < 0.1 * expected.abs().max()
    alone = shap_gradient(model, inputs[2:3], TARGETS[2:3], draws=900, ctx=Context(0, ["c"]))
    torch.testing.assert_close(alone.map[0], found.map[2], rtol=1e-4, atol=1e-5)


def test_training_images_are_those_of_auto_where_there_are_any():
    model = made()
    one, other = (shap_gradient(model, images(), TARGETS, draws=6, background=which, ctx=context()) for which in ("auto", "training"))
    assert torch.equal(one.map, other.map)


def test_inner_layers_compare_with_what_references_put_in():
    model, inputs, ctx = made(activation=nn.SiLU), 2 + images(), Context(0, list("abcd"))
    found = shap_gradient(model, inputs, TARGETS, draws=900, layer="features.3", ctx=ctx)
    references = torch.stack([model.reference(kind, inputs) for kind in ("black", "blur", "mean")])
    expected = (model(inputs) - torch.stack([model(each) for each in references]).mean(dim=0))[range(4), TARGETS]
    torch.testing.assert_close(found.expected, expected)
    assert (found.map.sum((1, 2, 3)) - expected).abs().max() < 0.1 * expected.abs().max()


def test_as_many_passes_as_declared():
    model, params = made(), {"draws": 6, "background": 16}
    with counted(model) as rows:
        shap_gradient(model, images(8), TARGETS.repeat(2), **params, ctx=context(*"abcdefgh"))
    assert sum(rows) / 8 == declaration_of(shap_gradient, "explainers").passes(params)
