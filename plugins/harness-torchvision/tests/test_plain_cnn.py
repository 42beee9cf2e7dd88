"""The plain network: as many convolutions as are asked for, of the widths and strides that it says."""

from __future__ import annotations

import pytest
import torch
from harness_torchvision.plain_cnn import PlainCNN, plain_cnn
from torch import nn


@pytest.mark.parametrize(("convolutions", "widths", "side"), [(1, [8], 16), (3, [8, 16, 32], 4), (6, [8, 16, 32, 64, 64, 64], 2)])
def test_depth_widths_and_the_size_of_the_last_map(convolutions: int, widths: list[int], side: int) -> None:
    network = PlainCNN(convolutions, 8, 5)
    found = [layer.out_channels for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    assert found == widths
    assert network.features(torch.zeros(1, 3, 32, 32)).shape == (1, widths[-1], side, side)
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 5)


def test_one_convolution_is_the_mean_of_its_rectified_maxima() -> None:
    """By hand: the logits are linear in the mean over places of the pooled, rectified convolution."""
    network = PlainCNN(1, 4, 3).eval()
    image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    weight, bias = network.features[0].weight, network.features[0].bias
    patches = nn.functional.unfold(image, 3, padding=1)[0]
    responses = (weight.flatten(1) @ patches + bias[:, None]).clamp(min=0).reshape(4, 16, 2, 16, 2).amax(dim=(2, 4)).mean(dim=(1, 2))
    assert torch.allclose(network(image)[0], network.head.weight @ responses + network.head.bias, atol=1e-5)


def test_class_activation_maps_are_taken_after_the_last_relu_and_seeds_differ() -> None:
    one, other = plain_cnn(convolutions=5, batch_norm=True), plain_cnn(convolutions=5, batch_norm=True, seed=1)
    assert one.cam_layer == "features.18" and one.input_shape == (3, 96, 96)
    assert plain_cnn(convolutions=5, batch_norm=True).digest == one.digest != other.digest
