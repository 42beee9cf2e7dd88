"""What one more explainer adds to a grid: 1, 4 and 16 explainers of two passes each × 10 metrics, on the same images, by one worker.

    OMP_NUM_THREADS=1 python benchmarks/sharing.py [--arch resnet18] [--size 64] [--samples 16] [--counts 1,4,16] [--workers 1] [--out FILE]

Seconds are processor time of the workers, so that a machine that does other work can be measured on. Beside them are two floors, of
the same passes by bare calls: of those that are needed, where nothing is made twice that does not depend on the explainer, and of
those that as many runs of one explainer each would make.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from run import about, write
from run_floor import Floor
from run_work import ALIKE, ARCHITECTURES, Grid, Measured, Work, label_of, measure
from torch import Tensor

CLOCK = "processor_seconds"


class TwoPassFloor(Floor):
    """Floor of predictions, and of explanations that take a pass forward and one back, as saliency does."""

    def _calls(self) -> Mapping[str, Callable[[Tensor], object]]:
        return {"saliency": super()._calls()["saliency"]}


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", choices=ARCHITECTURES, default="resnet18")
    parser.add_argument("--size", type=int, default=64, help="pixels a side")
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--counts", default="1,4,16", help="numbers of explainers")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--enough", type=float, default=0.1, help="seconds that a timing of the floor takes, at least")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    grid, load = Grid(options.arch, options.size, options.samples, "cpu"), os.getloadavg()[0]
    floor = TwoPassFloor(grid.spec(ALIKE[:1]), torch.device("cpu"), time.process_time, options.enough)
    floor.measure()
    runs: dict[int, Measured] = {}
    for count in sorted({int(count) for count in options.counts.split(",")}):
        runs[count] = measure(grid.spec(ALIKE[:count], workers=options.workers))
        floor.measure()
        print(f"{count}: {runs[count].totals}", flush=True)
    lines = [about(grid, load, "cpu"), "", *added_table(runs, floor), "", *kinds_table(runs)]
    write(lines, options.out)
    print("\n".join(lines))


def floor_seconds(floor: Floor, work: Work) -> float:
    """Seconds of work by bare calls; all explainers take two passes an image."""
    return work.forward * floor.forward.seconds + sum(work.explained.values()) * floor.explainers["saliency"].seconds


def added_table(runs: Mapping[int, Measured], floor: Floor) -> list[str]:
    """A row per number of explainers, each held against the one above it; the first is what all have in common, and one explainer."""
    lines = [
        "| explainers | work, s | predictions | for each that is added: s | predictions | floor, needed, s | / that floor "
        "| floor, each alone, s |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    first = min(runs)
    labels = [label_of(each) for each in ALIKE]
    (images,) = set(runs[first].work.explained.values())
    alone = floor_seconds(floor, Work(runs[first].work.forward // first, {labels[0]: images}))
    below, nothing = 0, Measured(Work(0, {}), {CLOCK: 0.0})
    before = nothing
    for count, run in runs.items():
        more = count - below
        predictions = (run.work.forward - before.work.forward) / more
        took = (run.totals[CLOCK] - before.totals[CLOCK]) / more
        least = (floor_seconds(floor, run.work) - floor_seconds(floor, before.work)) / more
        cells = [str(count), f"{run.totals[CLOCK]:.1f}", f"{run.work.forward:,}", f"{took:.2f}", f"{predictions:,.0f}"]
        lines.append(f"| {' | '.join([*cells, f'{least:.2f}', f'{took / least:.2f}', f'{alone:.2f}'])} |")
        below, before = count, run
    return lines


def kinds_table(runs: Mapping[int, Measured]) -> list[str]:
    """What the seconds went into, by share of the workers' time."""
    kinds = sorted({kind for run in runs.values() for kind in run.totals["shares"]})
    lines = [f"| explainers | {' | '.join(kinds)} |", f"| ---: |{' ---: |' * len(kinds)}"]
    for count, run in runs.items():
        shares = [run.totals["shares"].get(kind, 0.0) for kind in kinds]
        lines.append(f"| {count} | {' | '.join(f'{share:.1%}' for share in shares)} |")
    return lines


if __name__ == "__main__":
    main()
