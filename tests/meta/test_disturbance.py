"""Disturbances are of the scale they say, the same every time, and leave what they are made of alone; the oracle knows its masks."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from harness.api import Classifier, Context, classifier
from harness.meta.oracle import maps_from_masks
from harness.planning.variants import Variant
from harness.worker.batching import Batching
from harness.worker.samples import SampleBatch
from harness.worker.variants import alter_images, alter_model, oracle_explainer

WEIGHTS, INPUTS = Variant("weights", "minor", 0.5, 1), Variant("inputs", "minor", 0.1, 1)
IDS = ["a", "b", "c"]


def network(**changes: object) -> Classifier:
    module = nn.Sequential(nn.Conv2d(3, 64, 3, bias=False), nn.BatchNorm2d(64), nn.Flatten(), nn.Linear(64 * 36, 5))
    return classifier(module, input_shape=(3, 8, 8), **changes)  # type: ignore[arg-type]


@pytest.fixture
def model() -> Classifier:
    torch.manual_seed(0)
    return network(mean=[0.5] * 3, std=[0.25, 0.5, 1.0])


@pytest.fixture
def images() -> Tensor:
    return torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(1)) - 0.5


def ratios(model: Classifier, variant: Variant) -> Tensor:
    before = model.module[3].weight.clone()  # type: ignore[index, operator, union-attr]
    copied = alter_model(model, variant)
    assert torch.equal(model.module[3].weight, before), "the model is left as it was"  # type: ignore[index, arg-type]
    return torch.as_tensor(copied.module[3].weight / before).flatten()  # type: ignore[index, operator]


def test_weights_are_multiplied_by_a_gaussian_around_one(model: Classifier) -> None:
    found = ratios(model, WEIGHTS)
    assert float(found.mean()) == pytest.approx(1, abs=0.03)
    assert float(found.std()) == pytest.approx(0.5, abs=0.03)


def test_a_draw_of_weights_is_always_the_same_and_no_other(model: Classifier) -> None:
    assert torch.equal(ratios(model, WEIGHTS), ratios(model, WEIGHTS))
    assert not torch.equal(ratios(model, WEIGHTS), ratios(model, replace(WEIGHTS, repeat=2)))
    assert not torch.equal(ratios(model, WEIGHTS), ratios(model, replace(WEIGHTS, seed=1)))


def test_buffers_stay_and_the_copy_is_frozen_as_the_model_is(model: Classifier) -> None:
    copied = alter_model(model, WEIGHTS)
    assert all(torch.equal(a, b) for a, b in zip(model.module.buffers(), copied.module.buffers(), strict=True))
    assert not any(parameter.requires_grad for parameter in copied.module.parameters())
    assert not copied.module.training
    assert copied.digest != model.digest


def test_inputs_move_by_up_to_the_scale_times_their_range(model: Classifier, images: Tensor) -> None:
    moved = (alter_images(images * 0, IDS, model, INPUTS)).abs().amax(dim=(0, 2, 3))
    assert moved == pytest.approx(torch.tensor([0.4, 0.2, 0.1]), rel=0.05)  # 0.1 of 4, 2 and 1
    assert (moved <= torch.tensor([0.4, 0.2, 0.1]) + 1e-6).all()


def test_inputs_stay_in_their_bounds(model: Classifier, images: Tensor) -> None:
    low, high = model.bounds or pytest.fail("the model has bounds")
    far = alter_images(images, IDS, model, replace(INPUTS, scale=5.0))
    assert ((far >= low) & (far <= high)).all()
    assert float(((far == low) | (far == high)).float().mean()) > 0.8


def test_without_bounds_the_range_is_each_images_own(images: Tensor) -> None:
    scaled = images * torch.tensor([1.0, 10.0, 100.0]).view(3, 1, 1, 1)
    far = alter_images(scaled, IDS, network(), replace(INPUTS, scale=5.0))
    assert torch.equal(far.amax(dim=(1, 2, 3)), scaled.amax(dim=(1, 2, 3)))
    assert torch.equal(far.amin(dim=(1, 2, 3)), scaled.amin(dim=(1, 2, 3)))


def test_the_noise_of_a_sample_depends_on_no_neighbour(model: Classifier, images: Tensor) -> None:
    whole = alter_images(images, IDS, model, INPUTS)
    assert torch.equal(alter_images(images[1:2], IDS[1:2], model, INPUTS), whole[1:2])
    assert not torch.equal(alter_images(images, IDS, model, replace(INPUTS, repeat=2)), whole)


def test_the_oracle_is_positive_inside_and_nothing_outside() -> None:
    masks = torch.zeros(2, 9, 9, dtype=torch.bool)
    masks[0, 2:7, 2:7] = True
    masks[1, 0, 0] = True
    maps = maps_from_masks(masks)
    assert torch.equal(maps > 0, masks)
    assert maps[0].argmax() == 4 * 9 + 4, "the middle of the mask is the highest"
    assert not maps_from_masks(torch.zeros(1, 9, 9)).any()


def test_the_oracle_finds_its_samples_by_their_ids(model: Classifier, images: Tensor) -> None:
    masks = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(2)) > 0.5
    samples = SampleBatch(IDS, images, torch.zeros(3, dtype=torch.long), {"mask": masks})
    explainer = oracle_explainer(samples, Batching(start=2, limit=2))
    context = Context(0, IDS).select([2, 0, 0, 1])
    found = explainer(model, images[[2, 0, 0, 1]] + 1, torch.zeros(4, dtype=torch.long), ctx=context).map
    assert torch.equal(found, maps_from_masks(masks)[[2, 0, 0, 1]])


def test_samples_without_any_mask_have_empty_truth(model: Classifier, images: Tensor) -> None:
    samples = SampleBatch(IDS, images, torch.zeros(3, dtype=torch.long), {})
    found = oracle_explainer(samples, Batching())(model, images, torch.zeros(3, dtype=torch.long), ctx=Context(0, IDS))
    assert not found.map.any()


def test_the_oracle_knows_nothing_of_images_that_are_not_its_samples(model: Classifier, images: Tensor) -> None:
    samples = SampleBatch(IDS, images, torch.zeros(3, dtype=torch.long), {"mask": torch.ones(3, 8, 8, dtype=torch.bool)})
    others = Context(0, ["training image 0", "b"])
    found = oracle_explainer(samples, Batching())(model, images[:2], torch.zeros(2, dtype=torch.long), ctx=others).map
    assert not found[0].any() and found[1].all()
