"""Classifiers whose weights are others than those that they were made with."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import TYPE_CHECKING

from torch import Tensor

from harness.api.network_features import copy_structure
from harness.api.preparation.module_copy import deep_copy

if TYPE_CHECKING:
    from harness.api.classifiers import Classifier


def around_same_network(model: Classifier) -> Classifier:
    """Another classifier of the same network: for what remembers of a classifier what depends on its weights, once these are others."""
    other = copy.copy(model)
    other.notes = list(model.notes)
    other.__dict__.pop("digest", None)  # the architecture stays
    return other


def copied_network(model: Classifier, shared: Iterable[Tensor]) -> Classifier:
    """A classifier of a copy of the network, which shares these tensors with it and has all others for itself.

    What is known of the network's structure holds for the copy; its digest is another one.
    """
    twin = around_same_network(model)
    twin.module = deep_copy(model.module, {id(tensor): tensor for tensor in shared})
    copy_structure(model.module, twin.module)
    return twin
