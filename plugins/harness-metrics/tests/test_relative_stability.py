"""Relative input, output and representation stability, and how a representation is read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import quantus
import torch
from harness_metrics.robustness.consistency import consistency
from harness_metrics.robustness.relative_input_stability import relative_input_stability
from harness_metrics.robustness.relative_output_stability import relative_output_stability
from harness_metrics.robustness.relative_representation_stability import relative_representation_stability
from harness_metrics.robustness.representation import with_representation
from torch import nn

from harness.api import Attribution, Case, Context, classifier

METRICS = {
    relative_input_stability: quantus.RelativeInputStability,
    relative_output_stability: quantus.RelativeOutputStability,
    relative_representation_stability: quantus.RelativeRepresentationStability,
}


class Squares:
    """An explanation that is 0 nowhere and not linear."""

    def __call__(self, model, images, targets, *, ctx):
        return Attribution(images[:, 0] ** 2 + 0.1)


@pytest.fixture
def hidden_case():
    """Three samples of a network with one hidden layer, explained."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.Tanh(), nn.Linear(8, 3))
    images = torch.rand(3, 1, 6, 6) + 0.1
    model = classifier(module, input_shape=(1, 6, 6))
    ctx = Context(seed=0, ids=list("abc"), purpose="score")
    return Case(model, images, model(images).argmax(dim=1), images[:, 0] ** 2 + 0.1, ctx, explainer=Squares())


def draws(case, radius, samples):
    ctx = case.ctx.fresh("gaussian perturbations")
    return torch.stack([radius * ctx.noise(case.images.shape[1:]) for _ in range(samples)])


def theirs(metric, case, i, noise):
    """Quantus's score of one sample, given its perturbations; its representation is the output of the hidden activation."""
    left = iter(noise[:, i])
    params = {"layer_names": ["2"]} if metric is quantus.RelativeRepresentationStability else {}
    scores = metric(
        nr_samples=len(noise), disable_warnings=True, perturb_func=lambda arr, **_: arr + next(left).flatten().numpy()[None], **params
    )(
        model=case.model.module,
        x_batch=case.images[i : i + 1].numpy(),
        y_batch=case.targets[i : i + 1].numpy(),
        a_batch=case.attributions[i : i + 1, None].numpy(),
        explain_func=lambda model, inputs, targets, **_: inputs**2 + np.float32(0.1),
    )
    return float(scores[0])


@pytest.mark.parametrize("ours", METRICS)
def test_equals_quantus_given_the_same_perturbations(ours, hidden_case):
    scores = ours(hidden_case, radius=0.005, samples=6)
    noise = draws(hidden_case, 0.005, 6)
    for i in range(3):
        assert scores[i].item() == pytest.approx(theirs(METRICS[ours], hidden_case, i, noise), rel=1e-3)


@pytest.mark.parametrize("ours", METRICS)
def test_neighbours_of_another_class_are_left_out_where_quantus_gives_up(ours, hidden_case):
    """In Quantus one such neighbour makes the sample NaN; the paper takes the largest ratio over those that keep the class."""
    noise = draws(hidden_case, 1.0, 20)
    before = hidden_case.model(hidden_case.images).argmax(dim=1)
    kept = torch.stack([hidden_case.model(hidden_case.images + n).argmax(dim=1) == before for n in noise])
    assert (kept.any(dim=0) & ~kept.all(dim=0)).all()
    scores = ours(hidden_case, radius=1.0, samples=20)
    for i in range(3):
        assert np.isnan(theirs(METRICS[ours], hidden_case, i, noise))
        assert scores[i].item() == pytest.approx(theirs(METRICS[ours], hidden_case, i, noise[kept[:, i]]), rel=1e-3)


def test_quantus_perturbs_in_one_direction_by_default():
    """Its default names only the upper bound of the noise, and the lower one's default is 0.02."""
    pixels = np.zeros((1, 1000))
    perturbed = quantus.RelativeInputStability(disable_warnings=True).perturb_func(arr=pixels, indices=np.arange(1000)[None])
    assert perturbed.min() >= 0.02


@pytest.mark.parametrize("ours", METRICS)
def test_undefined_where_every_neighbour_changes_the_class(ours, hidden_case):
    class Only(nn.Module):
        """Class 0 for the images it was given, another for any other."""

        def __init__(self, images):
            super().__init__()
            self.register_buffer("known", images.flatten(1))
            self.head = nn.Linear(1, 2)
            with torch.no_grad():
                self.head.weight.copy_(torch.tensor([[0.0], [1.0]]))
                self.head.bias.copy_(torch.tensor([1e-3, 0.0]))

        def forward(self, x):
            return self.head(torch.cdist(x.flatten(1), self.known).amin(dim=1, keepdim=True))

    model = classifier(Only(hidden_case.images), input_shape=(1, 6, 6))
    assert ours(replace(hidden_case, model=model, memory={}), samples=4).isnan().all()


def test_an_explanation_that_moves_as_the_input_does_has_an_input_stability_of_one(hidden_case):
    class Input:
        def __call__(self, model, images, targets, *, ctx):
            return Attribution(images[:, 0])

    case = replace(hidden_case, explainer=Input(), attributions=hidden_case.images[:, 0], memory={})
    torch.testing.assert_close(relative_input_stability(case, samples=4), torch.ones(3, dtype=torch.float64))


