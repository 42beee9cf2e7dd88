from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision import models
from torchvision.models.vision_transformer import VisionTransformer
from torchvision.transforms import InterpolationMode
from torchvision.transforms._presets import ImageClassification
from torchvision.transforms.functional import to_tensor

from harness.api import Classifier, classifier
from harness.api.network_features import detect_features, nonlinearities

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def small() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, 4)
    )


def tiny_vit() -> nn.Module:
    torch.manual_seed(0)
    module = VisionTransformer(image_size=32, patch_size=8, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32, num_classes=4)
    for zeros in (module.heads.head.weight, module.class_token):
        nn.init.normal_(zeros)
    return module


@pytest.fixture
def model() -> Classifier:
    return classifier(small(), input_shape=(3, 16, 16), mean=MEAN, std=STD)


@pytest.fixture
def images() -> Tensor:
    return torch.rand(5, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def state_equal(a: Classifier, b: Classifier) -> dict[str, bool]:
    other = b.module.state_dict()
    return {name: torch.equal(tensor, other[name]) for name, tensor in a.module.state_dict().items()}


def test_normalising_and_back_is_the_identity(model: Classifier, images: Tensor) -> None:
    torch.testing.assert_close(model.denormalise(model.normalise(images)), images)


def test_bounds_hold_every_image(model: Classifier, images: Tensor) -> None:
    low, high = model.bounds
    inputs = model.normalise(images)
    assert low.shape == (3, 1, 1)
    assert (inputs >= low).all() and (inputs <= high).all()
    torch.testing.assert_close(low.flatten(), torch.tensor([-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225]))


def test_without_mean_and_std_inputs_are_what_they_are(images: Tensor) -> None:
    model = classifier(small(), input_shape=(3, 16, 16))
    assert model.bounds is None
    assert torch.equal(model.preprocess(images[0] * 300 - 100), images[0] * 300 - 100)


@pytest.mark.parametrize(("kind", "value"), [("black", 0.0), ("white", 1.0)])
def test_black_and_white_are_colours_of_the_image_not_of_the_input(model: Classifier, images: Tensor, kind: str, value: float) -> None:
    reference = model.reference(kind, model.normalise(images))
    torch.testing.assert_close(model.denormalise(reference), torch.full_like(images, value))


def test_mean_reference_is_each_image_s_own_colour(model: Classifier, images: Tensor) -> None:
    reference = model.denormalise(model.reference("mean", model.normalise(images)))
    for image, flat in zip(images, reference, strict=True):
        torch.testing.assert_close(flat, image.mean(dim=(1, 2)).view(3, 1, 1).expand(3, 16, 16))


def test_blur_keeps_a_constant_and_the_mean_and_smooths(model: Classifier, images: Tensor) -> None:
    constant = torch.full((1, 3, 16, 16), 0.3)
    torch.testing.assert_close(model.reference("blur", constant), constant)
    blurred = model.reference("blur", images)
    assert blurred.var() < images.var() / 2


def test_references_do_not_depend_on_the_batch(model: Classifier, images: Tensor) -> None:
    for kind in ("black", "white", "mean", "blur", "zero"):
        one = torch.cat([model.reference(kind, image[None]) for image in images])
        assert torch.equal(model.reference(kind, images), one)


def test_an_unknown_reference_is_named(model: Classifier, images: Tensor) -> None:
    with pytest.raises(ValueError, match="unknown reference 'grey'; choose from black"):
        model.reference("grey", images)  # type: ignore[arg-type]


def test_digest_is_of_content(model: Classifier) -> None:
    assert classifier(small(), input_shape=(3, 16, 16), mean=MEAN, std=STD).digest == model.digest


@pytest.mark.parametrize("name", [name for name, _ in small().state_dict().items()])
def test_digest_changes_with_any_weight_or_buffer(model: Classifier, name: str) -> None:
    module = small()
    tensor = module.state_dict()[name]
    flat = tensor.view(-1)
    flat[-1] = flat[-1] + 1
    assert classifier(module, input_shape=(3, 16, 16), mean=MEAN, std=STD).digest != model.digest


@pytest.mark.parametrize(
    "change",
    [
        {"mean": (0.0, 0.0, 0.0)},
        {"std": None},
        {"input_shape": (3, 18, 18)},
        {"resize": 20},
        {"interpolation": "bicubic"},
        {"cam_layer": "1"},
    ],
)
def test_digest_changes_with_preprocessing_and_defaults(model: Classifier, change: dict[str, object]) -> None:
    options = {"input_shape": (3, 16, 16), "mean": MEAN, "std": STD} | change
    assert classifier(small(), **options).digest != model.digest


def test_digest_changes_with_architecture_alone(model: Classifier) -> None:
    module = small()
    module[2] = nn.ReLU6()
    assert classifier(module, input_shape=(3, 16, 16), mean=MEAN, std=STD).digest != model.digest


@pytest.mark.parametrize("build", [small, tiny_vit])
def test_randomised_is_a_function_of_the_seed_and_changes_the_logits(build) -> None:
    model = classifier(build(), input_shape=(3, 32, 32) if build is tiny_vit else (3, 16, 16))
    inputs = torch.rand(2, *model.input_shape)
    before, state = model(inputs), torch.get_rng_state()
    one, again, other = model.randomised(1), model.randomised(1), model.randomised(2)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(one(inputs), again(inputs))
    assert one.digest == again.digest != other.digest != model.digest
    assert not torch.allclose(one(inputs), before) and not torch.allclose(one(inputs), other(inputs))
    assert torch.equal(model(inputs), before)


def test_randomised_draws_every_weight_matrix_anew() -> None:
    model = classifier(tiny_vit(), input_shape=(3, 32, 32))
    equal = state_equal(model, model.randomised(1))
    assert not any(equal[name] for name in equal if model.module.state_dict()[name].ndim >= 2)
    assert not equal["encoder.pos_embedding"] and not equal["encoder.layers.encoder_layer_0.self_attention.in_proj_weight"]


def test_randomised_resets_batch_norm_statistics() -> None:
    module = small()
    module(torch.randn(64, 3, 16, 16) * 3 + 2)
    twin = classifier(module, input_shape=(3, 16, 16)).randomised(0)
    assert torch.equal(twin.module[1].running_mean, torch.zeros(6)) and torch.equal(twin.module[1].running_var, torch.ones(6))


def test_randomising_one_layer_leaves_the_others(model: Classifier) -> None:
    equal = state_equal(model, model.randomised(3, layers=["5"]))
    assert {name for name, same in equal.items() if not same} == {"5.weight", "5.bias"}


def test_copies_with_the_same_layers_randomised_share_their_weights(model: Classifier) -> None:
    together, reversed_order = model.randomised(3, layers=["0", "5"]), model.randomised(3, layers=["5", "0"])
    in_turn = model.randomised(3, layers=["5"]).randomised(3, layers=["0"])
    assert together.digest == reversed_order.digest == in_turn.digest != model.digest
    assert model.randomised(4, layers=["0", "5"]).digest != together.digest


def test_randomising_the_network_itself_draws_its_own_parameters_alone() -> None:
    model = classifier(tiny_vit(), input_shape=(3, 32, 32))
    equal = state_equal(model, model.randomised(3, layers=[""]))
    assert {name for name, same in equal.items() if not same} == {"class_token"}


def test_a_copy_with_some_layers_randomised_shares_the_tensors_of_the_others_and_a_whole_one_none(model: Classifier) -> None:
    def shared(twin: Classifier) -> set[str]:
        mine, theirs = model.module.state_dict(keep_vars=True), twin.module.state_dict(keep_vars=True)
        return {name for name in mine if mine[name] is theirs[name]}

    state = set(model.module.state_dict())
    assert shared(model.randomised(3, layers=["5"])) == state - {"5.weight", "5.bias"}
    assert shared(model.randomised(3)) == set()


def test_randomised_stays_prepared() -> None:
    model = classifier(models.resnet18(num_classes=3), input_shape=(3, 32, 32)).randomised(0)
    assert "layer1.0.add" in model.layers and "layer1.0.relu__1" in model.layers
    assert not any(p.requires_grad for p in model.module.parameters())


def test_an_unknown_layer_is_named_with_those_there_are(model: Classifier) -> None:
    with pytest.raises(ValueError, match="no layer 'conv9'; its layers are 0, 1"):
        model.layer("conv9")
    with pytest.raises(ValueError, match="cam_layer 'conv9' is no layer"):
        classifier(small(), input_shape=(3, 16, 16), cam_layer="conv9")


def test_class_names_must_be_as_many_as_the_classes() -> None:
    with pytest.raises(ValueError, match="3 class names for a model of 4 classes"):
        classifier(small(), input_shape=(3, 16, 16), class_names=["a", "b", "c"])
    with pytest.raises(ValueError, match=r"^1 class name for a model of 4 classes: give it 4 names$"):  # there is no network of one class
        classifier(small(), input_shape=(3, 16, 16), class_names=["a"])


def test_a_module_that_cannot_take_its_input_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"cannot take an input of shape \(1, 1, 16, 16\)"):
        classifier(small(), input_shape=(1, 16, 16))


