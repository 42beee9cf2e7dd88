import dataclasses
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.leaderboard.build import build_leaderboard
from harness.leaderboard.merge import merge_results
from harness.leaderboard.render import render_leaderboard
from harness.leaderboard.sections.footnotes import collect_footnotes
from harness.results.data_model import Cell, ExplainerNotes, Results
from harness.results.document import Leaderboard
from harness.results.run_folder import read_results
from tests.support.rendered import TEXTS, board, unwrapped
from tests.support.synthetic_results import explainer, group_of, leaderboard_group, leaderboard_results, metric, write_run


@pytest.mark.parametrize("format", TEXTS)
@pytest.mark.parametrize("group", ["category", "metric"])
def test_every_missing_cell_has_its_footnote_and_every_footnote_its_cell(format: str, group: str) -> None:
    text = render_leaderboard(board(), format, group=group, width=200)
    for reason in (
        "took longer than 600 s",
        "RuntimeError: singular matrix",
        "the model has no ReLU",
        "12 of 48 samples",
        "has all scores under 9 of 10 metrics alone",
    ):
        assert reason in unwrapped(text)
    if format == "latex":
        parts = [table.partition(r"\par\smallskip")[::2] for table in text.split(r"\begin{table}")[1:]]
    else:
        parts = [tuple(re.split(r"(?m)^(?:- )?(?=†1 )", text, maxsplit=1))]
    found = set()
    for body, notes in parts:
        dagger = r"\\dagger" if format == "latex" else "†"
        used = {int(number) for several in re.findall(dagger + r"([\d,]+)", body) for number in several.split(",") if number}
        assert used == {int(number) for number in re.findall(dagger + r"(\d+)", notes)}
        found |= used
    assert found == set(range(1, 10))


@pytest.mark.parametrize("format", TEXTS)
def test_marks_are_explained(format: str) -> None:
    text = unwrapped(render_leaderboard(board(), format, width=200))
    assert "worse than triad (Wilcoxon signed-rank, false discovery rate over all marks of this data set and model, p" in text
    assert "not shown to beat every null" in text
    assert (
        "undefined for some samples, which means and tests leave out; skill and ranks take the null's for them: lrp pointing-game (3 of 48)"
        in text
    )
    assert "better than triad" not in text, "a mark that is not used needs no explanation"


@pytest.mark.parametrize(("error", "said"), [(0.31, "31 %"), (1.312, "130 %"), (120.0, "12,000 %"), (0.1249, "12 %")])
def test_how_far_a_sum_is_off_is_written_out(error: float, said: str) -> None:
    whole = leaderboard_results()
    (group,) = whole.groups
    notes = {**group.notes, "lrp": ExplainerNotes(completeness=np.full(len(group.samples), error), broken=True)}
    text = unwrapped(render_leaderboard(build_leaderboard(replace(whole, groups=[replace(group, notes=notes)])), "terminal", width=100))
    assert f"half of the maps are off by more than {said} (lrp)" in text


@pytest.mark.parametrize(("error", "said"), [(0.049, False), (0.051, True)])
def test_a_sum_that_nobody_promised_is_remarked_on_from_five_percent_on(error: float, said: bool) -> None:
    group = leaderboard_group(gaps=False)
    notes = {"lrp": ExplainerNotes(completeness=np.full(len(group.samples), error))}
    texts = collect_footnotes(build_leaderboard(leaderboard_results(groups=[replace(group, notes=notes)])).groups[0]).texts
    assert any("add up only roughly" in text and text.endswith("(lrp)") for text in texts) == said


def test_where_no_metric_ranks_anybody_no_row_is_said_to_lack_any() -> None:
    nothing = group_of({"a": {"m": np.full(4, np.nan)}, "null": {"m": np.full(4, np.nan)}}, [metric()], nulls=("null",))
    (text,) = collect_footnotes(build_leaderboard(Results(provenance={}, groups=[nothing])).groups[0]).texts
    assert text == "undefined for every sample (m)"


def test_what_a_row_is_known_for_is_said() -> None:
    text = unwrapped(render_leaderboard(board(), "terminal", width=100))
    assert "should add up to the change in the model's output that they explain, and do not" in text
    assert "half of the maps are off by more than 31 % (lrp)" in text
    assert "3 maps are 0 everywhere (saliency)" in text
    assert "(random)" in text, "nulls are marked without colour too"


@pytest.mark.parametrize("format", TEXTS)
def test_the_legend_says_how_intervals_were_made_and_where_there_is_none(format: str) -> None:
    hit = dataclasses.replace(metric("hit", category="localisation"), bounds=(0, 1))
    scores = {label: {"hit": np.arange(6) % 2.0, "m": np.arange(6.0) if label == "a" else np.full(6, 0.25)} for label in "ab"}
    text = unwrapped(
        render_leaderboard(build_leaderboard(Results(provenance={}, groups=[group_of(scores, [hit, metric()])])), format, width=100)
    )
    assert "Wilson's for scores of 0 or 1 (hit)" in text
    assert "Student's t, widened where scores are skewed" in text
    assert "all scores equal" in text
    assert re.search(r"0\.250 (–|--)", text), "six equal scores have no interval"
    assert "bootstrap" not in text


