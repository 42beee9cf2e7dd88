"""Layouts of activations: the axes of channels and positions, as the operations that made it say."""

from __future__ import annotations

from math import isqrt
from typing import NamedTuple

from torch.autograd.graph import Node

from harness.api.autograd_graph import CONVOLUTION, PRODUCTS, AutogradGraph, GraphTensor

_CHANNELS_FIRST_OPERATIONS = (
    *(CONVOLUTION, "BatchNorm", "GroupNorm", "InstanceNorm"),
    *("Pool", "Upsample", "PixelShuffle", "ReflectionPad", "ReplicationPad"),
)
_VIEW_OPERATIONS = ("View", "Reshape")


class Layout(NamedTuple):
    """The layout of an activation.

    Attributes:
        channels: the axis of the channels.
        grid: rows and columns of positions.
        before: how many tokens stand before those of the grid.
        after: how many stand after them.
    """

    channels: int
    grid: tuple[int, int]
    before: int = 0
    after: int = 0


class LayoutInference:
    """The layouts of the tensors of one forward pass."""

    def __init__(self, flow: AutogradGraph) -> None:
        self._flow = flow
        self._channels: dict[GraphTensor, int | None] = {}
        for node in reversed(flow.nodes):
            for result in range(len(node._input_metadata)):
                self._channels[GraphTensor(node, result)] = self._channel_axis(GraphTensor(node, result))

    def of(self, place: GraphTensor) -> Layout | None:
        """The layout of an activation ``(1, C, h, w)``, ``(1, h, w, C)`` or ``(1, tokens, C)``; None if it is not known."""
        shape, channels = place.shape, self._channels.get(place)
        if channels is None or len(shape) not in (3, 4):
            return None
        if len(shape) == 4:
            rows, columns = (size for axis, size in enumerate(shape) if axis not in (0, channels))
            return Layout(channels, (rows, columns))
        return self._token_layout_of(place, channels)

    def _token_layout_of(self, place: GraphTensor, channels: int) -> Layout | None:
        """Tokens lie on the grid that they were made of: the last before them with positions of its own, and not more than they are."""
        tokens = place.shape[3 - channels]
        joined: list[tuple[int, int]] = []
        patches = tokens
        for node in self._flow.nodes[self._flow.order.get(place.node, 0) :]:
            source = GraphTensor(node, 0)
            if node.name() == "CatBackward0" and len(source.shape) == 3:
                joined.append(self._count_joined_tokens(node, 3 - channels))
                patches = min(patches, source.shape[3 - channels] - sum(joined[-1]))
            axis = self._channels.get(source)
            if len(source.shape) == 4 and axis is not None:
                rows, columns = (size for i, size in enumerate(source.shape) if i not in (0, axis))
                if 1 < rows * columns <= tokens:
                    return _token_layout(channels, (rows, columns), tokens, joined)
        image = GraphTensor(self._flow.nodes[-1], 0).shape
        grid = grid_of(patches, (image[-2], image[-1]))
        return None if grid is None else _token_layout(channels, grid, tokens, joined)

    def _count_joined_tokens(self, node: Node, axis: int) -> tuple[int, int]:
        """How many tokens a concatenation along ``axis`` sets before and after those that most of it is made of."""
        sizes = [GraphTensor(source, result).shape[axis] if source is not None else 0 for source, result in node.next_functions]
        most = max(sizes)
        whole = GraphTensor(node, 0).shape[axis]
        if sizes[-1] == most:
            return whole - most, 0
        return (0, whole - most) if sizes[0] == most else (0, 0)

    def _channel_axis(self, place: GraphTensor) -> int | None:
        node, shape = place.node, place.shape
        name = node.name()
        sources = list(self._flow.sources(node))
        if len(shape) == 4 and any(part in name for part in _CHANNELS_FIRST_OPERATIONS):
            return 1
        if "LayerNorm" in name and len(node._saved_normalized_shape) == 1:  # type: ignore[attr-defined]
            return len(shape) - 1
        if any(part in name for part in _VIEW_OPERATIONS):
            return self._axis_of_view(sources[0], shape) if sources else None
        known = {axis for source in sources if (axis := self._axis_after_reshaping(node, source, len(shape))) is not None}
        if len(known) != 1:
            return None
        (axis,) = known
        if name == "PermuteBackward0":
            return [dim % len(shape) for dim in _to_signed_dims(node._saved_dims)].index(axis)  # type: ignore[attr-defined]
        if name == "TransposeBackward0":
            one, other = (dim % len(shape) for dim in _to_signed_dims((node._saved_dim0, node._saved_dim1)))  # type: ignore[attr-defined]
            return {one: other, other: one}.get(axis, axis)
        return None if name in PRODUCTS else axis

    def _axis_after_reshaping(self, node: Node, source: GraphTensor, axes: int) -> int | None:
        """The axis of a source's channels when axes were added or taken away before it, as stacking, selecting and summing do."""
        axis, before = self._channels.get(source), len(source.shape)
        saved: int | tuple[int, ...] | None = getattr(node, "_saved_dim", None)
        if axis is None or before == axes:
            return axis
        dims = _to_signed_dims(() if saved is None else saved if isinstance(saved, tuple) else (saved,))
        if abs(before - axes) != len(dims):
            return None
        if axes > before:
            return axis + sum(dim % axes <= axis for dim in dims)
        gone = [dim % before for dim in dims]
        return None if axis in gone else axis - sum(dim < axis for dim in gone)

    def _axis_of_view(self, source: GraphTensor, shape: tuple[int, ...]) -> int | None:
        """A view keeps its channels if they are the first axis after the batch, or the last, and as many as before."""
        before, axis = source.shape, self._channels.get(source)
        if _is_linear(source.node):
            return len(shape) - 1 if shape[-1] == before[-1] else None
        if axis == 1 and shape[:2] == before[:2] and len(before) > 2:
            return 1
        if axis == len(before) - 1 and len(shape) > 2 and (shape[0], shape[-1]) == (before[0], before[-1]):
            return len(shape) - 1
        return self._axis_before_shuffling(source, shape)

    def _axis_before_shuffling(self, place: GraphTensor, shape: tuple[int, ...]) -> int | None:
        """Views and exchanged axes that end in the shape they began with moved channels among channels (ShuffleNet)."""
        while any(name in place.node.name() for name in (*_VIEW_OPERATIONS, "Transpose", "Permute", "Clone")):
            if place.shape == shape and (axis := self._channels.get(place)) is not None:
                return axis
            place = next(self._flow.sources(place.node))
        return self._channels.get(place) if place.shape == shape else None


