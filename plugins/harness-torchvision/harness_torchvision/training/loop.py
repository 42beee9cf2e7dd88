"""The loop: epochs of gradient steps on a network, each measured, from a beginning or from a checkpoint.

It is a plain loop. A trainer (Lightning, Ignite, Accelerate) would bring devices, logging and checkpoints, which the harness has, and
checkpoints that are pickles, which it does not read; what is left is below.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.api import TrainingMonitor, TrainingState
from harness.api.randomness import seeded_generators, stream, stream_seed
from harness_torchvision.training.images import TrainingImages, augmented
from harness_torchvision.training.networks import state_of
from harness_torchvision.training.optimisation import RateSchedule, make_optimiser, restore_optimiser, split_optimiser_state
from harness_torchvision.training.options import Augmentation, Optimiser, Schedule
from harness_torchvision.training.stages import set_training_mode

NETWORK, BEST, OPTIMISER = "network", "best", "optimiser"
TELL_EVERY = 0.5  # seconds
Score = tuple[float, float]
Normalise = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class LoopOptions:
    """The parameters of a training that are the loop's."""

    epochs: int
    batch: int
    optimiser: Optimiser
    schedule: Schedule | None
    augmentation: Augmentation | None
    label_smoothing: float
    early_stop: int | None
    keep: Literal["last", "best"]
    precision: Literal["fp32", "bf16"]
    threads: int
    seed: int


