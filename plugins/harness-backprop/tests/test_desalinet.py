import pytest
import torch
from harness_backprop.desalinet import desalinet
from torch import nn
from torch.nn import functional as F

import harness
from harness.api import classifier
from tests.support.networks import TARGETS, images, made, state


@pytest.mark.parametrize(
    ("options", "equal"),
    [
        ({}, "guided-backprop"),
        ({"mask": False}, "deconvolution"),
        ({"rectify": False, "normalisation": True}, "gradient"),
    ],
)
def test_without_normalisation_it_is_what_the_paper_says(options, equal):
    model, inputs = made(window=3), images()
    before = state(model)
    found = desalinet(model, inputs, TARGETS, **options)
    maps = harness.attribute(harness.explainer(equal), model, inputs, TARGETS)
    torch.testing.assert_close(found.sum(1), maps)
    assert state(model) == before
    assert found.abs().sum() > 0


def test_local_response_normalisation_passes_on_what_comes():
    def network(normalised):
        torch.manual_seed(0)
        norm = nn.LocalResponseNorm(3, alpha=2.0) if normalised else nn.Identity()
        layers = nn.Conv2d(3, 6, 3), norm, nn.Flatten(), nn.Linear(216, 12), nn.ReLU(), nn.Linear(12, 3)
        return classifier(nn.Sequential(*layers), input_shape=(3, 8, 8), mean=[0.5] * 3, std=[0.25] * 3)

    inputs, model = images(size=8), network(True)
    conv, norm, _, dense, _, head = model.module
    hidden = dense(norm(conv(inputs)).flatten(1))
    back = (head.weight[TARGETS].clamp(min=0) * (hidden > 0)) @ dense.weight
    expected = F.conv_transpose2d(back.view(4, 6, 6, 6), conv.weight)
    torch.testing.assert_close(desalinet(model, inputs, TARGETS), expected)
    assert not torch.allclose(desalinet(model, inputs, TARGETS, normalisation=True), expected, rtol=0.05)


@pytest.mark.parametrize(
    ("side", "stride", "padding", "dilation", "ceil"), [(2, 2, 0, 1, False), (3, 2, 1, 1, False), (3, 3, 0, 1, True), (2, 1, 0, 2, False)]
)
def test_without_switches_the_middle_of_each_window_gets_everything(side, stride, padding, dilation, ceil):
    torch.manual_seed(0)
    pooling = nn.MaxPool2d(side, stride, padding, dilation, ceil_mode=ceil)
    size = pooling(torch.zeros(1, 3, 8, 8)).shape[-1]
    layers = pooling, nn.Flatten(), nn.Linear(3 * size**2, 12), nn.ReLU(), nn.Linear(12, 3)
    model = classifier(nn.Sequential(*layers), input_shape=(3, 8, 8), mean=[0.5] * 3, std=[0.25] * 3)
    inputs = images(size=8)
    hidden = layers[2](pooling(inputs).flatten(1))
    back = ((layers[4].weight[TARGETS].clamp(min=0) * (hidden > 0)) @ layers[2].weight).view(4, 3, size, size)
    expected = torch.zeros_like(inputs)
    for row in range(size):
        for column in range(size):
            place = [step * stride - padding + dilation * ((side + 1) // 2 - 1) for step in (row, column)]
            if all(0 <= at < 8 for at in place):
                expected[:, :, place[0], place[1]] += back[:, :, row, column]
    torch.testing.assert_close(desalinet(model, inputs, TARGETS, switches=False), expected)


def test_a_network_without_relu_is_refused():
    with pytest.raises(ValueError, match="no ReLU"):
        desalinet(made(activation=nn.SiLU), images(), TARGETS)
