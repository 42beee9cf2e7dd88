"""The command line as a person meets it: exit codes, messages, files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import app
from tests.support.spec import SMALL, small_spec


def harness(*arguments: str | Path, apart: bool = False, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command in this process, or ``apart`` in one of its own, as each command is at least once: there nothing is imported before."""
    command = [sys.executable, "-m", "harness", *map(str, arguments)]
    variables = {"COLUMNS": "100", **variables}
    if apart:
        return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **variables}, timeout=300)
    done = CliRunner().invoke(app, command[3:], env=variables, catch_exceptions=False)
    return subprocess.CompletedProcess(command, done.exit_code, done.stdout, done.stderr)


def watched(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Runs the command in a process that says at its end which of two slow libraries were imported."""
    lines = ["import sys", f"sys.argv = ['harness', *{arguments!r}]", "from harness.cli import app"]
    lines += ["try:", "    app()", "finally:", "    print('IMPORTED', {'torch', 'pandas'} & {*sys.modules})"]
    return subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, timeout=300)


def spec_file(folder: Path, **changes: object) -> Path:
    path = folder / "spec.yaml"
    path.write_text(json.dumps(small_spec(**changes), indent=1))
    return path


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run (``out``) and its store."""
    folder = tmp_path_factory.mktemp("finished")
    done = harness("run", spec_file(folder), "--plugin", SMALL, "--out", folder / "out", "--store", folder / "store", apart=True)
    assert done.returncode == 0, done.stderr
    assert "slope" in done.stdout
    assert "inside" in done.stdout
    return folder


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["plugins", "list", "--help"], ["cache", "--help"]])
def test_help_is_given(arguments: list[str]) -> None:
    done = harness(*arguments, apart=arguments == ["--help"])
    assert done.returncode == 0
    assert "Usage" in done.stdout


@pytest.mark.parametrize("command", ["show", "list"])
def test_the_null_that_is_no_component_is_explained_and_not_called_unknown(command: str) -> None:
    done = harness("plugins", command, "random-model", apart=command == "show")
    assert done.returncode == 2
    assert "random-model is no component: under nulls it gives every row a twin" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["plugins"], ["cache"]])
def test_what_each_command_does_is_said_whole_in_the_list_of_commands(arguments: list[str]) -> None:
    listed = harness(*arguments, "--help", apart=True).stdout.split("Commands:")[1]
    assert "..." not in listed


