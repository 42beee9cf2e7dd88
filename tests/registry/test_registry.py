from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.registry import extraction
from harness.registry.card import Card
from harness.registry.errors import AmbiguousComponent, BrokenComponent, IncompatibleComponent, RegistryError, UnknownComponent
from harness.registry.registry import Registry

from .conftest import POINTS, SOURCE, Install


def explainers(registry: Registry) -> list[str]:
    return [card.name for card in registry.cards("explainers")]


def test_a_card_says_what_the_component_says(plug: Path) -> None:
    card = Registry.discover().card("explainers", "first")
    assert (card.distribution, card.version, card.target, card.error) == ("plug-dist", "1.0", "plug:first", None)
    assert card.summary == "The first line."
    assert card.declaration["signed"] is True and card.declaration["cite"] == "10.1000/182"
    assert card.parameters == {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "steps": {"type": "integer", "minimum": 1, "maximum": 9, "default": 3, "description": "how many of them."},
            "mode": {"type": "string", "enum": ["a", "b"], "default": "a"},
        },
    }


def test_a_class_has_the_parameters_of_its_params(plug: Path) -> None:
    card = Registry.discover().card("explainers", "second")
    assert card.parameters["properties"] == {"power": {"type": "number", "default": 1.0, "description": "the exponent"}}


def test_cards_survive_json(plug: Path) -> None:
    for card in Registry.discover().cards():
        assert Card.from_json(json.loads(json.dumps(card.to_json()))) == card


def test_discovering_imports_nothing_here(plug: Path) -> None:
    assert [card.name for card in Registry.discover().cards()] == ["first", "second", "third", "inline", "local"]
    assert "plug" not in sys.modules


def test_loading_imports_the_component(plug: Path) -> None:
    registry = Registry.discover()
    assert registry.load(registry.card("metrics", "third")).__name__ == "third"


def test_an_unknown_name_is_told_with_its_neighbours(plug: Path) -> None:
    with pytest.raises(UnknownComponent) as error:
        Registry.discover().card("explainers", "frist")
    assert str(error.value) == 'unknown explainer "frist"; did you mean "first"? (installed: first, second)'


def test_a_name_of_another_kind_is_told(plug: Path) -> None:
    with pytest.raises(UnknownComponent, match='unknown metric "first"; it is an explainer'):
        Registry.discover().card("metrics", "first")


def test_two_claims_to_a_name_are_ambiguous_when_bare(plug: Path, install: Install) -> None:
    install("other", {"other.py": SOURCE}, {"harness.explainers": {"first": "other:first"}})
    registry = Registry.discover()
    with pytest.raises(AmbiguousComponent) as error:
        registry.card("explainers", "first")
    assert str(error.value) == (
        'ambiguous explainer "first": other 1.0 and plug-dist 1.0 both have one; write "other/first" or "plug-dist/first"'
    )
    assert registry.card("explainers", "other/first").distribution == "other"
    assert registry.card("explainers", "Plug_Dist/first").distribution == "plug-dist"


def test_a_distribution_that_declares_a_name_twice_is_broken_in_it(install: Install, site: Path) -> None:
    install("twice", {"twice.py": SOURCE}, {})
    (site / "twice-1.0.dist-info" / "entry_points.txt").write_text("[harness.explainers]\nx = twice:first\nx = twice:Second\n")
    with pytest.raises(BrokenComponent, match="declared twice by twice: twice:Second and twice:first"):
        Registry.discover().card("explainers", "x")


