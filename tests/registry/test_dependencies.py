"""A component is known by all code that importing it leads to, as far as no version stands for it, and by nothing else."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from harness.registry import plugin_folders
from harness.registry.dependencies import find_dependencies
from harness.registry.errors import RegistryError
from harness.registry.import_tracing import IMPORT_TRACE
from harness.registry.registry import Registry

from .conftest import Install

METRIC = "def {name}(case):\n    'A metric.'\n    return {value}\n"


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Modules that a test imports are another's neither."""
    before, path = set(sys.modules), list(sys.path)
    yield
    for name in set(sys.modules) - before:
        if "pytest" in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]
    plugin_folders._folders.clear()
    sys.path[:] = path


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))


def identities(registry: Registry) -> dict[str, str]:
    return {card.name: card.identity for card in registry.cards() if card.distribution != "xai-harness"}


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    return {name for name in before if before[name] != after[name]}


def test_an_edit_of_one_module_of_a_plugin_changes_what_leads_to_it_alone(site: Path, install: Install) -> None:
    files = {
        "plug/__init__.py": "",
        "plug/one.py": METRIC.format(name="one", value="1") + "from plug.shared import ONE",
        "plug/two.py": METRIC.format(name="two", value="2") + "from . import shared",
        "plug/three.py": METRIC.format(name="three", value="3"),
        "plug/late.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from plug import three\n"
        "def late(case):\n    'Late.'\n    from . import lately\n    return lately.VALUE\n",
        "plug/computed.py": "import importlib\ndef computed(case):\n    'By a name that is made.'\n"
        "    return importlib.import_module('plug.' + 'th' + 'ree').three(case)\n",
        "plug/lately.py": "VALUE = 1\n",
        "plug/shared.py": "ONE = 1\n",
        "plug/notes.txt": "data that any of it may read",
    }
    names = ("one", "two", "three", "late", "computed")
    install("plug-dist", files, {"harness.metrics": {name: f"plug.{name}:{name}" for name in names}}, editable=True)
    first = identities(Registry.discover())
    assert len(first) == 5 and first == identities(Registry.discover())
    for edited, wanted in (
        ("plug/three.py", {"three", "computed"}),
        ("plug/shared.py", {"one", "two", "computed"}),
        ("plug/lately.py", {"late", "computed"}),
        ("plug/__init__.py", set(names)),
        ("plug/notes.txt", set(names)),
    ):
        (site / edited).write_text(files[edited] + "\n# edited\n")
        assert changed(first, identities(Registry.discover())) == wanted, edited
        (site / edited).write_text(files[edited])
    os.utime(site / "plug/one.py", (1, 1))
    assert identities(Registry.discover()) == first, "a file that was only touched is what it was"


def test_an_editable_dependency_counts_and_an_installed_one_by_its_version(site: Path, install: Install) -> None:
    def dependency(version: str, value: int, editable: bool) -> None:
        for old in site.glob("dep-*"):
            old.rename(site / f"old-{len(list(site.iterdir()))}")
        install("dep", {"dep.py": f"VALUE = {value}\n"}, {}, version=version, editable=editable)

    source = METRIC.format(name="it", value="dep.VALUE") + "import dep\n"
    install("plug-dist", {"plug.py": source}, {"harness.metrics": {"it": "plug:it"}}, editable=True)
    dependency("1.0", 1, editable=True)
    first = identities(Registry.discover())
    dependency("1.0", 22, editable=True)
    second = identities(Registry.discover())
    dependency("1.0", 22, editable=False)
    third = identities(Registry.discover())
    dependency("1.0", 333, editable=False)
    assert identities(Registry.discover()) == third, "what is installed is known by its version"
    dependency("1.1", 333, editable=False)
    assert len({one["it"] for one in (first, second, third, identities(Registry.discover()))}) == 4


PLUGIN = """
from harness.api import metric
import utils
@metric(category="complexity", direction="higher")
def {name}(case):
    import json, utils as again, numpy
    assert again is utils and hasattr(json, "dumps") and hasattr(numpy, "array")
    import lately
    return utils.VALUE, lately.VALUE
"""


