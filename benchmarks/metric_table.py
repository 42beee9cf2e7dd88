"""The benchmark's measurements as Markdown."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
import torch
from metric_pairs import Pair
from metric_sides import Grid, Spent


@dataclass(frozen=True)
class Cell:
    """One metric on the maps of one explainer."""

    pair: Pair
    explainer: str
    quantus: Spent
    ours: Spent
    floor: float

    def __str__(self) -> str:
        theirs = self.quantus.error.split(":")[0] or f"{self.quantus.seconds:.2f} s"
        return f"{self.explainer} {self.pair.ours}: Quantus {theirs}, ours {self.ours.seconds:.3f} s, floor {self.floor:.3f} s"


def machine(grid: Grid, explainers: str) -> str:
    """What was measured, where."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "quantus", "numpy"))
    device = torch.cuda.get_device_name() if grid.device.type == "cuda" else f"{platform.machine()}, {torch.get_num_threads()} threads"
    return (
        f"ResNet-18 (random weights), {len(grid.images)} images of {grid.side} × {grid.side}; {explainers.replace(',', ', ')}; "
        f"{device}; {packages}. The floor's forward passes are in batches of {grid.forward_size}."
    )


def table(cells: Sequence[Cell], wall: bool) -> str:
    """One row per metric, over all explainers; below it why some have no ratio. Time in the model is wall time: shown where ``wall``."""
    lines = [
        "| metric | Quantus, s | harness, s | ratio | passes per image, Quantus | harness | harness, ms per pass | in the model "
        "| floor, s | harness / floor | largest difference |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in dict.fromkeys(cell.pair.ours for cell in cells):
        lines.append(_row([cell for cell in cells if cell.pair.ours == name], wall))
    return "\n".join([*lines, "", *_notes(cells)])


def _notes(cells: Sequence[Cell]) -> list[str]:
    notes = {cell.pair.ours: cell.quantus.error or cell.pair.unlike for cell in cells}
    return [f"- {name}: {note.splitlines()[0]}" for name, note in notes.items() if note]


def _row(cells: Sequence[Cell], wall: bool) -> str:
    pair, images = cells[0].pair, len(cells) * _count(cells[0])
    theirs, ours, floor = (sum(parts) for parts in zip(*((c.quantus.seconds, c.ours.seconds, c.floor) for c in cells), strict=True))
    passes, other = sum(c.ours.passes.total for c in cells), sum(c.quantus.passes.total for c in cells)
    inside = sum(c.ours.passes.seconds for c in cells)
    raised = next((c.quantus.error for c in cells if c.quantus.error), "")
    columns = [
        pair.ours,
        f"raises {raised.split(':')[0]}" if raised else _seconds(theirs),
        _seconds(ours),
        "" if raised or pair.unlike else f"{theirs / ours:.1f} ×",
        "" if raised else f"{other / images:.0f}",
        f"{passes / images:.0f}",
        f"{1e3 * ours / passes:.2f}" if passes else "",
        f"{inside / ours:.0%}" if passes and wall else "",
        _seconds(floor) if passes else "",
        f"{ours / floor:.2f}" if passes else "",
        "" if raised or not pair.same else f"{max(_difference(c) for c in cells):.0e}",
    ]
    return f"| {' | '.join(columns)} |"


def totals(cells: Sequence[Cell], shared: Mapping[str, float], guard: float) -> str:
    """The grid as a whole: over the metrics that Quantus can do, and as a run does them, whose seconds by metric are ``shared``."""
    failing = {cell.pair.ours for cell in cells if cell.quantus.error or cell.pair.unlike}
    both = [cell for cell in cells if cell.pair.ours not in failing]
    theirs, ours = sum(c.quantus.seconds for c in both), sum(c.ours.seconds for c in both)
    in_run = sum(seconds for name, seconds in shared.items() if name not in failing)
    alone = sum(c.ours.seconds for c in cells)
    return (
        f"Where both do the same work: Quantus {theirs:.1f} s; harness, metric by metric, {ours:.1f} s, {theirs / ours:.2f} ×; "
        f"as a run scores them (what they share once, batch sizes found anew, every metric guarded), {in_run:.1f} s, "
        f"**{theirs / in_run:.2f} ×**. All metrics of the harness: one by one {alone:.1f} s, as in a run {sum(shared.values()):.1f} s, "
        f"of which the guard takes {1e3 * guard:.0f} ms per metric and explainer."
    )


def _count(cell: Cell) -> int:
    return 1 if cell.ours.scores is None else len(cell.ours.scores)


def _difference(cell: Cell) -> float:
    if cell.quantus.scores is None or cell.ours.scores is None:
        return float("nan")
    return float(np.nanmax(np.abs(cell.quantus.scores - cell.ours.scores)))


def _seconds(value: float) -> str:
    return f"{value:.3f}" if value < 1 else f"{value:.1f}"
