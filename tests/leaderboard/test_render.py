import csv
import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from harness.leaderboard.build import build_leaderboard
from harness.leaderboard.formats.text_grid import GridColumn, draw_block
from harness.leaderboard.number_format import number_formatter
from harness.leaderboard.render import FORMATS, UnknownFormat, render_leaderboard
from harness.results.data_model import Cell, Results
from harness.results.document import Leaderboard
from tests.support.rendered import TEXTS, board, unwrapped
from tests.support.synthetic_results import complete_cell, group_of, leaderboard_group, leaderboard_results, metric

WIDTHS = [20, 33, 50, 80, 100, 120, 200]


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
