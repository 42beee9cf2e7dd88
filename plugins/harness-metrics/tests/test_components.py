"""What holds for every metric of the plugin."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib.metadata import entry_points
from inspect import signature
from itertools import combinations
from typing import Literal, get_args, get_origin, get_type_hints

import pytest
import torch

from harness.api import Attribution
from harness.api.declarations import declaration_of
from tests.support.cases import selected

NAMES = (
    "explanation-precision",
    "relevance-mass-accuracy",
    "relevance-rank-accuracy",
    "pointing-game",
    "deletion",
    "insertion",
    "road",
    "pixel-flipping",
    "selectivity",
    "abpc",
    "region-perturbation",
    "irof",
    "average-drop",
    "average-increase",
    "average-gain",
    "adcc",
    "ccs",
    "class-sensitivity",
    "coherency",
    "saco",
    "single-deletion",
    "part-importance",
    "saliency-metric",
    "sparseness",
    "complexity",
    "max-sensitivity",
    "average-sensitivity",
    "local-lipschitz",
    "continuity",
    "consistency",
    "relative-input-stability",
    "relative-output-stability",
    "relative-representation-stability",
    "hyperparameter-sensitivity",
    "attack",
    "faithfulness-correlation",
    "faithfulness-estimate",
    "monotonicity-arya",
    "monotonicity-nguyen",
    "sensitivity-n",
    "infidelity",
    "sufficiency",
    "top-k-intersection",
    "attribution-localisation",
    "auc",
    "focus",
    "energy-pointing-game",
    "localisation-error",
    "effective-complexity",
    "completeness",
    "non-sensitivity",
    "input-invariance",
    "implementation-invariance",
    "symmetry",
    "linearity",
    "mprt",
    "smooth-mprt",
    "efficient-mprt",
    "random-logit",
    "data-randomisation",
    "component-agreement",
    "component-similarity",
    "component-contribution",
    "average-precision",
    "iou",
    "dice",
    "pixel-accuracy",
    "human-agreement",
    "dual-polarity-precision",
    "earth-mover",
    "grid-pointing-game",
    "gef",
    "di-part",
)
LOCALISING = (
    *NAMES[:4],
    "top-k-intersection",
    "attribution-localisation",
    "auc",
    "energy-pointing-game",
    "localisation-error",
    "average-precision",
    "iou",
    "dice",
    "pixel-accuracy",
    "dual-polarity-precision",
    "earth-mover",
)
FAST = {
    "smooth-mprt": {"samples": 3},
    "data-randomisation": {"samples": 16, "epochs": 1, "accuracy": 0.01},
    "deletion": {"steps": 7},
    "insertion": {"steps": 7},
    "pixel-flipping": {"steps": 7},
    "abpc": {"steps": 7},
    "region-perturbation": {"patch": 5, "regions": 6, "runs": 2},
    "irof": {"segments": 12},
    "max-sensitivity": {"samples": 3},
    "average-sensitivity": {"samples": 3},
    "local-lipschitz": {"samples": 3},
    "continuity": {"steps": 5},
    "consistency": {"samples": 8, "radius": 0.5, "top": 2},  # so wide that the two noises differ, in which samples are undefined
    "relative-input-stability": {"samples": 3},
    "relative-output-stability": {"samples": 3},
    "relative-representation-stability": {"samples": 3},
    "attack": {"steps": 2, "samples": 3},
    "faithfulness-correlation": {"runs": 10},
    "faithfulness-estimate": {"steps": 10},
    "monotonicity-arya": {"steps": 10},
    "monotonicity-nguyen": {"steps": 10, "samples": 3},
    "sensitivity-n": {"runs": 10},
    "infidelity": {"samples": 10},
    "sufficiency": {"samples": 30},
    "top-k-intersection": {"k": 40},
    "earth-mover": {"cells": 5},
    "gef": {"levels": 3, "draws": 2, "greatest": 0.5},
    "grid-pointing-game": {"side": 2, "confidence": 0},
    "di-part": {"side": 2, "confidence": 0},
    "non-sensitivity": {"regions": 16},
    "implementation-invariance": {"change": "weights"},  # the network has one ReLU
}
UNDEFINED_OF_ZERO = {
    "class-sensitivity",
    "adcc",
    "coherency",
    "saco",
    "single-deletion",
    "part-importance",
    "mprt",
    "efficient-mprt",
    "random-logit",
    "data-randomisation",
    "component-similarity",
    "component-contribution",
    "relevance-mass-accuracy",
    "saliency-metric",
    "sparseness",
    "complexity",
    "max-sensitivity",
    "average-sensitivity",
    "local-lipschitz",
    "continuity",
    "relative-input-stability",
    "relative-output-stability",
    "relative-representation-stability",
    "hyperparameter-sensitivity",
    "faithfulness-correlation",
    "faithfulness-estimate",
    "monotonicity-nguyen",
    "sensitivity-n",
    "sufficiency",
    "attribution-localisation",
    "energy-pointing-game",
    "localisation-error",
    "effective-complexity",
    "input-invariance",
    "implementation-invariance",
    "human-agreement",
    "dual-polarity-precision",
    "earth-mover",
    "gef",
}
UNDEFINED_OF_CONSTANT = {
    "class-sensitivity",
    "human-agreement",
    "adcc",
    "coherency",
    "saco",
    "single-deletion",
    "part-importance",
    "mprt",
    "efficient-mprt",
    "random-logit",
    "data-randomisation",
    "component-similarity",
    "component-contribution",
    "hyperparameter-sensitivity",
    "faithfulness-correlation",
    "faithfulness-estimate",
    "monotonicity-nguyen",
    "sensitivity-n",
}


class Scaled:
    """An explainer whose maps are another's times a number."""

    def __init__(self, explainer, scale):
        self.explainer, self.scale, self.schema, self.params = explainer, scale, explainer.schema, explainer.params

    def with_params(self, **changes):
        return Scaled(self.explainer.with_params(**changes), self.scale)

    def __call__(self, model, images, targets, *, ctx):
        return Attribution(self.scale * self.explainer(model, images, targets, ctx=ctx).map)


