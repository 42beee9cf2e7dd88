import csv
import dataclasses
import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from harness.leaderboard.build import build_leaderboard
from harness.leaderboard.formats.text_grid import GridColumn, draw_block
from harness.leaderboard.merge import merge_results
from harness.leaderboard.number_format import number_formatter
from harness.leaderboard.render import FORMATS, UnknownFormat, render_leaderboard
from harness.leaderboard.sections.footnotes import collect_footnotes
from harness.results.data_model import Cell, ExplainerNotes, Results
from harness.results.document import Leaderboard
from harness.results.run_folder import read_results
from tests.support.synthetic_results import complete_cell, explainer, group_of, leaderboard_group, leaderboard_results, metric, write_run

WIDTHS = [20, 33, 50, 80, 100, 120, 200]
TEXTS = ["terminal", "markdown", "latex"]


@cache
def board(groups: int = 1) -> Leaderboard:
    made = [leaderboard_group(seed=k, model=f"lesions-vgg{k or ''}", gaps=not k) for k in range(groups)]
    return build_leaderboard(leaderboard_results(groups=made))


def unwrapped(text: str) -> str:
    """Words without the layout: header lines of one column lie below each other."""
    return re.sub(r"[\s\\{}]+", " ", text)


@pytest.mark.parametrize("group", ["category", "metric"])
@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal(width: int, group: str) -> None:
    lines = render_leaderboard(board(2), "terminal", group=group, width=width).splitlines()
    assert max(cell_len(line) for line in lines) <= width
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_every_label_and_every_mean_is_on_the_terminal(width: int) -> None:
    text = render_leaderboard(board(), "terminal", width=width)
    group = board().groups[0]
    for row in group.rows:
        assert row.label in text
    for column in group.metrics:
        for word in column.label.split("-"):
            assert word in text
    assert "…" not in text, "nothing is clipped"
    for value in ("0.766 ±0.032*", "4.063 ±0.357*", "1.7e-4 ±2.0e-4*"):
        assert value in text


@pytest.mark.parametrize("width", range(90, 150, 5))
def test_the_heading_of_few_categories_is_whole(width: int) -> None:
    """The plot beside them leaves it room."""
    generator = np.random.default_rng(0)
    metrics = [metric("road"), metric("gaze", category="localisation")]
    scores = {label: {info.label: generator.random(20) for info in metrics} for label in ("one", "two", "three", "sobel")}
    text = render_leaderboard(build_leaderboard(leaderboard_results(groups=[group_of(scores, metrics)])), "terminal", width=width)
    assert "skill by category" in text


def test_a_wider_terminal_needs_no_more_blocks() -> None:
    blocks = [len(re.findall("(?m)^─+$", render_leaderboard(board(), "terminal", width=width))) for width in WIDTHS if width >= 50]
    assert blocks == sorted(blocks, reverse=True)
    assert blocks[-1] == 2, "an overview and all metrics"


def test_columns_line_up() -> None:
    lines = render_leaderboard(board(), "terminal", width=200).splitlines()
    header = next(k for k, line in enumerate(lines) if "precision ↑" in line)
    start = lines[header].index("precision ↑")
    rows = lines[header + 2 : header + 14]
    assert len({row[start + 1] for row in rows}) == 1, "decimal points lie below each other"
    assert all(row[start - 2 : start] == "  " for row in rows)


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


def test_colour_only_where_it_is_asked_for() -> None:
    plain, styled = render_leaderboard(board(), width=100), render_leaderboard(board(), width=100, color=True)
    assert "\x1b" not in plain
    assert "\x1b[" in styled
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", styled)
    assert [line.rstrip() for line in stripped.splitlines()] == plain.splitlines()


def test_colour_comes_from_the_argument_and_not_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" not in render_leaderboard(board(), width=100)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" in render_leaderboard(board(), width=100, color=True)


def test_plain_ascii_terminals() -> None:
    plain, full = (render_leaderboard(board(2), width=80, ascii_only=only) for only in (True, False))
    assert plain.isascii() and not full.isascii()
    assert all(row.label in plain for group in board(2).groups for row in group.rows)
    assert re.findall(r"\d\.\d+", plain) == re.findall(r"\d\.\d+", full), "the numbers are the same"


