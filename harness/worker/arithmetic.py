"""Arithmetic that models compute in: ``fp32``, the same on every device and so part of no result, or what is part of every key."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from harness.planning.jobs import Precision

AUTOCAST_DTYPE = torch.bfloat16


@dataclass(frozen=True)
class Arithmetic:
    """The arithmetic of models.

    Attributes:
        precision: ``fp32``; ``tf32``, which CUDA multiplies matrices in and other devices know nothing of; ``bf16``, whose passes run under
            autocast, and logits are float32 again.
        compiled: whether passes that no component sees the inside of go through ``torch.compile``.
    """

    precision: Precision = "fp32"
    compiled: bool = False

    def set(self) -> None:
        """Make it this process's."""
        _set_tf32(self.precision == "tf32")
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True

    @property
    def autocast(self) -> torch.dtype | None:
        """Type that passes are cast to, or None."""
        return AUTOCAST_DTYPE if self.precision == "bf16" else None


def set_plain_fp32() -> None:
    """Switch TF32 off and prefer deterministic kernels."""
    Arithmetic().set()


def _set_tf32(on: bool) -> None:
    torch.backends.cuda.matmul.allow_tf32 = on
    torch.backends.cudnn.allow_tf32 = on


class _AutocastState(threading.local):
    """The autocast contexts that this thread is in, and whether none is to be entered."""

    def __init__(self) -> None:
        self.entered: list[torch.autocast | None] = []
        self.exact = False


_AUTOCAST_STATE = _AutocastState()


@contextmanager
def exact_fp32() -> Iterator[None]:
    """``fp32`` inside the block, for models that are cast too: to see whether two networks are the same function."""
    tf32 = torch.backends.cuda.matmul.allow_tf32
    _AUTOCAST_STATE.exact, before = True, _AUTOCAST_STATE.exact
    _set_tf32(False)
    try:
        yield
    finally:
        _AUTOCAST_STATE.exact = before
        _set_tf32(tf32)


def cast_passes(module: nn.Module) -> None:
    """Have every pass through ``module``, and through copies of it, run under autocast from now on; what it returns is float32.

    It is done by hooks, so that the module stays what it is for libraries that look inside.
    """
    module.register_forward_pre_hook(_enter_autocast)
    module.register_forward_hook(_leave_autocast, always_call=True)


def _enter_autocast(module: nn.Module, args: tuple[Any, ...]) -> None:
    context = None
    if not _AUTOCAST_STATE.exact:
        device = next((arg.device.type for arg in args if isinstance(arg, Tensor)), "cpu")
        context = torch.autocast(device, dtype=AUTOCAST_DTYPE)
        context.__enter__()  # type: ignore[no-untyped-call]
    _AUTOCAST_STATE.entered.append(context)


def _leave_autocast(module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
    context = _AUTOCAST_STATE.entered.pop()
    if context is not None:
        context.__exit__(None, None, None)
    return output.float() if isinstance(output, Tensor) and output.dtype is AUTOCAST_DTYPE else output


class AutocastNetwork(nn.Module):
    """A network whose passes run under autocast, with the weights of its convolutions and dense layers cast once and for all.

    Autocast would cast those weights in every pass, to the same values.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        for layer in network.modules():
            if type(layer) in (nn.Conv2d, nn.Linear) and layer.weight.dtype is torch.float32:
                layer.to(AUTOCAST_DTYPE)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits, float32."""
        with torch.autocast(inputs.device.type, dtype=AUTOCAST_DTYPE):
            logits: Tensor = self.network(inputs)
        return logits.float()