@dataclass
class TrainingLoop:
    """One training.

    Attributes:
        network: what learns, on its device; parameters that do not require a gradient stay.
        normalise: from images in [0, 1] to inputs.
        training, validation: the images.
        class_weights: ``(K,)`` of the loss, or None.
        options: the rest.
        curve: a mapping of numbers for each epoch so far.
    """

    network: nn.Module
    normalise: Normalise
    training: TrainingImages
    validation: TrainingImages | None
    class_weights: Tensor | None
    options: LoopOptions
    curve: list[dict[str, float]] = field(default_factory=list)
    _best: dict[str, Tensor] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        learning = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        self._device = learning[0].device
        self._optimiser = make_optimiser(self.options.optimiser, learning)
        batches = -(-len(self.training) // self.options.batch)
        self._schedule = RateSchedule(self.options.schedule, self._optimiser, self.options.epochs, batches)
        self._told = time.monotonic()

    @property
    def best_epoch(self) -> int:
        """The epoch, from 1, whose weights are kept: the best on the validation data, of equals the last; or the last of all."""
        if self.options.keep == "last":
            return len(self.curve)
        scores = [_score(entry) for entry in self.curve]
        return len(scores) - scores[::-1].index(max(scores))

    @property
    def finished(self) -> bool:
        """Whether all epochs are over, or as many as early stopping has patience for have brought nothing better."""
        patience = self.options.early_stop
        scores = [_score(entry) for entry in self.curve] if patience is not None else []
        stalled = patience is not None and bool(scores) and len(scores) - 1 - scores.index(max(scores)) >= patience
        return len(self.curve) >= self.options.epochs or stalled

    def restore(self, state: TrainingState) -> None:
        """Go on from a state."""
        parts = {name: _below(state.tensors, name) for name in (NETWORK, BEST, OPTIMISER)}
        self.network.load_state_dict(parts[NETWORK])
        self._best = parts[BEST]
        restore_optimiser(self._optimiser, parts[OPTIMISER], state.record["optimiser"])
        self._schedule.restore(state.record["schedule"])
        self.curve = [dict(entry) for entry in state.record["curve"]]

    def state(self) -> TrainingState:
        """What it would go on from."""
        kept, groups = split_optimiser_state(self._optimiser)
        parts = {NETWORK: state_of(self.network), BEST: self._best, OPTIMISER: kept}
        tensors = {f"{part}/{name}": tensor for part, held in parts.items() for name, tensor in held.items()}
        record = {"optimiser": groups, "schedule": self._schedule.state(), "curve": list(self.curve), "epochs": self.options.epochs}
        return TrainingState(tensors, record)

    def run(self, monitor: TrainingMonitor) -> dict[str, Tensor]:
        """Train to the end; the weights that are kept."""
        with _threads(self.options.threads if self._device.type == "cpu" else None):
            while not self.finished:
                self.curve.append(self._epoch(monitor))
                if self.options.keep == "best" and self.best_epoch == len(self.curve):
                    self._best = state_of(self.network)
                monitor.keep(self.state())
        return self._best if self.options.keep == "best" else state_of(self.network)

    def _epoch(self, monitor: TrainingMonitor) -> dict[str, float]:
        """One epoch; what is drawn in it depends on the seed and its number alone."""
        options, number = self.options, len(self.curve) + 1
        begun, rate = time.perf_counter(), self._schedule.rate
        order, chance = (stream(options.seed, f"epoch {number}", purpose) for purpose in ("order", "augmentation"))
        set_training_mode(self.network)
        total, hits, seen = 0.0, 0, 0
        with seeded_generators(stream_seed(options.seed, f"epoch {number}", "network")):
            for places in torch.randperm(len(self.training), generator=order).split(options.batch):
                images, classes = self.training.batch(places.tolist())
                if options.augmentation is not None:
                    images = augmented(images, options.augmentation, chance)
                logits, loss = self._losses(images, classes.to(self._device), options.label_smoothing)
                self._optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                self._optimiser.step()
                self._schedule.after_batch()
                total += loss.item() * len(places)
                hits += int((logits.argmax(1).cpu() == classes).sum())
                seen += len(places)
                self._tell(monitor, (number - 1) * len(self.training) + seen)
        found = {"epoch": number, "rate": rate, "loss": total / seen, "accuracy": hits / seen}
        if self.validation is not None:
            found |= {f"validation {name}": value for name, value in self.measure(self.validation, monitor).items()}
        if not torch.isfinite(torch.tensor(list(found.values()))).all():
            raise ValueError(f"the loss of epoch {number} is not finite: lower the learning rate (it is {rate:g})")
        self._schedule.after_epoch(found.get("validation loss"))
        return {**{name: round(value, 6) for name, value in found.items()}, "seconds": round(time.perf_counter() - begun, 3)}

    @torch.no_grad()
    def measure(self, images: TrainingImages, monitor: TrainingMonitor | None = None) -> dict[str, float]:
        """Mean loss and accuracy on images that are not learnt from."""
        self.network.eval()
        total, hits = 0.0, 0
        for start in range(0, len(images), self.options.batch):
            places = range(start, min(start + self.options.batch, len(images)))
            batch, classes = images.batch(places)
            logits, loss = self._losses(batch, classes.to(self._device), 0.0)
            total += loss.item() * len(places)
            hits += int((logits.argmax(1).cpu() == classes).sum())
            if monitor is not None:
                self._tell(monitor, (len(self.curve) + 1) * len(self.training))
        return {"loss": total / len(images), "accuracy": hits / len(images)}

    def _losses(self, images: Tensor, classes: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
        """Logits ``(B, K)`` in float32, and their mean cross entropy."""
        inputs = self.normalise(images.to(self._device)).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self.options.precision == "bf16"):
            logits = self.network(inputs)
        logits = logits.float()
        return logits, F.cross_entropy(logits, classes, weight=self.class_weights, label_smoothing=smoothing)

    def _tell(self, monitor: TrainingMonitor, seen: int) -> None:
        if time.monotonic() - self._told >= TELL_EVERY:
            self._told = time.monotonic()
            monitor.tell(seen, self.options.epochs * len(self.training))


def balanced_weights(labels: Sequence[int], classes: int) -> Tensor:
    """``(K,)`` by which all classes count alike however many images each has; they are 1 where all have as many.

    Raises ``ValueError`` for a class without images.
    """
    counts = torch.bincount(torch.tensor(labels), minlength=classes).double()
    if (counts == 0).any():
        raise ValueError(f"class_weights: balanced, and there is no training image of class {int((counts == 0).nonzero()[0])}")
    return (len(labels) / (classes * counts)).float()


def _score(entry: Mapping[str, float]) -> Score:
    """How good an epoch is: by accuracy on the validation data, of equals by the loss."""
    return entry["validation accuracy"], -entry["validation loss"]


def _below(tensors: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
    return {name.removeprefix(f"{part}/"): tensor for name, tensor in tensors.items() if name.startswith(f"{part}/")}


@contextmanager
def _threads(count: int | None) -> Iterator[Any]:
    """Compute in so many threads: sums over threads depend on how many there are."""
    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
