"""The classes of a dataset in a model, for a plan: matched or refused, with the names of both, and with a note where they were guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from harness.planning.class_matching import ClassMismatch, check_labels_in_range, match_classes, order_note
from harness.planning.facts import DatasetFacts, ModelFacts
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry


def match_model_classes(
    registry: Registry,
    dataset: Recipe,
    facts: DatasetFacts,
    model: Recipe,
    model_facts: ModelFacts,
    class_map: Mapping[str, str | int] | None,
) -> tuple[list[int] | None, ModelFacts]:
    """The model's class of each of the dataset's labels (None: as they are), and the model's facts with a note of how they were guessed.

    Raises `ClassMismatch` that names the dataset, the model, and those of the model's parameters which might help.
    """
    names, known, number = facts.class_names, model_facts.class_names, model_facts.num_classes
    try:
        classes = match_classes(names, known, number, class_map)
        if names is None:
            labels = facts.labels if classes is None else [classes[label] if 0 <= label < len(classes) else label for label in facts.labels]
            check_labels_in_range(labels, facts.ids, number)
    except ClassMismatch as error:
        properties = registry.known("models", model.qualified).parameters.get("properties", {})
        taken = " and ".join(f"`{name}`" for name in ("num_classes", "class_names") if name in properties)
        also = f" (parameters of {model.name} that may help: {taken})" if taken else ""
        raise ClassMismatch(f"the dataset {dataset.label} and the model {model.label}: {error}{also}") from error
    note = order_note(names, known, number, class_map)
    return classes, model_facts if note is None else replace(model_facts, notes=[*model_facts.notes, f"{note} (dataset: {dataset.label})"])
