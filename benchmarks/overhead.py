"""What a check, and a cell, have a device do besides the model's own passes, counted on a stand-in for a GPU in main memory.

    python -m benchmarks.overhead [--out FILE]

Counts are of operations that torch dispatches (views, which cost a device nothing, apart), of copies between the device and main memory,
and of reads for which the host waits: the same on every machine. Processor times are of checks of models in main memory, by one thread,
and of what of them is the same on a device: all but the hashing of weights.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import torch
import torchvision
from harness_lesions.vgg import lesions_vgg
from torch import Tensor, nn

from harness.dispatch.devices import Slot
from harness.registry.registry import Registry
from harness.runs.event_files import TraceWriter
from harness.runs.run import Run
from harness.spec.load import load_spec
from harness.worker import inline
from harness.worker.mutation_guard import SeenModels, forbid_changes
from harness.worker.timing import PERF_COUNTER_EPOCH
from tests.support.dispatch_counts import Dispatched, DispatchRecord
from tests.support.standin import NAME, standin

KINDS = ("operation", "view", "to the device", "to the host")
EXPLAINERS = ("saliency", "grad-cam", "integrated-gradients")
METRICS = ("deletion", "road", "relevance-mass-accuracy", "pointing-game", "sparseness", "complexity")
BRIEF: Mapping[str, Mapping[str, Any]] = {"data-randomisation": {"samples": 16, "epochs": 1, "accuracy": 0.01}}  # it trains a network
GRID: Mapping[str, Any] = {
    "name": "overhead",
    "datasets": [{"use": "lesions", "params": {"split": "test", "samples": 8}}],
    "models": ["lesions-vgg"],
    "explainers": list(EXPLAINERS),
    "metrics": list(METRICS),
    "nulls": [],
    "reference": None,
    "execution": {"executor": "inline"},
}


def models() -> Iterator[tuple[str, nn.Module]]:
    """The models whose checks are counted."""
    yield "ResNet-50", torchvision.models.resnet50(weights=None).eval().requires_grad_(False)
    yield "lesions-vgg", lesions_vgg().module


def given(device: str) -> list[tuple[str, Tensor]]:
    """What a metric is given: images, targets and maps."""
    shapes = {"the images": torch.rand(4, 3, 64, 64), "the targets": torch.zeros(4, dtype=torch.long), "the maps": torch.rand(4, 64, 64)}
    return [(name, tensor.to(device)) for name, tensor in shapes.items()]


def check_counts(module: nn.Module) -> Counter[str]:
    """Of a check of a model that the last check has seen."""
    module, tensors, seen = module.to(NAME), given(NAME), SeenModels()
    for _ in range(2):
        with DispatchRecord() as record, forbid_changes(module, tensors, seen):
            pass
    return Counter(record.counts())


def check_milliseconds(module: nn.Module, repeats: int = 30) -> tuple[float, float]:
    """The least processor time of a check, and of one of the same model with weights of one number each."""
    times = []
    for tiny in (False, True):
        if tiny:
            for tensor in (*module.parameters(), *module.buffers()):
                tensor.data = torch.zeros(1, dtype=tensor.dtype)
        tensors, seen = given("cpu"), SeenModels()
        each = []
        for _ in range(repeats + 1):
            began = time.process_time()
            with forbid_changes(module, tensors, seen):
                pass
            each.append(time.process_time() - began)
        times.append(1e3 * min(each[1:]))
    return times[0], times[1]


def run_counts() -> tuple[dict[str, Counter[str]], dict[str, float]]:
    """What a run dispatches and how long it takes, by the kind of the innermost span."""
    registry = Registry.discover()
    slots = mock.patch.object(inline, "make_slots", lambda *_: [Slot(NAME, NAME, {})])
    since_1970 = mock.patch.object(TraceWriter, "_at", lambda _, seconds: 1e6 * seconds)  # not since the run began
    with tempfile.TemporaryDirectory() as folder, slots, since_1970:
        run = Run(load_spec(dict(GRID), registry), registry, Path(folder, "out"), Path(folder, "store"), profile=True)
        with DispatchRecord() as record:
            finished = run.execute()
        if not finished.ok:
            raise SystemExit("not all cells have scores")
        spans = [entry for entry in json.loads((finished.folder / "trace.json").read_text())["traceEvents"] if entry.get("ph") == "X"]
    counts: dict[str, Counter[str]] = {}
    for operation, kind in zip(record.operations, innermost(record.operations, spans), strict=True):
        counts.setdefault(kind, Counter())[operation.kind] += 1
    return counts, dict(finished.summary["shares"])


def innermost(operations: Sequence[Dispatched], spans: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The kind of the span that began last of those that an operation lies in."""
    spans = sorted((span for span in spans if span.get("cat") != "write"), key=lambda span: float(span["ts"]))
    starts = [span["ts"] for span in spans]
    for operation in operations:
        when = 1e6 * (operation.when + PERF_COUNTER_EPOCH)
        around = (span for span in reversed(spans[: bisect_right(starts, when)]) if when <= span["ts"] + span["dur"])
        yield str(next(around, {"cat": "planning"})["cat"])


