"""Output of a layer as a grid ``(B, K, h, w)``."""

from __future__ import annotations

from torch import Tensor

from harness.api.activation_layouts import Layout, grid_of


def as_grid(output: Tensor, size: tuple[int, int], layout: Layout | None = None, prefix_tokens: int | None = None) -> Tensor:
    """A layer's output as ``(B, K, h, w)``, for images of ``size`` (H, W).

    Where its channels and positions are, and which of its tokens form the grid, is what ``layout`` says: channels first or last
    (Swin), tokens ``(B, before + h·w + after, K)`` with class, distillation and register tokens beside them (ViT, DeiT, DINOv2).
    ``prefix_tokens`` says instead how many tokens stand before the grid, which then reaches to the last. Without either a grid is known
    by the aspect ratio of the image, behind one token or none. Raises ``ValueError`` where the output can be read as no grid.
    """
    found = None
    if output.ndim == 4:
        last = layout.channels == 3 if layout is not None else _channels_last(output, size)
        found = output.permute(0, 3, 1, 2) if last else output
    elif output.ndim == 3:
        tokens = output.transpose(1, 2) if layout is None or layout.channels == 2 else output
        found = _of_tokens(tokens, size, layout, prefix_tokens)
    if found is None:
        raise ValueError(f"an output of shape {tuple(output.shape)} is no grid over an image of {size[0]} × {size[1]}")
    return found


def _of_tokens(tokens: Tensor, size: tuple[int, int], layout: Layout | None, prefix_tokens: int | None) -> Tensor | None:
    """Tokens ``(B, K, N)`` on their grid; None where there is none."""
    if prefix_tokens is None and layout is not None:
        cells = layout.grid[0] * layout.grid[1]
        return tokens[:, :, layout.before : layout.before + cells].unflatten(2, layout.grid)
    for skipped in (0, 1) if prefix_tokens is None else (prefix_tokens,):
        cells = tokens.shape[2] - skipped
        grid = layout.grid if layout is not None and layout.grid[0] * layout.grid[1] == cells else grid_of(cells, size)
        if grid is not None:
            return tokens[:, :, skipped:].unflatten(2, grid)
    return None


def _channels_last(output: Tensor, size: tuple[int, int]) -> bool:
    """Only the reading with channels last has the image's aspect ratio, to within one cell."""
    _, first, second, third = output.shape

    def fits(height: int, width: int) -> bool:
        return abs(height * size[1] - width * size[0]) <= max(size)

    return fits(first, second) and not fits(second, third)
