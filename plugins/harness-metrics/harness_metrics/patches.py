"""Square patches of pixels, and their order."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from harness.api import Case
from harness_metrics.ordering import case_ranks, ranks


def grid_of(size: tuple[int, int], patch: int) -> tuple[int, int]:
    """Numbers of patches of side ``patch`` that cover ``size`` (H, W), rows and columns; those at the border may be cut off.

    >>> grid_of((224, 224), 9)
    (25, 25)
    """
    return -(-size[0] // patch), -(-size[1] // patch)


def patch_sums(maps: Tensor, patch: int) -> Tensor:
    """Sum of a map ``(B, H, W)`` over each patch of a centred grid: ``(B, h, w)``."""
    return F.avg_pool2d(F.pad(maps, _margins(maps, patch))[:, None], patch, divisor_override=1)[:, 0]


def over_pixels(values: Tensor, patch: int, size: tuple[int, int]) -> Tensor:
    """Each pixel gets its patch's value: ``(B, h, w)`` → ``(B, H, W)``, the inverse of gathering by `patch_sums`' grid."""
    spread = values.repeat_interleave(patch, dim=-2).repeat_interleave(patch, dim=-1)
    top, left = ((count * patch - length) // 2 for count, length in zip(values.shape[-2:], size, strict=True))
    return spread[..., top : top + size[0], left : left + size[1]]


def case_patch_ranks(case: Case, absolute: bool, patch: int) -> Tensor:
    """``(B, H, W)`` int32: the place of each pixel's patch in descending order of the patch's sum, computed once for all metrics.

    Patches do not overlap; their grid is centred, so that those at the borders are cut off evenly where ``patch`` does not divide the
    image's size. Ties are in a seeded order. A patch of 1 is a pixel, in the order of `case_ranks`.
    """
    if patch == 1:
        return case_ranks(case, absolute)

    def compute() -> Tensor:
        maps = case.attributions.abs() if absolute else case.attributions
        sums = patch_sums(maps, patch)
        tiebreak = case.ctx.fresh("order of tied patches").permutation(sums[0].numel())
        return over_pixels(ranks(sums, tiebreak.to(sums.device)), patch, (maps.shape[-2], maps.shape[-1]))

    return case.shared(("harness-metrics", "patch ranks", absolute, patch), compute)


def _margins(maps: Tensor, patch: int) -> tuple[int, int, int, int]:
    """Zeros to the left, right, top and bottom that make ``patch`` divide the size; the odd one is to the right and at the bottom."""
    down, across = (-length % patch for length in maps.shape[-2:])
    return across // 2, across - across // 2, down // 2, down - down // 2
