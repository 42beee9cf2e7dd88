"""Layers that compute their weights, as users write them: held to the user's own module, and to a network with the weights written in."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, parametrize, prune

from harness.api import classifier
from harness.api.preparation import prepare
from harness.api.preparation.weight_folding import fold_weights

CHANNELS = 4


class Standardised(nn.Conv2d):
    """Weight standardisation (Qiao et al. 2019)."""

    def forward(self, x: Tensor) -> Tensor:
        mean, spread = self.weight.mean((1, 2, 3), keepdim=True), self.weight.std((1, 2, 3), keepdim=True)
        weight = (self.weight - mean) / (spread + 1e-5)
        return F.conv2d(x, weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class Padded(Standardised):
    """As TensorFlow pads."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, (0, 1, 0, 1)))


class Equalised(nn.Module):
    """A layer that is no convolution of torch's (Karras et al. 2018)."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(CHANNELS, CHANNELS, 3, 3)), nn.Parameter(torch.randn(CHANNELS))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * 0.1, bias=self.bias, stride=2)


class Blur(nn.Module):
    """A fixed filter: not to be learnt, nor to be drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kernel", torch.ones(CHANNELS, 1, 3, 3) / 9)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), self.kernel, stride=2, groups=CHANNELS)


class LowRank(nn.Linear):
    """LoRA (Hu et al. 2022), merged in each call."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        self.a, self.b = nn.Parameter(torch.randn(2, inputs)), nn.Parameter(torch.randn(outputs, 2))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight + self.b @ self.a, self.bias)


class Symmetric(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return (weight + weight.transpose(-1, -2)) / 2


class Halved:
    """A hook as of equalised learning rates."""

    def __call__(self, layer: nn.Module, inputs: object) -> None:
        layer.weight = layer.weight_orig * 0.5  # type: ignore[operator, assignment]


class Dynamic(nn.Conv2d):
    """Weights that depend on the image."""

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * x.mean(), self.bias)


class Noisy(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return weight + torch.rand_like(weight)


def convolution() -> nn.Conv2d:
    return nn.Conv2d(CHANNELS, CHANNELS, 3, bias=False)


def symmetric() -> nn.Module:
    layer = convolution()
    parametrize.register_parametrization(layer, "weight", Symmetric())
    return layer


def halved() -> nn.Module:
    layer = convolution()
    layer.weight_orig = nn.Parameter(layer._parameters.pop("weight"))
    layer.register_forward_pre_hook(Halved())
    return layer


def older(way: Callable[..., nn.Module], **options: object) -> Callable[[], nn.Module]:
    def made() -> nn.Module:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return way(convolution(), **options)

    return made


LAYERS: dict[str, Callable[[], nn.Module]] = {
    "weight_norm": lambda: parametrizations.weight_norm(convolution()),
    "spectral_norm": lambda: parametrizations.spectral_norm(convolution()),
    "own parametrisation": symmetric,
    "two parametrisations": lambda: parametrizations.spectral_norm(symmetric()),
    "older weight_norm": older(nn.utils.weight_norm),
    "older spectral_norm": older(nn.utils.spectral_norm),
    "pruned": older(prune.l1_unstructured, name="weight", amount=0.3),
    "pruned twice": lambda: prune.random_unstructured(older(prune.l1_unstructured, name="weight", amount=0.3)(), "weight", amount=0.3),
    "hook of one's own": halved,
    "standardised": lambda: Standardised(CHANNELS, CHANNELS, 3),
    "standardised and padded": lambda: Padded(CHANNELS, CHANNELS, 3),
    "standardised and normalised": lambda: parametrizations.spectral_norm(Standardised(CHANNELS, CHANNELS, 3)),
    "equalised": Equalised,
    "transposed": lambda: parametrizations.weight_norm(nn.ConvTranspose2d(CHANNELS, CHANNELS, 3, stride=2)),
}


def network(layer: nn.Module, head: nn.Module | None = None) -> nn.Module:
    torch.manual_seed(0)
    tail = [nn.AdaptiveAvgPool2d(2), nn.Flatten(), head or nn.Linear(4 * CHANNELS, 3, bias=False)]
    return nn.Sequential(nn.Conv2d(3, CHANNELS, 3, bias=False), nn.ReLU(), layer, nn.ReLU(), *tail).eval()


@pytest.fixture
def images() -> Tensor:
    return torch.rand(5, 3, 16, 16, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("kind", LAYERS)
def test_folded_layers_are_torchs_own_and_the_users_module_stays_as_it_is(kind: str, images: Tensor) -> None:
    torch.manual_seed(1)
    net = network(LAYERS[kind]())
    logits = net(images).detach()
    state, classes = {name: value.clone() for name, value in net.state_dict().items()}, [type(layer) for layer in net.modules()]
    model = classifier(net, input_shape=(3, 16, 16))
    assert torch.equal(model(images), logits)
    convolutions = [layer for layer in model.module.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    assert {type(layer) for layer in convolutions} <= {nn.Conv2d, nn.ConvTranspose2d} and len(convolutions) == 2
    assert all(set(layer._parameters) == {"weight", "bias"} and not layer._forward_pre_hooks for layer in convolutions)
    assert not any(parameter.requires_grad for parameter in model.module.parameters())
    assert torch.equal(net(images), logits) and [type(layer) for layer in net.modules()] == classes
    assert all(torch.equal(value, state[name]) for name, value in net.state_dict().items())


@pytest.mark.parametrize("kind", LAYERS)
def test_the_random_twin_is_drawn_as_that_of_plain_layers_is(kind: str, images: Tensor) -> None:
    """The very weights of a network in which the computed ones were written as plain ones."""
    torch.manual_seed(1)
    layer = LAYERS[kind]()
    model = classifier(network(layer), input_shape=(3, 16, 16))
    twin = model.randomised(3)
    assert (twin(images) - model(images)).abs().max() > 1e-3
    folded = model.layer("2")
    plain = classifier(network(folded), input_shape=(3, 16, 16)).randomised(3)
    assert torch.equal(twin(images), plain(images))
    alone = model.randomised(3, layers=[next(name for name in model.layers if name.startswith("2") and model.layer(name)._parameters)])
    assert not torch.equal(alone(images), model(images))


@pytest.mark.parametrize(
    "head", [LowRank(16, 3), parametrizations.orthogonal(nn.Linear(16, 3)), parametrizations.weight_norm(nn.Linear(16, 3))]
)
def test_linear_layers_are_folded_too(head: nn.Module, images: Tensor) -> None:
    net = network(nn.Identity(), head)
    model = classifier(net, input_shape=(3, 16, 16))
    assert type(model.layer("6")) is nn.Linear and torch.equal(model(images), net(images))


def test_a_filter_that_is_no_parameter_stays_none(images: Tensor) -> None:
    net = network(Blur())
    model = classifier(net, input_shape=(3, 16, 16))
    assert torch.equal(model(images), net(images))
    assert isinstance(model.layer("2.1"), nn.Conv2d) and not list(model.layer("2").parameters())
    assert torch.equal(model.randomised(0).module[2][1].weight, torch.ones(CHANNELS, 1, 3, 3) / 9)


@pytest.mark.parametrize("layer", [Dynamic(CHANNELS, CHANNELS, 3), nn.Conv2d(CHANNELS, CHANNELS, 3)])
def test_what_is_no_constant_or_needs_nothing_stays(layer: nn.Module, images: Tensor) -> None:
    model = classifier(network(layer), input_shape=(3, 16, 16))
    assert isinstance(model.layer("2"), type(layer))
    assert torch.equal(model(images), network(layer)(images))


def test_weights_that_differ_at_each_call_are_not_folded() -> None:
    layer = convolution()
    parametrize.register_parametrization(layer, "weight", Noisy())
    assert parametrize.is_parametrized(prepare(network(layer), torch.rand(1, 3, 16, 16)).get_submodule("2"))


def draws_a_weight(layer: nn.Module, args: object) -> None:
    layer.weight = layer.weight_orig * torch.rand(1)


def test_weights_that_differ_at_each_call_are_not_folded_where_there_is_no_image_to_hold_them_to_either() -> None:
    by_class, by_hook = convolution(), convolution()
    parametrize.register_parametrization(by_class, "weight", Noisy())
    by_hook.weight_orig = by_hook._parameters.pop("weight")
    by_hook.register_forward_pre_hook(draws_a_weight)
    assert fold_weights(by_class).parametrizations
    assert fold_weights(by_hook)._forward_pre_hooks and "weight_orig" in by_hook._parameters


class Reading(nn.Module):
    """Looks at how its layer's weight is made, or at what that is made of."""

    def __init__(self, raises: bool) -> None:
        super().__init__()
        self.layer, self.raises = parametrizations.weight_norm(nn.Conv2d(3, 4, 3)), raises

    def forward(self, x: Tensor) -> Tensor:
        made = self.layer.parametrizations.weight.original0 if self.raises else parametrize.is_parametrized(self.layer)
        return self.layer(x) * (2 if not self.raises and made else 1)


@pytest.mark.parametrize("raises", [False, True])
def test_a_layer_is_folded_only_where_the_output_stays(raises: bool, images: Tensor) -> None:
    net = nn.Sequential(Reading(raises), parametrizations.weight_norm(nn.Conv2d(4, 4, 3))).eval().requires_grad_(False)
    folded = fold_weights(net, images)
    assert torch.equal(folded(images), net(images))
    assert parametrize.is_parametrized(folded[0].layer) and not parametrize.is_parametrized(folded[1])


def test_tied_weights_are_computed_once_from_what_they_are_made_of(images: Tensor) -> None:
    """Two layers that share what their weights are computed from; folding one must not change what the other computes."""
    first = symmetric()
    net = nn.Sequential(network(first)[:4], symmetric(), *network(nn.Identity())[4:]).eval()
    net[1].parametrizations.weight.original = first.parametrizations.weight.original
    assert torch.equal(classifier(net, input_shape=(3, 16, 16))(images), net(images))


def test_a_copy_of_a_prepared_network_can_be_prepared_again(images: Tensor) -> None:
    net = network(LAYERS["own parametrisation"]())
    once = prepare(net, images[:1])
    assert torch.equal(prepare(copy.deepcopy(once), images[:1])(images), net(images))
