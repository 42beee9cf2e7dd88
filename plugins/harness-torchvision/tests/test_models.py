from __future__ import annotations

import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from harness_torchvision.calibration import noise_of_all_scales
from harness_torchvision.checkpoints import head_of
from harness_torchvision.families import ARCHITECTURES, AUXILIARY, CAM_LAYERS, cam_layer_of, family_of
from harness_torchvision.models import published, torchvision_classifier, without_auxiliary_heads
from harness_torchvision.transforms import preprocessing
from PIL import Image
from safetensors.torch import save_file
from torch import nn
from torchvision import models
from torchvision.models.regnet import BlockParams
from torchvision.transforms.functional import pil_to_tensor

from harness.api import Classifier
from harness.api.autograd_graph import trace_autograd
from harness.api.feature_maps import last_feature_map
from harness.api.preparation import added_modules

# A representative of each family, at a size that leaves a grid of positions, and the number of channels of its last feature map.
REPRESENTATIVES = {
    "alexnet": ("alexnet", 96, 256),
    "convnext": ("convnext_tiny", 64, 768),
    "densenet": ("densenet121", 64, 1024),
    "efficientnet": ("efficientnet_b0", 64, 1280),
    "googlenet": ("googlenet", 64, 1024),
    "inception": ("inception_v3", 128, 2048),
    "maxvit": ("maxvit_t", 224, 512),
    "mnasnet": ("mnasnet0_5", 64, 1280),
    "mobilenet": ("mobilenet_v3_small", 64, 576),
    "regnet": ("regnet_x_400mf", 64, 400),
    "resnet": ("resnet18", 64, 512),
    "shufflenet": ("shufflenet_v2_x0_5", 64, 1024),
    "squeezenet": ("squeezenet1_1", 64, 512),
    "swin": ("swin_t", 64, 768),
    "vgg": ("vgg11_bn", 64, 512),
    "vit": ("vit_b_32", 64, 768),
}


def small(**options: Any) -> Classifier:
    return torchvision_classifier(arch="squeezenet1_1", input_size=64, **options)


def trained(arch: str, num_classes: int, seed: int = 7, **options: Any) -> nn.Module:
    torch.manual_seed(seed)
    return models.get_model(arch, weights=None, num_classes=num_classes, **options).eval()


def logits(module: nn.Module, images: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return module(images)


@pytest.fixture
def skeletons(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], nn.Module]:
    """Builds modules without the memory of their weights; the widths of RegNet are computed by tensors, which need some."""
    widths = BlockParams.from_init_params

    def on_cpu(**options: Any) -> BlockParams:
        with torch.device("cpu"):
            return widths(**options)

    monkeypatch.setattr(BlockParams, "from_init_params", on_cpu)

    def build(arch: str) -> nn.Module:
        options = {"init_weights": False} if family_of(arch) in AUXILIARY else {}
        with torch.device("meta"):
            return without_auxiliary_heads(arch, models.get_model(arch, weights=None, num_classes=11, **options))

    return build


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_architecture_has_a_family_a_cam_layer_and_a_head(arch: str, skeletons: Callable[[str], nn.Module]) -> None:
    module = skeletons(arch)
    assert family_of(arch) in CAM_LAYERS
    assert module.get_submodule(cam_layer_of(arch, module) or "") is not module
    assert len(module.get_submodule(head_of(module)).weight) == 11


