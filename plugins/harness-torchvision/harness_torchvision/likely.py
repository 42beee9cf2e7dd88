"""The architecture that a state dict may be of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache

import torch
from torch import Tensor
from torchvision import models

from harness_torchvision.families import ARCHITECTURES, AUXILIARY, family_of
from harness_torchvision.heads import head_of
from harness_torchvision.state_names import Ambiguous, named

_POSITIONS = "encoder.pos_embedding"


def likely(state: Mapping[str, Tensor], said: str | None) -> str:
    """A sentence of which architecture a state dict is that does not fit the one asked for; ``said`` is what its file says."""
    fits = fitting_architectures(state)
    if fits:
        return f". It fits arch: {' or '.join(fits[:3])}{_input_size(state)}"
    says = f"; its file says {said!r}" if said else ""
    return (
        f". It fits no architecture of torchvision that was tried{says}: where the network is one's own, build it in Python and give it to "
        "harness.classifier"
    )


def fitting_architectures(state: Mapping[str, Tensor]) -> list[str]:
    """The architectures of torchvision that a state dict fits in names and shapes, whatever its classes and its size of images.

    Of RegNets none are tried.
    """
    return [arch for arch in ARCHITECTURES if _fits(arch, state)]


def _fits(arch: str, state: Mapping[str, Tensor]) -> bool:
    if family_of(arch) in (None, "regnet"):
        return False
    head, wanted = _shapes(arch)
    try:
        found = named(state, wanted, head, AUXILIARY.get(family_of(arch) or "", ()))
    except Ambiguous:
        return True
    lacking = [name for name in wanted if name not in found.state and not name.endswith("num_batches_tracked")]
    return not (lacking or found.unexpected) and all(
        tensor.shape == wanted[name].shape for name, tensor in found.state.items() if not name.startswith(f"{head}.") and name != _POSITIONS
    )


def _input_size(state: Mapping[str, Tensor]) -> str:
    """The size of images that a ViT's positions are for, as its parameter."""
    positions = [tensor for name, tensor in state.items() if name.endswith(_POSITIONS)]
    patches = [tensor for name, tensor in state.items() if name.endswith("conv_proj.weight")]
    return f", input_size: {math.isqrt(positions[0].shape[1] - 1) * patches[0].shape[-1]}" if positions and patches else ""


@cache
def _shapes(arch: str) -> tuple[str, dict[str, Tensor]]:
    """The name of an architecture's head, and its state dict without memory, auxiliary heads aside."""
    ignored = AUXILIARY.get(family_of(arch) or "", ())
    with torch.device("meta"):
        module = models.get_model(arch, weights=None, **({"init_weights": False} if ignored else {}))
    return head_of(module), {name: tensor for name, tensor in module.state_dict().items() if name.partition(".")[0] not in ignored}
