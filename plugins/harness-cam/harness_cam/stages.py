"""The layers of a network from which maps of several resolutions are taken."""

from __future__ import annotations

from harness.api import Classifier
from harness.api.network_features import structure_of


def stage_layers(model: Classifier) -> list[str]:
    """The last layer at each resolution up to the model's ``cam_layer``, from the finest on; none where it names none.

    Layers of one position do not count (gates, pooled features), nor any behind the ``cam_layer``.
    """
    structure = structure_of(model)
    if model.cam_layer is None or model.cam_layer not in structure.reached:
        return []
    before = structure.reached[: structure.reached.index(model.cam_layer) + 1]
    last: dict[int, str] = {}
    for name in before:
        layout = structure.layouts.get(name)
        if name and layout is not None and layout.grid[0] * layout.grid[1] > 1:
            last[layout.grid[0] * layout.grid[1]] = name
    smallest = structure.layouts.get(model.cam_layer)
    coarsest = smallest.grid[0] * smallest.grid[1] if smallest is not None else 0
    finer = [last[cells] for cells in sorted(last, reverse=True) if cells > coarsest]
    return [*finer, model.cam_layer]


def no_stages(model: Classifier, layers: list[str] | None = None) -> str | None:
    """Reason why there are no layers to take maps of; None where they are named, or the model has a ``cam_layer``."""
    if layers or stage_layers(model):
        return None
    return "the model names no cam_layer, before which the last layer of each resolution would be taken; name them with `layers`"
