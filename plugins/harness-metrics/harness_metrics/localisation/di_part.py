"""DiPart, localisation in a grid of which the head sees one cell (Rao et al. 2022)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from harness.api import Case, Classifier, metric
from harness.api.kept_networks import kept_network
from harness.api.network_copies import copied_network
from harness_metrics.localisation.citations import RAO_2022
from harness_metrics.localisation.grids import Confidence, Side, has_grid, no_grid_reason, other_images, require_taken, sure_images
from harness_metrics.localisation.mosaics import mosaics, quadrants
from harness_metrics.maps import mass, mass_inside


class NoPooledHead(ValueError):
    """A network whose logits do not all come from one layer that pools its last feature map."""


def part_passes(params: Mapping[str, object]) -> float:
    """Times what explaining takes: two grids of whole images."""
    return 2 * float(str(params["side"])) ** 2


@metric(
    category="localisation",
    direction="higher",
    needs={"explainer", "training-labels"},
    labelled="training",
    bounds=(0, 1),
    passes=part_passes,
    cite=RAO_2022,
)
def di_part(
    case: Case,
    *,
    side: Side = 3,
    confidence: Confidence = 0.5,
    training: Annotated[int, Field(ge=4)] = 200,
) -> Tensor:
    """Share of the positive relevance on the sample in a grid of which the network's head sees the sample's cell alone.

    Rao et al. 2022 (section 3.1, DiPart): as in the `grid-pointing-game`, but the features of all other cells are cut off before they are
    pooled, so that other images can reach the logits only by way of the receptive fields at the cell's edge. What relevance the others get
    is the explainer's own. As there the sample is in one corner of the grid, and then in the opposite one.

    The network gets a head for one cell where it pools its last feature map: by ``AdaptiveAvgPool2d``, or a function that preparing the
    network has made one.

    Args:
        case: the samples; their explainer explains grids for the same target, on the network with the other head.
        side: images along each side of the grid; the authors have 2 and 3.
        confidence: a training image is in grids only if its own class has at least this probability; 0 takes all.
        training: how many training images there are to choose from, the same for every sample.

    Returns:
        ``(B,)`` in [0, 1], higher is better, the mean of both corners; chance 1 / ``side``². Where there are fewer other classes than
        cells, some have several images. NaN for a sample that is known to be of another class than its target's, where too few training
        images of other classes are left, and where neither map has a positive value (Rao et al.: 0).

    Raises `TakesNoGrid` for a network that takes images of one size alone, and `NoPooledHead` for one without such a head.
    """
    size = (case.images.shape[-2] * side, case.images.shape[-1] * side)
    require_taken(case, size)
    others, labels = sure_images(case, training, confidence)
    undefined, last = torch.full_like(case.attributions[:, 0, 0], torch.nan), side**2 - 1
    if len(labels) < last:
        return undefined
    beside = others[other_images(case, labels, last, samples=1)[:, 0]]
    own, shares = case.images[:, None], []
    for corner, pictures in ((0, [own, beside]), (last, [beside, own])):
        maps = case.explain(images=mosaics(torch.cat(pictures, dim=1), size), model=with_head_of(case.model, side, corner))
        inside = quadrants(torch.arange(last + 1, device=maps.device)[None] == corner, size)
        shares.append(mass_inside(mass(maps, absolute=False), inside.expand(len(maps), -1, -1)))
    return torch.where(has_grid(case, labels, last), torch.stack(shares).nanmean(dim=0), undefined)


def no_reason(model: Classifier, side: int = 3) -> str | None:
    """Reason why ``model`` cannot be shown a grid with a head for one cell, or None."""
    height, width = model.input_shape[1:]
    try:
        pooling_layer(model)
    except NoPooledHead as error:
        return str(error)
    return no_grid_reason(model, (height * side, width * side))


di_part.applicable = no_reason  # type: ignore[attr-defined]


def with_head_of(model: Classifier, side: int, cell: int) -> Classifier:
    """The classifier with a head that sees only the features of one cell of a grid, in reading order; it shares all weights.

    Raises `NoPooledHead` for a network that has no such head.
    """

    def make() -> Classifier:
        twin = copied_network(model, (*model.module.parameters(), *model.module.buffers()))
        twin.module.get_submodule(pooling_layer(model)).register_forward_pre_hook(partial(_crop, side=side, cell=cell))
        return twin

    return kept_network(model, ("harness-metrics", "head of a cell", side, cell), make)


def pooling_layer(model: Classifier) -> str:
    """The name of the layer that pools the last feature map; costs three passes of an image.

    Raises `NoPooledHead` where there is none, or where the logits change although it is given zeros.
    """
    called: list[str] = []
    pools = {name: layer for name, layer in model.module.named_modules() if isinstance(layer, nn.AdaptiveAvgPool2d)}
    handles = [layer.register_forward_pre_hook(lambda _, args, name=name: called.append(name)) for name, layer in pools.items()]
    first, second = torch.rand(2, 1, *model.input_shape, generator=torch.Generator().manual_seed(0)).to(model.device, model.dtype)
    with torch.no_grad():
        try:
            model(first)
        finally:
            for handle in handles:
                handle.remove()
        if not called:
            raise NoPooledHead("the network has no layer that pools its last feature map over the image")
        handle = pools[called[-1]].register_forward_pre_hook(lambda _, args: (torch.zeros_like(args[0]),))
        try:
            alike = torch.equal(model(first), model(second))
        finally:
            handle.remove()
    if not alike or called.count(called[-1]) > 1:
        raise NoPooledHead(f"not all that the network's logits depend on goes through {called[-1]}, and once")
    return called[-1]


def _crop(layer: nn.Module, args: tuple[Tensor, ...], side: int, cell: int) -> tuple[Tensor]:
    """The features of one cell."""
    height, width = args[0].shape[-2:]
    row, column = divmod(cell, side)
    rows, columns = (slice(length * at // side, length * (at + 1) // side) for length, at in ((height, row), (width, column)))
    return (args[0][..., rows, columns],)
