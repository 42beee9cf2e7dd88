"""Scores in Python, of maps that come from anywhere."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import harness
from harness.api import Case

MODEL = harness.classifier(nn.Sequential(nn.Flatten(), nn.Linear(48, 2)), input_shape=(3, 4, 4))
IMAGES, TARGETS, MAPS = torch.rand(2, 3, 4, 4), torch.tensor([0, 1]), torch.rand(2, 4, 4)


def greatest(case: Case) -> torch.Tensor:
    """The greatest value."""
    return case.attributions.flatten(1).amax(dim=1)


def test_a_function_scores_maps() -> None:
    found = harness.score(harness.metric(greatest), MODEL, IMAGES, TARGETS, MAPS)
    assert found.tolist() == pytest.approx(MAPS.flatten(1).amax(dim=1).tolist())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"images": IMAGES[0]}, r"images must be \(B, C, H, W\), not \(3, 4, 4\)"),
        ({"targets": TARGETS[0]}, r"targets must be \(2,\), one class per image, not \(\)"),
        ({"maps": MAPS[:, :3]}, r"maps must be \(2, 4, 4\), at the size of the images, not \(2, 3, 4\)"),
        ({"maps": MAPS[:1]}, r"maps must be \(2, 4, 4\)"),
        ({"masks": MAPS}, r"masks must be bool \(2, 4, 4\), at the size of the images, not torch.float32 \(2, 4, 4\)"),
    ],
)
def test_what_is_no_batch_is_no_case(changes: dict[str, torch.Tensor], said: str) -> None:
    given = {"images": IMAGES, "targets": TARGETS, "maps": MAPS} | changes
    with pytest.raises(ValueError, match=said):
        harness.score(harness.metric(greatest), MODEL, **given)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_values_that_are_not_finite_are_named_by_sample(value: float) -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    model, images, targets = (
        harness.classifier(network, input_shape=(3, 16, 16)),
        torch.rand(4, 3, 16, 16),
        torch.zeros(4, dtype=torch.long),
    )
    maps, broken = torch.rand(4, 16, 16), images.clone()
    maps[2, 0, 0] = broken[1, 0, 0, 0] = value
    names = ["a", "b", "c", "d"]
    with pytest.raises(ValueError, match="the maps are not finite for 1 of 4 samples: number 2"):
        harness.score("deletion", model, images, targets, maps)
    with pytest.raises(ValueError, match="the maps are not finite for 1 of 4 samples: c"):
        harness.score("deletion", model, images, targets, maps, ids=names)
    with pytest.raises(ValueError, match="the images are not finite for 1 of 4 samples: b"):
        harness.score("deletion", model, broken, targets, torch.rand(4, 16, 16), ids=names)
    with pytest.raises(ValueError, match="the images are not finite for 1 of 4 samples: number 1"):
        harness.attribute("saliency", model, broken, targets)

    def spoilt(model: object, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return torch.where(images == images[3], value, images).sum(dim=1)

    with pytest.raises(ValueError, match="the map is not finite for 1 of 4 samples: d"):
        harness.attribute(harness.explainer(spoilt), model, images, targets, ids=names)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_images_of_any_floating_type_have_ids(dtype: torch.dtype) -> None:
    from harness.face import _content

    images = torch.rand(2, 3, 4, 4).to(dtype)
    assert _content(images[0]) == _content(images[0].clone()) != _content(images[1])
