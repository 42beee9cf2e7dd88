"""The measurements of explainers as Markdown."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from math import inf

import numpy as np
import torch

from harness.worker.pass_counter import PassCount

PACKAGES = ("captum", "grad-cam", "zennit", "shap", "saliency", "lime")


@dataclass
class Side:
    """What the calls of one side took.

    Attributes:
        seconds: of the fastest call, and ``passes`` those that it made.
        spent: seconds of all calls.
        maps: what the last returned.
        error: what it raised.
    """

    seconds: float = inf
    passes: PassCount = field(default_factory=PassCount)
    spent: float = 0.0
    maps: np.ndarray | None = None
    error: str = ""


@dataclass(frozen=True)
class Row:
    """A method of ours beside the same of a package, if there is one."""

    name: str
    network: str
    images: int
    ours: Side
    package: str = ""
    theirs: Side = field(default_factory=Side)

    def __str__(self) -> str:
        if self.ours.error:
            return f"{self.name}: {self.ours.error}"
        theirs = "" if not self.package else f", {self.package} {self.theirs.error or f'{self.theirs.seconds:.3f} s'}"
        return f"{self.name}: {self.ours.seconds:.3f} s, {self.share:.0%} in the model{theirs}"

    @property
    def share(self) -> float:
        """Share of our time that is spent in the model."""
        return self.ours.passes.seconds / self.ours.seconds

    @property
    def ratio(self) -> float:
        """Our images per second by theirs."""
        return self.theirs.seconds / self.ours.seconds

    @property
    def likeness(self) -> float:
        """Mean correlation of the maps, those of channels summed up."""
        ours, theirs = self.ours.maps, self.theirs.maps
        if ours is None or theirs is None:
            return float("nan")
        flat = [(maps.sum(axis=1) if maps.ndim == 4 else maps).reshape(len(maps), -1) for maps in (ours, theirs)]
        if flat[0].shape != flat[1].shape:
            return float("nan")
        return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(*flat, strict=True)]))


def machine(device: torch.device, side: int, images: int) -> str:
    """What was measured, where."""
    where = torch.cuda.get_device_name() if device.type == "cuda" else f"{platform.machine()}, {torch.get_num_threads()} threads"
    packages = ", ".join(f"{name} {found}" for name in ("torch", *PACKAGES) if (found := _version(name)))
    return f"ResNet-18 (random weights), or a small ViT (6 blocks of 128); {images} images of {side} × {side}; {where}; {packages}."


def table(rows: Sequence[Row]) -> str:
    """One row per method and package; below it which raised what."""
    lines = [
        "| explainer | network | images per second | in the model | passes per image | reference | its images per second "
        "| its passes | harness / reference | correlation |",
        "| --- | --- | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: |",
        *(_line(row) for row in rows),
        "",
        *(f"- {row.name}: {row.package}: {row.theirs.error.splitlines()[0]}" for row in rows if row.theirs.error),
        *(f"- {row.name}: {row.ours.error.splitlines()[0]}" for row in rows if row.ours.error),
    ]
    return "\n".join(lines).rstrip()


def _line(row: Row) -> str:
    theirs = bool(row.package) and not row.theirs.error
    cells = [
        row.name,
        row.network,
        _rate(row, row.ours),
        f"{row.share:.0%}" if row.ours.passes.total else "",
        f"{row.ours.passes.total / row.images:.0f}",
        row.package,
        _rate(row, row.theirs) if theirs else "raises" if row.package else "",
        f"{row.theirs.passes.total / row.images:.0f}" if theirs else "",
        f"{row.ratio:.2f}" if theirs else "",
        f"{row.likeness:.3f}" if theirs else "",
    ]
    return f"| {' | '.join(cells)} |"


def _rate(row: Row, side: Side) -> str:
    rate = row.images / side.seconds
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.2g}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
