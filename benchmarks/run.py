"""A whole run, 8 explainers × 10 metrics, against its floor: the predictions in a bare loop, each explainer by its library's own call.

    python benchmarks/run.py [--samples 64] [--side 64] [--device cpu] [--runs local:1,local:2,ray:2] [--out FILE]

Prints a Markdown table (and writes it into FILE). The floor is measured in this process, with all cores, before and after every run,
so that other work on the machine hits both; the least counts. It is made of the passes that a run really makes, as its trace tells.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from run_floor import Floor

from harness.registry.registry import Registry
from harness.runs.conclusion import FinishedRun
from harness.runs.run import Run
from harness.spec.load import load_spec

EXPLAINERS: Sequence[Mapping[str, Any]] = [
    {"use": "saliency"},
    {"use": "input-x-gradient"},
    {"use": "guided-backprop"},
    {"use": "integrated-gradients", "params": {"steps": 16}},
    {"use": "gradient-shap", "params": {"draws": 8}},
    {"use": "deep-lift"},
    {"use": "grad-cam"},
    {"use": "lrp"},
]
METRICS: Sequence[Mapping[str, Any]] = [
    {"use": "deletion", "params": {"steps": 32}},
    {"use": "insertion", "params": {"steps": 32}},
    {"use": "road"},
    {"use": "faithfulness-correlation", "params": {"runs": 50}},
    {"use": "relevance-mass-accuracy"},
    {"use": "pointing-game"},
    {"use": "sparseness"},
    {"use": "complexity"},
    {"use": "random-logit"},
    {"use": "max-sensitivity", "params": {"samples": 4}},
]
MODEL = {"use": "torchvision", "params": {"arch": "resnet18", "num_classes": 2, "class_names": ["regular", "irregular"]}}


@dataclass(frozen=True)
class Work:
    """What a run made: forward passes of images that nobody explained, and images explained by each explainer."""

    forward: int
    explained: Mapping[str, int]


def spec(options: argparse.Namespace, executor: str, workers: int) -> dict[str, Any]:
    """The grid; a Ray cluster is one of this machine alone."""
    model = {**MODEL, "params": {**MODEL["params"], "input_size": options.side}}
    return {
        "name": "grid",
        "datasets": [{"use": "lesions", "params": {"split": "test", "samples": options.samples}}],
        "models": [model],
        "explainers": [dict(each) for each in EXPLAINERS],
        "metrics": [dict(each) for each in METRICS],
        "nulls": [],
        "execution": {
            "executor": executor,
            "workers": workers,
            "devices": [options.device if executor == "local" else options.device.partition(":")[0]],
            "timeout": "60m",
            **({"address": "local"} if executor == "ray" else {}),
        },
    }


def measured(options: argparse.Namespace, executor: str, workers: int, folder: Path) -> FinishedRun:
    """One run in a store of its own, traced: what it costs is two entries in a list per pass."""
    registry = Registry.discover()
    run = Run(load_spec(spec(options, executor, workers), registry), registry, folder / "out", folder / "store", profile=True)
    finished = run.execute()
    if not finished.ok:
        raise SystemExit("\n".join(sorted({cell.reason or "" for cell in finished.results.groups[0].cells.values()})))
    return finished


def work_of(finished: FinishedRun, registry: Registry) -> Work:
    """The passes of a run by what they were for."""
    entries = json.loads((finished.folder / "trace.json").read_text())["traceEvents"]
    again = {m["use"]: m for m in METRICS if "explainer" in registry.declaration("metrics", m["use"], m.get("params", {})).get("needs", ())}
    outer = [e for e in entries if e.get("cat") in ("explain", "score")]
    forward = sum(
        int(entry["name"].split()[-1])
        for entry in entries
        if entry.get("cat") == "model" and entry["name"].startswith("forward") and _belongs(entry, outer) not in {"explain", *again}
    )
    samples = len(finished.results.groups[0].samples)
    times = {name: int(metric.get("params", {}).get("samples", 1)) for name, metric in again.items()}
    return Work(forward, {each["use"]: samples * (1 + sum(times.values())) for each in EXPLAINERS})


def _belongs(entry: Mapping[str, Any], outer: Sequence[Mapping[str, Any]]) -> str:
    """The metric that a pass was made for, ``explain``, or nothing where it was a prediction of the model's."""
    for span in outer:
        if span["pid"] == entry["pid"] and span["ts"] <= entry["ts"] <= span["ts"] + span["dur"]:
            return "explain" if span["cat"] == "explain" else str(span["name"])
    return ""


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--runs", default="local:1,local:2,ray:2", help="Executors with their numbers of workers.")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    started = os.getloadavg()[0]
    floor = Floor(spec(options, "local", 1), torch.device(options.device))
    runs: dict[str, FinishedRun] = {}
    floor.measure()
    print("floor measured", flush=True)
    for name in options.runs.split(","):
        executor, _, workers = name.partition(":")
        with tempfile.TemporaryDirectory() as folder:
            runs[name] = measured(options, executor, int(workers), Path(folder))
            work = work_of(runs[name], Registry.discover())
        floor.measure()
        print(f"{name}: {runs[name].summary}", flush=True)
    text = report(options, floor, work, runs, started)
    print(text)
    if options.out is not None:
        options.out.write_text(text + "\n")


def report(options: argparse.Namespace, floor: Floor, work: Work, runs: Mapping[str, FinishedRun], load: float) -> str:
    """The tables."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "captum", "zennit", "grad-cam"))
    rows = [("predictions", work.forward, floor.forward)]
    rows += [(name, count, floor.explainers[name]) for name, count in work.explained.items()]
    total = sum(count * best.seconds for _, count, best in rows)
    lines = [
        f"ResNet-18 (random weights), {options.samples} lesion images at {options.side} px, {len(EXPLAINERS)} explainers × {len(METRICS)} "
        f"metrics; {options.device} ({platform.machine()}, {torch.get_num_threads()} threads), load {load:.1f} before; {packages}.",
        "",
        "| floor | images | best batch | ms per image | s |",
        "| --- | ---: | ---: | ---: | ---: |",
        *(f"| {name} | {count:,} | {best.batch} | {1e3 * best.seconds:.2f} | {count * best.seconds:.1f} |" for name, count, best in rows),
        f"| all | | | | {total:.1f} |",
        "",
        "| workers | start-up and planning, s | work, s | work / floor | leaderboard, s | in the model | where else |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for name, finished in runs.items():
        totals = finished.summary
        after = totals["seconds"] - totals["startup_seconds"] - totals["working_seconds"]
        shares = dict(totals["shares"])
        inside = shares.pop("model")
        rest = ", ".join(f"{kind} {share:.1%}" for kind, share in sorted(shares.items(), key=lambda item: -item[1]) if share >= 0.005)
        lines.append(
            f"| {name} | {totals['startup_seconds']:.1f} | {totals['working_seconds']:.1f} | {totals['working_seconds'] / total:.2f} "
            f"| {after:.1f} | {inside:.0%} | {rest} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
