"""What one forward pass shows of a network: which modules the image reaches, how it attends, and how activations are laid out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from torch import Tensor, nn

from harness.api.attention import attentions
from harness.api.flow import Flow, flow
from harness.api.layouts import Layout, Layouts

_known: WeakKeyDictionary[nn.Module, Structure] = WeakKeyDictionary()


@dataclass(frozen=True)
class Structure:
    """What is the same for every image and for any weights.

    Attributes:
        reached: names of the modules whose output depends on the image, in the order in which they were called.
        attends: whether the network attends over tokens.
        layouts: by name, how what it returned is laid out, where that is known.
    """

    reached: tuple[str, ...]
    attends: bool
    layouts: Mapping[str, Layout]


def structure(module: nn.Module, forward: Callable[[Tensor], object], image: Tensor) -> Structure:
    """The structure of ``module``, which ``forward`` calls on ``image`` (1, C, H, W). Costs one forward pass, once per module."""
    found = _known.get(module)
    if found is None:
        found = _known[module] = _read(flow(forward, module, image))
    return found


def remember(module: nn.Module, seen: Flow) -> None:
    """Keep what a pass through ``module`` that was made for another purpose has shown."""
    _known[module] = _read(seen)


def same_structure(module: nn.Module, copied: nn.Module) -> None:
    """Remember of a copy with other weights what is known of ``module``."""
    if module in _known:
        _known[copied] = _known[module]


def _read(seen: Flow) -> Structure:
    layouts = Layouts(seen)
    outputs = {call.name: call.output for call in seen.calls if call.output is not None and call.output.node in seen.order}
    return Structure(
        reached=tuple(dict.fromkeys(call.name for call in seen.calls)),
        attends=bool(attentions(seen)),
        layouts={name: layout for name, output in outputs.items() if (layout := layouts.of(output)) is not None},
    )