@pytest.mark.parametrize("arguments", [["--help"], ["plugins", "list"], ["validate", "SPEC"]])
def test_the_driver_never_imports_torch_nor_pandas(arguments: list[str], tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text("name: x\ndatasets: [nothing]\nmodels: [nothing]\nexplainers: [nothing]\nmetrics: [nothing]\n")
    arguments = [str(spec) if argument == "SPEC" else argument for argument in arguments]
    assert "IMPORTED set()" in watched(arguments).stdout


def test_a_cached_run_never_imports_torch_nor_pandas(finished: Path) -> None:
    arguments = [
        "run",
        str(finished / "spec.yaml"),
        "--plugin",
        str(SMALL),
        "--out",
        str(finished / "again"),
        "--store",
        str(finished / "store"),
    ]
    arguments += ["--executor", "local"]
    done = watched(arguments)
    assert "all of it was in the store" in done.stderr
    assert "IMPORTED set()" in done.stdout


def test_validate_asks_no_worker_for_what_is_remembered(finished: Path) -> None:
    spec, store = str(finished / "spec.yaml"), str(finished / "store")
    done = watched(["validate", spec, "--plugin", str(SMALL), "--store", store, "--set", "execution.executor=local"])
    assert f"{spec}: valid (1 dataset, 1 model, 3 explainers, 3 metrics)" in done.stdout
    assert "IMPORTED set()" in done.stdout
    assert "starting a worker" not in done.stderr


def test_a_wrong_spec_is_exit_2_with_places(tmp_path: Path) -> None:
    path = spec_file(tmp_path, explainers=["slop"], metrics=["inside", "inside"])
    done = harness("validate", path, "--plugin", SMALL, apart=True)
    assert done.returncode == 2
    assert f"{path}:" in done.stderr
    assert 'did you mean "slope"?' in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [
    ["run"], ["run", "absent.yaml"], ["nonsense"], ["leaderboard", "absent"], ["diff", "absent", "absent"],
    ["export", "absent", "--scores", "x.csv"],
    ["cite", "absent"], ["cache", "info", "--store", "absent"], ["plugins", "show", "absent"], ["plugins", "check", "absent"],
    ["explain", "absent.png", "--model", "absent", "--explainer", "absent"], ["run", "x.yaml", "--set", "nonsense"],
])  # fmt: skip
def test_what_is_not_there_is_exit_2_without_a_traceback(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = harness(*arguments, apart=len(arguments) == 1)
    assert done.returncode == 2, done.stderr
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_failing_cell_is_exit_1_and_the_leaderboard_is_written(tmp_path: Path) -> None:
    plugin = tmp_path / "bad.py"
    body = ["from harness.api import explainer", "", "@explainer()", "def bad(model, images, targets):", "    'Raises.'"]
    plugin.write_text("\n".join([*body, "    raise RuntimeError('no luck')"]))
    spec = spec_file(tmp_path, explainers=["slope", "bad"])
    done = harness("run", spec, "--plugin", SMALL, "--plugin", plugin, "--out", tmp_path / "out", "--store", tmp_path / "store")
    assert done.returncode == 1
    assert "RuntimeError: no luck (bad.py:6 in bad)" in done.stderr
    board = json.loads((tmp_path / "out" / "leaderboard.json").read_text())
    cells = {row["label"]: row["cells"] for row in board["groups"][0]["rows"]}
    assert {cell["status"] for cell in cells["bad"].values()} == {"failed"}
    assert {cell["status"] for cell in cells["slope"].values()} == {"ok"}


@pytest.mark.parametrize("kind", ["terminal", "markdown", "latex", "csv", "json"])
def test_a_run_is_rendered_again_in_every_format(finished: Path, kind: str) -> None:
    done = harness("leaderboard", finished / "out", "--format", kind, apart=kind == "terminal")
    assert done.returncode == 0, done.stderr
    assert "slope" in done.stdout
    if kind == "json":
        assert json.loads(done.stdout)["groups"][0]["samples"] == 8


def test_two_explainers_are_held_against_each_other(finished: Path) -> None:
    done = harness("leaderboard", finished / "out", "--compare", "slope", "both")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("squares · pools: slope minus both\n")
    (pair,) = json.loads(harness("leaderboard", finished / "out", "--compare", "slope", "both", "--format", "json").stdout)["pairs"]
    assert (pair["first"], pair["second"], pair["samples"]) == ("slope", "both", 8)
    wrong = harness("leaderboard", finished / "out", "--compare", "slop", "both")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    assert wrong.stderr.startswith('no explainer "slop" here; did you mean "slope"? (there are ')
    both = harness("leaderboard", finished / "out", "--compare", "slope", "both", "--meta")
    assert both.returncode == 2 and "ask one of them" in both.stderr


def test_a_reader_weighs_categories_and_metrics_anew(finished: Path) -> None:
    def weights(*options: str) -> dict[str, float]:
        done = harness("leaderboard", finished / "out", "--format", "json", *options)
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        return {metric["label"]: metric["weights"]["category"] for metric in document["groups"][0]["metrics"]}

    usual = weights()
    chosen = next(label for label, weight in usual.items() if weight > 0)
    assert weights("--weight", f"{chosen}=0")[chosen] == 0
    shown = harness("leaderboard", finished / "out", "--weight", f"{chosen}=0").stdout
    assert f"{chosen} 0; of other categories 1" in " ".join(shown.split())
    unknown = 'no category and no metric is called "nothing" here: there are'
    for wrong, said in (("nothing=1", unknown), (f"{chosen}=-1", "a number from 0 on"), ("nothing", unknown)):
        done = harness("leaderboard", finished / "out", "--weight", wrong)
        assert done.returncode == 2 and said in done.stderr


def test_runs_that_cannot_be_merged_are_named_by_their_folders(finished: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(finished / "out", other)
    found = json.loads((other / "results.json").read_text())
    (other / "results.json").write_text(json.dumps({**found, "samples_rule": "correct"}))
    done = harness("leaderboard", finished / "out", other, COLUMNS="1000")
    assert done.returncode == 2
    assert f"{other} counts other samples" in done.stderr


@pytest.mark.slow
def test_what_is_known_of_metrics_is_shown_where_the_spec_asks_for_it(finished: Path, tmp_path: Path) -> None:
    done = harness("leaderboard", finished / "out", "--meta")
    assert done.returncode == 2
    assert "write `meta: {}` into the spec" in done.stderr
    spec = spec_file(tmp_path, meta={"repeats": 1}, explainers=["slope", "contrast"])
    done = harness("run", spec, "--plugin", SMALL, "--out", tmp_path / "out", "--store", tmp_path / "store")
    assert done.returncode == 0, done.stderr
    ranked, known = done.stdout.index("squares · pools\n"), done.stdout.index("squares · pools: metrics\n")
    assert ranked < known
    again = harness("leaderboard", tmp_path / "out", "--meta")
    assert again.stdout == done.stdout[known:]
    assert "wobble" in (tmp_path / "out" / "meta.md").read_text()
    plan = harness("plan", spec, "--plugin", SMALL, "--store", tmp_path / "store")
    assert "(disruptive weights)" in plan.stdout
    assert "0 cells to do" in plan.stdout


@pytest.mark.slow
def test_a_plan_says_what_is_cached(finished: Path) -> None:
    done = harness("plan", finished / "spec.yaml", "--plugin", SMALL, "--store", finished / "store", "--json", apart=True)
    assert done.returncode == 0, done.stderr
    assert {cell["state"] for cell in json.loads(done.stdout)["cells"]} == {"cached"}
    done = harness("plan", finished / "spec.yaml", "--plugin", SMALL, "--store", finished / "store", "--set", "seed=1")
    assert done.returncode == 0, done.stderr
    assert "12 cells to do" in done.stdout


@pytest.mark.slow
def test_scores_maps_and_citations_are_exported(finished: Path, tmp_path: Path) -> None:
    places = ["--scores", tmp_path / "scores.csv", "--maps", tmp_path / "maps"]
    done = harness("export", finished / "out", *places, "--plugin", SMALL, apart=True)
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "scores.csv").read_text().splitlines()) == 1 + 4 * 3 * 8
    assert list((tmp_path / "maps").rglob("*.png"))
    assert harness("cite", finished / "out", apart=True).returncode == 0


