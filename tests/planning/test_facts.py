"""What is remembered of components is forgotten when a file that they read changes, and when the harness does."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.planning import facts
from harness.planning.facts import fact_key
from harness.planning.remembered_facts import RememberedFacts
from harness.registry import parameter_paths
from harness.registry.file_states import file_states_of, files_unchanged
from harness.registry.recipe import Recipe
from harness.store.store import Store


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with images in class folders and their masks beside."""
    for name in ("photos/cat/1.png", "photos/dog/2.png", "photos/list.csv", "masks/cat/1.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def recipe(**params: Any) -> Recipe:
    return Recipe("datasets", "image-folder", "x", "1", {"root": "photos", "masks": None, "manifest": None, "split": None} | params)


def key(**params: Any) -> str:
    return fact_key("dataset", recipe(**params))


def write(path: Path, text: str) -> None:
    path.write_text(text)
    os.utime(path, ns=(1, 1))


@pytest.mark.parametrize("root", ["photos", "./photos", "photos/", ".", "absolute"])
def test_a_changed_or_added_file_of_a_folder_changes_the_key(folder: Path, root: str) -> None:
    params = {"root": str(folder / "photos") if root == "absolute" else root}
    keys = [key(**params)]
    assert keys == [key(**params)]
    (folder / "photos/cat/1.png").write_text("another picture")
    keys.append(key(**params))
    (folder / "photos/cat/3.png").write_text("one more")
    keys.append(key(**params))
    (folder / "photos/dog/2.png").unlink()
    keys.append(key(**params))
    assert len(set(keys)) == 4


def test_a_file_that_is_as_long_as_before_is_told_by_its_time(folder: Path) -> None:
    write(folder / "photos/list.csv", "1")
    before = key()
    assert key() == before
    os.utime(folder / "photos/list.csv", ns=(2, 2))
    assert key() != before


def test_a_file_whose_time_was_set_back_is_told_all_the_same(folder: Path) -> None:
    path = folder / "photos/list.csv"
    write(path, "1")
    before, states = key(), file_states_of([str(path)])
    write(path, "2")
    assert key() != before and not files_unchanged(states)


@pytest.mark.parametrize(("params", "changed"), [({"manifest": "list.csv"}, "photos/list.csv"), ({"masks": "../masks"}, "masks/cat/1.png")])
def test_what_a_parameter_names_from_the_folder_of_another_counts(folder: Path, params: dict[str, str], changed: str) -> None:
    before = key(**params)
    (folder / changed).write_text("not what it was")
    assert key(**params) != before


def test_a_folder_behind_a_link_counts_once_whatever_it_links_back_to(folder: Path) -> None:
    (folder / "photos/linked").symlink_to(folder / "masks")
    (folder / "masks/back").symlink_to(folder / "photos")
    (folder / "photos/nowhere.png").symlink_to(folder / "gone.png")
    before = key()
    (folder / "masks/cat/1.png").write_text("not what it was")
    assert key() != before


def test_files_that_change_place_between_two_folders_change_the_key(folder: Path) -> None:
    for name in ("one", "two"):
        (folder / name).mkdir()
    write(folder / "one/a.png", "a")
    before = key(root="one", masks="two")
    (folder / "one/a.png").rename(folder / "two/a.png")
    assert key(root="one", masks="two") != before


def test_a_file_of_a_nested_recipe_counts(folder: Path) -> None:
    def outer() -> str:
        return fact_key("verdict", Recipe("explainers", "smooth", "x", "1", {"over": recipe()}))

    before = outer()
    (folder / "photos/cat/1.png").write_text("another picture")
    assert outer() != before


@pytest.mark.parametrize("text", ["", "~nobody-of-this-name/x", "a" * 300, "a/" * 4000, "a\0b", "two\nlines"])
def test_texts_that_name_no_file_are_none(folder: Path, text: str) -> None:
    assert list(parameter_paths.iter_existing_paths({"text": text})) == []


def test_another_version_remembers_nothing_of_the_one_before(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [key()]
    monkeypatch.setattr(facts, "_core_version", lambda: "99.0")
    keys.append(key())
    monkeypatch.setattr(facts, "FACTS_VERSION", facts.FACTS_VERSION + 1)
    keys.append(key())
    assert len(set(keys)) == 3


def answered(value: Any, **more: Any) -> dict[str, Any]:
    return {"value": value, "read": {}, "content": None, **more}


FOUND = {
    "ids": ["a"],
    "digests": ["d"],
    "labels": [0],
    "class_names": None,
    "evidence": {},
    "notes": [],
    "left_out": [],
    "evidence_digests": {},
    "outside": "",
}


@pytest.mark.parametrize("old", [FOUND | {"colours": 3}, {k: v for k, v in FOUND.items() if k != "evidence"}, ["a"], "text"])
def test_facts_of_another_form_are_as_good_as_forgotten(folder: Path, old: Any) -> None:
    store, asked = Store(folder / "store"), []

    def ask(request: Any) -> Any:
        asked.append(request["ask"])
        return answered(FOUND)

    store.remember(key(), {"value": old, "read": {}})
    remembered = RememberedFacts(store, ask)
    assert remembered.dataset(recipe()).to_json() == FOUND
    assert remembered.dataset(recipe()).ids == ["a"]
    assert asked == ["dataset"], "the new facts are remembered in place of the old"


def test_what_an_explainer_says_is_asked_again_where_it_was_said_otherwise(folder: Path) -> None:
    metric = replace(recipe(), kind="metrics")
    store = Store(folder / "store")
    for old in ({"count": 3}, {"value": {"count": 3}, "read": {}}):
        store.remember(fact_key("passes", metric), old)
        assert RememberedFacts(store, lambda request: answered({"passes": 2})).component(metric).passes == 2.0


def test_what_was_found_out_holds_for_as_long_as_what_was_read_is_as_it_was(folder: Path) -> None:
    store, asked = Store(folder / "store"), []
    (folder / "read").mkdir()
    paths = [str(folder / name) for name in ("read", "photos/list.csv", "not there")]

    def ask(request: Any) -> Any:
        asked.append(request["ask"])
        return answered(FOUND, read=file_states_of(paths))

    def again() -> int:
        RememberedFacts(store, ask).dataset(recipe(root=None))
        return len(asked)

    assert [again(), again()] == [1, 1]
    (folder / "read/new").touch()
    assert [again(), again()] == [2, 2]
    (folder / "read/new").write_text("of a folder only the names are read")
    assert again() == 2
    write(folder / "photos/list.csv", "as long as ever")
    assert [again(), again()] == [3, 3]
    (folder / "not there").touch()
    assert [again(), again()] == [4, 4]


def test_what_was_begun_before_a_file_changed_is_not_remembered_of_the_file_as_it_is_now(folder: Path) -> None:
    store, begun, asked = Store(folder / "store"), [], []

    def ask(request: Any) -> Any:
        asked.append(request)
        return answered(FOUND)

    first = RememberedFacts(store, ask, begun.extend)
    first.expect(datasets=[recipe()], models=[], training=[], components=[])
    assert [request["ask"] for request in begun] == ["dataset"]
    write(folder / "photos/list.csv", "another list, which the worker that has begun may not have seen")
    first.dataset(recipe())
    assert asked == begun, "the answer that was begun is the one that is waited for"
    RememberedFacts(store, ask).dataset(recipe())
    assert len(asked) == 2


def test_what_is_remembered_is_not_begun(folder: Path) -> None:
    store, begun = Store(folder / "store"), []
    RememberedFacts(store, lambda request: answered(FOUND)).dataset(recipe())
    RememberedFacts(store, lambda request: answered(FOUND), begun.extend).expect([recipe()], [], [], [])
    assert begun == []


MODEL = {
    **dict.fromkeys(("class_names", "family", "cam_layer", "files"), None),
    **{"digest": "d", "num_classes": 2, "input_shape": [3, 4, 4], "features": [], "parameters": 1, "notes": [], "generation": 0},
}


def test_a_model_that_answers_otherwise_than_any_before_is_another_generation(folder: Path) -> None:
    store, model = Store(folder / "store"), Recipe("models", "m", "x", "1", {})

    def generation(answers: list[list[float]] | None, content: str | None = None) -> int:
        store.remember(fact_key("model", model), None)
        value = {**MODEL, "answers": answers}
        return RememberedFacts(store, lambda request: answered(value, content=content)).model(model).generation

    one, two = [[1.0, 2.0, 2.236]], [[1.0, 2.1, 2.326]]
    assert [generation(answers) for answers in (one, [[1.001, 2.0, 2.2365]], two, one, None, two)] == [0, 0, 1, 0, 2, 1]
    assert generation(two, content="of other files") == 0