@cache  # reading what is installed takes longer than most scores
def installed():
    return {e.name: e for e in entry_points(group="harness.metrics") if e.dist.name == "harness-metrics"}


@cache
def metric(name):
    return installed()[name].load()


def scores(name, case, **params):
    return metric(name)(replace(case, memory={}), **FAST.get(name, {}) | params)


@pytest.fixture(scope="module")
def known():
    """Scores by metric, of the case as it is."""
    return {}


@pytest.fixture
def ordinary(known, cnn_case):
    """Scores of the case as it is, which several tests compare with others."""

    def scored(name):
        if name not in known:
            known[name] = scores(name, cnn_case)
        return known[name].clone()

    return scored


@pytest.mark.parametrize("name", NAMES)
def test_within_declared_bounds_and_one_number_per_sample(name, ordinary):
    result = ordinary(name)
    declared = declaration_of(metric(name), "metrics")
    assert result.shape == (5,)
    defined = result[~result.isnan()]
    assert len(defined) >= 4
    low, high = declared.bounds
    assert low is None or (defined >= low - 1e-6).all()
    assert high is None or (defined <= high + 1e-6).all()
    assert declared.cite.startswith("@")


@pytest.mark.parametrize("name", NAMES)
def test_independent_of_the_batch_and_of_its_order(name, cnn_case, ordinary):
    together = ordinary(name)
    alone = torch.cat([scores(name, selected(cnn_case, [i])) for i in range(5)])
    reordered = scores(name, selected(cnn_case, [4, 2, 0, 3, 1]))
    torch.testing.assert_close(alone, together, rtol=1e-4, atol=1e-5, equal_nan=True)
    torch.testing.assert_close(reordered, together[[4, 2, 0, 3, 1]], rtol=1e-4, atol=1e-5, equal_nan=True)


@pytest.mark.parametrize("scale", [2.0**-100, 2.0**60])
@pytest.mark.parametrize("name", [n for n in NAMES if n != "completeness"])  # which is about the scale of the map
def test_independent_of_the_scale_of_the_map(name, scale, cnn_case, ordinary):
    scaled = replace(cnn_case, attributions=cnn_case.attributions * scale, explainer=Scaled(cnn_case.explainer, scale))
    torch.testing.assert_close(scores(name, scaled), ordinary(name), rtol=1e-4, atol=1e-5, equal_nan=True)


class Absolute:
    """An explainer whose maps are the absolute values of another's."""

    def __init__(self, explainer):
        self.explainer = explainer

    def __call__(self, model, images, targets, *, ctx):
        return Attribution(self.explainer(model, images, targets, ctx=ctx).map.abs())


