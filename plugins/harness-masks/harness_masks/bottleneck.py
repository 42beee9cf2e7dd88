"""Information bottlenecks: bits that pass a layer where as much noise is let in as the classification bears."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from math import log
from typing import Annotated, Any

import torch
from pydantic import BaseModel, Field
from torch import Tensor, nn

from harness.api import Attribution, Classifier, Context, explainer
from harness.api.activation_grids import grid_at, named_layer, no_layer
from harness.api.blurring import gaussian_blur
from harness.api.network_features import structure_of
from harness_masks import citations
from harness_masks.search import minimised, target_log_probabilities

ACTIVE = 0.01
"""Share of training images on which a neuron has to be other than 0 to take part."""
ROWS = 16
CLOSED = 1e-6
"""Least share of noise, so that its logarithm is finite."""


@dataclass(frozen=True)
class Statistics:
    """Statistics of a layer's activations on training images, ``(K, h, w)`` each.

    Attributes:
        mean: of each neuron.
        deviation: its standard deviation, at least the parameter ``least_deviation``.
        active: 1 where it is other than 0 often enough, else 0.
    """

    mean: Tensor
    deviation: Tensor
    active: Tensor


def passes(params: Mapping[str, Any]) -> float:
    """Forward-equivalents: one of the image, and a gradient for every step and draw."""
    return 2.0 * params["steps"] * params["draws"] + 1


@explainer(family="perturbation", needs={"training-labels"}, labelled="samples", passes=passes, cite=citations.INFORMATION_BOTTLENECK)
class InformationBottleneck:
    """Per-sample bottleneck (IBA): information in bits that passes a layer on the way to the target (Schulz et al. 2020, eq. 2 to 6).

    The map ``(B, h, w)`` is coarse and not negative. Activations R, by the mean and deviation of training images, become λ R + (1 − λ) ε
    with noise ε; λ is a sigmoid of what Adam searches, smoothed over the layer's positions, so that −log f of the target, mean over draws,
    plus β times the mean KL divergence of that from noise is least. The map is the divergence, summed over channels. Every neuron has a
    mean and a deviation of its own; one that is 0 on 99 % of the training images takes no part. Tokens beside a grid are left as they are.

    The paper takes a layer in the middle (of VGG-16 conv4_1, of ResNet-50 the second stage), and 10 000 training images. Learning from
    training images is done once for a model, and not counted.
    """

    class Params(BaseModel):
        """Parameters of the bottleneck."""

        layer: str | None = Field(
            default=None, description="the layer that noise is let into, by its name; by default the model's `cam_layer`"
        )
        beta: Annotated[float, Field(ge=0)] = Field(default=10.0, description="β, by which information counts")
        steps: Annotated[int, Field(ge=0)] = Field(default=10, description="of Adam")
        rate: Annotated[float, Field(gt=0)] = Field(default=1.0, description="Adam's learning rate")
        draws: Annotated[int, Field(ge=1)] = Field(default=10, description="of noise, at every step")
        smoothing: Annotated[float, Field(ge=0)] = Field(
            default=1.0, description="standard deviation, in positions of the layer, of the Gaussian under which λ is smoothed"
        )
        start: float = Field(default=5.0, description="what the sigmoid is of at first: at 5 nearly all passes")
        least_deviation: Annotated[float, Field(gt=0)] = Field(default=0.01, description="of activations by which they are divided")
        samples: Annotated[int, Field(ge=2)] = Field(
            default=256, description="training images that are learned from, or all if there are fewer"
        )
        prefix_tokens: Annotated[int, Field(ge=0)] | None = Field(
            default=None, description="how many tokens stand before those that form the grid; by default what the network shows"
        )

    def __init__(self, params: Params) -> None:
        self.params = params
        self._known: Statistics | None = None

    def applicable(self, model: Classifier) -> str | None:
        """Reason why there is no grid of activations to let noise into."""
        return no_layer(model, self.params.layer)

    def fit(self, model: Classifier, ctx: Context) -> None:
        """Learn the layer's statistics from training images."""
        images, _ = ctx.training_samples(self.params.samples)
        if len(images) < 2:
            raise ValueError(f"a standard deviation takes two training images, and there is {len(images)}")
        seen = [self._activations(model, part.to(model.device)) for part in images.split(ROWS)]
        self._known = statistics(torch.cat(seen), self.params.least_deviation)

    def __call__(self, model: Classifier, images: Tensor, targets: Tensor, *, ctx: Context) -> Attribution:
        """Explain a batch."""
        known, params = self._known, self.params
        if known is None:
            raise RuntimeError("it has not learned from training images: call `fit`")
        normal = (self._activations(model, images) - known.mean) / known.deviation

        def gates(values: Tensor) -> Tensor:
            opened = values.sigmoid()
            return gaussian_blur(opened, params.smoothing, 2.0) if params.smoothing else opened

        def losses(values: Tensor, step: int) -> Tensor:
            """A function whose gradient is that of the loss: of −log f it is taken draw by draw, so that one graph is held at a time."""
            opened = gates(values)
            slope = torch.zeros_like(opened)
            for _ in range(params.draws):
                noise = ctx.noise(opened.shape[1:]).to(opened)
                leaf = opened.detach().requires_grad_()
                let_in = ((leaf * normal + (1 - leaf) * noise) * known.deviation + known.mean) * known.active
                with self._replaced(model, images, lambda _, grids=let_in: grids):
                    missed = -target_log_probabilities(model, images, targets)
                slope += torch.autograd.grad(missed.sum(), leaf)[0] / params.draws
            information = information_of(opened, normal) * known.active
            return (opened * slope).sum((1, 2, 3)) + params.beta * information.mean((1, 2, 3))

        start = torch.full_like(normal, params.start)
        values = minimised(start, losses, params.steps, partial(torch.optim.Adam, lr=params.rate), bounds=None)
        return Attribution((information_of(gates(values), normal) * known.active).sum(dim=1).clamp(min=0) / log(2), coarse=True)

    def _activations(self, model: Classifier, images: Tensor) -> Tensor:
        """``(B, K, h, w)`` by one forward pass."""
        seen: list[Tensor] = []

        def keep(grids: Tensor) -> Tensor:
            seen.append(grids.clone())
            return grids

        with torch.no_grad(), self._replaced(model, images, keep):
            model(images)
        if len(seen) != 1:
            raise ValueError(f"layer {named_layer(model, self.params.layer)!r} was run {len(seen)} times in one forward pass")
        return seen[0]

    @contextmanager
    def _replaced(self, model: Classifier, images: Tensor, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
        """Have the layer's grid ``(B, K, h, w)`` changed in every forward pass inside the block; what lies before has no graph."""
        name = named_layer(model, self.params.layer)
        structure_of(model)  # by a pass that the hook must not see, where it is not known yet

        def hook(module: nn.Module, args: object, output: object) -> Tensor:
            if not isinstance(output, Tensor):
                raise ValueError(f"layer {name!r} returns a {type(output).__name__}, not one tensor; choose another with `layer`")
            changed = output.detach().clone()
            grids = grid_at(model, images, changed, name, self.params.prefix_tokens)
            grids.copy_(change(grids))
            return changed

        handle = model.layer(name).register_forward_hook(hook, prepend=True)
        try:
            yield
        finally:
            handle.remove()


def statistics(activations: Tensor, least_deviation: float) -> Statistics:
    """The `Statistics` of activations ``(N, K, h, w)``."""
    active = (activations != 0).float().mean(dim=0) > ACTIVE
    deviation = activations.std(dim=0).clamp(min=least_deviation)
    return Statistics(activations.mean(dim=0), deviation, active.to(activations))


def information_of(gates: Tensor, normal: Tensor) -> Tensor:
    """KL divergence, in nats, of N(λ R, (1 − λ)²) from N(0, 1), at each neuron (eq. 6)."""
    rest = (1 - gates).clamp(min=CLOSED)
    return 0.5 * ((gates * normal).square() + rest.square() - 1) - rest.log()
