"""The layers of a network that can be randomised, from the input to the output, and the stages in which they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Literal
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.func import functional_call

from harness.api import Classifier

Order = Literal["top-down", "bottom-up", "independent"]
"""Layers randomised one after the other from the output or from the input, those before staying random, or each one alone."""

Stage = frozenset[str]
"""Names of the layers that are random in one model."""

_found: WeakKeyDictionary[Classifier, list[str]] = WeakKeyDictionary()


class NothingToRandomise(ValueError):
    """A model without parameters."""


def randomisable_layers(model: Classifier) -> list[str]:
    """Names of the layers with parameters of their own that the logits depend on, in the order in which they are first called.

    ``""`` is the network itself, where it has parameters that belong to none of its layers. Auxiliary heads that no logit comes from do not
    count. Costs one forward pass of one image, once per model. Raises `NothingToRandomise` where there is none.
    """
    if model not in _found:
        called, used = _forward(model)
        places = {name: place for place, name in reversed(list(enumerate(called)))}
        own = {name: {key for key, _ in layer.named_parameters(prefix=name, recurse=False)} for name, layer in model.module.named_modules()}
        names = [name for name, keys in own.items() if keys & used]
        if not names:
            raise NothingToRandomise("the model has no parameters that its logits depend on: there is nothing to randomise")
        _found[model] = sorted(names, key=lambda name: places[_nearest(name, places)])
    return _found[model]


def stages(layers: Sequence[str], order: Order, steps: int | None) -> list[Stage]:
    """Layers that are random in each model, ``steps`` models (None: as many as there are layers; never more).

    Neighbouring layers go together where there are fewer models than layers.

    >>> [sorted(stage) for stage in stages("abcd", "top-down", 2)], [sorted(stage) for stage in stages("abc", "independent", None)]
    ([['c', 'd'], ['a', 'b', 'c', 'd']], [['a'], ['b'], ['c']])
    """
    count = len(layers) if steps is None else min(steps, len(layers))
    cuts = [round(len(layers) * i / count) for i in range(count + 1)]
    groups = [frozenset(layers[start:end]) for start, end in pairwise(cuts)]
    if order == "independent":
        return groups
    return list(accumulate(reversed(groups) if order == "top-down" else groups, lambda random, group: random | group))


def _forward(model: Classifier) -> tuple[list[str], set[str]]:
    """Names of modules in the order of their calls, and of the parameters in the graph of the logits."""
    called: list[str] = []

    def noting(name: str) -> Callable[[object, object], None]:
        return lambda layer, args: called.append(name)

    handles = [
        layer.register_forward_pre_hook(noting(name))
        for name, layer in model.module.named_modules()
        if not isinstance(layer, torch.jit.ScriptModule)
    ]
    stand_ins = {name: parameter.detach().requires_grad_() for name, parameter in model.module.named_parameters()}
    image = torch.rand(1, *model.input_shape, generator=torch.Generator().manual_seed(0)).to(model.device, model.dtype)
    try:
        with torch.enable_grad():
            logits: Tensor = functional_call(model.module, stand_ins, (image,))
    finally:
        for handle in handles:
            handle.remove()
    leaves = _leaves(logits)
    return called, {name for name, parameter in stand_ins.items() if id(parameter) in leaves}


def _leaves(output: Tensor) -> set[int]:
    """Identities of the leaf tensors in the autograd graph of ``output``."""
    waiting, seen, leaves = [output.grad_fn], set(), set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            leaves.add(id(node.variable))
        waiting += [following for following, _ in node.next_functions]
    return leaves


def _nearest(name: str, places: dict[str, int]) -> str:
    """The layer itself where it was called (modules whose weights alone are used are not), else the one around it that was."""
    while name not in places and name:
        name = name.rpartition(".")[0]
    return name
