"""From a module as people have it to a prepared network that returns logits, and what there is to say of it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain

import torch
from torch import Tensor, nn

from harness.api import network_outputs
from harness.api.adaptation import Adaptation, adapt_network
from harness.api.classifier_checks import (
    HALF_TOLERANCE,
    TOLERANCE,
    batch_dependence_reason,
    nondeterminism_reason,
    relative_difference,
)
from harness.api.module_state import preserve_module_state
from harness.api.network_outputs import LogitsPath, LogitsSelector, OutputKind, TwoClasses, describe_output, find_logits
from harness.api.preparation.hook_points import watch_strangers
from harness.api.preparation.module_tree import unwrap
from harness.api.preparation.modules import first_line, frozen_copy, require_weights
from harness.api.preparation.prepare import modules_with_gradients_enabled, prepare_copy
from harness.api.preparation.verification import run_on_example
from harness.api.randomness import seeded_generators

ONE_LOGIT = "the network has one logit z: classes 0 and 1 have the logits −z/2 and z/2, so that class 1 has the probability sigmoid(z)"
ONE_PROBABILITY = "the network has one probability p: classes 0 and 1 have the probabilities 1 − p and p"


@dataclass
class LoadedNetwork:
    """A network that is ready to be explained.

    Attributes:
        module: prepared, frozen, from float32 images to float32 logits ``(B, K)``.
        num_classes: K.
        output: what makes probabilities of the logits.
        notes: what a person ought to know, a sentence each.
        warnings: those of the notes that are worth a warning.
        refused: why no run can take it, or None.
        taken: where the logits are in what it returns, as a text that another choice does not have.
    """

    module: nn.Module
    num_classes: int
    output: OutputKind = "softmax"
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    refused: str | None = None
    taken: str = ""

    def refuse(self, reason: str | None) -> None:
        """Have no run take it, for the first reason that there is."""
        if self.refused is None and reason is not None:
            self.refused = reason
            self.say(f"it cannot be evaluated: {reason}", warn=True)

    def say(self, sentence: str, warn: bool = False) -> None:
        """Note it; with ``warn`` as worth a warning too."""
        self.notes.append(sentence)
        if warn:
            self.warnings.append(sentence)


def load_network(
    module: nn.Module, images: Tensor, *, logits: LogitsSelector | None = None, output: OutputKind | None = None
) -> LoadedNetwork:
    """Prepare ``module`` and hold it to its own outputs for two ``images`` (2, C, H, W), float32.

    Args:
        module: a network; it is left as it is.
        images: what it is tried on.
        logits: where the logits are in what it returns; found by `find_logits` where not given.
        output: what makes probabilities of them; guessed from the two images, and noted, if not given.

    Raises ``ValueError`` if it is no classifier of such images, cannot be copied, or if the copy computes something else.
    """
    network = unwrap(module)
    require_weights(network)
    own = _OriginalNetwork(network, images, logits)
    found = LoadedNetwork(network, own.values.shape[1], taken=own.path.identity)
    found.refuse(own.refused)
    if found.refused is None and torch.equal(own.values[0], own.values[1]):
        found.say("two different images of noise have the same logits: does the network look at its images?")
    if str(own.path) and logits is None:
        found.say(f"of what the network returns, {own.kind}, output{own.path} is taken for the logits")
    _prepare_first_faithful(found, own, _choose_adaptation(found, own, output), images)
    return found


def noise_images(module: nn.Module, shape: tuple[int, int, int]) -> Tensor:
    """Two inputs ``(2, *shape)``, float32, on the device of ``module``: that of `noise_image`, and a darker one."""
    noise = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0))
    tensors = chain(module.parameters(), module.buffers())
    return torch.stack([noise[0], noise[1] ** 3]).to(next((tensor.device for tensor in tensors), noise.device))


def noise_image(module: nn.Module, shape: tuple[int, int, int]) -> Tensor:
    """One input of uniform noise ``(1, *shape)`` for ``module``, always the same, on its device and of its type."""
    noise = torch.rand(1, *shape, generator=torch.Generator().manual_seed(0))
    return noise.to(next((p for p in module.parameters() if p.is_floating_point()), noise))


class _OriginalNetwork:
    """The user's module as it is, tried on two images.

    Attributes:
        network: the module.
        example: the first image.
        dtype: what it takes images as.
        path: where the logits are in what it returns.
        kind: what it returns, in words.
        raw: the type that the logits come as.
        shaped: whether they come as ``(B, K)``.
        values: the logits ``(2, K)`` of both images together, float32.
        refused: why no run can take it, or None.
    """

    def __init__(self, network: nn.Module, images: Tensor, chosen: LogitsSelector | None) -> None:
        self.network, self.example = network, images[:1]
        with preserve_module_state(network):
            self.dtype, first = self._first(images[:1])
            try:
                output = run_on_example(network, images.to(self.dtype))
            except Exception as error:
                raise ValueError(f"the module takes one image, and not {len(images)} at a time: {first_line(error)}") from error
            self.path: LogitsPath = find_logits(output, len(images), chosen)
            found, alone = self.path(output), self.path(first)
            self.kind, self.raw, self.shaped = describe_output(output), found.dtype, found.ndim == alone.ndim == 2
            self.values = _to_logit_matrix(found, len(images))
            if not torch.isfinite(self.values).any():
                raise ValueError(f"the logits of {type(network).__name__} are not finite, whatever the image: are its weights?")
            self.refused = self._wrong(_to_logit_matrix(alone, 1))

    def _wrong(self, alone: Tensor) -> str | None:
        """Why the logits ``alone`` (1, K) of the first image, under another seed and before others, are not those among two; or None."""
        if relative_difference(alone, self.values[:1]) <= self.tolerance:
            return None
        first, again = self._rerun_first_image(0), self._rerun_first_image(1)
        return nondeterminism_reason(first, again, lambda: self._rerun_first_image(1), self.tolerance) or batch_dependence_reason(
            first, self.values, self.network, self.tolerance
        )

    def _first(self, image: Tensor) -> tuple[torch.dtype, object]:
        """What type it takes images as, and what it returns for one."""
        native = next((p.dtype for p in self.network.parameters() if p.is_floating_point()), torch.float32)
        try:
            return native, run_on_example(self.network, image.to(native), seed=1)
        except Exception as error:
            with suppress(Exception):  # what it says of its own type is the better message
                if native is not torch.float32:
                    return torch.float32, run_on_example(self.network, image, seed=1)
            shape = ", ".join(str(size) for size in image.shape)
            raise ValueError(f"the module cannot take an input of shape ({shape}): {first_line(error)}") from error

    def _rerun_first_image(self, seed: int) -> Tensor:
        return _to_logit_matrix(self.path(run_on_example(self.network, self.example.to(self.dtype), seed)), 1)

    @property
    def tolerance(self) -> float:
        """Greatest relative difference of logits that is rounding."""
        return HALF_TOLERANCE if self.half else TOLERANCE

    @property
    def half(self) -> bool:
        """Whether anything in it is computed in half precision."""
        kinds = {tensor.dtype for tensor in (*self.network.parameters(), *self.network.buffers())} | {self.raw}
        return bool(kinds & {torch.float16, torch.bfloat16})

    @property
    def unusual(self) -> list[torch.dtype]:
        """The floating types beside float32 that its weights and buffers have."""
        kinds = {tensor.dtype for tensor in (*self.network.parameters(), *self.network.buffers()) if tensor.is_floating_point()}
        return sorted(kinds - {torch.float32}, key=str)


def _to_logit_matrix(found: Tensor, batch: int) -> Tensor:
    """Logits ``(B, K)`` in float32, whatever shape they came as."""
    return found.detach().reshape(batch, -1).float()


def _choose_adaptation(found: LoadedNetwork, own: _OriginalNetwork, declared: OutputKind | None) -> Adaptation:
    """Say what makes probabilities of the logits, and what has to be done to what the network returns."""
    values = own.values
    single, inside = values.shape[1] == 1, network_outputs.in_unit_interval(values)
    if declared == "probabilities" and not inside:
        raise ValueError("output='probabilities', but what the network returns is not in [0, 1]: declare softmax or sigmoid")
    last = "" if declared is not None or not inside else _find_last_operation(own)
    sigmoid = last.startswith(("Sigmoid", "Hardsigmoid"))
    if declared is not None:
        found.output = declared
    elif network_outputs.are_probabilities(values) or sigmoid:
        found.output = "probabilities"
        kind = "a sigmoid" if sigmoid else "a softmax"
        found.say(
            f"the network ends in {kind}: its outputs are taken for probabilities (output='probabilities'), and gradients and relevance "
            f"are those of probabilities; drop that layer to explain logits, or declare output='softmax' if they are logits",
            warn=True,
        )
    head = None
    if single:
        probability = found.output == "probabilities"
        head, found.num_classes = TwoClasses(probability), 2
        found.output = "probabilities" if probability else "softmax"
        if declared is None:
            found.say(ONE_PROBABILITY if probability else ONE_LOGIT)
        if declared is None and inside and not probability and not network_outputs.is_linear_map(last):
            found.say("its one output is in [0, 1] for both images tried: declare output='probabilities' if it is one", warn=True)
    raw = own.raw is not torch.float32
    return Adaptation(own.path, None if own.shaped else values.shape[1], None, raw, head)


def _find_last_operation(own: _OriginalNetwork) -> str:
    """The operation that makes the logits, as autograd knows it; "" if it does not."""
    copied = frozen_copy(own.network)
    try:
        with torch.enable_grad():
            return network_outputs.last_operation_name(own.path(copied(own.example.to(own.dtype).clone().requires_grad_())))
    except Exception:  # a network without gradients
        return ""


def _prepare_first_faithful(found: LoadedNetwork, own: _OriginalNetwork, adaptation: Adaptation, images: Tensor) -> None:
    """Prepare a copy, in float32 if it is in half precision and that is the same function, else in the network's own types."""
    unusual = own.unusual
    names = " and ".join(str(kind).removeprefix("torch.") for kind in unusual)
    cast = adaptation.cast and own.raw is not torch.float64
    native = replace(adaptation, inputs=None if own.dtype is torch.float32 else own.dtype, cast=cast)
    attempts = [_PreparationAttempt(replace(adaptation, cast=True), images[:1], in_float32=True)] if own.half and unusual else []
    attempts += [_PreparationAttempt(native, images[:1]), _PreparationAttempt(native, images)]
    attempts += [_PreparationAttempt(native, images, around=True)] if native.needed else []
    for attempt in attempts:
        with preserve_module_state(own.network):  # which a copy's hooks may write to, if they hold on to it
            copied = frozen_copy(own.network)
            try:
                prepared, logits, strangers, draws = attempt.made(copied, images)
            except Exception as error:  # the network itself raised nothing
                differs = f"cannot be run as the network itself can ({first_line(error)})"
                continue
        off = relative_difference(native.finished(own.values), logits)
        if off <= own.tolerance or (found.refused is not None and attempt is attempts[-1]):
            break
        differs = f"gives other logits than the network itself, by {off:.0%} of their magnitude"
    else:
        raise ValueError(
            f"a copy of {type(own.network).__name__} {differs}: "
            f"something in it holds on to the original (a hook or function that refers to the network from outside, a global) or is not "
            f"reached by eval(); keep layers and features as attributes, use bound methods as hooks, or hand it over without them"
        )
    found.module = prepared
    if draws:
        found.refuse(
            "its forward draws random numbers in evaluation mode (torch.rand, F.dropout), and whatever explains it would move torch's "
            "global generator; let it draw only if self.training"
        )
    if strangers:
        found.refuse(
            f"its forward calls layers with weights that are none of its children ({_list_names(strangers)}), so that nobody could tell "
            "two such networks apart; make them attributes of the module"
        )
    if unusual:
        found.say(
            f"its {names} weights are computed in float32" if attempt.in_float32 else f"it computes in {names}, and images are cast to that"
        )
    if gradless := modules_with_gradients_enabled(prepared):
        found.say(
            f"gradients are switched off in the forward of {_list_names(gradless)} (torch.no_grad); explainers see them as if they were not"
        )


