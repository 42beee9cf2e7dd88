"""Two explainers side by side, in every format."""

import csv
import io
import json

import numpy as np
import pytest

from harness.leaderboard.build import build_leaderboard, with_pair
from harness.leaderboard.render import render_leaderboard
from harness.results.document import Leaderboard, read_leaderboard
from tests.support.synthetic_results import complete_cell, leaderboard_group, leaderboard_results

TEXTS = ["terminal", "markdown", "latex", "html"]


def document() -> Leaderboard:
    """On road LRP gains a little on most samples, and loses a lot on a few."""
    group = leaderboard_group()
    gains = np.where(np.arange(52) < 44, 0.01, -1.0) * np.linspace(1, 1.01, 52)
    group.cells["lrp", "road"] = complete_cell(group.cells["sobel", "road"].values + gains)
    results = leaderboard_results(groups=[group])
    return with_pair(build_leaderboard(results), results, "lrp", "sobel")


@pytest.mark.parametrize("format", TEXTS)
def test_every_format_has_the_numbers_and_explains_the_marks(format: str) -> None:
    shown = document()
    text = " ".join(render_leaderboard(shown, format, width=200, pairs=True).split())
    assert "lrp minus sobel" in text and "48 samples (classified correctly)" in text
    versus = shown.pairs[0].cells["deletion"]
    assert versus.difference is not None and versus.low is not None and versus.verdict == "better"
    for number in (versus.difference, versus.low):
        assert f"{abs(number):.3f}" in text
    assert "lrp is better than sobel (Wilcoxon signed-rank, false discovery rate over these metrics, p" in text
    assert "mixed" in text and "neither better nor worse, though the test finds a difference" in text
    assert "lrp is worse than" not in text, "a mark that is not used needs no explanation"
    assert "over fewer samples, those that have both scores: pointing-game (45)" in text
    assert "rank by category" not in text and "triad" not in text, "the pair stands in the place of the ranks"


@pytest.mark.parametrize(("loss", "explained"), [(-0.08, True), (-0.01, False)])
def test_a_verdict_beside_an_interval_that_holds_zero_is_explained(loss: float, explained: bool) -> None:
    group = leaderboard_group()
    gains = np.where(np.arange(52) < 44, 0.02, loss) * np.linspace(1, 1.01, 52)
    group.cells["lrp", "road"] = complete_cell(group.cells["sobel", "road"].values + gains)
    results = leaderboard_results(groups=[group])
    shown = with_pair(build_leaderboard(results), results, "lrp", "sobel")
    road = shown.pairs[0].cells["road"]
    assert road.verdict == "better" and road.low is not None and (road.low < 0) == explained
    assert ("where the interval holds 0" in " ".join(render_leaderboard(shown, "terminal", width=200, pairs=True).split())) == explained


def test_csv_and_json_hold_all_of_it() -> None:
    shown = document()
    lines = list(csv.DictReader(io.StringIO(render_leaderboard(shown, "csv", pairs=True))))
    assert [line["metric"] for line in lines] == list(shown.pairs[0].cells)
    road = next(line for line in lines if line["metric"] == "road")
    versus = shown.pairs[0].cells["road"]
    assert (road["verdict"], float(road["p_wilcoxon"]), int(road["pairs"])) == ("mixed", versus.p_wilcoxon, 48)
    assert read_leaderboard(render_leaderboard(shown, "json", pairs=True)).pairs == shown.pairs
    assert json.loads(render_leaderboard(shown, "json"))["groups"], "the rest of the document is there"


def test_a_pair_without_a_common_metric_says_so() -> None:
    group = leaderboard_group()
    for label in group.metric_labels:
        del group.cells["lrp", label]
    results = leaderboard_results(groups=[group])
    shown = with_pair(build_leaderboard(results), results, "lrp", "sobel")
    for format in TEXTS:
        assert "no metric has scores of both" in render_leaderboard(shown, format, pairs=True)


def test_a_pair_of_equals_is_said_to_be_one() -> None:
    group = leaderboard_group()
    for label in group.metric_labels:
        group.cells["lrp", label] = group.cells["triad", label]
    results = leaderboard_results(groups=[group], correction="holm")
    shown = with_pair(build_leaderboard(results), results, "lrp", "triad")
    for format in TEXTS:
        text = " ".join(render_leaderboard(shown, format, width=200, pairs=True).split())
        assert "no difference is significant (Wilcoxon signed-rank, Holm over these metrics, p" in text


def test_where_no_pair_was_asked_for_there_is_none() -> None:
    assert render_leaderboard(document(), "markdown") == render_leaderboard(document().model_copy(update={"pairs": []}), "markdown")
