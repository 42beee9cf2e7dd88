"""Features of a network: its structure, those that explainers need, and the nonlinearities they meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import torch
from torch import nn

from harness.api.activation_layouts import Layout, LayoutInference
from harness.api.attention import find_attention_operations
from harness.api.autograd_graph import AutogradGraph, trace_autograd

if TYPE_CHECKING:
    from harness.api.classifiers import Classifier

_STRUCTURE_CACHE: WeakKeyDictionary[nn.Module, NetworkStructure] = WeakKeyDictionary()


@dataclass(frozen=True)
class NetworkStructure:
    """The structure of a network: the same for every image and for any weights.

    Attributes:
        reached: names of the modules whose output depends on the image, in the order in which they were called.
        attends: whether the network attends over tokens.
        layouts: by name, how what it returned is laid out, if that is known.
    """

    reached: tuple[str, ...]
    attends: bool
    layouts: Mapping[str, Layout]


def structure_of(classifier: Classifier) -> NetworkStructure:
    """Structure of the network, which one forward pass of one image shows, made once per classifier (its randomised copies share it)."""
    found = _STRUCTURE_CACHE.get(classifier.module)
    if found is None:
        image = torch.zeros(1, *classifier.input_shape, device=classifier.device, dtype=classifier.dtype)
        found = _STRUCTURE_CACHE[classifier.module] = _structure_from_graph(trace_autograd(classifier, classifier.module, image))
    return found


def remember_structure(module: nn.Module, seen: AutogradGraph) -> None:
    """Keep what a pass through ``module`` that was made for another purpose has shown."""
    _STRUCTURE_CACHE[module] = _structure_from_graph(seen)


def copy_structure(module: nn.Module, copied: nn.Module) -> None:
    """Remember of a copy with other weights what is known of ``module``."""
    if module in _STRUCTURE_CACHE:
        _STRUCTURE_CACHE[copied] = _STRUCTURE_CACHE[module]


def detect_features(classifier: Classifier) -> frozenset[str]:
    """Those of ``convolutions``, ``relu`` and ``token-grid`` that the network has, as a component's ``needs`` name them.

    A network has a ``token-grid`` if it attends over tokens (ViT, Swin, MaxViT), as `harness.api.attention.find_attention_operations`
    knows it. ``convolutions`` counts 2-D convolutions; a patch embedding, which is one, does not make class activation maps meaningful,
    so that a network whose only convolution does not overlap its neighbours and which attends over tokens has none. Modules that the
    image does not reach (auxiliary heads, tables of relative positions) do not count.
    """
    modules = reached_modules(classifier)
    convolutions = [module for module in modules if isinstance(module, nn.Conv2d)]
    tokens = _uses_attention(classifier)
    found = {
        "convolutions": any(not (tokens and is_patch_embedding(convolution)) for convolution in convolutions),
        "relu": "ReLU" in nonlinearities(classifier),
        "token-grid": tokens,
    }
    return frozenset(name for name, present in found.items() if present)


def nonlinearities(classifier: Classifier) -> frozenset[str]:
    """Class names of the activation modules that the image reaches (``ReLU``, ``SiLU``, …); attention counts as ``Softmax``."""
    names = {type(module).__name__ for module in activation_modules(classifier)}
    return frozenset(names | ({"Softmax"} if _uses_attention(classifier) else set()))


def activation_modules(classifier: Classifier) -> list[nn.Module]:
    """The activation modules that the image reaches, in the order of ``named_modules()``; attention is none."""
    return [module for module in reached_modules(classifier) if _is_activation(module)]


def reached_modules(classifier: Classifier) -> list[nn.Module]:
    """The modules of the network whose output depends on the image, in the order of ``named_modules()``."""
    names = set(structure_of(classifier).reached)
    return [module for name, module in classifier.module.named_modules() if name in names]


def is_patch_embedding(module: nn.Module) -> bool:
    """Whether a module is a 2-D convolution whose windows do not overlap."""
    return isinstance(module, nn.Conv2d) and tuple(module.stride) == tuple(module.kernel_size) and max(module.kernel_size) > 1


def _structure_from_graph(seen: AutogradGraph) -> NetworkStructure:
    layouts = LayoutInference(seen)
    outputs = {call.name: call.output for call in seen.calls if call.output is not None and call.output.node in seen.order}
    return NetworkStructure(
        reached=tuple(dict.fromkeys(call.name for call in seen.calls)),
        attends=bool(find_attention_operations(seen)),
        layouts={name: layout for name, output in outputs.items() if (layout := layouts.of(output)) is not None},
    )


def _uses_attention(classifier: Classifier) -> bool:
    attention = any(isinstance(module, nn.MultiheadAttention) for module in reached_modules(classifier))
    return attention or structure_of(classifier).attends


def _is_activation(module: nn.Module) -> bool:
    """Torch's own activation modules share a home with its attention module."""
    own = any(cls.__module__ == "torch.nn.modules.activation" for cls in type(module).__mro__)
    return own and not isinstance(module, nn.MultiheadAttention)
