"""Training samples that are costly are made once, by whoever plans, and noticed all the same where they change."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.api import Sample
from harness.planning.facts import TrainingFacts
from harness.planning.jobs import Subject
from harness.registry.registry import Registry
from harness.registry.resolve import resolve
from harness.store.input_files import InputFiles
from harness.worker import stored_inputs, training_data
from harness.worker.component_cache import ComponentCache
from harness.worker.contracts import ChangedSincePlanning
from harness.worker.inspection import answer_request
from harness.worker.samples import read_sample
from harness.worker.stored_inputs import TrainingInputs
from harness.worker.training_data import TrainingSplit, training_order
from tests.support.small import Squares
from tests.support.spec import SMALL

SAMPLES = 16


class Worker:
    """One that draws from sixteen training samples, all of which are worth keeping, and notes which it makes."""

    def __init__(self, folder: Path, keeps: bool = True) -> None:
        registry = Registry.discover([SMALL])
        self.components = ComponentCache(registry, input_files=InputFiles(folder / "inputs") if keeps else None)
        self.recipe = resolve(registry, "datasets", {"use": "squares", "params": {"split": "train", "samples": None}})
        self.model = resolve(registry, "models", "pools")
        self.made: list[int] = []

    def planned(self, labelled: int = 0) -> TrainingSplit:
        """The split of a subject as a plan has it."""
        request = {"ask": "training", "recipe": self.recipe.to_json(), "seed": 0, "labelled": labelled, "known": {}}
        facts = TrainingFacts.from_json(answer_request(self.components, request)["value"])
        about = Subject("d", "m", self.recipe, self.recipe, self.model, None, "p", "predicted", 0, {}, learned={str(labelled): facts})
        return TrainingSplit(self.components, about, self.recipe)


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Worker:
    made = Worker(tmp_path)

    def noted(dataset: Any, place: int) -> Sample:
        made.made.append(place)
        return read_sample(dataset, place)

    for module in (stored_inputs, training_data):
        monkeypatch.setattr(module, "read_sample", noted)
    monkeypatch.setattr(stored_inputs, "WORTH_KEEPING", 0.0)
    monkeypatch.setattr(stored_inputs._CHOICE, "choice", lambda places: places[2])
    return made


def drawn_anyway() -> set[int]:
    return {training_order(SAMPLES, 0)[2]}


@pytest.mark.parametrize("labelled", [0, 12])
def test_what_planning_made_is_read_and_one_is_made_anyway(worker: Worker, tmp_path: Path, labelled: int) -> None:
    def drawn(split: TrainingSplit) -> list[torch.Tensor]:
        return [split.background(5)] if labelled == 0 else list(split.labelled(labelled, 7))

    split = worker.planned(labelled)
    assert sorted(worker.made) == sorted(training_order(SAMPLES, 0)[: labelled or SAMPLES])
    worker.made.clear()
    found = drawn(split)
    assert set(worker.made) == drawn_anyway()
    worker.components = Worker(tmp_path, keeps=False).components
    assert all(map(torch.equal, found, drawn(worker.planned(labelled))))


def test_samples_come_back_as_they_were(worker: Worker) -> None:
    odd = Sample(torch.rand(3, 12, 12), 1, "évidence / ☃", torch.rand(12, 12) > 0.5)
    inputs = TrainingInputs(worker.components, worker.recipe, "digest")
    inputs.keep_if_costly(3, odd, 1.0)
    found = inputs.read(3)
    assert (found.id, found.label, found.digest) == (odd.id, odd.label, odd.digest)
    assert torch.equal(found.image, odd.image) and torch.equal(found.evidence["mask"], odd.evidence["mask"])  # type: ignore[arg-type]
    assert worker.made == []


def test_what_was_planned_with_another_content_or_place_is_made(worker: Worker) -> None:
    inputs = TrainingInputs(worker.components, worker.recipe, "digest")
    inputs.keep_if_costly(3, Sample(torch.zeros(3, 12, 12), 0, "kept"), 1.0)
    for other, place in ((replace(inputs, digest="other"), 3), (inputs, 4), (replace(inputs, anyway=3), 3)):
        assert other.read(place).id == Squares(SAMPLES, 500)[place].id
    assert worker.made == [3, 4, 3]


def test_a_change_that_nobody_hears_of_shows_in_the_one_that_is_made(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    split = worker.planned()
    changed, usual = type(worker.components.dataset(worker.recipe)), Squares.__getitem__
    monkeypatch.setattr(changed, "__getitem__", lambda self, place: replace(usual(self, place), image=torch.zeros(3, 12, 12)))
    with pytest.raises(ChangedSincePlanning, match="training data of d changed"):
        split.background(5)


@pytest.mark.parametrize(("changed", "drawn", "seen"), [(4, 5, True), (5, 5, True), (8, 5, False), (8, 9, True), (15, 9, True)])
def test_as_many_are_held_against_the_plan_as_tell_of_those_that_are_drawn(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, changed: int, drawn: int, seen: bool
) -> None:
    """The next power of two; a component is given nothing that was not checked."""
    monkeypatch.setattr(stored_inputs, "WORTH_KEEPING", 3600.0)
    split, usual, other = worker.planned(), Squares.__getitem__, training_order(SAMPLES, 0)[changed]
    data = type(worker.components.dataset(worker.recipe))

    def altered(self: Any, place: int) -> Sample:
        return replace(usual(self, place), image=torch.zeros(3, 12, 12)) if place == other else usual(self, place)

    monkeypatch.setattr(data, "__getitem__", altered)
    with pytest.raises(ChangedSincePlanning) if seen else nullcontext():
        split.background(drawn)


@pytest.mark.parametrize("content", [b"", b"abc", b"\xff" * 64, (3).to_bytes(4, "little") + b"\xff\xff\xff" + b"x" * 99])
def test_what_is_no_sample_is_made_again(worker: Worker, content: bytes) -> None:
    split, files = worker.planned(), worker.components.input_files
    assert files is not None
    expected = split.background(5)
    keys = [path.name for path in files.folder.rglob("*") if path.is_file()]
    assert len(keys) == SAMPLES
    for key in keys:
        files.drop(key)
        files.put(key, content)
    worker.components.backgrounds.clear()
    worker.made.clear()
    assert torch.equal(split.background(5), expected)
    assert set(worker.made) == set(training_order(SAMPLES, 0)[:8])


def test_what_is_made_quickly_is_not_kept(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_inputs, "WORTH_KEEPING", 3600.0)
    split = worker.planned()
    worker.made.clear()
    split.background(5)
    assert set(worker.made) == set(training_order(SAMPLES, 0)[:8]), "enough to tell that they are what was planned"