TAKING_ABSOLUTE = [n for n in NAMES if "absolute" in signature(metric(n)).parameters]
COARSE = {"irof", "average-increase", "sufficiency", "pointing-game", "localisation-error"}
"""May be the same number for signed maps: their own tests tell them apart."""


@pytest.mark.parametrize("name", [n for n in TAKING_ABSOLUTE if n != "smooth-mprt"])  # which takes them after averaging
def test_absolute_is_of_the_absolute_map(name, cnn_case):
    def mapped(change, explainer):
        parts = {part: change(values) for part, values in cnn_case.parts.items()}
        return replace(cnn_case, attributions=change(cnn_case.attributions), parts=parts, explainer=explainer)

    positive = scores(name, mapped(torch.abs, Absolute(cnn_case.explainer)), absolute=False)
    signed = cnn_case, mapped(torch.neg, Scaled(cnn_case.explainer, -1))
    for case in signed:
        torch.testing.assert_close(scores(name, case, absolute=True), positive, rtol=1e-5, atol=1e-6, equal_nan=True)
    if name not in COARSE:
        asked = (scores(name, case, absolute=False) for case in signed)
        assert not all(torch.allclose(found, positive, rtol=1e-4, atol=1e-5, equal_nan=True) for found in asked)


def choices(annotation):
    """What a parameter names as its choices, and both positions of a switch."""
    if annotation is bool:
        return [False, True]
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [choice for part in get_args(annotation) for choice in choices(part) if get_origin(annotation) is not dict]


ALIKE = {
    ("average-increase", "reference"),  # 0 or 1
    ("sufficiency", "similarity"),
    ("effective-complexity", "impute"),  # of the criterion that is not the default
    ("non-sensitivity", "impute"),  # 0 for a network that sees all of the image
    ("input-invariance", "reference"),  # for an explainer that asks for none
    ("linearity", "other"),  # for an explainer that is linear
}
"""The same number here: their own tests tell them apart."""

CHOSEN = [
    (name, parameter)
    for name in NAMES
    for parameter, annotation in get_type_hints(metric(name)).items()
    if choices(annotation) and parameter not in ("absolute", "constant") and (name, parameter) not in ALIKE
]


@pytest.mark.parametrize(("name", "parameter"), CHOSEN)
def test_every_choice_is_another_number(name, parameter, cnn_case):
    found = [choice for choice in choices(get_type_hints(metric(name))[parameter]) if isinstance(choice, str | bool)]
    tried = ["black", "white", "noise"] if "convolution" in found else found
    numbers = [scores(name, cnn_case, **{parameter: choice}) for choice in tried]
    for one, other in combinations(numbers, 2):
        assert not torch.allclose(one.double(), other.double(), rtol=1e-5, atol=1e-7, equal_nan=True)


@pytest.mark.parametrize("name", NAMES)
def test_leaves_its_case_as_it_was(name, cnn_case):
    before = [t.clone() for t in (cnn_case.images, cnn_case.attributions, cnn_case.masks, cnn_case.targets)]
    state = torch.get_rng_state()
    scores(name, cnn_case)
    for old, new in zip(before, (cnn_case.images, cnn_case.attributions, cnn_case.masks, cnn_case.targets), strict=True):
        assert torch.equal(old, new)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("name", [n for n in NAMES if n != "consistency"])  # undefined where no neighbour's map says nothing alike
def test_maps_that_say_nothing(name, cnn_case):
    """All-zero and constant maps: NaN where the definition divides by the map's mass or correlates it, a plain number elsewhere."""
    zero = scores(name, replace(cnn_case, attributions=torch.zeros_like(cnn_case.attributions)))[:4]
    constant = scores(name, replace(cnn_case, attributions=torch.full_like(cnn_case.attributions, 0.3)))[:4]
    assert zero.isnan().all() if name in UNDEFINED_OF_ZERO else zero.isfinite().all()
    assert constant.isnan().all() if name in UNDEFINED_OF_CONSTANT else constant.isfinite().all()


@pytest.mark.parametrize("name", LOCALISING)
def test_an_empty_mask_is_undefined_and_no_masks_an_error(name, cnn_case, ordinary):
    assert ordinary(name).isnan().tolist() == [False, False, False, False, True]
    with pytest.raises(LookupError, match=r"needs masks|needs boxes"):
        scores(name, replace(cnn_case, masks=None))
