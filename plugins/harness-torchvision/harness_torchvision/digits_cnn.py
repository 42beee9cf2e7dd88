"""The model ``digits-cnn``: a small convolutional network for the handwritten digits, trained."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from harness.api import Classifier, classifier, model
from harness.api.randomness import seeded_generators
from harness_torchvision.checkpoints import read_checkpoint
from harness_torchvision.citations import DIGITS
from harness_torchvision.digits import CLASSES
from harness_torchvision.heads import head_of
from harness_torchvision.loading import load_into
from harness_torchvision.state_names import named

SIZE = 32
MEAN, STD = 0.3, 0.35
WIDTHS = (16, 32, 32)
WEIGHTS = Path(__file__).with_name("digits_cnn.safetensors")


class DigitsCNN(nn.Module):
    """Three convolutions with batch normalisation and ReLU, poolings between them, and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        first, second, third = WIDTHS
        self.features = nn.Sequential(*_stage(1, first), nn.MaxPool2d(2), *_stage(first, second), nn.MaxPool2d(2), *_stage(second, third))
        self.pool = nn.AdaptiveAvgPool2d(2)
        self.head = nn.Linear(4 * third, len(CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(B, 10)`` of ``(B, 1, 32, 32)``."""
        logits: Tensor = self.head(self.pool(self.features(x)).flatten(1))
        return logits


def _stage(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


@model(training="digits,split=train", cite=DIGITS)
def digits_cnn(*, pretrained: bool = True, weights: Path | None = None, seed: int = 0) -> Classifier:
    """A small convolutional network (15 thousand weights, inputs of 32 × 32) trained on the digits' training split.

    Raises ``ValueError`` where ``weights`` is no checkpoint of this network, or is given without ``pretrained``.

    Args:
        pretrained: whether the weights are trained ones; else they are random under ``seed``.
        weights: another checkpoint of this network in place of the shipped one, such as ``specs/train-digits.yaml`` trains.
        seed: of random weights.
    """
    if not pretrained and weights is not None:
        raise ValueError("weights: a checkpoint is given, but pretrained is false")
    with seeded_generators(seed):
        network = DigitsCNN()
    if pretrained:
        path = WEIGHTS if weights is None else weights.expanduser()
        load_into(network, named(read_checkpoint(path), network.state_dict(), head_of(network)), str(path))
    return as_classifier(network)


def as_classifier(network: DigitsCNN) -> Classifier:
    """The network with the digits' preprocessing and class names."""
    return classifier(network, input_shape=(1, SIZE, SIZE), mean=[MEAN], std=[STD], class_names=CLASSES, cam_layer="features.10")
