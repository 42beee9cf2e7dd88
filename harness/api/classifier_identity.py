"""Identity of a classifier: digests of what it is, and what a network that was given is made of."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch
from torch import nn

from harness.api.preparation.hook_points import iter_scripted
from harness.api.state_bytes import iter_state_bytes

if TYPE_CHECKING:
    from harness.api.classifiers import Classifier


def content_digest(model: Classifier) -> str:
    """SHA-256 (hex) of weights and buffers, architecture and preprocessing, and of what explainers take from the model by default."""
    digest = hashlib.sha256(repr(model.module).encode())
    for name, value in sorted(model.module.state_dict().items()):
        digest.update(name.encode())
        for piece in iter_state_bytes(value):
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
