"""The model ``lesions-vgg``: a narrow VGG-16 that tells regular from irregular lesions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field
from safetensors import safe_open
from torch import Tensor

from harness.api import Classifier, classifier, model
from harness.api.randomness import seeded_generators
from harness_lesions.bank import CLASSES
from harness_lesions.citations import SIMONYAN_2015
from harness_lesions.network import NarrowVGG16, folded

WEIGHTS = Path(__file__).with_name("lesions_vgg.safetensors")
MEAN, STD = 0.22, 0.22
SIZE = 96
Side = Annotated[int, Field(ge=32)]


@model(training="lesions,split=train", cite=SIMONYAN_2015)
def lesions_vgg(
    *, pretrained: bool = True, weights: Path | None = None, batch_norm: bool = False, size: Side | None = None, seed: int = 0
) -> Classifier:
    """A narrow VGG-16 (13 convolutions) trained to tell regular from irregular lesions.

    Raises ``ValueError`` where ``weights`` is no checkpoint of this layout, or is given without ``pretrained``.

    Args:
        pretrained: whether the weights are trained ones; else they are random under ``seed``, for checks on an untrained network.
        weights: another checkpoint of this layout in place of the shipped one: also a file in the store that ``specs/train-lesions.yaml``
            trained, whose normalisations are folded into the convolutions.
        batch_norm: whether a normalisation follows each convolution, as in training; the trained weights have none left.
        size: the side of the images in pixels; by default what a checkpoint says of itself, else 96.
        seed: of random weights.
    """
    if not pretrained and weights is not None:
        raise ValueError("weights: a checkpoint is given, but pretrained is false")
    if pretrained and batch_norm:
        raise ValueError("batch_norm: is for training; the trained weights have the normalisations folded into the convolutions")
    state, own = (None, SIZE) if not pretrained else checkpoint(WEIGHTS if weights is None else weights)
    side, normalised = own if size is None else size, state is not None and any("running_mean" in name for name in state)
    with seeded_generators(seed):
        network = NarrowVGG16(len(CLASSES), batch_norm=batch_norm or normalised)
    if state is not None:
        try:
            network.load_state_dict(state)
        except RuntimeError as error:
            raise ValueError(f"{weights}: not a checkpoint of lesions-vgg: {error}") from error
    if normalised:
        network = folded(network)
    return classifier(
        network,
        input_shape=(3, side, side),
        mean=[MEAN] * 3,
        std=[STD] * 3,
        class_names=CLASSES,
        cam_layer=network.last_activation,
        family="vgg",
    )


def checkpoint(path: Path) -> tuple[dict[str, Tensor], int]:
    """The tensors of a safetensors file, and the side of the images its network takes (96 where it does not say).

    Raises ``ValueError`` where there is no such file or it cannot be read.
    """
    if not path.is_file():
        raise ValueError(f"weights: there is no file {path}")
    try:
        with safe_open(path, framework="pt") as stored:
            size = int((stored.metadata() or {}).get("size", SIZE))
            return {name: stored.get_tensor(name).to(torch.float32) for name in stored.keys()}, size  # noqa: SIM118
    except Exception as error:
        raise ValueError(f"weights: {path} cannot be read as safetensors: {error}") from error
