"""An attribution: what an explainer returns when a bare tensor does not say enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Attribution:
    """A map with its parts.

    Attributes:
        map: ``(B, H, W)`` or ``(B, C, H, W)``; larger is more evidence for the target. Channels are summed by the harness.
        parts: named maps of the same forms, kept beside the map for panels, agreement metrics and fusing again.
        coarse: the map (and parts) may be at a layer's resolution ``(B, h, w)``; it is stored so, and brought to the image's
            size bilinearly (``align_corners=False``). A map that is not coarse must have the image's size.
        expected: ``(B,)`` what the map of a complete method must sum to (the target's logit, the difference to the
            baseline's, the relevance put in), or None if the method promises nothing.
    """

    map: Tensor
    parts: Mapping[str, Tensor] = field(default_factory=dict)
    coarse: bool = False
    expected: Tensor | None = None

    def at(self, size: tuple[int, int]) -> Tensor:
        """The map at ``size`` (H, W): ``(B, H, W)``, channels summed."""
        return resize_maps(self.map, size)

    def part(self, name: str, size: tuple[int, int]) -> Tensor:
        """One part at ``size`` (H, W): ``(B, H, W)``, channels summed."""
        return resize_maps(self.parts[name], size)


def resize_maps(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Sum ``(B, C, h, w)`` over channels and bring ``(B, h, w)`` to ``size`` bilinearly; the identity at that size."""
    if maps.ndim == 4:
        maps = maps.sum(dim=1)
    if tuple(maps.shape[-2:]) == tuple(size):
        return maps
    return F.interpolate(maps[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]