@pytest.mark.parametrize("format", TEXTS)
def test_one_is_told_from_several(format: str) -> None:
    one = Results(provenance={}, groups=[group_of({"a": {"m": np.ones(1)}}, [metric()])], nulls=["a"])
    text = unwrapped(render_leaderboard(build_leaderboard(one), format, width=100))
    assert "1 sample" in text and "mean over 1 category (faithfulness) of the mean over its 1 metric" in text and "null a" in text
    assert not re.search(r"\b1 (samples|categories|metrics)", text)


def test_a_mark_stands_before_the_first_line_of_its_meaning_alone() -> None:
    *_, first, second = render_leaderboard(board(2), "terminal", width=60).rstrip().splitlines()
    assert first.startswith("‡ over fewer samples")
    assert second.startswith("  ") and "deletion (12)" in second


def test_each_latex_table_explains_its_own_marks_and_no_other() -> None:
    for table in render_leaderboard(board(2), "latex").split(r"\begin{table}")[1:]:
        body, _, notes = table.partition(r"\par\smallskip")
        for mark in (r"\blacktriangle", r"\blacktriangledown", r"\circ", r"\ddagger"):
            assert bool(re.search(re.escape(mark) + r"(?![a-z])", body)) == bool(re.search(re.escape(mark) + r"(?![a-z])", notes))
        assert (r"\textbf{" in body) == (r"\textbf{Bold}" in notes)
        assert (" alike " in body) == ("cannot be told apart" in notes)


def test_a_metric_that_is_undefined_throughout_is_said_once() -> None:
    scores = {"a": {"m": np.full(4, np.nan)}, "b": {"m": np.array([0.1, 0.2, 0.3, np.nan])}}
    text = unwrapped(
        render_leaderboard(build_leaderboard(Results(provenance={}, groups=[group_of(scores, [metric()])], bootstrap=2)), width=100)
    )
    assert "skill and ranks take the null's for them: b m (1 of 4) †" in text
    assert "undefined for every sample (a on m)" in text


def test_what_is_undefined_for_as_many_samples_in_every_row_is_said_of_the_metric() -> None:
    some, more = np.array([0.1, 0.2, np.nan, np.nan]), np.array([0.1, np.nan, np.nan, np.nan])
    scores = {"a": {"m": some, "n": some}, "b": {"m": some, "n": more}}
    group = group_of(scores, [metric(), metric("n")])
    text = unwrapped(render_leaderboard(build_leaderboard(Results(provenance={}, groups=[group], bootstrap=2)), width=100))
    assert "for them: m (2 of 4), a n (2 of 4), b n (3 of 4)" in text


def test_a_headline_is_said_to_be_of_the_categories_and_metrics_that_it_is_of() -> None:
    metrics = [
        metric("road"),
        metric("gaze", category="axiomatic"),
        metric("game", category="axiomatic"),
        metric("mask", category="localisation"),
    ]
    generator = np.random.default_rng(0)
    group = group_of({label: {info.label: generator.random(20) for info in metrics} for label in ("one", "two", "sobel")}, metrics)
    missing = Cell.missing(20, "not-applicable", "no masks")
    cells = group.cells | {place: missing for place in group.cells if place[1] in ("mask", "game")}
    document = build_leaderboard(leaderboard_results(groups=[replace(group, cells=cells)], reference=None, nulls=["sobel"]))
    text = unwrapped(render_leaderboard(document, width=200))
    assert "mean over 2 categories (faithfulness, axiomatic) of the mean over their metrics" in text
    by_metric = unwrapped(render_leaderboard(document, width=200, group="metric"))
    assert "mean over 2 metrics" in by_metric


def test_explainers_on_a_random_model_are_counted_and_not_listed_among_the_nulls() -> None:
    scores = {label: {"m": np.random.default_rng(k).random(20)} for k, label in enumerate(("one", "two", "sobel", "one twin", "two twin"))}
    group = group_of(scores, [metric()], ("sobel",))
    twins = [explainer(info.label, null=True, twin_of=info.label.split()[0]) for info in group.explainers[3:]]
    group = replace(group, explainers=[*group.explainers[:3], *twins])
    document = build_leaderboard(leaderboard_results(groups=[group], reference=None, nulls=["one twin", "sobel", "two twin"]))
    assert "nulls sobel, 2 explainers on a random model ·" in unwrapped(render_leaderboard(document, width=200))


def noted(**changes: object) -> Leaderboard:
    """A group with notes, and one that is blocked as a whole."""
    whole = leaderboard_group(gaps=False)
    size, reason = len(whole.samples), "the model gone cannot be loaded: no file x_1.pt"
    cells = {place: Cell.missing(size, "blocked", reason) for place in whole.cells}
    noted = replace(whole, group_notes=["lesions: 2 files are no images", "lesions-vgg: class activation maps are taken at features.29"])
    return build_leaderboard(leaderboard_results(groups=[noted, replace(whole, model="gone", cells=cells, costs={}, notes={}, **changes)]))


