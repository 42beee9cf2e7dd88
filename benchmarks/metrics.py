"""Evaluation metrics side by side: Quantus's own metric objects, the harness, and the bare model passes that the harness makes.

    python benchmarks/metrics.py [--size 64] [--images 32] [--device cpu] [--metrics road,mprt] [--explainers saliency] [--repeats 2]

Prints a Markdown table (and writes it with ``--out``). Per metric and explainer, Quantus, the harness and the floor take turns, so that
other work on the machine hits all three; seconds are the least of the repeats. Explanations come from the same functions on both sides.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections import Counter
from pathlib import Path

import torch
from metric_pairs import PAIRS, Pair
from metric_sides import Grid, Harness, Quantus, Spent
from metric_table import Cell, machine, table, totals

EXPLAINERS = {"saliency": {}, "input-x-gradient": {}, "grad-cam": {}, "integrated-gradients": {"steps": 10}}

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def measured(pair: Pair, ours: Harness, theirs: Quantus, repeats: int) -> Cell:
    """One metric on one explainer's maps: the three take turns."""
    least: dict[str, Spent] = {}
    for _ in range(repeats):
        mine = ours.score(pair)
        turns = {"quantus": theirs.score(pair), "ours": mine, "floor": ours.floor(mine)}
        least = {name: spent if name not in least else min(least[name], spent, key=lambda s: s.seconds) for name, spent in turns.items()}
    return Cell(pair, ours.name, least["quantus"], least["ours"], least["floor"].seconds)


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--metrics", help="names of ours, by commas; all of them where not given")
    parser.add_argument("--explainers", default=",".join(EXPLAINERS))
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: the time of this process, on a machine that does other work")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    chosen = None if options.metrics is None else options.metrics.split(",")
    pairs = [pair for pair in PAIRS if chosen is None or pair.ours in chosen]
    grid = Grid(options.size, options.images, torch.device(options.device), CLOCKS[options.clock])
    cells, shared = [], Counter[str]()
    for name in options.explainers.split(","):
        ours, theirs = Harness(grid, name, EXPLAINERS[name]), Quantus(grid, name, EXPLAINERS[name])
        for pair in pairs:
            cells.append(measured(pair, ours, theirs, options.repeats))
            print(cells[-1], flush=True)
        shared.update(ours.together([cell.pair for cell in cells if cell.explainer == name]))
        done = ",".join(dict.fromkeys(cell.explainer for cell in cells))
        text = "\n".join([machine(grid, done), "", table(cells, options.clock == "wall"), "", totals(cells, shared, ours.guarded())])
        if options.out is not None:  # what there is so far, should this not come to its end
            options.out.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