@pytest.mark.slow
def test_default_cam_layer_is_after_what_belongs_to_the_last_convolution() -> None:
    def blocks(*after: nn.Module) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), nn.Conv2d(4, 5, 3), *after, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 2)
        )

    assert classifier(blocks(), input_shape=(3, 16, 16)).cam_layer == "2"
    assert classifier(blocks(nn.BatchNorm2d(5), nn.ReLU()), input_shape=(3, 16, 16)).cam_layer == "4"
    assert classifier(blocks(nn.ReLU(), nn.MaxPool2d(2)), input_shape=(3, 16, 16)).cam_layer == "3"
    resnet = classifier(models.resnet18(), input_shape=(3, 64, 64))
    assert resnet.cam_layer is not None
    assert torch.equal(_output(resnet, resnet.cam_layer), _output(resnet, "layer4"))
    assert classifier(models.vgg11(), input_shape=(3, 64, 64)).cam_layer == "features.19"


def _output(model: Classifier, name: str) -> Tensor:
    found: list[Tensor] = []
    handle = model.layer(name).register_forward_hook(lambda layer, args, output: found.append(output))
    model(torch.ones(1, *model.input_shape))
    handle.remove()
    return found[-1]


def test_default_cam_layer_is_the_last_convolution_called_on_a_grid() -> None:
    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last, self.first = nn.Conv2d(4, 4, 3), nn.Conv2d(3, 4, 3)
            self.gate, self.auxiliary = nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            x = self.last(F.relu(self.first(x)))
            return (x * self.gate(x.mean(dim=(2, 3), keepdim=True))).mean(dim=(2, 3))

    assert classifier(Branches(), input_shape=(3, 16, 16)).cam_layer == "last"
    assert classifier(nn.Sequential(nn.Flatten(), nn.Linear(48, 2)), input_shape=(3, 4, 4)).cam_layer is None


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(60, 90), (91, 40), (33, 33), (50, 51)])
def test_preprocessing_is_torchvision_s(interpolation: str, size: tuple[int, int]) -> None:
    module = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    model = classifier(module, input_shape=(3, 28, 28), mean=MEAN, std=STD, resize=32, interpolation=interpolation)
    image = F.interpolate(torch.rand(1, 3, 12, 12, generator=torch.Generator().manual_seed(2)), size=size, mode="bicubic")[0].clamp(0, 1)
    theirs = ImageClassification(crop_size=28, resize_size=32, interpolation=InterpolationMode(interpolation), mean=MEAN, std=STD)(image)
    ours = model.preprocess(image)
    torch.testing.assert_close(model.denormalise(ours), model.denormalise(theirs).clamp(0, 1), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("arch", "size", "expected", "activations"),
    [
        ("resnet18", 32, {"convolutions", "relu"}, {"ReLU"}),
        ("efficientnet_b0", 32, {"convolutions"}, {"SiLU", "Sigmoid"}),
        ("convnext_tiny", 32, {"convolutions"}, {"GELU"}),
        ("mobilenet_v3_small", 32, {"convolutions", "relu"}, {"Hardswish", "Hardsigmoid", "ReLU"}),
        ("densenet121", 32, {"convolutions", "relu"}, {"ReLU"}),
        ("swin_t", 32, {"token-grid"}, {"GELU", "Softmax"}),
        # The only ReLU of Swin v2 is in its table of relative positions, which no image reaches.
        ("swin_v2_t", 32, {"token-grid"}, {"GELU", "Softmax"}),
    ],
)
def test_features_are_what_the_papers_say(arch: str, size: int, expected: set[str], activations: set[str]) -> None:
    model = classifier(models.get_model(arch, weights=None, num_classes=2), input_shape=(3, size, size))
    assert detect_features(model) == expected
    assert nonlinearities(model) == activations


