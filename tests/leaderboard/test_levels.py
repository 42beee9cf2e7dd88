"""Levels of what was swept, in every format, as a picture, and on the command line."""

import csv
import io
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.cells import cell_len
from typer.testing import CliRunner

from harness.cli import app
from harness.figures.box_plots import level_colours
from harness.leaderboard.build import build_leaderboard, with_levels
from harness.leaderboard.render import render_leaderboard
from harness.results.document import Leaderboard, read_leaderboard
from harness.runs.level_figure import draw_levels
from tests.support.spec import SMALL, small_spec
from tests.support.swept_results import TUNES, swept_group, swept_results
from tests.support.synthetic_results import write_run

TEXTS = ["terminal", "markdown", "latex", "html"]


@cache
def document(*by: str, equal_accuracy: float | None = None, **changes: object) -> Leaderboard:
    results = swept_results(**changes)  # type: ignore[arg-type]
    chosen = {"equal_accuracy": equal_accuracy is not None, "accuracy": equal_accuracy}
    return with_levels(build_leaderboard(results), results, by or ("tune",), **chosen)  # type: ignore[arg-type]


@pytest.mark.parametrize("format", TEXTS)
def test_every_format_has_the_numbers_and_says_what_they_rest_on(format: str) -> None:
    shown = document()
    text = " ".join(render_leaderboard(shown, format, width=300, levels=True).split())
    assert "data: by tune" in text and "those that all 12 models classify correctly" in text
    scores = shown.levels[0].metrics[1].rows[2].scores["3conv"]
    half = ((scores.high or 0) - (scores.low or 0)) / 2
    for number in (scores.median, scores.lower_quartile, scores.upper_quartile, scores.mean, half):
        assert f"{number:.3f}" in text
    assert "of all models of the level on all samples" in text
    assert "t over seeds and samples, false discovery rate over all differences between these levels, p" in text
    assert "better than at 1conv" in text and "worse than at" not in text
    assert "rank by category" not in text and "places" not in text, "levels stand in the place of the ranks"


def test_facts_change_with_what_is_compared() -> None:
    def said(*by: str, **changes: object) -> str:
        return " ".join(render_leaderboard(document(*by, **changes), "markdown", levels=True).split())

    assert "models of a level are averaged sample by sample: intervals and tests hold for these models" in said(seeds=2)
    assert "Holm over the differences under a metric" in said(correction="holm")
    alone = said("steps", tunes=("all",), seeds=1)
    assert "classified correctly by the model" in alone and "### Levels" not in alone and "- left out: plain, noise: no steps" in alone
    assert "levels have no samples in common: they are not tested" in said("dataset", tunes=("all",), datasets=("first", "second"))
    equal = said(equal_accuracy=0.8)
    assert "of each level the models whose accuracy is the nearest to 80.0 %" in equal
    assert "- 1conv: net tune=1conv, seed=2 (72.0 %)" in equal and "- all: net tune=all, seed=0 (85.0 %)" in equal
    assert "(those that" not in said(samples_rule="all")


def test_what_intervals_and_tests_hold_for_is_said_of_each() -> None:
    """One seed beside three: the mean of the three knows how seeds vary, the difference does not."""

    def facts(*by: str, **changes: object) -> str:
        return " ".join(render_leaderboard(document.__wrapped__(*by, **changes), "markdown", levels=True).split())

    few = facts("tune", groups=(swept_group("1conv", 0), *(swept_group("all", seed, gain=0.3) for seed in range(3))))
    assert "intervals of means take training seeds and samples as drawn by chance where there are seeds enough" in few
    assert "models of a level are averaged sample by sample: intervals of differences, and tests, hold for these models" in few
    both = facts("tune", groups=(swept_group("1conv", 0), *(swept_group(t, s, gain=0.3) for t in ("all", "2conv") for s in range(3))))
    assert "intervals and tests take training seeds and samples as drawn by chance where there are seeds enough" in both
    assert "intervals and tests hold for these models elsewhere" in both
    all_ = facts("tune")
    assert "intervals and tests take training seeds and samples as drawn by chance" in all_ and "where there are seeds enough" not in all_
    assert "hold for these models" not in all_
    apart = facts("dataset", tunes=("all",), datasets=("first", "second"))
    assert "intervals of means take training seeds and samples as drawn by chance" in apart and "not tested" in apart


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("by", [("tune",), ("seed", "tune"), ("model",)])
def test_no_line_is_wider_than_the_terminal_and_every_box_is_drawn(width: int, by: tuple[str, ...]) -> None:
    shown = document(*by)
    lines = render_leaderboard(shown, "terminal", width=width, levels=True).splitlines()
    assert max(map(cell_len, lines)) <= width
    boxes = sum(len(row.scores) for metric in shown.levels[0].metrics for row in metric.rows)
    assert sum("┃" in line for line in lines if "├─▒┃▒─┤  quartiles" not in line) == boxes
    plain = render_leaderboard(shown, "terminal", width=width, levels=True, ascii_only=True)
    assert plain.isascii() and "?" not in plain