BROKEN = {
    "raises": ("import not_there_at_all", "ModuleNotFoundError: No module named 'not_there_at_all'"),
    "exits": ("import sys; sys.exit(3)", "SystemExit: 3"),
    "kills": ("import os; os._exit(7)", "its import ends the process (exit code 7)"),
    "crashes": ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "its import ends the process (signal SIGSEGV)"),
    "lacks": ("", "AttributeError: module 'bad_lacks' has no attribute 'it'"),
    "wrong": (
        "def it(model, images): ...",
        "SignatureError: bad_wrong:it: expected the signature (model, images, targets, *, parameters…)",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_does_not_import_is_broken_and_breaks_nothing_else(case: str, plug: Path, install: Install) -> None:
    source, reason = BROKEN[case]
    install("bad", {f"bad_{case}.py": source}, {"harness.explainers": {"it": f"bad_{case}:it", "good": "plug:first"}})
    registry = Registry.discover()
    with pytest.raises(BrokenComponent) as error:
        registry.card("explainers", "it")
    assert str(error.value).startswith('explainer "it" of bad 1.0 is broken: ') and reason in str(error.value)
    assert registry.card("explainers", "good").summary == registry.card("explainers", "first").summary == "The first line."


def test_an_import_that_hangs_is_broken_within_the_limit(plug: Path, install: Install) -> None:
    install("slow", {"slow.py": "import time; time.sleep(600)"}, {"harness.explainers": {"a": "slow:a", "b": "slow:b"}})
    told = list[str]()
    registry = Registry.discover(limit=3.0, importing=told.append)
    assert told.count("slow") == 1, "no other component of a module that hangs is waited for"
    for name in ("a", "b"):
        with pytest.raises(BrokenComponent, match="its import hangs: not done after 3 s"):
            registry.card("explainers", name)
    assert registry.card("explainers", "first").error is None


def test_what_a_plugin_prints_spoils_no_card(install: Install) -> None:
    noise = "import os, sys\nprint('hello'); os.write(1, b'raw {}'); sys.stdout.flush()\n"
    install("noisy", {"noisy.py": noise + "def it(case):\n    'Loud.'\n"}, {"harness.metrics": {"it": "noisy:it"}})
    assert Registry.discover().card("metrics", "it").summary == "Loud."


def test_a_plugin_that_asks_for_input_gets_none(install: Install) -> None:
    install("asks", {"asks.py": "input()"}, {"harness.metrics": {"it": "asks:it"}})
    with pytest.raises(BrokenComponent, match="EOFError"):
        Registry.discover().card("metrics", "it")


def test_a_component_declared_as_another_kind_is_broken(install: Install) -> None:
    install("odd", {"odd.py": SOURCE}, {"harness.metrics": {"first": "odd:first"}})
    with pytest.raises(BrokenComponent, match="declared as one of explainers but registered under metrics"):
        Registry.discover().card("metrics", "first")


def test_a_plugin_for_another_api_is_refused_by_name_and_not_imported(install: Install) -> None:
    install("future", {"future.py": "raise SystemExit"}, {"harness.metrics": {"it": "future:it"}, "harness.api": {"2": "future"}})
    with pytest.raises(
        IncompatibleComponent, match=r'metric "it" of future 1.0 is broken: built for plugin API 2, but this harness speaks 1\.'
    ):
        Registry.discover().card("metrics", "it")


def test_a_plugin_for_several_apis_works(install: Install) -> None:
    points = {"harness.metrics": {"third": "both:third"}, "harness.api": {"1": "both", "2": "both"}}
    install("both", {"both.py": SOURCE}, points)
    assert Registry.discover().card("metrics", "third").api == "1"


def test_metadata_that_cannot_be_read_is_reported(plug: Path, site: Path) -> None:
    folder = site / "spoilt-1.0.dist-info"
    folder.mkdir()
    (folder / "entry_points.txt").write_bytes(b"[harness.explainers]\nx = \xff\xfe:y\n")
    registry = Registry.discover()
    assert explainers(registry) == ["first", "second"]
    assert len(registry.problems) == 1 and "spoilt" in registry.problems[0]


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many imports each child was asked for, as they happen."""
    asked: list[int] = []
    original = extraction._run_child
    monkeypatch.setattr(extraction, "_run_child", lambda questions, *more: asked.append(len(questions)) or original(questions, *more))
    return asked


def test_cards_are_extracted_once(plug: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = counted(monkeypatch)
    first = Registry.discover().cards()
    assert Registry.discover().cards() == first and asked == [3]


def test_what_has_to_be_imported_is_told_before_it_is(plug: Path, tmp_path: Path) -> None:
    file, told = tmp_path / "mine.py", list[str]()
    file.write_text("from harness.api import explainer\n@explainer()\ndef mine(model, images, targets): ...\n")
    Registry.discover([file], importing=told.append)
    assert told == ["plug-dist"] * 3 + [str(file)]
    Registry.discover([file], importing=told.append)
    assert len(told) == 4


def test_a_changed_file_is_extracted_again(plug: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Registry.discover()
    plug.write_text(plug.read_text().replace("The first line.", "Another line."))
    os.utime(plug, ns=(1, 1))
    assert Registry.discover().card("explainers", "first").summary == "Another line."


@pytest.mark.parametrize("content", [b"", b"not json", b"\xff\xfe", b"[]", b'{"content": {}, "checksum": "x"}', b'{"content": 1'])
def test_a_damaged_cache_is_made_again(content: bytes, plug: Path, cache: Path) -> None:
    first = Registry.discover().cards()
    (file,) = (cache / "cards").glob("*.json")
    file.write_bytes(content)
    assert Registry.discover().cards() == first
    assert json.loads(file.read_text())["content"]["facts"]


def test_a_cache_that_was_tampered_with_is_not_believed(plug: Path, cache: Path) -> None:
    Registry.discover()
    (file,) = (cache / "cards").glob("*.json")
    file.write_text(file.read_text().replace("The first line.", "Tampered."))
    assert Registry.discover().card("explainers", "first").summary == "The first line."


def test_a_cache_that_cannot_be_written_costs_time_only(plug: Path, cache: Path) -> None:
    cache.write_text("a file where a folder should be")
    assert explainers(Registry.discover()) == ["first", "second"]


def test_no_temporary_file_is_left(plug: Path, cache: Path) -> None:
    Registry.discover()
    assert [path.suffix for path in (cache / "cards").iterdir()] == [".json"]


def test_installing_what_was_missing_mends_an_import(install: Install) -> None:
    install("needy", {"needy.py": "import missing_thing\ndef it(case):\n    'Works.'\n"}, {"harness.metrics": {"it": "needy:it"}})
    assert Registry.discover().cards("metrics")[0].error is not None
    install("missing-thing", {"missing_thing.py": ""}, {})
    assert Registry.discover().card("metrics", "it").summary == "Works."


def identity(kind: str = "explainers", name: str = "first") -> str:
    return Registry.discover().card(kind, name).identity


def test_identity_is_the_declared_version_where_there_is_one(plug: Path, install: Install) -> None:
    declared, undeclared = identity(), identity("explainers", "second")
    install("plug-dist", {"plug.py": SOURCE}, POINTS, version="1.0")
    (plug.parent / "plug_dist-1.0.dist-info").rename(plug.parent / "old")
    install("plug-dist", {"plug.py": SOURCE}, POINTS, version="1.1")
    assert identity() == declared
    assert identity("explainers", "second") != undeclared


def test_identity_follows_the_versions_of_requirements(install: Install) -> None:
    install("lib", {"lib.py": ""}, {}, version="3.1+cpu")
    install("plug-dist", {"plug.py": SOURCE}, POINTS, requires=("lib", "nothing-like-it", "other ; extra == 'dev'", "xai-harness"))
    first = identity()
    (sitedir,) = [Path(part) for part in sys.path if part.endswith("site") and "pytest" in part]
    (sitedir / "lib-3.1+cpu.dist-info").rename(sitedir / "gone")
    install("lib", {"lib.py": ""}, {}, version="3.1+cu128")
    assert identity() == first
    (sitedir / "lib-3.1+cu128.dist-info").rename(sitedir / "gone2")
    install("lib", {"lib.py": ""}, {}, version="3.2")
    assert identity() != first


@pytest.mark.parametrize("editable", [True, False])
def test_identity_follows_the_source_in_an_editable_install_only(editable: bool, install: Install) -> None:
    plug = install("plug-dist", {"plug/__init__.py": SOURCE, "plug/inner/weights.bin": "1"}, POINTS, editable=editable)
    first = identity()
    plug.with_name("inner").joinpath("weights.bin").write_text("22")
    assert (identity() != first) is editable
    plug.with_name("inner").joinpath("weights.bin").write_text("1")
    assert identity() == first


FILE = '''
from harness.api import explainer, metric
from harness.api.declarations import explainer as imported

@explainer()
def my_own(model, images, targets, *, power: float = 2.0):
    """Mine."""
    return images.sum(1)

@metric(category="complexity", direction="lower")
class MySize:
    """A size."""
    def __call__(self, case): ...

def not_a_component(x): ...
'''


def test_a_plugin_file_gives_what_it_declares(tmp_path: Path, site: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(FILE)
    registry = Registry.discover([file])
    assert [(card.kind, card.name, card.distribution) for card in registry.cards()] == [
        ("explainers", "my-own", "mine.py"),
        ("metrics", "my-size", "mine.py"),
        ("executors", "inline", "xai-harness"),
        ("executors", "local", "xai-harness"),
    ]
    assert registry.card("explainers", "mine.py/my-own").summary == "Mine."
    assert registry.load(registry.card("metrics", "my-size")).__name__ == "MySize"
    before = registry.card("explainers", "my-own").identity
    file.write_text(FILE.replace("images.sum(1)", "images.mean(1)"))
    assert Registry.discover([file]).card("explainers", "my-own").identity != before


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (None, "no such file"),
        ("def f(:", "SyntaxError"),
        ("x = 1", "declares no component"),
        ("import os; os._exit(2)", "ends the process"),
        (FILE + FILE.replace("my_own", "myOwn").replace("MySize", "Other"), '`my_own` and `myOwn` both make the explainer name "my-own"'),
    ],
)
def test_a_plugin_file_that_is_wrong_is_refused(source: str | None, reason: str, tmp_path: Path, site: Path) -> None:
    file = tmp_path / "mine.py"
    if source is not None:
        file.write_text(source)
    with pytest.raises(RegistryError) as error:
        Registry.discover([file])
    assert f"plugin file {file}: " in str(error.value) and reason in str(error.value)


def test_two_plugin_files_of_one_name_are_refused(tmp_path: Path, site: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text(FILE)
    with pytest.raises(RegistryError, match=r"two plugin files are called mine\.py"):
        Registry.discover([tmp_path / "a" / "mine.py", tmp_path / "b" / "mine.py"])


@pytest.mark.slow
def test_the_process_that_lists_plugins_never_imports_torch() -> None:
    code = (
        "import sys; from harness.registry.registry import Registry; from harness.registry.plugin_listing import plugins_list;"
        "plugins_list(Registry.discover().cards()); sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