def test_overall_only_where_there_are_several_groups() -> None:
    assert "Overall" not in render_leaderboard(board(), "markdown")
    for format in TEXTS:
        assert "across 2 groups" in render_leaderboard(board(2), format, width=200)


@pytest.mark.parametrize("format", TEXTS)
def test_two_models_are_compared_in_every_format(format: str) -> None:
    """With the difference, its interval, a verdict, and the cells where not all samples have both scores."""
    better = leaderboard_group(model="better", gaps=False)
    noise = np.random.default_rng(0).normal(0.125, 0.1, 52)
    for label in better.explainer_labels:
        better.cells[label, "road"] = complete_cell(better.cells[label, "road"].values + noise)
    text = unwrapped(render_leaderboard(build_leaderboard(leaderboard_results(groups=[leaderboard_group(), better])), format, width=200))
    models = re.split(r"lesions: better minus lesions-vgg", text, maxsplit=1)[-1]
    plus_minus = {"latex": r"\$ pm\$ ", "markdown": "± ", "terminal": "±"}[format]
    assert re.search(rf"\+{noise[4:].mean():.3f} {plus_minus}0\.0[23]\d", models)
    assert "better on better (Wilcoxon signed-rank, false discovery rate over all differences between these models, p" in models
    assert "worse on better" not in models
    assert "over fewer samples, those that have both scores: lrp pointing-game (45)" in models
    assert "48 samples that count for both models" in text


def test_a_mark_stands_before_the_first_line_of_its_meaning_alone() -> None:
    *_, first, second = render_leaderboard(board(2), "terminal", width=60).rstrip().splitlines()
    assert first.startswith("‡ over fewer samples")
    assert second.startswith("  ") and "deletion (12)" in second


def test_two_models_are_compared_in_csv_and_json() -> None:
    document = board(2)
    (found,) = document.models
    versus = found.cells["lrp"]["road"]
    lines = [
        line
        for line in csv.DictReader(io.StringIO(render_leaderboard(document, "csv")))
        if (line["explainer"], line["metric"]) == ("lrp", "road")
    ]
    assert [line["other_model"] for line in lines] == ["", "lesions-vgg"]
    assert float(lines[1]["model_difference"]) == versus.difference == pytest.approx(float(lines[1]["mean"]) - float(lines[0]["mean"]))
    assert float(lines[1]["p_model_wilcoxon_adjusted"]) == versus.p_wilcoxon_adjusted
    assert json.loads(render_leaderboard(document, "json"))["models"][0]["cells"]["lrp"]["road"]["difference"] == versus.difference


@pytest.mark.parametrize("format", [*TEXTS, "csv"])
def test_rows_that_cannot_be_told_apart_share_a_letter_in_every_format(format: str) -> None:
    group = board().groups[0]
    lines = render_leaderboard(board(), format, width=200).splitlines()
    lines = lines[next(k for k, line in enumerate(lines) if "alike" in line) :]
    letters = {}
    if format == "csv":
        letters = {line["explainer"]: line["alike"] for line in csv.DictReader(lines)}
    else:
        for row in group.rows:
            named = next(line for line in lines if re.search(rf"(?<![\w-]){re.escape(row.label)}(?![\w+-])", line.replace("+{}+", "++")))
            letters[row.label] = next(iter(re.findall(r"(?<=[ &|])[a-h]{1,4}(?=[ &|])", named.replace(row.label, ""))), "")
        assert "cannot be told apart" in unwrapped("\n".join(lines))
    assert {label: letters[label] for label in letters} == {row.label: row.standings["category"].alike for row in group.rows}
    assert letters["triad"].startswith("a") and letters["random"] == ""