def test_a_vision_transformer_has_a_token_grid_and_its_patch_embedding_is_no_convolution() -> None:
    model = classifier(tiny_vit(), input_shape=(3, 32, 32))
    assert detect_features(model) == {"token-grid"}
    assert nonlinearities(model) == {"GELU", "Softmax"}


def test_a_functional_relu_is_found() -> None:
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3, stride=2)

        def forward(self, x: Tensor) -> Tensor:
            return F.relu(self.conv(x)).mean(dim=(2, 3))

    assert detect_features(classifier(Functional(), input_shape=(3, 8, 8))) == {"convolutions", "relu"}


def test_features_leave_no_hook() -> None:
    model = classifier(small(), input_shape=(3, 16, 16))
    detect_features(model)
    assert not any(module._forward_hooks for module in model.module.modules())


def test_another_network_on_the_same_inputs(model: Classifier, images: Tensor) -> None:
    """The network is prepared, its preprocessing and what follows from it is that of the first."""
    stem = nn.Sequential(nn.Conv2d(3, 5, 1), nn.ReLU(inplace=True))
    other = model.with_module(nn.Sequential(stem, nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 7))))
    assert other(images).shape == (5, 7) and other.num_classes == 7 and model.num_classes == 4
    assert torch.equal(other.normalise(images), model.normalise(images))
    assert not other.layer("0.1").inplace and not any(p.requires_grad for p in other.module.parameters())
    assert (other.cam_layer, model.cam_layer) == ("0.1", "2")
    assert other.digest != model.digest and other.architecture != model.architecture


