"""Rows of a job as a model takes them, and the class that is explained for each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from harness.api.classifiers import Classifier
from harness.api.sample import Sample
from harness.planning.jobs import SampleRef, Subject, SubjectRows
from harness.results.predictions import MOST_CLASSES, probability_field
from harness.store.sample_alignment import SamplePositions as Places
from harness.store.store import Store
from harness.worker.component_cache import ComponentCache
from harness.worker.contracts import ChangedSincePlanning, finite_rows
from harness.worker.dataset_inspection import SampleSummary, check_same_sample
from harness.worker.job_context import stored_values
from harness.worker.prefetching import Prefetcher
from harness.worker.samples import SampleBatch, collate_samples, prepare_sample, read_sample
from harness.worker.stored_inputs import read_planned
from harness.worker.timing import span
from harness.worker.variants import alter_images

NO_TARGET = -1
MAX_KEPT_BYTES = 2**28  # bytes of images that are kept; those of the last job always are
RowsIdentity = tuple[Subject, tuple[SampleRef, ...]]


@dataclass
class JobInputs:
    """Prepares rows, and keeps those of the last jobs for the next ones on the same."""

    components: ComponentCache
    store: Store
    prefetcher: Prefetcher | None = None
    _kept: list[tuple[RowsIdentity, tuple[SampleBatch, Tensor]]] = field(default_factory=list)

    def of(
        self, subject: Subject, rows: Sequence[SampleRef], model: Classifier, predicting: Callable[[], None]
    ) -> tuple[SampleBatch, Tensor]:
        """The rows as they are explained, and their targets ``(B,)``; ``predicting`` is called before the model is.

        A target is `NO_TARGET` if the model's logits of the sample are not finite: nothing can be explained there.
        Targets are predicted by the recipe's model on the images as they are, also if ``model`` or the rows are altered.

        Raises `SampleError` for a row that cannot be used, `ChangedSincePlanning` for one that is not as planned.
        """
        identity = (subject, tuple(rows))
        place = next((i for i, (known, _) in enumerate(self._kept) if known == identity), None)
        if place is not None:
            self._kept.append(self._kept.pop(place))
        else:
            self._kept.append((identity, self._prepared(subject, rows, model, predicting)))
            while len(self._kept) > 1 and sum(_image_bytes(samples) for _, (samples, _) in self._kept) > MAX_KEPT_BYTES:
                del self._kept[0]
        return self._kept[-1][1]

    def prefetch_rows(self, following: SubjectRows | None) -> None:
        """Have these rows read, if that is done beside the work, they are not kept, and their model is loaded."""
        if self.prefetcher is None or following is None:
            return
        subject, rows = following.subject, following.rows
        model = self.components.models.loaded(subject.model_recipe)
        if model is not None and (subject, tuple(rows)) not in [known for known, _ in self._kept]:
            self.prefetcher.ask(subject, rows, model)

    def forget(self) -> None:
        """Prepare the next jobs' rows anew."""
        self._kept.clear()

    def _prepared(
        self, subject: Subject, rows: Sequence[SampleRef], model: Classifier, predicting: Callable[[], None]
    ) -> tuple[SampleBatch, Tensor]:
        with span("inputs", "read"):
            samples = self._samples(subject, rows, model).to(model.device)
        predicting()
        unaltered = self.components.model(subject.model_recipe)
        predicted = self._predictions(subject, subject.prediction_key, rows, unaltered, samples)
        targets = _explained_classes(subject, samples, predicted)
        if subject.variant_prediction_key is not None:
            samples = replace(samples, images=alter_images(samples.images, samples.ids, model, subject.variant))
            self._predictions(subject, subject.variant_prediction_key, rows, model, samples)
        return samples, targets

    def _samples(self, subject: Subject, rows: Sequence[SampleRef], model: Classifier) -> SampleBatch:
        ready, images = ([], None) if self.prefetcher is None else self.prefetcher.take(subject, rows, model)
        rest = self._read(subject, rows[len(ready) :]) if len(ready) < len(rows) else []
        return collate_samples([*ready, *(prepare_sample(sample, model, subject.classes) for sample in rest)], images, subject.evidence)

    def _read(self, subject: Subject, rows: Sequence[SampleRef]) -> list[Sample]:
        found = list(read_planned(self.components, subject.dataset_recipe, rows))
        changed = [place for place, (_, as_planned) in enumerate(found) if not as_planned]
        if changed:
            dataset, first = self.components.dataset(subject.dataset_recipe), changed[0]
            check_same_sample(subject.dataset, SampleSummary.at(found[first][0], {}), read_sample(dataset, rows[first].position))
            names = ", ".join(rows[place].sample for place in changed[:3])
            reason = f"the dataset changed while the run was going on: {names}; run again"
            raise ChangedSincePlanning(reason, *filter(None, [subject.facts.get("dataset")]))
        return [sample for sample, _ in found]

    def _predictions(self, subject: Subject, key: str, rows: Sequence[SampleRef], model: Classifier, samples: SampleBatch) -> Tensor:
        """The predicted class of each row ``(B,)``: from the store, or computed and committed under ``key``.

        With them go the probabilities of all classes, if they are of the subject as it is.
        """
        with span("store", "read"):
            fields = self.store.known(key, Places([row.key for row in rows])).get(key, {})
        measured = key == subject.prediction_key and model.num_classes <= MOST_CLASSES
        kept = range(model.num_classes) if measured else ()  # what areas under ROC curves take
        asked = [fields.get(name) for name in ("predicted", *map(probability_field, kept[:1]))]
        known = asked[0]
        if known is not None and all(field is not None and field.there.all() for field in asked):
            return torch.from_numpy(np.nan_to_num(known.values, nan=NO_TARGET)).long().to(samples.labels.device)
        logits = self.components.models.forward(model, samples.images, finite=False)
        finite = finite_rows(logits)
        probabilities = model.probabilities(logits)
        confidence, predicted = probabilities.max(dim=1)
        correct = (predicted == samples.labels) & finite
        found = {"predicted": predicted.where(finite, math.nan), "confidence": confidence, "label": samples.labels, "correct": correct}
        found |= {probability_field(k): probabilities[:, k] for k in kept}
        values = {name: values.tolist() for name, values in found.items()}  # waits for the device, not for the store
        with span("store", "write"):
            self.store.commit_rows(key, stored_values(key, [row.key for row in rows], values))
        return predicted.where(finite, NO_TARGET)


def _image_bytes(samples: SampleBatch) -> int:
    return samples.images.numel() * samples.images.element_size()


def _explained_classes(subject: Subject, samples: SampleBatch, predicted: Tensor) -> Tensor:
    if subject.target == "predicted":
        return predicted
    targets = samples.labels if subject.target == "label" else torch.full_like(samples.labels, int(subject.target))
    return targets.where(predicted != NO_TARGET, NO_TARGET)
