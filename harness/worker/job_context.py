"""One job while it is done, as an argument of every step: what it was given, and what belongs to it alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from torch import Tensor

from harness.api.classifiers import Classifier
from harness.api.context import Context
from harness.planning.file_digests import remember_call_time_files
from harness.planning.jobs import Job, SampleRef
from harness.planning.variants import ORACLE
from harness.registry.declared_needs import count_labelled_samples, declared_uses
from harness.registry.recipe import Recipe
from harness.registry.session_components import SESSION_DISTRIBUTION
from harness.store.map_files import SampleKey
from harness.store.row_files import StoredValue
from harness.store.store import Store
from harness.text_format import format_some
from harness.worker.bound_components import BoundExplainer
from harness.worker.component_cache import ComponentCache
from harness.worker.mutation_guard import SeenModels, forbid_changes
from harness.worker.samples import SampleBatch
from harness.worker.shared_values import JobSharing, SharedValues, names_of
from harness.worker.stored_maps import StoredMapLookup
from harness.worker.training_data import TrainingSplit
from harness.worker.variants import oracle_explainer


@dataclass(frozen=True)
class JobContext:
    """A job, its rows as they are explained, and what its steps share.

    Attributes:
        job: with those of its rows that something can be said of.
        components: what the worker has loaded.
        store: what results are read from and committed to.
        samples: the rows, prepared.
        targets: ``(B,)`` the classes that are explained.
        shared: what metrics have computed for all explainers.
        undefined: rows that were left out: they have no scores.
        seen: models as the last component of the job left them (see `harness.worker.mutation_guard`).
    """

    job: Job
    components: ComponentCache
    store: Store
    samples: SampleBatch
    targets: Tensor
    shared: SharedValues = field(default_factory=SharedValues)
    undefined: Sequence[SampleRef] = ()
    seen: SeenModels = field(default_factory=SeenModels)

    @cached_property
    def keys(self) -> list[SampleKey]:
        """The rows, as the store knows them."""
        return self.job.keys

    @property
    def model(self) -> Classifier:
        """The model that is scored; made again after a component has changed it."""
        return self.components.subject(self.job.subject)

    @property
    def explained(self) -> Classifier:
        """The model that is explained: that one, or its randomised twin."""
        return self.components.models.of(self.job.subject.model_recipe, self.job.variant)

    @cached_property
    def maps(self) -> StoredMapLookup:
        """Lookup of maps for explainers that are called for this job."""
        return StoredMapLookup(self.job, self.store, self.model, self.samples, self.targets)

    def sharing(self, recipe: Recipe) -> JobSharing:
        """What a metric is given that shares with those of other explainers: any of its plugin, one of a notebook with itself alone."""
        subject = self.job.subject
        owner = recipe.digest if recipe.distribution == SESSION_DISTRIBUTION else recipe.distribution
        of = [subject.prediction_keys, subject.seed, owner]
        return JobSharing(of, recipe.identity, self._names, self.shared, self.store)

    @cached_property
    def _names(self) -> Mapping[str, SampleKey]:
        return names_of(self.job.rows, self.targets.tolist())

    def explainer(self) -> BoundExplainer:
        """The job's explainer, or the oracle of its samples; asked for the model that is scored it explains the job's."""
        if self.job.variant.kind == "oracle":
            return oracle_explainer(self.samples, self.components.batching)
        scored, explained, explainer = self.model, self.explained, self.components.explainer(self.job.recipe, self.job.variant)
        if explained is scored:
            return explainer
        return replace(explainer, substitute_model=lambda asked: explained if asked is scored else asked)

    def context(self, recipe: Recipe) -> Context:
        """A component's context, with the training split behind it if the component declares that it uses it."""
        subject, components, training, labelled = self.job.subject, self.components, None, None
        if subject.training_recipe is not None and recipe != ORACLE:
            split, uses = TrainingSplit(components, subject, subject.training_recipe), declared_uses(components.registry, recipe)
            if "training-data" in uses:
                training = split.background
            if "training-labels" in uses:
                labelled = partial(split.labelled, count_labelled_samples(components.registry, recipe))
        purpose, device = {"explainers": ("explain", components.device), "metrics": ("score", components.scoring_device)}[recipe.kind]
        memory = components.memory(subject)
        return Context(subject.seed, self.samples.ids, f"{purpose}/{recipe.name}", device, training, labelled, memory, self.maps)

    @contextmanager
    def calling(self, recipe: Recipe, models: Sequence[Classifier], given: Sequence[tuple[str, Tensor]] = ()) -> Iterator[Set[str]]:
        """Holds the component that the block calls to leaving models, and what it is given, as they are; remembers files its code reads.

        Gives these files, which are known when the block is left.
        """
        with forbid_changes([model.module for model in models], given, self.seen):
            if recipe == ORACLE:
                yield set()
                return
            with self.components.factory.reading.called(recipe) as files:
                yield files
            remember_call_time_files(self.store, recipe, files)

    def only(self, defined: Tensor, what: str) -> JobContext:
        """Without the rows that are not ``defined`` (B,), of which it is noted ``what`` is not finite."""
        if defined.all():
            return self
        kept = defined.nonzero()[:, 0].tolist()
        lost = [row for row, there in zip(self.job.rows, defined.tolist(), strict=True) if not there]
        which = f"{len(lost)} of {len(defined)} samples, which {'has' if len(lost) == 1 else 'have'} no scores"
        self.components.note(f"{what} not finite for {which}: {format_some([row.sample for row in lost], 3)}")
        job = replace(self.job, rows=[self.job.rows[row] for row in kept])
        return replace(self, job=job, samples=self.samples.take(kept), targets=self.targets[kept], undefined=[*self.undefined, *lost])

    def undefined_values(self, column: str, name: str) -> list[StoredValue]:
        """NaN in a field of a column for the rows that were left out: leaderboards count them."""
        return self.column_rows(column, self.undefined, {name: [math.nan] * len(self.undefined)})

    def column_rows(self, column: str, rows: Sequence[SampleRef], fields: dict[str, list[float]]) -> list[StoredValue]:
        """One `StoredValue` per field and sample of one of the job's columns."""
        kinds = self.job.kinds_by_column[column]
        return stored_values(column, [row.key_with(kinds) for row in rows], fields)


def stored_values(column: str, keys: Sequence[SampleKey], fields: dict[str, list[float]]) -> list[StoredValue]:
    """One `StoredValue` per field and sample."""
    return [StoredValue(column, *key, name, float(values[i])) for name, values in fields.items() for i, key in enumerate(keys)]
