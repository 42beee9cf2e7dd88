"""An image classifier with all that explainers and metrics need to know about it."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor, nn

from harness.api.cam_layer import CAM_LAYER_NOTE
from harness.api.classifier_checks import ModelWarning, checked_names, checked_shape, require_valid_scale
from harness.api.classifier_identity import architecture_digest, content_digest, describe_origin
from harness.api.feature_maps import find_cam_layer
from harness.api.geometry import Geometry, Interpolation
from harness.api.hidden_operations import hidden_operations_reason
from harness.api.model_layers import ModelLayers
from harness.api.network_loading import load_network, noise_image, noise_images
from harness.api.network_outputs import LogitsSelector, OutputKind, log_probabilities_of, probabilities_of
from harness.api.preparation import prepare, unprepared_modules
from harness.api.preprocessing import ModelInputs
from harness.api.random_weights import randomised_copy
from harness.api.randomness import restored_generators
from harness.api.turns import TURN


class Classifier(ModelLayers, ModelInputs):
    """A prepared classifier; calling it gives logits ``(B, K)``.

    Attributes:
        class_names: K names, or None.
        family: the architecture family (``"resnet"``, ``"vgg"``, …), by which canonizers are chosen; None if unknown.
        cam_layer: the name of the layer that CAMs use by default; found by `last_feature_map` if not given.
        notes: what a person who evaluates the network ought to know, a sentence each; runs, plans and panels show them.
        output: what makes probabilities of the logits: ``softmax`` over the classes, ``sigmoid`` of each class by itself (several may be
            there), or nothing, if the network returns ``probabilities``.
        refused: why no run can take the network (its logits for an image depend on the batch, or on chance), or None.
        unprepared: names of modules that preparing had to leave as they were (`harness.api.preparation.unprepared_modules` says why).
        origin: by name the class of each module of the network that was given, and what it holds besides parameters, buffers and modules:
            the code that the network is.
        autocast: the type that passes are cast to if the run asks for one, or None. The module sees to it by itself; this is for
            explainers whose backward pass computes layers again, which must happen under the same autocast.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        input_shape: tuple[int, int, int],
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        class_names: Sequence[str] | None = None,
        cam_layer: str | None = None,
        family: str | None = None,
        resize: int | None = None,
        interpolation: Interpolation = "bilinear",
        logits: LogitsSelector | None = None,
        output: OutputKind | None = None,
    ) -> None:
        channels, height, width = checked_shape(input_shape)
        require_valid_scale(mean, "mean", channels)
        require_valid_scale(std, "std", channels)
        self.input_shape = (channels, height, width)
        self.autocast: torch.dtype | None = None
        self.origin = describe_origin(module)
        found = load_network(module, noise_images(module, self.input_shape), logits=logits, output=output)
        self.module, self.output, self.refused = found.module, found.output, found.refused
        self.notes, self._said, self._taken = found.notes, found.warnings, found.taken
        self.__dict__["num_classes"] = found.num_classes
        self.unprepared = list(unprepared_modules(self.module))
        self.mean = None if mean is None else torch.tensor(list(mean), dtype=torch.float32).view(-1, 1, 1)
        self.std = None if std is None else torch.tensor(list(std), dtype=torch.float32).view(-1, 1, 1)
        self.family = family
        self.geometry = Geometry((height, width), channels, resize, interpolation)
        self.cam_layer = cam_layer
        if cam_layer is None:
            self._take_last_feature_map()
        if self.cam_layer is not None and self.cam_layer not in dict(self.module.named_modules()):
            raise ValueError(f"cam_layer {self.cam_layer!r} is no layer of the model; its layers are {', '.join(self.layers)}")
        self.class_names = None if class_names is None else checked_names(class_names, self.num_classes)
        self._note_hidden_operations()
        if self._said:
            warnings.warn(f"{type(module).__name__}: {'; '.join(self._said)}", ModelWarning, stacklevel=3)

    def _note_hidden_operations(self) -> None:
        """Say which explainers do not apply because hooks do not see all that the network does."""
        hidden = hidden_operations_reason(self, additions=False) if self.unprepared else None
        if self.unprepared and (reason := hidden or hidden_operations_reason(self)) is not None:
            who = "explainers that work by hooks (LRP, DeepLIFT, Guided Backprop) do" if hidden else "relevance propagation (LRP) does"
            self.notes.append(f"{who} not apply: {reason}")
            self._said.append(self.notes[-1])

    def __repr__(self) -> str:
        return (
            f"Classifier({type(self.module).__name__}, input_shape={self.input_shape}, num_classes={self.num_classes}, "
            f"family={self.family!r}, cam_layer={self.cam_layer!r})"
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of weights and buffers, architecture and preprocessing, and of what explainers take from the model by default."""
        return self.content_digest()

    def content_digest(self) -> str:
        """`digest`, of what the classifier is now."""
        return content_digest(self)

    @cached_property
    def architecture(self) -> str:
        """SHA-256 (hex) of the modules and the input's shape, without weights: what a randomised copy has in common with its original."""
        return architecture_digest(self)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Probabilities ``(B, K)`` in float32 of logits ``(B, K)``, by what `output` says; of ``sigmoid`` they need not sum to 1."""
        return probabilities_of(logits, self.output)

    def log_probabilities(self, logits: Tensor) -> Tensor:
        """Natural logarithms ``(B, K)`` of `probabilities`, finite if a probability is 0."""
        return log_probabilities_of(logits, self.output)

    def randomised(self, seed: int, layers: Sequence[str] | None = None) -> Classifier:
        """A copy with fresh weights in ``layers`` (default: all), drawn as the layers' own initialisation does, under ``seed``.

        Of named layers (``""`` is the network itself) each is drawn under ``seed`` and its name alone, so that copies that have the same
        layers randomised have the same weights in them; they share the tensors of all others with this one. Parameters that belong to no
        layer with an initialisation of its own, or are left as they were by it, are drawn from a normal distribution with their own mean
        and spread (`harness.api.random_weights`). Raises ``ValueError`` if drawing all of them leaves the logits as they are.
        """
        return randomised_copy(self, seed, layers)

    def with_module(self, module: nn.Module) -> Classifier:
        """A classifier of another network on the same inputs, with the same preprocessing; ``module`` is left as it is.

        ``cam_layer`` stays if the network has a layer of that name, and is found anew if not. Class names stay if the number
        of classes does.
        """
        prepared = prepare(module, noise_image(module, self.input_shape))
        other = copy.copy(self)
        other.notes = list(self.notes)
        for remembered in ("digest", "architecture", "num_classes"):
            other.__dict__.pop(remembered, None)
        other.origin = describe_origin(module)
        other.module, other.unprepared = prepared, list(unprepared_modules(prepared))
        if self.cam_layer not in dict(prepared.named_modules()):
            other._take_last_feature_map()
        other.class_names = self.class_names if other.num_classes == self.num_classes else None
        return other

    def _take_last_feature_map(self) -> None:
        """Take class activation maps at the last feature map, and note where that is."""
        found = find_cam_layer(self.module, self, noise_image(self.module, self.input_shape))
        self.cam_layer = None if found is None else found.name
        self.notes = [note for note in self.notes if not note.startswith(CAM_LAYER_NOTE)]
        if found is not None:
            self.notes.append(f"{CAM_LAYER_NOTE}{found}, the last feature map that all of the classification goes through")


def classifier(
    module: nn.Module,
    *,
    input_shape: tuple[int, int, int],
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    class_names: Sequence[str] | None = None,
    cam_layer: str | None = None,
    family: str | None = None,
    resize: int | None = None,
    interpolation: Interpolation = "bilinear",
    logits: LogitsSelector | None = None,
    output: OutputKind | None = None,
) -> Classifier:
    """Prepare any ``nn.Module`` that maps ``(B, C, H, W)`` to logits ``(B, K)``; the module given is left as it is.

    Without ``mean`` and ``std`` preprocessing is the identity, without bounds, clamping or range checks.

    Of a network that returns a dictionary, tuple or object ``logits`` says what of it is taken: a key or attribute, a position, or a
    function of it (default: what is called ``logits``, or is the only matrix). ``output`` says what makes probabilities of them:
    ``softmax``, ``sigmoid`` (of each class by itself) or ``probabilities``, if the network returns these; default: what two images of
    noise show. A network of one output becomes one of two classes. What a person ought to know is in ``notes``, and is a `ModelWarning`
    if it matters.

    Raises ``ValueError`` if the module is no classifier of such images, or cannot be copied without becoming another function.
    """
    with TURN, restored_generators():
        return Classifier(
            module,
            input_shape=input_shape,
            mean=mean,
            std=std,
            class_names=class_names,
            cam_layer=cam_layer,
            family=family,
            resize=resize,
            interpolation=interpolation,
            logits=logits,
            output=output,
        )
