"""A classifier with any of its layers randomised, by a spare copy of its network whose layers change between two sets of weights."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from harness.api.kept_networks import kept_network
from harness.api.network_copies import around_same_network

if TYPE_CHECKING:
    from harness.api.classifiers import Classifier


@contextmanager
def randomised_in_place(model: Classifier, seed: int, layers: Sequence[str], random: Collection[str]) -> Iterator[Classifier]:
    """What `Classifier.randomised` makes of the layers ``random``, for the block alone.

    All of ``layers`` are drawn once, in a copy of the network that is kept as long as the model; after that a block costs the device
    nothing. Weights are the same in every block. The classifier is a new one for each block, its network is not: what is remembered of
    the network must hold whichever weights it has, and there is one block at a time.

    Args:
        model: is left as it is.
        seed: under which each layer is drawn, with its name.
        layers: names of all layers that are to be random in some block; ``""`` is the network itself.
        random: those that are in this one.
    """
    spare = kept_network(model, ("random layers", seed, tuple(layers)), lambda: _SpareCopy(model, seed, layers))
    if spare.hides_state:
        yield model.randomised(seed, list(random))
        return
    with spare.random(frozenset(random)) as changed:
        yield changed


@dataclass
class _Exchanged:
    """A parameter or buffer of the copy, which is either as drawn or as the model has it."""

    tensor: Tensor
    drawn: Tensor
    own: Tensor
    layers: set[str] = field(default_factory=set)  # several have one tensor if they share it


class _SpareCopy:
    """The copy. Between blocks it is wholly random, so that a look at it sees whether somebody has written into what was drawn.

    Attributes:
        hides_state: whether drawing has changed what is neither parameter nor buffer, and so is not exchanged.
    """

    def __init__(self, model: Classifier, seed: int, layers: Sequence[str]) -> None:
        model.architecture  # noqa: B018 (which copies take over if it is known)
        self._twin = model.randomised(seed, layers)
        before, after = (dict(module.named_modules()) for module in (model.module, self._twin.module))
        self.hides_state = any(_is_other(_attributes(before[name]), _attributes(after[name])) for name in layers)
        exchanged: dict[int, _Exchanged] = {}
        for name in layers:
            own = _own_tensors(before[name])
            for key, tensor in _own_tensors(after[name]).items():
                if key in own and tensor is not own[key]:
                    found = exchanged.setdefault(id(tensor), _Exchanged(tensor, tensor.data, own[key].data))
                    found.layers.add(name)
        self._exchanged = list(exchanged.values())

    @property
    def module(self) -> nn.Module:
        """The network."""
        return self._twin.module

    @contextmanager
    def random(self, layers: frozenset[str]) -> Iterator[Classifier]:
        """A classifier of the copy with these layers as drawn."""
        changed = around_same_network(self._twin)
        for each in self._exchanged:
            each.tensor.data = each.own if layers.isdisjoint(each.layers) else each.drawn
        try:
            yield changed
        finally:
            for each in self._exchanged:
                each.tensor.data = each.drawn


def _own_tensors(layer: nn.Module) -> dict[str, Tensor]:
    return dict(chain(layer.named_parameters(recurse=False), layer.named_buffers(recurse=False)))


def _attributes(layer: nn.Module) -> dict[str, object]:
    """What a layer has besides parameters, buffers, layers and hooks."""
    usual = vars(nn.Module())
    return {name: value for name, value in vars(layer).items() if name not in usual}


def _is_other(before: object, after: object) -> bool:
    """Whether a value is not the one that it was copied from; what is exchanged, and objects that are not plain, are not looked at."""
    if type(before) is not type(after):
        return True
    if isinstance(before, nn.Parameter):  # in a list too, as recurrent layers have it
        return False
    if isinstance(before, Tensor):
        return not torch.equal(before, cast(Tensor, after))
    if isinstance(before, dict):
        return _is_other(list(before.items()), list(cast("dict[object, object]", after).items()))
    if isinstance(before, list | tuple):
        others = cast("Sequence[object]", after)
        return len(before) != len(others) or any(map(_is_other, before, others))
    return isinstance(before, bool | int | float | complex | str) and before != after