def test_parts_of_a_box_stand_where_their_numbers_are() -> None:
    """At a width of 40 cells the scale runs from the least whisker to the greatest: a cell is one in 39 of it."""
    shown = document(tunes=("1conv", "all"))
    metric = shown.levels[0].metrics[1]
    scores = [each for row in metric.rows for each in row.scores.values()]
    low, high = min(each.lower_whisker for each in scores), max(each.upper_whisker for each in scores)
    text = render_leaderboard(shown, "terminal", width=300, levels=True)
    lines = [line for line in text.split("inside ↑")[1].split("drop ↓")[0].splitlines() if "┃" in line]
    start = min(line.index("├") for line in lines if "├" in line)
    assert len(lines) == len(scores)
    for line, each in zip(lines, scores, strict=True):
        place = round(((each.median or 0) - (low or 0)) / ((high or 0) - (low or 0)) * 39)
        assert line.index("┃") - start == place


def test_csv_has_a_line_for_each_level_and_json_all_of_it() -> None:
    shown = document()
    lines = list(csv.DictReader(io.StringIO(render_leaderboard(shown, "csv", levels=True))))
    rows = [(metric, row) for metric in shown.levels[0].metrics for row in metric.rows]
    assert len(lines) == sum(len(row.scores) for _, row in rows)
    line = next(line for line in lines if (line["metric"], line["explainer"], line["level"]) == ("inside", "plain", "all"))
    row = next(row for metric, row in rows if (metric.label, row.explainer) == ("inside", "plain"))
    one = next(one for one in row.comparisons if (one.first, one.second) == ("1conv", "all"))
    assert (float(line["median"]), float(line["mean"])) == (row.scores["all"].median, row.scores["all"].mean)
    assert (line["minus"], float(line["difference"]), float(line["p"]), line["verdict"] or None) == (
        "1conv",
        one.difference,
        one.p,
        one.verdict,
    )
    first = next(line for line in lines if (line["metric"], line["explainer"], line["level"]) == ("inside", "plain", "1conv"))
    assert (first["minus"], first["p"], first["null"]) == ("", "", "false")
    assert read_leaderboard(render_leaderboard(shown, "json", levels=True)).levels == shown.levels


def test_a_latex_table_that_is_cut_begins_with_both_names() -> None:
    text = render_leaderboard(document("model"), "latex", levels=True)
    heads = [line for line in text.splitlines() if line.startswith("explainer &") or line.startswith("model &")]
    assert heads and all(line.startswith(("explainer & model &", "model & models")) for line in heads)
    tables = [part for part in text.split(r"\begin{table}") if "alike" in part.split(r"\midrule")[0]]
    assert tables and all("levels of an explainer that share a letter" in part for part in tables), "what is cut off explains itself"


@pytest.mark.parametrize("by", [("tune",), ("tune", "seed")])
def test_the_picture_is_the_same_every_time_and_has_every_colour(by: tuple[str, ...]) -> None:
    levels = document(*by, tunes=("1conv", "all")).levels
    png = draw_levels(levels, "png")
    assert png == draw_levels(levels, "png")
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).reshape(-1, 3)
    for colour in level_colours([level.values for level in levels[0].levels]):
        wanted = np.rint(255 * np.asarray(colour))
        assert (np.abs(pixels - wanted).max(axis=1) <= 1).sum() > 200
    pdf = draw_levels(levels, "pdf")
    assert pdf.startswith(b"%PDF") and pdf == draw_levels(levels, "pdf")


def test_colours_of_one_factor_grow_lighter_and_those_of_two_share_hues() -> None:
    def luminance(colour: tuple[float, float, float]) -> float:
        return float(np.dot(colour, (0.2126, 0.7152, 0.0722)))

    single = [luminance(colour) for colour in level_colours([[tune] for tune in TUNES])]
    assert single == sorted(single) and len(set(single)) == 4
    double = level_colours([[a, b] for a in "xy" for b in "123"])
    assert len(set(double)) == 6
    assert luminance(double[0]) > luminance(double[1]) > luminance(double[2])


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("swept")
    write_run(folder, swept_results())
    return folder


def invoke(*arguments: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["leaderboard", *map(str, arguments)])
    return done.exit_code, done.output


