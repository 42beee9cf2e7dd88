"""The classifiers of one worker: made from recipes on its device, their passes counted, and kept while they are in use."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from harness.api.classifiers import Classifier
from harness.api.gradients import no_gradient_reason
from harness.api.hidden_operations import hidden_operations_reason
from harness.api.network_features import detect_features
from harness.planning.facts import answers_match
from harness.planning.jobs import Subject
from harness.planning.variants import AS_IS, Variant
from harness.registry.recipe import Recipe
from harness.worker.arithmetic import Arithmetic, cast_passes
from harness.worker.batching import Batching
from harness.worker.component_factory import ComponentFactory
from harness.worker.contracts import ChangedSincePlanning, ContractError, checked_logits, require_finite_logits
from harness.worker.fast_forward import optimize_forward
from harness.worker.pass_counter import count_passes
from harness.worker.probe_logits import compute_probe_logits, probe_tolerance
from harness.worker.variants import alter_model

T = TypeVar("T")
CHANGED_ANSWERS_MESSAGE = (
    "{} answers otherwise than when it was planned with: its code, or a file that it reads, has changed (then run again), or it is another "
    "each time it is made (then seed what it draws)"
)
MAX_KEPT = 4  # models (and their altered copies), datasets, and what belongs to one of these, that are kept


class RecentlyUsed(OrderedDict[Hashable, T], Generic[T]):
    """At most `MAX_KEPT` things by their keys: the one used longest ago goes."""

    def get_or_make(self, key: Hashable, make: Callable[[], T]) -> T:
        """The thing under ``key``, made if it is not there."""
        if key not in self:
            made = make()
            while len(self) >= MAX_KEPT:
                self.popitem(last=False)
            self[key] = made
        self.move_to_end(key)
        return self[key]


class ModelCache:
    """Classifiers on one device.

    Attributes:
        device: where they are.
        batching: the sizes of batches that forward passes go in.
        arithmetic: what they compute in.
        note: is told what is worth knowing of one that is made.
    """

    def __init__(self, factory: ComponentFactory, device: torch.device, batching: Batching, note: Callable[[str], None]) -> None:
        self.device, self.batching, self.note = device, batching, note
        self.arithmetic = Arithmetic()
        self._factory = factory
        self._models: RecentlyUsed[Classifier] = RecentlyUsed()
        self._answers: dict[str, list[list[float]] | None] = {}
        self._fast: WeakKeyDictionary[Classifier, nn.Module] = WeakKeyDictionary()  # only of models that nobody else can change

    def of(self, recipe: Recipe, variant: Variant = AS_IS) -> Classifier:
        """The classifier of a recipe, or its copy under a variant that alters models."""

        def alter() -> Classifier:
            model = _with_known_features(alter_model(self.of(recipe), variant))
            if variant.alters_predictions:
                self._fast[model] = self._fast_forward(model, recipe)
            return model

        def make() -> Classifier:
            model = self._factory.make(recipe, Classifier).to(self.device)
            if model.refused is not None:
                raise ContractError(f"{recipe.label or recipe.name} cannot be evaluated: {model.refused}")
            self._answers[recipe.digest] = compute_probe_logits(_with_known_features(model))
            self._fast[model] = self._fast_forward(model, recipe)
            if self.arithmetic.autocast is not None:
                model.autocast = self.arithmetic.autocast
                cast_passes(model.module)
            count_passes(model.module)
            return model

        if variant.alters_model:
            return self._models.get_or_make((recipe.digest, variant), alter)
        return self._models.get_or_make((recipe.digest, AS_IS), make)

    def loaded(self, recipe: Recipe) -> Classifier | None:
        """The classifier of a recipe, if it has been made."""
        return self._models.get((recipe.digest, AS_IS))

    def subject(self, subject: Subject) -> Classifier:
        """The classifier that is scored: that of the recipe, or its copy under the subject's variant.

        Raises `ChangedSincePlanning` if it is not what was planned with.
        """
        model = self.of(subject.model_recipe)
        facts = [fact for fact in (subject.facts.get("model"),) if fact is not None]
        if subject.content not in (None, model.digest):
            raise ChangedSincePlanning(f"the files of {subject.model} changed while the run was going on; run again", *facts)
        found = self._answers.get(subject.model_recipe.digest)
        if None not in (subject.answers, found) and not answers_match(subject.answers, found, probe_tolerance(model, subject.precision)):
            raise ChangedSincePlanning(CHANGED_ANSWERS_MESSAGE.format(subject.model), *facts)
        return self.of(subject.model_recipe, subject.variant)

    def _fast_forward(self, model: Classifier, recipe: Recipe) -> nn.Module:
        """What predictions go through, its passes counted."""
        fast = optimize_forward(model, self.arithmetic, lambda what: self.note(f"{recipe.label or recipe.name}: {what}"))
        if fast is not model.module:
            count_passes(fast)
        return fast

    def forward(self, model: Classifier, inputs: Tensor, finite: bool = True) -> Tensor:
        """Logits of any number of inputs without gradients, where the inputs are, in batches of the size that is fastest here.

        Raises `ContractError` if they are no logits or, unless ``finite`` is false, not finite.
        """
        module = self._fast.get(model, model.module)

        def step(part: slice) -> Tensor:
            batch = inputs[part].to(self.device)
            return checked_logits(module(batch), len(batch), model.num_classes).to(inputs.device)

        key = ("forward", model.architecture, tuple(inputs.shape[1:]))
        with torch.no_grad():
            pieces = [logits for _, logits in self.batching.run(key, len(inputs), step, inputs.shape[-2] * inputs.shape[-1])]
        logits = torch.cat(pieces) if pieces else torch.zeros(0, model.num_classes, device=inputs.device)
        if finite:
            require_finite_logits(logits)  # of all batches at once: a device is waited for
        return logits

    def compute_in(self, arithmetic: Arithmetic) -> bool:
        """Compute in this arithmetic from now on; whether it is another, so that models are made again."""
        changed = arithmetic != self.arithmetic
        if changed:
            self._models.clear()
            self.arithmetic = arithmetic
        arithmetic.set()
        return changed

    def forget(self, recipe: Recipe) -> None:
        """Have the models of a recipe made again."""
        for key in [key for key in self._models if isinstance(key, tuple) and key[0] == recipe.digest]:
            del self._models[key]
        self._answers.pop(recipe.digest, None)


def _with_known_features(model: Classifier) -> Classifier:
    """The model, of which what explainers ask is known now: the passes that finding out takes are no explainer's."""
    for ask in (detect_features, no_gradient_reason, hidden_operations_reason):
        ask(model)
    return model