def test_every_family_has_a_representative() -> None:
    assert REPRESENTATIVES.keys() == CAM_LAYERS.keys()


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(REPRESENTATIVES))
def test_the_cam_layer_is_the_last_map_with_positions(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness_torchvision.models.NOISE_PIXELS", 0)  # batch normalisation is calibrated on the fewest images
    arch, size, channels = REPRESENTATIVES[family]
    model = torchvision_classifier(arch=arch, num_classes=5, input_size=size)
    assert model.family == family and model.num_classes == 5
    seen: list[tuple[int, ...]] = []
    others: list[torch.Tensor] = []
    model.layer(model.cam_layer).register_forward_hook(lambda module, args, output: seen.append(tuple(output.shape)))
    values = logits(model.module, torch.rand(2, *model.input_shape))
    assert values.std(dim=1).min() > 0 and (values[0] - values[1]).abs().max() > 1e-4
    (shape,) = seen
    found = last_feature_map(trace_autograd(model, model.module, torch.rand(1, *model.input_shape)), added_modules(model.module))
    assert (found is None) == (family == "vit")
    if found is not None:  # without being told: the same tensor, whatever it is named by
        model.layer(found.name).register_forward_hook(lambda module, args, output: others.append(output))
        model.layer(model.cam_layer).register_forward_hook(lambda module, args, output: others.append(output))
        logits(model.module, torch.rand(1, *model.input_shape))
        assert torch.equal(*others)
    if family == "vit":
        assert shape == (2, 1 + (size // 32) ** 2, channels)
    else:
        assert shape[:2] == (2, channels) and min(shape[2:]) > 1


def test_random_weights_are_a_function_of_the_seed() -> None:
    assert small(seed=1).digest == small(seed=1).digest != small(seed=2).digest
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    small(seed=3)
    assert torch.equal(torch.rand(1), expected)


def test_random_weights_are_torchvision_s_own() -> None:
    torch.manual_seed(4)
    theirs = dict(models.resnet18(weights=None, num_classes=3).named_parameters())
    ours = torchvision_classifier(arch="resnet18", num_classes=3, input_size=64, seed=4)
    assert all(torch.equal(parameter, theirs[name]) for name, parameter in ours.module.named_parameters())


def test_statistics_of_untrained_networks_are_those_of_noise() -> None:
    model = torchvision_classifier(arch="resnet18", num_classes=3, input_size=64)
    seen: list[torch.Tensor] = []
    model.layer("layer4.1.bn2").register_forward_hook(lambda module, args, output: seen.append(output))
    torch.manual_seed(0)
    logits(model.module, noise_of_all_scales(8, 64))
    assert seen[0].mean().abs() < 0.2 and 0.5 < seen[0].std() < 2


@pytest.mark.parametrize("arch", ["efficientnet_v2_s", "googlenet", "resnet50"])
def test_untrained_networks_neither_explode_nor_ignore_their_image(arch: str) -> None:
    model = torchvision_classifier(arch=arch, num_classes=4, input_size=64)
    torch.manual_seed(1)
    values = logits(model.module, noise_of_all_scales(4, 64))
    assert values.abs().max() < 100
    assert values.std(dim=0).max() > 1e-3


def test_noise_has_variance_one_and_power_at_all_scales() -> None:
    torch.manual_seed(0)
    noise = noise_of_all_scales(400, 16)
    assert noise.var().item() == pytest.approx(1, abs=0.05)
    for pool in (1, 2, 4, 8, 16):
        kept = [min(1.0, (cell / pool) ** 2) for cell in (16, 8, 4, 2, 1)]
        assert torch.nn.functional.avg_pool2d(noise, pool).var().item() == pytest.approx(sum(kept) / 5, abs=0.05)


def test_a_head_that_starts_at_zero_is_drawn() -> None:
    """Torchvision's ViT has equal logits for every image before it is trained."""
    model = torchvision_classifier(arch="vit_b_32", num_classes=4, input_size=64)
    assert logits(model.module, torch.rand(1, 3, 64, 64)).std() > 0.01


@pytest.mark.parametrize("arch", ["googlenet", "inception_v3"])
def test_auxiliary_heads_are_gone(arch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness_torchvision.models.NOISE_PIXELS", 0)
    model = torchvision_classifier(arch=arch, num_classes=4, input_size=96)
    assert not [name for name in model.layers if name.lower().startswith("aux")]
    assert logits(model.module, torch.rand(1, 3, 96, 96)).shape == (1, 4)


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
def test_a_checkpoint_gives_its_own_logits_and_number_of_classes(tmp_path: Path, suffix: str) -> None:
    theirs = trained("resnet18", 7)
    path = tmp_path / f"mine{suffix}"
    save_file(theirs.state_dict(), path) if suffix == ".safetensors" else torch.save(theirs.state_dict(), path)
    images = torch.rand(2, 3, 64, 64)
    model = torchvision_classifier(arch="resnet18", weights=str(path), input_size=64)
    assert model.num_classes == 7
    assert torch.equal(logits(model.module, images), logits(theirs, images))


def test_a_wrapped_checkpoint_of_parallel_training_loads(tmp_path: Path) -> None:
    theirs = trained("squeezenet1_1", 3)
    state = {f"module.{name}": tensor for name, tensor in theirs.state_dict().items()}
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "last.ckpt")
    images = torch.rand(1, 3, 64, 64)
    assert torch.equal(logits(small(weights=tmp_path / "last.ckpt").module, images), logits(theirs, images))


def test_a_checkpoint_with_auxiliary_heads_loads(tmp_path: Path) -> None:
    theirs = trained("googlenet", 3, init_weights=False)
    torch.save(theirs.state_dict(), tmp_path / "g.pt")
    images = torch.rand(1, 3, 64, 64)
    model = torchvision_classifier(arch="googlenet", weights=str(tmp_path / "g.pt"), input_size=64)
    assert torch.equal(logits(model.module, images), logits(theirs, images))


def test_transform_input_is_googlenet_s(tmp_path: Path) -> None:
    theirs = trained("googlenet", 3, init_weights=False, transform_input=True)
    torch.save(theirs.state_dict(), tmp_path / "g.pt")
    images = torch.rand(1, 3, 64, 64)
    model = torchvision_classifier(arch="googlenet", weights=str(tmp_path / "g.pt"), input_size=64, transform_input=True)
    assert torch.equal(logits(model.module, images), logits(theirs, images))
    with pytest.raises(ValueError, match="transform_input: resnet18 has no such setting"):
        torchvision_classifier(arch="resnet18", transform_input=True)


def test_a_checkpoint_that_does_not_fit_names_the_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness_torchvision.likely.ARCHITECTURES", ["resnet18"])  # what it fits of all is tested in test_checkpoints
    torch.save(trained("resnet18", 3).state_dict(), tmp_path / "resnet.pt")
    with pytest.raises(ValueError, match=r"does not fit the model: keys .*missing \(classifier.1.bias.* unexpected \(.*bn1"):
        small(weights=str(tmp_path / "resnet.pt"))
    state = trained("squeezenet1_1", 3).state_dict()
    state["features.0.weight"] = state["features.0.weight"][:, :1]
    torch.save(state, tmp_path / "grey.pt")
    with pytest.raises(ValueError, match=r"of another shape \(features.0.weight \(64, 1, 3, 3\) instead of \(64, 3, 3, 3\)\)"):
        small(weights=str(tmp_path / "grey.pt"))


def test_a_checkpoint_with_values_that_are_not_finite_is_refused(tmp_path: Path) -> None:
    state = trained("squeezenet1_1", 3).state_dict()
    state["classifier.1.bias"][0] = float("nan")
    torch.save(state, tmp_path / "nan.pt")
    with pytest.raises(ValueError, match=r"1 not finite \(classifier.1.bias\)"):
        small(weights=str(tmp_path / "nan.pt"))


class Payload:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("ran"),))


def test_a_checkpoint_runs_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"weight": Payload()}, tmp_path / "evil.pt")
    with pytest.raises(ValueError, match="no checkpoint that can be read without running code"):
        small(weights=str(tmp_path / "evil.pt"))
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [([1, 2], "holds no state dict .* but a list"), ({}, "an empty mapping"), ({"a": 1, "b": 2}, "a mapping of a, b")],
)
def test_a_file_without_a_state_dict_is_described(tmp_path: Path, content: object, message: str) -> None:
    torch.save(content, tmp_path / "odd.pt")
    with pytest.raises(ValueError, match=message):
        small(weights=str(tmp_path / "odd.pt"))


