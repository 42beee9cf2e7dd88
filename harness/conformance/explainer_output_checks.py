"""Checks of what explainers return: shapes, finite values, declared properties."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.api.attribution import Attribution
from harness.api.classifiers import Classifier
from harness.api.random_stages import randomised_in_place
from harness.conformance import networks
from harness.conformance.batch_under_test import ORDINARY, make_context
from harness.conformance.explainer_under_test import ExplainerUnderTest
from harness.conformance.measuring import TOLERANCE, map_difference
from harness.conformance.results import CheckSkipped, require
from harness.results.data_model import COMPLETENESS_TOLERANCE
from harness.worker.pass_counter import count_passes, count_passes_within

"""Greatest error of a promised sum, relative to the mean magnitude of what is promised."""


def check_shape(tested: ExplainerUnderTest) -> None:
    """A batch of images gives maps (B, H, W) or (B, C, H, W) of the images' size, or coarse ones that say so, all finite."""
    _ = tested.ordinary


def check_channels(tested: ExplainerUnderTest) -> None:
    """A map that keeps channels has those of the image, so that their sum is the map."""
    bound, model, images = tested.bound(), tested.network(), networks.make_images(2)
    ctx = make_context(model, ["image-0", "image-1"], f"explain/{bound.name}")
    if callable(fit := getattr(bound.call, "fit", None)):
        fit(model, ctx.fresh("fit"))
    returned = bound.call(model, images, networks.make_targets(2), **({"ctx": ctx} if bound.takes_ctx else {}))
    maps = returned.map if isinstance(returned, Attribution) else returned
    coarse = isinstance(returned, Attribution) and returned.coarse
    if not isinstance(maps, Tensor) or maps.ndim != 4 or coarse:
        raise CheckSkipped("it reduces channels itself")
    require(maps.shape[1] in (1, 3), f"the map has {maps.shape[1]} channels and the images have 3: sum what are no image channels yourself")


def check_not_constant(tested: ExplainerUnderTest) -> str | None:
    """How many maps are the same everywhere (reported)."""
    maps = tested.ordinary.returned.map
    flat = int((maps.flatten(1).amax(dim=1) == maps.flatten(1).amin(dim=1)).sum())
    return f"{flat} of {len(maps)} maps are constant" if flat else None


def check_sign(tested: ExplainerUnderTest) -> str | None:
    """Negative values come only from an explainer that declares ``signed=True``, where they are evidence against the target."""
    least = float(tested.ordinary.returned.map.min())
    if getattr(tested.declaration, "signed", False):
        return None if least < 0 else "declared signed, and no map had a negative value"
    require(least >= 0, f"returned {least:.3g} and declares no sign: declare @explainer(signed=True), or return magnitudes")
    return None


def check_completeness(tested: ExplainerUnderTest) -> str:
    """An explainer that promises completeness says what its map must sum to, and the map does (reported: by how much it misses)."""
    promised = getattr(tested.declaration, "complete", False)
    attribution = tested.ordinary.returned
    if attribution.expected is None:
        require(not promised, "declares complete=True: return Attribution(map, expected=what the map must sum to)")
        raise CheckSkipped("promises no completeness")
    total, expected = attribution.map.double().flatten(1).sum(dim=1), attribution.expected.double()
    error = float((total - expected).abs().mean() / expected.abs().mean().clamp(min=1e-12))
    kept = not promised or error <= COMPLETENESS_TOLERANCE
    require(kept, f"maps miss what they promise to sum to by {error:.1%} on a small network (allowed: {COMPLETENESS_TOLERANCE:.0%})")
    return f"maps miss what they should sum to by {error:.2%}" + ("" if promised else ", and nothing is promised")


def check_null_looks_at_no_model(tested: ExplainerUnderTest) -> None:
    """A null explainer makes no pass, and its maps depend on neither model nor target."""
    if not getattr(tested.declaration, "null", False):
        raise CheckSkipped("is no null explainer")
    model, images, targets = tested.network(), networks.make_images(3), networks.make_targets(3)
    count_passes(model.module)
    with count_passes_within() as passes:
        maps = tested.maps(model, images, targets)
    require(passes.total == 0, f"declares null=True, and sent {passes.total} images through the model")
    other: Classifier = model.randomised(1)
    difference = map_difference(maps, tested.maps(other, images, targets.roll(1)))
    require(difference == 0, "declares null=True, and its maps depend on the model or the target")


def check_exchanged_weights(tested: ExplainerUnderTest) -> None:
    """Of a network whose weights have been exchanged it explains what it computes now, as metrics of randomisation ask it to."""
    model, images, targets, explain = tested.network(), networks.make_images(2), networks.make_targets(2), tested.make_explain_function()
    layers = [name for name, layer in model.module.named_modules() if any(True for _ in layer.parameters(recurse=False))]
    maps = []
    for random in (layers, []):
        with randomised_in_place(model, 1, layers, random) as changed:
            maps.append(explain(changed, images, targets).map)
    difference = map_difference(maps[1], explain(model, images, targets).map)
    why = "it remembers something of the network that depends on its weights: remember it of the classifier, which is a new one each time"
    require(difference <= TOLERANCE, f"maps of a network whose weights were others before differ by {difference:.1%}: {why}")


def check_class_sensitivity(tested: ExplainerUnderTest) -> str:
    """For how many samples another target gives another map (reported; no failure: some methods are known not to be sensitive)."""
    first, given = tested.ordinary.results, tested.samples(ORDINARY)
    second = tested.maps(tested.ordinary.model, given.images, (given.targets + 1) % networks.CLASSES)
    differing = sum(map_difference(a[None], b[None]) > 1e-3 for a, b in zip(_scale_to_unit(first), _scale_to_unit(second), strict=True))
    return f"another target gives another map for {differing} of {len(first)} samples"


def _scale_to_unit(maps: Tensor) -> Tensor:
    """Maps of greatest magnitude 1, so that scale alone is no sensitivity."""
    scale = maps.abs().flatten(1).amax(dim=1).clamp(min=torch.finfo(maps.dtype).tiny)
    return maps / scale[:, None, None]
