"""The model ``lesions-vgg``: its layout, what it was trained to, and that it looks at the lesions."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from harness_lesions.data import lesions
from harness_lesions.network import NarrowVGG16, folded
from harness_lesions.vgg import WEIGHTS, lesions_vgg
from safetensors.torch import save_file
from torch import Tensor, nn

from harness.api import Classifier

IMAGES = 40


@pytest.fixture(scope="module")
def trained() -> Classifier:
    return lesions_vgg()


@pytest.fixture(scope="module")
def batch(trained: Classifier) -> tuple[Tensor, Tensor, Tensor]:
    """Test images that no training has seen, as model inputs; their labels; their masks."""
    data = lesions(split="test", samples=IMAGES, seed=7)
    samples = [data[i] for i in range(len(data))]
    inputs = torch.stack([trained.preprocess(sample.image) for sample in samples])
    return inputs, torch.tensor([sample.label for sample in samples]), torch.stack([sample.mask for sample in samples])


def test_layout_is_that_of_vgg16(trained: Classifier) -> None:
    kinds = [type(layer) for layer in trained.module.features]
    assert kinds.count(nn.Conv2d) == kinds.count(nn.ReLU) == 13
    assert kinds.count(nn.MaxPool2d) == 5
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in trained.module.modules())
    assert trained.family == "vgg"
    assert trained.input_shape == (3, 96, 96)
    assert trained.class_names == ["regular", "irregular"]
    convolutions = [name for name, layer in trained.module.named_modules() if isinstance(layer, nn.Conv2d)]
    assert isinstance(trained.layer(trained.cam_layer), nn.ReLU)
    assert int(trained.cam_layer.split(".")[1]) == int(convolutions[-1].split(".")[1]) + 1


def test_accuracy_on_images_of_another_seed(trained: Classifier, batch: tuple[Tensor, Tensor, Tensor]) -> None:
    inputs, labels, _ = batch
    with torch.no_grad():
        assert (trained(inputs).argmax(1) == labels).float().mean() >= 0.95


def test_the_training_record_is_that_of_the_shipped_weights() -> None:
    record = json.loads(WEIGHTS.with_suffix(".json").read_text(encoding="utf-8"))
    assert record["sha256"] == hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
    assert record["accuracy"]["test"] >= 0.95
    assert record["parameters"] == sum(p.numel() for p in NarrowVGG16().parameters())
    assert len(record["curve"]) == record["recipe"]["epochs"]
    assert WEIGHTS.stat().st_size < 2 * 2**20


def precision(heat: Tensor, masks: Tensor) -> float:
    """Of the hottest pixels ``(B, H, W)``, as many as the mask has, the share that lies in the mask."""
    pairs = zip(heat.flatten(1), masks.flatten(1), strict=True)
    return float(torch.stack([mask[row.topk(int(mask.sum())).indices].float().mean() for row, mask in pairs]).mean())


def test_it_looks_at_the_lesions(trained: Classifier, batch: tuple[Tensor, Tensor, Tensor]) -> None:
    """Far more than chance of the hottest pixels of |gradient × input| and, at its coarser resolution, of Grad-CAM are lesions."""
    inputs, labels, masks = batch
    kept: list[Tensor] = []
    hook = trained.layer(trained.cam_layer).register_forward_hook(lambda module, taken, given: kept.append(given))
    images = inputs.clone().requires_grad_(True)
    logits = trained(images).gather(1, labels[:, None]).sum()
    hook.remove()
    gradient, slopes = torch.autograd.grad(logits, [images, kept[0]])
    cam = (slopes.mean(dim=(2, 3), keepdim=True) * kept[0]).sum(1, keepdim=True).relu()
    chance = float(masks.float().mean())
    assert precision((gradient * inputs).sum(1).abs(), masks) > 8 * chance
    assert precision(nn.functional.interpolate(cam, size=masks.shape[1:], mode="bilinear")[:, 0], masks) > 2 * chance


def test_without_lesions_it_cannot_tell(trained: Classifier) -> None:
    data = lesions(split="test", samples=IMAGES, seed=7)
    backgrounds = torch.stack([trained.preprocess(torch.from_numpy(data.layers(i)[0])[None]) for i in range(IMAGES)])
    with torch.no_grad():
        right = (trained(backgrounds).argmax(1) == torch.arange(IMAGES) % 2).float().mean()
    assert 0.25 <= right <= 0.75


def test_untrained_weights_follow_the_seed(batch: tuple[Tensor, Tensor, Tensor]) -> None:
    first, again, other = (lesions_vgg(pretrained=False, seed=seed) for seed in (1, 1, 2))
    assert first.digest == again.digest != other.digest
    with torch.no_grad():
        assert first(batch[0]).isfinite().all()


def test_making_a_model_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    lesions_vgg(pretrained=False, seed=3)
    assert torch.equal(before, torch.get_rng_state())


def test_folding_changes_no_logit() -> None:
    torch.manual_seed(0)
    network = NarrowVGG16(batch_norm=True)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 2)
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias)
    images = torch.randn(4, 3, 64, 64)
    network.eval()
    with torch.no_grad():
        torch.testing.assert_close(folded(network)(images), network(images), rtol=1e-4, atol=1e-4)


def test_a_checkpoint_of_ones_own(tmp_path: Path) -> None:
    torch.manual_seed(5)
    network = NarrowVGG16().eval()
    save_file(network.state_dict(), tmp_path / "own.safetensors", metadata={"size": "64"})
    own = lesions_vgg(weights=tmp_path / "own.safetensors")
    images = torch.randn(2, 3, 64, 64)
    assert own.input_shape == (3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(own(images), network(images))


def test_checkpoints_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no file"):
        lesions_vgg(weights=tmp_path / "none.safetensors")
    (tmp_path / "text.safetensors").write_text("no weights")
    with pytest.raises(ValueError, match="cannot be read as safetensors"):
        lesions_vgg(weights=tmp_path / "text.safetensors")
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="not a checkpoint of lesions-vgg"):
        lesions_vgg(weights=tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="pretrained is false"):
        lesions_vgg(pretrained=False, weights=WEIGHTS)


def test_a_checkpoint_with_normalisations_is_folded(tmp_path: Path) -> None:
    """As the store has what the recipe trains."""
    torch.manual_seed(6)
    network = NarrowVGG16(batch_norm=True).eval()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 2)
    save_file(network.state_dict(), tmp_path / "normalised.safetensors")
    made = lesions_vgg(weights=tmp_path / "normalised.safetensors", size=64)
    images = torch.randn(2, 3, 64, 64)
    assert (made.input_shape, made.cam_layer) == ((3, 64, 64), "features.29")
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in made.module.modules())
    with torch.no_grad():
        torch.testing.assert_close(made(images), network(images), rtol=1e-4, atol=1e-4)


def test_the_network_that_is_trained_has_normalisations() -> None:
    made = lesions_vgg(pretrained=False, batch_norm=True)
    kinds = [type(layer) for layer in made.module.features]
    assert kinds.count(nn.Conv2d) == kinds.count(nn.BatchNorm2d) == 13
    assert isinstance(made.layer(made.cam_layer), nn.ReLU)
    assert made.cam_layer == "features.42"
    with pytest.raises(ValueError, match="batch_norm: is for training"):
        lesions_vgg(batch_norm=True)


@pytest.mark.slow
def test_full_size_images_go_to_a_torchvision_vgg16() -> None:
    from torchvision.models import vgg16

    from harness.api import classifier

    torch.manual_seed(0)
    model = classifier(vgg16(weights=None, num_classes=2), input_shape=(3, 224, 224), mean=[0.22] * 3, std=[0.22] * 3, family="vgg")
    sample = lesions(samples=1, size=270, scale=2)[0]
    mask = model.geometry.mask(sample.mask)
    assert model.preprocess(sample.image).shape == (3, 224, 224)
    assert mask.sum().item() == pytest.approx(sample.mask.sum().item() * (224 / 270) ** 2, rel=0.03)
    with torch.no_grad():
        assert model(model.preprocess(sample.image)[None]).shape == (1, 2)
