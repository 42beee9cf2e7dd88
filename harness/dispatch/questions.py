"""Questions of planning, put to workers: one at a time to each, those that will surely be asked ahead of being asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.dispatch.worker_handle import ANSWERS, EPOCH, READING, WorkerHandle
from harness.dispatch.worker_pool import WorkerPool
from harness.planning.facts import Unavailable

MAX_TRIES = 2  # workers that may end at one question
APART = ("training",)  # what takes reading alone, which the first worker need not do
SPREAD = ("train",)  # what takes long: whichever worker has nothing to do

Request = Mapping[str, Any]


@dataclass
class _Question:
    """One that was asked, or will be.

    Attributes:
        request: what is asked.
        tries: how many workers have ended at it.
        worker: who is at it, or has answered it.
        answer: what that said.
    """

    request: Request
    tries: int = 0
    worker: WorkerHandle | None = None
    answer: Mapping[str, Any] | None = None

    @property
    def place(self) -> int:
        """Which worker answers it, of two: always the same one, so that what each has imported before does not depend on the time."""
        return int(self.request.get("ask") in APART)


class Questions:
    """Has workers answer questions.

    Args:
        pool: the workers that are there.
        start: starts one more; None if there is no place for it, and raises where there is none at all.
        limit: seconds that an answer may take, for what is said of one that took longer.

    Attributes:
        counted: is told how many samples of how many are read, of the data that are waited for.
        trained: is told of each epoch of each training: what was asked, and the epoch's line of the curve.
    """

    def __init__(self, pool: WorkerPool, start: Callable[[], WorkerHandle | None], limit: float) -> None:
        self._pool, self._start, self._limit = pool, start, limit
        self._open: dict[str, _Question] = {}
        self.counted: Callable[[int, int], object] = _ignore
        self.trained: Callable[[Request, Mapping[str, float]], object] = _ignore

    def expect(self, requests: Sequence[Request]) -> None:
        """Begin with what will be asked: workers are started for it now, and answers wait until they are asked for."""
        for request in requests:
            self._open.setdefault(_key_of(request), _Question(request))
        self._give()

    def answer(self, request: Request) -> Any:
        """The answer; raises `Unavailable` if there is none, none in time, or if a second worker has ended at it."""
        question = self._open.setdefault(_key_of(request), _Question(request))
        while question.answer is None:
            self._give(question)
            worker, message = self._pool.listen() or (None, None)
            if worker is not None:
                self.hear(worker, message, question)
        del self._open[_key_of(request)]
        if question.answer["event"] == "refused":
            raise Unavailable(question.answer["reason"], question.answer.get("traceback", ""))
        return question.answer["value"]

    def hear(self, worker: WorkerHandle, message: Mapping[str, Any] | None, waited_for: _Question | None = None) -> None:
        """Take in what a worker says, or (None) that it has ended."""
        question = next((each for each in self._open.values() if each.worker is worker and each.answer is None), None)
        if message is not None:
            if question is not None and message["event"] in ANSWERS:
                question.answer = message
            elif question is not None and question is waited_for and message["event"] == READING:
                self.counted(message["done"], message["of"])
            elif question is not None and message["event"] == EPOCH:
                question.tries = 0  # another goes on from here
                self.trained(question.request, message["entry"])
            return
        if question is None and not self._pool.workers:  # it did not come up
            question = waited_for
        if question is not None:
            self._note_end(question, worker)

    def clear(self) -> None:
        """Forget all that nobody has asked; what a worker is at it answers to nobody."""
        self._open.clear()

    def _note_end(self, question: _Question, worker: WorkerHandle) -> None:
        """A worker has ended at a question: another is asked, once."""
        question.worker, question.tries = None, question.tries + 1
        if worker.killed_for == "timeout":
            question.answer = {"event": "refused", "reason": f"it took more than {self._limit:g} s"}
        elif question.tries == MAX_TRIES:
            question.answer = {"event": "refused", "reason": worker.describe_exit()}

    def _give(self, first: _Question | None = None) -> None:
        """Give each worker that has nothing to do its next question, before all others the one that is waited for."""
        waiting = [question for question in self._open.values() if question.worker is None and question.answer is None]
        waiting.sort(key=lambda question: question is not first)
        spread = [question for question in waiting if question.request.get("ask") in SPREAD]
        busy = sum(worker.asked is not None for worker in self._pool.workers) if spread else 0
        wanted = len({question.place for question in waiting if question not in spread}) + len(spread) + busy
        while len(self._pool.workers) < wanted and self._start() is not None:
            pass
        workers = self._pool.workers
        for question in waiting:
            own = workers[min(question.place, len(workers) - 1)]
            worker = next((each for each in workers if _is_free(each)), own) if question in spread else own
            if _is_free(worker):
                question.worker = worker
                worker.ask(question.request)


def _is_free(worker: WorkerHandle) -> bool:
    return worker.ready and worker.asked is None and worker.assignment is None


def _ignore(*told: object) -> None:
    """Let nobody know."""


def _key_of(request: Request) -> str:
    return json.dumps(request, sort_keys=True)
