"""Shadows of a group, by which its metrics are evaluated: the same samples under disturbances, and scored with an oracle's maps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from harness.planning.jobs import DisturbanceKind
from harness.registry.recipe import Recipe
from harness.spec.run_spec import MetaOptions

Strength = Literal["minor", "disruptive"]
ORACLE = Recipe("explainers", "oracle", "xai-harness", "1", label="oracle")  # its map is made of the sample's mask


@dataclass(frozen=True)
class MetaCondition:
    """What a group is the shadow for.

    Attributes:
        kind: ``"inputs"`` or ``"weights"`` where these are disturbed, ``"oracle"`` where nothing is and the masks are scored as maps.
        strength: whether predictions should stay (``"minor"``) or change (``"disruptive"``); None for the oracle.
        repeat: counts the draws of one kind and strength from 1; 0 for the oracle.
        scale: of the disturbance.
    """

    kind: DisturbanceKind | Literal["oracle"]
    strength: Strength | None = None
    repeat: int = 0
    scale: float = 0.0

    @property
    def name(self) -> str:
        """What plans call it; its repeats have one name."""
        return self.kind if self.strength is None else f"{self.strength} {self.kind}"

    def label(self, model: str) -> str:
        """What the shadow of a group with this model is called."""
        return f"{model} ({self.name})" if self.strength is None else f"{model} ({self.name} {self.repeat})"


def iter_disturbed_conditions(meta: MetaOptions) -> Iterator[MetaCondition]:
    """A shadow for each kind, strength and repeat."""
    scales: dict[tuple[DisturbanceKind, Strength], float] = {
        ("inputs", "minor"): meta.inputs.minor,
        ("inputs", "disruptive"): meta.inputs.disruptive,
        ("weights", "minor"): meta.weights.minor,
        ("weights", "disruptive"): meta.weights.disruptive,
    }
    for (kind, strength), scale in scales.items():
        for repeat in range(1, meta.repeats + 1):
            yield MetaCondition(kind, strength, repeat, scale)
