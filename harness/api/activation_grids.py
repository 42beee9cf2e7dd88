"""Output of a layer as a grid ``(B, K, h, w)``, and why there may be none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from harness.api.activation_layouts import Layout, grid_of
from harness.api.gradients import no_gradient_reason
from harness.api.hidden_operations import hidden_operations_reason
from harness.api.network_features import detect_features, reached_modules, structure_of

if TYPE_CHECKING:
    from harness.api.classifiers import Classifier


def no_layer(model: Classifier, layer: str | None = None) -> str | None:
    """Reason why no class activation map can be made of the model at ``layer``, or by default; None where one can."""
    reason = no_gradient_reason(model)
    return reason if reason is not None else no_grid(model, layer)


def no_grid(model: Classifier, layer: str | None = None) -> str | None:
    """Reason why there is no grid of activations at ``layer``, or by default, whatever gradients there are; None where there is one."""
    if layer is not None or model.cam_layer is not None:
        return None
    if "token-grid" in detect_features(model):
        return (
            "the model embeds patches and attends over tokens; write params: {layer: …}, or cam_layer=… in its classifier(…), "
            "with a layer whose tokens form a grid, such as the first norm of the last block"
        )
    if (reason := hidden_operations_reason(model, additions=False)) is not None:
        return reason
    if not any(isinstance(module, nn.Conv2d) for module in reached_modules(model)):
        return "the model has no convolution and names no cam_layer, so that there is no grid of activations to weigh"
    return (
        "the model has no feature map that all of its classification goes through; "
        "write params: {layer: …}, or cam_layer=… in its classifier(…)"
    )


def named_layer(model: Classifier, layer: str | None) -> str:
    """``layer``, or the model's ``cam_layer``; raises ``ValueError`` where it names none."""
    name = layer if layer is not None else model.cam_layer
    if name is None:
        raise ValueError("the model names no cam_layer; choose a layer with `layer`")
    return name


def grid_at(model: Classifier, images: Tensor, output: Tensor, name: str, prefix_tokens: int | None = None) -> Tensor:
    """What layer ``name`` returned, or the like of it, as ``(n, K, h, w)``: a view, so that changing it changes ``output``.

    Raises ``ValueError`` where it is no grid over ``images`` (B, C, H, W).
    """
    size = (images.shape[-2], images.shape[-1])
    try:
        return as_grid(output, size, structure_of(model).layouts.get(name), prefix_tokens)
    except ValueError as error:
        raise ValueError(f"layer {name!r} has no class activation map: {error}; choose another with `layer`") from None


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
        return tokens[:, :, layout.before : layout.before + cells].unflatten(2, layout.grid)  # type: ignore[no-any-return, no-untyped-call]
    for skipped in (0, 1) if prefix_tokens is None else (prefix_tokens,):
        cells = tokens.shape[2] - skipped
        grid = layout.grid if layout is not None and layout.grid[0] * layout.grid[1] == cells else grid_of(cells, size)
        if grid is not None:
            return tokens[:, :, skipped:].unflatten(2, grid)  # type: ignore[no-any-return, no-untyped-call]
    return None


def _channels_last(output: Tensor, size: tuple[int, int]) -> bool:
    """Only the reading with channels last has the image's aspect ratio, to within one cell."""
    _, first, second, third = output.shape

    def fits(height: int, width: int) -> bool:
        return abs(height * size[1] - width * size[0]) <= max(size)

    return fits(first, second) and not fits(second, third)
