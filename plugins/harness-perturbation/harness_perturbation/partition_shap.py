"""Partition SHAP: Owen values of rectangles that are halved where it matters most."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Annotated, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from harness.api import Attribution, Classifier, Context, explainer
from harness.api.masking import HoleBaseline, Output, Shares, all_predictions, hole_replacement, nothing_kept, target_outputs
from harness.api.transfer import sent
from harness_perturbation import citations

AT_ONCE = 5
"""Rectangles of each image that are halved before it is decided anew which are: shap's batch of ten predictions."""


@explainer(family="Shapley values", signed=True, complete=True, passes=lambda params: params["evaluations"], cite=citations.OWEN)
def partition_shap(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    evaluations: Annotated[int, Field(ge=4)] = 500,
    baseline: HoleBaseline = "black",
    output: Output = "logit",
    ctx: Context,
) -> Attribution:
    """Partition SHAP: Owen values of a hierarchy of rectangles (Owen 1977; the shap library's PartitionExplainer).

    The map ``(B, H, W)`` is signed and sums to f(x) − f(x₀), x₀ the image with all pixels replaced. The image is halved across its longer
    side, and halves again; a half has the mean of its gains with and without the other, Shapley's value of two, beside each context in
    which their whole was. Rectangles of the greatest gain are halved first; when ``evaluations`` are spent, the others share their gain
    equally out to their pixels. Each image has a hierarchy of its own; predictions are made for all images at once.

    Args:
        evaluations: forward passes, those of the image and of x₀ among them; 500 is shap's.
        baseline: what shows where a rectangle is replaced: black, white, the image's mean colour, the blurred image, the zero tensor,
            uniform noise, or ``convolution``, in-painting of what is kept around it.
        output: what is explained: the target's logit, or its probability.
    """
    replace = hole_replacement(model, images, baseline, ctx)
    full, empty = (target_outputs(model, inputs, targets, output) for inputs in (images, nothing_kept(images, replace)))
    size = (images.shape[-2], images.shape[-1])
    games = [Halving(size, *ends) for ends in zip(empty.tolist(), full.tolist(), strict=True)]
    while any(taken := [game.take(evaluations - 2) for game in games]):
        masks = sent(torch.from_numpy(_masks(taken, size)), images.device)
        values = all_predictions(model, images, targets, masks=len(masks), kept=_rows_of(masks), replace=replace, output=output)
        for game, parts, found in zip(games, taken, values.tolist(), strict=True):
            for number, part in enumerate(parts):
                game.halve(part, found[2 * number], found[2 * number + 1])
    maps = torch.from_numpy(np.stack([game.shared_out() for game in games]))
    return Attribution(sent(maps.to(images.dtype), images.device), expected=full - empty)


Box = tuple[int, int, int, int]
"""Top, bottom, left and right of a rectangle; bottom and right are behind it."""


class Part(NamedTuple):
    """A rectangle beside others.

    Attributes:
        box: the rectangle.
        context: rectangles that are kept with and without it.
        without, joined: the output without and with it.
        weight: of this context among all.
    """

    box: Box
    context: tuple[Box, ...]
    without: float
    joined: float
    weight: float

    @property
    def gain(self) -> float:
        """What it adds, times its weight."""
        return (self.joined - self.without) * self.weight

    @property
    def halves(self) -> tuple[Box, Box] | None:
        """Upper and lower half, or left and right if it is wider than high; of a pixel None."""
        top, bottom, left, right = self.box
        if bottom - top >= right - left and bottom - top > 1:
            middle = (top + bottom) // 2
            return (top, middle, left, right), (middle, bottom, left, right)
        if right - left > 1:
            middle = (left + right) // 2
            return (top, bottom, left, middle), (top, bottom, middle, right)
        return None


class Halving:
    """The hierarchy of one image's rectangles, of which those of the greatest gain are halved first.

    Args:
        size: height and width of the image.
        empty, full: the output when all of it is replaced, and when nothing is.
    """

    def __init__(self, size: tuple[int, int], empty: float, full: float) -> None:
        self._credit = np.zeros(size)
        self._queue: list[tuple[float, int, Part]] = []
        self._pushed, self._evaluated = 0, 0
        self._push(Part((0, size[0], 0, size[1]), (), empty, full, 1.0))

    def take(self, evaluations: int) -> list[Part]:
        """At most `AT_ONCE` rectangles to be halved next, none when ``evaluations`` are spent."""
        taken: list[Part] = []
        while self._queue and len(taken) < AT_ONCE and self._evaluated < evaluations:
            part = heappop(self._queue)[2]
            if part.halves is None:
                self._share_out(part)
            else:
                taken.append(part)
                self._evaluated += 2
        return taken

    def halve(self, part: Part, first: float, second: float) -> None:
        """Go on with the halves of ``part``, given the output with its context and the ``first`` or the ``second`` of them."""
        halves = part.halves
        assert halves is not None
        for own, other, alone, beside in ((halves[0], halves[1], first, second), (halves[1], halves[0], second, first)):
            self._push(Part(own, part.context, part.without, alone, part.weight / 2))
            self._push(Part(own, (*part.context, other), beside, part.joined, part.weight / 2))

    def shared_out(self) -> NDArray[np.float64]:
        """``(H, W)``: what was found, and the gains of rectangles that were not halved, equally in all of their pixels."""
        while self._queue:
            self._share_out(self._queue.pop()[2])
        return self._credit

    def _push(self, part: Part) -> None:
        self._pushed += 1
        heappush(self._queue, (-abs(part.gain), self._pushed, part))

    def _share_out(self, part: Part) -> None:
        top, bottom, left, right = part.box
        self._credit[top:bottom, left:right] += part.gain / ((bottom - top) * (right - left))


def _rows_of(masks: Tensor) -> Shares:
    return lambda part: masks[part.start : part.stop]


def _masks(taken: list[list[Part]], size: tuple[int, int]) -> NDArray[np.bool_]:
    """``(S, B, H, W)``: of each image its parts' contexts with the first half, then with the second; S is twice the most parts.

    An image that has fewer is shown whole in the rest.
    """
    masks = np.ones((2 * max(map(len, taken)), len(taken), *size), dtype=bool)
    for image, parts in enumerate(taken):
        for number, part in enumerate(parts):
            for which, half in enumerate(part.halves or ()):
                mask = masks[2 * number + which, image]
                mask[:] = False
                for top, bottom, left, right in (*part.context, half):
                    mask[top:bottom, left:right] = True
    return masks
