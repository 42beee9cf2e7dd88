"""What metrics of harness-metrics have a device do besides the passes of models: a program (see `tests.support.elsewhere`).

Its input is ``[[name, parameters, samples, pixels a side], …]``; of each it prints ``{kind: count}``, all in a list.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Hashable, Mapping
from importlib.metadata import entry_points
from typing import Any

import torch
from torch import Tensor, nn

from harness.api import Attribution, Case, Classifier, Context, classifier
from harness.api.unexplained import forward_in_batches
from tests.support.dispatch_counts import DispatchRecord
from tests.support.standin import standin


class Slope:
    """An explainer: the gradient of the target's logit. Its passes are not recorded."""

    name = "slope"
    schema: Mapping[str, Any] = {"power": {"type": "number", "exclusiveMinimum": 0, "default": 1.0}}

    def __init__(self, record: DispatchRecord, power: float = 1.0) -> None:
        self.record, self.params = record, {"power": power}

    def with_params(self, **changes: float) -> Slope:
        return Slope(self.record, **changes)

    def __call__(self, model: Classifier, images: Tensor, targets: Tensor, *, ctx: Context) -> Attribution:
        with self.record.paused():
            images = images.detach().clone().requires_grad_()
            logits = model(images).gather(1, targets[:, None]).sum()
            (gradient,) = torch.autograd.grad(logits, images)
            maps = gradient.sum(dim=1)
            return Attribution(maps.sign() * maps.abs() ** self.params["power"])


def network(size: int) -> Classifier:
    """A small classifier of four classes."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 5, padding=2, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 4))
    return classifier(module, input_shape=(3, size, size), mean=[0.5, 0.4, 0.3], std=[0.2, 0.3, 0.25])


def case_of(model: Classifier, batch: int, size: int, device: torch.device, record: DispatchRecord, memory: dict[Hashable, object]) -> Case:
    """Explained samples on a device, with masks, human maps and two parts, and training images in main memory as workers have them.

    ``memory`` is what metrics keep for all samples.
    """

    def noise(count: int, seed: int) -> Tensor:
        coarse = torch.rand(count, 3, size // 4, size // 4, generator=torch.Generator().manual_seed(seed))
        return model.normalise(nn.functional.interpolate(coarse, size=(size, size), mode="bilinear").to(device)).cpu()

    def forward(asked: Classifier, inputs: Tensor) -> Tensor:
        with record.paused():
            return forward_in_batches(asked, inputs)

    images, training = noise(batch, 1).to(device), noise(40, 2)
    masks = torch.zeros(batch, size, size, dtype=torch.bool)
    masks[:, size // 4 : size // 2, size // 3 : size // 2] = True
    targets = (torch.arange(batch) % 4).to(device)
    ctx = Context(
        seed=3,
        ids=[f"sample {i}" for i in range(batch)],
        purpose="score",
        device=device,
        training=lambda n: training[:n],
        labelled=lambda n: (training[:n], torch.arange(40)[:n] % 4),
        memory=memory,
    )
    explainer = Slope(record)
    maps = explainer(model, images, targets, ctx=ctx).map
    return Case(
        model,
        images,
        targets,
        maps,
        ctx,
        evidence={"mask": masks.to(device), "human-map": images.sum(dim=1)},
        labels=targets.clone(),
        explainer=explainer,
        forward=forward,
        parts={"map": maps.clone(), "image": images.sum(dim=1)},
    )


def counts_of(name: str, params: Mapping[str, Any], batch: int, size: int, device: torch.device) -> dict[str, int]:
    """Of the second call of a metric, with nothing shared; the fetch of its scores is not counted."""
    (found,) = (point for point in entry_points(group="harness.metrics", name=name) if point.dist and point.dist.name == "harness-metrics")
    score, model = found.load(), network(size).to(device)
    memory: dict[Hashable, object] = {}
    record = DispatchRecord()
    score(case_of(model, batch, size, device, record, memory), **params)  # which makes constants that a process keeps
    record = DispatchRecord()
    case = case_of(model, batch, size, device, record, memory)
    with record:
        scores = score(case, **params)
    if scores.shape != (batch,):
        raise SystemExit(f"{name} gave {tuple(scores.shape)}")
    return record.counts()


def main() -> None:
    """Count what is asked for."""
    device = standin()
    print(json.dumps([counts_of(*asked, device) for asked in json.load(sys.stdin)]))


if __name__ == "__main__":
    main()
