"""The ordeal of explainers and of metrics: any batch, the same answer to the same question, and everything left as it was."""

from __future__ import annotations

import torch

from harness.conformance.batch_under_test import ORDINARY, BatchUnderTest
from harness.conformance.measuring import TOLERANCE, measure_memory_growth, scramble_generators
from harness.conformance.results import CheckFailed, require


def check_batch_of_one(tested: BatchUnderTest) -> None:
    """One sample gives one result, batch dimension included."""
    tested.results(tested.samples(1))


def check_one_channel(tested: BatchUnderTest) -> None:
    """Works on images of one channel."""
    tested.results(tested.samples(2, (1, 32, 32)))


def check_not_square(tested: BatchUnderTest) -> None:
    """Works on images that are not square, and keeps height and width apart."""
    tested.results(tested.samples(2, (3, 32, 48)))


def check_deterministic(tested: BatchUnderTest) -> None:
    """The same seed and sample give the same result, whatever state the global generators are in."""
    scramble_generators(1)
    ordinary = tested.ordinary
    scramble_generators(2)
    difference = tested.difference(ordinary.results, tested.results(tested.samples(ORDINARY), ordinary.model))
    require(difference <= TOLERANCE, f"two calls differ by {difference:.2g}{tested.relative}: draw all randomness from ctx")


def check_batch_size(tested: BatchUnderTest) -> None:
    """A sample's result does not depend on how many samples are in its batch, beyond float noise."""
    ordinary, function = tested.ordinary, tested.make_function()
    for name, parts in (("one by one", [[i] for i in range(ORDINARY)]), ("as 3 + 1", [[0, 1, 2], [3]])):
        difference = tested.difference(ordinary.results, torch.cat([function(ordinary.model, ordinary.given.rows(part)) for part in parts]))
        require(
            difference <= TOLERANCE,
            f"{tested.noun}s of {ORDINARY} samples at once and {name} differ by {difference:.2g}{tested.relative} (float noise: "
            f"{TOLERANCE:g}): nothing may be computed over the batch dimension",
        )


def check_neighbours(tested: BatchUnderTest) -> None:
    """A sample's result does not depend on which other samples are in its batch, nor on their order."""
    ordinary, given = tested.ordinary, tested.ordinary.given
    difference = tested.difference(ordinary.results[:1], tested.results(given.beside_another(), ordinary.model)[:1])
    require(difference <= TOLERANCE, f"a sample's {tested.noun} changes by {difference:.2g}{tested.relative} when its neighbours do")
    backwards = tested.results(given.rows(range(ORDINARY)[::-1]), ordinary.model).flip(0)
    difference = tested.difference(ordinary.results, backwards)
    require(difference <= TOLERANCE, f"{tested.noun}s change by {difference:.2g}{tested.relative} when the batch is reversed")


def check_seed(tested: BatchUnderTest) -> str:
    """Whether another seed gives another result (reported)."""
    given = tested.ordinary.given.rows([0, 1])
    difference = tested.difference(tested.ordinary.results[:2], tested.results(given, tested.ordinary.model, seed=1))
    random = difference > TOLERANCE
    return f"random: another seed changes {tested.noun}s by {difference:.2g}" if random else "the same under every seed"


def check_model_untouched(tested: BatchUnderTest) -> None:
    """Weights, buffers, mode, hooks, gradient flags, global generators, threads and default types are left as they were."""
    mutation = tested.watched.mutation
    if mutation is not None:
        raise CheckFailed(f"{mutation}: put back whatever you change, in a finally block") from mutation


def check_memory(tested: BatchUnderTest) -> None:
    """Calling again and again keeps no tensors alive."""
    model, function = tested.network(), tested.make_function()
    tensors, size = measure_memory_growth(lambda: function(model, tested.samples(1)))
    require(tensors < 1, f"every call keeps {tensors:.1f} tensors ({size:.0f} bytes) alive: keep nothing between calls")
