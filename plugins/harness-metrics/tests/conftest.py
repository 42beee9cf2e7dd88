"""Small models and cases that the metric tests share."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from harness.api import Attribution, Case, Classifier, Context, classifier


class TwoClassLinear(nn.Module):
    """Logits (w·x, 0): the probability of class 0 is a sigmoid of a sum over pixels."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.layer = nn.Linear(weights.numel(), 2, bias=False)
        with torch.no_grad():
            self.layer.weight.copy_(torch.stack([weights.flatten(), torch.zeros(weights.numel())]))

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x.flatten(1))


class GradientTimesInput:
    """An explainer that needs no library."""

    name = "gradient-times-input"
    schema: dict[str, dict[str, object]] = {"power": {"type": "number", "exclusiveMinimum": 0, "default": 1.0}}  # noqa: RUF012

    def __init__(self, power: float = 1.0) -> None:
        self.params = {"power": power}

    def with_params(self, **changes: float) -> GradientTimesInput:
        return GradientTimesInput(**changes)

    def __call__(self, model: Classifier, images: Tensor, targets: Tensor, *, ctx: Context) -> Attribution:
        images = images.detach().clone().requires_grad_()
        logits = model(images).gather(1, targets[:, None]).sum()
        (gradient,) = torch.autograd.grad(logits, images)
        maps = (gradient * images.detach()).sum(dim=1)
        return Attribution(maps.sign() * maps.abs() ** self.params["power"])


@pytest.fixture
def linear_classifier() -> Callable[[Tensor], Classifier]:
    def make(weights: Tensor) -> Classifier:
        return classifier(TwoClassLinear(weights), input_shape=tuple(weights.shape))

    return make


@pytest.fixture
def small_cnn() -> Classifier:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 4))
    return classifier(module, input_shape=(3, 20, 20), mean=[0.5, 0.4, 0.3], std=[0.2, 0.3, 0.25])


@pytest.fixture
def cnn_case(small_cnn: Classifier) -> Case:
    """Five explained samples of 20 × 20 with masks (the last one empty), human maps, pictures without a quarter of them, two parts;
    and 30 training images with labels."""
    generator = torch.Generator().manual_seed(1)
    images = small_cnn.normalise(torch.rand(5, 3, 20, 20, generator=generator))
    masks = torch.zeros(5, 20, 20, dtype=torch.bool)
    masks[:4, 4:11, 6:15] = True
    human = torch.rand(5, 20, 20, generator=generator) ** 4
    targets = torch.tensor([0, 1, 2, 3, 1])
    explainer = GradientTimesInput()
    training = small_cnn.normalise(torch.rand(30, 3, 20, 20, generator=torch.Generator().manual_seed(2)))
    ctx = Context(
        seed=3,
        ids=[f"sample {i}" for i in range(5)],
        purpose="score",
        training=lambda n: training[:n],
        labelled=lambda n: (training[:n], torch.arange(30)[:n] % 4),
    )
    maps = explainer(small_cnn, images, targets, ctx=ctx).map
    parts = {"map": maps, "image": images.sum(dim=1)}
    without = [small_cnn.denormalise(image).repeat(4, 1, 1, 1) for image in images]
    for part in range(4):
        for pictures in without:
            pictures[part, :, 5 * part : 5 * part + 5] = 0.5
    evidence = {"human-map": human, "counterfactuals": without}
    return Case(small_cnn, images, targets, maps, ctx, masks=masks, explainer=explainer, parts=parts, evidence=evidence)


@pytest.fixture
def grey_case() -> Case:
    """Three samples of one channel of 8 × 8 with random maps, for libraries whose features are single channels."""
    torch.manual_seed(4)
    module = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(216, 3))
    generator = torch.Generator().manual_seed(5)
    images, maps = torch.rand(3, 1, 8, 8, generator=generator), torch.randn(3, 8, 8, generator=generator)
    model = classifier(module, input_shape=(1, 8, 8))
    return Case(model, images, torch.tensor([0, 1, 2]), maps, Context(seed=6, ids=list("abc"), purpose="score"))


class Explaining:
    """An explainer of a function of model, images and targets that returns maps ``(B, H, W)``."""

    name = "explaining"
    schema: dict[str, dict[str, object]] = {}  # noqa: RUF012

    def __init__(self, function: Callable[[Classifier, Tensor, Tensor], Tensor]) -> None:
        self.function, self.params = function, {}

    def with_params(self, **changes: object) -> Explaining:
        raise ValueError("no parameters")

    def __call__(self, model: Classifier, images: Tensor, targets: Tensor, *, ctx: Context) -> Attribution:
        return Attribution(self.function(model, images, targets))


@pytest.fixture
def explained() -> Callable[..., Case]:
    """A case of images explained by a function, which explains again when asked to."""

    def make(model: Classifier, images: Tensor, targets: Tensor, function: Callable[[Classifier, Tensor, Tensor], Tensor]) -> Case:
        ctx = Context(seed=1, ids=[f"sample {i}" for i in range(len(images))], purpose="score")
        return Case(model, images, targets, function(model, images, targets), ctx, explainer=Explaining(function))

    return make
