"""Train ``lesions-vgg`` again: ``python -m harness_lesions.train``; about ten minutes on one core.

Writes the weights (safetensors, batch normalisations folded into the convolutions) and a training record (JSON) beside them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from harness_lesions.bank import Split
from harness_lesions.data import lesions
from harness_lesions.network import NarrowVGG16, folded
from harness_lesions.vgg import MEAN, STD, WEIGHTS

SHIFT = 4
SAMPLES: dict[Split, int] = {"train": 8000, "validation": 500, "test": 1000}


def load(split: Split, samples: int, size: int, scale: float, seed: int) -> tuple[Tensor, Tensor]:
    """All images of a split ``(N, 1, H, W)`` in float16, and their labels."""
    data = lesions(split=split, samples=samples, size=size, scale=scale, seed=seed)
    items = [data[index] for index in range(len(data))]
    return torch.stack([item.image.half() for item in items]), torch.tensor([item.label for item in items])


def inputs(images: Tensor) -> Tensor:
    """Model inputs ``(N, 3, H, W)`` of grey images in [0, 1], channels last."""
    return ((images.float() - MEAN) / STD).expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def augmented(images: Tensor, generator: torch.Generator) -> Tensor:
    """Images each mirrored in either direction at random, and the batch shifted by up to 4 pixels."""
    for dimension in (2, 3):
        mirrored = torch.rand(len(images), 1, 1, 1, generator=generator) < 0.5
        images = torch.where(mirrored, images.flip(dimension), images)
    rows, columns = torch.randint(-SHIFT, SHIFT + 1, (2,), generator=generator).tolist()
    return images.roll((rows, columns), dims=(2, 3))


@torch.no_grad()
def accuracy(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Share of images whose greatest logit is their label's."""
    network.eval()
    hits = sum(int((network(inputs(x)).argmax(1) == y).sum()) for x, y in zip(images.split(100), labels.split(100), strict=True))
    return hits / len(labels)


def fit(
    network: NarrowVGG16, data: dict[Split, tuple[Tensor, Tensor]], epochs: int, seed: int, rate: float, batch: int
) -> list[dict[str, float]]:
    """Train with AdamW on a one-cycle schedule; leaves the weights of the epoch best on validation; returns the curve."""
    images, labels = data["train"]
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, epochs=epochs, steps_per_epoch=-(-len(labels) // batch))
    curve: list[dict[str, float]] = []
    best: tuple[float, dict[str, Tensor]] = (-1.0, {})
    for epoch in range(epochs):
        network.train()
        start, total = time.perf_counter(), 0.0
        for chosen in torch.randperm(len(labels), generator=generator).split(batch):
            batch_inputs = inputs(augmented(images[chosen], generator))
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = network(batch_inputs)
            loss = F.cross_entropy(logits.float(), labels[chosen], label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            total += loss.item() * len(chosen)
        score = accuracy(network, *data["validation"])
        curve.append({"epoch": epoch + 1, "loss": round(total / len(labels), 4), "validation_accuracy": score})
        print(f"{curve[-1]} {time.perf_counter() - start:.0f} s", flush=True)
        if score >= best[0]:
            best = score, {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.load_state_dict(best[1])
    return curve


def record(arguments: argparse.Namespace, accuracies: dict[str, float], curve: list[dict[str, float]], weights: Path) -> dict[str, Any]:
    """Record of what somebody needs to know of the weights, and to train them again."""
    recipe = {name: value for name, value in vars(arguments).items() if name != "out"}
    return {
        "model": "lesions-vgg",
        "recipe": {
            **recipe,
            "optimiser": "AdamW, weight decay 0.01, one-cycle schedule, label smoothing 0.05, bfloat16 autocast",
            "augmentation": f"mirroring, shifts up to {SHIFT} px",
        },
        "data": {
            "dataset": "lesions",
            "samples": SAMPLES,
            "size": arguments.size,
            "scale": arguments.scale,
            "intensity": 0.5,
            "seed": arguments.seed,
        },
        "selection": "the epoch with the best validation accuracy, the last of equals",
        "accuracy": accuracies,
        "curve": curve,
        "parameters": sum(p.numel() for p in NarrowVGG16().parameters()),
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "numpy", "scipy", "scikit-image", "xai-harness", "harness-lesions")},
        },
    }


def main() -> None:
    """Generate the images, train, fold, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="where to write the weights; the record goes beside them as .json")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--size", type=int, default=96, help="side of the images")
    parser.add_argument("--scale", type=float, default=1.0, help="enlargement of the lesions")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    data = {split: load(split, samples, arguments.size, arguments.scale, arguments.seed) for split, samples in SAMPLES.items()}
    network = NarrowVGG16(batch_norm=True).to(memory_format=torch.channels_last)
    curve = fit(network, data, arguments.epochs, arguments.seed, arguments.rate, arguments.batch)
    plain = folded(network)
    accuracies = {split: round(accuracy(plain, *data[split]), 4) for split in data}
    save_file(plain.state_dict(), arguments.out, metadata={"size": str(arguments.size)})
    text = json.dumps(record(arguments, accuracies, curve, arguments.out), indent=1)
    arguments.out.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    print(accuracies, f"{arguments.out.stat().st_size / 2**20:.2f} MiB", np.round(curve[-1]["loss"], 3))


if __name__ == "__main__":
    main()
