"""When two answers of models to fixed inputs (`harness.worker.probe_logits`) are one model's."""

from __future__ import annotations

from collections.abc import Sequence

TOLERANCE = 5e-3  # of the greatest of an input's answers: what devices may differ by in float32
COARSE_TOLERANCE = 5e-2  # the same where less exact arithmetic is at work
Answers = Sequence[Sequence[float]]


def answers_match(some: Answers | None, others: Answers | None, tolerance: float = TOLERANCE) -> bool:
    """Whether answers are the same but for what arithmetic on other devices makes of them."""
    if some is None or others is None:
        return some is others
    if [len(row) for row in some] != [len(row) for row in others]:
        return False
    for row, other in zip(some, others, strict=True):
        allowed = tolerance * max(map(abs, [*row[:-1], *other[:-1]]), default=0.0) + 1e-12
        differences = [abs(a - b) for a, b in zip(row, other, strict=True)]
        if max(differences[:-1], default=0.0) > allowed or differences[-1] > allowed * max(1.0, len(row) ** 0.5):
            return False
    return True
