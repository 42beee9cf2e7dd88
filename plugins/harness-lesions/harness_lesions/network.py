"""VGG-16 in layout (Simonyan and Zisserman 2015, configuration D), a few channels wide."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

BLOCKS: tuple[tuple[int, int], ...] = ((8, 2), (16, 2), (32, 3), (64, 3), (64, 3))
"""Channels and number of convolutions of the five blocks, each of which ends in a max-pooling."""
HIDDEN = 64


class NarrowVGG16(nn.Module):
    """13 convolutions and 5 max-poolings (``features``), a mean over places (``avgpool``), 3 linear layers (``classifier``).

    Takes ``(B, 3, H, W)`` of at least 32 × 32 pixels and gives logits ``(B, classes)``; every ReLU is a module of its own. ``batch_norm``
    puts a normalisation after each convolution, for training; `folded` takes it out again.
    """

    def __init__(self, classes: int = 2, *, batch_norm: bool = False) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width, depth in BLOCKS:
            for _ in range(depth):
                layers.append(nn.Conv2d(channels, width, kernel_size=3, padding=1))
                if batch_norm:
                    layers.append(nn.BatchNorm2d(width))
                layers.append(nn.ReLU())
                channels = width
            layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(channels, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, classes),
        )
        for layer in self.features:
            if isinstance(layer, nn.Conv2d) and layer.bias is not None:
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(layer.bias)

    @property
    def last_activation(self) -> str:
        """The ReLU after the last convolution: Grad-CAM weighs rectified feature maps; before the ReLU it points away from the lesions."""
        return f"features.{len(self.features) - 2}"

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(B, classes)`` of ``images`` (B, 3, H, W)."""
        logits: Tensor = self.classifier(self.avgpool(self.features(images)).flatten(1))
        return logits


def folded(network: NarrowVGG16) -> NarrowVGG16:
    """The same function, in eval mode, with each batch normalisation merged into the convolution before it."""
    network.eval()
    layers: list[nn.Module] = []
    for layer in network.features:
        if isinstance(layer, nn.BatchNorm2d):
            layers[-1] = fuse_conv_bn_eval(layers[-1], layer)
        else:
            layers.append(layer)
    plain = NarrowVGG16(classes=network.classifier[-1].out_features)
    plain.features.load_state_dict(OrderedDict(nn.Sequential(*layers).state_dict()))
    plain.classifier.load_state_dict(network.classifier.state_dict())
    return plain.eval()
