"""Networks with BatchNorm, which LRP joins with the layer before it."""

import torch
from torch import nn
from torchvision import models


class Normalised(nn.Module):
    """BatchNorms with statistics of their own, after convolutions and a linear layer, and a skip connection."""

    def __init__(self):
        super().__init__()
        self.first, self.bn1 = nn.Conv2d(3, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6)
        self.second, self.bn2 = nn.Conv2d(6, 6, 3, padding=1), nn.BatchNorm2d(6)
        self.relu, self.hidden, self.bn3, self.head = nn.ReLU(inplace=True), nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)
        for norm in (self.bn1, self.bn2, self.bn3):
            norm.running_mean.normal_(0, 0.1)
            norm.running_var.uniform_(0.5, 1.5)

    def forward(self, x):
        x = self.relu(self.bn1(self.first(x)))
        x = self.relu(self.bn2(self.second(x)) + x)
        return self.head(self.relu(self.bn3(self.hidden(x.mean((2, 3))))))


def calibrated(name, size=64, classes=3) -> nn.Module:
    """A torchvision network of random weights whose BatchNorms have statistics of noise."""
    torch.manual_seed(0)
    module = models.get_model(name, weights=None, num_classes=classes).train()
    for norm in (layer for layer in module.modules() if isinstance(layer, nn.BatchNorm2d)):
        norm.momentum = None
    with torch.no_grad():
        module(torch.randn(16, 3, size, size))
    return module.eval()
