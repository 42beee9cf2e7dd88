"""Quantus behind the component: every metric runs on RGB, depends on its sample alone, and is what Quantus itself says."""

from __future__ import annotations

import gc
import inspect
import weakref
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
import quantus
import torch
from harness_quantus.catalogue import EXPLAINING, MASKED, MOSAICS, POPULATION, TURNED, MetricName, declared
from harness_quantus.metric import Quantus
from small_arguments import SMALL
from torch import nn

from harness.api import Attribution, NeedsExplainer, classifier
from tests.support.cases import selected
from tests.support.components import declaration_of, problems_of

NAMES = get_args(MetricName)


def bound(name, **params):
    return Quantus(Quantus.Params(**{"metric": name, "arguments": SMALL.get(name, {}), "population": 12, **params}))


def scores(name, case, **params):
    return bound(name, **params)(replace(case, memory={}))


def test_the_names_are_all_of_quantus():
    assert [name.strip() for group in quantus.AVAILABLE_METRICS.values() for name in group] == list(NAMES)
    assert len(NAMES) == 37


@pytest.mark.parametrize("name", NAMES)
def test_declares_what_quantus_does_but_for_two_directions(name):
    made = next(group[key] for group in quantus.AVAILABLE_METRICS.values() for key in group if key.strip() == name)
    said = declared(name)
    assert said["category"] == made.evaluation_category.value.lower()
    assert (said["direction"] == made.score_direction.value) == (name not in TURNED)


