"""Optimisers and schedules of torch, made from their options, and what they remember as tensors and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, OneCycleLR, ReduceLROnPlateau, StepLR

from harness_torchvision.training.options import Optimiser, Schedule


def make_optimiser(options: Optimiser, parameters: Iterable[nn.Parameter]) -> Optimizer:
    """The optimiser of these parameters."""
    if options.use == "sgd":
        return SGD(parameters, lr=options.lr, momentum=options.momentum, nesterov=options.nesterov, weight_decay=options.weight_decay)
    if options.momentum or options.nesterov:
        raise ValueError(f"optimiser: momentum and nesterov are of sgd, not of {options.use}")
    return (Adam if options.use == "adam" else AdamW)(parameters, lr=options.lr, weight_decay=options.weight_decay)


class RateSchedule:
    """A schedule that is told of batches and of epochs; without options it leaves the rate as it is."""

    def __init__(self, options: Schedule | None, optimiser: Optimizer, epochs: int, batches: int) -> None:
        self._optimiser = optimiser
        self._each_batch = options is not None and options.use == "one-cycle"
        self._plateau: ReduceLROnPlateau | None = None
        self._scheduler: LRScheduler | None = None
        match options:
            case Schedule(use="step"):
                self._scheduler = StepLR(optimiser, options.every, options.gamma)
            case Schedule(use="cosine"):
                self._scheduler = CosineAnnealingLR(optimiser, epochs)
            case Schedule(use="one-cycle"):
                self._scheduler = OneCycleLR(optimiser, optimiser.param_groups[0]["lr"], epochs=epochs, steps_per_epoch=batches)
            case Schedule(use="plateau"):
                self._plateau = ReduceLROnPlateau(optimiser, factor=options.gamma, patience=options.patience)

    @property
    def rate(self) -> float:
        """The learning rate now."""
        return float(self._optimiser.param_groups[0]["lr"])

    def after_batch(self) -> None:
        """A batch has been learnt from."""
        if self._each_batch and self._scheduler is not None:
            self._scheduler.step()

    def after_epoch(self, loss: float | None) -> None:
        """An epoch is over; ``loss`` is that on the validation data, if there are any."""
        if self._plateau is not None and loss is not None:
            self._plateau.step(loss)
        elif self._scheduler is not None and not self._each_batch:
            self._scheduler.step()

    def state(self) -> dict[str, Any]:
        """All that it remembers, as JSON."""
        used = self._plateau or self._scheduler
        return {} if used is None else {name: value for name, value in used.state_dict().items() if name != "anneal_func"}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        used = self._plateau or self._scheduler
        if used is not None:
            used.load_state_dict(dict(state))


def split_optimiser_state(optimiser: Optimizer) -> tuple[dict[str, Tensor], list[dict[str, Any]]]:
    """What an optimiser keeps of its weights, by ``place/name``, on the CPU; and its groups of options, as JSON."""
    state = optimiser.state_dict()
    tensors = {
        f"{place}/{name}": value.detach().to("cpu", copy=True).contiguous()
        for place, kept in state["state"].items()
        for name, value in kept.items()
        if isinstance(value, Tensor)
    }
    return tensors, [{**group, "betas": list(group["betas"])} if "betas" in group else dict(group) for group in state["param_groups"]]


def restore_optimiser(optimiser: Optimizer, tensors: Mapping[str, Tensor], groups: list[dict[str, Any]]) -> None:
    """Give an optimiser what `split_optimiser_state` took."""
    kept: dict[int, dict[str, torch.Tensor]] = {}
    for path, value in tensors.items():
        place, _, name = path.partition("/")
        kept.setdefault(int(place), {})[name] = value
    restored = [{**group, "betas": tuple(group["betas"])} if "betas" in group else group for group in groups]
    optimiser.load_state_dict({"state": kept, "param_groups": restored})
