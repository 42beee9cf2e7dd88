"""Slices of medical images, before and after they are brought to square pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from harness.api.image_files.traits import MOST_PIXELS, Unreadable
from harness.api.input_error import InputError

SQUARE = 0.01
"""By how much the sides of a pixel may differ for it to count as square."""


@dataclass(frozen=True)
class Plane:
    """One slice.

    Attributes:
        values: ``(H, W)``, or ``(H, W, 3)`` of colours, in [0, 1]; or the values as they are stored.
        spacing: height and width of a pixel, in whatever unit.
        number: of the slice, counted from 1, and
        of: how many there are.
    """

    values: NDArray[Any]
    spacing: tuple[float, float] = (1.0, 1.0)
    number: int = 1
    of: int = 1

    @property
    def square_size(self) -> tuple[int, int]:
        """Height and width in pixels that are as long and as wide as the shorter side of a stored one."""
        height, width = self.values.shape[:2]
        rows, columns = self.spacing
        if not (math.isfinite(rows) and math.isfinite(columns) and min(rows, columns) > 0):
            return height, width
        if max(rows, columns) / min(rows, columns) - 1 <= SQUARE:
            return height, width
        least = min(rows, columns)
        size = max(1, round(height * rows / least)), max(1, round(width * columns / least))
        if size[0] * size[1] > MOST_PIXELS:
            raise Unreadable(f"pixels of {rows:g} × {columns:g} would make {size[0]} × {size[1]} square ones, more than are read")
        return size


def squared(plane: Plane) -> Tensor:
    """Its values ``(C, H, W)`` in square pixels, between those that are stored where these are not square."""
    values = torch.from_numpy(np.ascontiguousarray(plane.values, dtype=np.float32))
    stacked = values[None] if values.ndim == 2 else values.permute(2, 0, 1)
    if tuple(stacked.shape[1:]) != plane.square_size:
        stacked = F.interpolate(stacked[None], size=plane.square_size, mode="bilinear", align_corners=False)[0]
    return stacked.contiguous().clamp(0, 1)


def squared_mask(plane: Plane) -> Tensor:
    """Where its values are not 0, ``(H, W)`` bool, by the nearest stored pixel."""
    values = plane.values if plane.values.ndim == 2 else plane.values.any(axis=2)
    mask = torch.from_numpy(np.ascontiguousarray(values != 0))
    if tuple(mask.shape) == plane.square_size:
        return mask
    return F.interpolate(mask[None, None].float(), size=plane.square_size, mode="nearest-exact")[0, 0] > 0.5


def chosen_slice(number: int | None, of: int) -> int:
    """The slice that is asked for, or the middle one, counted from 1; raises `Unreadable` for one that is not there."""
    if number is not None and not 1 <= number <= of:
        raise Unreadable(f"it has no slice {number} (they are 1 to {of})")
    return (of + 1) // 2 if number is None else number


def scaled_to_unit(values: NDArray[Any], low: float, high: float) -> NDArray[np.float32]:
    """0 at ``low`` and below, 1 at ``high`` and above; all 0 if they are one."""
    if not low < high:
        return np.zeros(values.shape, dtype=np.float32)
    return np.asarray((values.astype(np.float64) - low) / (high - low), dtype=np.float32).clip(0, 1)


def optional_library(name: str, what: str) -> Any:
    """A library that reads one format, which users of that alone need; raises `InputError` with the line that installs it."""
    try:
        return import_module(name)
    except ImportError as error:
        raise InputError(f"{what} are read by {name}: pip install {name}") from error


@contextmanager
def as_unreadable(path: Path) -> Iterator[None]:
    """Make `Unreadable` of whatever goes wrong; what a person can mend stays as it is."""
    try:
        yield
    except (Unreadable, InputError):
        raise
    except FileNotFoundError as error:
        raise Unreadable("there is no such file") from error
    except Exception as error:  # decoders raise what they like on a damaged file
        raise Unreadable(" ".join(str(error).replace(repr(str(path)), "it").split()) or type(error).__name__) from error
