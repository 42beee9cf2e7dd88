"""A model that is trained when it is first needed, for tests of the harness's part in that. Given as ``--plugin`` beside ``small.py``.

It notes each epoch when it is over in ``SMALL_CALLS``, and waits to be killed at the beginning of the third where a test has armed this.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import torch
from torch import nn

from harness.api import Classifier, Dataset, Training, TrainingMonitor, TrainingState, classifier, model


def once(what: str) -> None:
    """Wait to be killed where a test has armed this, which whoever comes first disarms."""
    marks = Path(os.environ.get("FAULTY_MARKS", "/nowhere"))
    try:
        (marks / f"{what}.armed").rename(marks / what)
    except FileNotFoundError:
        return
    (marks / what).write_text(str(os.getpid()))
    time.sleep(60)


class Learning(Training):
    """Logistic regression on the pixels, by whole batches."""

    def __init__(self, data: Dataset, start: Classifier | None, epochs: int, seed: int) -> None:
        self.data, self.start, self.epochs, self.seed = data, start, epochs, seed

    def train(self, device: torch.device, begun: TrainingState | None, monitor: TrainingMonitor) -> TrainingState:
        images = torch.stack([self.data[index].image for index in range(len(self.data))])
        labels = torch.tensor([self.data[index].label for index in range(len(self.data))])
        network = self.network(images.shape[1:].numel())
        if self.seed == 13:
            raise ValueError("thirteen learns nothing")
        curve = [] if begun is None else list(begun.record["curve"])
        if begun is not None:
            network.load_state_dict(dict(begun.tensors))
        while len(curve) < self.epochs:
            once(f"epoch-{len(curve) + 1}")
            loss = nn.functional.cross_entropy(network(images), labels)
            network.zero_grad()
            loss.backward()
            with torch.no_grad():
                for parameter in network.parameters():
                    parameter -= 0.01 * parameter.grad
            curve.append({"epoch": len(curve) + 1, "loss": loss.item(), "seconds": 0.5})
            monitor.keep(self.state(network, curve))
            monitor.tell(len(curve) * len(images), self.epochs * len(images))
            if "SMALL_CALLS" in os.environ:
                with Path(os.environ["SMALL_CALLS"]).open("a") as stream:
                    stream.write(f"epoch {len(curve)} of seed {self.seed}\n")
        return self.state(network, curve)

    def classifier(self, result: TrainingState) -> Classifier:
        network = self.network(result.tensors["1.weight"].shape[1])
        network.load_state_dict(dict(result.tensors))
        side = int((result.tensors["1.weight"].shape[1] // 3) ** 0.5)
        return classifier(network, input_shape=(3, side, side), class_names=["left", "right"])

    def network(self, pixels: int) -> nn.Module:
        generator = torch.Generator().manual_seed(self.seed)
        network = nn.Sequential(nn.Flatten(), nn.Linear(pixels, 2))
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.01)
            if self.start is not None:
                network.load_state_dict(self.start.module.state_dict())
        return network

    def state(self, network: nn.Module, curve: list[dict[str, float]]) -> TrainingState:
        tensors = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
        return TrainingState(tensors, {"curve": list(curve), "epochs": self.epochs, "images": len(self.data)})


@model(trained={"epochs": "epochs", "images": "data"})
def learner(*, data: Dataset = "squares", start: Classifier | None = None, epochs: int = 4, seed: int = 0) -> Training:  # type: ignore[assignment]
    """Learns to tell the squares."""
    return Learning(data, start, epochs, seed)
