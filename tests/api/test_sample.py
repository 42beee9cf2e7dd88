"""What a sample is made of: taken where it is clear, else one sentence."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.api import Sample

IMAGE = torch.rand(3, 4, 5)


@pytest.mark.parametrize("label", [2, 2.0, np.int64(2), np.float32(2), np.array([2]), torch.tensor(2), torch.tensor([2.0])])
def test_a_label_is_a_whole_number_of_any_type(label: object) -> None:
    found = Sample(IMAGE, label, "a")  # type: ignore[arg-type]
    assert type(found.label) is int and found.label == 2
    assert found.digest == Sample(IMAGE, 2, "a").digest


@pytest.mark.parametrize(
    "label", [2.7, float("nan"), float("inf"), "cat", "2", None, torch.tensor([0, 1]), np.array([0.5]), torch.tensor(0.5)]
)
def test_what_is_no_whole_number_is_no_label(label: object) -> None:
    with pytest.raises(ValueError, match="sample a: label must be a whole number, the index of its class, not "):
        Sample(IMAGE, label, "a")  # type: ignore[arg-type]


def test_an_id_is_a_text_or_a_whole_number() -> None:
    assert [Sample(IMAGE, 0, id).id for id in (7, np.int64(7), torch.tensor(7), "7")] == ["7"] * 4  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="the id of a sample must be a string, not tuple"):
        Sample(IMAGE, 0, ("a", 1))  # type: ignore[arg-type]


def test_arrays_are_no_masks_and_are_called_what_they_are() -> None:
    with pytest.raises(ValueError, match=r"mask must be a torch tensor \(H, W\), not ndarray"):
        Sample(IMAGE, 0, "a", np.ones((4, 5), dtype=bool))  # type: ignore[arg-type]


def test_an_image_has_no_part_in_anybodys_gradients() -> None:
    assert not Sample(IMAGE.clone().requires_grad_(), 0, "a").image.requires_grad