def test_files_that_are_not_there_or_are_no_checkpoints_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"there is no file .*gone\.pt"):
        small(weights=str(tmp_path / "gone.pt"))
    (tmp_path / "text.safetensors").write_text("no")
    with pytest.raises(ValueError, match=r"text\.safetensors is no checkpoint"):
        small(weights=str(tmp_path / "text.safetensors"))


def test_num_classes_must_be_the_checkpoint_s(tmp_path: Path) -> None:
    torch.save(trained("squeezenet1_1", 3).state_dict(), tmp_path / "three.pt")
    with pytest.raises(ValueError, match=r"three\.pt has 3 classes \(classifier\.1\.weight\), not 4"):
        small(weights=str(tmp_path / "three.pt"), num_classes=4)
    with pytest.raises(ValueError, match="the weights IMAGENET1K_V1 have 1000 classes"):
        small(weights="IMAGENET1K_V1", num_classes=4)


def test_an_unknown_architecture_or_weights_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="no classifier 'resnet-18'; did you mean 'resnet18'"):
        torchvision_classifier(arch="resnet-18")
    with pytest.raises(ValueError, match=r"no weights 'IMAGENET1K_V3'; did you mean .*published: DEFAULT, IMAGENET1K_V1, IMAGENET1K_V2"):
        torchvision_classifier(arch="resnet50", weights="IMAGENET1K_V3")


