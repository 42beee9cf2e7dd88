"""Metrics at the edges: maps without mass, samples without masks, and what a metric declares to need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from harness.api.case import NeedsExplainer
from harness.api.evidence import EVIDENCE_KINDS, evidence_kind
from harness.conformance.batch_under_test import EVERYWHERE, ORDINARY, ExplainedSamples
from harness.conformance.measuring import TOLERANCE, score_difference
from harness.conformance.metric_under_test import MetricUnderTest
from harness.conformance.results import CheckFailed, CheckSkipped, require


def _scores_with_one_changed(tested: MetricUnderTest, changed: ExplainedSamples, what: str) -> Tensor:
    """Scores where sample 0 is ``changed``; the others' must stay as they are."""
    scores = tested.results(changed)
    require(not torch.isinf(scores).any(), f"infinite for {what}: return NaN if a score is undefined")
    difference = score_difference(tested.ordinary.results[1:], scores[1:])
    require(difference <= TOLERANCE, f"{what} changes the scores of the other samples by {difference:.2g}")
    return scores


def _report_map(tested: MetricUnderTest, first: Callable[[Tensor], Tensor], what: str) -> str:
    """Score samples of which the first has another map, made of its own."""
    given = tested.samples(ORDINARY)
    scores = _scores_with_one_changed(tested, given.with_maps(torch.cat([first(given.maps[:1]), given.maps[1:]])), what)
    return f"{what} scores {float(scores[0]):.4g}"


def check_zero_map(tested: MetricUnderTest) -> str:
    """A map that is 0 everywhere is scored or undefined (NaN), without an exception and without harm to its neighbours (reported)."""
    return _report_map(tested, torch.zeros_like, "a zero map")


def check_constant_map(tested: MetricUnderTest) -> str:
    """A map that is the same everywhere is scored or undefined (NaN), without an exception (reported)."""
    return _report_map(tested, torch.ones_like, "a constant map")


def check_negative_map(tested: MetricUnderTest) -> str:
    """A map without a positive value is scored or undefined (NaN), without an exception (reported)."""
    return _report_map(tested, lambda map: -map.abs() - 0.1, "a negative map")


def check_no_mask(tested: MetricUnderTest) -> None:
    """If masks are needed, a sample whose mask is empty has an undefined score (NaN)."""
    _check_undefined_without(tested, ["mask"], "needs no masks")


def check_no_box(tested: MetricUnderTest) -> None:
    """If boxes are needed, a sample without one has an undefined score (NaN)."""
    _check_undefined_without(tested, ["boxes"], "needs no boxes")


def check_no_other_evidence(tested: MetricUnderTest) -> None:
    """If evidence of another kind is needed, a sample without it has an undefined score (NaN)."""
    _check_undefined_without(tested, [name for name in tested.samples(1).evidence if name not in EVERYWHERE], "needs no other evidence")


def _check_undefined_without(tested: MetricUnderTest, kinds: Sequence[str], otherwise: str) -> None:
    needed = [kind for kind in map(evidence_kind, kinds) if kind.need in tested.needs]
    if not needed:
        raise CheckSkipped(otherwise)
    for kind in needed:
        given = tested.samples(ORDINARY)
        value = given.evidence[kind.name]
        without = [torch.zeros_like(value[0]) if isinstance(value, Tensor) else value[0][:0], *value[1:]]
        changed = {**given.evidence, kind.name: torch.stack(without) if isinstance(value, Tensor) else without}
        scores = _scores_with_one_changed(tested, replace(given, evidence=changed), f"a sample without {kind.need}")
        require(scores[0].isnan(), f"a sample without {kind.need} scores {float(scores[0]):.4g}: its score is NaN")


def check_needs(tested: MetricUnderTest) -> None:
    """What is not declared under ``needs`` is not needed: without it the scores are the same."""
    given = tested.samples(ORDINARY)
    without = {
        kind.need: replace(given, evidence={name: value for name, value in given.evidence.items() if name != kind.name})
        for kind in EVIDENCE_KINDS.values()
    }
    for need, poorer in {**without, "explainer": given}.items():
        if need in tested.needs:
            continue
        try:
            scores = tested.make_function(explainer=None if need == "explainer" else "usual")(tested.network(), poorer)
        except Exception as error:
            raise CheckFailed(f'raised {type(error).__name__} without {need} ({error}): declare needs={{"{need}"}}') from error
        require(score_difference(tested.ordinary.results, scores) <= TOLERANCE, f'scores differ without {need}: declare needs={{"{need}"}}')


def check_explainer_asked_for(tested: MetricUnderTest) -> None:
    """Where a metric explains again, it says so (`NeedsExplainer`) to who has only maps."""
    if "explainer" not in tested.needs:
        raise CheckSkipped("does not explain again")
    try:
        tested.make_function(explainer=None)(tested.network(), tested.samples(2))
    except NeedsExplainer:
        return
    raise CheckFailed('declares needs={"explainer"}, and scored a case without one: call case.explain, or do not declare it')


def check_direction(tested: MetricUnderTest) -> None:
    """Where masks are needed, a map that is the mask scores better than its opposite, in the declared direction."""
    if "masks" not in tested.needs:
        raise CheckSkipped("needs no masks, so that no map is known to be better than another")
    given = tested.samples(4)
    right = tested.results(given.with_maps(given.masks.float()))
    wrong = tested.results(given.with_maps((~given.masks).float()))
    sign = 1 if getattr(tested.declaration, "direction", "higher") == "higher" else -1
    gain = sign * (right - wrong)
    require(
        bool((gain[~gain.isnan()] > 0).all()),
        f"the mask itself scores {right.tolist()}, its opposite {wrong.tolist()}",
    )


def check_invariance(tested: MetricUnderTest) -> str:
    """What may be done to a map without changing its score (reported)."""
    given, ordinary = tested.samples(2), tested.ordinary.results[:2]
    changes = {
        "scale": given.maps * 3,
        "sign": -given.maps,
        "offset": given.maps + 2,
        "monotone transforms": given.maps.sign() * given.maps.abs() ** 3,
    }
    kept = [name for name, maps in changes.items() if score_difference(ordinary, tested.results(given.with_maps(maps))) <= TOLERANCE]
    return f"invariant to {', '.join(kept)}" if kept else "invariant to neither scale, sign, offset nor monotone transforms"
