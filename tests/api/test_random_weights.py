from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from harness.api import Classifier, classifier


class Layer(nn.Module):
    """A scale for each channel, with ways to initialise it that go wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.linspace(0.5, 2, 2048).view(2048, 1, 1))
        self.register_buffer("seen", torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale * self.seen


class TakesArguments(Layer):
    def reset_parameters(self, spread: float) -> None:
        nn.init.normal_(self.scale, std=spread)


class DoesNothing(Layer):
    def reset_parameters(self) -> None:
        pass


class ResetsBuffers(Layer):
    def reset_parameters(self) -> None:
        self.seen.fill_(1)


class RaisesHalfway(Layer):
    def reset_parameters(self) -> None:
        nn.init.zeros_(self.scale)
        raise RuntimeError("not here")


class MakesAnother(Layer):
    def reset_parameters(self) -> None:
        self.scale = nn.Parameter(torch.randn(2048, 1, 1) * 0.45 + 1.25)


def network(layer: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 2048, 1), layer, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 2))


@pytest.mark.parametrize("kind", [Layer, TakesArguments, DoesNothing, ResetsBuffers, RaisesHalfway, MakesAnother])
@pytest.mark.parametrize("layers", [None, ["1"]])
def test_what_no_reset_draws_is_drawn_with_its_own_mean_and_spread(kind: type[Layer], layers: list[str] | None) -> None:
    model = classifier(network(kind()), input_shape=(3, 8, 8))
    twin, again = model.randomised(1, layers), model.randomised(1, layers)
    before, after = model.layer("1").scale, twin.layer("1").scale
    assert not torch.equal(before, after) and torch.equal(after, again.layer("1").scale) and not after.requires_grad
    assert before.mean().item() == pytest.approx(after.mean().item(), abs=0.05)
    assert before.std().item() == pytest.approx(after.std().item(), rel=0.1)
    assert torch.corrcoef(torch.stack([before.flatten(), after.flatten()]))[0, 1].abs() < 0.1
    assert torch.equal(model.layer("1").scale, network(kind())[1].scale)


def test_ones_and_zeros_of_an_untrained_normalisation_stay() -> None:
    model = classifier(network(nn.BatchNorm2d(2048)), input_shape=(3, 8, 8))
    twin = model.randomised(1)
    assert torch.equal(twin.layer("1").weight, torch.ones(2048)) and torch.equal(twin.layer("1").bias, torch.zeros(2048))


class Fixed(nn.Module):
    """A network that hides its weights in plain tensors."""

    def __init__(self, scale: nn.Parameter | None = None) -> None:
        super().__init__()
        self.weight = torch.randn(3, 2)
        if scale is not None:
            self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3)) @ self.weight.to(x) * getattr(self, "scale", 1)


def made(module: nn.Module) -> Classifier:
    return classifier(module, input_shape=(3, 8, 8), cam_layer="")


@pytest.mark.parametrize(
    ("module", "why"),
    [
        (nn.Sequential(nn.Identity(), Fixed()), "they depend on no parameter that can be drawn"),
        (nn.Sequential(nn.Identity(), Fixed(nn.Parameter(torch.zeros(2)))), "the parameters of 1 stay as they were"),
    ],
)
def test_a_random_model_that_is_the_model_is_an_error(module: nn.Module, why: str) -> None:
    with pytest.raises(ValueError, match=f"the random model is the model: fresh weights change none of its logits .{why}"):
        made(module).randomised(0)
