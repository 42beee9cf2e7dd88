"""Which axis holds the channels, and which tokens lie where: held to arrangements that are known by how they were built."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from harness.api import classifier
from harness.api.activation_layouts import Layout
from harness.api.network_features import structure_of

SIZE = (24, 40)
FIRST, LAST = 1, 3


class Through(nn.Module):
    """A convolution, and a function of its output that an identity called ``probe`` returns."""

    def __init__(self, function: Callable[[Tensor], Tensor], patch: int = 8, channels: int = 6, stride: int | tuple[int, int] = 8) -> None:
        super().__init__()
        self.patches, self.function, self.probe = nn.Conv2d(3, channels, patch, stride), function, nn.Identity()
        self.norm, self.linear = nn.LayerNorm(channels), nn.Linear(channels, channels)
        self.first, self.others = nn.Parameter(torch.randn(1, 1, channels)), nn.Parameter(torch.randn(1, 4, channels))

    def forward(self, x: Tensor) -> Tensor:
        return self.probe(self.function(self, self.patches(x))).flatten(1)[:, :2] + 0  # type: ignore[call-arg]


def tokens(net: Through, x: Tensor) -> Tensor:
    return x.flatten(2).transpose(1, 2)


def joined(net: Through, x: Tensor, *, before: bool = True, after: bool = False) -> Tensor:
    x = tokens(net, x)
    x = torch.cat([net.first.expand(len(x), -1, -1), x], 1) if before else x
    return torch.cat([x, net.others.expand(len(x), -1, -1)], 1) if after else x


def registers(net: Through, x: Tensor) -> Tensor:
    """As DINOv2 puts them: between the class token and the patches."""
    x = joined(net, x)
    return torch.cat([x[:, :1], net.others.expand(len(x), -1, -1), x[:, 1:]], 1)


def shuffled(net: Through, x: Tensor) -> Tensor:
    b, c, h, w = x.shape
    return x.view(b, 2, c // 2, h, w).transpose(1, 2).reshape(b, c, h, w)


ARRANGED: dict[str, tuple[Callable[[Through, Tensor], Tensor], Layout]] = {
    "as convolved": (lambda net, x: x, Layout(FIRST, (3, 5))),
    "channels moved last": (lambda net, x: x.permute(0, 2, 3, 1), Layout(LAST, (3, 5))),
    "and normalised": (lambda net, x: net.norm(x.permute(0, 2, 3, 1)), Layout(LAST, (3, 5))),
    "and mapped": (lambda net, x: net.linear(x.permute(0, 2, 3, 1)), Layout(LAST, (3, 5))),
    "and back": (lambda net, x: net.linear(x.movedim(1, -1)).movedim(-1, 1).relu(), Layout(FIRST, (3, 5))),
    "shuffled": (shuffled, Layout(FIRST, (3, 5))),
    "stacked and summed": (lambda net, x: torch.stack([x, x * 2], 1).sum(1), Layout(FIRST, (3, 5))),
    "pooled": (lambda net, x: nn.functional.max_pool2d(x, 2), Layout(FIRST, (1, 2))),
    "tokens": (tokens, Layout(2, (3, 5))),
    "tokens, channels first": (lambda net, x: x.flatten(2), Layout(1, (3, 5))),
    "class token": (joined, Layout(2, (3, 5), 1)),
    "tokens behind": (lambda net, x: joined(net, x, before=False, after=True), Layout(2, (3, 5), 0, 4)),
    "tokens on both sides": (lambda net, x: joined(net, x, after=True), Layout(2, (3, 5), 1, 4)),
    "registers": (registers, Layout(2, (3, 5), 5)),
    "class token taken away": (lambda net, x: joined(net, x)[:, 1:], Layout(2, (3, 5))),
    "normalised tokens": (lambda net, x: net.linear(net.norm(joined(net, x))), Layout(2, (3, 5), 1)),
}


@pytest.mark.parametrize("kind", ARRANGED)
def test_a_layout_is_read_off_the_operations(kind: str) -> None:
    function, expected = ARRANGED[kind]
    model = classifier(Through(function), input_shape=(3, *SIZE), cam_layer="probe")
    assert structure_of(model).layouts["probe"] == expected


@pytest.mark.parametrize("size", [(24, 40), (27, 47), (31, 41)])
def test_an_image_that_is_no_multiple_of_the_patch_has_the_grid_of_its_patches(size: tuple[int, int]) -> None:
    model = classifier(Through(joined), input_shape=(3, *size), cam_layer="probe")
    assert structure_of(model).layouts["probe"] == Layout(2, (3, 5), 1)


def test_the_shape_of_a_map_says_nothing_of_where_its_channels_are() -> None:
    """8 × 8 × 32 of an image of 16 × 32 by strides of (2, 1), which looks like channels last."""
    model = classifier(Through(lambda net, x: x, (1, 1), 8, (2, 1)), input_shape=(3, 16, 32), cam_layer="probe")
    assert structure_of(model).layouts["probe"] == Layout(FIRST, (8, 32))


class Rearranged(nn.Module):
    """Patches by a reshape and a linear layer, without a convolution (Lucidrains' ViT)."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.probe, self.token = nn.Linear(192, 6), nn.Identity(), nn.Parameter(torch.randn(1, 3, 6))

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        patches = x.view(b, c, h // 8, 8, w // 8, 8).permute(0, 2, 4, 3, 5, 1).reshape(b, h * w // 64, 192)
        return self.probe(torch.cat([self.token.expand(b, -1, -1), self.embed(patches)], 1)).mean(1)


def test_tokens_of_rearranged_pixels_lie_on_the_grid_of_the_image_s_shape() -> None:
    model = classifier(Rearranged(), input_shape=(3, *SIZE), cam_layer="probe")
    assert structure_of(model).layouts["probe"] == Layout(2, (3, 5), 3)