def grid_of(cells: int, size: tuple[int, int]) -> tuple[int, int] | None:
    """The (h, w) with h · w = ``cells`` and exactly the aspect ratio of ``size`` (H, W); None if there is none."""
    if cells < 1:
        return None
    height = isqrt(cells * size[0] // size[1])
    if height == 0 or cells % height:
        return None
    width = cells // height
    return (height, width) if height * size[1] == width * size[0] else None


def _token_layout(channels: int, grid: tuple[int, int], tokens: int, joined: list[tuple[int, int]]) -> Layout:
    """The layout of a grid among ``tokens``; the others stand before it, unless what was joined says that some stand after it."""
    beside = tokens - grid[0] * grid[1]
    before, after = (sum(counts) for counts in zip(*joined, strict=True)) if joined else (0, 0)
    return Layout(channels, grid, before, after) if before + after == beside else Layout(channels, grid, beside)


def _is_linear(node: Node) -> bool:
    """Whether one side of a matrix product is the network's own."""
    return node.name() in ("AddmmBackward0", "MmBackward0") and sum(source is not None for source, _ in node.next_functions) == 1


def _to_signed_dims(dims: tuple[int, ...]) -> list[int]:
    """Autograd keeps some negative axes as unsigned numbers of 64 bits."""
    return [dim - 2**64 if dim >= 2**63 else dim for dim in dims]
