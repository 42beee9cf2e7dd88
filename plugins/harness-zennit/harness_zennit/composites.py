"""Choice of zennit's rule for each layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torchvision.ops import SqueezeExcitation
from zennit import rules as zennit
from zennit.composites import SpecialFirstLayerMapComposite, layer_map_base
from zennit.core import BasicHook, Composite, Hook, ParamMod
from zennit.layer import Sum
from zennit.types import AvgPool, Convolution

LayerRule = Literal["0", "epsilon", "gamma", "z-plus", "alpha-beta", "alpha2-beta1", "z-box", "w-square", "flat"]
Rule = Literal[
    "epsilon-plus-flat",
    "epsilon-plus",
    "epsilon-alpha2-beta1-flat",
    "epsilon-alpha2-beta1",
    "epsilon-gamma-box",
    "epsilon-gamma",
    "sequential-preset-a",
    "sequential-preset-a-flat",
    "sequential-preset-b",
    "sequential-preset-b-flat",
    "0",
    "epsilon",
    "gamma",
    "z-plus",
    "alpha-beta",
    "z-box",
    "w-square",
    "flat",
]
FirstRule = Literal["z-box", "w-square", "flat"]

_NORMS = (nn.LayerNorm, nn.RMSNorm, nn.GroupNorm, nn.modules.instancenorm._InstanceNorm)
"""Normalisations whose statistics are the image's own, so that no layer could have them in its weights."""

# Modified copies of a layer that a rule computes forward and back.
_COPIES: dict[LayerRule, int] = {
    "0": 1,
    "epsilon": 1,
    "gamma": 5,
    "z-plus": 2,
    "alpha-beta": 4,
    "alpha2-beta1": 4,
    "z-box": 3,
    "w-square": 1,
    "flat": 1,
}


class Layers(NamedTuple):
    """The rules of convolutions, of dense layers, and of the first layer (None: as the others of its kind)."""

    convolutions: LayerRule
    dense: LayerRule
    first: LayerRule | None = None


LAYERS: dict[Rule, Layers] = {
    "epsilon-plus-flat": Layers("z-plus", "epsilon", "flat"),
    "epsilon-plus": Layers("z-plus", "epsilon"),
    "epsilon-alpha2-beta1-flat": Layers("alpha2-beta1", "epsilon", "flat"),
    "epsilon-alpha2-beta1": Layers("alpha2-beta1", "epsilon"),
    "epsilon-gamma-box": Layers("gamma", "epsilon", "z-box"),
    "epsilon-gamma": Layers("gamma", "epsilon"),
    "sequential-preset-a": Layers("z-plus", "epsilon"),
    "sequential-preset-a-flat": Layers("z-plus", "epsilon", "flat"),
    "sequential-preset-b": Layers("alpha2-beta1", "epsilon"),
    "sequential-preset-b-flat": Layers("alpha2-beta1", "epsilon", "flat"),
    "0": Layers("0", "0"),
    "epsilon": Layers("epsilon", "epsilon"),
    "gamma": Layers("gamma", "gamma"),
    "z-plus": Layers("z-plus", "z-plus"),
    "alpha-beta": Layers("alpha-beta", "alpha-beta"),
    "z-box": Layers("z-plus", "z-plus", "z-box"),
    "w-square": Layers("w-square", "w-square"),
    "flat": Layers("flat", "flat"),
}

# Forward-equivalents per sample: the forward pass, and for each layer one forward and one backward pass per modified copy of its weights.
PASSES: dict[Rule, float] = {rule: 1 + 2 * _COPIES[layers.convolutions] for rule, layers in LAYERS.items()}
CONSERVED: tuple[LayerRule, ...] = ("z-plus", "gamma")
"""Rules that can share evenly what no input speaks for, by one more copy."""


def passes(rule: Rule, conserve: bool) -> float:
    """Forward-equivalents per sample of a composite."""
    return PASSES[rule] + (2 if conserve and LAYERS[rule].convolutions in CONSERVED else 0)


def default_epsilon(rule: Rule) -> float:
    """The stabiliser that goes with a composite: iNNvestigate's for its sequential presets, zennit's for all others."""
    return 0.1 if rule.startswith("sequential-preset") else 1e-6


class Settings(NamedTuple):
    """Settings that the rules leave open.

    Attributes:
        epsilon: added to the denominators of the ε-rule.
        gamma: how much positive weights are favoured in the γ-rule.
        alpha: weight of positive contributions in the αβ-rule; negative ones have α − 1.
        zero_bias: leave biases out of the rules, so that they absorb no relevance.
        conserve: by z⁺ and γ, share evenly what a neuron has to which no input contributes, as the flat rule does.
        bounds: least and greatest model input ``(C, 1, 1)``; the box rule needs them.
        input_shape: of one image ``(C, H, W)``, for the box rule of a dense first layer.
        positive_sums: share among what an addition or an average pooling takes by its positive contributions alone, as z⁺ does.
    """

    epsilon: float = 1e-6
    gamma: float = 0.25
    alpha: float = 2
    zero_bias: bool = False
    conserve: bool = False
    bounds: tuple[Tensor, Tensor] | None = None
    input_shape: tuple[int, ...] | None = None
    positive_sums: bool = False