@pytest.mark.parametrize("ours", METRICS)
def test_the_scale_of_the_maps_does_not_count_even_where_pixels_are_zero(ours, hidden_case):
    class Rectified:
        def __init__(self, scale):
            self.scale = scale

        def __call__(self, model, images, targets, *, ctx):
            return Attribution(self.scale * (images[:, 0] - 0.6).relu())

    def case(scale):
        explainer = Rectified(scale)
        maps = explainer(None, hidden_case.images, None, ctx=None).map
        return replace(hidden_case, explainer=explainer, attributions=maps, memory={})

    torch.testing.assert_close(ours(case(1e6), samples=4), ours(case(1.0), samples=4), rtol=1e-4, atol=0)


def test_of_the_named_layer(hidden_case):
    """With the logits' layer the change is that of the logits relative to them."""
    case = replace(hidden_case, memory={})
    noise = draws(case, 0.05, 5)
    logits, moved = case.model(case.images), torch.stack([case.model(case.images + n) for n in noise])
    maps = torch.stack([((case.images + n)[:, 0] ** 2 + 0.1) / case.attributions - 1 for n in noise]).flatten(2).norm(dim=2)
    expected = maps / (moved / logits - 1).norm(dim=2)
    kept = moved.argmax(dim=2) == logits.argmax(dim=1)
    scores = relative_representation_stability(case, samples=5, layer="3")
    torch.testing.assert_close(scores.float(), expected.where(kept, 0).amax(dim=0), rtol=1e-3, atol=0)


def read(model, images, layer=None):
    reading = with_representation(model, layer)
    return reading(images).split([model.num_classes, reading.num_classes - model.num_classes], dim=1)


def test_a_representation_is_what_the_last_linear_layer_is_given(hidden_case):
    model, images = hidden_case.model, hidden_case.images
    logits, features = read(model, images)
    torch.testing.assert_close(logits, model(images))
    torch.testing.assert_close(features, model.module[:3](images))
    torch.testing.assert_close(read(model, images, "1")[1], model.module[:2](images))


def test_without_a_linear_layer_it_is_the_cam_layer():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    model, images = classifier(module, input_shape=(1, 6, 6), cam_layer="1"), torch.rand(2, 1, 6, 6)
    torch.testing.assert_close(read(model, images)[1], model.module[:2](images).flatten(1))


def test_reading_leaves_no_hook_also_after_an_exception(hidden_case):
    reading = with_representation(hidden_case.model, None)
    reading(hidden_case.images)
    with pytest.raises(RuntimeError):
        reading(torch.rand(2, 1, 5, 5))
    assert all(not m._forward_hooks and not m._forward_pre_hooks for m in hidden_case.model.module.modules())


def test_an_unknown_layer_is_named(hidden_case):
    with pytest.raises(ValueError, match="no layer 'nose'"):
        relative_representation_stability(hidden_case, layer="nose")


def test_a_dark_image_raises_the_output_stability_of_a_map_that_is_multiplied_by_the_input(linear_classifier):
    """As its docstring warns: by as much as it is darker, as the logits of a linear model move alike; so does the relative input."""
    weights = torch.rand(1, 6, 6, generator=torch.Generator().manual_seed(0)) + 0.1
    images = torch.rand(1, 1, 6, 6, generator=torch.Generator().manual_seed(1)) + 0.5
    images = torch.cat([images, images / 100])

    class TimesInput:
        def __call__(self, model, images, targets, *, ctx):
            return Attribution(weights * images[:, 0])

    def score(metric, image):
        ctx = Context(seed=0, ids=["a"], purpose="score")
        maps, target = weights * image[None, 0], torch.zeros(1, dtype=torch.long)
        return metric(Case(linear_classifier(weights), image[None], target, maps, ctx, explainer=TimesInput()), radius=3e-3).item()

    bright, dark = (score(relative_output_stability, image) for image in images)
    assert dark / bright == pytest.approx(100, rel=0.01)
    bright, dark = (score(relative_input_stability, image) for image in images)
    assert bright == pytest.approx(dark, rel=0.01) == pytest.approx(1, rel=0.01)


def test_another_explainer_finds_what_the_model_says_of_neighbours(cnn_case):
    predicted = []

    def forward(model, inputs):
        predicted.append(len(inputs))
        return model(inputs)

    case = replace(cnn_case, forward=forward, memory={})
    metrics = (relative_output_stability, relative_representation_stability, consistency)
    scores = [metric(case, samples=6) for metric in metrics]
    predicted.clear()
    other = replace(case, explainer=case.explainer.with_params(power=2.0), memory={})
    other.attributions = other.explain()
    shared = [metric(other, samples=6) for metric in metrics]
    assert predicted == []
    alone = [metric(replace(other, sharing=None, memory={}), samples=6) for metric in metrics]
    assert predicted
    torch.testing.assert_close(shared, alone, rtol=0, atol=0, equal_nan=True)
    assert not any(torch.equal(a, b) for a, b in zip(shared[:2], scores[:2], strict=True))
