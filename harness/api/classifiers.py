"""An image classifier with all that explainers and metrics need to know about it."""

from __future__ import annotations

import copy
import hashlib
import warnings
from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from typing import Any, Literal

import torch
from torch import Tensor, nn

from harness.api.autograd_graph import AutogradGraph, trace_autograd
from harness.api.blurring import gaussian_blur
from harness.api.classifier_checks import ModelWarning, checked_names, checked_shape, require_valid_scale
from harness.api.feature_maps import last_feature_map, unnamed_feature_map
from harness.api.geometry import Geometry, Interpolation
from harness.api.hidden_operations import hidden_operations_reason
from harness.api.network_loading import load_network
from harness.api.network_outputs import LogitsSelector, OutputKind, log_probabilities_of, probabilities_of
from harness.api.network_structure import copy_structure, remember_structure
from harness.api.preparation import added_modules, prepare, unprepared_modules
from harness.api.preparation.hook_points import iter_scripted
from harness.api.preparation.identity_insertion import insert_identity
from harness.api.preparation.module_copy import deep_copy
from harness.api.preprocessing import MAX_RANGE_EXCESS, Preprocessing, to_image_tensor
from harness.api.random_weights import find_unchanged_layers, randomise
from harness.api.randomness import restored_generators
from harness.api.state_bytes import iter_state_bytes

_CAM_NOTE = "class activation maps are taken at "
ReferenceKind = Literal["black", "white", "mean", "blur", "zero"]


