"""Scores in Python, of maps that come from anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
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


def trained(path: Path, seed: int) -> torch.Tensor:
    torch.manual_seed(seed)
    network = nn.Linear(48, 2)
    torch.save(network.state_dict(), path)
    return network.weight.detach()


def test_a_checkpoint_saved_again_is_loaded_again(tmp_path: Path) -> None:
    """Whether a parameter names it or the function opens it by itself, and whatever the session has made before."""
    path = tmp_path / "best.pt"

    def opened() -> harness.api.Classifier:
        network = nn.Sequential(nn.Flatten(), nn.Linear(48, 2))
        network[1].load_state_dict(torch.load(path))
        return harness.classifier(network, input_shape=(3, 4, 4))

    def named(*, weights: str) -> harness.api.Classifier:
        network = nn.Sequential(nn.Flatten(), nn.Linear(48, 2))
        network[1].load_state_dict(torch.load(weights))
        return harness.classifier(network, input_shape=(3, 4, 4))

    for seed in (1, 2):
        weight = trained(path, seed)
        for model in (harness.model(opened), harness.model(named, weights=str(path))):
            assert torch.equal(dict(model.module.named_parameters())["1.weight"], weight)
    assert harness.model(named, weights=str(path)) is harness.model(named, weights=str(path)), "what has not changed is kept"


def test_a_folder_with_new_images_is_another_dataset(tmp_path: Path) -> None:
    def picture(name: str) -> None:
        Image.new("RGB", (4, 4)).save(tmp_path / "a" / name)

    (tmp_path / "a").mkdir()
    picture("1.png")
    assert len(harness.dataset("image-folder", root=str(tmp_path))) == 1
    picture("2.png")
    assert len(harness.dataset("image-folder", root=str(tmp_path))) == 2


def test_an_explainer_whose_file_has_changed_is_made_again(tmp_path: Path) -> None:
    class Weighted:
        def __init__(self) -> None:
            self.factor = float((tmp_path / "factor").read_text())

        def __call__(self, model: harness.api.Classifier, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            return images.sum(dim=1) * self.factor

    for factor in (1.0, 2.0):
        (tmp_path / "factor").write_text(str(factor))
        maps = harness.attribute(harness.explainer(Weighted), MODEL, IMAGES, TARGETS)
        assert torch.allclose(maps, IMAGES.sum(dim=1) * factor)
