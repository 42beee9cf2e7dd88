"""Questions of planning: who answers which, what comes of one at which a worker ends, and of one that nobody waits for any longer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from harness.dispatch.devices import Slot
from harness.dispatch.worker_handle import Inbox
from harness.planning.facts import Unavailable
from tests.support.fake_workers import FakeScheduler, FakeWorker, slots
from tests.support.jobs import composed

PLANNED = [{"ask": "model"}, {"ask": "training"}, {"ask": "dataset"}, {"ask": "opened"}]


class Answering(FakeWorker):
    """Answers each question with itself and the question, but what the crew says it is silent at, dies at or refuses."""

    def __init__(self, slot: Slot, inbox: Inbox, crew: Crew) -> None:
        super().__init__(slot, inbox)
        self.crew, self.questions = crew, []
        self.say({"event": "ready"})

    questions: list[str]

    def send(self, message: Mapping[str, Any]) -> None:
        super().send(message)
        if message["do"] != "ask":
            return
        asked = message["request"]["ask"]
        self.questions.append(asked)
        if asked in self.crew.deadly:
            self.say(None)
        elif asked in self.crew.refused:
            self.say({"event": "refused", "reason": f"no {asked}"})
        elif asked not in self.crew.silent:
            self.say({"event": "answer", "value": [self.crew.begun.index(self), asked]})


class Crew(FakeScheduler):
    """Answering workers."""

    def __init__(self, count: int, silent: str = "", deadly: str = "", refused: str = "") -> None:
        super().__init__(slots(*["cpu"] * count))
        self.silent, self.deadly, self.refused = silent.split(), deadly.split(), refused.split()

    def hand(self, slot: Slot, inbox: Inbox) -> FakeWorker:
        return Answering(slot, inbox, self)

    def heard(self) -> list[list[str]]:
        """What each worker was asked, in its order."""
        return [worker.questions for worker in self.begun if isinstance(worker, Answering)]


def test_a_second_worker_reads_training_data_while_the_first_does_all_else_in_order() -> None:
    crew = Crew(3, silent="training")
    crew._questions.expect(PLANNED)
    assert len(crew.begun) == 2
    found = [crew.ask({"ask": what}) for what in ("opened", "dataset", "model", "verdict")]
    assert found == [[0, "opened"], [0, "dataset"], [0, "model"], [0, "verdict"]]
    crew.begun[1].say({"event": "answer", "value": "at last"})
    assert crew.ask({"ask": "training"}) == "at last"
    assert sorted(crew.heard()[0]) == ["dataset", "model", "opened", "verdict"] and crew.heard()[1] == ["training"]


def test_one_worker_answers_all_where_there_is_no_second() -> None:
    crew = Crew(1)
    crew._questions.expect(PLANNED)
    assert [crew.ask(request) for request in PLANNED] == [[0, request["ask"]] for request in PLANNED]
    assert len(crew.heard()[0]) == len(PLANNED), "each once"


def test_one_question_takes_one_worker() -> None:
    crew = Crew(2)
    assert crew.ask({"ask": "training"}) == [0, "training"]
    assert len(crew.begun) == 1


def test_what_cannot_be_had_is_said_to_who_asks() -> None:
    crew = Crew(2, refused="training")
    crew._questions.expect(PLANNED)
    assert crew.ask({"ask": "dataset"}) == [0, "dataset"]
    with pytest.raises(Unavailable, match="no training"):
        crew.ask({"ask": "training"})


def test_a_question_at_which_two_workers_end_has_no_answer_and_the_others_have() -> None:
    crew = Crew(2, deadly="model")
    crew._questions.expect(PLANNED)
    with pytest.raises(Unavailable, match="it ended"):
        crew.ask({"ask": "model"})
    assert sum(questions.count("model") for questions in crew.heard()) == 2
    assert crew.ask({"ask": "dataset"})[1] == "dataset"


def test_a_worker_at_a_question_that_nobody_waits_for_is_given_a_job_when_it_has_answered() -> None:
    crew = Crew(2, silent="training")
    crew._questions.expect(PLANNED)
    for what in ("model", "dataset", "opened"):
        crew.ask({"ask": what})
    first, second = crew.begun
    crew.submit([composed(number, [], range(4)) for number in range(2)])
    events = crew.events()
    crew._dispatch()
    assert [len(worker.given) for worker in crew.begun] == [1, 0]
    second.say({"event": "answer", "value": "too late"})
    first.say({"event": "phase", "job": first.given[0]["id"], "what": "load"})
    assert next(events).event == "phase"
    assert second.killed_for is None
    assert [len(worker.given) for worker in crew.begun] == [1, 1]


def test_how_far_reading_is_is_told_of_what_is_waited_for_and_counts_as_life(monkeypatch: pytest.MonkeyPatch) -> None:
    crew, told = Crew(2, silent="dataset training"), []
    crew._questions.counted = lambda done, of: told.append((done, of))
    crew._questions.expect([{"ask": "training"}, {"ask": "dataset"}, {"ask": "model"}])
    assert crew.ask({"ask": "model"}) == [0, "model"]
    first, second = crew.begun
    for worker, done in ((first, 5), (second, 70), (first, 6)):
        worker.say({"event": "reading", "done": done, "of": 100})
    first.say({"event": "answer", "value": "all"})
    asked: list[float | None] = []
    hear = first.hear
    monkeypatch.setattr(first, "hear", lambda message: (asked.append(first.asked), hear(message), asked.append(first.asked)))
    assert crew.ask({"ask": "dataset"}) == "all"
    assert told == [(5, 100), (6, 100)]
    before, after, *_ = filter(None, asked)
    assert after > before, "its time for an answer begins anew"
    assert asked[-1] is None


def test_a_count_that_comes_when_planning_is_over_ends_no_worker() -> None:
    crew = Crew(2, silent="training")
    crew._questions.expect([{"ask": "training"}, {"ask": "model"}])
    crew.ask({"ask": "model"})
    crew.submit([composed(0, [], range(4))])
    events = crew.events()
    crew._dispatch()
    first, second = crew.begun
    second.say({"event": "reading", "done": 1, "of": 2})
    first.say({"event": "phase", "job": first.given[0]["id"], "what": "load"})
    assert next(events).event == "phase"
    assert second.killed_for is None


TRAININGS = [{"ask": "train", "recipe": name} for name in "abc"]


class Trainer(Answering):
    """Does at each training what comes next of its crew's script for that: says epochs, and then dies, answers or stays silent."""

    def send(self, message: Mapping[str, Any]) -> None:
        super().send(message)
        recipe = message["request"]["recipe"]
        self.trained = [*getattr(self, "trained", []), recipe]
        script = self.crew.scripts[recipe]
        for step in script.pop(0) if script else ["silent"]:
            if isinstance(step, int):
                self.say({"event": "epoch", "entry": {"epoch": step}})
            elif step != "silent":
                self.say(None if step == "dies" else {"event": "answer", "value": f"{recipe} by {self.crew.begun.index(self)}"})

    trained: list[str]


