"""Answers to what planning must know of components, which takes importing and running them: plain JSON, as requests are."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.api.declarations import declaration_of
from harness.api.network_features import detect_features
from harness.planning.facts import DatasetFacts, ModelFacts
from harness.registry.binding import declared_passes
from harness.registry.recipe import Recipe
from harness.text_format import format_some
from harness.worker.applicability import refusal_reason
from harness.worker.component_cache import ComponentCache
from harness.worker.mutation_guard import caused_mutation, forbid_changes
from harness.worker.probe_logits import compute_probe_logits
from harness.worker.sample_summary import SampleSummary, check_reading_is_repeatable, describe_values_out_of_range
from harness.worker.samples import SampleError, read_sample
from harness.worker.training_data import class_names_of, training_facts

FORBIDDEN_NAME_CATEGORIES = (
    "Cc",
    "Cs",
    "Zl",
    "Zp",
)  # categories of characters that no name has: control, undecodable, separators of lines and paragraphs


def answer_request(components: ComponentCache, request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to one request (see `harness.planning.remembered_facts`), as plain JSON.

    Beside its ``value`` are the states of the files that were ``read`` to find it out, and a digest of their ``content``.
    """
    recipe = Recipe.from_json(request["recipe"])
    value = _answer_value(components, request, recipe)
    content = components.factory.reading.content(recipe) if request["ask"] in ("model", "opened", "passes") else None
    return {"value": value, "read": components.factory.reading.states(recipe), "content": content}


def _answer_value(components: ComponentCache, request: Mapping[str, Any], recipe: Recipe) -> Any:
    if request["ask"] == "dataset":
        return dataset_facts(components, recipe, request["known"]).to_json()
    if request["ask"] == "model":
        return model_facts(components, recipe).to_json()
    if request["ask"] == "training":
        dataset = components.dataset(recipe)
        with components.factory.reading.of(recipe):
            return training_facts(dataset, request["seed"], request["labelled"], request["known"]).to_json()
    if request["ask"] == "passes":
        declared = metric_passes(components, recipe)
        with forbid_changes([]):
            components.metric(recipe)  # what this opens is told with it
        return {"passes": declared}
    if request["ask"] == "verdict":
        return check_applicability(components, Recipe.from_json(request["model"]), recipe)
    if request["ask"] == "opened":
        check_construction(components, recipe)
        return {}
    raise ValueError(f"unknown request {request['ask']!r}")


def dataset_facts(components: ComponentCache, recipe: Recipe, known: Mapping[str, Sequence[str]]) -> DatasetFacts:
    """Reads the whole dataset once, and some of it twice; samples keep the digests that are ``known`` of them.

    Raises ``ValueError`` if a sample is another when it is read again, an id is there twice or cannot be shown, or there is no sample
    that can be used.
    """
    dataset, name = components.dataset(recipe), recipe.label or recipe.name
    with components.factory.reading.of(recipe):
        looks = [SampleSummary.at(read_sample(dataset, place), known) for place in range(len(dataset))]
        check_reading_is_repeatable(dataset, name, looks)
    ids = [look.id for look in looks]
    twice = sorted({name for name in ids if ids.count(name) > 1}) if len(set(ids)) < len(ids) else []
    if twice:
        raise SampleError(f"the dataset {name} has two samples of one id: {', '.join(twice[:3])}")
    hidden = [
        text for text in [*ids, *(class_names_of(dataset) or ())] if any(unicodedata.category(c) in FORBIDDEN_NAME_CATEGORIES for c in text)
    ]
    if hidden:
        raise SampleError(f"the dataset {name} has names with control characters, rename them: {hidden[:3]!a}")
    if not looks:
        raise SampleError(f"the dataset {name} has no samples")
    used = [look for look in looks if look.finite]
    if not used:
        raise SampleError(f"the dataset {name} has no sample without values that are not finite (NaN or infinite): {format_some(ids, 3)}")
    return DatasetFacts(
        ids=[look.id for look in used],
        digests=[look.digest for look in used],
        labels=[look.label for look in used],
        class_names=class_names_of(dataset),
        evidence=_evidence_layouts(name, used),
        notes=[*(str(note) for note in getattr(dataset, "notes", ())), *_left_out_notes(looks)],
        left_out=[place for place, look in enumerate(looks) if not look.finite],
        outside=describe_values_out_of_range(used),
    )


def _evidence_layouts(name: str, looks: Sequence[SampleSummary]) -> dict[str, str]:
    """The layout of each kind of evidence that any sample has; raises `SampleError` where two samples' differ."""
    found: dict[str, str] = {}
    for look in looks:
        for kind, layout in look.evidence.items():
            if found.setdefault(kind, layout) != layout:
                raise SampleError(f"the dataset {name} has {kind} as {found[kind]} and, of sample {look.id}, as {layout}: make them alike")
    return found


def _left_out_notes(looks: Sequence[SampleSummary]) -> Iterator[str]:
    bad = [look.id for look in looks if not look.finite]
    if bad:
        has = "has" if len(bad) == 1 else "have"
        values = "values that are not finite (NaN or infinite)"
        yield f"{len(bad)} of {len(looks)} samples {has} {values} and {has} no rows: {format_some(bad, 3)}"


def model_facts(components: ComponentCache, recipe: Recipe) -> ModelFacts:
    """Makes the model."""
    model = components.model(recipe)
    return ModelFacts(
        digest=model.digest,
        num_classes=model.num_classes,
        class_names=model.class_names,
        input_shape=list(model.input_shape),
        family=model.family,
        cam_layer=model.cam_layer,
        features=sorted(detect_features(model)),
        parameters=sum(parameter.numel() for parameter in model.module.parameters()),
        notes=list(model.notes),
        bounded=model.bounds is not None,
        answers=compute_probe_logits(model, steady=True),
    )


def check_applicability(components: ComponentCache, model_recipe: Recipe, recipe: Recipe) -> dict[str, Any]:
    """What an explainer says of a model: ``reason`` why it is not applicable, ``declared_passes`` per sample (None: not known).

    Raises `harness.worker.mutation_guard.MutationError` if binding it or asking it changed the model (which is made again then) or
    shared state.
    """
    model = components.model(model_recipe)
    try:
        with forbid_changes(model.module):
            reason = refusal_reason(components, recipe, model)
    except BaseException as error:
        if caused_mutation(error):
            components.forget_models(model_recipe)
        raise
    return {"reason": reason, "passes": _explainer_passes(components, recipe)}


def check_construction(components: ComponentCache, recipe: Recipe) -> None:
    """Make an explainer; raises `MutationError` if that changed shared state, and will be found to do so again."""
    try:
        with forbid_changes([]):
            components.explainer(recipe)
    except BaseException as error:
        if caused_mutation(error):
            components.forget_explainers()
        raise


def _explainer_passes(components: ComponentCache, recipe: Recipe) -> float | None:
    """Passes per sample that an explainer declares; of a composition that does not say, what its parts take."""
    declared = declared_passes(declaration_of(components.factory.component(recipe), "explainers"), recipe.params)
    parts = [_explainer_passes(components, nested) for nested in recipe.nested] if declared is None else []
    known = [part for part in parts if part is not None]
    return sum(known) if parts and len(known) == len(parts) else declared


def metric_passes(components: ComponentCache, recipe: Recipe) -> float | None:
    """Passes per sample that a metric declares for its parameters, or None; of one that explains again, how often it does."""
    return declared_passes(declaration_of(components.factory.component(recipe), "metrics"), recipe.params)