def test_class_names_are_a_list_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("cat\ndog\n\nowl\n", encoding="utf-8")
    (tmp_path / "names.json").write_text('["cat", "dog", "owl"]', encoding="utf-8")
    (tmp_path / "indices.json").write_text('{"dog": 1, "owl": 2, "cat": 0}', encoding="utf-8")
    (tmp_path / "labels.json").write_text('{"2": "owl", "0": "cat", "1": "dog"}', encoding="utf-8")
    files = (tmp_path / name for name in ("names.txt", "names.json", "indices.json", "labels.json"))
    for names in (["cat", "dog", "owl"], *files):
        assert small(num_classes=3, class_names=names).class_names == ["cat", "dog", "owl"]
    with pytest.raises(ValueError, match="3 class names for a model of 4 classes: give it 4 names, or `num_classes: 3`"):
        small(num_classes=4, class_names=["cat", "dog", "owl"])
    with pytest.raises(ValueError, match="'cat' is there 2 times"):
        small(num_classes=2, class_names=["cat", "cat"])
    with pytest.raises(ValueError, match="there is no file"):
        small(num_classes=2, class_names=tmp_path / "none.txt")
    (tmp_path / "odd.json").write_text('{"cat": 1, "dog": 2}', encoding="utf-8")
    with pytest.raises(ValueError, match="is no list of names"):
        small(num_classes=2, class_names=tmp_path / "odd.json")
    (tmp_path / "odd.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match="cannot be read"):
        small(num_classes=2, class_names=tmp_path / "odd.json")


@pytest.fixture
def published_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    """The file of torchvision's published SqueezeNet weights, made here, where a download would have put it."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    torch.hub.set_dir(str(tmp_path / "hub"))
    theirs = trained("squeezenet1_1", 1000)
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(theirs.state_dict(), folder / Path(published("squeezenet1_1", "DEFAULT").url).name)
    return theirs


def test_published_weights_come_with_their_classes_and_preprocessing(published_file: nn.Module) -> None:
    model = torchvision_classifier(arch="squeezenet1_1", weights="DEFAULT")
    images = torch.rand(1, 3, 224, 224)
    assert torch.equal(logits(model.module, images), logits(published_file, images))
    assert model.class_names is not None and model.class_names[0] == "tench" and len(model.class_names) == 1000
    assert (model.input_shape, model.geometry.resize, model.geometry.interpolation) == ((3, 224, 224), 256, "bilinear")


def test_a_download_that_fails_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*args: object, **options: object) -> None:
        raise urllib.error.URLError("no route to host")

    torch.hub.set_dir(str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    with pytest.raises(
        OSError, match=r"IMAGENET1K_V1 of squeezenet1_1 could not be had from https://.*pth.*no route.*put that file into .*checkpoints"
    ):
        torchvision_classifier(arch="squeezenet1_1", weights="IMAGENET1K_V1")


def test_published_weights_of_a_vit_are_for_one_size() -> None:
    with pytest.raises(ValueError, match="the weights IMAGENET1K_V1 of vit_b_32 are for inputs of 224 pixels"):
        torchvision_classifier(arch="vit_b_32", weights="IMAGENET1K_V1", input_size=64)


def test_a_size_that_the_architecture_cannot_take_is_refused() -> None:
    with pytest.raises(ValueError, match="vit_b_32: Input shape indivisible by patch size"):
        torchvision_classifier(arch="vit_b_32", input_size=100)
    with pytest.raises(ValueError, match="inception_v3 cannot take inputs of 32 pixels"):
        torchvision_classifier(arch="inception_v3", input_size=32)


@pytest.mark.parametrize(
    ("arch", "weights"),
    [
        ("resnet50", "IMAGENET1K_V1"),
        ("resnet50", "IMAGENET1K_V2"),
        ("efficientnet_b0", "DEFAULT"),
        ("swin_t", "DEFAULT"),
        ("inception_v3", "DEFAULT"),
    ],
)
def test_preprocessing_is_that_of_the_weights(arch: str, weights: str) -> None:
    """Against torchvision's own transforms on a photograph-like image, which it resizes by way of Pillow in 8 bit."""
    enum = published(arch, weights)
    steps = preprocessing(arch, enum)
    model = _with(steps)
    generator = torch.Generator().manual_seed(0)
    smooth = torch.nn.functional.interpolate(torch.rand(1, 3, 9, 13, generator=generator), size=(401, 563), mode="bicubic")[0].clamp(0, 1)
    picture = Image.fromarray((smooth.permute(1, 2, 0) * 255).round().byte().numpy())
    theirs = enum.transforms()(picture)
    ours = model.preprocess(pil_to_tensor(picture).float() / 255)
    assert ours.shape == theirs.shape
    assert (model.denormalise(ours) - model.denormalise(theirs)).abs().max() < 3 / 255


def _with(steps: Any) -> Classifier:
    module = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Classifier(
        module,
        input_shape=(3, steps.size, steps.size),
        mean=steps.mean,
        std=steps.std,
        resize=steps.resize,
        interpolation=steps.interpolation,
    )


def test_preprocessing_without_weights_is_that_of_the_architecture() -> None:
    steps = preprocessing("efficientnet_v2_l", None)
    assert (steps.size, steps.resize, steps.interpolation, steps.mean) == (480, 480, "bicubic", (0.5, 0.5, 0.5))
    assert preprocessing("resnet18", None).at(112).resize == 128
