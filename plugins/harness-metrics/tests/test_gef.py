"""Generalised explanation faithfulness against brute force, in closed form, and how the greatest noise is found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from harness_metrics.faithfulness.gef import deviations, gef, gef_passes, randomising_deviation
from scipy.stats import spearmanr

from harness.api import Attribution
from harness.api.declarations import declaration_of, resolve_declared_fields
from harness.api.network_copies import noisy_networks

OPTIONS = {"levels": 4, "draws": 3, "greatest": 0.6}


class Told:
    """An explainer that returns a function of the logits, and counts what it explains."""

    name, params = "told", {}

    def __init__(self, function):
        self.function, self.explained = function, 0

    def __call__(self, model, images, targets, *, ctx):
        self.explained += len(images)
        return Attribution(self.function(model(images).gather(1, targets[:, None])[:, 0], images))


def explained_by(case, function):
    explainer = Told(function)
    maps = explainer(case.model, case.images, case.targets, ctx=case.ctx).map.detach()
    return replace(case, explainer=Told(function), attributions=maps, memory={})


def turned(logit, images):
    """A map that turns by an angle that is the logit's: its distance is a monotonic function of how far that moves."""
    pattern = torch.stack([logit.cos(), logit.sin()], dim=1)[:, :, None]
    return pattern.expand(-1, 2, 20).contiguous()


def test_it_is_the_mean_rank_correlation_of_the_two_distortions(cnn_case):
    """Network by network and sample by sample, by scipy."""
    path = np.linspace(1e-3, 0.6, 4)
    networks = noisy_networks(cnn_case.model, [*path] * 3, cnn_case.ctx.fresh("noise on weights"))
    rows = torch.arange(5)
    before = cnn_case.predict(cnn_case.images)[rows, cnn_case.targets]
    own = cnn_case.attributions.double().numpy()
    model_distortions, map_distortions = [], []
    for noisy in networks:
        model_distortions.append((cnn_case.predict(cnn_case.images, model=noisy)[rows, cnn_case.targets] - before).abs().numpy())
        other = cnn_case.explain(model=noisy).double().numpy()
        scaled = [maps / np.sqrt((maps**2).mean(axis=(1, 2), keepdims=True)) for maps in (own, other)]
        map_distortions.append([np.linalg.norm((a - b).ravel()) for a, b in zip(*scaled, strict=True)])
    changed, moved = (np.array(values).reshape(3, 4, 5) for values in (model_distortions, map_distortions))
    expected = [np.mean([spearmanr(changed[d, :, i], moved[d, :, i]).statistic for d in range(3)]) for i in range(5)]
    assert gef(cnn_case, **OPTIONS).tolist() == pytest.approx(expected, abs=1e-6)
    assert len(set(expected)) > 1


def test_a_map_that_moves_as_the_output_does_is_perfect_and_one_that_moves_the_other_way_is_not(cnn_case):
    assert gef(explained_by(cnn_case, turned), **OPTIONS).tolist() == pytest.approx([1.0] * 5)
    own = cnn_case.predict(cnn_case.images).gather(1, cnn_case.targets[:, None])[:, 0]

    def opposed(logit, images):
        """The further the logit has moved, the nearer the map is to what it was."""
        distance = (logit - own).abs()
        return turned(torch.where(distance == 0, 0, 1 / (1 + distance)), images)

    assert gef(explained_by(cnn_case, opposed), **OPTIONS).tolist() == pytest.approx([-1.0] * 5)


def test_maps_that_say_nothing_or_look_at_no_weights_are_undefined(cnn_case):
    assert gef(explained_by(cnn_case, lambda logit, images: images.sum(dim=1)), **OPTIONS).isnan().all()
    assert gef(explained_by(cnn_case, lambda logit, images: torch.zeros_like(images[:, 0])), **OPTIONS).isnan().all()


def test_it_explains_as_often_as_it_says_and_shares_what_no_map_decides(cnn_case):
    case, asked = explained_by(cnn_case, turned), []

    def forward(model, inputs):
        asked.append(len(inputs))
        with torch.no_grad():
            return model(inputs)

    case.forward = forward
    gef(case, **OPTIONS)
    assert case.explainer.explained == 5 * gef_passes(OPTIONS) == 5 * 12
    assert sum(asked) == 5 * 13
    gef(replace(case, attributions=case.attributions.flip(1), memory={}), **OPTIONS)
    assert sum(asked) == 5 * 13


def test_levels_are_those_of_the_authors():
    assert deviations(1.0, 5) == pytest.approx(np.linspace(1e-3, 1.0, 5).tolist())


def test_the_greatest_noise_is_that_under_which_the_model_answers_at_random(cnn_case):
    deviation = randomising_deviation(cnn_case, 30)
    assert 0.2 <= deviation <= 2.0
    images = cnn_case.ctx.background(30)
    classes = cnn_case.predict(images).argmax(dim=1)

    def kept(size):
        networks = noisy_networks(cnn_case.model, [size] * 40, cnn_case.ctx.fresh("another"))
        return float(np.mean([(cnn_case.predict(images, model=noisy).argmax(dim=1) == classes).float().mean() for noisy in networks]))

    assert kept(0.01) > kept(deviation)
    found = gef(cnn_case, levels=4, draws=3, training=30)
    torch.testing.assert_close(found, gef(replace(cnn_case, memory={}), levels=4, draws=3, greatest=deviation))


def test_training_images_are_needed_where_the_greatest_noise_is_not_given():
    declared = declaration_of(gef, "metrics").to_json()
    assert resolve_declared_fields(declared, {"greatest": None})["needs"] == ["explainer", "training-data"]
    assert resolve_declared_fields(declared, {"greatest": 0.5})["needs"] == ["explainer"]


def test_the_model_stays_as_it_was(cnn_case):
    before = [tensor.clone() for tensor in cnn_case.model.module.state_dict().values()]
    gef(cnn_case, **OPTIONS)
    assert all(map(torch.equal, before, cnn_case.model.module.state_dict().values()))
