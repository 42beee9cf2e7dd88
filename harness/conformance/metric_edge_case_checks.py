"""Metrics at the edges: maps without mass, samples without masks, and what a metric declares to need."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from harness.api.case import NeedsExplainer
from harness.conformance.metric_under_test import ExplainedSamples, MetricUnderTest, make_explained_samples
from harness.conformance.results import CheckFailed, CheckSkipped, require
from harness.conformance.tolerance import TOLERANCE, score_difference


def _scores_with_one_changed(tested: MetricUnderTest, changed: ExplainedSamples, what: str) -> Tensor:
    """Scores where sample 0 is ``changed``; the others' must stay as they are."""
    ordinary = tested.scores(make_explained_samples(len(changed.ids)))
    scores = tested.scores(changed)
    require(not torch.isinf(scores).any(), f"infinite for {what}: return NaN where a score is undefined")
    difference = score_difference(ordinary[1:], scores[1:])
    require(difference <= TOLERANCE, f"{what} changes the scores of the other samples by {difference:.2g}")
    return scores


def _replace_first(maps: Tensor, first: Tensor) -> Tensor:
    return torch.cat([first[None], maps[1:]])


def check_zero_map(tested: MetricUnderTest) -> str:
    """A map that is 0 everywhere is scored or undefined (NaN), without an exception and without harm to its neighbours (reported)."""
    given = make_explained_samples(3)
    scores = _scores_with_one_changed(tested, given.with_maps(_replace_first(given.maps, torch.zeros_like(given.maps[0]))), "a zero map")
    return f"a zero map scores {float(scores[0]):.4g}"


def check_constant_map(tested: MetricUnderTest) -> str:
    """A map that is the same everywhere is scored or undefined (NaN), without an exception (reported)."""
    given = make_explained_samples(3)
    scores = _scores_with_one_changed(tested, given.with_maps(_replace_first(given.maps, torch.ones_like(given.maps[0]))), "a constant map")
    return f"a constant map scores {float(scores[0]):.4g}"


def check_negative_map(tested: MetricUnderTest) -> str:
    """A map without a positive value is scored or undefined (NaN), without an exception (reported)."""
    given = make_explained_samples(3)
    scores = _scores_with_one_changed(tested, given.with_maps(_replace_first(given.maps, -given.maps[0].abs() - 0.1)), "a negative map")
    return f"a negative map scores {float(scores[0]):.4g}"


def check_no_mask(tested: MetricUnderTest) -> None:
    """Where masks are needed, a sample whose mask is empty has an undefined score (NaN)."""
    if "masks" not in tested.needs:
        raise CheckSkipped("needs no masks")
    given = make_explained_samples(3)
    assert given.masks is not None
    masks = torch.cat([torch.zeros_like(given.masks[:1]), given.masks[1:]])
    scores = _scores_with_one_changed(tested, replace(given, masks=masks), "an empty mask")
    require(scores[0].isnan(), f"a sample with an empty mask scores {float(scores[0]):.4g}: it has no mask, so its score is NaN")


def check_no_box(tested: MetricUnderTest) -> None:
    """Where boxes are needed, a sample without one has an undefined score (NaN)."""
    if "boxes" not in tested.needs:
        raise CheckSkipped("needs no boxes")
    given = make_explained_samples(3)
    assert given.boxes is not None
    scores = _scores_with_one_changed(tested, replace(given, boxes=[torch.zeros(0, 4), *given.boxes[1:]]), "a sample without a box")
    require(scores[0].isnan(), f"a sample without a box scores {float(scores[0]):.4g}: its score is NaN")


def check_needs(tested: MetricUnderTest) -> None:
    """What is not declared under ``needs`` is not needed: without it the scores are the same."""
    given = make_explained_samples(3)
    ordinary = tested.scores(given)
    without = {"masks": replace(given, masks=None), "boxes": replace(given, boxes=None), "explainer": given}
    for need, poorer in without.items():
        if need in tested.needs:
            continue
        try:
            scores = tested.scores(poorer, explainer=need != "explainer")
        except Exception as error:
            raise CheckFailed(f'raised {type(error).__name__} without {need} ({error}): declare needs={{"{need}"}}') from error
        require(score_difference(ordinary, scores) <= TOLERANCE, f'scores differ without {need}: declare needs={{"{need}"}}')


def check_explainer_asked_for(tested: MetricUnderTest) -> None:
    """Where a metric explains again, it says so (`NeedsExplainer`) to who has only maps."""
    if "explainer" not in tested.needs:
        raise CheckSkipped("does not explain again")
    try:
        tested.scores(make_explained_samples(2), explainer=False)
    except NeedsExplainer:
        return
    raise CheckFailed('declares needs={"explainer"}, and scored a case without one: call case.explain, or do not declare it')


def check_direction(tested: MetricUnderTest) -> None:
    """Where masks are needed, a map that is the mask scores better than its opposite, in the declared direction."""
    if "masks" not in tested.needs:
        raise CheckSkipped("needs no masks, so that no map is known to be better than another")
    given = make_explained_samples(4)
    assert given.masks is not None
    right = tested.scores(given.with_maps(given.masks.float()))
    wrong = tested.scores(given.with_maps((~given.masks).float()))
    sign = 1 if getattr(tested.declaration, "direction", "higher") == "higher" else -1
    gain = sign * (right - wrong)
    require(
        bool((gain[~gain.isnan()] > 0).all()),
        f"the mask itself scores {right.tolist()}, its opposite {wrong.tolist()}",
    )


def check_invariance(tested: MetricUnderTest) -> str:
    """What may be done to a map without changing its score (reported)."""
    given = make_explained_samples(4)
    ordinary = tested.scores(given)
    changes = {
        "scale": given.maps * 3,
        "sign": -given.maps,
        "offset": given.maps + 2,
        "monotone transforms": given.maps.sign() * given.maps.abs() ** 3,
    }
    kept = [name for name, maps in changes.items() if score_difference(ordinary, tested.scores(given.with_maps(maps))) <= TOLERANCE]
    return f"invariant to {', '.join(kept)}" if kept else "invariant to neither scale, sign, offset nor monotone transforms"
