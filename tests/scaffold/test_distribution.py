"""New plugins: their files, and that they pass their own tests, the linter's and the conformance checks at once."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import get_args

import pytest
import yaml
from typer.testing import CliRunner

from harness.cli import app
from harness.scaffold.distribution import ComponentKind, Licence, NewDistribution
from harness.user_errors import UserError

KINDS = get_args(ComponentKind)
PIP = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("licence", get_args(Licence))
def test_files_say_who_wrote_what_under_which_licence(kind: ComponentKind, licence: Licence) -> None:
    made = NewDistribution.called("xai-two-words", kind, None, licence, 'Ada "the first" Łukasz')
    contents = made.contents()
    assert not [path for path, text in contents.items() if "$" in path + text or "template" in path]
    project = tomllib.loads(contents["pyproject.toml"])["project"]
    assert (project["name"], project["license"], project["authors"]) == ("xai-two-words", licence, [{"name": 'Ada "the first" Łukasz'}])
    ((component, target),) = project["entry-points"][f"harness.{kind}s"].items()
    module, attribute = target.split(":")
    assert component == "two-words"
    assert f" {attribute}(" in contents[module.replace(".", "/") + ".py"]
    assert contents["LICENSE"].startswith({"Apache-2.0": "   ", "BSD-3-Clause": "BSD 3", "MIT": "MIT"}[licence])
    assert ("Łukasz" in contents["LICENSE"]) == (licence != "Apache-2.0")
    (job,) = yaml.safe_load(contents[".github/workflows/check.yml"])["jobs"].values()
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert commands[:2] == ['pip install ".[test]"', "pytest"]
    assert any("plugins check two-words" in command for command in commands) == (kind != "executor")


@pytest.mark.parametrize(
    ("name", "component", "expected"),
    [
        ("xai-harness-glow", None, "glow"),
        ("harness-glow", None, "glow"),
        ("glow-maps", None, "glow-maps"),
        ("glow", "other-name", "other-name"),
    ],
)
def test_a_component_is_called_as_its_distribution_without_the_prefix(name: str, component: str | None, expected: str) -> None:
    assert NewDistribution.called(name, "metric", component, "MIT", "me").component == expected


@pytest.mark.parametrize("name", ["", "My-Thing", "a_b", "a--b", "-a", "1st", "a b", "../a", "a/b", "class", "xai-lambda", "größe"])
def test_names_that_pip_or_python_do_not_take_are_refused(name: str) -> None:
    with pytest.raises(UserError, match="name"):
        NewDistribution.called(name, "explainer", None, "MIT", "me")


def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "README.md").write_text("mine", encoding="utf-8")
    result = CliRunner().invoke(app, ["plugins", "new", "xai-glow", "--kind", "metric", "--out", str(tmp_path / "mine")])
    assert result.exit_code != 0
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["README.md"]


@pytest.mark.slow
def test_new_plugins_pass_their_own_tests_and_the_linter(tmp_path: Path) -> None:
    folders = []
    for kind in KINDS:
        folder = tmp_path / f"xai-my-{kind}"
        result = CliRunner().invoke(app, ["plugins", "new", folder.name, "--kind", kind, "--out", str(folder), "--author", "Me"])
        assert result.exit_code == 0, result.output
        assert all((folder / line.strip()).is_file() for line in result.output.splitlines() if line.startswith("  "))
        folders.append(str(folder))
    site = tmp_path / "site"
    subprocess.run([sys.executable, "-m", "pip", "install", *PIP, "--target", str(site), *folders], check=True)
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))}
    options = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib", "--rootdir", str(tmp_path), "-c", os.devnull]
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *folders], env=variables, capture_output=True, text=True, check=False
    )
    assert tested.returncode == 0, tested.stdout[-4000:]
    assert int(tested.stdout.splitlines()[-1].split(" passed")[0]) > 50
    for command in (["check"], ["format", "--check"]):
        linted = subprocess.run([sys.executable, "-m", "ruff", *command, *folders], capture_output=True, text=True, check=False)
        assert linted.returncode == 0, linted.stdout
