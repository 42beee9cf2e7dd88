"""The network under what training loops wrap it in: ``torch.compile``, ``DataParallel``, ``DistributedDataParallel``."""

from __future__ import annotations

from torch import nn

_WRAPPERS = {"DataParallel": "module", "DistributedDataParallel": "module", "OptimizedModule": "_orig_mod"}


def unwrap(module: nn.Module) -> nn.Module:
    """What ``module`` wraps, however often; itself where it is no wrapper."""
    inner = _wrapped_module(module)
    while inner is not None:
        module, inner = inner, _wrapped_module(inner)
    return module


def without_compiled_parts(module: nn.Module) -> nn.Module:
    """``module`` in which wrapped children stand without their wrapper, in place: hooks do not see into what is compiled."""
    module = unwrap(module)
    for layer in list(module.modules()):
        for name, child in layer._modules.items():
            if child is not None and _wrapped_module(child) is not None:
                layer._modules[name] = unwrap(child)
    return module


def _wrapped_module(module: nn.Module) -> nn.Module | None:
    home = type(module).__module__.partition(".")[0]
    attribute = _WRAPPERS.get(type(module).__name__) if home == "torch" else None
    return None if attribute is None else module._modules.get(attribute)