def test_group_chooses_the_rank() -> None:
    by_category, by_metric = (render_leaderboard(board(), "markdown", group=group) for group in ("category", "metric"))
    row = next(row for row in board().groups[0].rows if row.label == "grad-cam++")
    for weighting, text in (("category", by_category), ("metric", by_metric)):
        standing = row.standings[weighting]  # type: ignore[index]
        assert re.search(rf"grad-cam\+\+ .*\| *{standing.skill.value:.2f} *\|.*\| *{standing.rank:.2f} *\|", text)
    assert row.standings["category"].skill != row.standings["metric"].skill
    assert "### Localisation" in by_category
    assert "### Localisation" not in by_metric


def test_markdown_tables_are_rectangular() -> None:
    for table in re.findall(r"(?:^\|.*\n)+", render_leaderboard(board(2), "markdown"), flags=re.M):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


@pytest.mark.parametrize("format", TEXTS)
def test_a_cost_that_no_row_has_takes_no_column(format: str) -> None:
    whole = board()
    group = whole.groups[0]
    rows = [row.model_copy(update={"costs": replace(row.costs, peak_memory=None)}) for row in group.rows]
    without = whole.model_copy(update={"groups": [group.model_copy(update={"rows": rows})]})

    def said(document: Leaderboard) -> str:
        return re.sub(
            r"\s+",
            " ",
            unwrapped(render_leaderboard(document, format, width=240) if format == "terminal" else render_leaderboard(document, format)),
        )

    assert "memory" in said(whole).lower() and "200 MB" in said(whole)
    assert "peak" not in said(without) and "200 MB" not in said(without) and "time" in said(without)


def test_latex_is_balanced_and_escaped() -> None:
    text = render_leaderboard(board(2), "latex")
    plain = re.sub(r"\\[{}]", "", text)
    assert plain.count("{") == plain.count("}")
    assert text.count(r"\begin{") == text.count(r"\end{")
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == text.count(r"\midrule")
    assert r"singular matrix \textbar{} at step\_3 \& more" in text
    for line in text.splitlines():
        if line.endswith(r" \\"):
            assert line.count(" & ") >= 1


def test_each_latex_table_explains_its_own_marks_and_no_other() -> None:
    for table in render_leaderboard(board(2), "latex").split(r"\begin{table}")[1:]:
        body, _, notes = table.partition(r"\par\smallskip")
        for mark in (r"\blacktriangle", r"\blacktriangledown", r"\circ", r"\ddagger"):
            assert bool(re.search(re.escape(mark) + r"(?![a-z])", body)) == bool(re.search(re.escape(mark) + r"(?![a-z])", notes))
        assert (r"\textbf{" in body) == (r"\textbf{Bold}" in notes)
        assert (" alike " in body) == ("cannot be told apart" in notes)


def test_marks_have_a_column_of_their_own_in_latex() -> None:
    text, apart = render_leaderboard(board(2), "latex"), 0
    for kinds, body in re.findall(r"\\begin{tabular}{@{}([lr@{}]+)@{}}\n(.*?)\\end{tabular}", text, re.DOTALL):
        columns = re.findall(r"(?:@{})?[lr]", kinds)
        header, *rows = (re.split(r" &(?= |$)", line.removesuffix(r" \\")) for line in body.splitlines() if line.endswith(r" \\"))
        assert len(header) + sum(cell.startswith(r" \multicolumn{2}") for cell in header) == len(columns)
        for row in rows:
            assert len(row) == len(columns)
            assert not any("^" in cell for cell, kind in zip(row[1:], columns[1:], strict=True) if kind != "@{}l")
            apart += sum("blacktriangledown" in cell for cell in row)
    assert apart


def test_latex_tables_fit_a_page() -> None:
    many = {f"explainer-number-{k}": {"m": np.arange(12.0) + k} for k in range(95)}
    tall = build_leaderboard(Results(provenance={}, groups=[group_of(many, [metric()])], bootstrap=10))
    for document in (board(2), tall):
        for table in render_leaderboard(document, "latex").split(r"\begin{table}")[1:]:
            rows = [line for line in table.splitlines() if line.endswith(r" \\")]
            shown = [re.sub(r"\$\^.*?\$|\\[a-z]+|[{}$]", "", line) for line in rows[1:]]
            assert len(rows) <= 41
            assert max(map(len, shown)) <= 100


