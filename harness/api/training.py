"""Training: a model that is not made but trained, and what there is of it after each epoch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from harness.api.classifiers import Classifier


@dataclass(frozen=True)
class TrainingState:
    """All that there is of a training: to go on from after an epoch, or its result.

    Attributes:
        tensors: by name, on the CPU, each with memory of its own: weights and buffers, and before the end what the optimiser keeps.
        record: all else, as JSON. Under ``curve`` is a mapping of numbers for each epoch, by which it is shown how far the training is,
            of a result that has the weights of another epoch than the last under ``kept_epoch`` its number from 1.
    """

    tensors: Mapping[str, Tensor]
    record: Mapping[str, Any]


@dataclass(frozen=True)
class TrainingMonitor:
    """Whoever waits for a training.

    Attributes:
        keep: is given the state after each epoch, and makes it durable before it returns.
        tell: is told now and then how many images of how many have been seen, over all epochs; what says nothing for long is ended.
    """

    keep: Callable[[TrainingState], object]
    tell: Callable[[int, int], object]


class Training(ABC):
    """Returned by a component of kind models in place of a `Classifier`, if the network is to be trained when it is first needed.

    The harness trains it once, keeps the result in the store, and makes the classifier of that from then on. Such a component declares
    ``@model(trained={"epochs": …, "images": …})``, the names of those of its parameters that say for how many epochs, and on which dataset.
    """

    @abstractmethod
    def train(self, device: torch.device, begun: TrainingState | None, monitor: TrainingMonitor) -> TrainingState:
        """The result of the training.

        Args:
            device: where to train.
            begun: the last state that was kept of the same training, from which it goes on as if nothing had come between; or None.
            monitor: is given each epoch's state.
        """

    @abstractmethod
    def classifier(self, result: TrainingState) -> Classifier:
        """The classifier of what `train` returned."""
