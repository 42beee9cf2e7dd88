"""Runs the specs on its standard input on the CPU, on a device that stands in for a GPU, and on one without float64; prints what came.

It is a process of its own, because autograd wants to know all devices before its first backward pass.
"""

from __future__ import annotations

import json
import sys
import tempfile
import warnings
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import torch

import harness
from harness.dispatch.devices import Slot
from harness.worker import inline
from tests.support.standin import ASKED, NAME, standin, without_float64

PLUGIN = Path(__file__).with_name("masked.py")
PLACES = ("cpu", NAME, f"{NAME} without float64")


def main() -> None:
    """Of all specs together: ``{place: {"scores": [[explainer, metric, sample, value], …], "failures": […], "asked": […]}}``."""
    specs = json.load(sys.stdin)
    standin()
    warnings.filterwarnings("error", message=".*view operator.*")  # torch would copy in the place of a view, and writing would be lost
    with tempfile.TemporaryDirectory() as folder:
        runs = {place: [_run(spec, place, Path(folder) / f"{place} {i}") for i, spec in enumerate(specs)] for place in PLACES}
    joined = {place: {kind: [row for run in some for row in run[kind]] for kind in some[0]} for place, some in runs.items()}
    print(json.dumps(joined))


def _run(spec: dict[str, Any], place: str, folder: Path) -> dict[str, Any]:
    device = place.partition(" ")[0]
    with (
        mock.patch.object(inline, "make_slots", lambda *_: [Slot(device, device, {})]),
        without_float64() if "without" in place else nullcontext(),
    ):
        result = harness.run(spec, out=folder / "run", store=folder / "store", plugins=[PLUGIN])
    scores = [[row["explainer"], row["metric"], row["sample"], row["value"]] for row in result.scores.to_pylist()]
    asked = [["waited", torch.ops.standin.waits()], ["memory given back", ASKED["empty_cache"]]]
    return {"scores": scores, "failures": [list(failure) for failure in result.failures], "asked": asked}


if __name__ == "__main__":
    main()
