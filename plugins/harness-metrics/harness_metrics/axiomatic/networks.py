"""Networks made of the case's own: another function of it, with every module still under its name.

A wrapper would rename every layer, and an explainer that was told a layer would not find it. Here the copy's class becomes a class that
derives from its own, with another forward, so that names and classes of the layers stay.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Annotated, Any, TypeVar, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from harness.api import Case, Classifier
from harness_metrics.curves import original_logits

M = TypeVar("M", bound=nn.Module)
Forward = Callable[[Tensor], Tensor]

TOLERANCE = 1e-3
"""By how much of its greatest logit a network that should compute the same may miss it, before a score is undefined."""

Rounding = Annotated[float, Field(ge=0)]
"""The relative difference of two maps up to which they are the same."""


def with_forward(module: M, forward: Callable[[Any, Forward, Tensor], Tensor]) -> M:
    """A deep copy of ``module`` whose forward is ``forward(copy, its own forward, inputs)``."""
    copied = copy.deepcopy(module)
    cls, steps = type(copied), list(copied._modules)

    def own(self: nn.Module, inputs: Tensor) -> Tensor:
        if cls.forward is not nn.Sequential.forward:
            return cast(Tensor, cls.forward(self, inputs))
        for step in steps:  # a sequence would call what is added to it too
            inputs = self.get_submodule(step)(inputs)
        return inputs

    def changed(self: nn.Module, inputs: Tensor) -> Tensor:
        return forward(self, lambda given: own(self, given), inputs)

    copied.__class__ = type(cls.__name__, (cls,), {"forward": changed, "__module__": __name__})
    return copied


def replaced(module: nn.Module, name: str, child: nn.Module) -> None:
    """Put ``child`` in the place of the submodule of that name."""
    parent, _, last = name.rpartition(".")
    module.get_submodule(parent).add_module(last, child)


def computes_the_same(case: Case, other: Classifier, inputs: Tensor) -> Tensor:
    """``(B,)`` bool: whether ``other`` has the logits for ``inputs`` that the case's model has for its images."""
    expected = original_logits(case)
    error = (case.predict(inputs, model=other) - expected).abs().amax(dim=1)
    return error <= TOLERANCE * expected.abs().amax(dim=1)


def relative_distance(changed: Tensor, maps: Tensor, tolerance: float) -> Tensor:
    """``(B,)`` Frobenius norm of ``changed − maps`` (B, H, W) over that of ``maps``; NaN where ``maps`` are 0 everywhere.

    A difference of at most ``tolerance`` is 0: an axiom holds or does not, and rounding must order no explainers for which it holds.

    >>> relative_distance(torch.tensor([[[3.0, 5.0]]]), torch.tensor([[[3.0, 4.0]]]), 0.1).item()
    0.20000000298023224
    """
    size = torch.linalg.vector_norm(maps.double(), dim=(-2, -1))
    moved = torch.linalg.vector_norm(changed.double() - maps.double(), dim=(-2, -1))
    relative = torch.where(size == 0, torch.nan, moved / size)
    return torch.where(relative <= tolerance, 0, relative).float()
