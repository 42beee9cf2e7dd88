"""The grids that the benchmark of whole runs runs, and the passes that a run makes, as its trace tells."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.registry.registry import Registry
from harness.runs.conclusion import FinishedRun
from harness.runs.run import Run
from harness.spec.load import load_spec

Components = Sequence[Mapping[str, Any]]
EXPLAINERS: Components = [
    {"use": "saliency"},
    {"use": "input-x-gradient"},
    {"use": "guided-backprop"},
    {"use": "integrated-gradients", "params": {"steps": 16}},
    {"use": "gradient-shap", "params": {"draws": 8}},
    {"use": "deep-lift"},
    {"use": "grad-cam"},
    {"use": "lrp"},
]
CAMS = ("grad-cam", "grad-cam++", "xgrad-cam", "layer-cam")
ALIKE: Components = [  # sixteen that take two passes an image each, so that what one more costs is not a matter of which
    {"use": "saliency"},
    {"use": "grad-cam"},
    {"use": "input-x-gradient"},
    {"use": "guided-backprop"},
    {"use": "deconvolution"},
    *({"use": name} for name in CAMS[1:]),
    *({"use": name, "label": f"{name} {layer}", "params": {"layer": layer}} for layer in ("layer3", "layer2") for name in CAMS),
]
METRICS: Components = [
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
ARCHITECTURES = ("resnet18", "resnet34", "resnet50", "resnet101")


@dataclass(frozen=True)
class Grid:
    """What every run of one benchmark has in common: a ResNet with random weights, square lesion images, a device."""

    arch: str
    size: int
    samples: int
    device: str

    def spec(self, explainers: Components, executor: str = "local", workers: int | str = 1) -> dict[str, Any]:
        """A spec; a Ray cluster is one of this machine alone."""
        params = {"arch": self.arch, "input_size": self.size, "num_classes": 2, "class_names": ["regular", "irregular"]}
        return {
            "name": "grid",
            "datasets": [{"use": "lesions", "params": {"split": "test", "samples": self.samples}}],
            "models": [{"use": "torchvision", "params": params}],
            "explainers": [dict(each) for each in explainers],
            "metrics": [dict(each) for each in METRICS],
            "nulls": [],
            "reference": None,
            "execution": {
                "executor": executor,
                "workers": workers,
                "devices": [self.device if executor == "local" else self.device.partition(":")[0]],
                "timeout": "60m",
                **({"address": "local"} if executor == "ray" else {}),
            },
        }


@dataclass(frozen=True)
class Work:
    """What a run made: forward passes of images that nobody explained, and images explained by each explainer."""

    forward: int
    explained: Mapping[str, int]

    def alone(self, explainers: Sequence[str]) -> Work:
        """The work of as many runs as there are explainers, if this is that of one of them: nothing is shared."""
        (images,) = self.explained.values()
        return Work(self.forward * len(explainers), dict.fromkeys(explainers, images))


@dataclass(frozen=True)
class Measured:
    """A run's work, its totals (`harness.runs.work_counter.WorkCounter.summary`), and seconds of it after the last job."""

    work: Work
    totals: Mapping[str, Any]

    @property
    def after(self) -> float:
        """Seconds that the leaderboard and its like took."""
        return float(self.totals["seconds"] - self.totals["startup_seconds"] - self.totals["working_seconds"])


def measure(spec: Mapping[str, Any]) -> Measured:
    """One run in a store of its own.

    On a CPU it is traced: what that costs is two entries in a list per pass. On a device that works beside the CPU every pass that is
    traced is waited for; there a run is timed, and another counted.
    """
    on_cpu = spec["execution"]["devices"] == ["cpu"]
    with tempfile.TemporaryDirectory() as folder:
        first = _run(spec, Path(folder, "first"), traced=on_cpu)
        counted = first if on_cpu else _run(spec, Path(folder, "second"), traced=True)
        return Measured(_work_of(counted, spec), first.summary)


def _run(spec: Mapping[str, Any], folder: Path, traced: bool) -> FinishedRun:
    registry = Registry.discover()
    finished = Run(load_spec(dict(spec), registry), registry, folder / "out", folder / "store", profile=traced).execute()
    if not finished.ok:
        raise SystemExit("\n".join(sorted({cell.reason or "" for cell in finished.results.groups[0].cells.values()})))
    return finished


def _work_of(finished: FinishedRun, spec: Mapping[str, Any]) -> Work:
    """The passes of a run by what they were for."""
    registry = Registry.discover()
    entries = json.loads((finished.folder / "trace.json").read_text())["traceEvents"]
    again = {m["use"]: m for m in METRICS if "explainer" in registry.declaration("metrics", m["use"], m.get("params", {})).get("needs", ())}
    outer = [entry for entry in entries if entry.get("cat") in ("explain", "score")]
    forward = sum(
        int(entry["name"].split()[-1])
        for entry in entries
        if entry.get("cat") == "model" and entry["name"].startswith("forward") and _belongs(entry, outer) not in {"explain", *again}
    )
    samples = len(finished.results.groups[0].samples)
    times = sum(int(metric.get("params", {}).get("samples", 1)) for metric in again.values())
    return Work(forward, {label_of(each): samples * (1 + times) for each in spec["explainers"]})


def label_of(explainer: Mapping[str, Any]) -> str:
    """The name by which an explainer of a grid is known."""
    return str(explainer.get("label", explainer["use"]))


def _belongs(entry: Mapping[str, Any], outer: Sequence[Mapping[str, Any]]) -> str:
    """The metric that a pass was made for, ``explain``, or nothing where it was a prediction of the model's."""
    for span in outer:
        if span["pid"] == entry["pid"] and span["ts"] <= entry["ts"] <= span["ts"] + span["dur"]:
            return "explain" if span["cat"] == "explain" else str(span["name"])
    return ""
