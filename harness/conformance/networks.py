"""Small classifiers to try components on: untrained, seeded, fast."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from typing import cast

import torch
from torch import Tensor, nn

from harness.api.classifiers import Classifier, classifier
from harness.api.randomness import seeded_generators

Shape = tuple[int, int, int]
SHAPE: Shape = (3, 32, 32)
CLASSES = 3


class _TokenNetwork(nn.Module):
    """Patches of 8 pixels as tokens, one attention block, the mean token to the classes; no convolution overlaps, no ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        width = 16
        self.embedding = nn.Conv2d(channels, width, 8, stride=8)
        self.norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, 2, batch_first=True)
        self.activation = nn.GELU()
        self.head = nn.Linear(width, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(B, K)``."""
        tokens = self.norm(self.embedding(images).flatten(2).transpose(1, 2))
        attended, _ = self.attention(tokens, tokens, tokens, need_weights=False)
        return cast(Tensor, self.head(self.activation(tokens + attended).mean(dim=1)))


def _make_convolutional(shape: Shape) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(shape[0], 8, 3, stride=2, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 12, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(12, 12, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(12 * 16, CLASSES),
    )


def _make_linear(shape: Shape) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(shape[0] * shape[1] * shape[2], CLASSES))


_MAKERS: dict[str, Callable[[Shape], nn.Module]] = {
    "a small convolutional network with ReLU": _make_convolutional,
    "a small transformer": lambda shape: _TokenNetwork(shape[0]),
    "a linear model": _make_linear,
}
NAMES = tuple(_MAKERS)
CONVOLUTIONAL, TRANSFORMER, LINEAR = NAMES


@cache
def _cached_network(name: str, shape: Shape) -> Classifier:
    with seeded_generators(7), torch.no_grad():
        module = _MAKERS[name](shape)
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.running_mean, layer.running_var = torch.randn(layer.num_features) / 4, torch.rand(layer.num_features) + 0.5
            if isinstance(layer, nn.Linear) and layer.out_features == CLASSES:
                layer.weight.mul_(4)
        return classifier(module, input_shape=shape, mean=(0.5,) * shape[0], std=(0.5,) * shape[0], class_names=("a", "b", "c"))


def make_network(name: str = CONVOLUTIONAL, shape: Shape = SHAPE) -> Classifier:
    """A fresh copy of one of the networks in `NAMES` for inputs ``(C, H, W)`` in [−1, 1]; the same weights every time."""
    return copy.deepcopy(_cached_network(name, shape))


def make_images(count: int, shape: Shape = SHAPE, seed: int = 0) -> Tensor:
    """Smooth random inputs ``(count, C, H, W)`` in [−1, 1]; image k is the same whatever ``count`` is."""
    found = []
    for index in range(count):
        generator = torch.Generator().manual_seed(1000 * seed + index)
        coarse = torch.rand(1, shape[0], 6, 6, generator=generator)
        fine = torch.rand(1, *shape, generator=generator)
        found.append(0.7 * nn.functional.interpolate(coarse, shape[1:], mode="bicubic").clamp(0, 1) + 0.3 * fine)
    return torch.cat(found) * 2 - 1


def make_targets(count: int) -> Tensor:
    """Classes ``(count,)`` in turn."""
    return torch.arange(count) % CLASSES
