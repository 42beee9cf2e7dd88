"""From what people have in their hands (lists, numpy arrays, tensors) to tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor


def to_tensor(value: object, what: str, wanted: str) -> Tensor:
    """``value`` as a tensor without a graph: a tensor, an array, or a list of numbers, arrays or tensors of one shape.

    Raises ``ValueError`` that says ``what`` must be ``wanted`` where it is none of these.
    """
    try:
        found = _to_tensor(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        found = None
    if found is None:
        raise ValueError(f"{what} must be {wanted}, not {format_argument(value)}")
    return found


def format_argument(value: object) -> str:
    """What a value is, in a message: the shape of a tensor or an array, else its type."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and all(isinstance(length, int) for length in shape):
        return str(tuple(shape))
    if isinstance(value, list | tuple):
        shapes = sorted({str(tuple(item.shape)) for item in value if isinstance(item, Tensor | np.ndarray)})
        return f"a list of {len(value)}" + (f" with shapes {' and '.join(shapes)}" if shapes else "")
    return repr(value) if value is None or isinstance(value, str) else type(value).__name__


def _to_tensor(value: Any) -> Tensor | None:
    """As `to_tensor`; None for what has no numbers in it."""
    if isinstance(value, Tensor):
        return value.clone() if value.is_inference() else value.detach()  # what was made in inference mode has no gradients ever
    if isinstance(value, bool | int | float | np.generic):
        return torch.as_tensor(np.asarray(value))
    if isinstance(value, list | tuple):
        if value and all(isinstance(item, Tensor | np.ndarray) for item in value):
            return torch.stack([found for item in value if (found := _to_tensor(item)) is not None])
        return _from_array(np.asarray(value))
    return _from_array(np.asarray(value)) if hasattr(value, "__array__") and hasattr(value, "shape") else None


def _from_array(array: np.ndarray[Any, Any]) -> Tensor | None:
    if array.dtype.kind not in "biufc":
        return None
    return torch.from_numpy(np.array(array, dtype=array.dtype.newbyteorder("="), order="C"))


def is_integral(tensor: Tensor) -> bool:
    """Whether a tensor's type is one of whole numbers; booleans are none."""
    return not (tensor.is_floating_point() or tensor.is_complex() or tensor.dtype == torch.bool)


def is_whole_valued(tensor: Tensor) -> bool:
    """Whether all values are whole numbers, as floats may be too."""
    return is_integral(tensor) or (tensor.is_floating_point() and bool((tensor == tensor.round()).all()))