class _PassOn(zennit.Pass):
    """zennit's rule, also for operations with results beside the output: torch's group normalisation returns mean and deviation too."""

    def backward(self, module: nn.Module, grad_input: tuple[Tensor, ...], grad_output: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The relevance of the output, for the input."""
        return grad_output[:1]


class _PositiveNorm(BasicHook):
    """The z⁺-rule of a sum without weights."""

    def __init__(self) -> None:
        super().__init__(
            input_modifiers=[lambda inputs: inputs.clamp(min=0)],
            param_modifiers=[zennit.NoMod(param_keys=[])],
            output_modifiers=[lambda outputs: outputs],
            gradient_mapper=lambda relevance, outputs: relevance / _hardly_moved(outputs[0]),
            reducer=lambda inputs, gradients: inputs[0] * gradients[0],
        )


def composite(layers: Layers, settings: Settings) -> Composite:
    """A fresh zennit composite. Raises ``ValueError`` where the box rule has no bounds.

    Activations, normalisations and gates pass relevance on: its share goes to the signal, none to the gate. Additions and average pooling
    share it by contribution, max pooling gives it to the maximum.
    """
    shared: list[tuple[object, Hook]] = [((*_NORMS, SqueezeExcitation), _PassOn()), *layer_map_base()]
    if settings.positive_sums:
        shared.insert(0, ((Sum, AvgPool), _PositiveNorm()))
    kinds = ((Convolution, layers.convolutions), (nn.Linear, layers.dense))
    first = [(kind, _hook(layers.first, settings, dense=kind is nn.Linear)) for kind, _ in kinds if layers.first is not None]
    return SpecialFirstLayerMapComposite([*shared, *((kind, _hook(rule, settings)) for kind, rule in kinds)], first)


def _hook(rule: LayerRule, settings: Settings, dense: bool = False) -> Hook:
    zero = {"zero_params": "bias" if settings.zero_bias else None}
    match rule:
        case "0":
            return zennit.Epsilon(_ones_for_zeros, **zero)
        case "epsilon":
            return zennit.Epsilon(settings.epsilon or _ones_for_zeros, **zero)
        case "gamma":
            return _gamma(settings)
        case "z-plus":
            return _conserving(zennit.ZPlus(**zero), lambda outputs: sum(outputs), settings)
        case "alpha-beta":
            return zennit.AlphaBeta(settings.alpha, settings.alpha - 1, _hardly_moved, **zero)
        case "alpha2-beta1":
            return zennit.AlphaBeta(2, 1, **zero)
        case "w-square":
            return zennit.WSquare(zero_params="bias")
        case "flat":
            return zennit.Flat()
        case "z-box":
            return zennit.ZBox(*_box(settings, dense), **zero)


def _ones_for_zeros(outputs: Tensor) -> Tensor:
    """Denominators of the 0-rule: what nothing contributes to has no relevance to share."""
    return torch.where(outputs == 0, 1, outputs)


def _hardly_moved(outputs: Tensor) -> Tensor:
    """Denominators of parts of one sign, kept from 0 alone: these do not cancel, so that small ones need no stabiliser."""
    least = max(1e-9, torch.finfo(outputs.dtype).tiny)
    return outputs.abs().clamp(min=least) * torch.where(outputs < 0, -1, 1)


def _gamma(settings: Settings) -> Hook:
    """The γ-rule. zennit's keeps the bias in the sign of the output even where biases are left out, and then divides by almost nothing."""
    zero = "bias" if settings.zero_bias else None
    rule = zennit.Gamma(settings.gamma, zero_params=zero)
    rule.param_modifiers[-1] = zennit.NoMod(zero_params=zero)
    return _conserving(rule, lambda outputs: outputs[4], settings)


def _conserving(rule: BasicHook, evidence: Callable[[list[Tensor]], Tensor], settings: Settings) -> Hook:
    """A rule that shares the relevance of neurons without ``evidence`` evenly over their inputs, as the flat rule does.

    Such neurons are on by their bias alone, as many are behind the ten weights of a depthwise convolution.
    """
    if not settings.conserve:
        return rule
    shares, reduced = rule.gradient_mapper, rule.reducer

    def mapped(relevance: Tensor, outputs: list[Tensor]) -> list[Tensor]:
        *own, reach = outputs
        alone = evidence(own).abs() <= NO_EVIDENCE
        return [*shares(relevance.masked_fill(alone, 0), own), relevance.where(alone, 0) / _ones_for_zeros(reach)]

    return BasicHook(
        input_modifiers=[*rule.input_modifiers, torch.ones_like],
        param_modifiers=[*rule.param_modifiers, ParamMod(lambda weight, _: torch.ones_like(weight), zero_params="bias")],
        output_modifiers=[*rule.output_modifiers, lambda output: output],
        gradient_mapper=mapped,
        reducer=lambda inputs, gradients: reduced(inputs[:-1], gradients[:-1]) + gradients[-1],
    )


def _box(settings: Settings, dense: bool) -> tuple[Tensor, Tensor]:
    if settings.bounds is None:
        raise ValueError(WITHOUT_BOUNDS)
    low, high = settings.bounds
    if dense and settings.input_shape is not None:
        return low.expand(settings.input_shape).reshape(1, -1), high.expand(settings.input_shape).reshape(1, -1)
    return low[None], high[None]


NO_EVIDENCE = 1e-5
WITHOUT_BOUNDS = "the box rule needs the least and greatest input, but the model's preprocessing has no bounds (give it mean and std)"
