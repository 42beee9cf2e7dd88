"""The two sides of the metric benchmark on one grid of images, and the floor under both."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import quantus
import torch
from metric_pairs import Pair
from torch import Tensor

from harness.api import Case, Classifier, Context
from harness.api.blurring import gaussian_blur
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.registry.resolve import resolve
from harness.worker.arithmetic import set_plain_fp32
from harness.worker.batching import Batching
from harness.worker.component_cache import ComponentCache
from harness.worker.contracts import checked_attribution, checked_scores
from harness.worker.mutation_guard import forbid_changes
from harness.worker.pass_counter import PassCount, count_passes, count_passes_within

SIZES = (4, 8, 16, 32, 64, 128, 256)
MOST_PIXELS = 256 * 64 * 64  # in a batch of the floor
ENOUGH = 16  # batches of the floor; the rest of its passes are taken to be as fast


@dataclass(frozen=True)
class Spent:
    """What one call took.

    Attributes:
        seconds: wall time.
        passes: through the model.
        scores: ``(B,)``, or None where the call raised.
        error: what it raised.
        forward: images that went forward without being explained.
        explained: images that were explained, one number per call of the explainer.
    """

    seconds: float
    passes: PassCount
    scores: np.ndarray | None = None
    error: str = ""
    forward: int = 0
    explained: int = 0


class Grid:
    """A ResNet-18 with random weights, images of noise on several scales, masks, and the classes that it predicts."""

    def __init__(self, side: int, images: int, device: torch.device, clock: Callable[[], float] = time.perf_counter) -> None:
        set_plain_fp32()
        self.side, self.device, self.clock = side, device, clock
        self.registry = Registry.discover()
        self.bench = ComponentCache(self.registry, device)
        self.recipe = resolve(self.registry, "models", {"use": "torchvision", "params": {"arch": "resnet18", "input_size": side}})
        self.model = self.bench.model(self.recipe)
        self.images = self.noise(images, seed=0)
        self.ids = [f"image-{i}" for i in range(images)]
        self.masks = torch.zeros(images, side, side, dtype=torch.bool, device=device)
        self.masks[:, side // 4 : side * 3 // 4, side // 8 : side // 2] = True
        self.targets = self.bench.models.forward(self.model, self.images).argmax(dim=1)
        self.twin = copy.deepcopy(self.model.module).to(memory_format=torch.channels_last)

    def noise(self, count: int, seed: int) -> Tensor:
        """So many images as the model takes them: noise on three scales, over the whole range of values."""
        generator = torch.Generator().manual_seed(seed)
        draw = torch.rand(3, count, 3, self.side, self.side, generator=generator)
        field = sum(sigma * gaussian_blur(part, sigma) for part, sigma in zip(draw, (1.0, 3.0, self.side / 16), strict=True))
        low, high = field.amin(dim=(1, 2, 3), keepdim=True), field.amax(dim=(1, 2, 3), keepdim=True)
        return self.model.normalise((field - low) / (high - low)).to(self.device)

    def training(self, count: int) -> Tensor:
        """Training images, for metrics that ask for some."""
        return self.noise(count, seed=1)

    def synchronise(self) -> None:
        """Wait for the device."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def timed(self, call: Callable[[], object]) -> float:
        """Seconds of one call."""
        self.synchronise()
        started = self.clock()
        call()
        self.synchronise()
        return self.clock() - started

    @cached_property
    def forward_size(self) -> int:
        """The batch size at which bare forward passes are fastest."""
        return self.fastest(self.bare_forward)

    def bare_forward(self, images: Tensor) -> None:
        """One batch through the model in the layout that is faster here."""
        with torch.no_grad():
            self.twin(images)

    def fastest(self, step: Callable[[Tensor], object]) -> int:
        """The batch size with the most images per second: the least time of three rounds over all sizes."""
        rates: dict[int, float] = {}
        sizes = [size for size in SIZES if size * self.side**2 <= MOST_PIXELS]
        for _ in range(3):
            for size in sizes:
                images = self.batch(size)
                rates[size] = max(rates.get(size, 0.0), size / self.timed(lambda images=images: step(images)))
        return max(rates, key=lambda size: rates[size])

    def batch(self, size: int) -> Tensor:
        """So many images, repeated from the start where there are fewer."""
        return self.images[torch.arange(size) % len(self.images)]

    def loop(self, step: Callable[[Tensor], object], count: int, size: int) -> float:
        """Seconds of ``step`` on ``count`` images in batches of ``size``; beyond `ENOUGH` batches, extrapolated."""
        if count == 0:
            return 0.0
        done = min(count, ENOUGH * size)
        parts = [self.batch(min(size, done - start)) for start in range(0, done, size)]
        return self.timed(lambda: [step(part) for part in parts]) * count / done


