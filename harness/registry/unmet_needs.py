"""The reasons why a component is not applicable where what it declares to need is lacking."""

from __future__ import annotations

from collections.abc import Iterable, Set

from harness.api.declarations import NEEDS

TRAINING_NEEDS = NEEDS & {"training-data", "training-labels"}
FEATURE_NEEDS = NEEDS & {"convolutions", "relu", "token-grid"}


def lacking_features(needs: Set[str], features: Iterable[str]) -> str | None:
    """Why a component of these needs is not applicable to a model of these features, or None."""
    lacking = sorted((needs & FEATURE_NEEDS) - set(features))
    return f"needs {' and '.join(lacking)}, and the model has none that hooks see" if lacking else None


def lacking_evidence(needs: Set[str], *, masks: bool, boxes: bool, of: str = "the dataset has none") -> str | None:
    """Why a metric of these needs is not applicable where there are no masks or boxes, or None; ``of`` says who lacks them."""
    there = {"masks": masks, "boxes": boxes}
    return next((f"needs {kind}, and {of}" for kind, given in there.items() if kind in needs and not given), None)