@pytest.mark.parametrize("kind", [*TEXTS, "html"])
def test_notes_are_said_once_in_every_text(kind: str) -> None:
    text = unwrapped(render_leaderboard(noted(), kind, width=80))
    for note in ("2 files are no images", "class activation maps are taken at features.29"):
        assert text.count(note) == 1


@pytest.mark.parametrize("kind", [*TEXTS, "html"])
def test_a_group_that_is_blocked_as_a_whole_is_one_line(kind: str) -> None:
    text = render_leaderboard(noted(), kind, width=80)
    assert unwrapped(text).count("the model gone cannot be loaded: no file x") == 1
    assert text.count("blocked") == 1


def test_notes_are_kept_in_a_run_folder_and_read_back(tmp_path: Path) -> None:
    results = leaderboard_results(groups=[replace(leaderboard_group(), group_notes=["lesions: a note"])])
    assert write_run(tmp_path, results).groups[0].notes == ["lesions: a note"]
    assert read_results(tmp_path).groups[0].group_notes == ["lesions: a note"]
    merged = merge_results(
        [results, leaderboard_results(groups=[replace(leaderboard_group(), group_notes=["lesions: a note", "and another"])])]
    )
    assert merged.groups[0].group_notes == ["lesions: a note", "and another"]


def test_a_footnote_names_a_whole_row_and_a_whole_metric_by_their_own_labels() -> None:
    group = leaderboard_group(gaps=False)
    rows, metrics, size = [info.label for info in group.explainers], [info.label for info in group.metrics], len(group.samples)
    cells = dict(group.cells)
    for metric_label in metrics:
        cells[rows[0], metric_label] = Cell.missing(size, "not-applicable", "no rule")
    for row in rows[1:]:
        cells[row, metrics[0]] = Cell.missing(size, "not-applicable", "no masks")
    cells[rows[1], metrics[1]] = Cell.missing(size, "failed", "no luck")
    for metric_label in metrics[1:]:
        cells[rows[2], metric_label] = Cell.missing(size, "crashed", "it died")
    text = unwrapped(
        render_leaderboard(build_leaderboard(leaderboard_results(groups=[replace(group, cells=cells)])), "terminal", width=200)
    )
    assert f"no rule ({rows[0]})" in text
    assert f"no masks ({metrics[0]})" in text
    assert f"it died ({rows[2]})" in text
    assert f"no luck ({rows[1]} on {metrics[1]})" in text


def test_a_metric_that_the_only_row_lacks_is_not_lacking_throughout() -> None:
    group = group_of({"a": {"m": np.arange(4.0)}}, [metric("m"), metric("n")])
    cells = {**group.cells, ("a", "n"): Cell.missing(4, "failed", "no luck")}
    board_of_one = build_leaderboard(Results(provenance={}, groups=[replace(group, cells=cells)]))
    assert collect_footnotes(board_of_one.groups[0]).texts[0] == "failed: no luck (a on n)"


def test_only_several_models_of_a_side_are_said_to_be_averaged() -> None:
    """Either side may be the one with replicates."""
    alone, *seeds = (leaderboard_group(size=12, seed=k, model=f"net-{k}", gaps=False) for k in range(3))
    replicates = [replace(group, replicate_of="net") for group in seeds]
    said = "replicates are averaged sample by sample"
    for groups in ([alone, *replicates], [*replicates, alone]):
        assert said in render_leaderboard(build_leaderboard(leaderboard_results(groups=groups, bootstrap=2)), "markdown")
    assert said not in render_leaderboard(build_leaderboard(leaderboard_results(groups=[alone, seeds[0]], bootstrap=2)), "markdown")


def test_three_seeds_have_intervals_and_two_have_none() -> None:
    groups = [replace(leaderboard_group(size=12, seed=k, model=f"net-{k}", gaps=False), replicate_of="net") for k in range(3)]
    two, three = (render_leaderboard(build_leaderboard(leaderboard_results(groups=groups[:k], bootstrap=2)), "markdown") for k in (2, 3))
    assert "models trained from 2 seeds count as one: no intervals" in two
    assert "models trained from 3 seeds count as one: intervals are Student's t" in three


def test_what_an_interrupt_kept_from_its_turn_is_not_called_blocked() -> None:
    group = leaderboard_group(gaps=False)
    cells = dict(group.cells)
    for place in list(cells)[-4:]:
        cells[place] = Cell.missing(len(group.samples), "blocked", "not computed: the run was interrupted")
    text = unwrapped(
        render_leaderboard(build_leaderboard(leaderboard_results(groups=[replace(group, cells=cells)])), "terminal", width=120)
    )
    assert text.count("not computed: the run was interrupted (") == 1
    assert "blocked" not in text
