from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import app
from tests.support.synthetic_results import leaderboard_group, leaderboard_results, write_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    write_run(folder, leaderboard_results(groups=[leaderboard_group(size=12, gaps=False)], bootstrap=50))
    return folder


def test_the_page_lies_in_the_run_folder_if_nothing_is_said(run: Path) -> None:
    done = CliRunner().invoke(app, ["report", str(run), "--samples", "0"], env={"COLUMNS": "300"})
    assert done.exit_code == 0
    assert done.stdout.startswith(f"report: {run / 'report.html'} (")
    assert (run / "report.html").read_text("utf-8").startswith("<!doctype html>")


def test_it_is_written_where_it_is_asked_for_and_says_why_it_has_no_pictures(run: Path, tmp_path: Path) -> None:
    (run / "columns.json").unlink(missing_ok=True)
    done = CliRunner().invoke(app, ["report", str(run), "--out", str(tmp_path / "new" / "r.html")], env={"COLUMNS": "300"})
    assert done.exit_code == 0
    assert (tmp_path / "new" / "r.html").exists()
    assert "no pictures: " in done.stderr
    assert "columns.json" in done.stderr
    page = (tmp_path / "new" / "r.html").read_text("utf-8")
    assert "No pictures: its maps or images could not be read" in page
    assert str(run) not in page  # a page is carried about


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--choose", "last"], "a rule is first, random"),
        (["--choose", "worst:gone"], "no metric 'gone' here: there are complexity"),
    ],
)
def test_a_rule_that_there_is_not_is_refused(run: Path, arguments: list[str], message: str) -> None:
    done = CliRunner().invoke(app, ["report", str(run), *arguments], env={"COLUMNS": "300"})
    assert done.exit_code in (1, 2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_no_run_folder_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert done.exit_code in (1, 2)
    assert "is it a run folder" in " ".join(done.stderr.split())