def test_labels_are_unique_and_those_of_their_run() -> None:
    def labels(name: str) -> set[str]:
        document = build_leaderboard(
            leaderboard_results(provenance={"name": name}, groups=[leaderboard_group(), leaderboard_group(model="b")])
        )
        found = re.findall(r"\\label\{(.*?)\}", render_leaderboard(document, "latex"))
        assert len(set(found)) == len(found) > 5
        return set(found)

    first, second = labels("My first run!"), labels("My second run")
    assert not first & second
    assert all(re.fullmatch(r"tab:my-first-run-[a-z0-9-]+", label) for label in first)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX here")
@pytest.mark.slow
def test_latex_compiles_without_a_box_too_wide(tmp_path: Path) -> None:
    odd = group_of({'a "b" <c> ~^|': {"µ_§ß": np.arange(12.0)}, "γ-rule++ [x]": {"µ_§ß": np.arange(12.0)}}, [metric("µ_§ß")])
    for number, document in enumerate([board(2), build_leaderboard(Results(provenance={}, groups=[odd]))]):
        head = r"\documentclass{article}" + "\n" + r"\usepackage{booktabs,amssymb,graphicx}" + "\n" + r"\begin{document}" + "\n"
        (tmp_path / f"{number}.tex").write_text(head + render_leaderboard(document, "latex") + r"\end{document}")
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"{number}.tex"]
        for _ in range(2):
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
        assert done.returncode == 0, done.stdout[-1500:]
        assert not re.search(r"Overfull|Float too large|Warning", done.stdout)


def test_csv_has_one_line_per_cell_in_full_precision() -> None:
    lines = list(csv.DictReader(io.StringIO(render_leaderboard(board(), "csv"))))
    assert len(lines) == 12 * 10
    found = {(line["explainer"], line["metric"]): line for line in lines}
    cell = next(row for row in board().groups[0].rows if row.label == "lrp").cells["road"]
    assert float(found["lrp", "road"]["mean"]) == cell.mean
    assert found["deep-lift", "max-sensitivity"]["status"] == "timeout"
    assert found["deep-lift", "max-sensitivity"]["mean"] == ""
    assert found["SHAP", "road"]["reason"] == "RuntimeError: singular matrix | at step_3 & more"
    assert found["random", "road"]["null"] == "true"


def test_json_is_the_document() -> None:
    assert json.loads(render_leaderboard(board(), "json")) == board().model_dump(mode="json")


def test_formats_of_plugins_get_the_json() -> None:
    extra = {"count": lambda document: f"{len(document['groups'][0]['rows'])}\n"}
    assert render_leaderboard(board(), "count", extra_formats=[extra]) == "12\n"
    with pytest.raises(UnknownFormat, match=r"'countt'.*terminal.*json, count"):
        render_leaderboard(board(), "countt", extra_formats=[extra])


def test_the_picture_of_skill_on_a_page_says_what_its_ends_are() -> None:
    assert re.findall(r"<text [^>]*>([\d.]+)</text>", render_leaderboard(board(), "html")) == ["0", "0.5", "1"]


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_to_show_is_shown(format: str) -> None:
    group = group_of({"a": {"m": np.ones(3)}}, [metric()])
    nothing = [
        Results(provenance={}, groups=[]),
        Results(provenance={}, groups=[group_of({"a": {"m": np.ones(3)}}, [metric()], cells={})]),
        Results(provenance={}, groups=[group_of({"a": {"m": np.ones(3)}}, [], cells={})]),
        Results(provenance={}, groups=[group_of({"a": {"m": np.ones(3)}}, [metric()], explainers=[], cells={})]),
        Results(provenance={}, groups=[group_of({"a": {"m": np.ones(3)}}, [metric()], cells={("a", "m"): Cell.missing(3, "crashed")})]),
        Results(provenance={}, groups=[group], reference="a", nulls=["a"]),
    ]
    for results in nothing:
        for width in (1, 20, 80):
            assert isinstance(render_leaderboard(build_leaderboard(results), format, width=width), str)


