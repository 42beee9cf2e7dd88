"""Models that are trained when they are first needed: found in the store, else trained here, from their last checkpoint on."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from typing import Any

import torch
from safetensors.torch import load, save

from harness.api.classifiers import Classifier
from harness.api.training import Training, TrainingMonitor, TrainingState
from harness.dispatch.devices import cpu_name
from harness.planning.remembered_facts import RememberedFacts
from harness.planning.training_key import training_key
from harness.registry.recipe import Recipe
from harness.store.store import Store
from harness.store.weight_groups import read_record, record_metadata
from harness.worker.accelerators import release_unused_memory
from harness.worker.component_cache import ComponentCache
from harness.worker.contracts import ContractError
from harness.worker.dataset_inspection import ReadingCounter
from harness.worker.inspection import answer_request

TellFunction = Callable[[int, int], object]


@dataclass
class TrainedModels:
    """Makes the classifiers of trainings, for the components that are given to it.

    Attributes:
        components: where the models are made.
        open_store: opens the store that weights and checkpoints are in, when the first is asked for.
        tell: is told how many images of how many have been seen while one is trained.
        tell_epoch: is told of each epoch, when its checkpoint is durable: its line of the curve.
        on_demand: whether a model is trained when it is made; in a run it is asked for beforehand, and one that is not there is refused.
    """

    components: ComponentCache
    open_store: Callable[[], Store]
    tell: TellFunction = lambda done, of: None
    tell_epoch: Callable[[Mapping[str, float]], object] = lambda entry: None
    on_demand: bool = True

    def __post_init__(self) -> None:
        self._asked_for: set[str] = set()
        self.components.factory.trained = self.of

    @cached_property
    def store(self) -> Store:
        """The store."""
        return self.open_store()

    def of(self, recipe: Recipe, training: Training) -> Classifier:
        """The classifier of a recipe whose component made a training."""
        facts = RememberedFacts(self.store, lambda request: answer_request(self.components, request, ReadingCounter(self.tell)))
        key = training_key(self.components.registry, self.store, facts, recipe)
        found = self.store.weights(key)
        if found is None and not self.on_demand and recipe.digest not in self._asked_for:
            raise ContractError(f"{recipe.label or recipe.name} is not trained, or its weights are gone; run again")
        return training.classifier(self._trained(key, recipe, training) if found is None else decode_state(found))

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Train the model that a request names, if it is not; the answer says nothing else."""
        recipe = Recipe.from_json(request["recipe"])
        self._asked_for.add(recipe.digest)
        try:
            self.components.factory.make(recipe, Classifier)
        finally:
            self._asked_for.clear()
            release_unused_memory(self.components.device)
        return {"value": {}, "read": {}, "content": None}

    def _trained(self, key: str, recipe: Recipe, training: Training) -> TrainingState:
        """Train, keeping a checkpoint after each epoch, and the result at the end."""
        checkpoint = self.store.checkpoint(key)
        begun = None if checkpoint is None else decode_state(checkpoint)
        clock = _Clock(0.0 if begun is None else float(begun.record["seconds"]))
        self.store.describe(key, {"component": recipe.name, "label": recipe.label or recipe.name, "scores": {}})

        def described(state: TrainingState) -> TrainingState:
            return TrainingState(state.tensors, {**state.record, **self._circumstances(recipe), "seconds": clock.seconds})

        def keep(state: TrainingState) -> None:
            self.store.keep_checkpoint(key, encode_state(described(state)))
            self.tell_epoch(state.record["curve"][-1])

        monitor = TrainingMonitor(keep, self.tell)
        result = described(training.train(self.components.device, begun, monitor))
        self.store.commit_weights(key, encode_state(result))
        return result

    def _circumstances(self, recipe: Recipe) -> dict[str, Any]:
        """The recipe, and where it was followed."""
        device = self.components.device
        return {
            "label": recipe.label or recipe.name,
            "recipe": recipe.reference(lambda part: part.name),
            "device": torch.cuda.get_device_name(device) if device.type == "cuda" else f"{device.type} {cpu_name()}".strip(),
            "versions": _versions({part.distribution for part in _all_parts(recipe)}),
        }


@dataclass
class _Clock:
    """Seconds that a training has taken, those before it was gone on with too."""

    before: float
    begun: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        """So far."""
        return round(self.before + time.perf_counter() - self.begun, 3)


def encode_state(state: TrainingState) -> bytes:
    """The bytes of a safetensors file."""
    return save({name: tensor.contiguous() for name, tensor in state.tensors.items()}, metadata=record_metadata(dict(state.record)))


def decode_state(content: bytes) -> TrainingState:
    """The state in the bytes of a safetensors file."""
    return TrainingState(load(content), read_record(content))


def _all_parts(recipe: Recipe) -> list[Recipe]:
    return [recipe, *(part for nested in recipe.nested for part in _all_parts(nested))]


def _versions(distributions: set[str]) -> Mapping[str, str]:
    """Versions of what a training depends on."""
    found = {"python": platform.python_version()}
    for name in ("torch", "xai-harness", *sorted(distributions)):
        try:
            found[name] = version(name)
        except Exception:  # a file of one's own, or an object of a notebook
            continue
    return found
