"""Choice of zennit's rule for each layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from torch import Tensor, nn
from torchvision.ops import SqueezeExcitation
from zennit import composites as zennit
from zennit.core import Composite, Hook
from zennit.rules import Epsilon, Gamma, NoMod, Pass
from zennit.types import Convolution, Linear

Rule = Literal[
    "epsilon-plus-flat",
    "epsilon-plus",
    "epsilon-alpha2-beta1-flat",
    "epsilon-alpha2-beta1",
    "epsilon-gamma-box",
    "epsilon-gamma",
    "epsilon",
]

_NORMS = (nn.LayerNorm, nn.RMSNorm, nn.GroupNorm, nn.modules.instancenorm._InstanceNorm)
"""Normalisations whose statistics are the image's own, so that no layer could have them in its weights."""

# Forward-equivalents per sample: the forward pass, and for each layer one forward and one backward pass per modified copy of its weights.
PASSES: dict[str, float] = {
    "epsilon-plus-flat": 5,
    "epsilon-plus": 5,
    "epsilon-alpha2-beta1-flat": 9,
    "epsilon-alpha2-beta1": 9,
    "epsilon-gamma-box": 11,
    "epsilon-gamma": 11,
    "epsilon": 3,
}


class Settings(NamedTuple):
    """Settings that the rules leave open.

    Attributes:
        epsilon: added to the denominators of the ε-rule.
        gamma: how much positive weights are favoured in the γ-rule.
        zero_bias: leave biases out of the rules, so that they absorb no relevance.
        bounds: least and greatest model input ``(C, 1, 1)``; the box rule needs them.
    """

    epsilon: float = 1e-6
    gamma: float = 0.25
    zero_bias: bool = False
    bounds: tuple[Tensor, Tensor] | None = None


class _PassOn(Pass):
    """zennit's rule, also for operations with results beside the output: torch's group normalisation returns mean and deviation too."""

    def backward(self, module: nn.Module, grad_input: tuple[Tensor, ...], grad_output: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The relevance of the output, for the input."""
        return grad_output[:1]


def composite(rule: Rule, settings: Settings) -> Composite:
    """A fresh zennit composite. Raises ``ValueError`` where the box rule has no bounds."""
    return _COMPOSITES[rule](settings)


def _common(settings: Settings) -> dict[str, Any]:
    """What all composites are given. Normalisations and gates pass relevance on: its share goes to the signal, none to the gate."""
    return {
        "epsilon": settings.epsilon,
        "zero_params": _zero(settings),
        "layer_map": [((*_NORMS, SqueezeExcitation), _PassOn())],
    }


def _zero(settings: Settings) -> str | None:
    return "bias" if settings.zero_bias else None


def _gamma(settings: Settings) -> Gamma:
    """The γ-rule. zennit's keeps the bias in the sign of the output even where biases are left out, and then divides by almost nothing."""
    rule = Gamma(settings.gamma, zero_params=_zero(settings))
    rule.param_modifiers[-1] = NoMod(zero_params=_zero(settings))
    return rule


def _epsilon_gamma_box(settings: Settings) -> Composite:
    if settings.bounds is None:
        raise ValueError(WITHOUT_BOUNDS)
    low, high = (bound[None] for bound in settings.bounds)
    common = _common(settings)
    common["layer_map"].append((Convolution, _gamma(settings)))
    return zennit.EpsilonGammaBox(low=low, high=high, gamma=settings.gamma, **common)


def _everywhere(settings: Settings, *rules: tuple[type, Hook]) -> Composite:
    return zennit.LayerMapComposite([*_common(settings)["layer_map"], *zennit.layer_map_base(), *rules])


def _epsilon_gamma(settings: Settings) -> Composite:
    return _everywhere(settings, (Convolution, _gamma(settings)), (nn.Linear, Epsilon(settings.epsilon, zero_params=_zero(settings))))


def _epsilon(settings: Settings) -> Composite:
    return _everywhere(settings, (Linear, Epsilon(settings.epsilon, zero_params=_zero(settings))))


WITHOUT_BOUNDS = "the box rule needs the least and greatest input, but the model's preprocessing has no bounds (give it mean and std)"
_COMPOSITES: dict[Rule, Callable[[Settings], Composite]] = {
    "epsilon-plus-flat": lambda settings: zennit.EpsilonPlusFlat(**_common(settings)),
    "epsilon-plus": lambda settings: zennit.EpsilonPlus(**_common(settings)),
    "epsilon-alpha2-beta1-flat": lambda settings: zennit.EpsilonAlpha2Beta1Flat(**_common(settings)),
    "epsilon-alpha2-beta1": lambda settings: zennit.EpsilonAlpha2Beta1(**_common(settings)),
    "epsilon-gamma-box": _epsilon_gamma_box,
    "epsilon-gamma": _epsilon_gamma,
    "epsilon": _epsilon,
}
