"""The model ``torchvision``: any of torchvision's classifiers, with published weights, one's own, or none."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import torch
from pydantic import Field
from torch import nn
from torchvision import models
from torchvision.models import WeightsEnum

from harness.api import Classifier, classifier, model
from harness.api.randomness import seeded_generators
from harness_torchvision.calibration import calibrate_batch_norm, noise_of_all_scales
from harness_torchvision.checkpoints import is_file_name, load_checkpoint
from harness_torchvision.citations import TORCHVISION
from harness_torchvision.class_names import read_class_names
from harness_torchvision.families import ARCHITECTURES, AUXILIARY, cam_layer_of, family_of
from harness_torchvision.heads import head_of
from harness_torchvision.loading import load_into
from harness_torchvision.state_names import Named
from harness_torchvision.transforms import preprocessing

Architecture = Literal[ARCHITECTURES]  # type: ignore[valid-type]
IMAGENET = 1000
NOISE_PIXELS = 2**20


class _Network(NamedTuple):
    """A network with its weights, the names of its classes if they came with these, and notes of how the weights were found."""

    module: nn.Module
    class_names: list[str] | None = None
    notes: tuple[str, ...] = ()


@model(cite=TORCHVISION)
def torchvision_classifier(
    *,
    arch: Architecture,
    weights: str | Path | None = None,
    weights_entry: str | None = None,
    seed: int = 0,
    num_classes: Annotated[int, Field(ge=2)] | None = None,
    class_names: list[str] | Path | None = None,
    input_size: Annotated[int, Field(ge=16)] | None = None,
    transform_input: bool = False,
) -> Classifier:
    """Any classifier of torchvision.models, with published weights, a checkpoint of one's own, or random weights.

    A file of weights may be what a training loop saved (torchvision's, Lightning's, timm's): nothing that it holds is run, and what
    wrappers put before names (``module.``, ``model.``) is taken off.

    Raises ``ValueError`` for an unknown architecture or weights, for a file that does not fit (naming the keys), for sizes that the
    architecture cannot take, and ``OSError`` where weights cannot be downloaded.

    Args:
        arch: torchvision's name of the architecture.
        weights: the name of published weights (``DEFAULT``, ``IMAGENET1K_V2``), the file of a state dict (.pt, .pth, .safetensors), or
            null for random weights, with statistics of batch normalisation measured on noise.
        weights_entry: which of several state dicts in the file; by default averages over steps (EMA) come first.
        seed: of random weights.
        num_classes: how many classes the network tells apart; by default 1000, or as many as the file's last layer has.
        class_names: a list, or a file (JSON, or one name per line); those of ImageNet where the weights are published.
        input_size: the side of the input in pixels; by default what goes with the weights.
        transform_input: for GoogLeNet and Inception from a file that was trained with the statistics of TensorFlow, as the published
            weights are (which set it themselves).
    """
    if arch not in ARCHITECTURES:
        raise ValueError(f"arch: torchvision has no classifier {arch!r}{_hint(arch, ARCHITECTURES)}")
    source = _weights_source(arch, weights, weights_entry)
    steps = preprocessing(arch, source if isinstance(source, WeightsEnum) else None).at(input_size)
    options = _options(arch, steps.size if input_size is not None else None, transform_input)
    match source:
        case WeightsEnum():
            network = _with_published_weights(arch, source, num_classes, options)
        case Path():
            network = _with_weights_of_file(arch, source, weights_entry, num_classes, options)
        case None:
            network = _Network(untrained(arch, num_classes or IMAGENET, seed, steps.size, options))
    made = classifier(
        without_auxiliary_heads(arch, network.module),
        input_shape=(3, steps.size, steps.size),
        mean=steps.mean,
        std=steps.std,
        resize=steps.resize,
        interpolation=steps.interpolation,
        class_names=network.class_names if class_names is None else read_class_names(class_names),
        cam_layer=cam_layer_of(arch, network.module),
        family=family_of(arch),
    )
    made.notes.extend(network.notes)
    return made


def published(arch: str, name: str) -> WeightsEnum:
    """Torchvision's weights of this name for an architecture; raises ``ValueError`` that lists those there are."""
    choices: Any = models.get_model_weights(arch)
    known = sorted({*choices.__members__, "DEFAULT"})
    plain = name.rpartition(".")[2]
    if plain not in known:
        raise ValueError(f"weights: {arch} has no weights {name!r}{_hint(name, known)} (published: {', '.join(known)}; or name a file)")
    found: WeightsEnum = getattr(choices, plain)
    return found


def _weights_source(arch: str, weights: str | Path | None, entry: str | None) -> WeightsEnum | Path | None:
    """Published weights, the path of a file of weights, or None for random ones; raises ``ValueError`` for an ``entry`` of no file."""
    if isinstance(weights, Path) or (weights is not None and is_file_name(weights)):
        return Path(weights).expanduser()
    found = None if weights is None else published(arch, weights)
    if entry is not None:
        raise ValueError("weights_entry: is of a file of one's own, and weights names none")
    return found


def without_auxiliary_heads(arch: str, module: nn.Module) -> nn.Module:
    """``module`` without the heads that GoogLeNet and Inception have for training alone, so that it gives plain logits."""
    for name in AUXILIARY.get(family_of(arch) or "", ()):
        setattr(module, name, None)
        module.aux_logits = False  # type: ignore[assignment]
    return module


def _options(arch: str, input_size: int | None, transform_input: bool) -> dict[str, Any]:
    """Arguments of the architecture's builder that its family takes."""
    family = family_of(arch)
    options: dict[str, Any] = {}
    if transform_input:
        if family not in AUXILIARY:
            raise ValueError(f"transform_input: {arch} has no such setting; only GoogLeNet and Inception do")
        options["transform_input"] = True
    if family == "vit" and input_size is not None:
        options["image_size"] = input_size
    if family == "maxvit" and input_size is not None:
        options["input_size"] = (input_size, input_size)
    return options


def _build(arch: str, **options: Any) -> nn.Module:
    try:
        module: nn.Module = models.get_model(arch, **options)
    except (ValueError, AssertionError) as error:
        raise ValueError(f"{arch}: {error}") from error
    return module


def _with_published_weights(arch: str, enum: WeightsEnum, num_classes: int | None, options: dict[str, Any]) -> _Network:
    if num_classes not in (None, IMAGENET):
        raise ValueError(f"num_classes: the weights {enum.name} have {IMAGENET} classes; use a checkpoint of your own, or none")
    if "image_size" in options or "input_size" in options:
        own = preprocessing(arch, enum).size
        if own not in (options.get("image_size"), options.get("input_size", (None,))[0]):
            raise ValueError(f"input_size: the weights {enum.name} of {arch} are for inputs of {own} pixels and for no others")
    try:
        module = _build(arch, weights=enum, progress=False, **options)
    except (OSError, RuntimeError) as error:
        raise OSError(
            f"the weights {enum.name} of {arch} could not be had from {enum.url}: {error}; put that file into "
            f"{Path(torch.hub.get_dir(), 'checkpoints')}, or give its path as weights"
        ) from error
    load_into(module, Named(module.state_dict(), []), f"{arch} {enum.name}")
    return _Network(module, list(enum.meta["categories"]))


def _with_weights_of_file(arch: str, path: Path, entry: str | None, num_classes: int | None, options: dict[str, Any]) -> _Network:
    family = family_of(arch)
    initialised = {"init_weights": False} if family in AUXILIARY else {}
    with seeded_generators(0):
        module = without_auxiliary_heads(arch, _build(arch, weights=None, **initialised, **options))
    notes = load_checkpoint(module, path, entry=entry, num_classes=num_classes, ignored=AUXILIARY.get(family or "", ()))
    return _Network(module, notes=notes)


def published_network(arch: str, enum: WeightsEnum, size: int) -> nn.Module:
    """The network with published weights, without heads that are for training alone, for inputs of ``size`` pixels a side."""
    options = _options(arch, size, False)
    return without_auxiliary_heads(arch, _with_published_weights(arch, enum, None, options).module)


def architecture_without_weights(arch: str, num_classes: int, input_size: int | None) -> nn.Module:
    """The network for as many classes, with weights that are to be replaced."""
    initialised = {"init_weights": False} if family_of(arch) in AUXILIARY else {}
    return without_auxiliary_heads(
        arch, _build(arch, weights=None, num_classes=num_classes, **initialised, **_options(arch, input_size, False))
    )


def untrained(arch: str, num_classes: int, seed: int, size: int, options: dict[str, Any]) -> nn.Module:
    """Random weights as torchvision draws them, made to depend on the image.

    A head that starts at zero, as ViT's does, is drawn too, and batch normalisation gets the statistics of noise.
    """
    initialised = {"init_weights": True} if family_of(arch) in AUXILIARY else {}
    with seeded_generators(seed):
        module = without_auxiliary_heads(arch, _build(arch, weights=None, num_classes=num_classes, **initialised, **options))
        head = module.get_submodule(head_of(module))
        if not any(parameter.any() for parameter in head.parameters()):
            head.reset_parameters()  # type: ignore[operator]
        try:
            calibrate_batch_norm(module, noise_of_all_scales(min(max(NOISE_PIXELS // size**2, 8), 64), size))
        except RuntimeError as error:
            raise ValueError(f"input_size: {arch} cannot take inputs of {size} pixels: {error}") from error
    return module


def _hint(word: str, known: tuple[str, ...] | list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