def files_of(folder: Path, name: str, value: int) -> Path:
    write(
        folder,
        {
            f"{name}.py": PLUGIN.format(name=name),
            "utils.py": f"import deeper.inside\nVALUE = {value}, deeper.inside.VALUE\n",
            "deeper/inside.py": f"VALUE = {value}\n",
            "lately.py": f"VALUE = {value}\n",
            "json.py": "raise RuntimeError('shadows the standard library')",
            "numpy/__init__.py": "raise RuntimeError('shadows an installed distribution')",
        },
    )
    return folder / f"{name}.py"


def call(registry: Registry, name: str) -> Any:
    return registry.load(registry.card("metrics", name))(None)


def test_plugin_files_import_what_lies_beside_each_and_shadow_nothing(tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    write(elsewhere, {"utils.py": "VALUE = 'of the one who runs it'\n"})
    monkeypatch.syspath_prepend(str(elsewhere))
    import utils  # type: ignore[import-not-found]

    files = [files_of(tmp_path / "a", "first", 1), files_of(tmp_path / "b", "second", 2)]
    registry = Registry.discover(files)
    for _ in range(2):
        assert call(registry, "first") == ((1, 1), 1)
        assert call(registry, "second") == ((2, 2), 2)
    assert sys.modules["utils"] is utils and utils.VALUE == "of the one who runs it"


def test_every_file_beside_a_plugin_that_it_imports_counts_and_is_imported_again(tmp_path: Path, site: Path) -> None:
    files = [files_of(tmp_path / "a", "first", 1), files_of(tmp_path / "b", "second", 2)]
    registry = Registry.discover(files)
    before = identities(registry)
    assert call(registry, "first") == ((1, 1), 1)
    for name, answer in (("deeper/inside.py", ((1, 7), 1)), ("lately.py", ((1, 7), 7))):
        (tmp_path / "a" / name).write_text("VALUE = 7\n")  # as long as before, and perhaps within one tick of the clock
        os.utime(tmp_path / "a" / name, ns=(1, 1))
        registry = Registry.discover(files)
        assert changed(before, identities(registry)) == {"first"}, name
        assert call(registry, "first") == answer, name
        before = identities(registry)
    (tmp_path / "a" / "of_nobody.py").write_text("")
    assert identities(Registry.discover(files)) == before


@pytest.mark.parametrize(
    "source",
    [
        "import importlib\ndef named(x): return importlib.import_module(x)\ndef it(case): return named('late' + 'ly').VALUE",
        "from importlib import import_module as bring\ndef it(case): return bring('lately').VALUE",
        "import importlib\nbring = importlib.import_module\ndef it(case): return bring('lately').VALUE",
        "import importlib\ndef it(case): return importlib.import_module(name='lately').VALUE",
        "import importlib\ndef it(case): return next(map(importlib.import_module, ['lately'])).VALUE",
    ],
)
def test_code_that_imports_by_a_name_which_it_makes_depends_on_what_lies_beside_it(source: str, tmp_path: Path, site: Path) -> None:
    marked = source.replace("def it(", "@metric(category='complexity', direction='higher')\ndef it(")
    write(tmp_path, {"plug.py": f"from harness.api import metric\n{marked}\n", "lately.py": "VALUE = 1\n"})
    registry = Registry.discover([tmp_path / "plug.py"])
    before = identities(registry)
    assert call(registry, "it") == 1
    (tmp_path / "lately.py").write_text("VALUE = 22\n")
    registry = Registry.discover([tmp_path / "plug.py"])
    assert changed(before, identities(registry)) == {"it"} and call(registry, "it") == 22


READS = {
    "opens": "SHIFT = float(open(HERE / 'shift.txt').read())",
    "lists": "SHIFT = len(list((HERE / 'folder').iterdir()))",
    "loads": "import numpy\nSHIFT = numpy.load(HERE / 'shift.npy').item()",
    "runs": "exec(compile((HERE / 'run.txt').read_text(), str(HERE / 'run.txt'), 'exec'))",
    "executes": "import importlib.util as u\nspec = u.spec_from_file_location('other', HERE / 'other.py')\n"
    "module = u.module_from_spec(spec)\nspec.loader.exec_module(module)",
}


def prepared(folder: Path, number: int) -> None:
    import numpy

    write(folder, {"shift.txt": f"{number}", "run.txt": f"SHIFT = {number}", "other.py": f"SHIFT = {number}"})
    write(folder, {f"folder/{i}": "" for i in range(number)})
    numpy.save(folder / "shift.npy", numpy.array([number]))


@pytest.mark.parametrize("how", READS)
def test_what_a_plugin_file_reads_when_it_is_imported_counts(how: str, tmp_path: Path, site: Path) -> None:
    head = "from pathlib import Path\nfrom harness.api import metric\nHERE = Path(__file__).parent\n"
    body = "@metric(category='complexity', direction='higher')\ndef it(case): return SHIFT\n"
    prepared(tmp_path, 1)
    (tmp_path / "plug.py").write_text(f"{head}{READS[how]}\n{body}")
    before = identities(Registry.discover([tmp_path / "plug.py"]))
    assert identities(Registry.discover([tmp_path / "plug.py"])) == before
    prepared(tmp_path, 2)
    assert changed(before, identities(Registry.discover([tmp_path / "plug.py"]))) == {"it"}


def test_a_file_that_could_not_be_imported_is_tried_again(tmp_path: Path, site: Path) -> None:
    head = "import os\nfrom harness.api import metric\nassert os.path.exists({!r}), 'lacks a file'\n"
    file, wanted = tmp_path / "plug.py", tmp_path / "elsewhere" / "wanted.txt"
    file.write_text(head.format(str(wanted)) + "@metric(category='complexity', direction='higher')\ndef it(case): ...\n")
    with pytest.raises(RegistryError, match="lacks a file"):
        Registry.discover([file])
    write(wanted.parent, {"wanted.txt": ""})
    assert set(identities(Registry.discover([file]))) == {"it"}


def test_a_module_that_was_edited_while_this_process_runs_is_imported_again(site: Path, install: Install) -> None:
    files = {"plugged/__init__.py": "", "plugged/a.py": "from plugged.b import VALUE\ndef it(case):\n    'It.'\n    return VALUE\n"}
    install("plug-dist", {**files, "plugged/b.py": "VALUE = 1\n"}, {"harness.metrics": {"it": "plugged.a:it"}}, editable=True)
    registry = Registry.discover()
    assert registry.current and call(registry, "it") == 1
    (site / "plugged/b.py").write_text("VALUE = 22\n")
    assert not registry.current
    assert call(Registry.discover(), "it") == 22


def test_the_version_of_what_a_plugin_file_imports_counts(tmp_path: Path, site: Path, install: Install) -> None:
    install("lib", {"lib.py": ""}, {}, version="1.0")
    file = tmp_path / "plug.py"
    file.write_text("import lib\nfrom harness.api import metric\n@metric(category='complexity', direction='higher')\ndef it(case): ...\n")
    before = identities(Registry.discover([file]))
    (site / "lib-1.0.dist-info").rename(site / "gone")
    install("lib", {"lib.py": ""}, {}, version="2.0")
    assert changed(before, identities(Registry.discover([file]))) == {"it"}


def test_what_lies_in_the_working_folder_shadows_nothing_in_a_process_that_imports(
    tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = files_of(tmp_path / "a", "first", 1)
    write(tmp_path / "a", {f"{name}.py": "raise RuntimeError('shadows')" for name in ("random", "queue", "torch")})
    monkeypatch.setattr("sys.path", [part for part in sys.path if part])
    monkeypatch.chdir(tmp_path / "a")
    assert set(identities(Registry.discover([file]))) == {"first"}


def test_the_packages_that_a_module_lies_in_count(tmp_path: Path) -> None:
    write(tmp_path, {"whole/__init__.py": "", "whole/part/__init__.py": "", "whole/part/one.py": "", "whole/two.py": ""})
    names = {os.path.relpath(file, tmp_path) for file in find_dependencies([str(tmp_path / "whole" / "part" / "one.py")]).code}
    assert names == {"whole/__init__.py", "whole/part/__init__.py", "whole/part/one.py"}


def test_what_an_installed_distribution_imports_of_ones_own_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"own.py": "", "plugin.py": "import pytest"})
    (own, plugin), installed = (os.path.realpath(tmp_path / name) for name in ("own.py", "plugin.py")), os.path.realpath(pytest.__file__)
    assert find_dependencies([plugin]).code == {plugin}
    monkeypatch.setitem(IMPORT_TRACE.imports, installed, {own})
    assert find_dependencies([plugin]).code == {plugin, own} and "pytest" in find_dependencies([plugin]).uses
