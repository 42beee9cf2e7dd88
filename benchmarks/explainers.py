"""Explainers side by side: the harness's, and what other libraries have of the same method, on the same model and the same batch.

    python benchmarks/explainers.py [--size 64] [--images 8] [--device cpu] [--explainers lime,rise] [--repeats 3] [--clock cpu]

Prints a Markdown table (and writes it with ``--out``). Of each method the sides take turns, so that other work on the machine hits both;
seconds are the least of the repeats, in one thread with ``--clock cpu``. What an explainer cannot explain of the ResNet-18 it explains
of a small vision transformer.
"""

from __future__ import annotations

import argparse
import copy
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from explainer_references import PARAMS, REFERENCES, Setting
from explainer_table import Row, Side, machine, table
from metric_sides import Grid
from torch import Tensor
from torchvision.models import VisionTransformer

from harness.api import Classifier, Context, classifier
from harness.registry.resolve import resolve
from harness.worker import pass_counter
from harness.worker.applicability import inapplicability_reason
from harness.worker.arithmetic import set_plain_fp32
from harness.worker.bound_components import BoundExplainer
from harness.worker.pass_counter import count_passes, count_passes_within

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
ENOUGH = 3.0  # seconds of one side, after which it is not repeated


@dataclass(frozen=True)
class Task:
    """A method on a network; ``name`` is that of the explainer."""

    name: str
    grid: Grid
    model: Classifier
    network: str

    @property
    def bound(self) -> BoundExplainer:
        """The harness's explainer with the parameters that are measured."""
        return self.grid.bench.explainer(resolve(self.grid.registry, "explainers", {"use": self.name, "params": PARAMS.get(self.name, {})}))

    @property
    def applies(self) -> bool:
        """Whether it can explain this network."""
        return inapplicability_reason(self.grid.bench, self.bound.recipe, self.model) is None

    def ours(self) -> Callable[[], Any]:
        """The harness's explainer, called as in a run."""
        grid = self.grid
        bound = self.bound

        def labelled(count: int) -> tuple[Tensor, Tensor]:
            return grid.training(count), torch.arange(count) % 1000

        context = Context(0, grid.ids, "explain", grid.device, grid.training, labelled)
        return lambda: bound(self.model, grid.images, grid.targets, ctx=context.fresh()).map

    def reference(self, package: str) -> Callable[[], Any]:
        """What a package calls by that name, on a copy of the network."""
        grid, module = self.grid, copy.deepcopy(self.model.module)
        if not module._forward_hooks:
            count_passes(module)
        black = self.model.reference("black", grid.images).clone()
        layer = module.get_submodule(str(self.model.cam_layer))
        return REFERENCES[self.name][package](Setting(module, layer, grid.images.clone(), grid.targets, black, grid.training(16)))


def small_transformer(side: int, device: torch.device) -> Classifier:
    """A vision transformer of six blocks with random weights."""
    torch.manual_seed(0)
    network = VisionTransformer(side, 8, num_layers=6, num_heads=4, hidden_dim=128, mlp_dim=256, num_classes=1000)
    torch.nn.init.normal_(network.heads.head.weight, std=0.1)
    model = classifier(network.to(device), input_shape=(3, side, side), mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
    count_passes(model.module)
    return model


def tasks(grid: Grid, chosen: list[str] | None) -> Iterator[Task]:
    """Every explainer that is no null on the first network that it applies to."""
    networks = {"ResNet-18": grid.model, "ViT": small_transformer(grid.side, grid.device)}
    for card in sorted(grid.registry.cards("explainers"), key=lambda card: card.name):
        if card.declaration.get("null") or (chosen is not None and card.name not in chosen):
            continue
        for network, model in networks.items():
            task = Task(card.name, grid, model, network)
            if task.applies:
                yield task
                break


def measured(task: Task, repeats: int) -> list[Row]:
    """A row per reference, or one without."""
    packages = list(REFERENCES.get(task.name, {})) if task.network == "ResNet-18" else []
    sides: dict[str, Side] = {"": Side()}
    calls: dict[str, Callable[[], Any]] = {"": task.ours()}
    for package in packages:
        sides[package] = Side()
        try:
            calls[package] = task.reference(package)
        except Exception as error:  # a package that is not here, or cannot do this
            sides[package].error = f"{type(error).__name__}: {error}"
    for _ in range(repeats):
        for package, call in calls.items():
            _turn(task.grid, sides[package], call)
    return [Row(task.name, task.network, len(task.grid.images), sides[""], package, sides[package]) for package in packages] or [
        Row(task.name, task.network, len(task.grid.images), sides[""])
    ]


def _turn(grid: Grid, side: Side, call: Callable[[], Any]) -> None:
    if side.error or side.spent > ENOUGH:
        return
    found: list[Any] = []
    try:
        with count_passes_within() as passes:
            seconds = grid.timed(lambda: found.append(call()))
    except Exception as error:
        side.error = f"{type(error).__name__}: {error}"
        return
    side.spent += seconds
    if seconds < side.seconds:
        side.seconds, side.passes = seconds, passes
    side.maps = np.asarray(found[0].detach().cpu() if isinstance(found[0], torch.Tensor) else found[0], dtype=np.float64)


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--explainers", help="names of ours, by commas; all of them where not given")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: the time of this process in one thread, beside other work")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    if options.clock == "cpu":
        torch.set_num_threads(1)
        pass_counter.time = SimpleNamespace(perf_counter=time.process_time)  # time in the model by the same clock
    grid = Grid(options.size, options.images, torch.device(options.device), CLOCKS[options.clock])
    set_plain_fp32()
    rows: list[Row] = []
    for task in tasks(grid, None if options.explainers is None else options.explainers.split(",")):
        rows += measured(task, options.repeats)
        print(rows[-1], flush=True)
        if options.out is not None:  # what there is so far, should this not come to its end
            options.out.write_text(f"{machine(grid.device, grid.side, len(grid.images))}\n\n{table(rows)}\n")
    print(table(rows))


if __name__ == "__main__":
    main()
