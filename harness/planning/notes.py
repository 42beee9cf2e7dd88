"""What a plan's datasets and models want a person to know: each thing said once, by whom it is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from harness.planning.columns import GroupPlan
from harness.registry.recipe import Recipe
from harness.words import some

LAYER = "layer"  # an explainer's parameter by this name that is not given means the model's `cam_layer`


def group_notes(group: GroupPlan) -> list[str]:
    """The notes of one group, each after the label of its dataset or model; the layer of class activation maps is among them."""
    found = []
    if group.dataset_facts is not None:
        found += [f"{group.dataset.label}: {note}" for note in group.dataset_facts.notes]
    if group.model_facts is not None:
        found += [f"{group.model.label}: {note}" for note in (*group.model_facts.notes, *_cam_layer(group))]
    return found


def all_notes(groups: Sequence[GroupPlan]) -> list[str]:
    """The notes of all groups, each once, then those of their rows, which a leaderboard has as footnotes."""
    rows: dict[str, dict[str, None]] = {}
    for group in groups:
        for column in group.columns:
            for note in column.notes:
                rows.setdefault(note, {})[column.label] = None
    said = [f"{some(list(labels))}: {note}" for note, labels in rows.items()]
    return list(dict.fromkeys([*(note for group in groups for note in group_notes(group)), *said]))


def takes_cam_layer(recipe: Recipe) -> bool:
    """Whether an explainer, or one nested in it, looks at the layer that the model names for class activation maps."""
    return recipe.params.get(LAYER, "") is None or any(map(takes_cam_layer, recipe.nested))


def cam_layer_note(layer: str | None, recipes: Iterable[Recipe], said: Sequence[str]) -> Iterator[str]:
    """Where class activation maps come from, for those of ``recipes`` that ask the model; nothing where it has ``said`` so itself."""
    note = f"class activation maps are taken at {layer}"
    if layer is not None and any(map(takes_cam_layer, recipes)) and not any(f"{each} ".startswith(f"{note} ") for each in said):
        yield note


def _cam_layer(group: GroupPlan) -> Iterator[str]:
    assert group.model_facts is not None
    recipes = (c.recipe for c in group.columns if c.reason is None and c.twin is None and not c.oracle)
    yield from cam_layer_note(group.model_facts.cam_layer, recipes, group.model_facts.notes)
