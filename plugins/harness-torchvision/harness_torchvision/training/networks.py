"""The network that is trained: its architecture with as many classes as the data have, and what it begins with."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from harness.api import Classifier, classifier
from harness.api.geometry import Geometry
from harness.api.randomness import seeded_generators, stream_seed
from harness_torchvision.families import cam_layer_of, family_of
from harness_torchvision.heads import head_of, resize_head
from harness_torchvision.models import published, published_network, untrained
from harness_torchvision.transforms import preprocessing

Start = Literal["none", "imagenet", "arch"]


@dataclass(frozen=True)
class Blueprint:
    """A network's inputs, and what explainers must know of it; the rest is its weights.

    Attributes:
        geometry: brings images to the size that it takes.
        mean, std: of its normalisation by channel, or None for none.
        family, cam_layer: as a `harness.api.Classifier` has them.
    """

    geometry: Geometry
    mean: Sequence[float] | None
    std: Sequence[float] | None
    family: str | None = None
    cam_layer: str | None = None

    def scaled(self, mean: Sequence[float], std: Sequence[float]) -> Blueprint:
        """The same with another normalisation."""
        return replace(self, mean=mean, std=std)

    def at_layer(self, cam_layer: str | None) -> Blueprint:
        """The same with a layer for class activation maps."""
        return replace(self, cam_layer=cam_layer)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """``(C, H, W)``."""
        return self.geometry.channels, *self.geometry.size

    def classifier(self, network: nn.Module, class_names: Sequence[str] | None) -> Classifier:
        """The network as a classifier of images."""
        return classifier(
            network,
            input_shape=self.input_shape,
            mean=self.mean,
            std=self.std,
            class_names=class_names,
            cam_layer=self.cam_layer,
            family=self.family,
            resize=self.geometry.resize,
            interpolation=self.geometry.interpolation,
        )


def blueprint_of(arch: str | Classifier, input_size: int | None) -> Blueprint:
    """The blueprint of torchvision's architecture of this name, or of a classifier that there is."""
    if isinstance(arch, str):
        steps = preprocessing(arch, None).at(input_size)
        geometry = Geometry((steps.size, steps.size), 3, steps.resize, steps.interpolation)
        return Blueprint(geometry, steps.mean, steps.std, family_of(arch))
    if input_size is not None:
        raise ValueError("input_size: is of torchvision's architectures; a model component says its own")
    scale = (None if values is None else values.flatten().tolist() for values in (arch.mean, arch.std))
    return Blueprint(arch.geometry, *scale, arch.family, arch.cam_layer)


def network_of(arch: str | Classifier, classes: int, size: int, start: Start | Classifier, seed: int) -> nn.Module:
    """The network as training begins, with an output for each class.

    Raises ``ValueError`` where there is nothing to begin with.

    Args:
        arch: torchvision's name, or a classifier.
        classes: how many.
        size: the side of its inputs, for torchvision's.
        start: ``none``, random weights; ``imagenet``, torchvision's default ones; ``arch``, those that the classifier has; or the
            weights of another classifier of this architecture.
        seed: of what is drawn.
    """
    if start == "imagenet":
        if not isinstance(arch, str):
            raise ValueError("init: imagenet is of torchvision's architectures, and arch is a model component: write `init: arch`")
        network = published_network(arch, published(arch, "DEFAULT"), size)
    elif start == "arch":
        if isinstance(arch, str):
            raise ValueError("init: arch is of a model component, and torchvision's architectures have no weights of their own")
        network = copied(arch.module)
    else:
        network = untrained(arch, classes, seed, size, {}) if isinstance(arch, str) else copied(arch.randomised(seed).module)
    head = head_of(network)
    with seeded_generators(stream_seed(seed, head, "weights")):
        resize_head(network, head, classes)
        if start == "imagenet":
            network.get_submodule(head).reset_parameters()  # type: ignore[operator]
    if isinstance(start, Classifier):
        _take_weights(network, start.module, head)
    return network


def cam_layer_in(arch: str | Classifier, network: nn.Module) -> str | None:
    """The layer for class activation maps."""
    return cam_layer_of(arch, network) if isinstance(arch, str) else arch.cam_layer


def copied(module: nn.Module) -> nn.Module:
    """A copy of a network that can learn."""
    network = copy.deepcopy(module)
    for parameter in network.parameters():
        parameter.requires_grad_(True)
    return network


@torch.no_grad()
def _take_weights(network: nn.Module, source: nn.Module, head: str) -> None:
    """Copy the weights of a network of the same architecture, but for the last layer; raises ``ValueError`` if they do not fit."""
    given, wanted = source.state_dict(), network.state_dict()
    names = [name for name in wanted if not name.startswith(f"{head}.")]
    wrong = [name for name in names if name not in given or given[name].shape != wanted[name].shape]
    if wrong:
        raise ValueError(
            f"init: its weights do not fit the architecture: {len(wrong)} of {len(names)} are missing or of another shape, {wrong[0]}"
        )
    for name in names:
        wanted[name].copy_(given[name])


def state_of(network: nn.Module) -> dict[str, Tensor]:
    """Copies of all weights and buffers, on the CPU."""
    return {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in network.state_dict().items()}
