"""Has a user's own module as it will be evaluated, and leaves it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

from harness.api.preparation.modules import set_eval_mode

_CONTAINERS = (list, dict, set)


@contextmanager
def preserve_module_state(module: nn.Module) -> Iterator[None]:
    """Eval mode inside the block; modes, buffers and attributes are what they were after it, whatever passes have done to them."""
    layers = list(module.modules())
    modes = [layer.training for layer in layers]
    attributes = [None if isinstance(layer, torch.jit.ScriptModule) else _snapshot_attributes(layer) for layer in layers]
    buffers = [(buffer, buffer.detach().clone()) for buffer in module.buffers()]
    try:
        set_eval_mode(module)
        with _without_compilation(layers):
            yield
    finally:
        with torch.no_grad():
            for buffer, value in buffers:
                if not torch.equal(buffer, value):  # batch normalisation writes its statistics without counting up their version
                    buffer.copy_(value)
        for layer, mode, before in zip(layers, modes, attributes, strict=True):
            if before is not None:
                _restore_attributes(layer, before)
            layer.training = mode


def _snapshot_attributes(layer: nn.Module) -> dict[str, tuple[Any, Any]]:
    """Each attribute and, of a container, what is in it."""
    return {name: (value, _copy_of_container(value)) for name, value in vars(layer).items()}


def _copy_of_container(value: Any) -> Any:
    return value.copy() if isinstance(value, _CONTAINERS) else None


def _restore_attributes(layer: nn.Module, before: dict[str, tuple[Any, Any]]) -> None:
    own = vars(layer)
    for name in [name for name in own if name not in before]:
        del own[name]
    for name, (value, content) in before.items():
        own[name] = value
        if isinstance(value, list):
            value[:] = content
        elif content is not None:
            value.clear()
            value.update(content)


@contextmanager
def _without_compilation(layers: list[nn.Module]) -> Iterator[None]:
    """Without compiling what is compiled on its first call, which takes longer than all the rest."""
    with ExitStack() as stack:
        if any(getattr(layer, "_compiled_call_impl", None) is not None or type(layer).__name__ == "OptimizedModule" for layer in layers):
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        yield
