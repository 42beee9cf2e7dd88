"""Sufficiency: closed forms, and how Quantus's depends on the batch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import quantus
import torch
from harness_metrics.faithfulness.sufficiency import sufficiency

from harness.api import Attribution
from harness.api.context import NoTrainingData
from tests.support.cases import selected


class ByTarget:
    """A map that says which class is meant: one bright row per class."""

    def __call__(self, model, images, targets, *, ctx):
        maps = torch.full((len(images), 20, 20), 0.01)
        maps[torch.arange(len(images)), targets] = 1.0
        return Attribution(maps)


class Noise:
    """A map that says nothing, from the sample's own stream."""

    def __call__(self, model, images, targets, *, ctx):
        return Attribution(ctx.noise((20, 20)))


@pytest.fixture
def varied_case(cnn_case):
    """The small network with class biases that make its predictions of the training images vary."""
    images = cnn_case.ctx.background(30)
    with torch.no_grad():
        last = cnn_case.model.module[4]
        last.bias -= cnn_case.model(images).median(dim=0).values
    predicted = cnn_case.model(images).argmax(dim=1)
    assert len(predicted.unique()) >= 3
    common = predicted.bincount().argmax()
    return replace(cnn_case, targets=torch.full((5,), int(common)), memory={}), predicted


def explained(case, explainer):
    maps = explainer(case.model, case.images, case.targets, ctx=case.explaining or case.ctx).map
    return replace(case, explainer=explainer, attributions=maps, memory={})


@pytest.mark.parametrize("similarity", ["cosine", "pearson", "spearman"])
def test_maps_that_tell_the_class_suffice(similarity, varied_case):
    case, predicted = varied_case
    count = int((predicted == case.targets[0]).sum())
    told = explained(case, ByTarget())
    assert sufficiency(told, samples=30, neighbours=count, similarity=similarity).tolist() == [1.0] * 5
    more = sufficiency(told, samples=30, neighbours=count + 3, similarity=similarity)
    assert more.tolist() == pytest.approx([count / (count + 3)] * 5)


def test_absolute_values_suffice_where_only_signs_differ(varied_case):
    case, predicted = varied_case
    count = int((predicted == case.targets[0]).sum())

    class Signed(ByTarget):
        def __call__(self, model, images, targets, *, ctx):
            bright = images.mean(dim=(1, 2, 3)) > case.images.mean()
            return Attribution(super().__call__(model, images, targets, ctx=ctx).map * torch.where(bright, 1, -1)[:, None, None])

    told = explained(case, Signed())
    assert sufficiency(told, samples=30, neighbours=count, absolute=True).tolist() == [1.0] * 5
    assert (sufficiency(told, samples=30, neighbours=count) < 1).all()


def test_maps_that_say_nothing_score_the_share_of_the_class(varied_case):
    case, predicted = varied_case
    share = (predicted == case.targets[0]).double().mean().item()
    assert sufficiency(explained(case, Noise()), samples=30, neighbours=30).tolist() == pytest.approx([share] * 5)
    scores = [sufficiency(explained(replace(case, ctx=replace(case.ctx, seed=s)), Noise()), samples=30, neighbours=5) for s in range(20)]
    assert torch.stack(scores).mean().item() == pytest.approx(share, abs=0.08)


def test_a_sample_is_not_its_own_neighbour(varied_case):
    case, predicted = varied_case
    training = case.ctx.background(30)
    own = explained(replace(case, images=training[:5].clone(), targets=predicted[:5].clone()), ByTarget())
    others = torch.stack([(predicted == predicted[i]).sum() - 1 for i in range(5)])
    torch.testing.assert_close(sufficiency(own, samples=30, neighbours=29), others.double() / 29)
    assert sufficiency(own, samples=30, neighbours=30).isnan().all()


def test_a_random_explainer_of_training_images_does_not_depend_on_the_batch(varied_case):
    case = explained(varied_case[0], Noise())
    together = sufficiency(case, samples=30)
    alone = torch.cat([sufficiency(selected(case, [i]), samples=30) for i in range(5)])
    assert torch.equal(alone, together)


def test_quantus_scores_a_sample_by_what_else_is_in_the_batch(varied_case):
    """Near is within 0.6 of the batch's largest distance, so that one distant map brings the others together."""
    case, predicted = varied_case
    assert predicted[:4].tolist() == [1, 3, 1, 1]
    maps = torch.tensor([1.0, 2.0, 3.0, 11.0, 21.0])[:, None, None, None] * torch.rand(
        1, 20, 20, generator=torch.Generator().manual_seed(0)
    )
    images = case.ctx.background(5)

    def theirs(count):
        metric = quantus.Sufficiency(disable_warnings=True, return_aggregate=False)
        scores = metric(
            model=case.model.module,
            x_batch=images[:count].numpy(),
            y_batch=predicted[:count].numpy(),
            a_batch=maps[:count].numpy(),
            channel_first=True,
        )
        return float(np.ravel(scores)[0])

    assert theirs(3) == 0.0
    assert theirs(5) == pytest.approx(2 / 3)


def test_a_map_without_direction_is_undefined(cnn_case):
    zero = replace(cnn_case, attributions=torch.zeros(5, 20, 20), memory={})
    constant = replace(cnn_case, attributions=torch.ones(5, 20, 20), memory={})
    assert sufficiency(zero, samples=30).isnan().all()
    assert sufficiency(constant, samples=30).isfinite().all()
    assert sufficiency(replace(constant, memory={}), samples=30, similarity="pearson").isnan().all()


def test_what_is_missing_is_said(cnn_case):
    with pytest.raises(NoTrainingData):
        sufficiency(replace(cnn_case, ctx=replace(cnn_case.ctx, training=None), memory={}))
    with pytest.raises(ValueError, match="10 neighbours of 5 training images"):
        sufficiency(cnn_case, samples=5)
