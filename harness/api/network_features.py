"""Features of a network: those that explainers need, and the nonlinearities they meet."""

from __future__ import annotations

import torch
from torch import nn

from harness.api.classifiers import Classifier
from harness.api.feature_maps import is_patch_embedding
from harness.api.network_structure import NetworkStructure, trace_structure


def structure_of(classifier: Classifier) -> NetworkStructure:
    """What a pass of one image shows of the network. Costs one forward pass, once per classifier (its randomised copies share it)."""
    image = torch.zeros(1, *classifier.input_shape, device=classifier.device, dtype=classifier.dtype)
    return trace_structure(classifier.module, classifier, image)


def detect_features(classifier: Classifier) -> frozenset[str]:
    """Which of ``convolutions``, ``relu`` and ``token-grid`` the network has, as a component's ``needs`` name them.

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
    names = {type(module).__name__ for module in reached_modules(classifier) if _is_activation(module)}
    return frozenset(names | ({"Softmax"} if _uses_attention(classifier) else set()))


def reached_modules(classifier: Classifier) -> list[nn.Module]:
    """The modules of the network whose output depends on the image, in the order of ``named_modules()``."""
    names = set(structure_of(classifier).reached)
    return [module for name, module in classifier.module.named_modules() if name in names]


def _uses_attention(classifier: Classifier) -> bool:
    attention = any(isinstance(module, nn.MultiheadAttention) for module in reached_modules(classifier))
    return attention or structure_of(classifier).attends


def _is_activation(module: nn.Module) -> bool:
    """Torch's own activation modules share a home with its attention module."""
    own = any(cls.__module__ == "torch.nn.modules.activation" for cls in type(module).__mro__)
    return own and not isinstance(module, nn.MultiheadAttention)
