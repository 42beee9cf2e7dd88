"""Patterns of linear maps: the direction in which the input moves with what a neuron looks for (Kindermans et al. 2018, section 4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from harness.api import Classifier, to_float64
from harness_backprop.function_rules import MOVES, Call, FunctionRules, linear_arguments

Estimator = Literal["two-component", "linear"]
LinearMap = Callable[[Tensor, Tensor], Tensor]
SLOPES = MOVES | {"relu", "max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d", "mean"}
"""Names of functions through which signals go as gradients do."""

LEAST_VARIANCE = 1e-8
"""Of the mean square of what a neuron computes: with less it is constant but for rounding, and has no pattern."""


class LinearMaps(FunctionRules):
    """Inside the block dense layers and convolutions are computed by `linear`, with their places in the order of calls."""

    def __init__(self) -> None:
        super().__init__()
        self._outputs: list[Tensor] = []

    def rule(self, name: str, call: Call, given: Sequence[Tensor]) -> Any:
        """Linear maps and batch normalisations by rules of their own; for what is not among them and `SLOPES` there is none."""
        func, args, kwargs = call
        alone = len(given) == 1
        if name in ("linear", "conv2d") and alone and given[0] is (args[0] if args else kwargs.get("input")):
            apply, inputs, weight = linear_arguments(call)
            with torch.no_grad():
                output = func(*args, **kwargs)
            output = self.linear(len(self._outputs), apply, inputs, weight, output)
            self._outputs.append(output)
            return output
        if name == "batch_norm" and alone:
            behind = next((place for place, output in enumerate(self._outputs) if output is given[0]), None)
            return self.normalised(behind, given[0], func(*args, **kwargs), scale_of(*args, **kwargs))
        if (name in SLOPES and alone) or name in ("cat", "stack"):
            return func(*args, **kwargs)
        return self.refuse(name, call)

    def linear(self, place: int, apply: LinearMap, inputs: Tensor, weight: Tensor, output: Tensor) -> Tensor:
        """The output of the linear map that is called in this place, as the network goes on with it."""
        raise NotImplementedError

    def normalised(self, place: int | None, inputs: Tensor, output: Tensor, scale: Tensor) -> Tensor:
        """The output of a batch normalisation, which multiplies channels by ``scale``, behind the linear map of this place, if any."""
        raise NotImplementedError


def scale_of(
    inputs: Tensor, mean: Tensor, variance: Tensor, weight: Tensor | None = None, bias: Tensor | None = None, *_: Any, **options: Any
) -> Tensor:
    """What a batch normalisation in evaluation multiplies its channels by, ``(K,)``."""
    return (variance + options.get("eps", 1e-5)).rsqrt() * (1 if weight is None else weight)


class Watched(LinearMaps):
    """Inside the block linear maps are as they are, and each is told to ``tell``: its place, it, its inputs and weight.

    Attributes:
        signs: by place those of the scales of batch normalisations behind them.
    """

    def __init__(self, tell: Callable[[int, LinearMap, Tensor, Tensor], None]) -> None:
        super().__init__()
        self.tell = tell
        self.signs: dict[int, Tensor] = {}

    def linear(self, place: int, apply: LinearMap, inputs: Tensor, weight: Tensor, output: Tensor) -> Tensor:
        """Tell of it, and go on."""
        self.tell(place, apply, inputs.detach().to(weight.dtype), weight.detach())
        return output.requires_grad_()

    def normalised(self, place: int | None, inputs: Tensor, output: Tensor, scale: Tensor) -> Tensor:
        """Note the sign of the scale, and go on."""
        if place is not None:
            self.signs[place] = scale.sign()
        return output


def fit_patterns(model: Classifier, batches: Sequence[Tensor], estimator: Estimator) -> list[Tensor]:
    """A pattern for every linear map of the network in the order of calls, shaped like its weights: a with wᵀa = 1 for each output.

    With y = wᵀx without bias, over all images and places: by the linear estimator a = cov(x, y) / var(y) (section 4.1 of the paper); by the
    two-component estimator with expectations E₊ over where y > 0 a = (E₊[xy] − E₊[x] E[y]) / (E₊[y²] − E₊[y] E[y]). Behind a batch
    normalisation the neuron's weights are those times its scale, of which the sign says what is positive. A neuron that is never positive
    (such as the logit of a rare class) has its linear estimator. Where y does not vary the pattern is 0. Takes two forward passes of each
    of the ``batches`` (B, C, H, W).
    """
    known: dict[int, _Neurons] = {}

    def add_values(place: int, apply: LinearMap, inputs: Tensor, weight: Tensor) -> None:
        known.setdefault(place, _Neurons(weight)).add_values(apply(inputs, weight))

    def add_products(place: int, apply: LinearMap, inputs: Tensor, weight: Tensor) -> None:
        sign = signs.get(place, torch.ones(len(weight), device=weight.device)) if estimator == "two-component" else None
        known[place].add_products(apply, inputs, weight, sign)

    for images in batches:
        signs = _watch(model, images, add_values)
    for images in batches:
        _watch(model, images, add_products)
    return [known[place].pattern() for place in range(len(known))]


def _watch(model: Classifier, images: Tensor, tell: Callable[[int, LinearMap, Tensor, Tensor], None]) -> dict[int, Tensor]:
    with torch.enable_grad(), Watched(tell) as seen:
        model(images.to(model.device).requires_grad_())
    return seen.signs


class _Neurons:
    """Sums over what the neurons of one linear map were given and computed."""

    def __init__(self, weight: Tensor) -> None:
        self.weight = weight
        self.count = 0
        self.total = self.squares = torch.zeros(())
        self.products = torch.zeros(())
        self.least = self.greatest = torch.zeros(())

    def add_values(self, outputs: Tensor) -> None:
        """Outputs ``(…)``, of which each neuron has some."""
        values = to_float64((outputs.movedim(1, -1) if self.weight.ndim == 4 else outputs).flatten(0, -2))
        self.count += len(values)
        self.total = self.total.to(values) + values.sum(dim=0)
        self.squares = self.squares.to(values) + values.square().sum(dim=0)
        self.least = torch.minimum(self.least.to(values), values.amin(dim=0))
        self.greatest = torch.maximum(self.greatest.to(values), values.amax(dim=0))

    def add_products(self, apply: LinearMap, inputs: Tensor, weight: Tensor, sign: Tensor | None) -> None:
        """The sum of x (y − E[y]), where y has that sign, if it ever has: the gradient of the weights for y − E[y] at the outputs."""
        leaf = weight.clone().requires_grad_()
        outputs = apply(inputs, leaf)
        values = outputs.detach()
        changes = values - self._shaped((self.total / self.count).to(values))
        if sign is not None:
            never = torch.where(sign.to(self.least) > 0, self.greatest <= 0, self.least >= 0)
            changes = changes * ((values * self._shaped(sign.to(values)) > 0) | self._shaped(never.to(values.device)))
        (found,) = torch.autograd.grad(outputs, leaf, changes)
        self.products = self.products.to(to_float64(found)) + to_float64(found)

    def pattern(self) -> Tensor:
        """Products over their own products with the weights, shaped like these."""
        variance = (self.products * to_float64(self.weight)).flatten(1).sum(dim=1)
        varies = variance > LEAST_VARIANCE * self.squares
        scaled = self.products / torch.where(varies, variance, torch.ones_like(variance)).view(-1, *[1] * (self.weight.ndim - 1))
        return (scaled * varies.view(-1, *[1] * (self.weight.ndim - 1))).to(self.weight)

    def _shaped(self, values: Tensor) -> Tensor:
        return values.view(-1, 1, 1) if self.weight.ndim == 4 else values
