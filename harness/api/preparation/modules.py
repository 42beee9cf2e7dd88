"""Operations as modules, so that a hook can see them, and which modules there are to look into."""

from __future__ import annotations

from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils import parametrize

from harness.api.preparation.module_copy import deep_copy
from harness.api.preparation.module_tree import register_kept_layers, without_compiled_parts


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


def require_weights(network: nn.Module) -> None:
    """Raise ``ValueError`` if there are no weights yet."""
    for name, tensor in (*network.named_parameters(), *network.named_buffers()):
        if is_lazy(tensor):
            raise ValueError(f"{name} has no weights yet (lazily initialised): run the network once, then load or train its weights")
        if tensor.is_meta:
            raise ValueError(f"{name} is on the meta device and has no weights: load them first (load_state_dict(…, assign=True))")


def frozen_copy(module: nn.Module) -> nn.Module:
    """A copy of ``module`` in eval mode whose parameters are frozen.

    Compiled parts are taken as they were before they were compiled, and layers kept in plain lists, tuples and dictionaries become children
    of the module that keeps them, so that hooks, devices and digests reach them. Raises ``ValueError`` if it cannot be copied.
    """
    try:
        copied = deep_copy(module)
    except (TypeError, RuntimeError, NotImplementedError) as error:
        raise ValueError(
            f"{type(module).__name__} cannot be copied ({first_line(error)}); keep such things outside of the module"
        ) from error
    copied = without_compiled_parts(copied)
    register_kept_layers(copied)
    set_eval_mode(copied)
    for parameter in copied.parameters():
        parameter.requires_grad_(False)
    return copied


def copy_sharing_tensors(module: nn.Module) -> nn.Module:
    """A copy of ``module`` whose parameters and buffers are the very tensors of the original."""
    return deep_copy(module, {id(tensor): tensor for tensor in chain(module.parameters(), module.buffers())})


def set_eval_mode(module: nn.Module) -> None:
    """Eval mode; by hand if the module's own ``eval`` refuses, as that of an exported program does."""
    try:
        module.eval()
    except NotImplementedError:
        for child in module.modules():
            child.training = False


def first_line(error: BaseException) -> str:
    """First line of what an error says."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