def test_a_run_does_not_differ_from_itself(finished: Path) -> None:
    done = harness("diff", finished / "out", finished / "out", "--json", apart=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_store_is_listed_and_pruned(finished: Path, tmp_path: Path) -> None:
    import shutil

    from harness.store.input_files import InputFiles

    store = shutil.copytree(finished / "store", tmp_path / "store")
    assert "slope" in harness("cache", "info", "--store", store, apart=True).stdout
    dry = harness("cache", "prune", "--store", store, "--component", "slope", "--dry-run")
    assert "would remove 1 entry (" in dry.stdout
    scored = harness("cache", "prune", "--store", store, "--component", "inside", "--dry-run")
    assert "would remove 0 entries (0.0 MB), and 4 columns of scores out of others" in scored.stdout
    nobody = harness("cache", "prune", "--store", store, "--component", "slop")
    assert nobody.returncode == 2
    assert 'is of "slop"; did you mean "slope"?' in nobody.stderr
    assert harness("cache", "prune", "--store", store, "--component", "slope", apart=True).returncode == 0
    assert "slope" not in harness("cache", "info", "--store", store).stdout
    assert harness("cache", "prune", "--store", store, "--older", "soon").returncode == 2
    InputFiles(store / "inputs").put("ab" * 32, bytes(2 * 10**6))
    assert "1 image (2.0 MB) kept as costly to make" in " ".join(harness("cache", "info", "--store", store).stdout.split())
    kept = harness("cache", "prune", "--store", store, "--inputs")
    assert "removed 0 entries and 1 kept image (2.0 MB)" in kept.stdout


@pytest.mark.slow
def test_one_image_is_explained_as_a_picture(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (20, 16), (200, 30, 30)).save(tmp_path / "image.png")
    out = tmp_path / "panel.png"
    done = harness(
        "explain",
        tmp_path / "image.png",
        "--model",
        "pools,scale=2",
        "--explainer",
        "slope",
        "--explainer",
        "both",
        "--out",
        out,
        "--plugin",
        SMALL,
        apart=True,
    )
    assert done.returncode == 0, done.stderr
    assert "predicted: " in done.stdout
    with Image.open(out) as picture:
        assert picture.width > 3 * picture.height / 2
    wrong = harness("explain", tmp_path / "image.png", "--model", "pools", "--explainer", "slope", "--target", "up", "--plugin", SMALL)
    assert wrong.returncode == 2
    assert "left, right" in wrong.stderr


def test_the_schema_holds_the_parameters_of_components() -> None:
    done = harness("schema", "--plugin", SMALL, apart=True)
    assert done.returncode == 0, done.stderr
    assert "pause" in done.stdout


def test_a_component_that_raises_is_named_in_one_line(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (20, 16)).save(tmp_path / "image.png")
    done = harness("explain", tmp_path / "image.png", "--model", "pools", "--explainer", "contrast", "--plugin", SMALL)
    assert done.returncode == 1
    assert "contrast needs training data: name a dataset with --training" in done.stderr
    assert "Traceback" not in done.stderr
