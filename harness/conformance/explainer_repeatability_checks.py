"""The same question has the same answer: under a seed, in any batch, beside any neighbours."""

from __future__ import annotations

import torch

from harness.conformance import networks
from harness.conformance.explainer_under_test import ExplainerUnderTest
from harness.conformance.random_generators import scramble_generators
from harness.conformance.results import require
from harness.conformance.tolerance import TOLERANCE, map_difference

COUNT = 5
IDS = [f"image-{i}" for i in range(COUNT)]


def check_deterministic(tested: ExplainerUnderTest) -> None:
    """The same seed and sample give the same map, whatever state the global generators are in."""
    model, images, targets = tested.network(), networks.make_images(3), networks.make_targets(3)
    found = []
    for state in (1, 2):
        scramble_generators(state)
        found.append(tested.maps(model, images, targets))
    difference = map_difference(*found)
    require(difference <= TOLERANCE, f"two calls differ by {difference:.2g} of the map's magnitude: draw all randomness from ctx")


def check_batch_size(tested: ExplainerUnderTest) -> None:
    """A sample's map does not depend on how many samples are explained with it, beyond float noise."""
    model, images, targets = tested.network(), networks.make_images(COUNT), networks.make_targets(COUNT)
    whole = tested.maps(model, images, targets, IDS)
    single = torch.cat([tested.maps(model, images[i : i + 1], targets[i : i + 1], IDS[i : i + 1]) for i in range(COUNT)])
    uneven = torch.cat([tested.maps(model, images[part], targets[part], IDS[part]) for part in (slice(0, 3), slice(3, COUNT))])
    for name, other in (("one by one", single), ("as 3 + 2", uneven)):
        difference = map_difference(whole, other)
        require(
            difference <= TOLERANCE,
            f"maps of {COUNT} samples at once and {name} differ by {difference:.2g} of a map's magnitude (float noise: {TOLERANCE:g}): "
            "nothing may be computed over the batch dimension",
        )


def check_neighbours(tested: ExplainerUnderTest) -> None:
    """A sample's map does not depend on which other samples are in its batch, nor on their order."""
    model, images, targets = tested.network(), networks.make_images(COUNT), networks.make_targets(COUNT)
    whole = tested.maps(model, images, targets, IDS)
    others = images.clone()
    others[1:] = 3 * networks.make_images(COUNT - 1, seed=5).sign()
    beside = tested.maps(model, others, targets, [IDS[0], *(f"other-{i}" for i in range(1, COUNT))])
    difference = map_difference(whole[:1], beside[:1])
    require(difference <= TOLERANCE, f"a sample's map changes by {difference:.2g} of its magnitude when its neighbours do")
    backwards = tested.maps(model, images.flip(0), targets.flip(0), IDS[::-1]).flip(0)
    difference = map_difference(whole, backwards)
    require(difference <= TOLERANCE, f"maps change by {difference:.2g} of their magnitude when the batch is reversed")


def check_seed(tested: ExplainerUnderTest) -> str:
    """Whether another seed gives another map (reported)."""
    model, images, targets = tested.network(), networks.make_images(2), networks.make_targets(2)
    difference = map_difference(tested.maps(model, images, targets, seed=0), tested.maps(model, images, targets, seed=1))
    return f"random: another seed changes maps by {difference:.2g}" if difference > TOLERANCE else "the same under every seed"
