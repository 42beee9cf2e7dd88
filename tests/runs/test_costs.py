"""What the rows of a run say that explaining takes."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

import harness
from harness.api import Sample

PASSES = {"saliency": 2, "grad-cam": 2, "guided-backprop": 2, "deep-lift": 3}


def images() -> list[Sample]:
    """Three images of noise."""
    return [Sample(torch.rand(3, 12, 12, generator=torch.Generator().manual_seed(i)), i % 2, f"s{i}") for i in range(3)]


def test_passes_that_find_out_about_a_model_are_no_explainers(tmp_path: Path) -> None:
    """Of whichever is the first to ask whether gradients reach the image, and of the first on a randomised twin."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    model = harness.classifier(network, input_shape=(3, 12, 12))
    spec = {"name": "costs", "datasets": [images], "models": [model], "explainers": list(PASSES), "metrics": ["sparseness"]}
    run = harness.run({**spec, "explain": {"samples": "all"}, "nulls": ["random-model"]}, store=tmp_path / "store", out=tmp_path / "out")
    found = {row.label: row.costs.passes_per_sample for row in run.leaderboard.groups[0].rows}
    assert found == PASSES | {f"{name} (random model)": passes for name, passes in PASSES.items()}
