"""Both monotonicities against Quantus and linear models."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import quantus
import torch
from harness_metrics.faithfulness.deletion import deletion
from harness_metrics.faithfulness.monotonicity_arya import monotonicity_arya
from harness_metrics.faithfulness.monotonicity_nguyen import monotonicity_nguyen
from harness_metrics.imputation import imputer

from harness.api import Case, Context


def by_quantus(metric, case, i):
    scores = metric(
        model=case.model.module,
        x_batch=case.images[i : i + 1].numpy(),
        y_batch=case.targets[i : i + 1].numpy(),
        a_batch=case.attributions[i : i + 1, None].numpy(),
        channel_first=True,
        softmax=True,
    )
    return np.asarray(scores).ravel()[0]


@pytest.fixture
def linear_case(linear_classifier):
    """Two linear samples: all contributions positive in the first, of both signs in the second."""
    generator = torch.Generator().manual_seed(0)
    weights = torch.rand(1, 8, 8, generator=generator) * 0.3
    images = torch.rand(2, 1, 8, 8, generator=generator)
    images[1] -= 0.5
    maps = (weights * images)[:, 0]
    return Case(linear_classifier(weights), images, torch.zeros(2, dtype=torch.long), maps, Context(seed=0, ids=list("ab")))


def test_arya_is_the_share_of_groups_that_help_a_linear_model(linear_case):
    score = monotonicity_arya(linear_case, step=4, reference="zero")
    for got, contributions in zip(score, linear_case.attributions, strict=True):
        worth = contributions.flatten().sort().values.view(16, 4).sum(dim=1)
        assert got.item() == pytest.approx((worth[1:] >= 0).float().mean().item())
    assert score[0] == 1
    assert score[1] < 1


def test_arya_prefers_noise_to_the_exact_map_of_a_linear_model(linear_classifier):
    """What its docstring warns of: exact maps get the share of what helps, in either order; random groups help on average."""
    weights = torch.randn(1, 64, 64, generator=torch.Generator().manual_seed(0)) / 2000 + 0.00015
    model, images, targets = linear_classifier(weights), torch.ones(1, 1, 64, 64), torch.zeros(1, dtype=torch.long)

    def score(maps):
        return monotonicity_arya(Case(model, images, targets, maps, Context(seed=0, ids=["a"])), step=64, reference="zero").item()

    exact, inverse = score(weights), score(-weights)
    assert exact == pytest.approx((weights > 0).float().mean().item(), abs=0.03)
    assert inverse == pytest.approx(exact, abs=0.03)
    assert score(torch.rand(1, 64, 64, generator=torch.Generator().manual_seed(1))) > 0.95 > 0.7 > exact


def test_arya_adds_pixel_by_pixel_to_the_reference(grey_case):
    """Arya et al.'s own procedure, one forward pass at a time."""
    score = monotonicity_arya(grey_case, step=1, reference="zero")
    for i in range(3):
        image = grey_case.images[i].flatten()
        shown, predictions = torch.zeros(64), []
        for pixel in grey_case.attributions[i].flatten().argsort():
            shown[pixel] = image[pixel]
            with torch.no_grad():
                predictions.append(grey_case.model(shown.view(1, 1, 8, 8)).softmax(dim=1)[0, grey_case.targets[i]].item())
        assert score[i].item() == pytest.approx((np.diff(predictions) >= 0).mean())


def test_quantus_adds_nothing_and_calls_every_map_monotonic(linear_case):
    """It puts the baseline where the baseline is already, so that its predictions are all the same."""
    metric = quantus.Monotonicity(
        features_in_step=4, abs=False, normalise=False, perturb_baseline=0.0, disable_warnings=True, return_aggregate=False
    )
    assert [bool(by_quantus(metric, linear_case, i)) for i in range(2)] == [True, True]
    assert monotonicity_arya(linear_case, step=4, reference="zero")[1] < 0.8


