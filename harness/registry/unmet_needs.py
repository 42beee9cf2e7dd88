"""The reasons why a component is not applicable where what it declares to need is lacking."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Set

from harness.api.declarations import NEEDS, NEEDS_BESIDE_EVIDENCE
from harness.api.evidence import EVIDENCE_KINDS, kind_needed

TRAINING_NEEDS = NEEDS & {"training-data", "training-labels"}
FEATURE_NEEDS = NEEDS & {"convolutions", "relu", "token-grid"}
NONE_IN_DATASET = "the dataset has none"


def lacking_features(needs: Set[str], features: Iterable[str]) -> str | None:
    """Reason why a component of these needs is not applicable to a model of these features, or None."""
    lacking = sorted((needs & FEATURE_NEEDS) - set(features))
    return f"needs {' and '.join(lacking)}, and the model has none that hooks see" if lacking else None


def needed_evidence(needs: Set[str]) -> list[str]:
    """The kinds of evidence among needs, by name."""
    return sorted(kind_needed(need).name for need in needs - NEEDS_BESIDE_EVIDENCE)


def lacking_evidence(needs: Set[str], there: Container[str], of: str = NONE_IN_DATASET) -> str | None:
    """Reason why a metric of these needs is not applicable with these kinds of evidence alone, or None; ``of`` says who lacks them."""
    kinds = [kind_needed(need) for need in sorted(needs - NEEDS_BESIDE_EVIDENCE)]
    lacking = sorted((kind for kind in kinds if kind.name not in there), key=lambda kind: [*EVIDENCE_KINDS, kind.name].index(kind.name))
    return f"needs {lacking[0].need}, and {of}" if lacking else None


def lacked_evidence(reason: str) -> str | None:
    """The need that a reason of `lacking_evidence` for a dataset is about; None for any other reason."""
    found = re.fullmatch(rf"needs (\S+), and {NONE_IN_DATASET}", reason)
    return found and found[1]
