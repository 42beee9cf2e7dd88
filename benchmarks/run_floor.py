"""The floor under a run: bare passes of the model, and each explainer by a bare call of the library that it comes from."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from captum import attr
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor
from zennit.attribution import Gradient
from zennit.composites import EpsilonPlusFlat
from zennit.torchvision import ResNetCanonizer

from harness.registry.registry import Registry
from harness.registry.resolve import resolve
from harness.worker.arithmetic import set_plain_fp32
from harness.worker.component_cache import ComponentCache
from harness.worker.samples import read_sample

SIZES = (8, 16, 32, 64)
FORWARD_SIZES = (16, 32, 64, 128, 256)
ENOUGH = 0.1  # seconds that one timing should take, at least


@dataclass(frozen=True)
class Best:
    """The batch size with the least seconds per image."""

    batch: int
    seconds: float


class Floor:
    """Seconds per image of bare calls on the model and the images of a spec."""

    def __init__(self, spec: Mapping[str, Any], device: torch.device) -> None:
        set_plain_fp32()
        registry = Registry.discover()
        bench = ComponentCache(registry, device)
        model = bench.model(resolve(registry, "models", spec["models"][0]))
        dataset = bench.dataset(resolve(registry, "datasets", spec["datasets"][0]))
        self.device = device
        self.module = copy.deepcopy(model.module)
        for layer in self.module.modules():  # nothing is counted
            layer._forward_hooks.clear()
            layer._forward_pre_hooks.clear()
        self.channels_last = copy.deepcopy(self.module).to(memory_format=torch.channels_last)
        self.layer = model.cam_layer
        self.images = torch.stack([model.preprocess(read_sample(dataset, i).image) for i in range(min(len(dataset), max(SIZES)))]).to(
            device
        )
        self.black = model.reference("black", self.images)
        with torch.no_grad():
            self.targets = self.module(self.images).argmax(dim=1)
        self.forward = Best(0, float("inf"))
        self.explainers = dict.fromkeys(self._calls(), self.forward)

    def measure(self) -> None:
        """Take the least of these seconds and those of earlier measurements."""
        self.forward = min(self.forward, self._best(self._predict, FORWARD_SIZES), key=lambda best: best.seconds)
        for name, call in self._calls().items():
            self.explainers[name] = min(self.explainers[name], self._best(call, SIZES), key=lambda best: best.seconds)

    def _predict(self, rows: Tensor) -> object:
        with torch.no_grad():
            return self.channels_last(self.images[rows])

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
            return attributor(self.images[rows], torch.eye(2, device=self.device)[self.targets[rows]])

    def _best(self, call: Callable[[Tensor], object], sizes: tuple[int, ...]) -> Best:
        """Over batch sizes, after one call to warm up."""
        rows = torch.arange(max(sizes), device=self.device) % len(self.images)
        call(rows[:2])
        return min((Best(size, self._timed(call, rows[:size]) / size) for size in sizes), key=lambda best: best.seconds)

    def _timed(self, call: Callable[[Tensor], object], rows: Tensor) -> float:
        """Seconds of one call, on average over enough of them."""
        calls, started = 0, time.perf_counter()
        while calls == 0 or time.perf_counter() - started < ENOUGH:
            call(rows)
            if self.device.type == "cuda":
                torch.cuda.synchronize()
            calls += 1
        return (time.perf_counter() - started) / calls
