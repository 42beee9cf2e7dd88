"""What a machine was answered is not asked again for another store, unless anything that it may depend on is another."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from harness.planning import machine_answers as module
from harness.planning.fact_questions import FactQuestions
from harness.planning.facts import FORGOTTEN, fact_key
from harness.planning.machine_answers import MachineAnswers, machine_answers
from harness.planning.remembered_facts import RememberedFacts
from harness.registry.file_states import file_states_of
from harness.registry.recipe import Recipe
from harness.store.store import Store

MODEL = {
    **dict.fromkeys(("class_names", "family", "cam_layer", "files"), None),
    **{"digest": "d", "num_classes": 2, "input_shape": [3, 4, 4], "features": [], "parameters": 1, "notes": [], "generation": 0},
    "answers": [[1.0, 2.0, 2.236]],
}
METRIC = Recipe("metrics", "m", "x", "1", {"steps": 4})


class Asked:
    """A worker that counts what it is asked, and has read a file to answer."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.count = folder, 0
        (folder / "read").touch()

    def __call__(self, request: Any) -> Any:
        self.count += 1
        value: dict[str, Any] = {"passes": 2.0} if request["ask"] == "passes" else MODEL
        return {"value": value, "read": file_states_of([str(self.folder / "read")]), "content": "held"}

    def again(self, recipe: Recipe = METRIC, store: str | None = None) -> int:
        """How often it was asked once a plan on a new store has asked for a component."""
        facts = RememberedFacts(Store(self.folder / (store or f"store-{os.urandom(4).hex()}")), self, machine=MachineAnswers())
        assert (facts.component(recipe).passes, facts.component(recipe).files) == (2.0, "held")
        return self.count


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return Asked(tmp_path)


def test_a_new_store_has_nothing_asked_again(asked: Asked) -> None:
    begun: list[Any] = []
    assert [asked.again(), asked.again()] == [1, 1]
    facts = RememberedFacts(Store(asked.folder / "another"), asked, begun.extend, MachineAnswers())
    facts.expect([], [], [], [METRIC])
    assert begun == []
    RememberedFacts(Store(asked.folder / "one more"), asked, begun.extend).expect([], [], [], [METRIC])
    assert len(begun) == 1, "without what the machine remembers it is"


def test_what_may_make_the_answer_another_has_it_asked_again(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked.again() == 1
    assert asked.again(Recipe("metrics", "m", "x", "1", {"steps": 5})) == 2
    assert asked.again(Recipe("metrics", "m", "x", "2", {"steps": 4})) == 3
    (asked.folder / "read").write_text("more")
    assert [asked.again(), asked.again()] == [4, 4]
    monkeypatch.setenv("DATA_ROOT", "elsewhere")
    assert [asked.again(), asked.again()] == [5, 5]
    (asked.folder / "sub").mkdir()
    monkeypatch.chdir(asked.folder / "sub")  # where a file that code opens by a relative name is another
    assert [asked.again(), asked.again()] == [6, 6]
    (asked.folder / "site").mkdir()
    monkeypatch.syspath_prepend(str(asked.folder / "site"))
    (asked.folder / "site" / "torch-99.dist-info").mkdir()
    assert [asked.again(), asked.again()] == [7, 7]
    monkeypatch.setenv("OLDPWD", "elsewhere")
    assert asked.again() == 7


def test_what_a_store_knew_and_does_not_hold_any_more_is_asked_again(asked: Asked) -> None:
    assert asked.again(store="one") == 1
    Store(asked.folder / "one").remember(fact_key("passes", METRIC), FORGOTTEN)  # as a worker does that has seen it
    assert [asked.again(store="one"), asked.again(store="one")] == [2, 2]
    assert asked.again() == 2


def test_an_answer_is_finished_as_one_that_was_just_given(asked: Asked) -> None:
    """The generation of a model is that of the store, whose models before may have answered otherwise."""
    model = Recipe("models", "m", "x", "1", {})
    for name, generation in (("first", 0), ("second", 1)):
        store = Store(asked.folder / name)
        if generation:
            other = {**MODEL, "answers": [[9.0, 2.0, 9.2]]}
            RememberedFacts(store, lambda request, value=other: {"value": value, "read": {}, "content": "held"}).model(model)
            store.remember(fact_key("model", model), None)
        found = RememberedFacts(store, asked, machine=MachineAnswers()).model(model)
        assert (found.generation, found.files, asked.count) == (generation, "held", 1)


def test_digests_that_a_store_knows_of_samples_are_part_of_the_question(asked: Asked) -> None:
    recipe = Recipe("datasets", "d", "x", "1", {})
    answer = {"value": {}, "read": {}, "content": None}
    new, known = (FactQuestions(Store(asked.folder / name)) for name in ("new", "known"))
    known._add_digests(recipe, {"a": "1.0"})
    MachineAnswers().put(new.dataset(recipe), answer)
    assert MachineAnswers().get(FactQuestions(Store(asked.folder / "newer")).dataset(recipe)) == answer
    assert MachineAnswers().get(known.dataset(recipe)) is None


WRONG = '{"checksum": "x", "answer": {"value": {"passes": 3.0}, "read": {}, "content": null}}'


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", WRONG])
def test_damaged_answers_are_none(asked: Asked, damage: str) -> None:
    assert asked.again() == 1
    (file,) = (asked.folder / "cache/answers").iterdir()
    file.write_text(damage)
    assert [asked.again(), asked.again()] == [2, 2]
    json.loads(file.read_text())


def test_where_none_can_be_remembered_all_are_asked(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    (asked.folder / "file").touch()
    monkeypatch.setenv("HARNESS_CACHE", str(asked.folder / "file"))
    assert [asked.again(), asked.again()] == [1, 2]
    monkeypatch.setenv("HARNESS_ANSWERS", "off")
    assert machine_answers() is None
    monkeypatch.delenv("HARNESS_ANSWERS")
    assert isinstance(machine_answers(), MachineAnswers)


def test_the_oldest_go_where_there_are_too_many(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked.again() == 1
    (file,) = (asked.folder / "cache/answers").iterdir()
    os.utime(file, (1, 1))
    monkeypatch.setattr(module, "MAX_BYTES", int(1.5 * file.stat().st_size))
    asked.again(Recipe("metrics", "m", "x", "1", {"steps": 5}))
    left = list((asked.folder / "cache/answers").iterdir())
    assert len(left) == 1 and left != [file]
