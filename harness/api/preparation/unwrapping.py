"""The network under what training loops wrap it in: ``torch.compile``, ``DataParallel``, ``DistributedDataParallel``."""

from __future__ import annotations

from torch import nn

_WRAPPERS = {"DataParallel": "module", "DistributedDataParallel": "module", "OptimizedModule": "_orig_mod"}


def unwrapped(module: nn.Module) -> nn.Module:
    """What ``module`` wraps, however often; itself where it is no wrapper."""
    inner = _inner(module)
    while inner is not None:
        module, inner = inner, _inner(inner)
    return module


def without_compiled_parts(module: nn.Module) -> nn.Module:
    """``module`` in which wrapped children stand without their wrapper, in place: hooks do not see into what is compiled."""
    module = unwrapped(module)
    for layer in list(module.modules()):
        for name, child in layer._modules.items():
            if child is not None and _inner(child) is not None:
                layer._modules[name] = unwrapped(child)
    return module


def _inner(module: nn.Module) -> nn.Module | None:
    home = type(module).__module__.partition(".")[0]
    attribute = _WRAPPERS.get(type(module).__name__) if home == "torch" else None
    return None if attribute is None else module._modules.get(attribute)
