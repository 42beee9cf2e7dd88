"""The network in a classifier: called, moved, and its layers by name."""

from __future__ import annotations

from functools import cached_property
from itertools import chain
from typing import Self

import torch
from torch import Tensor, nn


class ModelLayers:
    """The part of a classifier that is about its network.

    Attributes:
        module: the prepared ``nn.Module`` (eval mode, frozen, hook-friendly), with the logits of the original.
        input_shape: ``(C, H, W)`` of one input.
    """

    module: nn.Module
    input_shape: tuple[int, int, int]

    def __call__(self, inputs: Tensor) -> Tensor:
        """Logits ``(B, K)`` of ``inputs`` (B, C, H, W), on the device of the inputs, whichever the parameters are on."""
        logits: Tensor = self.module(inputs.to(self.device))
        return logits.to(inputs.device)

    @cached_property
    def num_classes(self) -> int:
        """K, found by one forward pass of a zero image."""
        with torch.no_grad():
            logits = self(torch.zeros(1, *self.input_shape, device=self.device, dtype=self.dtype))
        if not isinstance(logits, Tensor) or logits.ndim != 2:
            raise TypeError("a classifier's module must return logits (B, K)")
        return int(logits.shape[1])

    @property
    def device(self) -> torch.device:
        """Device of the parameters, or of the buffers of a module without any; ``cpu`` where it has neither."""
        return next((t.device for t in chain(self.module.parameters(), self.module.buffers())), torch.device("cpu"))

    @property
    def dtype(self) -> torch.dtype:
        """The parameters' floating type."""
        return next((p.dtype for p in self.module.parameters() if p.is_floating_point()), torch.float32)

    @property
    def layers(self) -> list[str]:
        """Names of all layers, as ``named_modules()`` has them."""
        return [name for name, _ in self.module.named_modules() if name]

    def layer(self, name: str) -> nn.Module:
        """One layer by name; raises ``ValueError`` that lists the layers if there is none."""
        found: nn.Module | None = dict(self.module.named_modules()).get(name)
        if found is None or not name:
            raise ValueError(f"the model has no layer {name!r}; its layers are {', '.join(self.layers)}")
        return found

    def to(self, device: torch.device | str) -> Self:
        """Move the module (in place) to ``device`` and return this classifier."""
        self.module.to(device)
        return self
