"""docs/quantus.md holds: each row by a comparison here, or by tests of the metrics that it names."""

from __future__ import annotations

import ast
from dataclasses import replace
from functools import cache
from importlib.metadata import entry_points
from typing import get_args

import numpy as np
import pytest
import quantus
import torch
from comparison import CLOSING, DOCUMENT, OPENING, ROOT, ROWS, made
from harness_metrics.imputation import imputer
from harness_metrics.ordering import case_ranks
from harness_quantus.catalogue import MetricName
from harness_quantus.metric import Quantus
from quantus.helpers.model.pytorch_model import PyTorchModel
from torch import nn

from harness.api import Case, Context, classifier


def ours(name, case, **params):
    (found,) = [e for e in entry_points(group="harness.metrics") if e.name == name and e.dist.name == "harness-metrics"]
    return found.load()(replace(case, memory={}), **params)


def theirs(name, case, normalise="default", softmax=None, **arguments):
    return Quantus(Quantus.Params(metric=name, arguments=arguments, normalise=normalise, softmax=softmax))(replace(case, memory={}))


def bare(metric, case, **call):
    """What the metric object says of the whole batch."""
    return metric(
        model=case.model.module,
        x_batch=case.images.numpy().copy(),
        y_batch=case.targets.numpy(),
        a_batch=case.attributions[:, None].numpy().copy(),
        channel_first=True,
        **call,
    )


