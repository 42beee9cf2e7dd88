"""The layer of class activation maps in networks as users write them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from harness.api import Classifier, classifier


def head(channels: int) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 3)]


class Branches(nn.Module):
    """An Inception block, whose branches are concatenated."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.one, self.three = nn.Conv2d(channels, 6, 1), nn.Sequential(nn.Conv2d(channels, 4, 3, padding=1), nn.ReLU())
        self.pooled = nn.Conv2d(channels, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.pooled(F.max_pool2d(x, 3, stride=1, padding=1))
        return torch.cat([F.relu(self.one(x)), self.three(x), F.relu(pooled)], 1)


class DenseBlock(nn.Module):
    """Each layer sees all before it (Huang et al. 2017)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(channels + 4 * i, 4, 3, padding=1) for i in range(3))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.cat([x, layer(F.relu(x))], 1)
        return x


class OwnDenseNet(nn.Module):
    """As torchvision writes it (the norm ends the features, the activation is the forward's), or with the norm beside it."""

    def __init__(self, norm_in_features: bool) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), DenseBlock(8))
        self.norm = nn.Identity()
        if norm_in_features:
            self.features.add_module("norm", nn.BatchNorm2d(20))
        else:
            self.norm = nn.BatchNorm2d(20)
        self.fc = nn.Linear(20, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(F.adaptive_avg_pool2d(F.relu(self.norm(self.features(x))), 1).flatten(1))


class Attentive(nn.Module):
    """CBAM (Woo et al. 2018): a gate over channels, then one of a single channel over positions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Sequential(nn.Conv2d(channels, 2, 1), nn.ReLU(), nn.Conv2d(2, channels, 1))
        self.gate = nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, x: Tensor) -> Tensor:
        x = x * torch.sigmoid(self.squeeze(x.mean((2, 3), keepdim=True)))
        return x * torch.sigmoid(self.gate(torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)))


class SelectiveKernel(nn.Module):
    """A softmax over branches weighs their channels (Li et al. 2019)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.three, self.five = nn.Conv2d(channels, channels, 3, padding=1), nn.Conv2d(channels, channels, 5, padding=2)
        self.choose = nn.Linear(channels, 2 * channels)

    def forward(self, x: Tensor) -> Tensor:
        both = torch.stack([self.three(x), self.five(x)], 1)
        weights = self.choose(both.sum(1).mean((2, 3))).unflatten(1, (2, -1)).softmax(1)
        return (both * weights[..., None, None]).sum(1)


class OwnUNet(nn.Module):
    """Skip connections over two scales; classified from the decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.deep = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 8, 3, stride=2, padding=1)
        self.up, self.out = nn.ConvTranspose2d(8, 6, 2, stride=2), nn.Conv2d(12, 5, 3, padding=1)
        self.fc = nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        skip = F.relu(self.down(x))
        return self.fc(F.relu(self.out(torch.cat([skip, self.up(F.relu(self.deep(skip)))], 1))).mean((2, 3)))


class MeetsInTheForward(nn.Module):
    """Branches that the network's own forward concatenates: no module returns what they make."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.branches = (
            nn.Conv2d(3, 8, 3, stride=2, padding=1),
            nn.ModuleList(nn.Conv2d(8, 6, k, padding=k // 2) for k in (1, 3)),
        )
        self.fc = nn.Linear(12, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem(x))
        return self.fc(torch.cat([branch(x) for branch in self.branches], 1).mean((2, 3)))


class Untraceable(nn.Module):
    """Control flow that depends on the image."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.branches, self.fc = nn.Conv2d(3, 8, 3, stride=2, padding=1), Branches(8), nn.Linear(12, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.branches(self.stem(x).relu())
        return self.fc((x if x.sum() > -1e9 else -x).mean((2, 3)))


class ActivatesAndPools(Untraceable):
    """No module returns the activated map, but one returns it pooled."""

    def __init__(self) -> None:
        super().__init__()
        self.last, self.pool = nn.Conv2d(8, 12, 3, padding=1), nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(F.relu(self.last(self.stem(x))))
        return self.fc((x if x.sum() > -1e9 else -x).mean((2, 3)))


class TwoStreams(nn.Module):
    """Branches of the image that meet as vectors, behind a stem or not."""

    def __init__(self, stem: nn.Module) -> None:
        super().__init__()
        channels = 3 if isinstance(stem, nn.Identity) else 8
        self.stem, self.left, self.right = stem, nn.Conv2d(channels, 4, 3), nn.Conv2d(channels, 4, 5)
        self.fc = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.fc(torch.cat([self.left(x).mean((2, 3)), self.right(x).mean((2, 3))], 1))


def stack(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), *layers)


def depthwise() -> nn.Module:
    return nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.Conv2d(8, 12, 1), nn.BatchNorm2d(12), nn.SiLU())


NETWORKS: dict[str, tuple[Callable[[], nn.Module], str, tuple[int, int, int]]] = {
    "inception": (lambda: stack(Branches(8), nn.Dropout(), *head(12)), "2", (12, 16, 16)),
    "densenet of torchvision": (lambda: OwnDenseNet(True), "features.norm", (20, 16, 16)),
    "densenet of one's own": (lambda: OwnDenseNet(False), "relu", (20, 16, 16)),
    "dense block without a norm": (lambda: stack(DenseBlock(8), *head(20)), "2", (20, 16, 16)),
    "cbam": (lambda: stack(Attentive(8), *head(8)), "2", (8, 16, 16)),
    "selective kernel": (lambda: stack(SelectiveKernel(8), *head(8)), "2", (8, 16, 16)),
    "unet": (OwnUNet, "relu_3", (5, 32, 32)),
    "meets in the forward": (MeetsInTheForward, "feature_map", (12, 16, 16)),
    "untraceable": (Untraceable, "branches", (12, 16, 16)),
    "activates and pools": (ActivatesAndPools, "pool", (12, 8, 8)),
    "two streams behind a stem": (lambda: TwoStreams(stack()), "stem.1", (8, 16, 16)),
    "depthwise": (lambda: stack(depthwise(), *head(12)), "2.3", (12, 16, 16)),
    "parametrised": (lambda: stack(weight_norm(nn.Conv2d(8, 12, 3, padding=1)), nn.ReLU(), *head(12)), "3", (12, 16, 16)),
    "pooled and flattened": (
        lambda: stack(nn.Conv2d(8, 5, 3, padding=1), nn.ReLU(), nn.MaxPool2d(4), nn.AdaptiveAvgPool2d(6), nn.Flatten(), nn.Linear(180, 3)),
        *("3", (5, 16, 16)),
    ),
    "class scores": (lambda: stack(nn.Conv2d(8, 3, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()), "1", (8, 16, 16)),
}


def made(net: nn.Module) -> Classifier:
    torch.manual_seed(0)
    return classifier(net, input_shape=(3, 32, 32))


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_layer_is_the_last_map_that_all_goes_through(kind: str) -> None:
    build, layer, shape = NETWORKS[kind]
    net = build()
    model, images = made(net), torch.rand(2, 3, 32, 32)
    assert model.cam_layer == layer
    assert any(f"{layer} ({' × '.join(map(str, shape))})" in note for note in model.notes)
    assert torch.equal(model(images), net.eval()(images))

    def cut(module: nn.Module, args: object, output: Tensor) -> Tensor:
        assert output.shape[1:] == shape
        return output.detach().requires_grad_()

    handle = model.layer(layer).register_forward_hook(cut)
    images.requires_grad_()
    model(images).sum().backward()
    handle.remove()
    assert images.grad is None


class Mixer(nn.Module):
    """Tokens mixed without attention (Tolstikhin et al. 2021)."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.across, self.within, self.fc = nn.Conv2d(3, 8, 8, 8), nn.Linear(16, 16), nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2)
        return self.fc(self.within((x + self.across(x)).transpose(1, 2)).mean(1))


@pytest.mark.parametrize("net", [TwoStreams(nn.Identity()), nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(768, 3)), Mixer()])
def test_branches_without_a_common_map_and_pooled_images_have_none(net: nn.Module) -> None:
    assert made(net).cam_layer is None and made(net).notes == []


class Pooled(nn.Module):
    """A stem whose map is made tokens, as many attentions over them, and their mean classified."""

    def __init__(self, stem: nn.Module, attentions: int) -> None:
        super().__init__()
        layers = [nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0) for _ in range(attentions)]
        self.stem, self.blocks, self.fc = stem, nn.Sequential(*layers), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.blocks(self.stem(x).flatten(2).transpose(1, 2)).mean(1))


def test_one_attention_pools_a_feature_map_and_several_make_its_positions_tokens() -> None:
    assert made(Pooled(stack(), 1)).cam_layer == "stem.1"
    assert made(Pooled(stack(), 2)).cam_layer is None


def test_a_bare_convolution_before_an_attention_embeds_whether_its_windows_overlap_or_not() -> None:
    for stem in (nn.Conv2d(3, 8, 8, 8), nn.Conv2d(3, 8, 7, 4, 3)):
        assert made(Pooled(stem, 1)).cam_layer is None


def test_another_network_says_where_its_own_maps_are_taken() -> None:
    model = made(stack(*head(8)))
    other = model.with_module(MeetsInTheForward())
    assert "feature_map (12" in str(other.notes) and len(other.notes) == 1
    assert "1 (8 × 16 × 16)" in str(model.notes) and len(model.notes) == 1


def test_a_layer_that_was_given_is_no_note() -> None:
    assert classifier(stack(*head(8)), input_shape=(3, 32, 32), cam_layer="0").notes == []