@pytest.mark.parametrize("name", NAMES)
def test_one_finite_number_per_sample_that_no_neighbour_changes(name, case):
    together = scores(name, case)
    assert together.shape == (3,) and together.isfinite().all()
    low, high = declared(name)["bounds"]
    assert low is None or (together >= low).all()
    assert high is None or (together <= high).all()
    alone = torch.cat([scores(name, selected(case, [row])) for row in (2, 0)])
    torch.testing.assert_close(alone, together[[2, 0]], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_leaves_everything_as_it_was(name, case):
    tensors = [case.images, case.targets, case.attributions, case.masks, *case.model.module.parameters()]
    before = [tensor.clone() for tensor in tensors]
    states = torch.get_rng_state(), np.random.get_state()[1].copy()
    explain, names = quantus.explain, set(vars(np))
    scores(name, case)
    assert all(torch.equal(old, new) for old, new in zip(before, tensors, strict=True))
    assert torch.equal(states[0], torch.get_rng_state()) and (states[1] == np.random.get_state()[1]).all()
    assert quantus.explain is explain and set(vars(np)) == names
    assert not any(layer._forward_hooks for layer in case.model.module.modules())


@pytest.mark.parametrize("name", NAMES)
def test_a_map_that_quantus_refuses_is_undefined(name, case):
    maps = torch.stack([torch.zeros(20, 20), case.attributions[1], -case.attributions[2].abs() - 1])
    assert scores(name, replace(case, attributions=maps)).isnan().tolist() == [True, False, True]


@pytest.mark.parametrize("name", [*MASKED, *MOSAICS])
def test_an_empty_mask_is_undefined_and_no_masks_an_error(name, case):
    masks = case.masks.clone()
    masks[1] = False
    assert scores(name, replace(case, masks=masks)).isnan().tolist() == [False, True, False]
    with pytest.raises(LookupError, match="needs masks"):
        scores(name, replace(case, masks=None))


@pytest.mark.parametrize("name", NAMES)
def test_asks_for_an_explainer_where_it_declares_that_it_needs_one(name, case):
    without = replace(case, explainer=None)
    if name in (*EXPLAINING, *POPULATION):
        with pytest.raises(NeedsExplainer):
            scores(name, without)
    else:
        torch.testing.assert_close(scores(name, without), scores(name, case))


def test_focus_is_of_mosaics_alone(case):
    masks = case.masks.clone()
    masks[0, 0, 0] = False
    assert scores("Focus", replace(case, masks=masks)).isnan().tolist() == [True, False, False]
    positive = case.attributions.clamp(min=0)
    expected = (positive * case.masks).sum((1, 2)) / positive.sum((1, 2))
    torch.testing.assert_close(scores("Focus", case), expected)


PLAIN = sorted(set(NAMES) - {*EXPLAINING, *POPULATION, *MASKED, *MOSAICS} - {"SensitivityN", "ROAD", "IROF"})


@pytest.mark.parametrize("name", [*PLAIN, *MASKED])
def test_a_number_is_quantus_own(name, case):
    """The metric object itself, on one sample under its seed; curves by its own summary."""
    made = next(group[key] for group in quantus.AVAILABLE_METRICS.values() for key in group if key.strip() == name)
    ours = scores(name, case)
    for row in range(3):
        one = slice(row, row + 1)
        with case.ctx.seeded(row):
            metric = made(**SMALL.get(name, {}), return_aggregate=False, disable_warnings=True)
            theirs = metric(
                model=case.model.module,
                x_batch=case.images[one].numpy().copy(),
                y_batch=case.targets[one].numpy(),
                a_batch=case.attributions[one, None].numpy().copy(),
                s_batch=case.masks[one, None].numpy(),
                channel_first=True,
            )
        value = np.ravel(theirs[0])
        expected = value[0] if len(value) == 1 else value.sum() - (value[0] + value[-1]) / 2
        assert ours[row].item() == pytest.approx(float(expected), rel=1e-5, abs=1e-6)


def test_mprt_is_the_mean_over_randomised_layers(case):
    """Quantus's own average counts the layer `original`, at which the map is compared with itself."""
    ours = scores("MPRT", case)
    theirs = scores("MPRT", case, arguments={"return_average_correlation": True})
    layers = sum(hasattr(layer, "reset_parameters") for layer in case.model.module.modules())
    torch.testing.assert_close(theirs, (ours * layers + 1) / (layers + 1))


def test_explains_the_network_that_quantus_randomised(case):
    seen = []
    inner = case.explainer

    class Noting:
        name, params = inner.name, inner.params

        def __call__(self, model, images, targets, *, ctx):
            seen.append(model.digest)
            return inner(model, images, targets, ctx=ctx)

    scores("MPRT", replace(case, explainer=Noting()))
    layers = sum(hasattr(layer, "reset_parameters") for layer in case.model.module.modules())
    assert len(set(seen)) == layers + 1 and case.model.digest in seen


class Gradient:
    name, params = "gradient", {}

    def __call__(self, model, images, targets, *, ctx):
        images = images.detach().clone().requires_grad_()
        (gradient,) = torch.autograd.grad(model(images).gather(1, targets[:, None]).sum(), images)
        return Attribution(gradient.sum(dim=1))


def test_the_gradient_is_invariant_to_a_shifted_input_and_its_product_with_the_input_is_not(case):
    """The network begins with a container, and its first convolution has no bias.

    Quantus leaves the first value of the image as it is, so that only a network that does not look at it is compensated.
    """
    gradient = Gradient()

    def invariant():
        maps = gradient(case.model, case.images, case.targets, ctx=case.ctx).map
        return scores("InputInvariance", replace(case, attributions=maps, explainer=gradient)).tolist()

    assert invariant() == [0, 0, 0]
    with torch.no_grad():
        case.model.layer("0.0").weight[:, 0, 0, 0] = 0
    assert invariant() == [1, 1, 1]
    maps = case.explain()
    assert scores("InputInvariance", replace(case, attributions=maps)).tolist() == [0, 0, 0]


def test_completeness_of_a_linear_network(case):
    """Weights, pixels and sums are whole numbers, so that the equality that Quantus asks for can hold."""
    layer = nn.Linear(48, 2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.arange(96).view(2, 48) % 5)
    model = classifier(nn.Sequential(nn.Flatten(), layer), input_shape=(3, 4, 4))
    images = torch.arange(48.0).view(1, 3, 4, 4) % 7
    maps = (images * layer.weight[1].detach().view(3, 4, 4)).sum(dim=1)
    exact = replace(case, model=model, images=images, targets=torch.tensor([1]), attributions=maps, masks=None, ctx=case.ctx.select([0]))
    assert scores("Completeness", exact, normalise="none").tolist() == [1]
    assert scores("Completeness", replace(exact, attributions=maps + 1), normalise="none").tolist() == [0]
    assert scores("Completeness", exact).tolist() == [0]  # normalised by default, so that no map is complete


def test_road_removes_the_share_of_pixels_that_it_says(case):
    """A network that counts channels that are not imputed: what is left after ROAD is what was not removed."""
    images = torch.rand(1, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    seen = []

    class Watching(nn.Module):
        def forward(self, inputs):
            seen.append((inputs != images).flatten(1).float().mean(dim=1))
            return inputs.flatten(2).mean(dim=2)

    model = replace(case, images=images, targets=case.targets[:1], attributions=case.attributions[:1], ctx=case.ctx.select([0]))
    watching = classifier(Watching(), input_shape=(3, 20, 20))
    seen.clear()
    scores("ROAD", replace(model, model=watching))
    assert [round(share.item(), 6) for share in seen] == [0.2, 0.5, 0.8]


def test_normalisation_is_what_it_says(case):
    """Completeness of the map's sum: only its scale differs."""
    sparse = case.attributions * (case.attributions.abs() > case.attributions.abs().mean())
    count = {how: scores("Effective Complexity", replace(case, attributions=sparse * 1e-6), normalise=how) for how in ("none", "max")}
    assert count["none"].tolist() == [0, 0, 0]
    assert count["max"].tolist() == [float((row != 0).sum()) for row in sparse]
    default = scores("Effective Complexity", replace(case, attributions=sparse * 1e-6))
    assert default.tolist() == count["max"].tolist()


@pytest.mark.parametrize("name", NAMES)
def test_maps_are_normalised_by_default_but_for_what_is_said(name):
    made = next(group[key] for group in quantus.AVAILABLE_METRICS.values() for key in group if key.strip() == name)
    unchanged = {"Infidelity", "Efficient MPRT", "InputInvariance", "Max-Sensitivity", "Avg-Sensitivity"}
    default = inspect.signature(made.__init__).parameters["normalise"].default
    assert default == (name not in unchanged and not name.startswith("Relative "))


def test_no_model_is_kept_alive(case):
    scores("Pixel-Flipping", case)
    network = nn.Sequential(nn.Flatten(), nn.Linear(1200, 4))
    other = replace(case, model=classifier(network, input_shape=(3, 20, 20)), memory={})
    alive = weakref.ref(other.model.module)
    for name in ("Pixel-Flipping", "MPRT"):
        scores(name, other)
    del other
    gc.collect()
    assert alive() is None


def test_numpy_is_restored_after_a_failure(case):
    names = set(vars(np))
    with pytest.raises(AssertionError, match="features_in_step"):
        scores("Pixel-Flipping", case, arguments={"features_in_step": 7})
    assert set(vars(np)) == names


@pytest.mark.parametrize(
    ("params", "at", "said"),
    [
        ({"metric": "Pixel Fliping"}, ("params", "metric"), 'did you mean "Pixel-Flipping"'),
        (
            {"metric": "Pixel-Flipping", "arguments": {"feature_in_step": 2}},
            ("params", "arguments", "feature_in_step"),
            '"features_in_step"',
        ),
        ({"metric": "Pixel-Flipping", "arguments": {"features_in_step": "2"}}, ("params", "arguments", "features_in_step"), "an integer"),
        ({"metric": "MPRT", "arguments": {"similarity_func": "spearman"}}, ("params", "arguments", "similarity_func"), "spearman"),
        ({"metric": "MPRT", "arguments": {"normalise": True}}, ("params", "arguments", "normalise"), "unknown"),
        ({}, ("params",), "metric is missing"),
    ],
)
def test_what_a_metric_does_not_take_is_told_before_anything_runs(params, at, said):
    ((place, message),) = problems_of("metrics", {"use": "quantus", "params": params})
    assert place[: len(at)] == at or place == ()
    assert said in message


def test_the_card_says_what_each_metric_needs_without_an_import():
    said = declaration_of("metrics", "quantus", {"metric": "Max-Sensitivity"})
    assert (said["category"], said["direction"], said["needs"]) == ("robustness", "lower", ["explainer"])
    assert declaration_of("metrics", "quantus", {"metric": "AUC"})["needs"] == ["masks"]


def test_functions_are_given_by_name(case):
    pearson, spearman = (
        scores("Faithfulness Correlation", case, arguments={**SMALL["Faithfulness Correlation"], "similarity_func": f"correlation_{kind}"})
        for kind in ("pearson", "spearman")
    )
    torch.testing.assert_close(pearson, scores("Faithfulness Correlation", case))
    assert not torch.allclose(pearson, spearman)
