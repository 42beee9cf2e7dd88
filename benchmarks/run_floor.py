"""The floor under a run: bare passes of the model, and each explainer by a bare call of the library that it comes from."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from captum import attr
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from run_work import Work
from torch import Tensor, nn
from zennit.attribution import Gradient
from zennit.composites import EpsilonPlusFlat
from zennit.torchvision import ResNetCanonizer

from harness.registry.registry import Registry
from harness.registry.resolve import resolve
from harness.worker.accelerators import synchronize
from harness.worker.arithmetic import set_plain_fp32
from harness.worker.component_cache import ComponentCache
from harness.worker.samples import read_sample

SIZES = (1, 2, 4, 8, 16, 32, 64)
FORWARD_SIZES = (*SIZES, 128, 256)
MOST_PIXELS = 64 * 64**2  # of a batch that is explained on a CPU; four times as many of one that goes forward
SIZES_ELSEWHERE = (*FORWARD_SIZES, 512, 1024)
MOST_PIXELS_ELSEWHERE = 64 * 224**2
MOST_EXPLAINED, MOST_FORWARD = 4, 64  # times the images of the grid: what a metric explains, or predicts, at once
TOO_FEW = 8  # batches so small are not tried if larger ones fit


@dataclass(frozen=True)
class Best:
    """The batch size with the least seconds per image."""

    batch: int
    seconds: float


class Floor:
    """Seconds per image of bare calls on the model and the images of a spec."""

    def __init__(
        self, spec: Mapping[str, Any], device: torch.device, clock: Callable[[], float] = time.perf_counter, enough: float = 0.1
    ) -> None:
        """``enough`` is the seconds that one timing should take, at least."""
        set_plain_fp32()
        registry = Registry.discover()
        bench = ComponentCache(registry, device)
        model = bench.model(resolve(registry, "models", spec["models"][0]))
        dataset = bench.dataset(resolve(registry, "datasets", spec["datasets"][0]))
        self.device, self.clock, self.enough = device, clock, enough
        self.classes, self.pixels = model.num_classes, model.input_shape[-2] * model.input_shape[-1]
        self.module = copy.deepcopy(model.module)
        for layer in self.module.modules():  # nothing is counted
            layer._forward_hooks.clear()
            layer._forward_pre_hooks.clear()
        self.channels_last = copy.deepcopy(self.module).to(memory_format=torch.channels_last)
        self.layer = model.cam_layer
        self.samples = len(dataset)
        read = range(min(len(dataset), 64))
        self.images = torch.stack([model.preprocess(read_sample(dataset, i).image) for i in read]).to(device)
        self.black = model.reference("black", self.images)
        with torch.no_grad():
            self.targets = self.module(self.images).argmax(dim=1)
        self.forward = Best(0, float("inf"))
        self.explainers = dict.fromkeys(self._calls(), self.forward)

    def measure(self) -> None:
        """Take the least of these seconds and those of earlier measurements."""
        on_cpu = self.device.type == "cpu"
        sizes, forward_sizes = (SIZES, FORWARD_SIZES) if on_cpu else (SIZES_ELSEWHERE, SIZES_ELSEWHERE)
        sizes = [size for size in sizes if size <= MOST_EXPLAINED * self.samples]
        forward_sizes = [size for size in forward_sizes if size <= MOST_FORWARD * self.samples]
        most = MOST_PIXELS if on_cpu else MOST_PIXELS_ELSEWHERE
        layouts = (self.channels_last, self.module)
        found = [self._best(self._predict(each), forward_sizes, 4 * most, self.forward) for each in layouts]
        self.forward = min(found, key=lambda best: best.seconds)
        for name, call in self._calls().items():
            self.explainers[name] = self._best(call, sizes, most, self.explainers[name])
        if self.device.type == "cuda":
            torch.cuda.empty_cache()  # a run's workers have the same device

    def seconds_of(self, work: Work) -> float:
        """Seconds of some work."""
        return work.forward * self.forward.seconds + sum(count * self.explainers[name].seconds for name, count in work.explained.items())

    def _predict(self, module: nn.Module) -> Callable[[Tensor], object]:
        def call(rows: Tensor) -> object:
            with torch.no_grad():
                return module(self.images[rows])

        return call

    def _calls(self) -> Mapping[str, Callable[[Tensor], object]]:
        """One call on some rows by explainer."""

        def captum(method: Any, **options: Any) -> Callable[[Tensor], object]:
            return lambda rows: method.attribute(self.images[rows], target=self.targets[rows], **options)

        def against_black(method: Any, **options: Any) -> Callable[[Tensor], object]:
            return lambda rows: method.attribute(
                self.images[rows], baselines=self.black[rows], target=self.targets[rows], internal_batch_size=max(16, len(rows)), **options
            )

        return {
            "saliency": captum(attr.Saliency(self.module)),
            "input-x-gradient": captum(attr.InputXGradient(self.module)),
            "guided-backprop": captum(attr.GuidedBackprop(self.module)),
            "integrated-gradients": against_black(attr.IntegratedGradients(self.module), n_steps=16),
            "gradient-shap": captum(attr.GradientShap(self.module), baselines=self.images[:16], n_samples=8),
            "deep-lift": lambda rows: attr.DeepLift(self.module).attribute(
                self.images[rows], baselines=self.black[rows], target=self.targets[rows]
            ),
            "grad-cam": self._grad_cam,
            "lrp": self._lrp,
        }

    def _grad_cam(self, rows: Tensor) -> object:
        with GradCAM(self.module, [self.module.get_submodule(self.layer)]) as method:
            return method(self.images[rows].requires_grad_(), [ClassifierOutputTarget(int(target)) for target in self.targets[rows]])

    def _lrp(self, rows: Tensor) -> object:
        with Gradient(self.module, EpsilonPlusFlat(canonizers=[ResNetCanonizer()])) as attributor:
            return attributor(self.images[rows], torch.eye(self.classes, device=self.device)[self.targets[rows]])

    def _best(self, call: Callable[[Tensor], object], sizes: Sequence[int], most: int, known: Best) -> Best:
        """The better of what is known and of the batch sizes beside that; of all if nothing is. One that does not fit ends the search."""
        fitting = [size for size in sizes if size * self.pixels <= most] or [1]
        tried = [size for size in fitting if size >= TOO_FEW] or fitting
        if known.batch:
            tried = [size for size in tried if known.batch / 2 <= size <= known.batch * 2]
        rows, found = torch.arange(max(tried), device=self.device) % len(self.images), [known]
        try:
            for size in tried:
                found.append(Best(size, self._timed(call, rows[:size]) / size))
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
        return min(found, key=lambda best: best.seconds)

    def _timed(self, call: Callable[[Tensor], object], rows: Tensor) -> float:
        """Seconds of one call, on average over enough of them, which follow on one another; one before is not counted."""
        call(rows)
        calls = max(1, math.ceil(self.enough / self._seconds(call, rows, 1)))
        return self._seconds(call, rows, calls) / calls

    def _seconds(self, call: Callable[[Tensor], object], rows: Tensor, calls: int) -> float:
        """Seconds of so many calls until the device is done with them."""
        synchronize(self.device)
        started = self.clock()
        for _ in range(calls):
            call(rows)
        synchronize(self.device)
        return max(self.clock() - started, 1e-9)
