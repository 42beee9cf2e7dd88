"""A small RGB network and explained samples of it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from harness.api import Attribution, Case, Classifier, Context, classifier


class GradientTimesInput:
    """An explainer that needs no library."""

    name = "gradient-times-input"
    params: dict[str, object] = {}  # noqa: RUF012

    def __call__(self, model: Classifier, images: Tensor, targets: Tensor, *, ctx: Context) -> Attribution:
        with torch.enable_grad():
            images = images.detach().clone().requires_grad_()
            logits = model(images).gather(1, targets[:, None]).sum()
            (gradient,) = torch.autograd.grad(logits, images)
        return Attribution((gradient * images.detach()).sum(dim=1))


def training(n: int) -> Tensor:
    return torch.randn(n, 3, 20, 20, generator=torch.Generator().manual_seed(7))


@pytest.fixture
def network() -> Classifier:
    torch.manual_seed(0)
    features = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2, bias=False), nn.ReLU(), nn.Conv2d(6, 6, 3), nn.ReLU())
    module = nn.Sequential(features, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, 4))
    return classifier(module, input_shape=(3, 20, 20), mean=[0.5, 0.4, 0.3], std=[0.2, 0.3, 0.25])


@pytest.fixture
def case(network: Classifier) -> Case:
    """Three explained samples of 20 x 20, whose masks are the upper left quarter, the left half and the lower right quarter."""
    images = network.normalise(torch.rand(3, 3, 20, 20, generator=torch.Generator().manual_seed(1)))
    masks = torch.zeros(3, 20, 20, dtype=torch.bool)
    masks[0, :10, :10] = masks[1, :, :10] = masks[2, 10:, 10:] = True
    targets = torch.tensor([0, 1, 2])
    ctx = Context(seed=3, ids=["a", "b", "c"], purpose="score", training=training)
    explainer = GradientTimesInput()
    maps = explainer(network, images, targets, ctx=ctx).map
    return Case(network, images, targets, maps, ctx, masks=masks, explainer=explainer)
