"""ROAR and KAR: networks trained again without the pixels that maps call important, or unimportant (Hooker et al. 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from harness.api import Case, Classifier, metric
from harness.api.declarations import EACH, EXPLAINER, MODEL
from harness.api.removal import Importance, removed_pixels
from harness_metrics.faithfulness.citations import HOOKER_2019

Removed = Annotated[list[Annotated[float, Field(gt=0, lt=1)]], Field(min_length=1)]
SHARES = [0.1, 0.3, 0.5, 0.7, 0.9]


def _retrained(order: Importance) -> dict[str, dict[str, str]]:
    return {"network": {"explainer": EXPLAINER, "explained": MODEL, "removed": f"{EACH}shares", "order": order}}


@metric(
    category="faithfulness",
    direction="lower",
    bounds=(0, 1),
    no_inverse="networks are trained for the map as it is",
    retrains=_retrained("most"),
    cite=HOOKER_2019,
)
def roar(case: Case, *, network: Classifier | list[Classifier], shares: Removed = SHARES) -> Tensor:
    """Accuracy of networks that are trained and tested without the most important pixels (remove and retrain).

    Hooker et al. 2019: for each share of pixels a network is trained again on images of which the explainer's own maps have removed the
    most important pixels, and is asked for the class of images of which they have too. A model that is only asked sees images like none
    that it was trained on; this one has learnt from them, and where it is still right the pixels were not needed. One network per
    explainer, model and share is trained before the run computes anything, and kept (`harness plan` says how many epochs that is).

    Pixels become the mean of their channel, what is 0 after the network's normalisation. Training images are explained for the class that
    the model predicts. The authors train each network five times; here the spec may, with a ``sweep`` over the network's seed.

    Args:
        case: the samples; nothing is explained again here.
        network: how the networks are trained: a model ``trained`` on the data that the model that is explained was trained on.
        shares: of the pixels that are removed; the authors' 10, 30, 50, 70 and 90 %.

    Returns:
        ``(B,)`` in [0, 1], lower is better: the share of the networks that are right, whose mean over samples is the mean of the
        accuracies of the curve. NaN for a sample without a label. A better explainer than chance scores less than ``random`` does.
    """
    return _right(case, network, shares, "most")


@metric(
    category="faithfulness",
    direction="higher",
    bounds=(0, 1),
    no_inverse="networks are trained for the map as it is",
    retrains=_retrained("least"),
    cite=HOOKER_2019,
)
def kar(case: Case, *, network: Classifier | list[Classifier], shares: Removed = SHARES) -> Tensor:
    """Accuracy of networks that are trained and tested without the least important pixels (keep and retrain).

    Hooker et al. 2019: as ``roar``, but the pixels that the maps call the least important are removed, and what is left should be enough.

    Args:
        case: the samples; nothing is explained again here.
        network: how the networks are trained: a model ``trained`` on the data that the model that is explained was trained on.
        shares: of the pixels that are removed; 0.9 keeps the most important tenth.

    Returns:
        ``(B,)`` in [0, 1], higher is better: the share of the networks that are right. NaN for a sample without a label.
    """
    return _right(case, network, shares, "least")


def _right(case: Case, networks: Classifier | Sequence[Classifier], shares: Sequence[float], order: Importance) -> Tensor:
    """The share of networks that are right of each sample without the pixels that each was trained without."""
    if isinstance(networks, Classifier):
        raise ValueError("network: networks are trained for each explainer and share: that takes a run (harness run, harness.run)")
    if case.labels is None:
        return torch.full_like(case.attributions[:, 0, 0], torch.nan)
    images, right = case.model.denormalise(case.images), []
    for network, share in zip(networks, shares, strict=True):
        fill = torch.zeros_like(images[:1]) if network.mean is None else network.mean.to(images).expand_as(images[:1])
        pixels = removed_pixels(case.attributions, share, order, case.ctx)
        inputs = network.normalise(torch.where(pixels[:, None], fill, images))
        right.append(case.predict(inputs, network).argmax(dim=1) == case.labels)
    return torch.stack(right).double().mean(dim=0)
