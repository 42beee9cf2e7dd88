"""The structure of a network in one forward pass: modules that the image reaches, attention, and how activations are laid out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from torch import Tensor, nn

from harness.api.activation_layouts import Layout, LayoutInference
from harness.api.attention import find_attention_operations
from harness.api.autograd_graph import AutogradGraph, trace_autograd

_STRUCTURE_CACHE: WeakKeyDictionary[nn.Module, NetworkStructure] = WeakKeyDictionary()


@dataclass(frozen=True)
class NetworkStructure:
    """What is the same for every image and for any weights.

    Attributes:
        reached: names of the modules whose output depends on the image, in the order in which they were called.
        attends: whether the network attends over tokens.
        layouts: by name, how what it returned is laid out, if that is known.
    """

    reached: tuple[str, ...]
    attends: bool
    layouts: Mapping[str, Layout]


def trace_structure(module: nn.Module, forward: Callable[[Tensor], object], image: Tensor) -> NetworkStructure:
    """The structure of ``module``, which ``forward`` calls on ``image`` (1, C, H, W). Costs one forward pass, once per module."""
    found = _STRUCTURE_CACHE.get(module)
    if found is None:
        found = _STRUCTURE_CACHE[module] = _structure_from_graph(trace_autograd(forward, module, image))
    return found


def remember_structure(module: nn.Module, seen: AutogradGraph) -> None:
    """Keep what a pass through ``module`` that was made for another purpose has shown."""
    _STRUCTURE_CACHE[module] = _structure_from_graph(seen)


def copy_structure(module: nn.Module, copied: nn.Module) -> None:
    """Remember of a copy with other weights what is known of ``module``."""
    if module in _STRUCTURE_CACHE:
        _STRUCTURE_CACHE[copied] = _STRUCTURE_CACHE[module]


def _structure_from_graph(seen: AutogradGraph) -> NetworkStructure:
    layouts = LayoutInference(seen)
    outputs = {call.name: call.output for call in seen.calls if call.output is not None and call.output.node in seen.order}
    return NetworkStructure(
        reached=tuple(dict.fromkeys(call.name for call in seen.calls)),
        attends=bool(find_attention_operations(seen)),
        layouts={name: layout for name, output in outputs.items() if (layout := layouts.of(output)) is not None},
    )
