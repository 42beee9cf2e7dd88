"""A small network of each family, with random weights: the classes of torchvision, narrow and shallow."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from itertools import pairwise

import torch
from harness_torchvision.calibration import calibrate_batch_norm, noise_of_all_scales
from harness_torchvision.families import CAM_LAYERS
from torch import Tensor, nn
from torchvision import models
from torchvision.models.convnext import CNBlockConfig
from torchvision.models.efficientnet import MBConvConfig
from torchvision.models.mobilenetv3 import InvertedResidualConfig
from torchvision.models.resnet import BasicBlock

from harness.api import Classifier, classifier

CLASSES = 3
SIDE = 32
BLOCKS = 6  # of the vision transformer: some methods begin at the fourth or fifth


def _vgg() -> nn.Module:
    features = nn.Sequential(*_convolution(3, 8), nn.MaxPool2d(2), *_convolution(8, 16), nn.MaxPool2d(2), *_convolution(16, 16))
    network = models.VGG(features, num_classes=CLASSES)
    network.avgpool = nn.AdaptiveAvgPool2d(2)
    network.classifier = nn.Sequential(nn.Linear(64, 24), nn.ReLU(True), nn.Dropout(), nn.Linear(24, CLASSES))
    return network


def _convolution(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(True)]


def _efficientnet() -> nn.Module:
    block = partial(MBConvConfig, kernel=3, num_layers=1, width_mult=1.0, depth_mult=1.0)
    settings = [
        block(expand_ratio=1, stride=1, input_channels=16, out_channels=8),
        block(expand_ratio=4, stride=2, input_channels=8, out_channels=16),
    ]
    return models.EfficientNet(settings, 0.2, num_classes=CLASSES, last_channel=32)


def _mobilenet() -> nn.Module:
    block = partial(InvertedResidualConfig, kernel=3, dilation=1, width_mult=1.0)
    settings = [
        block(input_channels=16, expanded_channels=16, out_channels=16, use_se=False, activation="RE", stride=1),
        block(input_channels=16, expanded_channels=32, out_channels=16, use_se=True, activation="HS", stride=2),
    ]
    return models.MobileNetV3(settings, 32, num_classes=CLASSES)


def _maxvit() -> nn.Module:
    return models.MaxVit((SIDE, SIDE), 8, 2, [8, 16], [1, 1], 4, stochastic_depth_prob=0.0, num_classes=CLASSES)


def _mlp() -> nn.Module:
    sizes = [3 * SIDE**2, 24, 12]
    layers = [layer for pair in pairwise(sizes) for layer in (nn.Linear(*pair), nn.ReLU())]
    return nn.Sequential(nn.Flatten(), *layers, nn.Linear(sizes[-1], CLASSES))


FAMILIES: dict[str, tuple[str, Callable[[], nn.Module]]] = {
    "VGG": ("vgg", _vgg),
    "ResNet": ("resnet", lambda: models.ResNet(BasicBlock, [1, 1, 1, 1], num_classes=CLASSES)),
    "DenseNet": ("densenet", lambda: models.DenseNet(8, (2, 2), 16, num_classes=CLASSES)),
    "EfficientNet": ("efficientnet", _efficientnet),
    "MobileNet": ("mobilenet", _mobilenet),
    "ConvNeXt": ("convnext", lambda: models.ConvNeXt([CNBlockConfig(12, 24, 1), CNBlockConfig(24, None, 1)], num_classes=CLASSES)),
    "ViT": ("vit", lambda: models.VisionTransformer(SIDE, 8, BLOCKS, 2, 16, 32, num_classes=CLASSES)),
    "Swin": ("swin", lambda: models.SwinTransformer([4, 4], 12, [2, 2], [2, 4], [4, 4], num_classes=CLASSES)),
    "MaxViT": ("maxvit", _maxvit),
    "MLP": ("", _mlp),
}
"""By what papers call them: torchvision's family, and how one is made."""


@cache
def family_network(name: str) -> Classifier:
    """A classifier with the ``cam_layer`` that the model `torchvision` names; batch normalisation knows the network's own statistics."""
    family, make = FAMILIES[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = make()
        with torch.no_grad():
            last = [layer for layer in module.modules() if isinstance(layer, nn.Linear)][-1]
            last.weight.normal_(std=0.3)
            calibrate_batch_norm(module, noise_of_all_scales(16, SIDE))
    layer = CAM_LAYERS[family](module) if family else None
    return classifier(module, input_shape=(3, SIDE, SIDE), mean=[0.5] * 3, std=[0.5] * 3, cam_layer=layer)


@cache
def family_images(count: int = 2, seed: int = 1) -> Tensor:
    """Images of noise, as the networks take them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return noise_of_all_scales(count, SIDE).clamp(-1, 1)