class Classifier:
    """A prepared classifier; calling it gives logits ``(B, K)``.

    Attributes:
        module: the prepared ``nn.Module`` (eval mode, frozen, hook-friendly), with the logits of the original.
        input_shape: ``(C, H, W)`` of one input.
        num_classes: K.
        class_names: K names, or None.
        family: the architecture family (``"resnet"``, ``"vgg"``, …), by which canonizers are chosen; None if unknown.
        cam_layer: the name of the layer that CAMs use by default; found by `last_feature_map` where not given.
        geometry: the resize and crop of preprocessing.
        notes: what a person who evaluates the network ought to know, a sentence each; runs, plans and panels show them.
        output: what makes probabilities of the logits: ``softmax`` over the classes, ``sigmoid`` of each class by itself (several may be
            there), or nothing, where the network returns ``probabilities``.
        refused: why no run can take the network (its logits for an image depend on the batch, or on chance), or None.
        unprepared: names of modules that preparing had to leave as they were (`harness.api.preparation.unprepared_modules` says why).
        origin: by name the class of each module of the network that was given, and what it holds besides parameters, buffers and modules:
            the code that the network is.
        autocast: the type that passes are cast to where the run asks for one, or None. The module sees to it by itself; this is for
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
        prepared: bool = False,
    ) -> None:
        channels, height, width = checked_shape(input_shape)
        require_valid_scale(mean, "mean", channels)
        require_valid_scale(std, "std", channels)
        self.input_shape = (channels, height, width)
        self.autocast: torch.dtype | None = None
        self.notes: list[str] = []
        self.origin = _describe_origin(module)
        self.output: OutputKind = output or "softmax"
        self.refused: str | None = None
        self._said: list[str] = []
        self._taken = ""
        self.module = module
        if not prepared:
            self._load(module, logits, output)
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
        hidden = hidden_operations_reason(self, additions=False) if self.unprepared else None
        if self.unprepared and (reason := hidden or hidden_operations_reason(self)) is not None:
            who = "explainers that work by hooks (LRP, DeepLIFT, Guided Backprop) do" if hidden else "relevance propagation (LRP) does"
            self.notes.append(f"{who} not apply: {reason}")
            self._said.append(self.notes[-1])
        if self._said:
            warnings.warn(f"{type(module).__name__}: {'; '.join(self._said)}", ModelWarning, stacklevel=3)

    def _load(self, module: nn.Module, logits: LogitsSelector | None, output: OutputKind | None) -> None:
        """Prepare ``module``, and say once what is to be said of it."""
        found = load_network(module, _noise_images(module, self.input_shape), logits=logits, output=output)
        self.module, self.output, self.refused = found.module, found.output, found.refused
        self.notes += found.notes
        self.__dict__["num_classes"] = found.num_classes
        self._said, self._taken = found.warnings, found.taken

    def __call__(self, inputs: Tensor) -> Tensor:
        """Logits ``(B, K)`` of ``inputs`` (B, C, H, W), on the device of the inputs, whichever the parameters are on."""
        logits: Tensor = self.module(inputs.to(self.device))
        return logits.to(inputs.device)

    def __repr__(self) -> str:
        return (
            f"Classifier({type(self.module).__name__}, input_shape={self.input_shape}, num_classes={self.num_classes}, "
            f"family={self.family!r}, cam_layer={self.cam_layer!r})"
        )

    @cached_property
    def num_classes(self) -> int:
        """K, found by one forward pass of a zero image."""
        with torch.no_grad():
            logits = self(torch.zeros(1, *self.input_shape, device=self.device, dtype=self.dtype))
        if not isinstance(logits, Tensor) or logits.ndim != 2:
            raise TypeError("a classifier's module must return logits (B, K)")
        return int(logits.shape[1])

    @property
    def device(self) -> torch.device:
        """Where the parameters are, or the buffers of a module without any; ``cpu`` where it has neither."""
        return next((t.device for t in chain(self.module.parameters(), self.module.buffers())), torch.device("cpu"))

    @property
    def dtype(self) -> torch.dtype:
        """The parameters' floating type."""
        return next((p.dtype for p in self.module.parameters() if p.is_floating_point()), torch.float32)

    @property
    def layers(self) -> list[str]:
        """Names of all layers, as ``named_modules()`` has them."""
        return [name for name, _ in self.module.named_modules() if name]

    def layer(self, name: str) -> nn.Module:
        """One layer by name; raises ``ValueError`` that lists the layers where there is none."""
        found: nn.Module | None = dict(self.module.named_modules()).get(name)
        if found is None or not name:
            raise ValueError(f"the model has no layer {name!r}; its layers are {', '.join(self.layers)}")
        return found

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of weights and buffers, architecture and preprocessing, and of what explainers take from the model by default."""
        return self.content_digest()

    def content_digest(self) -> str:
        """`digest`, of what the classifier is now."""
        digest = hashlib.sha256(repr(self.module).encode())
        for name, value in sorted(self.module.state_dict().items()):
            digest.update(name.encode())
            for piece in iter_state_bytes(value):
                digest.update(piece)
        for name, script in iter_scripted(self.module):
            digest.update(f"{name}{getattr(script, 'code', '')}".encode())
        digest.update(
            repr(
                (
                    self.input_shape,
                    self.geometry,
                    None if self.mean is None else self.mean.flatten().tolist(),
                    None if self.std is None else self.std.flatten().tolist(),
                    self.class_names,
                    self.family,
                    self.cam_layer,
                    self.output,
                    self._taken,
                )
            ).encode()
        )
        return digest.hexdigest()

    @cached_property
    def architecture(self) -> str:
        """SHA-256 (hex) of the modules and the input's shape, without weights: what a randomised copy has in common with its original."""
        return hashlib.sha256(repr((self.module, self.input_shape)).encode()).hexdigest()

    @property
    def bounds(self) -> tuple[Tensor, Tensor] | None:
        """Least and greatest value of a model input per channel ``(C, 1, 1)``; None where preprocessing is the identity."""
        if self.mean is None and self.std is None:
            return None
        return self.normalise(torch.zeros(self.input_shape[0], 1, 1)), self.normalise(torch.ones(self.input_shape[0], 1, 1))

    def probabilities(self, logits: Tensor) -> Tensor:
        """Probabilities ``(B, K)`` in float32 of logits ``(B, K)``, by what `output` says; of ``sigmoid`` they need not sum to 1."""
        return probabilities_of(logits, self.output)

    def log_probabilities(self, logits: Tensor) -> Tensor:
        """Natural logarithms ``(B, K)`` of `probabilities`, finite where a probability is 0."""
        return log_probabilities_of(logits, self.output)

    @property
    def preprocessing(self) -> Preprocessing:
        """What is done to an image, without the model."""
        return Preprocessing(self.geometry, self.mean, self.std)

    def normalise(self, images: Tensor) -> Tensor:
        """Images in [0, 1] ``(…, C, H, W)`` → model inputs: minus mean, divided by std."""
        return self.preprocessing.normalise(images)

    def denormalise(self, inputs: Tensor) -> Tensor:
        """The inverse of `normalise`."""
        return self.preprocessing.denormalise(inputs)

    def preprocess(self, image: Any) -> Tensor:
        """One image ``(C, H, W)`` in [0, 1] at its native size, bytes, or a picture of Pillow's → a model input ``input_shape``.

        Raises ``ValueError`` for what is none, and, where the model normalises, for values that look like 0 … 255.
        """
        image = to_image_tensor(image)
        if self.bounds is not None and image.numel() and (image.min() < -MAX_RANGE_EXCESS or image.max() > 1 + MAX_RANGE_EXCESS):
            raise ValueError(f"the image must lie in 0 … 1, and goes from {image.min():.3g} to {image.max():.3g}: divide it by 255?")
        return self.preprocessing(image)

    def reference(self, kind: ReferenceKind, images: Tensor) -> Tensor:
        """A reference input for each of ``images`` (B, C, H, W), of the same shape.

        ``black`` and ``white`` are those colours after preprocessing, ``mean`` is each image's own mean colour, ``blur`` the image under a
        Gaussian (σ and radius 5/224 of the shorter side, at least a pixel: RISE has 11 pixels at 224), ``zero`` the zero tensor.
        """
        if kind == "zero":
            return torch.zeros_like(images)
        if kind == "black":
            return self.normalise(torch.zeros_like(images))
        if kind == "white":
            return self.normalise(torch.ones_like(images))
        if kind == "mean":
            return images.mean(dim=(-2, -1), keepdim=True).expand_as(images).clone()
        if kind == "blur":
            return gaussian_blur(images, sigma=max(1.0, min(images.shape[-2:]) * 5 / 224))
        raise ValueError(f"unknown reference {kind!r}; choose from black, white, mean, blur, zero")

    def randomised(self, seed: int, layers: Sequence[str] | None = None) -> Classifier:
        """A copy with fresh weights in ``layers`` (default: all), drawn as the layers' own initialisation does, under ``seed``.

        Of named layers (``""`` is the network itself) each is drawn under ``seed`` and its name alone, so that copies that have the same
        layers randomised have the same weights in them; they share the tensors of all others with this one. Parameters that belong to no
        layer with an initialisation of its own, or are left as they were by it, are drawn from a normal distribution with their own mean
        and spread (`harness.api.random_weights`). Raises ``ValueError`` where drawing all of them leaves the logits as they are.
        """
        twin = copy.copy(self)
        twin.notes = list(self.notes)
        twin.__dict__.pop("digest", None)  # the architecture stays
        twin.module = deep_copy(self.module, None if layers is None else self._tensors_outside(layers))
        randomise(twin.module, seed, layers)
        copy_structure(self.module, twin.module)
        if layers is None:
            self._require_other_logits(twin)
        return twin

    def _require_other_logits(self, twin: Classifier) -> None:
        """Raise ``ValueError`` where a twin with fresh weights says of an image what this one says."""
        image = _single_noise_image(self.module, self.input_shape)
        with torch.no_grad():
            if not torch.equal(self(image), twin(image)):
                return
        kept = [name or "the network itself" for name in find_unchanged_layers(self.module, twin.module)]
        where = f"the parameters of {', '.join(kept)} stay as they were" if kept else "they depend on no parameter that can be drawn"
        raise ValueError(f"the random model is the model: fresh weights change none of its logits ({where})")

    def _tensors_outside(self, layers: Sequence[str]) -> dict[int, Tensor]:
        """The parameters and buffers that belong to none of these layers themselves, by identity: what ``deepcopy`` is to leave alone."""
        inside = [self.layer(name) if name else self.module for name in layers]
        own = {id(tensor) for layer in inside for tensor in (*layer.parameters(recurse=False), *layer.buffers(recurse=False))}
        return {id(tensor): tensor for tensor in (*self.module.parameters(), *self.module.buffers()) if id(tensor) not in own}

    def with_module(self, module: nn.Module) -> Classifier:
        """A classifier of another network on the same inputs, with the same preprocessing; ``module`` is left as it is.

        ``cam_layer`` stays where the network has a layer of that name, and is found anew where not. Class names stay where the number
        of classes does.
        """
        prepared = prepare(module, _single_noise_image(module, self.input_shape))
        other = copy.copy(self)
        other.notes = list(self.notes)
        for remembered in ("digest", "architecture", "num_classes"):
            other.__dict__.pop(remembered, None)
        other.origin = _describe_origin(module)
        other.module, other.unprepared = prepared, list(unprepared_modules(prepared))
        if self.cam_layer not in dict(prepared.named_modules()):
            other._take_last_feature_map()
        other.class_names = self.class_names if other.num_classes == self.num_classes else None
        return other

    def _take_last_feature_map(self) -> None:
        """Find the layer of class activation maps, and note which it is."""
        image = _single_noise_image(self.module, self.input_shape)
        try:
            seen = trace_autograd(self, self.module, image)
            if unnamed_feature_map(seen) is not None and insert_identity(self.module, self, image, unnamed_feature_map, "feature_map"):
                seen = trace_autograd(self, self.module, image)
        except RuntimeError:  # runs, but not where gradients are asked for
            seen = AutogradGraph([], [], None)
        remember_structure(self.module, seen)
        found = last_feature_map(seen, added_modules(self.module))
        self.cam_layer = None if found is None else found.name
        self.notes = [note for note in self.notes if not note.startswith(_CAM_NOTE)]
        if found is not None:
            self.notes.append(f"{_CAM_NOTE}{found}, the last feature map that all of the classification goes through")

    def to(self, device: torch.device | str) -> Classifier:
        """Move the module (in place) to ``device`` and return this classifier."""
        self.module.to(device)
        return self


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
    ``softmax``, ``sigmoid`` (of each class by itself) or ``probabilities``, where the network returns these; default: what two images of
    noise show. A network of one output becomes one of two classes. What a person ought to know is in ``notes``, and is a `ModelWarning`
    where it matters.

    Raises ``ValueError`` where the module is no classifier of such images, or cannot be copied without becoming another function.
    """
    with restored_generators():
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


def _noise_images(module: nn.Module, shape: tuple[int, int, int]) -> Tensor:
    """Two inputs ``(2, *shape)``, float32, on the device of ``module``: that of `_single_noise_image`, and a darker one."""
    noise = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0))
    tensors = chain(module.parameters(), module.buffers())
    return torch.stack([noise[0], noise[1] ** 3]).to(next((tensor.device for tensor in tensors), noise.device))


def _single_noise_image(module: nn.Module, shape: tuple[int, int, int]) -> Tensor:
    """One input of uniform noise ``(1, *shape)`` for ``module``, always the same, on its device and of its type."""
    noise = torch.rand(1, *shape, generator=torch.Generator().manual_seed(0))
    return noise.to(next((p for p in module.parameters() if p.is_floating_point()), noise))


def _describe_origin(module: nn.Module) -> list[tuple[str, type, dict[str, object]]]:
    def held(part: nn.Module) -> dict[str, object]:
        if isinstance(part, torch.jit.ScriptModule):
            return {"code": getattr(part, "code", "")}
        own = {key: value for key, value in vars(part).items() if key not in ("_parameters", "_buffers", "_modules")}
        return {key: list(value.values()) if "_hooks" in key and isinstance(value, dict) else value for key, value in own.items()}

    return [(name, type(part), held(part)) for name, part in module.named_modules()]