def test_the_command_prints_and_writes_what_the_suffix_says(run_folder: Path, tmp_path: Path) -> None:
    code, said = invoke(run_folder, "--by", "tune")
    assert code == 0 and "data: by tune" in said
    for suffix, begins in (("png", b"\x89PNG"), ("pdf", b"%PDF"), ("md", b"## data: by tune"), ("txt", b"data: by tune"), ("json", b"{")):
        out = tmp_path / f"levels.{suffix}"
        assert invoke(run_folder, "--by", "tune", "--out", out) == (0, f"{suffix}: {out}\n")
        assert out.read_bytes().startswith(begins)
    named = tmp_path / "table.dat"
    assert invoke(run_folder, "--by", "tune", "--format", "csv", "--out", named)[0] == 0
    assert named.read_text().startswith("dataset,by,level,")
    assert invoke(run_folder, "--out", tmp_path / "board.md")[0] == 0
    assert (tmp_path / "board.md").read_text().startswith("## data · net tune=1conv, seed=0")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--by", "lr"], "nothing here was swept by 'lr' (there are model, dataset, tune, seed, steps)"),
        (["--by", "tune", "--meta"], "--meta and --by are 2 questions: ask one of them"),
        (["--equal-accuracy", "auto"], "--equal-accuracy and --nearest are about the models of levels: say which, by --by FACTORS"),
        (["--by", "tune", "--nearest", "2"], "--nearest says how many models --equal-accuracy keeps of each level: give both"),
        (
            ["--by", "tune", "--equal-accuracy", "93"],
            "--equal-accuracy 93: it is auto, or an accuracy from 0 to 1 (0.92), or in percent (92%)",
        ),
        (["--by", "tune", "--equal-accuracy", "high"], "--equal-accuracy high: it is auto, or"),
        (
            ["--by", "tune", "--format", "png"],
            "png: pictures are of levels, and are written to a file: give --by FACTORS and --out FILE.png",
        ),
        (["--out", "levels.pdf"], "pdf: pictures are of levels"),
        (["--by", "tune", "--out", "levels.bmp"], "unknown format 'bmp'; choose from"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_said_in_a_line(run_folder: Path, options: list[str], said: str) -> None:
    code, output = invoke(run_folder, *options)
    assert code == 2
    assert said in output and len(output.strip().splitlines()) == 1


def test_accuracies_are_held_equal_on_the_command_line(run_folder: Path) -> None:
    code, text = invoke(run_folder, "--by", "tune", "--equal-accuracy", "85%", "--nearest", "2", "--format", "json")
    (entry,) = json.loads(text)["levels"]
    assert (code, entry["equal_accuracy"]) == (0, 0.85)
    assert [[model["accuracy"] for model in level["models"]] for level in entry["levels"]] == [
        [0.71, 0.72], [0.81, 0.82], [0.85, 0.86], [0.76, 0.77]
    ]  # fmt: skip


@pytest.mark.slow
def test_a_run_that_sweeps_an_explainer_and_seeds_of_a_model(tmp_path: Path) -> None:
    """From the spec to the numbers: three seeds at two numbers of epochs, and an explainer at two numbers of draws."""
    train = {"use": "squares", "params": {"split": "train", "samples": None}}
    models = [{"use": "learner", "sweep": {"epochs": [3, 1], "seed": {"from": 0, "to": 2}}, "params": {"data": train}}]
    datasets = [{"use": "squares", "params": {"samples": 8}, "training": train}]
    explainers = ["slope", {"use": "contrast", "sweep": {"draws": [4, 1]}}]
    spec = small_spec(datasets=datasets, models=models, explainers=explainers, metrics=["inside", "drop"], explain={"samples": "all"})
    path, plugins = tmp_path / "spec.json", ["--plugin", str(SMALL), "--plugin", str(SMALL.with_name("learner.py"))]
    path.write_text(json.dumps(spec))
    store = ["--store", str(tmp_path / "store"), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, ["run", str(path), *plugins, *store])
    assert done.exit_code == 0, done.output
    document = json.loads((tmp_path / "out" / "leaderboard.json").read_text())
    (by_epochs,) = json.loads(invoke(tmp_path / "out", "--by", "epochs", "--format", "json")[1])["levels"]
    assert [(level["name"], len(level["models"])) for level in by_epochs["levels"]] == [("3", 3), ("1", 3)]
    inside = next(metric for metric in by_epochs["metrics"] if metric["label"] == "inside")
    for row in inside["rows"]:
        for name, scores in row["scores"].items():
            boards = [group for group in document["groups"] if group["factors"]["epochs"] == name]
            cells = [line["cells"]["inside"] for group in boards for line in group["rows"] if line["label"] == row["explainer"]]
            assert scores["mean"] == pytest.approx(np.mean([cell["mean"] for cell in cells]))
            assert (scores["models"], scores["test"]) == (3, "models")
    (by_draws,) = json.loads(invoke(tmp_path / "out", "--by", "draws", "--format", "json")[1])["levels"]
    assert [level["name"] for level in by_draws["levels"]] == ["4", "1"]
    assert [row["explainer"] for row in by_draws["metrics"][0]["rows"]] == ["contrast"]
    assert by_draws["left_out"] == ["slope, speckle: no draws"]
