"""Focus: mosaics, the share of the target's quadrants against Quantus, the oracle, chance, and independence of the batch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import quantus
import torch
from harness_metrics.localisation.focus import focus
from harness_metrics.localisation.mosaics import mosaics, quadrants, tiles
from harness_metrics.maps import mass, mass_inside
from torch import nn

from harness.api import Attribution, Case, Context, classifier
from tests.support.cases import selected


class Told:
    """An explainer that returns a function of the images, and keeps what it was given."""

    name, params = "told", {}

    def __init__(self, function):
        self.function, self.images, self.targets = function, None, None

    def __call__(self, model, images, targets, *, ctx):
        self.images, self.targets = images, targets
        return Attribution(self.function(images, targets))


def plain(classes):
    """Images of one grey level each: class k is k + 1."""
    return (torch.as_tensor(classes).float() + 1)[:, None, None, None].expand(-1, 1, 9, 8).clone()


def case_of(explainer, targets, *, training=(0, 0, 0, 1, 1, 2, 2), labels=None, seed=0):
    model = classifier(nn.Sequential(nn.Flatten(), nn.Linear(72, 3)), input_shape=(1, 9, 8))
    labelled = torch.tensor(training)
    ids = [str(i) for i in range(len(targets))]
    ctx = Context(seed=seed, ids=ids, labelled=lambda n: (plain(labelled[:n]), labelled[:n]))
    targets = torch.tensor(targets)
    return Case(
        model, plain(targets if labels is None else labels), targets, torch.ones(len(targets), 9, 8), ctx, explainer=explainer,
        labels=None if labels is None else torch.tensor(labels),
    )  # fmt: skip


def of_target(images, targets):
    return ((images[:, 0] - targets[:, None, None] - 1).abs() < 0.1).float()


def test_a_mosaic_has_two_images_of_the_class_and_two_of_others_in_random_places():
    explainer = Told(of_target)
    focus(case_of(explainer, [0, 1, 2, 0] * 10), samples=3)
    assert explainer.images.shape == (120, 1, 9, 8)
    corners = explainer.images[:, 0, [0, 0, 8, 8], [0, 7, 0, 7]]
    right = (corners - explainer.targets[:, None] - 1).abs() < 0.1
    assert (right.sum(dim=1) == 2).all()
    assert len({tuple(row.tolist()) for row in right}) == 6


def test_the_oracle_reaches_the_bound_its_opposite_the_other_and_chance_is_half():
    targets = [0, 1, 2]
    assert focus(case_of(Told(of_target), targets)).tolist() == [1.0] * 3
    assert focus(case_of(Told(lambda x, t: 1 - of_target(x, t)), targets)).tolist() == [0.0] * 3
    assert focus(case_of(Told(lambda x, t: -of_target(x, t)), targets)).isnan().all()
    generator = torch.Generator().manual_seed(0)
    random = Told(lambda x, t: torch.rand(x[:, 0].shape, generator=generator))
    assert focus(case_of(random, targets * 100)).mean().item() == pytest.approx(0.5, abs=0.02)


def test_the_share_equals_quantus():
    maps = torch.randn(6, 9, 8, generator=torch.Generator().manual_seed(0))
    chosen = torch.tensor([[1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1], [0, 1, 1, 0], [0, 1, 0, 1], [0, 0, 1, 1]]).bool()
    theirs = quantus.Focus(normalise=False, disable_warnings=True)
    expected = [
        theirs(model=nn.Identity(), x_batch=np.zeros((1, 1, 9, 8)), y_batch=np.zeros(1, dtype=int), a_batch=a[None, None].numpy(),
               custom_batch=[tuple(c.int().tolist())])[0]
        for a, c in zip(maps, chosen, strict=True)
    ]  # fmt: skip
    ours = mass_inside(mass(maps, absolute=False), quadrants(chosen, (9, 8)))
    assert ours.tolist() == pytest.approx(expected, rel=1e-5)


def test_a_mosaic_is_four_halved_images_in_reading_order():
    images = torch.rand(4, 3, 9, 8)
    mosaic = mosaics(tiles(images)[None], (9, 8))
    half = nn.functional.interpolate(images, size=(5, 4), mode="bilinear", antialias=True)
    assert torch.equal(mosaic[0, :, :4, :4], half[0][:, :4])
    assert torch.equal(mosaic[0, :, :4, 4:], half[1][:, :4])
    assert torch.equal(mosaic[0, :, 4:, :4], half[2])
    assert torch.equal(mosaic[0, :, 4:, 4:], half[3])


def test_the_sample_is_in_its_mosaics_unless_it_is_of_another_class():
    def mean_of_first_channel(images, targets):
        return images[:, 0]

    inside, outside = Told(mean_of_first_channel), Told(mean_of_first_channel)
    unseen = 50.0
    case = case_of(inside, [0, 0])
    focus(replace(case, images=torch.full_like(case.images, unseen)))
    assert (inside.images > 40).flatten(1).any(dim=1).all()
    case = case_of(outside, [0, 0], labels=[1, 1])
    focus(replace(case, images=torch.full_like(case.images, unseen)))
    assert not (outside.images > 40).any()


def test_too_few_training_images_are_undefined():
    assert focus(case_of(Told(of_target), [0, 1, 2], training=(0, 0, 0, 1))).isnan().tolist() == [True, False, True]
    assert focus(case_of(Told(of_target), [0, 1, 2], training=(0, 0, 1, 1))).isnan().tolist() == [False, False, True]
    few = case_of(Told(of_target), [0, 1], training=(0, 1, 1, 2), labels=[1, 0])
    assert focus(few).isnan().tolist() == [True, False]


def test_a_score_does_not_depend_on_the_batch():
    explainer = Told(lambda x, t: x[:, 0] * torch.linspace(0, 1, 8))
    case = case_of(explainer, [0, 1, 2, 0, 1])
    together = focus(case)
    alone = torch.cat([focus(selected(case, [i])) for i in range(5)])
    torch.testing.assert_close(alone, together)
    torch.testing.assert_close(focus(selected(case, [4, 2, 0])), together[[4, 2, 0]])
    assert together.unique().numel() > 1