LABELS = st.text(min_size=1, max_size=60).filter(str.strip)


@settings(max_examples=60, deadline=None)
@given(st.lists(LABELS, min_size=1, max_size=4, unique=True), LABELS, st.text(max_size=200), st.integers(1, 130))
def test_any_label_can_be_rendered_and_none_is_obeyed(labels: list[str], column: str, reason: str, width: int) -> None:
    group = group_of({label: {column: np.arange(3.0)} for label in labels}, [metric(column)])
    group.cells[labels[0], column] = Cell.missing(3, "failed", reason)
    document = build_leaderboard(Results(provenance={}, groups=[group], bootstrap=2, reference=labels[-1], nulls=labels[:1]))
    for format in TEXTS:
        text = render_leaderboard(document, format, width=width)
        assert not set(text) & {"\x1b", "\r", "\x07", "\x08", "\u202e", "\u2028"}
        if format == "terminal":
            assert max(cell_len(line) for line in text.split("\n")) <= max(width, 2)


def test_small_numbers_keep_their_digits_beside_large_ones() -> None:
    assert [number_formatter([4607.2, 12.4, 1.46])(value) for value in (4607.2, 1.46)] == ["4.6e3", "1.5e0"]
    assert [number_formatter([79.56, 5.87])(value) for value in (79.56, 5.87)] == ["79.56", "5.87"]
    assert number_formatter([3.42, 2.7e-7])(2.7e-7) == "0.000", "a column within 10 keeps its three decimals"


@pytest.mark.parametrize(
    ("halves", "said"),
    [
        ([0.0002, 0.0003, 0.02], "0.4818 ±0.0003"),  # as most of the column take
        ([0.03, 0.0003, 0.02], "0.482 ±0.000"),
        ([1e-9, None, 0.0], "0.481825 ±0.000000"),
        ([None, 0.0], "0.482 –"),
    ],
)
def test_an_interval_that_is_narrow_is_not_written_as_none(halves: list[float | None], said: str) -> None:
    write = number_formatter([0.481825, 0.502761], halves)
    half = halves[1] or halves[0]
    assert f"{write(0.481825)} {'±' if half else ''}{write(half)}" == said


def test_the_name_of_a_section_is_whole_over_a_narrow_column() -> None:
    narrow = GridColumn("a", [Text("1")], section="complexity")
    wide = GridColumn("b", [Text("2")], section="faithfulness")
    assert draw_block([narrow, wide], [""], 80)[0].plain == "complexity  faithfulness"
    assert max(line.cell_len for line in draw_block([narrow, wide], [""], 8)) <= 8


def test_the_name_of_a_section_takes_lines_where_it_has_no_room_beside_itself() -> None:
    plain = GridColumn("alone", [Text("1")])
    lines = [line.plain for line in draw_block([plain, GridColumn("a", [Text("2")], section="mean rank by category")], [""], 18)]
    assert lines == ["       mean rank", "       by category", "alone            a", "─" * 18, "    1            2"]


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


@pytest.mark.parametrize(("short", "long"), [("md", "markdown"), ("tex", "latex")])
def test_formats_have_the_names_of_their_files_too(short: str, long: str) -> None:
    assert render_leaderboard(board(), short) == render_leaderboard(board(), long)


def test_csv_has_the_skill_and_the_weight_of_every_cell() -> None:
    group = board().groups[0]
    cells = {(row.label, metric.label): (row.cells[metric.label], metric) for row in group.rows for metric in group.metrics}
    lines = list(csv.DictReader(io.StringIO(render_leaderboard(board(), "csv"))))
    assert len(lines) == len(cells)
    for line in lines:
        cell, metric = cells[line["explainer"], line["metric"]]
        assert float(line["cell_skill"]) == cell.skill.value
        assert (line["cell_skill_low"], line["rank"]) == tuple("" if one is None else str(one) for one in (cell.skill.low, cell.rank))
        assert float(line["weight"]) == metric.weights["category"]
    assert {float(line["weight"]) for line in lines if line["category"] == "complexity"} == {0.0}
