"""What one worker has loaded: datasets, models, explainers and metrics, made from recipes and kept while they are in use."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, MutableMapping
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from harness.api.attribution import Attribution
from harness.api.case import Case
from harness.api.classifiers import Classifier
from harness.api.context import Context
from harness.api.explainers import Explainer
from harness.api.gradients import no_gradient_reason
from harness.api.hidden_operations import hidden_operations_reason
from harness.api.network_features import detect_features
from harness.api.sample import Dataset
from harness.planning.answer_comparison import answers_match
from harness.planning.facts import fact_key
from harness.planning.jobs import Subject
from harness.planning.variants import AS_IS, Variant
from harness.registry import import_tracing, native_readers
from harness.registry.binding import bind, takes_ctx
from harness.registry.declared_needs import count_labelled_samples, declared_uses
from harness.registry.file_states import FileState, files_unchanged
from harness.registry.import_tracing import IMPORT_TRACE
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.worker.accelerators import scoring_device
from harness.worker.applicability import inapplicability_reason
from harness.worker.arithmetic import Arithmetic, cast_passes
from harness.worker.batching import Batching
from harness.worker.bound_components import BoundExplainer
from harness.worker.contracts import ContractError, checked_logits
from harness.worker.fast_forward import optimize_forward
from harness.worker.file_access import FileAccessRecorder
from harness.worker.mutation_guard import SeenModels
from harness.worker.pass_counter import count_passes
from harness.worker.probe_logits import compute_probe_logits, probe_tolerance
from harness.worker.samples import require_bounded_length
from harness.worker.shared_state import restore_shared_state
from harness.worker.training_data import background_images, labelled_images, training_classes, training_facts
from harness.worker.variants import alter_model

T = TypeVar("T")
CHANGED_ANSWERS_MESSAGE = (
    "{} answers otherwise than when it was planned with: its code, or a file that it reads, has changed (then run again), or it is another "
    "each time it is made (then seed what it draws)"
)
MAX_LOADED = 4  # models (and their altered copies) and datasets that are kept loaded
MetricCallable = Callable[[Case], Tensor]


class ChangedSincePlanning(ValueError):
    """A model, or the data that components learn from, is not what the run was planned with.

    Attributes:
        facts: under what is remembered that does not hold any more.
    """

    def __init__(self, reason: str, *facts: str) -> None:
        super().__init__(reason)
        self.facts = facts


class ComponentCache:
    """Makes components from recipes, once each.

    Attributes:
        registry: where components are looked up.
        device: where models are.
        batching: the batch sizes that worked on this device.
        recall: how explainers find stored maps; set by the job at hand.
        arithmetic: what models compute in.
        notes: what is worth telling of what was made.
        rounding: what maps go through on their way into the store; set by the job at hand, for explainers inside others.
        seen: models as the job's last component left them (see `harness.worker.mutation_guard`).
        reading: which files were read to make what was made.
    """

    def __init__(self, registry: Registry, device: torch.device | str = "cpu", batch: int | None = None) -> None:
        self.registry = registry
        self.device = torch.device(device)
        self.batching = Batching.on(self.device, fixed=batch)
        self.arithmetic = Arithmetic()
        self.notes: list[str] = []
        self.recall: Callable[[BoundExplainer, Classifier, Tensor, Tensor, Context], Attribution | None] = lambda *_: None
        self._datasets: OrderedDict[Hashable, Dataset] = OrderedDict()
        self._models: OrderedDict[Hashable, Classifier] = OrderedDict()
        self._backgrounds: OrderedDict[Hashable, Tensor] = OrderedDict()
        self._memories: OrderedDict[Hashable, dict[Hashable, object]] = OrderedDict()
        self.rounding: Callable[[Attribution], Attribution] = lambda attribution: attribution
        self.seen = SeenModels()
        self.reading = FileAccessRecorder(registry)
        import_tracing.install_import_tracing()
        native_readers.audit_native_readers()
        self._made_of: dict[str, tuple[str, dict[str, FileState]]] = {}
        self._answers: dict[str, list[list[float]] | None] = {}
        self._explainers: dict[str, BoundExplainer] = {}
        self._fast: WeakKeyDictionary[Classifier, nn.Module] = WeakKeyDictionary()  # only of models that nobody else can change

    @cached_property
    def scoring_device(self) -> torch.device:
        """Where what metrics compute with is (see `harness.worker.accelerators.scoring_device`)."""
        return scoring_device(self.device)

    def dataset(self, recipe: Recipe) -> Dataset:
        """The dataset of a recipe."""
        name = recipe.label or recipe.name
        return _get_or_make(self._datasets, recipe.digest, lambda: require_bounded_length(cast(Dataset, self._made(recipe, Dataset)), name))

    def model(self, recipe: Recipe, variant: Variant = AS_IS) -> Classifier:
        """The classifier of a recipe on this worker's device, its passes counted, or its copy under a variant that alters models."""

        def alter() -> Classifier:
            model = _with_known_features(alter_model(self.model(recipe), variant))
            if variant.alters_predictions:
                self._fast[model] = self._fast_forward(model, recipe)
            return model

        def make() -> Classifier:
            model = cast(Classifier, self._made(recipe, Classifier)).to(self.device)
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
            return _get_or_make(self._models, (recipe.digest, variant), alter)
        return _get_or_make(self._models, (recipe.digest, AS_IS), make)

    def loaded(self, recipe: Recipe) -> Classifier | None:
        """The classifier of a recipe, if it has been made."""
        return self._models.get((recipe.digest, AS_IS))

    def subject(self, subject: Subject) -> Classifier:
        """The classifier that is scored: that of the recipe, or its copy under the subject's variant."""
        model = self.model(subject.model_recipe)
        if subject.content not in (None, model.digest):
            raise self._altered(subject, f"the files of {subject.model} changed while the run was going on; run again")
        found = self._answers.get(subject.model_recipe.digest)
        if None not in (subject.answers, found) and not answers_match(subject.answers, found, probe_tolerance(model, subject.precision)):
            raise self._altered(subject, CHANGED_ANSWERS_MESSAGE.format(subject.model))
        return self.model(subject.model_recipe, subject.variant)

    def _altered(self, subject: Subject, reason: str) -> ChangedSincePlanning:
        self.forget_models(subject.model_recipe)
        return ChangedSincePlanning(reason, *filter(None, [subject.facts.get("model")]))

    def _fast_forward(self, model: Classifier, recipe: Recipe) -> nn.Module:
        """What predictions go through, its passes counted."""
        fast = optimize_forward(model, self.arithmetic, lambda what: self.notes.append(f"{recipe.label or recipe.name}: {what}"))
        if fast is not model.module:
            count_passes(fast)
        return fast

    def set_arithmetic(self, arithmetic: Arithmetic) -> None:
        """Compute in this arithmetic from now on: models that were made for another are made again."""
        if arithmetic != self.arithmetic:
            for shelf in (self._models, self._memories, self._explainers, self._backgrounds):
                shelf.clear()
            self.arithmetic = arithmetic
        arithmetic.set()

    def forget_models(self, recipe: Recipe) -> None:
        """Have the models of a recipe made again: a component has changed them."""
        for key in [key for key in self._models if isinstance(key, tuple) and key[0] == recipe.digest]:
            del self._models[key]
        self._answers.pop(recipe.digest, None)
        self._memories.clear()
        self.forget_explainers()

    def forget_explainers(self) -> None:
        """Have all explainers made again."""
        self._explainers.clear()

    def remake_if_changed(self, recipe: Recipe) -> None:
        """Have what was made of a recipe made again, if a file that its parameters name, or that was read to make it, has changed since.

        For a process that lives on; in a run it is `subject` that holds models to what was planned.
        """
        before, named = self._made_of.get(recipe.digest), fact_key("made", recipe)
        if before is not None and (before[0] != named or not files_unchanged(before[1])):
            self.forget_models(recipe)
            self._datasets.pop(recipe.digest, None)
            self.reading.forget(recipe)
            before = None
        if before is None:
            makers: dict[str, Callable[[Recipe], object]] = {"models": self.model, "datasets": self.dataset, "explainers": self.explainer}
            if recipe.kind in makers:
                makers[recipe.kind](recipe)
                self._made_of[recipe.digest] = (named, self.reading.states(recipe))

    def explainer(self, recipe: Recipe) -> BoundExplainer:
        """The explainer of a recipe, nested explainers bound too."""
        key = recipe.digest
        if key not in self._explainers:
            component = self.component(recipe)
            with self.reading.of(recipe):
                call = bind(component, recipe, lambda nested: cast(Explainer, replace(self.explainer(nested), strict=False)))
            self._explainers[key] = BoundExplainer(
                recipe=recipe,
                call=call,
                takes_ctx=takes_ctx(component),
                batching=self.batching,
                recall=lambda *args: self.recall(*args),
                round_maps=lambda attribution: self.rounding(attribution),
                schema=self.registry.known(recipe.kind, recipe.qualified).parameters.get("properties", {}),
                refusal=lambda model: inapplicability_reason(self, recipe, model),
                rebind=lambda changes: self.explainer(replace(recipe, params={**recipe.params, **changes})),
            )
        return self._explainers[key]

    def uses(self, recipe: Recipe) -> frozenset[str]:
        """What a component, or one nested in it, declares that it needs or wants: only what declares it is given training data."""
        return declared_uses(self.registry, recipe)

    def metric(self, recipe: Recipe) -> MetricCallable:
        """The metric of a recipe."""
        component = self.component(recipe)
        with self.reading.of(recipe):
            call = bind(component, recipe, lambda nested: cast(Explainer, self.explainer(nested)))
        if takes_ctx(component):
            return lambda case: call(case, ctx=case.ctx)
        return call

    def forward(self, model: Classifier, inputs: Tensor, finite: bool = True) -> Tensor:
        """Logits of any number of inputs without gradients, where the inputs are, in batches of the size that is fastest here.

        Raises `ContractError` where they are no logits or, unless ``finite`` is false, not finite.
        """
        module = self._fast.get(model, model.module)

        def step(part: slice) -> Tensor:
            batch = inputs[part].to(self.device)
            return checked_logits(module(batch), len(batch), model.num_classes, finite).to(inputs.device)

        key = ("forward", model.architecture, tuple(inputs.shape[1:]))
        with torch.no_grad():
            pieces = [logits for _, logits in self.batching.run(key, len(inputs), step, inputs.shape[-2] * inputs.shape[-1])]
        return torch.cat(pieces) if pieces else torch.zeros(0, model.num_classes, device=inputs.device)

    def background(self, subject: Subject) -> Callable[[int], Tensor]:
        """Training images as the model takes them: the first ``n`` of an order drawn by the spec's seed."""
        assert subject.training_recipe is not None
        training, model_recipe = subject.training_recipe, subject.model_recipe

        def images(n: int) -> Tensor:
            def make() -> Tensor:
                with IMPORT_TRACE.recording():  # what is read for the dataset is not read for who asks for its images
                    found = background_images(self.model(model_recipe), self.dataset(training), subject.seed, n)
                    self._check_training_as_planned(subject, 0)
                return found

            return _get_or_make(self._backgrounds, (training.digest, model_recipe.digest, subject.seed, n), make)

        return images

    def labelled(self, subject: Subject, recipe: Recipe) -> Callable[[int], tuple[Tensor, Tensor]]:
        """Up to ``n`` training images as the model takes them, and their labels as its classes: in the same order as the background."""
        most = count_labelled_samples(self.registry, recipe)

        def samples(n: int) -> tuple[Tensor, Tensor]:
            if n > most:
                raise ContractError(f"{n} labelled samples are wanted, and at most {most} may be: keys hold the digest of so many")
            assert subject.training_recipe is not None
            with IMPORT_TRACE.recording():
                model, training = self.model(subject.model_recipe), self.dataset(subject.training_recipe)
                classes = subject.classes
                if subject.training_recipe.digest != subject.dataset_recipe.digest:
                    classes = training_classes(model, training, self.dataset(subject.dataset_recipe), classes)
                found = labelled_images(model, training, classes, subject.seed, n)
                self._check_training_as_planned(subject, most)
            return found

        return samples

    def _check_training_as_planned(self, subject: Subject, labelled: int) -> None:
        """Raise `ChangedSincePlanning` where what was just read of the training split is not what is in the keys."""
        planned = subject.learned.get(str(labelled))
        if planned is not None and subject.training_recipe is not None:
            dataset, known = self.dataset(subject.training_recipe), {sample: [digest] for sample, digest in planned.hinted.items()}
            if training_facts(dataset, subject.seed, labelled, known) != planned:
                del self._datasets[subject.training_recipe.digest]
                facts = fact_key("training", subject.training_recipe, seed=subject.seed, labelled=labelled)
                raise ChangedSincePlanning(f"the training data of {subject.dataset} changed while the run was going on; run again", facts)

    def memory(self, subject: Subject) -> MutableMapping[Hashable, object]:
        """What components keep from one batch of samples to the next, for one model and its training data."""
        variant = subject.variant if subject.variant.alters_model else AS_IS
        recipes = [subject.model_recipe, subject.dataset_recipe, subject.training_recipe]
        key = (*(None if recipe is None else recipe.digest for recipe in recipes), variant, subject.seed)
        return _get_or_make(self._memories, key, dict)

    def component(self, recipe: Recipe) -> Any:
        """The imported component; what its libraries change of shared state when they are imported is put back, and no fault."""
        with restore_shared_state():
            return self.registry.component(recipe)

    def _made(self, recipe: Recipe, kind: type) -> Any:
        component = self.component(recipe)
        with restore_shared_state(), self.reading.of(recipe):
            made = bind(component, recipe, _reject_explainers)()
        if not isinstance(made, kind):
            how = ": harness.classifier(module, input_shape=(C, H, W)) makes one of a network" if isinstance(made, nn.Module) else ""
            raise ContractError(f"{recipe.name} must make a {kind.__name__}, not {type(made).__name__}{how}")
        return made


def _with_known_features(model: Classifier) -> Classifier:
    """The model, of which what explainers ask is known now: the passes that finding out takes are no explainer's."""
    for ask in (detect_features, no_gradient_reason, hidden_operations_reason):
        ask(model)
    return model


def _reject_explainers(recipe: Recipe) -> Explainer:
    raise ContractError(f"{recipe.name}: only explainers and metrics take explainers as parameters")


def _get_or_make(shelf: OrderedDict[Hashable, T], key: Hashable, make: Callable[[], T]) -> T:
    """The thing under ``key``, made if it is not there; the one used longest ago goes when the shelf is full."""
    if key not in shelf:
        made = make()
        while len(shelf) >= MAX_LOADED:
            shelf.popitem(last=False)
        shelf[key] = made
    shelf.move_to_end(key)
    return shelf[key]
