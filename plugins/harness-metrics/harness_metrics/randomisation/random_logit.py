"""Random logit test (Sixt et al. 2020)."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from harness.api import Case, metric
from harness_metrics.citations import SIXT_2020
from harness_metrics.parameters import Samples
from harness_metrics.passes import explanations
from harness_metrics.randomisation.comparison import Constant, comparison
from harness_metrics.similarity import Similarity


@metric(
    category="randomisation",
    direction="lower",
    needs={"explainer"},
    bounds=(-1, 1),
    passes=explanations,
    cite=SIXT_2020,
)
def random_logit(
    case: Case,
    *,
    samples: Samples = 1,
    similarity: Similarity = "ssim",
    absolute: bool = False,
    constant: Constant = "zero",
) -> Tensor:
    """Similarity of the map with the map for a random other class.

    Sixt et al. 2020: an explanation that is the same for every class does not explain the prediction.

    Args:
        case: the samples; their explainer explains them again for other classes.
        samples: other classes per sample, each at most once, drawn from the sample's own stream among all of the model's classes but the
            target; the score is their mean. The authors take one. (Quantus draws from 1000 classes unless told otherwise, and the same
            places in every batch.)
        similarity: of the two maps. The authors' SSIM has a window of 5 on maps clipped to their percentiles 1 and 99, the greater of the
            map's and its negative's; here, as in scikit-image, a window of 7 on maps brought to [0, 1] by their minimum and maximum.
            (Quantus takes the SSIM of maps flattened to one dimension.)
        absolute: compare absolute values.
        constant: what a similarity is where the other class's map is constant: ``zero``, or ``undefined``, which makes the score NaN.

    Returns:
        ``(B,)`` in [-1, 1], lower is better; NaN for a map that is constant, and for a model of a single class.
    """
    others = case.model.num_classes - 1
    if others == 0:
        return torch.full_like(case.attributions[:, 0, 0], torch.nan)
    classes = other_classes(case, min(samples, others))
    compared, found = comparison(case.attributions, similarity, absolute, constant), []
    for draw, chosen in enumerate(classes.T):
        changed = case.shared(("harness-metrics", "map of another class", draw), partial(case.explain, targets=chosen))
        found.append(compared(changed))
    return torch.stack(found).mean(dim=0)


def other_classes(case: Case, count: int) -> Tensor:
    """``(B, count)`` distinct classes of the model for each sample, none of them its target."""
    order = case.ctx.fresh("other classes").permutation(case.model.num_classes - 1).to(case.targets)[:, :count]
    return order + (order >= case.targets[:, None]).to(order)
