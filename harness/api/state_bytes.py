"""Bytes that stand for the content of a state dict's values, whatever they are, the same in every process."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor


def iter_state_bytes(value: object) -> Iterator[bytes]:
    """Pieces of bytes for a tensor (quantised ones too), plain values, and containers of these, as extra states and packed weights are.

    Of an object of another kind it is what ``pickle`` makes of it, or its type if that fails.
    """
    if isinstance(value, Tensor):
        yield from _iter_tensor_bytes(value)
    elif isinstance(value, Mapping):
        yield b"{"
        for key in value:
            yield repr(key).encode()
            yield from iter_state_bytes(value[key])
        yield b"}"
    elif isinstance(value, list | tuple):
        yield f"[{len(value)}".encode()
        for part in value:
            yield from iter_state_bytes(part)
        yield b"]"
    elif isinstance(value, str | bytes | bool | int | float | torch.dtype | None):
        yield repr(value).encode()
    else:
        try:
            yield pickle.dumps(value, protocol=4)
        except Exception:  # whatever cannot be pickled
            yield f"{type(value).__module__}.{type(value).__qualname__}".encode()


def _iter_tensor_bytes(tensor: Tensor) -> Iterator[bytes]:
    yield f"{tensor.dtype}{tuple(tensor.shape)}".encode()
    if tensor.is_quantized:
        scheme = "per channel" if tensor.qscheme() in (torch.per_channel_affine, torch.per_channel_symmetric) else "per tensor"
        yield scheme.encode()
        yield from _iter_tensor_bytes(tensor.dequantize())
        tensor = tensor.int_repr()
    yield tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
