"""Threads of one process that explain, score and run at once get what one alone gets."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from torch import nn

import harness
from tests.support.spec import SMALL, small_spec

THREADS = 4


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def test_runs_in_threads_on_one_store_are_as_one_alone(tmp_path: Path) -> None:
    def scores(name: str, store: str) -> list[tuple[object, ...]]:
        found = harness.run(small_spec(models=["pools", {"use": "pools", "label": "faint", "params": {"scale": 1.0}}]),
                            out=tmp_path / name, store=tmp_path / store, plugins=[SMALL])  # fmt: skip
        assert found.failures == []
        return [tuple(row.values()) for row in found.scores.to_pylist()]

    alone = scores("alone", "own")
    assert at_once(*(lambda place=place: scores(f"run {place}", "shared") for place in range(THREADS))) == [alone] * THREADS


def test_maps_scores_and_models_made_in_threads_are_as_one_alone() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 3))
    images = torch.rand(4, 3, 12, 12)
    model = harness.classifier(network, input_shape=(3, 12, 12))
    maps = harness.attribute("saliency", model, images, 0)

    def classified() -> list[str]:
        made = harness.classifier(network, input_shape=(3, 12, 12))
        return [made.digest, *made.notes, str(made.refused)]

    calls: list[Callable[[], Any]] = [
        classified,
        lambda: harness.attribute("guided-backprop", model, images, 0).tolist(),
        lambda: harness.attribute("grad-cam", model, images, 0).tolist(),
        lambda: harness.explainer("deep-lift")(model, images, 0).map.tolist(),
        lambda: harness.score("deletion", model, images, 0, maps).tolist(),
    ]
    assert at_once(*calls, *calls) == [call() for call in calls] * 2
