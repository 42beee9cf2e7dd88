"""Where a device's time goes in a run: kernels, waits of the host, copies, by torch's profiler.

    python benchmarks/run_profile.py [--arch resnet50] [--size 224] [--samples 4] [--explainers 2] [--device cuda:0] [--rows 25]

Prints what took longest on the device and on the host, and how often the host launched kernels, copied and waited. The work is done in
this process, once before it is watched, in another store: what is loaded and found out the first time is not of interest here.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from pathlib import Path

import torch
from run_work import ARCHITECTURES, EXPLAINERS, Grid
from torch.profiler import ProfilerActivity, profile

from harness.registry.registry import Registry
from harness.runs.run import Run
from harness.spec.load import load_spec

COUNTED = ("LaunchKernel", "MemcpyAsync", "MemsetAsync", "StreamSynchronize", "DeviceSynchronize", "EventSynchronize")


def main() -> None:
    """Profile, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", choices=ARCHITECTURES, default="resnet50")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--explainers", type=int, default=2)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--rows", type=int, default=25)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    spec = Grid(options.arch, options.size, options.samples, options.device).spec(EXPLAINERS[: options.explainers], executor="inline")
    spec["execution"] = {**spec["execution"], "devices": [options.device]}
    spec["execution"].pop("workers")
    on_gpu = torch.device(options.device).type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with tempfile.TemporaryDirectory() as folder:
        registry = Registry.discover()
        places = [(Path(folder, name), Path(folder, f"{name}-store")) for name in ("first", "second")]
        runs = [Run(load_spec(dict(spec), registry), registry, out, store) for out, store in places]
        runs[0].execute()
        with profile(activities=activities) as profiler:
            finished = runs[1].execute()
    averages = profiler.key_averages()
    what = f"{options.arch}, {options.size} px, {options.samples} images, {options.explainers} explainers; {options.device}"
    print(f"{what}: {finished.summary}\n")
    calls = {event.key: event.count for event in averages}
    print(", ".join(f"{calls[f'cuda{name}']:,} × cuda{name}" for name in COUNTED if f"cuda{name}" in calls), "\n")
    for order in (*(["self_cuda_time_total"] if on_gpu else []), "self_cpu_time_total"):
        print(averages.table(sort_by=order, row_limit=options.rows, max_name_column_width=70))


if __name__ == "__main__":
    main()
