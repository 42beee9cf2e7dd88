"""The ordeal of explainers and of metrics: any batch, the same answer to the same question, and everything left as it was."""

from __future__ import annotations

from contextlib import suppress

import torch

from harness.conformance.batch_under_test import BatchUnderTest
from harness.conformance.measuring import TOLERANCE, measure_memory_growth, scramble_generators
from harness.conformance.results import CheckFailed, require
from harness.worker.contracts import ContractError
from harness.worker.mutation_guard import MutationError, forbid_changes

COUNT = 5


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
    model, found = tested.network(), []
    for state in (1, 2):
        scramble_generators(state)
        found.append(tested.results(tested.samples(3), model))
    difference = tested.difference(*found)
    require(difference <= TOLERANCE, f"two calls differ by {difference:.2g}{tested.relative}: draw all randomness from ctx")


def check_batch_size(tested: BatchUnderTest) -> None:
    """A sample's result does not depend on how many samples are in its batch, beyond float noise."""
    model, given = tested.network(), tested.samples(COUNT)
    whole = tested.results(given.rows(range(COUNT)), model)
    for name, parts in (("one by one", [[i] for i in range(COUNT)]), ("as 3 + 2", [[0, 1, 2], [3, 4]])):
        difference = tested.difference(whole, torch.cat([tested.results(given.rows(part), model) for part in parts]))
        require(
            difference <= TOLERANCE,
            f"{tested.noun}s of {COUNT} samples at once and {name} differ by {difference:.2g}{tested.relative} (float noise: "
            f"{TOLERANCE:g}): nothing may be computed over the batch dimension",
        )


def check_neighbours(tested: BatchUnderTest) -> None:
    """A sample's result does not depend on which other samples are in its batch, nor on their order."""
    model, given = tested.network(), tested.samples(COUNT)
    whole = tested.results(given.rows(range(COUNT)), model)
    difference = tested.difference(whole[:1], tested.results(given.beside_others(), model)[:1])
    require(difference <= TOLERANCE, f"a sample's {tested.noun} changes by {difference:.2g}{tested.relative} when its neighbours do")
    backwards = tested.results(given.rows(range(COUNT)[::-1]), model).flip(0)
    difference = tested.difference(whole, backwards)
    require(difference <= TOLERANCE, f"{tested.noun}s change by {difference:.2g}{tested.relative} when the batch is reversed")


def check_seed(tested: BatchUnderTest) -> str:
    """Whether another seed gives another result (reported)."""
    model, given = tested.network(), tested.samples(3)
    difference = tested.difference(tested.results(given, model, seed=0), tested.results(given, model, seed=1))
    random = difference > TOLERANCE
    return f"random: another seed changes {tested.noun}s by {difference:.2g}" if random else "the same under every seed"


def check_model_untouched(tested: BatchUnderTest) -> None:
    """Weights, buffers, mode, hooks, gradient flags, global generators, threads and default types are left as they were."""
    model, function, given = tested.network(), tested.make_function(), tested.samples(3)
    with suppress(ContractError):
        try:
            scramble_generators()
            with forbid_changes(model.module):
                function(model, given)
        except MutationError as error:
            raise CheckFailed(f"{error}: put back whatever you change, in a finally block") from error


def check_memory(tested: BatchUnderTest) -> None:
    """Calling again and again keeps no tensors alive."""
    model, function = tested.network(), tested.make_function()
    tensors, size = measure_memory_growth(lambda: function(model, tested.samples(2)))
    require(tensors < 1, f"every call keeps {tensors:.1f} tensors ({size:.0f} bytes) alive: keep nothing between calls")
