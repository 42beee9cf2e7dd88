"""Symmetry (Sundararajan et al. 2017)."""

from __future__ import annotations

from torch import Tensor, nn

from harness.api import Case, metric
from harness.api.kept_networks import kept_network
from harness_metrics.axiomatic.networks import Forward, Rounding, relative_distance, with_forward
from harness_metrics.citations import SUNDARARAJAN_2017


@metric(category="axiomatic", direction="lower", needs={"explainer"}, bounds=(0, 1), passes=1, cite=SUNDARARAJAN_2017)
def symmetry(case: Case, *, tolerance: Rounding = 1e-3) -> Tensor:
    """How much of the map tells apart pixels that the model cannot tell apart.

    Sundararajan et al. 2017: variables that may change places without changing the function, and have the same value, must
    get the same attribution. The network is made so: ``g(x) = f((x + x̄) / 2)``, x̄ the image mirrored left to right, for which each
    pixel may change places with its mirror image. (A sum ``f(x) + f(x̄)`` may only be mirrored as a whole.) It is explained at the
    mirrored mean of the image itself, for the same target, and its map A held against its mirror image: ``‖A − Ā‖ / (2 ‖A‖)``.

    Args:
        case: the samples; their explainer explains another network, whose layers keep their names.
        tolerance: relative difference up to which it is rounding, and counts as 0.

    Returns:
        ``(B,)`` in [0, 1], lower is better: 0 is symmetric, 1 antisymmetric; NaN where the map of g is 0 everywhere. The norm is
        Frobenius over pixels. A class activation map fails by right: features of a symmetric image need not be symmetric.
    """
    symmetric = kept_network(case.model, ("harness-metrics", "symmetric"), lambda: case.model.with_module(mirrored(case.model.module)))
    maps = case.explain(images=mirrored_mean(case.images), model=symmetric)
    return relative_distance(maps.flip(-1), maps, tolerance) / 2


def mirrored_mean(images: Tensor) -> Tensor:
    """The mean of ``(B, C, H, W)`` and its mirror image left to right."""
    return (images + images.flip(-1)) / 2


def mirrored(module: nn.Module) -> nn.Module:
    """A copy of the network that sees the mirrored mean of its input."""

    def forward(copied: nn.Module, own: Forward, inputs: Tensor) -> Tensor:
        return own(mirrored_mean(inputs))

    return with_forward(module, forward)
