"""Notes that a plan's datasets and models want a person to know: each thing said once, by whom it is about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.api.cam_layer import CAM_LAYER_NOTE
from harness.planning.group_plan import GroupPlan
from harness.registry.declared_needs import training_fallbacks
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.text_format import format_some

WITHOUT_TRAINING = "without training images, "  # how the note of a row begins that would learn from training images
LAYER_PARAMETER = "layer"  # an explainer's parameter by this name that is not given means the model's `cam_layer`


def group_notes(group: GroupPlan) -> list[str]:
    """The notes of one group, each after the label of its dataset or model; the layer of class activation maps is among them."""
    found = []
    if group.dataset_facts is not None:
        found += [f"{group.dataset.label}: {note}" for note in group.dataset_facts.notes]
    if group.model_facts is not None:
        recipes = (column.recipe for column in group.columns if column.reason is None and column.variant == group.variant)
        notes = model_notes(group.model_facts.notes, group.model_facts.cam_layer, recipes)
        found += [f"{group.model.label}: {note}" for note in notes]
    return found


def all_notes(groups: Sequence[GroupPlan]) -> list[str]:
    """The notes of all groups, each once, then those of their rows, which a leaderboard has as footnotes."""
    rows: dict[str, dict[str, None]] = {}
    for group in groups:
        for column in group.columns:
            for note in column.notes:
                rows.setdefault(note, {})[column.label] = None
    last = sorted(rows.items(), key=lambda row: row[0].startswith(WITHOUT_TRAINING))  # what to write against it is said below
    said = [f"{format_some(list(labels))}: {note}" for note, labels in last]
    return list(dict.fromkeys([*(note for group in groups for note in group_notes(group)), *said]))


def fallback_notes(registry: Registry, recipe: Recipe) -> list[str]:
    """Notes for a reader of an explanation whose explainer would learn from training images, and there are none."""
    return [f"{WITHOUT_TRAINING}{otherwise}" for otherwise in sorted(training_fallbacks(registry, recipe))]


def takes_cam_layer(recipe: Recipe) -> bool:
    """Whether an explainer, or one nested in it, looks at the layer that the model names for class activation maps."""
    return recipe.params.get(LAYER_PARAMETER, "") is None or any(map(takes_cam_layer, recipe.nested))


def model_notes(notes: Sequence[str], layer: str | None, recipes: Iterable[Recipe]) -> list[str]:
    """A model's ``notes``; where class activation maps are taken is one of them if, and only if, one of ``recipes`` asks for it."""
    others = [note for note in notes if not note.startswith(CAM_LAYER_NOTE)]
    if layer is None or not any(map(takes_cam_layer, recipes)):
        return others
    return [*others, next((note for note in notes if f"{note} ".startswith(f"{CAM_LAYER_NOTE}{layer} ")), f"{CAM_LAYER_NOTE}{layer}")]
