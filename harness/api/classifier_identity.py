"""Identity of a classifier: digests of what it is, and what a network that was given is made of."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from harness.api.preparation.hook_points import iter_scripted

if TYPE_CHECKING:
    from harness.api.classifiers import Classifier


def content_digest(model: Classifier) -> str:
    """SHA-256 (hex) of weights and buffers, architecture and preprocessing, and of what explainers take from the model by default."""
    digest = hashlib.sha256(repr(model.module).encode())
    for name, value in sorted(model.module.state_dict().items()):
        digest.update(name.encode())
        for piece in _iter_state_bytes(value):
            digest.update(piece)
    for name, script in iter_scripted(model.module):
        digest.update(f"{name}{getattr(script, 'code', '')}".encode())
    scale = (None if values is None else values.flatten().tolist() for values in (model.mean, model.std))
    taken = (model.class_names, model.family, model.cam_layer, model.output, model._taken)
    digest.update(repr((model.input_shape, model.geometry, *scale, *taken)).encode())
    return digest.hexdigest()


def architecture_digest(model: Classifier) -> str:
    """SHA-256 (hex) of the modules and the input's shape, without weights."""
    return hashlib.sha256(repr((model.module, model.input_shape)).encode()).hexdigest()


def describe_origin(module: nn.Module) -> list[tuple[str, type, dict[str, object]]]:
    """By name the class of each module, and what it holds besides parameters, buffers and modules: the code that the network is."""

    def held(part: nn.Module) -> dict[str, object]:
        if isinstance(part, torch.jit.ScriptModule):
            return {"code": getattr(part, "code", "")}
        own = {key: value for key, value in vars(part).items() if key not in ("_parameters", "_buffers", "_modules")}
        return {key: list(value.values()) if "_hooks" in key and isinstance(value, dict) else value for key, value in own.items()}

    return [(name, type(part), held(part)) for name, part in module.named_modules()]


def _iter_state_bytes(value: object) -> Iterator[bytes]:
    """Pieces of bytes, the same in every process, for a tensor (quantised ones too), plain values, and containers of these.

    Such are extra states and packed weights. Of an object of another kind it is what ``pickle`` makes of it, or its type if that fails.
    """
    if isinstance(value, Tensor):
        yield from _iter_tensor_bytes(value)
    elif isinstance(value, Mapping):
        yield b"{"
        for key in value:
            yield repr(key).encode()
            yield from _iter_state_bytes(value[key])
        yield b"}"
    elif isinstance(value, list | tuple):
        yield f"[{len(value)}".encode()
        for part in value:
            yield from _iter_state_bytes(part)
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
