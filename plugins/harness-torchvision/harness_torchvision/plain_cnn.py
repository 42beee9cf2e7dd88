"""The model ``plain-cnn``: convolutions in a row, as many as one asks for."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from harness.api import Classifier, classifier, model
from harness.api.randomness import seeded_generators

MOST_POOLINGS = 4  # those after the first layers: a sixteenth of the image's side is left
MOST_DOUBLINGS = 3  # of the width
MEAN, STD = 0.5, 0.5


class PlainCNN(nn.Module):
    """Convolutions of 3 × 3 with ReLU, a mean over places, and a linear layer.

    Takes ``(B, 3, H, W)`` and gives logits ``(B, classes)``. A max-pooling halves the sides after each of the first four convolutions, and
    each of the next three has twice the channels of the one before.
    """

    def __init__(self, convolutions: int, width: int, classes: int, *, batch_norm: bool = False) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for place in range(convolutions):
            outputs = width * 2 ** min(place, MOST_DOUBLINGS)
            layers.append(nn.Conv2d(channels, outputs, kernel_size=3, padding=1))
            if batch_norm:
                layers.append(nn.BatchNorm2d(outputs))
            layers.append(nn.ReLU())
            if place < MOST_POOLINGS:
                layers.append(nn.MaxPool2d(2))
            channels = outputs
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(channels, classes)

    @property
    def last_activation(self) -> str:
        """The ReLU after the last convolution, where class activation maps are taken."""
        return next(f"features.{place}" for place in reversed(range(len(self.features))) if isinstance(self.features[place], nn.ReLU))

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(B, classes)`` of ``images`` (B, 3, H, W)."""
        logits: Tensor = self.head(self.pool(self.features(images)).flatten(1))
        return logits


@model()
def plain_cnn(
    *,
    convolutions: Annotated[int, Field(ge=1, le=16)] = 4,
    width: Annotated[int, Field(ge=1, le=512)] = 16,
    batch_norm: bool = False,
    classes: Annotated[int, Field(ge=2)] = 2,
    size: Annotated[int, Field(ge=32, le=1024)] = 96,
    seed: int = 0,
) -> Classifier:
    """A plain network of any number of convolutions, with random weights: what `trained` trains, to be made simpler layer by layer.

    Args:
        convolutions: how many, each of 3 × 3 with a ReLU, the first four with a max-pooling behind them.
        width: channels of the first; the second, third and fourth have twice, four and eight times as many, and all others as the fourth.
        batch_norm: whether a normalisation follows each convolution.
        classes: how many; `trained` gives it those of its data.
        size: the side of the images in pixels.
        seed: of the random weights.
    """
    with seeded_generators(seed):
        network = PlainCNN(convolutions, width, classes, batch_norm=batch_norm)
    return classifier(network, input_shape=(3, size, size), mean=[MEAN] * 3, std=[STD] * 3, cam_layer=network.last_activation)