def test_arya_walks_the_curve_of_deletion(cnn_case):
    seen = []

    def counting(model, inputs):
        seen.append(len(inputs))
        with torch.no_grad():
            return model(inputs)

    case = replace(cnn_case, forward=counting)
    deletion(case, steps=9, reference="black")
    before = sum(seen)
    monotonicity_arya(case, steps=9)
    assert sum(seen) == before


def test_arya_of_one_group_is_undefined(linear_case):
    assert monotonicity_arya(linear_case, step=64).isnan().all()


def test_nguyen_equals_quantus_given_the_same_draws(grey_case):
    samples = 6
    everything = torch.ones(1, 3, 8, 8, dtype=torch.bool)
    draws = [imputer(grey_case, "noise", draw=k)(everything)[0].flatten(1).numpy() for k in range(samples)]
    ours = monotonicity_nguyen(grey_case, step=4, samples=samples)
    for i in range(3):
        calls = iter(range(16 * samples))

        def drawn(arr, indices, i=i, calls=calls, **_):
            changed = arr.copy()
            changed[0, indices[0]] = draws[next(calls) % samples][i, indices[0]]
            return changed

        metric = quantus.MonotonicityCorrelation(
            nr_samples=samples, features_in_step=4, normalise=False, perturb_func=drawn, disable_warnings=True, return_aggregate=False
        )
        assert ours[i].item() == pytest.approx(float(by_quantus(metric, grey_case, i)), abs=1e-6)


def test_quantus_fails_where_some_of_a_batch_have_a_probability_near_zero(grey_case):
    """It divides by f(x)² where f(x) is large enough, and mistakes the samples of the batch for those."""
    with torch.no_grad():
        grey_case.model.module[3].bias += torch.tensor([13.0, 0.0, 0.0])
    metric = quantus.MonotonicityCorrelation(nr_samples=2, features_in_step=16, disable_warnings=True)
    with pytest.raises(ValueError, match="cannot assign 3 input values"):
        metric(
            model=grey_case.model.module,
            x_batch=grey_case.images.numpy(),
            y_batch=grey_case.targets.numpy(),
            a_batch=grey_case.attributions[:, None].numpy(),
            channel_first=True,
            softmax=True,
        )
    assert monotonicity_nguyen(grey_case, steps=4, samples=2).isfinite().all()


def test_nguyen_knows_how_uncertain_a_linear_model_gets(linear_classifier):
    """Where x_i is uniform in [0, 1] the expected squared loss is w_i² ((x_i − 1/2)² + 1/12)."""
    generator = torch.Generator().manual_seed(3)
    weights, images = torch.randn(1, 6, 6, generator=generator), torch.rand(2, 1, 6, 6, generator=generator)
    truth = (weights.abs() * ((images - 0.5).square() + 1 / 12).sqrt())[:, 0]
    signs = torch.rand(truth.shape, generator=generator).sub(0.5).sign()
    case = Case(linear_classifier(weights), images, torch.zeros(2, dtype=torch.long), truth * signs, Context(seed=0, ids=list("ab")))
    assert (monotonicity_nguyen(case, step=1, samples=200, output="logit") > 0.97).all()
    signed = monotonicity_nguyen(replace(case, memory={}), step=1, samples=200, output="logit", absolute=False)
    assert (signed.abs() < 0.6).all()


def test_nguyen_of_random_maps_is_chance(linear_classifier):
    generator = torch.Generator().manual_seed(1)
    weights, images = torch.randn(1, 8, 8, generator=generator), torch.rand(200, 1, 8, 8, generator=generator)
    maps, ids = torch.randn(200, 8, 8, generator=generator), [str(i) for i in range(200)]
    case = Case(linear_classifier(weights), images, torch.zeros(200, dtype=torch.long), maps, Context(seed=0, ids=ids))
    assert monotonicity_nguyen(case, steps=16, samples=4).mean().abs() < 0.08
