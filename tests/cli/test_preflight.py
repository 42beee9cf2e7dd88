"""What the command line says before anything is computed, in this process."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from harness.cli import app
from tests.support.spec import SMALL, small_spec

PLUGIN = '''
from harness.api import model

@model()
def absent():
    """Cannot be had."""
    raise OSError("no such weights")
'''


def harness(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "absent.py").write_text(PLUGIN)
    path = tmp_path / "spec.yaml"
    changes = {"models": ["pools"], "datasets": [{"use": "squares", "label": "mine"}]}
    path.write_text(json.dumps(small_spec(**changes)))
    return path


def options(spec: Path) -> list[object]:
    return ["--plugin", SMALL, "--plugin", spec.parent / "absent.py"]


def test_validate_says_fine_of_what_can_be_had(spec: Path) -> None:
    done = harness("validate", spec, *options(spec), "--store", spec.parent / "store")
    assert done.exit_code == 0
    assert done.stdout == f"{spec}: valid (1 dataset, 1 model, 3 explainers, 3 metrics)\n"


def test_validate_loads_what_the_spec_names_and_says_of_all_that_hangs_on_it_one_line(spec: Path) -> None:
    done = harness("validate", spec, *options(spec), "--store", spec.parent / "store", "--set", "models=[pools, absent]")
    assert done.exit_code == 1
    assert "blocked: 12 of 24 cells" in done.stdout
    assert done.stdout.count("no such weights") == 1
    assert "the model absent cannot be loaded: OSError" in done.stdout


def test_validate_quick_looks_at_the_spec_alone(spec: Path) -> None:
    done = harness("validate", spec, *options(spec), "--quick", "--set", "models=[absent]")
    assert done.exit_code == 0
    assert "valid as a spec" in done.stdout
    assert not (spec.parent / "store").exists()


def test_a_plan_counts_cells_and_not_explanations(spec: Path) -> None:
    done = harness("plan", spec, *options(spec), "--store", spec.parent / "store", "--set", "models=[pools, absent]")
    assert done.exit_code == 0
    assert "12 cells to do, 0 cached, 12 without a number" in done.stdout
    assert sum("absent" in line for line in done.stdout.splitlines()) == 1, "one line, and nothing in the table"


def test_the_version_is_told() -> None:
    assert harness("--version").stdout == f"xai-harness {version('xai-harness')}\n"


def test_components_are_found_by_any_word(spec: Path) -> None:
    done = harness("plugins", "list", "wobble", *options(spec))
    assert done.exit_code == 0
    assert "wobble  Mean change" in done.stdout
    assert "slope" not in done.stdout
    by_kind = harness("plugins", "list", "metrics", "robustness", *options(spec)).stdout
    assert "wobble" in by_kind and "inside" not in by_kind
    nothing = harness("plugins", "list", "wobbel", *options(spec))
    assert nothing.exit_code == 2
    assert 'did you mean "wobble"?' in nothing.stderr
