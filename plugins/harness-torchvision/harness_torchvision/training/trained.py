"""The model ``trained``: any architecture, trained as its parameters say, and kept in the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from harness.api import Classifier, Dataset, Explainer, Training, TrainingMonitor, TrainingState, model
from harness.api.randomness import seeded_generators
from harness.api.removal import Importance
from harness_torchvision.heads import head_of, resize_head
from harness_torchvision.models import Architecture, architecture_without_weights
from harness_torchvision.training.images import Heard, TrainingImages, scale_of
from harness_torchvision.training.loop import LoopOptions, TrainingLoop, balanced_weights
from harness_torchvision.training.networks import Blueprint, Start, blueprint_of, cam_layer_in, copied, network_of
from harness_torchvision.training.options import Augmentation, Optimiser, Scale, Schedule
from harness_torchvision.training.removal import PixelRemoval
from harness_torchvision.training.stages import freeze_others, learning_layers

DEFAULT_OPTIMISER = Optimiser()
Tune = Annotated[str, Field(pattern=r"^(all|head|[1-9]\d?conv)$")]


@dataclass(frozen=True)
class ClassifierTraining(Training):
    """The training of one recipe.

    Attributes:
        arch: torchvision's name of an architecture, or a classifier of it.
        data, validation: what is learnt from, and what each epoch is measured on.
        init, tune, normalisation, class_weights, input_size: as of `trained`.
        removal: of pixels of all images, or None.
        options: of the loop.
    """

    arch: str | Classifier
    data: Dataset
    validation: Dataset | None
    init: Start | Classifier
    tune: str
    normalisation: Literal["arch", "z-score"] | Scale
    class_weights: Literal["balanced"] | list[float] | None
    input_size: int | None
    removal: PixelRemoval | None
    options: LoopOptions

    def train(self, device: torch.device, begun: TrainingState | None, monitor: TrainingMonitor) -> TrainingState:
        """Train from the beginning, or from where a checkpoint leaves off."""
        blueprint = blueprint_of(self.arch, self.input_size)
        names = _class_names(self.data)
        images = TrainingImages(self.data, blueprint.geometry, count=None if names is None else len(names))
        heard = partial(monitor.tell, 0, self.options.epochs * len(images))
        classes = len(names) if names is not None else 1 + max(images.labels(heard))
        if classes < 2:
            raise ValueError(f"data: there is one class, {names[0] if names else 0}, and a network learns to tell two or more apart")
        blueprint = self._scaled(blueprint, images, heard)
        network = network_of(self.arch, classes, blueprint.geometry.size[0], self.init, self.options.seed)
        learning = learning_layers(network, torch.zeros(1, *blueprint.input_shape), self.tune)
        freeze_others(network, learning)
        validation = self._validation(blueprint, names, classes)
        self._remove_pixels([images, *([] if validation is None else [validation])], blueprint, device, heard)
        loop = TrainingLoop(
            network.to(device, memory_format=torch.channels_last),  # type: ignore[call-overload]
            _normaliser(blueprint, device),
            images,
            validation,
            self._class_weights(images, classes, device, heard),
            self.options,
        )
        if begun is not None:
            loop.restore(begun)
        weights = loop.run(monitor)
        return TrainingState(weights, self._record(blueprint, loop, classes, names))

    def classifier(self, result: TrainingState) -> Classifier:
        """The architecture with the weights that were learnt."""
        record = result.record
        blueprint = blueprint_of(self.arch, self.input_size)
        if record["mean"] is not None:
            blueprint = blueprint.scaled(record["mean"], record["std"])
        with seeded_generators(0):
            if isinstance(self.arch, str):
                network = architecture_without_weights(self.arch, record["classes"], self.input_size)
            else:
                network = copied(self.arch.module)
                resize_head(network, head_of(network), record["classes"])
        network.load_state_dict(dict(result.tensors))
        return blueprint.at_layer(cam_layer_in(self.arch, network)).classifier(network, record["class_names"])

    def _scaled(self, blueprint: Blueprint, images: TrainingImages, heard: Heard) -> Blueprint:
        """With the normalisation that is asked for; of images of one channel each of the network's has the same."""
        if self.normalisation == "arch":
            return blueprint
        mean, std = scale_of(images, heard) if self.normalisation == "z-score" else (self.normalisation.mean, self.normalisation.std)
        channels = blueprint.geometry.channels
        if not len(mean) == len(std) or len(mean) not in (1, channels):
            raise ValueError(f"normalisation: {len(mean)} means and {len(std)} deviations, and the network takes {channels} channels")
        return blueprint.scaled(mean * (channels // len(mean)), std * (channels // len(std)))

    def _validation(self, blueprint: Blueprint, names: Sequence[str] | None, classes: int) -> TrainingImages | None:
        """The validation images, their classes those of the training data by name."""
        if self.validation is None:
            return None
        own = _class_names(self.validation)
        if own == names or own is None or names is None:
            return TrainingImages(self.validation, blueprint.geometry, count=classes)
        if missing := [name for name in own if name not in names]:
            raise ValueError(f"validation: it has a class that the training data do not have: {missing[0]}")
        return TrainingImages(self.validation, blueprint.geometry, [names.index(name) for name in own])

    def _remove_pixels(self, all_images: Sequence[TrainingImages], blueprint: Blueprint, device: torch.device, heard: Heard) -> None:
        """Each pixel becomes what is 0 after normalisation: the mean of its channel."""
        if self.removal is not None:
            for images in all_images:
                images.removed = self.removal.pixels(images.dataset, blueprint.geometry.size, device, heard)
                images.fill = [0.0] if blueprint.mean is None else list(blueprint.mean)

    def _class_weights(self, images: TrainingImages, classes: int, device: torch.device, heard: Heard) -> Tensor | None:
        if self.class_weights is None:
            return None
        if self.class_weights == "balanced":
            return balanced_weights(images.labels(heard), classes).to(device)
        if len(self.class_weights) != classes:
            raise ValueError(f"class_weights: {len(self.class_weights)} of them, and there are {classes} classes")
        return torch.tensor(self.class_weights, device=device)

    def _record(self, blueprint: Blueprint, loop: TrainingLoop, classes: int, names: Sequence[str] | None) -> dict[str, Any]:
        """What somebody needs to know of the weights, and to make the classifier of them."""
        network = loop.network
        return {
            "classes": classes,
            "class_names": names,
            "mean": None if blueprint.mean is None else list(blueprint.mean),
            "std": None if blueprint.std is None else list(blueprint.std),
            "images": len(loop.training),
            "epochs": self.options.epochs,
            "curve": loop.curve,
            "kept_epoch": loop.best_epoch,
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
            "learning": sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad),
        }


def _class_names(data: Dataset) -> list[str] | None:
    names = getattr(data, "class_names", None)
    return None if names is None else [str(name) for name in names]


def _normaliser(blueprint: Blueprint, device: torch.device) -> Any:
    """From images in [0, 1] to inputs, on a device."""
    if blueprint.mean is None or blueprint.std is None:
        return nn.Identity()
    mean, std = (torch.tensor(list(values), device=device).view(-1, 1, 1) for values in (blueprint.mean, blueprint.std))
    return lambda images: (images - mean) / std


@model(trained={"epochs": "epochs", "images": "data"})
def trained(
    *,
    arch: Architecture | Classifier,
    data: Dataset,
    validation: Dataset | None = None,
    init: Start | Classifier = "none",
    tune: Tune = "all",
    epochs: Annotated[int, Field(ge=1)] = 30,
    batch: Annotated[int, Field(ge=1)] = 32,
    optimiser: Optimiser = DEFAULT_OPTIMISER,
    schedule: Schedule | None = None,
    class_weights: Literal["balanced"] | list[Annotated[float, Field(ge=0)]] | None = None,
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    augmentation: Augmentation | None = None,
    early_stop: Annotated[int, Field(ge=1)] | None = None,
    keep: Literal["last", "best"] = "last",
    normalisation: Literal["arch", "z-score"] | Scale = "arch",
    input_size: Annotated[int, Field(ge=16)] | None = None,
    explainer: Explainer | None = None,
    explained: Classifier | None = None,
    removed: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    order: Importance = "most",
    precision: Literal["fp32", "bf16"] = "fp32",
    threads: Annotated[int, Field(ge=1)] = 1,
    seed: Annotated[int, Field(ge=0)] = 0,
) -> Training:
    """A network trained as its parameters say: once, when it is first needed, with a checkpoint after each epoch, and kept in the store.

    The same recipe on the same data gives the same weights: to the last bit on a CPU of the same kind. Raises ``ValueError`` for
    parameters that contradict each other, and for weights that do not fit.

    Args:
        arch: torchvision's name of an architecture, or a model component whose architecture is taken.
        data: the dataset that is learnt from; its classes are the network's.
        validation: a dataset that each epoch is measured on; nothing is learnt from it but when to stop and which epoch to keep.
        init: what training begins with: ``none``, random weights; ``imagenet``, torchvision's default ones; ``arch``, those of the
            component that arch is; or a model component, such as another trained one. The last layer always begins with random weights.
        tune: what learns: ``all``, the last layer alone (``head``), or the first stages and the last layer (``2conv``: what comes before
            the second max pooling of a VGG; elsewhere what has the first two sizes of feature maps). The rest is frozen, its batch
            normalisation too.
        epochs: how often each image is seen, at most.
        batch: images per step.
        optimiser: ``use`` is sgd, adam or adamw, with ``lr`` and ``weight_decay``, and of sgd ``momentum`` and ``nesterov``.
        schedule: of the learning rate: ``use`` is step (``gamma``, ``every`` so many epochs), cosine, plateau (``gamma``, ``patience``)
            or one-cycle; by default the rate stays.
        class_weights: of the loss: ``balanced``, so that all classes count alike, or one for each class.
        label_smoothing: the share of each label that is spread over all classes.
        augmentation: ``mirror`` (left-right, up-down) and ``shift`` (pixels), by chance; none by default.
        early_stop: after how many epochs that are no better on the validation data it ends.
        keep: the weights of the ``last`` epoch, or of the one that is ``best`` on the validation data, by accuracy and then by loss.
        normalisation: ``arch``, what goes with the architecture; ``z-score``, mean and deviation of the training images; or ``mean`` and
            ``std`` of each channel.
        input_size: the side of the input in pixels, of one of torchvision's architectures.
        explainer: says which pixels are removed from the images before anything is learnt (metrics such as ``roar`` fill this in); of
            those that learn from data it is given images that are learnt from here.
        explained: the model that it explains, for the class that this predicts.
        removed: the share of pixels that become the mean of their channel (what is 0 after normalisation).
        order: whether the ``most`` important are removed or the ``least``.
        precision: ``bf16`` computes passes under autocast.
        threads: of a CPU. The last bits depend on how many there are, so that they are part of the recipe; others train beside it.
        seed: of what is drawn: first weights, the order of images, augmentation, dropout.
    """
    if validation is None and (keep == "best" or early_stop is not None or (schedule is not None and schedule.use == "plateau")):
        raise ValueError("validation: `keep: best`, `early_stop` and a plateau schedule go by the validation data, and none are named")
    if (removed > 0) != (explainer is not None and explained is not None):
        raise ValueError("removed: an explainer of a model says which pixels: give removed, explainer and explained, or none of the three")
    removal = PixelRemoval(explained, explainer, removed, order, seed) if explainer is not None and explained is not None else None
    options = LoopOptions(epochs, batch, optimiser, schedule, augmentation, label_smoothing, early_stop, keep, precision, threads, seed)
    return ClassifierTraining(arch, data, validation, init, tune, normalisation, class_weights, input_size, removal, options)
