"""Facts that tell a variant from the group that it is one of: the same samples explained altered, by which metrics are evaluated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import FiniteFloat

from harness.results.field_types import BoolArray, Name

MetaVariantKind = Literal["inputs", "weights", "oracle"]
Strength = Literal["minor", "disruptive"]


@dataclass(frozen=True, kw_only=True)
class VariantInfo:
    """The group that a variant belongs to, how it was altered, and whose predictions stayed.

    Attributes:
        model: label of the group's model; the variant's own label differs.
        kind: whether inputs or weights were disturbed, or an oracle's maps were scored on what is undisturbed.
        strength: whether predictions should have stayed (``"minor"``) or changed (``"disruptive"``); None for the oracle.
        repeat: which draw.
        scale: of the disturbance.
        kept: ``(N,)`` bool, whether the prediction stayed; ``known`` whether it was made.
    """

    model: Name
    kind: MetaVariantKind
    strength: Strength | None = None
    repeat: int = 0
    scale: FiniteFloat = 0.0
    kept: BoolArray
    known: BoolArray
