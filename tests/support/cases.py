"""Cases of a few samples, for tests of metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from harness.api import Case, evidence


def selected(case: Case, rows: Sequence[int]) -> Case:
    """The same case with only these rows, with nothing shared."""
    index = torch.tensor(rows)
    return replace(
        case,
        images=case.images[index],
        targets=case.targets[index],
        attributions=case.attributions[index],
        parts={name: part[index] for name, part in case.parts.items()},
        evidence=evidence.selected(case.evidence, list(rows)),
        ctx=case.ctx.select(index),
        memory={},
    )
