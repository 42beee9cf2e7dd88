"""Small components for tests of runs: a data set with masks, a network, three explainers, two metrics. Given as ``--plugin``."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from harness.api import Attribution, Case, Classifier, Context, Explainer, Sample, classifier, dataset, explainer, metric, model

SIDE = 12


class Squares:
    """Images of noise with a bright square, at the left for class 0 and at the right for class 1."""

    class_names = ("left", "right")

    def __init__(self, samples: int, offset: int) -> None:
        self._samples, self._offset = samples, offset

    def __len__(self) -> int:
        return self._samples

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self._samples:
            raise IndexError(index)
        generator = torch.Generator().manual_seed(1000 + self._offset + index)
        image = torch.rand(3, SIDE, SIDE, generator=generator) * 0.3
        label = index % 2
        mask = torch.zeros(SIDE, SIDE, dtype=torch.bool)
        mask[4:8, label * 6 + 1 : label * 6 + 5] = True
        image[:, mask] += 0.6
        return Sample(image, label, f"square-{self._offset + index}", mask)


@dataset(selection={"samples"})
def squares(*, split: Literal["train", "test"] = "test", samples: int | None = 8) -> Squares:
    """Bright squares at the left or at the right."""
    return Squares(16 if samples is None else samples, 500 if split == "train" else 0)


@model()
def pools(*, scale: float = 4.0) -> Classifier:
    """Compares the brightness of the left and the right half by two fixed convolutions."""
    network = nn.Sequential(nn.Conv2d(3, 2, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d((1, 2)), nn.Flatten(), nn.Linear(4, 2))
    with torch.no_grad():
        network[0].weight.fill_(1 / 27)
        network[0].bias.zero_()
        network[4].weight.copy_(torch.tensor([[scale, -scale, 0.0, 0.0], [-scale, scale, 0.0, 0.0]]))
        network[4].bias.zero_()
    return classifier(network, input_shape=(3, SIDE, SIDE), class_names=["left", "right"], mean=[0.0] * 3, std=[1.0] * 3)


def _gradient(model: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    with torch.enable_grad():
        images = images.clone().requires_grad_()
        logits = model(images).gather(1, targets[:, None]).sum()
        return torch.autograd.grad(logits, images)[0]


def _pause(seconds: float) -> None:
    end, calls = time.monotonic() + seconds, os.environ.get("SMALL_CALLS")
    while (left := end - time.monotonic()) > 0 and not (calls and Path(calls).with_name("hurry").exists()):
        time.sleep(min(left, 0.05))


def _noted(what: str) -> None:
    """Append a line to the file named by SMALL_CALLS, so that a test can count what was computed."""
    if os.environ.get("SMALL_CALLS"):
        with Path(os.environ["SMALL_CALLS"]).open("a") as stream:
            stream.write(what + "\n")


@explainer(signed=True, passes=2)
def slope(model: Classifier, images: Tensor, targets: Tensor, *, pause: float = 0.0, ctx: Context) -> Tensor:
    """Gradient times input; it pauses for so many seconds per image, but not once a file ``hurry`` lies beside that of the calls."""
    _pause(pause * len(images))
    for name in ctx.ids:
        _noted(f"slope {name}")
    return _gradient(model, images, targets) * images


@explainer()
def speckle(model: Classifier, images: Tensor, targets: Tensor, *, ctx: Context) -> Tensor:
    """Uniform noise from each sample's stream."""
    return ctx.uniform(images.shape[-2:])


@explainer(needs={"training-data"})
def contrast(model: Classifier, images: Tensor, targets: Tensor, *, draws: Annotated[int, Field(ge=1)] = 4, ctx: Context) -> Tensor:
    """Distance from the mean training image."""
    return (images - ctx.background(draws).mean(dim=0)).abs()


@explainer()
def both(
    model: Classifier, images: Tensor, targets: Tensor, *, first: Explainer = "slope", second: Explainer = "speckle", ctx: Context
) -> Attribution:  # type: ignore[assignment]
    """The sum of two explainers."""
    one, two = first(model, images, targets, ctx=ctx).map, second(model, images, targets, ctx=ctx).map
    return Attribution(one + two, {"first": one, "second": two})


@metric(category="localisation", direction="higher", needs={"masks"}, bounds=(0, 1))
def inside(case: Case) -> Tensor:
    """Share of the absolute map inside the mask; undefined without one."""
    for name in case.ctx.ids:
        _noted(f"inside {case.explainer.name if case.explainer else None} {name}")
    assert case.masks is not None
    total = case.attributions.abs().flatten(1).sum(dim=1)
    return (case.attributions.abs() * case.masks).flatten(1).sum(dim=1) / total


@metric(category="robustness", direction="lower", needs={"explainer"})
def wobble(case: Case, *, samples: int = 2) -> Tensor:
    """Mean change of the map under noise."""
    index = torch.arange(len(case.images)).repeat_interleave(samples)
    noise = case.ctx.noise((samples, *case.images.shape[1:])).flatten(0, 1) * 0.05
    again = case.explain(case.images[index] + noise, index=index)
    return (again - case.attributions[index]).abs().flatten(1).mean(dim=1).view(-1, samples).mean(dim=1)


@metric(category="faithfulness", direction="lower")
def drop(case: Case) -> Tensor:
    """Confidence left when the brightest half of the map is set to 0."""
    threshold = case.attributions.flatten(1).median(dim=1).values.view(-1, 1, 1)
    kept = case.images * (case.attributions <= threshold)[:, None]
    return case.predict(kept).softmax(dim=1).gather(1, case.targets[:, None])[:, 0]
