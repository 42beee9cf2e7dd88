"""Operations as modules, so that a hook can see them, and which modules there are to look into."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from harness.api.preparation.hooks import tensors


class Add(nn.Module):
    """The sum of two tensors: what a skip connection is."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """``a + b``."""
        return a + b


def is_sequence(module: nn.Module) -> bool:
    """Whether calling ``module`` calls its children one after the other, and nothing else."""
    return isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward


def is_custom(module: nn.Module) -> bool:
    """Whether ``module`` has a forward that is neither torch's own nor that of `Add`."""
    if isinstance(module, torch.jit.ScriptModule):
        return True
    return type(module).forward is not Add.forward and not (type(module).forward.__module__ or "").startswith("torch.nn.")


def is_opaque(module: nn.Module) -> bool:
    """Whether ``module`` is one of torch's own composites (``TransformerEncoderLayer``), whose insides no rewriting reaches.

    `torch.nn.MultiheadAttention` calls no child and counts as a leaf.
    """
    if is_custom(module) or is_sequence(module) or isinstance(module, nn.MultiheadAttention) or parametrize.is_parametrized(module):
        return False
    return type(module).forward is not nn.Module.forward and any(True for _ in module.children())


def frozen_copy(module: nn.Module) -> nn.Module:
    """A copy of ``module`` in eval mode whose parameters are frozen; tensors that it keeps with their graphs are cut off from these."""
    return deep_copy(module).eval().requires_grad_(False)


def deep_copy(module: nn.Module, memo: Mapping[int, Tensor] | None = None) -> nn.Module:
    """A copy of ``module`` with whatever tensors it keeps, which are cut off from their graphs; those in ``memo`` by identity it shares."""
    kept = [tensor for child in module.modules() for tensor in tensors(list(vars(child).values())) if tensor.grad_fn is not None]
    with torch.no_grad():
        return copy.deepcopy(module, {id(tensor): tensor.detach() for tensor in kept} | dict(memo or {}))


def sharing_copy(module: nn.Module) -> nn.Module:
    """A copy of ``module`` whose parameters and buffers are the very tensors of the original."""
    tensors = {id(tensor): tensor for tensor in chain(module.parameters(), module.buffers())}
    return copy.deepcopy(module, tensors)
