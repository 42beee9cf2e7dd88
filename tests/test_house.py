"""The house: imports run one way, the core names no plugin, and what must be light does not import torch."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE = ROOT / "harness"
# what each part may import of the others; all that a part may import, those it imports may import too
MAY_IMPORT: dict[str, set[str]] = {
    "api": set(),
    "processes": set(),
    "store": set(),
    "registry": {"api", "processes"},
    "spec": {"registry", "api", "store"},
    "results": {"store"},
    "analysis": {"results", "store"},
    "meta": {"analysis", "results", "api", "store"},
    "planning": {"results", "spec", "registry", "api", "store"},
    "dispatch": {"planning", "results", "processes", "spec", "registry", "api", "store"},
    "worker": {"dispatch", "planning", "processes", "spec", "registry", "meta", "analysis", "results", "api", "store"},
    "leaderboard": {"meta", "analysis", "results", "api", "store"},
    "figures": set(),
    "conformance": {"worker", "dispatch", "planning", "processes", "spec", "registry", "meta", "analysis", "results", "api", "store"},
    "runs": {
        "leaderboard",
        "meta",
        "analysis",
        "results",
        "figures",
        "worker",
        "dispatch",
        "planning",
        "spec",
        "registry",
        "api",
        "store",
    },
    "report": {"runs", "leaderboard", "analysis", "results", "figures", "worker", "registry", "api", "store"},
    "python_api": {"runs", "leaderboard", "results", "worker", "planning", "spec", "registry", "api", "store"},
    "scaffold": {"api"},
    "commands": {
        "scaffold",
        "conformance",
        "processes",
        "report",
        "runs",
        "leaderboard",
        "results",
        "worker",
        "dispatch",
        "planning",
        "spec",
        "registry",
        "api",
        "store",
    },
}
LEAVES = {"bibtex", "text_format", "user_errors"}  # modules that import no part of the harness, and any part but the API may import them
EXECUTORS = CORE / "api" / "executors.py"  # the one module of the API that imports the rest, which does not import it


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, at whatever depth."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def parts() -> list[str]:
    return sorted(folder.name for folder in CORE.iterdir() if (folder / "__init__.py").exists())


def test_every_part_has_its_place() -> None:
    assert set(parts()) == set(MAY_IMPORT)


def test_contributing_names_every_part_and_no_file_that_is_not_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    layout = text.split("```")[1]
    assert [part for part in parts() if f"  {part}/ " not in layout] == []
    ways = text.split("## The way of")[1].split("## House rules")[0]
    named = set(re.findall(r"`([a-z_]+/[a-z_/]+\.py)`", ways))
    assert len(named) > 20
    assert [file for file in sorted(named) if not (CORE / file).exists()] == []


@pytest.mark.parametrize("part", sorted(MAY_IMPORT))
def test_imports_run_one_way(part: str) -> None:
    allowed = MAY_IMPORT[part] | {part} | (set() if part == "api" else LEAVES)
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sorted((CORE / part).rglob("*.py"))
        if path != EXECUTORS
        for module in imported(path)
        if module.startswith("harness.") and module.split(".")[1] not in allowed
    ]
    assert wrong == []


def test_the_core_does_not_import_what_it_offers_to_executors() -> None:
    allowed = {"api", *MAY_IMPORT["dispatch"], "dispatch", *LEAVES}
    assert {module.split(".")[1] for module in imported(EXECUTORS)} <= allowed
    assert [path for path in CORE.rglob("*.py") if "harness.api.executors" in set(imported(path))] == []


@pytest.mark.parametrize("plugin", sorted(path.parent for path in (ROOT / "plugins").glob("*/pyproject.toml")), ids=lambda path: path.name)
def test_plugins_import_the_api_and_their_tests_what_tests_share(plugin: Path) -> None:
    """And the names of the core itself: `import harness`."""
    wrong = []
    for path in sorted(plugin.rglob("*.py")):
        shared = {"harness.conformance", "tests.support"} if "tests" in path.relative_to(plugin).parts else set()
        foreign = {module for module in imported(path) if module.startswith(("harness.", "tests."))}
        wrong += [f"{path} imports {module}" for module in foreign if ".".join(module.split(".")[:2]) not in {"harness.api", *shared}]
    assert wrong == []


def test_the_core_imports_no_plugin_and_names_no_component() -> None:
    packages = {folder.name.replace("-", "_") for folder in (ROOT / "plugins").iterdir() if (folder / "pyproject.toml").exists()}
    for path in CORE.rglob("*.py"):
        assert not {module.split(".")[0] for module in imported(path)} & packages, path


@pytest.mark.parametrize("kind", [ast.ClassDef, ast.FunctionDef])
def test_no_public_name_of_the_core_is_defined_twice(kind: type[ast.ClassDef | ast.FunctionDef]) -> None:
    homes: dict[str, set[str]] = {}
    for path in CORE.rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, kind) and not node.name.startswith("_") and not may_be_elsewhere_too(node.name, path):
                homes.setdefault(node.name, set()).add(str(path.relative_to(CORE)))
    assert {name: sorted(files) for name, files in homes.items() if len(files) > 1} == {}


def may_be_elsewhere_too(name: str, path: Path) -> bool:
    """Checks are told apart by the kind of component, the Python face is named as decorators are, processes begin in ``main``."""
    part = path.relative_to(CORE).parts[0]
    return name == "main" or part == "python_api" or (part == "conformance" and name.startswith("check_"))


def test_files_and_classes_can_be_read_in_one_sitting() -> None:
    trees = {path: path.read_text() for path in CORE.rglob("*.py")}
    long_files = {str(path.relative_to(ROOT)): text.count("\n") for path, text in trees.items() if text.count("\n") > 350}
    classes = [
        (f"{path.relative_to(ROOT)}: {node.name}", (node.end_lineno or 0) - node.lineno + 1)
        for path, text in trees.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef)
    ]
    assert (long_files, {name: lines for name, lines in classes if lines > 150}) == ({}, {})


def test_docstrings_of_modules_and_public_classes_begin_with_what_it_is() -> None:
    """With a noun or a verb, not with a question."""
    question = re.compile(r"(What|Whether|Which|Where|When|Who|Whose|Why|How)\b")
    asked, read = [], 0
    for path in sorted(file for folder in (CORE, ROOT / "plugins") for file in folder.rglob("*.py")):
        tree = ast.parse(path.read_text())
        classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
        for node in [] if "tests" in path.relative_to(ROOT).parts else [tree, *classes]:
            text = ast.get_docstring(node) or ""
            read += bool(text)
            if question.match(text):
                asked.append(f"{path.relative_to(ROOT)}: {text.splitlines()[0]}")
    assert read > 500
    assert asked == []


def test_analysis_and_leaderboard_import_no_torch() -> None:
    for part in ("analysis", "leaderboard", "store", "planning", "spec", "registry"):
        for path in (CORE / part).rglob("*.py"):
            tree = ast.parse(path.read_text())
            top = {alias.name.split(".")[0] for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
            top |= {str(node.module).split(".")[0] for node in tree.body if isinstance(node, ast.ImportFrom)}
            assert "torch" not in top, path


@pytest.mark.parametrize(
    "module", ["harness", "harness.cli", "harness.runs.run", "harness.leaderboard.render", "harness.registry.registry", "harness.api"]
)
def test_importing_it_imports_no_torch(module: str) -> None:
    code = f"import {module}, sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "False"


def test_importing_the_api_imports_nothing_else_of_the_harness() -> None:
    parts = "sorted({name.split('.')[1] for name in sys.modules if name.startswith('harness.')})"
    code = f"import harness.api.declarations, sys; print({parts})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "['api']"


def test_every_plugin_says_which_api_it_was_built_for() -> None:
    for file in sorted((ROOT / "plugins").glob("*/pyproject.toml")):
        project = tomllib.loads(file.read_text())["project"]
        assert set(project["entry-points"]["harness.api"]) == {"1"}, file
        assert any(requirement.startswith("xai-harness") for requirement in project["dependencies"]), file


def test_every_requirement_is_pinned_and_no_pin_names_a_host() -> None:
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    assert all("==" in pin and "@" not in pin and "/" not in pin for pin in pins)
    own = {"xai-harness", *(folder.name for folder in (ROOT / "plugins").iterdir())}
    pinned = {pin.split("==")[0].lower().replace("_", "-") for pin in pins}
    for file in [ROOT / "pyproject.toml", *sorted((ROOT / "plugins").glob("*/pyproject.toml"))]:
        project = tomllib.loads(file.read_text())["project"]
        stated = [*project["dependencies"], *(r for extra in project.get("optional-dependencies", {}).values() for r in extra)]
        for requirement in stated:
            name = requirement.split(">")[0].split("=")[0].split("<")[0].split("[")[0].strip().lower().replace("_", "-")
            assert name in pinned | own, f"{file}: {requirement}"


def test_a_run_of_the_tests_in_which_none_ran_fails() -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--collect-only", str(Path(__file__)), "--at-least"]
    none, enough = (subprocess.run([*command, number], capture_output=True, text=True, cwd=ROOT, timeout=120) for number in ("1", "0"))
    assert (none.returncode, enough.returncode) == (1, 0)
    assert "0 tests have passed, and there must be 1" in none.stdout
