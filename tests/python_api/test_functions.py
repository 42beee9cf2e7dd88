"""The Python face beside a run of the same: scores of maps that come from anywhere, and what is not applicable."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn

import harness
from harness.api import Case, Classifier, Context, Explainer, Sample

MODEL = harness.classifier(nn.Sequential(nn.Flatten(), nn.Linear(48, 2)), input_shape=(3, 4, 4))
IMAGES, TARGETS, MAPS = torch.rand(2, 3, 4, 4), torch.tensor([0, 1]), torch.rand(2, 4, 4)


def greatest(case: Case) -> torch.Tensor:
    """The greatest value."""
    return case.attributions.flatten(1).amax(dim=1)


def test_a_function_scores_maps() -> None:
    found = harness.score(harness.metric(greatest), MODEL, IMAGES, TARGETS, MAPS)
    assert found.tolist() == pytest.approx(MAPS.flatten(1).amax(dim=1).tolist())


class Attending(nn.Module):
    """One block of attention over patches: no map of convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.attention = nn.Conv2d(3, 8, 8, stride=8), nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        tokens = self.embedding(images).flatten(2).transpose(1, 2)
        return self.head(self.attention(tokens, tokens, tokens)[0].mean(dim=1))


def smoothed(model: Classifier, images: torch.Tensor, targets: torch.Tensor, *, of: Explainer = "guided-backprop", ctx: Context):  # type: ignore[assignment, no-untyped-def]
    """Another explainer's map."""
    return of(model, images, targets, ctx=ctx).map


def samples() -> list[Sample]:
    """Two samples."""
    return [Sample(torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(i)), i, f"s{i}") for i in range(2)]


LINEAR = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 3))


@pytest.mark.parametrize(
    ("explainer", "network"),
    [
        pytest.param("guided-backprop", LINEAR, id="no activation"),
        pytest.param("grad-cam", Attending(), id="no convolution but the embedding"),
        pytest.param("nested", Attending(), id="inside another"),
    ],
)
def test_what_a_run_says_is_not_applicable_is_not_applicable_here(explainer: str, network: nn.Module, tmp_path: Path) -> None:
    model = harness.classifier(network, input_shape=(3, 16, 16))
    given = smoothed if explainer == "nested" else explainer
    spec = {"name": "x", "datasets": [samples], "models": [model], "explainers": [given], "metrics": ["sparseness"], "nulls": []}
    (reason,) = {failure[-1] for failure in harness.run(spec, store="memory://applicability", out=tmp_path).failures}
    images = torch.rand(2, 3, 16, 16)
    for ask in (
        lambda: harness.attribute(given, model, images, 0),
        lambda: harness.explainer(given)(model, images, 0),
        lambda: harness.score("max-sensitivity", model, images, 0, images[:, 0], explainer=given),
    ):
        with pytest.raises(ValueError, match="is not applicable to this model") as refused:
            ask()
        assert str(refused.value).endswith(reason) and len(reason) > 15


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