def metric_rows(size: int = 64, batches: tuple[int, int] = (4, 16)) -> Iterator[str]:
    """Lines of what a call of each metric of harness-metrics dispatches besides passes; two numbers where larger batches have others."""
    cards = [card for card in Registry.discover().cards("metrics") if card.distribution == "harness-metrics"]
    names = [card.name for card in sorted(cards, key=lambda card: (str(card.declaration["category"]), card.name))]
    asked = json.dumps([[name, BRIEF.get(name, {}), batch, size] for name in names for batch in batches])
    program = [sys.executable, "-m", "tests.support.metric_counts"]  # of its own: the device must be there before a backward pass
    found = json.loads(subprocess.run(program, input=asked, stdout=subprocess.PIPE, text=True, check=True).stdout)
    for name, few, many in zip(names, found[0::2], found[1::2], strict=True):
        both = [(few.get(kind, 0), many.get(kind, 0)) for kind in KINDS]
        yield f"| {name} | {' | '.join(f'{one:,}' if one == other else f'{one:,}; {other:,}' for one, other in both)} |"


def row(name: str, counts: Mapping[str, int], divisor: int = 1) -> str:
    """A line of a table."""
    return f"| {name} | {' | '.join(f'{counts.get(kind, 0) / divisor:,.0f}' for kind in KINDS)} |"


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    times = {name: check_milliseconds(module) for name, module in models()}
    standin()
    head = f"| | {' | '.join({'operation': 'operations', 'view': 'views'}.get(kind, kind) for kind in KINDS)} |"
    lines = [head, "| --- |" + " ---: |" * len(KINDS)]
    lines += [row(f"a check of {name}", check_counts(module)) for name, module in models()]
    counts, shares = run_counts()
    cells = len(EXPLAINERS) * len(METRICS)
    lines += ["", f"By kind of span, per cell of {len(EXPLAINERS)} explainers × {len(METRICS)} metrics:", "", *lines[:2]]
    lines += [row(kind, found, cells) for kind, found in sorted(counts.items(), key=lambda item: -item[1]["operation"])]
    lines += ["", "| a check, processor time | in main memory, ms | of that, not hashing weights, ms |", "| --- | ---: | ---: |"]
    lines += [f"| {name} | {whole:.2f} | {rest:.2f} |" for name, (whole, rest) in times.items()]
    lines += ["", "By metric, 64 × 64 pixels, 4; 16 samples, besides the passes of models and explainers:", "", *lines[:2], *metric_rows()]
    lines += ["", f"Shares of that run's time: {', '.join(f'{kind} {share:.1%}' for kind, share in shares.items())}."]
    text = "\n".join(lines)
    print(text)
    if options.out is not None:
        options.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
