"""Checks of what metrics return and declare, and that they write into nothing."""

from __future__ import annotations

from dataclasses import replace

import torch

from harness.api.evidence import evidence_kind, mapped
from harness.conformance.measuring import TOLERANCE, value_difference
from harness.conformance.metric_under_test import MetricUnderTest
from harness.conformance.parameter_variation import iter_variations
from harness.conformance.results import CheckSkipped, CheckTimeout, require

BOUNDS_TOLERANCE = 1e-5
"""By how much a score may leave its bounds for the sake of float noise."""


def check_scores(tested: MetricUnderTest) -> None:
    """A batch of samples gives one float per sample (B,); NaN if undefined, never infinite."""
    scores = tested.ordinary.results
    require(not torch.isinf(scores).any(), "an infinite score: return NaN if a score is undefined")
    defined = not scores.isnan().all() or not tested.sure_scores().isnan().all()
    asked = "four ordinary samples, with masks, boxes and an explainer"
    require(defined, f"NaN for all of {asked}, and for all of twelve whose class the model is sure of")


def check_declared(tested: MetricUnderTest) -> None:
    """The metric declares its category and which direction is better."""
    require(tested.declared, 'declares nothing: mark it with @metric(category="…", direction="higher" or "lower"), for ranks')


def check_bounds(tested: MetricUnderTest) -> None:
    """Scores of ordinary, constant, zero, negative and perfect maps keep within the declared bounds."""
    low, high = getattr(tested.declaration, "bounds", (None, None))
    if low is None and high is None:
        raise CheckSkipped("declares no bounds")
    given = tested.samples(2)
    kinds = {
        "negative": -given.maps.abs(),
        "constant": torch.ones_like(given.maps),
        "zero": torch.zeros_like(given.maps),
        "perfect": given.masks.float(),
        "one-pixel": torch.nn.functional.one_hot(torch.zeros(2, dtype=torch.long), given.maps[0].numel()).float().view_as(given.maps),
    }
    found = {"ordinary": tested.ordinary.results, **{name: tested.results(given.with_maps(maps.clone())) for name, maps in kinds.items()}}
    for name, scores in found.items():
        outside = scores[
            (scores < (-torch.inf if low is None else low) - BOUNDS_TOLERANCE)
            | (scores > (torch.inf if high is None else high) + BOUNDS_TOLERANCE)
        ]
        require(len(outside) == 0, f"the score {outside[:1].tolist()} of {name} maps is outside the declared bounds ({low}, {high})")


def check_inputs_untouched(tested: MetricUnderTest) -> None:
    """Images, targets, maps, parts, labels and evidence (masks, boxes, …) are not written into."""
    given, before = tested.watched.after, tested.watched.before
    for name in ("images", "targets", "maps", "labels", "part"):
        require(torch.equal(getattr(given, name), getattr(before, name)), f"wrote into the case's {name}: work on a copy")
    for name, value in given.evidence.items():
        same = all(map(torch.equal, value, before.evidence[name]))
        require(same, f"wrote into the case's {evidence_kind(name).need}: work on a copy")


def check_shared_values(tested: MetricUnderTest) -> str:
    """What it shares with other explainers (`for_all_explainers`) depends on nothing but a sample, its target and the model."""
    model, given, shared = tested.network(), tested.samples(), tested.shared
    if not shared:
        raise CheckSkipped("shares nothing with other explainers")
    other = replace(
        given.with_maps(given.maps.flip(-1).square() - 0.1),
        part=given.part.flip(-1).square(),
        labels=(given.labels + 1) % model.num_classes,
        evidence=mapped(given.evidence, lambda tensor: tensor.flip(-1)),
    )
    others = {
        "the explanation, the evidence, the label or training data": tested.shared_values(model, other, explainer="other"),
        "which other samples are there": tested.shared_values(model, given.rows([2, 0])),
    }
    for what, found in others.items():
        for key, sample in sorted(shared.keys() & found.keys()):
            difference = value_difference(shared[key, sample], found[key, sample])
            require(difference <= TOLERANCE, f"what it shares under {key} depends on {what} ({sample}): see Case.for_all_explainers")
    return f"shares {', '.join(sorted({key for key, _ in shared}))}"


def check_shared_keys(tested: MetricUnderTest) -> str:
    """Keys under which it shares values (`for_all_explainers`) hold every parameter on which these depend."""
    if not tested.shared:
        raise CheckSkipped("shares nothing with other explainers")
    varied, model, given = [], tested.network(), tested.samples(2)
    for name, values in iter_variations(tested):
        for value in values:
            other = replace(tested, params={**tested.params, name: value})
            try:
                found = other.shared_values(model, given)
            except CheckTimeout:
                raise
            except Exception:  # not with the other parameters as they are
                continue
            varied.append(name)
            for key, sample in sorted(tested.shared.keys() & found.keys()):
                difference = value_difference(tested.shared[key, sample], found[key, sample])
                require(difference <= TOLERANCE, f"what it shares under {key} depends on {name}: have the key hold it")
            break
    return f"the same whatever {', '.join(varied)}, or under another key" if varied else "no parameter that could be varied"
