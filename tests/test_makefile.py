"""What `make` sets up: users what they need, developers the rest, and neither again."""

from __future__ import annotations

import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FAKE = """#!/bin/sh
mkdir -p "$3/bin"
for name in pip python harness ruff mypy; do
  printf '#!/bin/sh\\necho "%s $*" >> log\\n' "$name" > "$3/bin/$name"
  chmod +x "$3/bin/$name"
done
echo "venv" >> log
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose Python makes environments in which programs say how they are called, and do nothing."""
    for file in [ROOT / "Makefile", ROOT / "constraints.txt", ROOT / "pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml")]:
        (tmp_path / file.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, tmp_path / file.relative_to(ROOT))
    (tmp_path / "python").write_text(FAKE)
    (tmp_path / "python").chmod(0o755)
    return tmp_path


def called(checkout: Path, target: str) -> list[str]:
    """What ``make target`` calls."""
    (checkout / "log").write_text("")
    subprocess.run(["make", target, f"PYTHON={checkout / 'python'}"], cwd=checkout, check=True, capture_output=True)
    return (checkout / "log").read_text().splitlines()


def installed(calls: list[str]) -> set[str]:
    """The folders that were installed."""
    words = " ".join(line for line in calls if line.startswith("pip")).split()
    return {Path(after).name for word, after in pairwise(words) if word == "-e"}


def test_users_get_the_core_and_plugins_and_developers_the_rest_and_neither_twice(checkout: Path) -> None:
    plugins = {file.parent.name for file in ROOT.glob("plugins/*/pyproject.toml")}
    first = called(checkout, "demo")
    assert first[0] == "venv" and first[-1] == "harness run specs/quickstart.yaml"
    assert installed(first) == plugins - {"harness-quantus", "harness-ray"} | {""}
    assert called(checkout, "demo") == ["harness run specs/quickstart.yaml"]
    assert installed(called(checkout, "setup")) == {".[dev]", "harness-quantus", "harness-ray"}
    assert called(checkout, "setup") == [] and called(checkout, "demo") == ["harness run specs/quickstart.yaml"]


def test_a_new_pin_is_installed_in_both(checkout: Path) -> None:
    called(checkout, "setup")
    (checkout / "constraints.txt").touch()
    assert "harness-cam" in installed(called(checkout, "setup"))
    assert called(checkout, "setup") == []


def test_what_the_quickstart_needs_is_no_extra(checkout: Path) -> None:
    from harness.registry.distributions import find_plugin_distributions
    from harness.spec.yaml_document import read_yaml

    spec = read_yaml(ROOT / "specs/quickstart.yaml").data
    named = {
        item if isinstance(item, str) else item["use"]
        for key in ("datasets", "models", "explainers", "metrics", "nulls")
        for item in spec[key]
    }
    homes = {entry.name: item.name for item in find_plugin_distributions()[0] for entry in item.entries}
    assert {homes[name] for name in named} <= installed(called(checkout, "demo"))
