"""Multiplying by a constant is no layer: LRP maps are those of the network whose weights have it in them."""

import pytest
import torch
from harness_zennit.lrp import LRP
from torch import nn

from harness.api import classifier
from tests.support.networks import TARGETS, images

MEAN, STD = torch.tensor([0.5, 0.4, 0.3]).view(3, 1, 1), torch.tensor([0.1, 0.2, 0.4]).view(3, 1, 1)
GAINS = torch.tensor([0.01, 0.5, 2.0, 8.0]).view(4, 1, 1)


class Scaling(nn.Module):
    """Normalises its images, scales its branches and has a temperature, each in another spelling."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.branch, self.head = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4, 3)
        self.gain = nn.Parameter(GAINS.clone())

    def forward(self, x):
        x = torch.relu(self.stem((x - MEAN) / STD))
        x = x + self.gain * self.branch(x)
        return torch.mul(self.head(x.mean((2, 3))) * 4.0, 0.5).div(0.1)


class Folded(Scaling):
    """The same by its weights alone, of images that are normalised already."""

    def __init__(self):
        super().__init__()
        with torch.no_grad():
            self.branch.weight *= GAINS[..., None]
            self.branch.bias *= GAINS.flatten()
            self.head.weight *= 20
            self.head.bias *= 20

    def forward(self, x):
        x = torch.relu(self.stem(x))
        return self.head((x + self.branch(x)).mean((2, 3)))


@pytest.mark.parametrize("rule", ["epsilon", "epsilon-plus", "epsilon-plus-flat", "epsilon-gamma"])
def test_scaling_is_no_layer(rule):
    given = images(size=8)
    normalised = (given - MEAN) / STD
    explain = LRP(LRP.Params(rule=rule, zero_bias=True))
    scaling, folded = (classifier(net.eval(), input_shape=(3, 8, 8)) for net in (Scaling(), Folded()))
    torch.testing.assert_close(scaling(given), folded(normalised))
    found, expected = explain(scaling, given, TARGETS), explain(folded, normalised, TARGETS)
    torch.testing.assert_close(found.map, expected.map, rtol=1e-3, atol=1e-3 * float(expected.map.abs().max()))
