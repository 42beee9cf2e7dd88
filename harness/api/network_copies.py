"""Copies of classifiers whose weights may be changed."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import TYPE_CHECKING

from torch import Tensor

from harness.api.network_features import copy_structure
from harness.api.preparation.module_copy import deep_copy

if TYPE_CHECKING:
    from harness.api.classifiers import Classifier


def copied_network(model: Classifier, shared: Iterable[Tensor]) -> Classifier:
    """A classifier of a copy of the network, which shares these tensors with it and has all others for itself.

    What is known of the network's structure holds for the copy; its digest is another one.
    """
    twin = copy.copy(model)
    twin.notes = list(model.notes)
    twin.__dict__.pop("digest", None)  # the architecture stays
    twin.module = deep_copy(model.module, {id(tensor): tensor for tensor in shared})
    copy_structure(model.module, twin.module)
    return twin
