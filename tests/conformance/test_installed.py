"""Every component that this repository ships keeps every rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.conformance.pytest import Bound, parametrize_with_checks
from harness.registry.distributions import normal, shipped

ROOT = Path(__file__).parents[2]
SHIPPED = {normal(folder.name) for folder in (ROOT / "plugins").iterdir() if (folder / "pyproject.toml").is_file()}
NAMES = sorted({f"{item.name}/{entry.name}" for item in shipped()[0] if normal(item.name) in SHIPPED for entry in item.entries})
PARAMS: dict[str, dict[str, Any]] = {
    "harness-torchvision/torchvision": {"arch": "resnet18", "input_size": 64, "num_classes": 10},
    "harness-torchvision/image-folder": {"root": str(ROOT / "tests" / "fixtures" / "pictures")},
    "harness-captum/occlusion": {"window": 8, "stride": 4},
    "harness-metrics/data-randomisation": {"epochs": 10},
    "harness-metrics/smooth-mprt": {"samples": 8},
    "harness-quantus/quantus": {"metric": "Pixel-Flipping", "arguments": {"features_in_step": 64}},
}
EXPECTED_FAILURES: dict[str, dict[str, str]] = {}


@pytest.mark.slow
@parametrize_with_checks(NAMES, params=PARAMS, expected_failures=EXPECTED_FAILURES)
def test_conformance(check: Bound) -> None:
    check()


def test_every_kind_is_shipped_and_every_parameter_is_for_a_shipped_component() -> None:
    kinds = {entry.kind for item in shipped()[0] if normal(item.name) in SHIPPED for entry in item.entries}
    assert kinds >= {"datasets", "models", "explainers", "metrics"}
    assert {*PARAMS, *EXPECTED_FAILURES} <= set(NAMES)