@dataclass(frozen=True)
class _PreparationAttempt:
    """One way to prepare a network.

    Attributes:
        adaptation: what lies around it.
        example: what its preparation is held to the copy on: one image is enough as a rule, and half the price of two.
        lifted: whether everything is computed in float32.
        around: whether the network becomes the child of a module.
    """

    adaptation: Adaptation
    example: Tensor
    in_float32: bool = False
    around: bool = False

    def made(self, copied: nn.Module, images: Tensor) -> tuple[nn.Module, Tensor, list[str], bool]:
        """Of a frozen copy: itself prepared, and what `_run_and_inspect` says of that."""
        prepared = prepare_copy(adapt_network(copied.float() if self.in_float32 else copied, self.adaptation, self.around), self.example)
        return prepared, *_run_and_inspect(prepared, images)


def _run_and_inspect(module: nn.Module, images: Tensor) -> tuple[Tensor, list[str], bool]:
    """The logits of a prepared module, the kinds of layers with weights that it called and does not have, and whether it drew numbers."""
    strangers: dict[str, None] = {}

    def note(layer: nn.Module) -> None:
        if next(layer.parameters(recurse=False), None) is not None:
            strangers[type(layer).__name__] = None

    with watch_strangers(module, note), torch.no_grad(), seeded_generators(0):
        state = torch.get_rng_state()
        return module(images), list(strangers), not torch.equal(state, torch.get_rng_state())


def _list_names(names: list[str], most: int = 4) -> str:
    """Names for a sentence, the network's own as what it is."""
    shown = ", ".join(name or "the network" for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
