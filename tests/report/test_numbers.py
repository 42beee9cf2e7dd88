"""The numbers of the page, held against the commands that make them otherwise."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from harness.analysis.pair_comparison import compare_pair
from harness.leaderboard.build import build_leaderboard
from harness.registry.registry import Registry
from harness.report.at_a_glance import answer_questions
from harness.report.category_boards import category_standings
from harness.report.component_cards import component_text, explainer_family, source_lines
from harness.report.critical_diagram import draw_critical_diagram
from harness.report.interval_strips import MARGIN, WIDTH, draw_strip, strip_scale
from harness.report.pair_differences import pair_differences
from harness.report.taxonomy import CATEGORY_MEANINGS
from harness.results.components import ROLES, ExplainerInfo, MetricInfo
from harness.results.data_model import Results
from harness.results.document import Critical, Leaderboard
from tests.support.synthetic_results import leaderboard_group, leaderboard_results


@pytest.fixture(scope="module")
def results() -> Results:
    return leaderboard_results(groups=[leaderboard_group()], bootstrap=200)


@pytest.fixture(scope="module")
def document(results: Results) -> Leaderboard:
    return build_leaderboard(results)


def test_standings_of_a_category_have_the_skill_and_interval_that_the_board_shows_for_it(results: Results, document: Leaderboard) -> None:
    found = category_standings(results, document)[0]
    assert set(found) == {"localisation", "faithfulness", "complexity", "robustness"} & set(found)
    assert len(found) >= 3
    for row in document.groups[0].rows:
        for category in ("localisation", "faithfulness"):
            standing, shown = found[category][row.label], row.categories[category]
            assert standing.skill.value == pytest.approx(shown.value, abs=1e-9)
            assert standing.skill.low == pytest.approx(shown.low, abs=1e-9)
    places = [standing.place for standing in found["localisation"].values() if standing.place is not None]
    assert min(places) == 1


def test_differences_are_those_of_the_comparison_in_either_direction(results: Results, document: Leaderboard) -> None:
    group, found = document.groups[0], pair_differences(results, document)[0]
    labels = [row.label for row in group.rows]
    assert len(found) == len(labels) * (len(labels) - 1) // 2
    for first, second in (("triad", "sobel"), ("sobel", "triad"), ("lrp", "SHAP")):
        i, j = labels.index(first), labels.index(second)
        ordered = compare_pair(results, labels[min(i, j)], labels[max(i, j)])[0]
        for metric, cell in zip(group.metrics, found[f"{min(i, j)},{max(i, j)}"], strict=True):
            versus = ordered.cells.get(metric.label)
            if versus is None or versus.difference is None:
                assert cell is None
                continue
            assert cell is not None
            assert cell[0] == pytest.approx(versus.difference, rel=1e-4)
            assert (cell[1], cell[2]) == (pytest.approx(versus.low, rel=1e-4), pytest.approx(versus.high, rel=1e-4))
            assert cell[4] == pytest.approx(versus.p_wilcoxon_adjusted, rel=1e-4)
            assert cell[5:] == [versus.pairs, versus.verdict]


def test_a_strip_is_linear_or_logarithmic_and_stays_inside() -> None:
    linear = strip_scale([2.0, None, 4.0, 3.0])
    assert [linear.place(x) for x in (2, 3, 4)] == pytest.approx([MARGIN, WIDTH / 2, WIDTH - MARGIN])
    decades = strip_scale([1e-4, 1e-2, 1.0])
    assert decades.logarithmic
    assert decades.place(1e-2) == pytest.approx(WIDTH / 2)
    assert decades.place(0.0) == MARGIN
    assert not strip_scale([0.0, 1000.0]).logarithmic
    drawn = draw_strip(linear, 3.0, 2.5, 9.0, 2.0, hollow=True)
    assert 'class="point hollow" cx="52.0"' in drawn
    assert f'x2="{WIDTH - MARGIN:.1f}"' in drawn  # an end that is outside stands at the edge
    assert "circle" not in draw_strip(linear, None, None, None, 2.0)
    assert "null-line" not in draw_strip(linear, 3.0, None, None, None)


def test_a_critical_difference_diagram_has_ranks_on_a_line_and_a_bar_of_the_difference() -> None:
    found = Critical(
        samples=9,
        p_friedman=0.01,
        difference=1.0,
        mean_ranks={"a": 1.0, "b": 1.5, "<c>": 3.5, "d": 4.0},
        cliques=[["a", "b"], ["<c>", "d"]],
    )
    drawn = str(draw_critical_diagram(found, {"d"}))
    tops = {name: float(x) for x, name in re.findall(r'points="([\d.]+),\d+ [^"]*"/><text class="(?:null-)?name"[^>]*>([^ ]+) ', drawn)}
    assert list(tops) == ["a", "b", "d", "&lt;c&gt;"]
    step = (tops["d"] - tops["a"]) / 3
    assert tops["b"] - tops["a"] == pytest.approx(step / 2, abs=0.1)
    assert tops["&lt;c&gt;"] - tops["a"] == pytest.approx(2.5 * step, abs=0.1)
    measure = re.search(r'<line class="axis" x1="([\d.]+)" y1="20" x2="([\d.]+)" y2="20"/>', drawn)
    assert measure is not None
    assert float(measure[2]) - float(measure[1]) == pytest.approx(step, abs=0.11)
    assert drawn.count('class="clique"') == 2
    assert 'class="null-name"' in drawn
    assert "<c>" not in drawn


def test_answers_name_the_first_and_who_cannot_be_told_from_it(document: Leaderboard) -> None:
    group = document.groups[0]
    best, sure, nulls, reference = answer_questions(group, document.settings)
    first = group.rows[0]
    assert best.lead == first.label
    assert f"Skill {first.standings['category'].skill.value:.2f}" in best.text
    alike = [
        row.label
        for row in group.rows[1:]
        if not row.null and set(row.standings["category"].alike) & set(first.standings["category"].alike)
    ]
    assert all(label in sure.text for label in alike)
    assert bool(alike) == sure.text.startswith("Not told apart")
    real = [row.standings["category"].skill for row in group.rows if not row.null]
    above = sum(skill.low is not None and skill.low > 0.5 for skill in real)
    assert nulls.lead == f"{above} of {len(real)}"
    assert "triad" in reference.question


def test_without_nulls_nobody_is_called_best(results: Results) -> None:
    group = results.groups[0]
    none = replace(results, nulls=[], groups=[replace(group, explainers=[replace(info, null=False) for info in group.explainers])])
    board = build_leaderboard(none)
    answers = answer_questions(board.groups[0], board.settings)
    assert [answer.lead for answer in answers] == ["Not known"]
    assert "nulls" in answers[0].text


def test_the_place_of_a_category_in_co_12_is_that_of_its_metrics(registry: Registry) -> None:
    """As docs/metrics.md has them, metric by metric."""
    assert set(CATEGORY_MEANINGS) == set(ROLES)
    table = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text().split("| metric | Co-12 | VXAI |")[1]
    found: dict[str, list[set[str]]] = {}
    for name, places in re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", table, re.MULTILINE):
        for card in registry.named("metrics", name):
            found.setdefault(card.declaration["category"], []).append(set(re.findall(r"[A-Z][a-z]+", re.sub(r"\(.*?\)", "", places))))
    assert set(found) == set(CATEGORY_MEANINGS)
    assert sum(map(len, found.values())) > 50
    for category, of_metrics in found.items():
        said = set(re.findall(r"[A-Z][a-z]+", CATEGORY_MEANINGS[category].co_12))
        assert said <= set.union(*of_metrics)
        assert sum(bool(said & own) for own in of_metrics) >= 0.85 * len(of_metrics), category


def test_cards_tell_families_definitions_and_sources(registry: Registry) -> None:
    lrp = ExplainerInfo(component="lrp", plugin="harness-zennit", label="mine", version="0.1.0")
    assert explainer_family(lrp, registry) == "relevance propagation"
    assert explainer_family(replace(lrp, component="not-there"), registry) == "other"
    assert explainer_family(replace(lrp, null=True), registry) == "nulls"
    info = MetricInfo(
        component="deletion",
        plugin="harness-metrics",
        label="d",
        version="9",
        category="faithfulness",
        direction="lower",
        params={"steps": 32},
    )
    text = component_text("metrics", info, registry)
    assert text.paragraphs[0].startswith("Area under the target's probability")
    assert text.parameters == [("steps", "32", text.parameters[0][2])]
    assert "forward pass" in text.parameters[0][2]
    assert "version" in text.remark
    assert "not installed" in component_text("metrics", replace(info, component="gone"), registry).remark


def test_sources_are_words_with_an_address() -> None:
    entry = (
        "@article{k, author={M{\\\"u}ller, A and B{\\'e}zout, C and D, E}, title={A {Title}}, journal={J}, year={2020}, doi={10.1000/x_y}}"
    )
    assert list(source_lines(entry, "c")) == [("Müller et al. 2020. A Title. J", "https://doi.org/10.1000/x_y")]
    assert [link for _, link in source_lines("10.1109/ICCV.2017.74; arXiv:1806.07421", "c")] == [
        "https://doi.org/10.1109/ICCV.2017.74",
        "https://arxiv.org/abs/1806.07421",
    ]
    assert [link for _, link in source_lines("javascript:alert(1)", "c")] == [None]
    assert list(source_lines(None, "c")) == []


def test_bars_of_rank_order_do_not_overlap_the_axis() -> None:
    """Every name has a line of its own."""
    ranks = {f"e{k}": 1 + k * 0.9 for k in range(21)}
    found = Critical(samples=9, p_friedman=0.01, difference=3.0, mean_ranks=ranks, cliques=[list(ranks)[k : k + 4] for k in range(18)])
    drawn = str(draw_critical_diagram(found))
    lines = sorted(float(y) for y in re.findall(r'<text class="name" x="[\d.]+" y="([\d.]+)" text-anchor="end"', drawn))
    assert len(lines) == math.ceil(21 / 2)
    assert all(below - above >= 15 for above, below in pairwise(lines))
