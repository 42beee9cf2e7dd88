"""Rows of a dataset in a model's coordinates."""

from __future__ import annotations

import torch
from torch import nn

from harness.api import Sample, classifier
from harness.worker.samples import collate_samples, prepare_sample


def test_a_mask_has_the_box_round_it_where_no_box_is_given() -> None:
    model = classifier(nn.Sequential(nn.Flatten(), nn.Linear(64, 2)), input_shape=(1, 8, 8))
    image, mask = torch.zeros(1, 16, 16), torch.zeros(16, 16, dtype=torch.bool)
    mask[4:8, 2:12] = True
    given = torch.tensor([[0.0, 0.0, 4.0, 4.0]])
    samples = [Sample(image, 0, "masked", mask), Sample(image, 0, "both", mask, given), Sample(image, 0, "neither")]
    prepared = [prepare_sample(sample, model, None) for sample in samples]
    boxes = collate_samples(prepared).evidence["boxes"]
    assert [box.tolist() for box in boxes] == [[[1, 2, 6, 4]], [[0, 0, 2, 2]], []]
    assert not collate_samples(prepared[2:]).evidence