@pytest.fixture
def grey_case():
    """Three grey images of 20 x 20 whose least value is black, under a small network; maps without ties, some pixels without relevance."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 5, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(45, 3))
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(3, 1, 20, 20, generator=generator)
    images[:, :, 0, 0] = 0
    maps = torch.randn(3, 20, 20, generator=generator)
    maps[maps.abs() < 0.2] *= 1e-6
    masks = torch.zeros(3, 20, 20, dtype=torch.bool)
    masks[0, :10, :10] = masks[1, :, :10] = masks[2, 10:, 10:] = True
    model = classifier(network, input_shape=(1, 20, 20))
    return Case(model, images, torch.tensor([0, 1, 2]), maps, Context(seed=0, ids=list("abc")), masks=masks)


def test_every_metric_has_a_row_and_every_row_a_test():
    assert [row.metric for row in ROWS] == list(get_args(MetricName))
    assert all(row.shown_by for row in ROWS)
    assert all((row.tolerance is None) == (row.verdict == "differs") for row in ROWS)


def test_the_document_holds_the_table():
    text = DOCUMENT.read_text()
    assert made() in text, "run python plugins/harness-quantus/tests/comparison.py"
    assert text.count(OPENING) == text.count(CLOSING) == 1


@cache
def functions_in(path):
    """Source of each function of a test file, by name."""
    text = (ROOT / path).read_text()
    return {node.name: ast.get_source_segment(text, node) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.metric)
def test_the_tests_of_a_row_are_there(row):
    for node in row.shown_by:
        path, name = node.split("::")
        assert name in functions_in(path), node


@pytest.mark.parametrize("row", [row for row in ROWS if row.tolerance and row.direct is None], ids=lambda row: row.metric)
def test_the_tolerance_of_a_row_is_that_of_its_first_test(row):
    path, name = row.proofs[0].split("::")
    assert f"={row.within}" in functions_in(path)[name]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.metric)
def test_the_harness_has_what_a_row_calls_ours(row):
    assert row.ours in {e.name for e in entry_points(group="harness.metrics") if e.dist.name == "harness-metrics"}


@pytest.mark.parametrize("row", [row for row in ROWS if row.direct is not None], ids=lambda row: row.metric)
def test_ours_equals_quantus(row, grey_case):
    mine = ours(row.ours, grey_case, **row.direct.params)
    quantus_own = theirs(row.metric, grey_case, row.direct.normalise, row.direct.softmax, **row.direct.arguments)
    assert mine.isfinite().all()
    torch.testing.assert_close(mine.float(), quantus_own * row.direct.scale, rtol=0, atol=row.tolerance)


def test_arya(grey_case):
    """Every map is monotonic to Quantus, and its opposite too."""
    for case in (grey_case, replace(grey_case, attributions=-grey_case.attributions)):
        assert theirs("Monotonicity-Arya", case, features_in_step=4, abs=False).tolist() == [1, 1, 1]
        assert (ours("monotonicity-arya", case, step=4, reference="zero") < 0.9).all()


def test_road(case, grey_case):
    """Without noise, the share of percentages at which the class stays is that of the images that ours imputes."""
    for given in (case, grey_case):
        predicted = replace(given, targets=given.predict(given.images).argmax(dim=1), memory={})
        percentages = [20, 40, 60, 80, 95]
        removed = torch.stack([case_ranks(predicted, absolute=False) < 4 * percentage for percentage in percentages])
        kept = [predicted.predict(images).argmax(dim=1) == predicted.targets for images in imputer(predicted, "linear")(removed)]
        expected = torch.stack(kept).float().mean(dim=0)
        assert theirs("ROAD", predicted, percentages=percentages, noise=0.0).tolist() == pytest.approx(expected.tolist())
    with pytest.raises(IndexError):
        bare(quantus.ROAD(percentages=[50], disable_warnings=True), case)


def test_continuity_where_the_prediction_changes(case):
    """NaN to Quantus, if NumPy knew the name."""
    undefined = theirs("Continuity Test", case, nr_steps=4, return_nan_when_prediction_changes=True)
    assert undefined.isnan().any()
    metric = quantus.Continuity(nr_steps=4, return_nan_when_prediction_changes=True, disable_warnings=True)
    explain = {"explain_func": lambda inputs, **_: np.asarray(inputs)[:, :1]}
    with pytest.raises(AttributeError, match="NaN"):
        bare(metric, case, **explain)


def test_pointing_at_an_empty_mask_is_a_hit_to_quantus_and_weights_raise(grey_case):
    masks = np.ones((3, 1, 20, 20), dtype=bool)
    assert bare(quantus.PointingGame(disable_warnings=True), grey_case, s_batch=~masks) == [True] * 3
    with pytest.raises(TypeError, match="boolean"):
        bare(quantus.PointingGame(weighted=True, disable_warnings=True), grey_case, s_batch=masks)


def test_quantus_weighs_localisation_by_no_size(grey_case):
    assert theirs("Attribution Localisation", grey_case, weighted=True).isinf().all()
    plain, share = ours("attribution-localisation", grey_case), grey_case.masks.float().mean(dim=(1, 2))
    torch.testing.assert_close(ours("attribution-localisation", grey_case, weighted=True), plain / share)


def test_a_neighbour_changes_effective_complexity_in_quantus(grey_case):
    maps = grey_case.attributions * torch.tensor([1, 1, 1e6])[:, None, None]
    case = replace(grey_case, attributions=maps)
    together = bare(quantus.EffectiveComplexity(disable_warnings=True), case)
    assert list(together)[:2] == [0, 0]
    torch.testing.assert_close(ours("effective-complexity", case), ours("effective-complexity", grey_case))


def test_completeness_within_rounding_is_none_to_quantus():
    """The exact contributions of a linear model."""
    torch.manual_seed(0)
    layer = nn.Linear(192, 2)
    images = torch.rand(3, 3, 8, 8)
    images[:, :, 0, 0] = 0
    maps = (images * layer.weight[1].detach().view(3, 8, 8)).sum(dim=1)
    model = classifier(nn.Sequential(nn.Flatten(), layer), input_shape=(3, 8, 8))
    case = Case(model, images, torch.ones(3, dtype=torch.long), maps, Context(seed=0, ids=list("abc")))
    assert (ours("completeness", case, reference="zero") < 1e-5).all()
    assert theirs("Completeness", case).tolist() == [0, 0, 0]


def test_quantus_removes_one_feature_at_a_time_or_raises(grey_case):
    with pytest.raises(ValueError, match="broadcast"):
        theirs("NonSensitivity", grey_case, features_in_step=2)


@pytest.mark.parametrize(("padding", "same"), [(0, True), (1, False)])
def test_quantus_compensates_a_shift_of_all_but_padding(padding, same):
    """The whole image shifted, by the network that Quantus makes to expect it."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3, padding=padding), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2)).eval()
    images = torch.rand(2, 3, 8, 8)
    before = network(images)
    shifted = PyTorchModel(network).add_mean_shift_to_first_layer(-1, (1, 3, 8, 8))
    assert torch.allclose(shifted(images - 1), before, atol=1e-5) == same


def test_quantus_shifts_nothing_but_a_first_convolution_with_a_bias(case):
    """The network of the case begins with a container."""
    explain = {"explain_func": lambda inputs, **_: np.asarray(inputs)[:, :1]}
    with pytest.raises(AttributeError, match="out_channels"):
        bare(quantus.InputInvariance(disable_warnings=True), case, **explain)
    without = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with pytest.raises(TypeError, match="NoneType"):
        bare(quantus.InputInvariance(disable_warnings=True), replace(case, model=classifier(without, input_shape=(3, 20, 20))), **explain)
