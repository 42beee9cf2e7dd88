"""A network of the same architecture, trained on labels that say nothing."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from harness.api import Classifier
from harness.api.randomness import seeded_generators


def trained(
    model: Classifier, images: Tensor, labels: Tensor, *, seed: int, epochs: int, accuracy: float, rate: float, batch: int
) -> Classifier:
    """A copy of ``model`` with fresh weights, trained on these samples until it knows them.

    Adam on the cross entropy, batches in a new order every epoch, batch normalisation and dropout at work. Everything is drawn under
    ``seed``: the same network wherever the arithmetic is the same (the number of threads may change the last bits).

    Args:
        model: whose architecture is trained; left as it is.
        images: ``(n, C, H, W)`` as the model takes them, on any device.
        labels: ``(n,)`` classes.
        seed: of weights, orders and dropout.
        epochs: after which training ends at the latest; a warning says so where the accuracy was not reached.
        accuracy: on the training samples, in evaluation mode, at which training ends.
        rate: Adam's learning rate.
        batch: samples per step; a last batch of a single sample is left out, which batch normalisation cannot take.
    """
    copy = model.randomised(seed)
    network = copy.module.requires_grad_(True)
    optimiser = torch.optim.Adam(network.parameters(), lr=rate)
    with seeded_generators(seed), torch.enable_grad():
        for _ in range(epochs):
            order = torch.randperm(len(images))
            network.train()
            known = 0
            for part in torch.split(order, batch):
                known += _step(copy, optimiser, images[part].to(model.device), labels[part].to(model.device))
            network.eval()
            if known >= accuracy * len(images) and accuracy_of(copy, images, labels, batch) >= accuracy:
                break
        else:
            reached = accuracy_of(copy, images, labels, batch)
            if reached < accuracy:
                warnings.warn(
                    f"after {epochs} epochs the network knows {reached:.0%} of its training samples, not {accuracy:.0%}", stacklevel=2
                )
    network.requires_grad_(False)
    return copy


def accuracy_of(model: Classifier, images: Tensor, labels: Tensor, batch: int) -> float:
    """Share of the samples that the model classifies so."""
    with torch.no_grad():
        right = [
            (model(images[part].to(model.device)).argmax(dim=1).cpu() == labels[part]).sum()
            for part in torch.split(torch.arange(len(images)), batch)
        ]
    return int(torch.stack(right).sum()) / len(images)


def loaded(model: Classifier, checkpoint: Path) -> Classifier:
    """A copy of ``model`` with the weights of a state dict file; raises ``ValueError`` where it is none of this architecture."""
    if not checkpoint.is_file():
        raise ValueError(f"checkpoint: there is no file {checkpoint}")
    copy = model.randomised(0)  # wholly, so that no tensor is the model's own
    try:
        copy.module.load_state_dict(torch.load(checkpoint, map_location=model.device, weights_only=True))
    except Exception as error:
        raise ValueError(f"checkpoint: {checkpoint} is not a state dict of this model: {error}") from error
    return copy


def _step(model: Classifier, optimiser: torch.optim.Optimizer, images: Tensor, labels: Tensor) -> int:
    """One step; how many of the batch were classified right before it."""
    if len(images) == 1:
        return 0
    logits = model.module(images)
    optimiser.zero_grad()
    known = model.log_probabilities(logits) if model.output == "probabilities" else logits.log_softmax(dim=1)
    F.nll_loss(known, labels).backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return int((logits.argmax(dim=1) == labels).sum())