class Harness:
    """Scores as a run does: on the workbench's explainer and forward passes, with a case as `harness.worker.job_scoring` builds it."""

    def __init__(self, grid: Grid, name: str, params: Mapping[str, Any]) -> None:
        self.grid, self.name = grid, name
        recipe = resolve(grid.registry, "explainers", {"use": name, "params": dict(params)})
        bound = grid.bench.explainer(recipe)
        self.bare: Callable[..., Any] = bound.call
        self._counted = {"forward": 0, "explained": 0}
        self.explainer = replace(bound, call=self._counting)
        self.maps = self.explainer(grid.model, grid.images, grid.targets, ctx=Context(0, grid.ids, f"explain/{name}")).map

    def _counting(self, model: Classifier, images: Tensor, targets: Tensor) -> Any:
        self._counted["explained"] += len(images)
        return self.bare(model, images, targets)

    def _forward(self, model: Classifier, inputs: Tensor) -> Tensor:
        self._counted["forward"] += len(inputs)
        return self.grid.bench.models.forward(model, inputs)

    def case(self, name: str, memory: dict[Any, object]) -> Case:
        """The case of one metric."""
        grid = self.grid
        return Case(
            model=grid.model,
            images=grid.images.clone(),
            targets=grid.targets.clone(),
            attributions=self.maps.clone(),
            ctx=Context(0, grid.ids, f"score/{name}", grid.device, grid.training),
            masks=grid.masks.clone(),
            labels=grid.targets.clone(),
            explainer=self.explainer,
            forward=self._forward,
            explaining=Context(0, grid.ids, f"explain/{self.name}", grid.device, grid.training),
            memory=memory,
        )

    def recipe(self, pair: Pair) -> Recipe:
        """Of one metric with its parameters."""
        return resolve(self.grid.registry, "metrics", {"use": pair.ours, "params": dict(pair.params(self.grid.side))})

    def score(self, pair: Pair) -> Spent:
        """One metric alone, with nothing shared."""
        recipe = self.recipe(pair)
        metric = self.grid.bench.metric(recipe)
        self._counted.update(forward=0, explained=0)
        found: list[Tensor] = []
        with count_passes_within() as passes:
            seconds = self.grid.timed(lambda: found.append(checked_scores(metric(self.case(recipe.name, {})), len(self.grid.ids))))
        return Spent(seconds, passes, found[0].numpy(), **self._counted)

    @cached_property
    def size(self) -> int:
        """The batch size at which the bare explainer is fastest."""
        return self.grid.fastest(self._explain)

    def _explain(self, images: Tensor) -> None:
        self.bare(self.grid.model, images, self.grid.targets[torch.arange(len(images)) % len(self.grid.targets)])

    def floor(self, mine: Spent) -> Spent:
        """As many forward passes and explanations as ``mine`` made, in bare loops of the best batch size."""
        grid = self.grid
        seconds = grid.loop(grid.bare_forward, mine.forward, grid.forward_size) + grid.loop(self._explain, mine.explained, self.size)
        return Spent(seconds, PassCount())

    def together(self, pairs: Sequence[Pair]) -> Mapping[str, float]:
        """Seconds of each metric as a run scores them: what metrics share is shared, each is guarded, and batch sizes are found anew."""
        self.grid.bench.batching.__dict__.update(Batching.on(self.grid.device).__dict__)
        memory: dict[Any, object] = {}

        def score(pair: Pair) -> None:
            recipe = self.recipe(pair)
            case = self.case(recipe.name, memory)
            given = [("the images", case.images), ("the targets", case.targets), ("the attributions", case.attributions)]
            with forbid_changes(self.grid.model.module, given):
                checked_scores(self.grid.bench.metric(recipe)(case), len(self.grid.ids))

        return {pair.ours: self.grid.timed(lambda pair=pair: score(pair)) for pair in pairs}

    def guarded(self) -> float:
        """Seconds that a run spends on finding out whether one metric has left everything as it was."""

        def nothing() -> None:
            with forbid_changes(self.grid.model.module, [("the images", self.grid.images)]):
                pass

        return min(self.grid.timed(nothing) for _ in range(3))


class Quantus:
    """Scores by Quantus's metric objects, one at a time, on a model whose passes are counted."""

    def __init__(self, grid: Grid, name: str, params: Mapping[str, Any]) -> None:
        self.grid = grid
        recipe = resolve(grid.registry, "explainers", {"use": name, "params": dict(params)})
        self.bare: Callable[..., Any] = grid.bench.explainer(recipe).call
        self.module = copy.deepcopy(grid.model.module)
        if not self.module._forward_hooks:
            count_passes(self.module)
        self.given = {
            "x_batch": grid.images.cpu().numpy(),
            "y_batch": grid.targets.cpu().numpy(),
            "a_batch": self.explain(self.module, grid.images.cpu().numpy(), grid.targets.cpu().numpy()),
            "s_batch": grid.masks[:, None].cpu().numpy(),
            "channel_first": True,
            "explain_func": self.explain,
            "device": str(grid.device),
        }

    def explain(self, model: torch.nn.Module, inputs: np.ndarray, targets: np.ndarray, **_: Any) -> np.ndarray:
        """The same explainer that the harness has, as Quantus calls one: ``(B, 1, H, W)``."""
        classifier = copy.copy(self.grid.model)
        classifier.module = model
        images = torch.as_tensor(np.asarray(inputs), dtype=torch.float32, device=self.grid.device)
        classes = torch.as_tensor(np.asarray(targets), device=self.grid.device)
        attribution = checked_attribution(self.bare(classifier, images, classes), images)
        return attribution.at((images.shape[-2], images.shape[-1]))[:, None].cpu().numpy()

    def score(self, pair: Pair) -> Spent:
        """One metric; where Quantus raises, that is what is reported."""
        kwargs = {"normalise": False, "return_aggregate": False, "disable_warnings": True, **pair.kwargs(self.grid.side)}
        given = {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in self.given.items()}
        found: list[Any] = []
        error = ""

        def call() -> None:
            nonlocal error
            try:
                found.append(getattr(quantus, pair.quantus)(**kwargs)(model=self.module, **given))
            except Exception as raised:  # a failure of the other side is a result of the benchmark
                error = f"{type(raised).__name__}: {raised}"

        np.random.seed(0)
        with count_passes_within() as passes:
            seconds = self.grid.timed(call)
        return Spent(seconds, passes, None if error or not pair.same else pair.scores(found[0]), error)
