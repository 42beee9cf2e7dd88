"""Maps on the model with some of its layers randomised."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence

from torch import Tensor

from harness.api import Case, Classifier
from harness.api.random_stages import randomised_in_place
from harness_metrics.randomisation.layers import Stage


def randomised_maps(
    case: Case, layers: Sequence[str], randomised: Sequence[Stage], explain: Callable[[Classifier], Tensor], kind: Hashable = "maps"
) -> Iterator[Tensor]:
    """For each stage what ``explain`` says ``(B, H, W)`` of the model with those layers randomised, computed once for all metrics.

    A layer's fresh weights are drawn under the spec's seed and its own name: the same in every stage, order, batch and metric, and for
    every explainer, for all of which ``layers``, of which stages consist, are drawn once. ``kind`` tells apart what different metrics
    explain on the same model.
    """
    for stage in randomised:

        def compute(stage: Stage = stage) -> Tensor:
            with randomised_in_place(case.model, case.ctx.seed, layers, stage) as changed:
                return explain(changed)

        yield case.shared(("harness-metrics", "on a randomised model", stage, kind), compute)
