"""The inspector, who is asked for facts about components, and the error if they cannot be had."""

from __future__ import annotations

from typing import Protocol

from harness.planning.facts import ComponentFacts, DatasetFacts, ModelFacts, TrainingFacts, Verdict
from harness.registry.recipe import Recipe
from harness.user_errors import UserError


class Unavailable(UserError):
    """A dataset or a model cannot be had; whatever hangs on it is blocked.

    ``traceback``: where it was raised, as text; empty if that is not known.
    """

    def __init__(self, reason: str, traceback: str = "") -> None:
        super().__init__(reason)
        self.traceback = traceback


class Inspector(Protocol):
    """Finds facts about components (and remembers them); each raises `Unavailable` with the reason if it cannot."""

    def dataset(self, recipe: Recipe) -> DatasetFacts:
        """Facts of a dataset."""

    def model(self, recipe: Recipe) -> ModelFacts:
        """Facts of a model."""

    def training(self, recipe: Recipe, seed: int, labelled: int) -> TrainingFacts:
        """Facts of a training split: of the images that may be drawn as background, or of as many samples as are drawn with labels."""

    def verdict(self, model: Recipe, content: str, explainer: Recipe) -> Verdict:
        """What an explainer says of a model of this content."""

    def component(self, recipe: Recipe) -> ComponentFacts:
        """Facts of an explainer or a metric."""
