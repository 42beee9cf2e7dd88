"""What metrics that explain again have a device do besides passes, the worker's checks of each explanation and prediction among it.

A program (see `tests.support.elsewhere`): its input is ``[[metric, parameters, images], …]``; it prints ``[{kind: count}, …]``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from harness.api import Case, Classifier, Context, classifier
from harness.registry.registry import Registry
from harness.registry.resolve import resolve
from harness.worker.component_cache import ComponentCache
from tests.support.dispatch_counts import DispatchRecord
from tests.support.standin import standin

SIDE, BATCH = 32, 64
RECORDS = [DispatchRecord()]  # the last one counts
_PASSES: list[AbstractContextManager[None]] = []


def begin_pass(*_: object) -> None:
    """What is dispatched from now on is not recorded."""
    _PASSES.append(RECORDS[-1].paused())
    _PASSES[-1].__enter__()


def end_pass(*_: object) -> None:
    """What is dispatched from now on is recorded, unless this pass is inside another."""
    _PASSES.pop().__exit__(None, None, None)


def network() -> nn.Module:
    """Three blocks of a convolution, BatchNorm and ReLU, and a linear layer: seven layers with parameters."""
    torch.manual_seed(0)
    blocks = [nn.Sequential(nn.Conv2d(n, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()) for n in (3, 8, 8)]
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 10))


class Bench:
    """Cases on the device, as a worker makes them, with batches of a fixed size."""

    def __init__(self, device: torch.device) -> None:
        self.registry, self.device = Registry.discover(), device
        self.components = ComponentCache(self.registry, device, batch=BATCH)
        self.model = classifier(network(), input_shape=(3, SIDE, SIDE), mean=[0.5] * 3, std=[0.25] * 3).to(device)
        self.model.module.register_forward_pre_hook(begin_pass)
        self.model.module.register_forward_hook(end_pass)

    def case(self, name: str, images: int) -> Case:
        """A case of so many images, explained by ``saliency``."""
        bound = self.components.explainer(resolve(self.registry, "explainers", "saliency"))

        def call(*args: Any, **kwargs: Any) -> Any:
            begin_pass()
            try:
                return bound.call(*args, **kwargs)
            finally:
                end_pass()

        explainer = replace(bound, call=call)
        given = torch.rand(images, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)).to(self.device)
        targets = torch.arange(images, device=self.device) % 10
        ctx = Context(0, [f"sample {i}" for i in range(images)], f"score/{name}", self.device)
        again = replace(ctx, purpose="explain/saliency")
        maps = explainer(self.model, given, targets, ctx=again).map
        forward: Callable[[Classifier, Tensor], Tensor] = self.components.models.forward
        return Case(self.model, given, targets, maps, ctx, explainer=explainer, forward=forward, explaining=again)

    def counts(self, name: str, params: Mapping[str, Any], images: int) -> dict[str, int]:
        """Of a metric on so many images, the second time that a worker meets the model; the fetch of the scores not counted."""
        metric = self.components.metric(resolve(self.registry, "metrics", {"use": name, "params": dict(params)}))
        metric(self.case(name, images))
        case = self.case(name, images)
        RECORDS.append(DispatchRecord())
        with RECORDS[-1]:
            scores = metric(case)
        if scores.shape != (images,):
            raise SystemExit(f"{name} gave {tuple(scores.shape)}")
        return RECORDS[-1].counts()


def main() -> None:
    """Count what is asked for."""
    bench = Bench(standin())
    print(json.dumps([bench.counts(name, params, images) for name, params, images in json.load(sys.stdin)]))


if __name__ == "__main__":
    main()