class Trainers(Crew):
    """Workers that do as each training's script says, try by try."""

    def __init__(self, count: int, **scripts: list[list[int | str]]) -> None:
        super().__init__(count, silent="train")
        self.scripts, self.told = scripts, list[tuple[str, int]]()
        self._questions.trained = lambda request, entry: self.told.append((request["recipe"], int(entry["epoch"])))

    def hand(self, slot: Slot, inbox: Inbox) -> FakeWorker:
        return Trainer(slot, inbox, self)


def test_trainings_are_spread_over_all_workers_and_all_their_epochs_are_told() -> None:
    crew = Trainers(2, a=[["silent"]], b=[[1, 2, "done"]], c=[[1, "done"]])
    crew._questions.expect(TRAININGS)
    assert len(crew.begun) == 2
    assert crew.ask(TRAININGS[1]) == "b by 0"
    assert crew.ask(TRAININGS[2]) == "c by 0"
    assert crew.told == [("b", 1), ("b", 2), ("c", 1)]
    crew.begun[1].say({"event": "epoch", "entry": {"epoch": 5}})
    crew.begun[1].say({"event": "answer", "value": "a at last"})
    assert crew.ask(TRAININGS[0]) == "a at last"
    assert crew.told[-1] == ("a", 5)
    assert [worker.trained for worker in crew.begun if isinstance(worker, Trainer)] == [["b", "c"], ["a"]]


def test_deaths_at_a_training_count_from_its_last_epoch() -> None:
    crew = Trainers(1, a=[[1, "dies"], [2, "dies"], [3, "dies"], ["dies"], [4, "done"]], b=[[1, "dies"], ["dies"], ["done"]])
    with pytest.raises(Unavailable, match="it ended"):
        crew.ask(TRAININGS[0])
    assert crew.told == [("a", 1), ("a", 2), ("a", 3)]
    crew.scripts["b"] = [["dies"], [1, "dies"], [2, "done"]]
    assert crew.ask(TRAININGS[1]).startswith("b by")
