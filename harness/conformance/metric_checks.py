"""What a metric returns, and that the same question has the same answer."""

from __future__ import annotations

from contextlib import suppress

import torch

from harness.api.evidence import evidence_kind
from harness.conformance.memory_growth import measure_memory_growth
from harness.conformance.metric_under_test import MetricUnderTest
from harness.conformance.random_generators import scramble_generators
from harness.conformance.results import CheckFailed, CheckSkipped, require
from harness.conformance.tolerance import TOLERANCE, score_difference
from harness.worker.contracts import ContractError
from harness.worker.mutation_guard import MutationError, forbid_changes

COUNT = 5
BOUNDS_TOLERANCE = 1e-5
"""By how much a score may leave its bounds for the sake of float noise."""


def check_scores(tested: MetricUnderTest) -> None:
    """A batch of samples gives one float per sample (B,); NaN where undefined, never infinite."""
    scores = tested.scores(tested.explained(4))
    require(not torch.isinf(scores).any(), "an infinite score: return NaN where a score is undefined")
    require(not scores.isnan().all(), "NaN for all of four ordinary samples, with masks, boxes and an explainer")


def check_batch_of_one(tested: MetricUnderTest) -> None:
    """One sample gives one score, batch dimension included."""
    tested.scores(tested.explained(1))


def check_one_channel(tested: MetricUnderTest) -> None:
    """Works on images of one channel."""
    tested.scores(tested.explained(2, (1, 32, 32)))


def check_not_square(tested: MetricUnderTest) -> None:
    """Works on images that are not square, and keeps height and width apart."""
    tested.scores(tested.explained(2, (3, 32, 48)))


def check_declared(tested: MetricUnderTest) -> None:
    """The metric declares its category and which direction is better."""
    require(tested.declared, 'declares nothing: mark it with @metric(category="…", direction="higher" or "lower"), for ranks')


def check_bounds(tested: MetricUnderTest) -> None:
    """Scores of ordinary, constant, zero, negative and perfect maps keep within the declared bounds."""
    low, high = getattr(tested.declaration, "bounds", (None, None))
    if low is None and high is None:
        raise CheckSkipped("declares no bounds")
    given = tested.explained(4)
    kinds = {
        "ordinary": given.maps,
        "negative": -given.maps.abs(),
        "constant": torch.ones_like(given.maps),
        "zero": torch.zeros_like(given.maps),
        "perfect": given.masks.float(),
        "one-pixel": torch.nn.functional.one_hot(torch.zeros(4, dtype=torch.long), given.maps[0].numel()).float().view_as(given.maps),
    }
    for name, maps in kinds.items():
        scores = tested.scores(given.with_maps(maps.clone()))
        outside = scores[
            (scores < (-torch.inf if low is None else low) - BOUNDS_TOLERANCE)
            | (scores > (torch.inf if high is None else high) + BOUNDS_TOLERANCE)
        ]
        require(len(outside) == 0, f"the score {outside[:1].tolist()} of {name} maps is outside the declared bounds ({low}, {high})")


def check_deterministic(tested: MetricUnderTest) -> None:
    """The same seed and samples give the same scores, whatever state the global generators are in."""
    found = []
    for state in (1, 2):
        scramble_generators(state)
        found.append(tested.scores(tested.explained(3)))
    difference = score_difference(*found)
    require(difference <= TOLERANCE, f"two calls differ by {difference:.2g}: draw all randomness from ctx")


def check_batch_size(tested: MetricUnderTest) -> None:
    """A sample's score does not depend on how many samples are scored with it, beyond float noise."""
    given = tested.explained(COUNT)
    whole = tested.scores(given.rows(range(COUNT)))
    single = torch.cat([tested.scores(given.rows([i])) for i in range(COUNT)])
    difference = score_difference(whole, single)
    require(
        difference <= TOLERANCE,
        f"scores of {COUNT} samples at once and one by one differ by {difference:.2g}",
    )


def check_neighbours(tested: MetricUnderTest) -> None:
    """A sample's score does not depend on which other samples are in its batch, nor on their order."""
    given = tested.explained(COUNT)
    whole = tested.scores(given.rows(range(COUNT)))
    others = given.rows(range(COUNT))
    others.images[1:] = others.images[1:].sign()
    others.maps[1:] *= 1000
    difference = score_difference(whole[:1], tested.scores(others)[:1])
    require(difference <= TOLERANCE, f"a sample's score changes by {difference:.2g} when its neighbours do")
    backwards = tested.scores(given.rows(range(COUNT)[::-1])).flip(0)
    difference = score_difference(whole, backwards)
    require(difference <= TOLERANCE, f"scores change by {difference:.2g} when the batch is reversed")


def check_inputs_untouched(tested: MetricUnderTest) -> None:
    """Images, targets, maps, parts, evidence (masks, boxes, …) and labels are not written into."""
    given, before = tested.explained(3), tested.explained(3)
    with suppress(ContractError):
        tested.scores(given)
    for name in ("images", "targets", "maps", "labels", "part"):
        require(torch.equal(getattr(given, name), getattr(before, name)), f"wrote into the case's {name}: work on a copy")
    for name, value in given.evidence.items():
        same = all(map(torch.equal, value, before.evidence[name]))
        require(same, f"wrote into the case's {evidence_kind(name).need}: work on a copy")


def check_model_untouched(tested: MetricUnderTest) -> None:
    """Weights, buffers, mode, hooks, gradient flags, global generators, threads and default types are left as they were."""
    model = tested.model()
    with suppress(ContractError):
        try:
            scramble_generators()
            with forbid_changes(model.module):
                tested.scores(tested.explained(3), model)
        except MutationError as error:
            raise CheckFailed(f"{error}: put back whatever you change, in a finally block") from error


def check_memory(tested: MetricUnderTest) -> None:
    """Scoring again and again keeps no tensors alive."""
    model = tested.model()
    tensors, size = measure_memory_growth(lambda: tested.scores(tested.explained(2), model))
    require(tensors < 1, f"every call keeps {tensors:.1f} tensors ({size:.0f} bytes) alive: keep nothing between calls")


def check_seed(tested: MetricUnderTest) -> str:
    """Whether another seed gives another score (reported)."""
    difference = score_difference(tested.scores(tested.explained(3), seed=0), tested.scores(tested.explained(3), seed=1))
    return f"random: another seed changes scores by {difference:.2g}" if difference > TOLERANCE else "the same under every seed"
