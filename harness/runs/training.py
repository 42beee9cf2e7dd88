"""Trainings of a run: put to the workers before anything else, several at once, one after those that it begins with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

from harness.dispatch.executor import Executor
from harness.planning.facts import Unavailable
from harness.planning.trainings import PlannedTraining
from harness.registry.recipe import Recipe
from harness.text_format import format_count

Entry = Mapping[str, float]
Refused = Callable[[str, Unavailable], object]


class TrainingReporter:
    """Says nothing of trainings; others say it."""

    def begin(self, trainings: Sequence[PlannedTraining]) -> None:
        """These will be done."""

    def images(self, training: PlannedTraining, done: int, of: int) -> None:
        """So many images have been seen of that which is waited for, of so many over all epochs."""

    def epoch(self, training: PlannedTraining, entry: Entry) -> None:
        """An epoch is over, and what there is of it durable."""

    def end(self, training: PlannedTraining, failure: str | None) -> None:
        """One is done, or has failed for a reason."""


@dataclass
class StageReporter(TrainingReporter):
    """Shows in one line how far the training is that was heard of last; the ends are said.

    Attributes:
        stage: shows a line for a while.
        say: says one for good.
    """

    stage: Callable[[str], object]
    say: Callable[[str], object]

    def begin(self, trainings: Sequence[PlannedTraining]) -> None:
        """Say what is to be trained."""
        for training in trainings:
            self.say(f"to train: {training.label}: {training}")

    def images(self, training: PlannedTraining, done: int, of: int) -> None:
        """Show how many."""
        self.stage(f"training {training.label}: {done:,} of {format_count(of, 'image')}")

    def epoch(self, training: PlannedTraining, entry: Entry) -> None:
        """Show the epoch."""
        self.stage(f"training {training.label}: {format_entry(training, entry)}")

    def end(self, training: PlannedTraining, failure: str | None) -> None:
        """Say that it is done, or why not."""
        self.say(f"trained {training.label}" if failure is None else f"{training.label} could not be trained: {failure}")


def train_all(executor: Executor, trainings: Sequence[PlannedTraining], reporter: TrainingReporter, refused: Refused) -> dict[str, str]:
    """Have the trainings done; by key why those have failed that did. What begins with one of these is not begun."""
    by_request = {training.recipe.digest: training for training in trainings}
    failed: dict[str, str] = {}

    def heard(request: Mapping[str, Any], entry: Entry) -> None:
        training = by_request.get(_digest_of(request))
        if training is not None:
            reporter.epoch(training, entry)

    if hasattr(executor, "watch"):  # not every executor tells of epochs
        executor.watch(heard)
    if trainings:
        reporter.begin(trainings)
    for _, group in groupby(sorted(trainings, key=lambda each: each.level), key=lambda each: each.level):
        level = [training for training in group if not _waits_for(training, trainings, failed)]
        if hasattr(executor, "expect"):
            executor.expect([training.request for training in level])
        for training in level:
            if hasattr(executor, "listen"):
                executor.listen(partial(reporter.images, training))
            try:
                executor.ask(training.request)
            except Unavailable as error:
                failed[training.key] = f"the training failed: {error}"
                refused(f"training {training.label}", error)
            reporter.end(training, failed.get(training.key))
    for training in trainings:
        if training.key not in failed and _waits_for(training, trainings, failed):
            failed[training.key] = "the training of a model that it begins with failed"
            reporter.end(training, failed[training.key])
    return failed


def format_entry(training: PlannedTraining, entry: Entry) -> str:
    """``epoch 3 of 30, loss 0.412, accuracy 0.86, validation accuracy 0.91``."""
    names = ("loss", "accuracy", "validation loss", "validation accuracy")
    said = [f"{name} {entry[name]:.{4 if 'accuracy' in name else 3}f}" for name in names if name in entry]
    return ", ".join([f"epoch {entry.get('epoch', 0):.0f} of {training.epochs}", *said])


def _digest_of(request: Mapping[str, Any]) -> str:
    return Recipe.from_json(request["recipe"]).digest


def _waits_for(training: PlannedTraining, trainings: Sequence[PlannedTraining], failed: Mapping[str, str]) -> bool:
    """Whether a model that it begins with, however deep, could not be trained."""
    lost = {each.recipe.digest for each in trainings if each.key in failed}
    inner = list(training.recipe.nested)
    while inner:
        part = inner.pop()
        if part.digest in lost:
            return True
        inner += part.nested
    return False
