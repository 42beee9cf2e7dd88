"""What samples cost to make and to check, and what they cost from the store, in processor time.

    python -m benchmarks.inputs [--images 48] [--out benchmarks/results/inputs.md]

Of one process, per image: made and found to be what was planned, as without the store; the same and kept; read from the store. Then whole
runs of two workers (a network, one explainer, one metric), of all their processes: without kept samples; with them in a new store, in
which whoever looks at the dataset first keeps them; and again with another seed, for which everything is explained and scored anew.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from harness.api import Sample
from harness.planning.jobs import SampleRef
from harness.registry.registry import Registry
from harness.registry.resolve import resolve
from harness.store.input_files import InputFiles
from harness.worker.component_cache import ComponentCache
from harness.worker.stored_inputs import WORTH_KEEPING, decode_sample, keep_if_costly, read_planned

SIDES = (224, 500, 1024)  # px of JPEG files
REPEATS = 3
NETWORK = {"use": "torchvision", "params": {"arch": "resnet18", "num_classes": 2, "class_names": ["one", "two"], "seed": 0}}


def photographs(folder: Path, side: int, count: int) -> Path:
    """A folder of JPEG files of smooth noise, in two classes."""
    draw = np.random.default_rng(side)
    for number in range(count):
        place = folder / ("one", "two")[number % 2] / f"{number:03d}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray((draw.random((side // 16, side // 16, 3)) * 255).astype(np.uint8))
        coarse.resize((side, side), Image.Resampling.BICUBIC).save(place, quality=90)
    return folder


def datasets(folder: Path, images: int) -> Iterator[tuple[str, dict[str, Any], int]]:
    """Name, component and number of samples."""
    yield "lesions, 96 px", {"use": "lesions", "params": {"samples": images}}, images
    yield "lesions, 270 px", {"use": "lesions", "params": {"samples": images // 2, "size": 270, "scale": 2}}, images // 2
    for side in SIDES:
        count = min(images, max(4, images * 224 // side))
        yield f"JPEG, {side} px", {"use": "image-folder", "params": {"root": str(photographs(folder / str(side), side, count))}}, count


def milliseconds(work: Callable[[], object], count: int) -> float:
    """Processor time per sample."""
    before = time.process_time()
    work()
    return (time.process_time() - before) * 1000 / count


def per_image(folder: Path, reference: dict[str, Any], count: int) -> tuple[float, float, float, float]:
    """Milliseconds made, made and kept, and read; megabytes of one sample in the store."""
    registry = Registry.discover()
    recipe = resolve(registry, "datasets", reference)
    components = ComponentCache(registry)
    dataset = components.dataset(recipe)
    found = [dataset[place] for place in range(count)]
    rows = [_row(place, sample) for place, sample in enumerate(found)]
    made = statistics.median(milliseconds(lambda: list(read_planned(components, recipe, rows)), count) for _ in range(REPEATS))
    written, read = [], []
    for repeat in range(REPEATS):
        components.input_files = files = InputFiles(folder / f"inputs-{repeat}")

        def keep() -> None:
            for sample, row in zip(found, rows, strict=True):
                keep_if_costly(components, recipe, sample, row, WORTH_KEEPING)

        written.append(milliseconds(keep, count))
        kept = [path for path in files.folder.rglob("*") if path.is_file()]
        read.append(milliseconds(lambda kept=kept, files=files: [decode_sample(files.get(path.name) or b"", "") for path in kept], count))  # type: ignore[misc]
    return made, made + statistics.median(written), statistics.median(read), sum(path.stat().st_size for path in kept) / count / 1e6


def _row(place: int, sample: Sample) -> SampleRef:
    return SampleRef.of(place, sample.id, sample.digest, {kind: sample.evidence_digest(kind) for kind in sample.evidence})


def processor_seconds(folder: Path, name: str, dataset: dict[str, Any], model: Any, seed: int, bound: str) -> float:
    """Of all processes of a run."""
    spec = {
        "name": name,
        "seed": seed,
        "datasets": [dataset],
        "models": [model],
        "explainers": ["saliency"],
        "metrics": ["complexity"],
        "nulls": [],
        "execution": {"executor": "local", "workers": 2, "devices": ["cpu"], "shard": 8},
        "store": {"inputs": bound},
    }
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(spec))
    command = [sys.executable, "-m", "harness", "run", str(path), "--store", str(folder / name), "--out", str(folder / f"{name}-out")]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*command, "--progress", "none"], check=True, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def runs(folder: Path, images: int) -> Iterator[str]:
    """Lines of the table of whole runs."""
    photos = photographs(folder / "photos", 1024, images)
    for name, dataset, model in (
        ("lesions, 96 px", {"use": "lesions", "params": {"samples": images}}, "lesions-vgg"),
        ("JPEG, 1024 px", {"use": "image-folder", "params": {"root": str(photos)}}, NETWORK),
    ):
        place = folder / name.partition(",")[0]
        place.mkdir()
        for state, seed in (("new", 0), ("known, another seed", 1)):
            off, on = (processor_seconds(place, kind, dataset, model, seed, bound) for kind, bound in (("off", "0"), ("on", "2G")))
            yield f"| {name} | {state} | {off:.1f} | {on:.1f} | {(off - on) * 1000 / images:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=48)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    lines = [
        "# What inputs cost",
        "",
        f"{platform.machine()}, torch {torch.__version__}, one thread; processor time. Made by `python -m benchmarks.inputs`.",
        "",
        "| samples | made and checked, ms | the same and kept, ms | read, ms | in the store, MB | kept |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, reference, count) in enumerate(datasets(Path(folder), options.images)):
            made, kept, read, size = per_image(Path(folder, f"store-{number}"), reference, count)
            worth = "yes" if made >= WORTH_KEEPING * 1000 else "no"
            lines.append(f"| {name} | {made:.1f} | {kept:.1f} | {read:.2f} | {size:.2f} | {worth} |")
            print(lines[-1], flush=True)
        lines += [
            "",
            f"Runs of {options.images} images by two workers, all processes together:",
            "",
            "| samples | store | without kept samples, s | with, s | saved per image, ms |",
            "| --- | --- | ---: | ---: | ---: |",
        ]
        for line in runs(Path(folder), options.images):
            lines.append(line)
            print(line, flush=True)
    text = "\n".join(lines) + "\n"
    if options.out is not None:
        options.out.write_text(text)


if __name__ == "__main__":
    main()
