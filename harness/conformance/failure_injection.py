"""Makes a model raise in the middle of a pass."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor, nn

from harness.api.classifiers import Classifier

Stage = Literal["first forward", "second forward", "first backward"]
STAGES: tuple[Stage, ...] = ("first forward", "second forward", "first backward")


class InjectedFailure(RuntimeError):
    """Raised inside a model."""


@dataclass
class FailureHook:
    """A hook on a classifier's last layer that raises `InjectedFailure` at one stage, while it is armed.

    Attributes:
        tripped: whether it has raised.
    """

    armed: Stage | None = None
    tripped: bool = False
    _calls: int = field(default=0)

    def on(self, model: Classifier) -> FailureHook:
        """Lay it; the hook stays."""
        last = [layer for layer in model.module.modules() if not list(layer.children())][-1]
        last.register_forward_hook(self._forward)
        return self

    def arm(self, stage: Stage | None) -> None:
        """Have it raise at this stage, or not at all."""
        self.armed, self.tripped, self._calls = stage, False, 0

    def _forward(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        self._calls += 1
        if self.armed == ("first forward", "second forward")[min(self._calls, 2) - 1]:
            self._trip()
        if self.armed == "first backward" and isinstance(output, Tensor) and output.requires_grad:
            output.register_hook(lambda gradient: self._trip())  # type: ignore[no-untyped-call]

    def _trip(self) -> None:
        self.tripped = True
        raise InjectedFailure(f"a test of what happens when the model raises in its {self.armed} pass")
