"""A whole run, 8 explainers × 10 metrics, against its floor: the predictions in a bare loop, each explainer by its library's own call.

    python benchmarks/run.py [--arch resnet18] [--size 64] [--samples 64] [--device cpu] [--runs local:1,local:2,ray:2]
                             [--more 1,4,16] [--clock wall] [--out FILE]

Prints Markdown tables (and writes them into FILE). The floor is measured in this process, with all cores, before and after every run,
so that other work on the machine hits both; the least counts. There are two: of the passes that a run really makes, as its trace tells,
and of those that as many runs would make of one explainer each, which share nothing.

The second table is of runs with 1, 4 and 16 explainers of two passes each: what one more explainer adds to a grid.

``--clock cpu`` takes the processor time of workers for the ratios, for machines that do other work, with one thread each
(``OMP_NUM_THREADS=1``); it tells nothing of waiting.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
import warnings
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import torch
from run_floor import Floor
from run_work import ALIKE, ARCHITECTURES, EXPLAINERS, METRICS, Grid, Measured, Work, label_of, measure

CLOCKS = {"wall": ("working_seconds", time.perf_counter), "cpu": ("processor_seconds", time.process_time)}


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", choices=ARCHITECTURES, default="resnet18")
    parser.add_argument("--size", type=int, default=64, help="pixels a side")
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--runs", default="local:1,local:2,ray:2", help="executors with their numbers of workers, or auto")
    parser.add_argument("--more", default="", help="numbers of explainers of the second table, such as 1,4,16")
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--enough", type=float, default=0.1, help="seconds that a timing of the floor takes, at least")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    seconds, clock = CLOCKS[options.clock]
    grid, load = Grid(options.arch, options.size, options.samples, options.device), os.getloadavg()[0]
    floor = Floor(grid.spec(EXPLAINERS), torch.device(options.device), clock, options.enough)
    floor.measure()
    print("floor measured", flush=True)
    alone = measure(grid.spec(EXPLAINERS[:1])).work.alone([label_of(each) for each in EXPLAINERS])
    runs: dict[str, Measured] = {}
    for name in options.runs.split(","):
        executor, _, workers = name.partition(":")
        runs[name] = measure(grid.spec(EXPLAINERS, executor, workers if workers == "auto" else int(workers)))
        floor.measure()
        print(f"{name}: {runs[name].totals}", flush=True)
        lines = [about(grid, load, options.clock), "", *floor_table(floor, runs, alone), "", *run_table(floor, runs, alone, seconds)]
        write(lines, options.out)
    more: dict[int, Measured] = {}
    for count in sorted({int(count) for count in options.more.split(",") if count}):
        more[count] = measure(grid.spec(ALIKE[:count]))
        write([*lines, "", *more_table(more, floor, seconds)], options.out)
    print("\n".join([*lines, "", *more_table(more, floor, seconds)] if more else lines))


def write(lines: Sequence[str], out: Path | None) -> None:
    """Keep what there is so far, should this not come to its end."""
    if out is not None:
        out.write_text("\n".join(lines) + "\n")


def about(grid: Grid, load: float, clock: str) -> str:
    """What was measured, where."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "captum", "zennit", "grad-cam"))
    on_gpu = torch.device(grid.device).type == "cuda"
    machine = torch.cuda.get_device_name(grid.device) if on_gpu else f"{platform.machine()}, {torch.get_num_threads()} threads"
    time_of = "processor time of workers" if clock == "cpu" else "wall time"
    return (
        f"{grid.arch} (random weights), {grid.samples} lesion images at {grid.size} px, {len(EXPLAINERS)} explainers × {len(METRICS)} "
        f"metrics; {grid.device} ({machine}), load {load:.1f} before, {time_of}; {packages}."
    )


def needed(runs: Mapping[str, Measured]) -> Work:
    """The least work of any run: with several workers each makes for itself what they do not share."""
    return min((run.work for run in runs.values()), key=lambda work: work.forward)


def floor_table(floor: Floor, runs: Mapping[str, Measured], alone: Work) -> list[str]:
    """What the floors are made of."""
    work = needed(runs)
    rows = [("predictions", work.forward, floor.forward)]
    rows += [(name, count, floor.explainers[name]) for name, count in work.explained.items()]
    return [
        "| floor | images | best batch | ms per image | s |",
        "| --- | ---: | ---: | ---: | ---: |",
        *(f"| {name} | {count:,} | {best.batch} | {1e3 * best.seconds:.2f} | {count * best.seconds:.1f} |" for name, count, best in rows),
        f"| all that is needed | | | | {floor.seconds_of(work):.1f} |",
        f"| all, each explainer alone | {alone.forward:,} predictions | | | {floor.seconds_of(alone):.1f} |",
    ]


def run_table(floor: Floor, runs: Mapping[str, Measured], alone: Work, seconds: str) -> list[str]:
    """A row per run."""
    least, apart = floor.seconds_of(needed(runs)), floor.seconds_of(alone)
    lines = [
        "| workers | start-up and planning, s | work, s | / floor, needed | / floor, each alone | leaderboard, s | in the model "
        "| where else |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for name, run in runs.items():
        shares = dict(run.totals["shares"])
        inside, work = shares.pop("model"), run.totals[seconds]
        rest = ", ".join(f"{kind} {share:.1%}" for kind, share in sorted(shares.items(), key=lambda item: -item[1]) if share >= 0.005)
        used = sum(each["workers"] for each in run.totals["devices"].values())
        label = f"{name} ({used})" if name.endswith("auto") else name
        lines.append(
            f"| {label} | {run.totals['startup_seconds']:.1f} | {work:.1f} | {work / least:.2f} | {work / apart:.2f} | {run.after:.1f} "
            f"| {inside:.0%} | {rest} |"
        )
    return lines


def more_table(runs: Mapping[int, Measured], floor: Floor, seconds: str) -> list[str]:
    """A row per number of explainers, each held against the one above it."""
    lines = [
        "| explainers | work, s | predictions | more for each added explainer: s | predictions | their floor, s |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    before: tuple[int, Measured] | None = None
    for count, run in runs.items():
        cells = [str(count), f"{run.totals[seconds]:.1f}", f"{run.work.forward:,}"]
        lines.append(f"| {' | '.join([*cells, *_added(before, (count, run), floor, seconds)])} |")
        before = (count, run)
    return lines


def _added(before: tuple[int, Measured] | None, now: tuple[int, Measured], floor: Floor, seconds: str) -> Sequence[str]:
    if before is None:
        return "", "", ""
    more = now[0] - before[0]
    predictions = (now[1].work.forward - before[1].work.forward) / more
    took = (now[1].totals[seconds] - before[1].totals[seconds]) / more
    return f"{took:.2f}", f"{predictions:,.0f}", f"{predictions * floor.forward.seconds:.2f}"


if __name__ == "__main__":
    main()