def test_a_changed_copy_of_the_network_keeps_what_its_classifier_was_told(images: Tensor) -> None:
    model = classifier(small(), input_shape=(3, 16, 16), class_names=list("abcd"), cam_layer="0")
    changed = copy.deepcopy(model.module)
    with torch.no_grad():
        changed[5].bias.add_(1)
    other = model.with_module(changed)
    assert (other.cam_layer, other.class_names) == ("0", list("abcd"))
    torch.testing.assert_close(other(images), model(images) + 1)


def test_a_randomised_copy_has_the_architecture_and_another_digest(model: Classifier) -> None:
    twin = model.randomised(1)
    assert twin.architecture == model.architecture and twin.digest != model.digest


@pytest.mark.parametrize("size", [(16, 16), (31, 20)])
def test_an_image_is_taken_as_floats_as_bytes_and_as_a_picture(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    model = classifier(small(), input_shape=(3, 16, 16), mean=MEAN, std=STD)
    expected = model.preprocess(to_tensor(pixels))
    for given in (pixels.transpose(2, 0, 1), torch.from_numpy(pixels).permute(2, 0, 1), Image.fromarray(pixels)):
        assert torch.equal(model.preprocess(given), expected)


def test_what_is_no_image_in_0_to_1_is_refused_and_not_clamped() -> None:
    model = classifier(small(), input_shape=(3, 16, 16), mean=MEAN, std=STD)
    with pytest.raises(ValueError, match=r"must lie in 0 … 1, and goes from 0 to 255: divide it by 255\?"):
        model.preprocess(torch.linspace(0, 255, 3 * 20 * 20).reshape(3, 20, 20))
    for given, said in (
        (np.zeros((20, 20, 3)), r"not \(20, 20, 3\): channels come before height and width"),
        (torch.zeros(2, 3, 20, 20), r"not \(2, 3, 20, 20\)"),
        (torch.zeros(3, 20, 20, dtype=torch.int64), "not torch.int64"),
        ("cat.png", "not str"),
    ):
        with pytest.raises(ValueError, match=said):
            model.preprocess(given)


@pytest.mark.parametrize("shape", [(16, 16), (3, 0, 16), (3.0, 16, 16), "3", 3, None])
def test_an_input_shape_is_three_whole_numbers(shape: object) -> None:
    with pytest.raises(ValueError, match=r"input_shape must be \(C, H, W\), three whole numbers greater than 0, not "):
        classifier(small(), input_shape=shape)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("names", "said"), [("abcd", "must be a list of texts, not 'abcd'"), ([0, 1, 2, 3], "the class name 0 is no text")]
)
def test_class_names_are_a_list_of_texts(names: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        classifier(small(), input_shape=(3, 16, 16), class_names=names)  # type: ignore[arg-type]
