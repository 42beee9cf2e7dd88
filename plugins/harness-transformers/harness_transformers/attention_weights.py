"""The attention of a network: by which weights its tokens are mixed, and the gradients of the target's logit there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from harness.api import Attribution, Classifier
from harness.api.activation_layouts import Layout, grid_of
from harness.api.gradients import once_per_network
from harness.api.hidden_operations import unwatched_reason
from harness.api.network_features import structure_of
from harness.api.preparation.hook_points import flatten_tensors
from harness_transformers.function_names import PRODUCTS
from harness_transformers.spelled_out import SpelledOut


@dataclass(frozen=True)
class TokenAttention:
    """The attention of a network in which every token attends to every one, block after block.

    Attributes:
        blocks: how many attentions there are.
        tokens: N, how many tokens attend to each other.
        layout: which of them form the grid.
        read: those that the logits are made of: the class token, or all that are averaged.
    """

    blocks: int
    tokens: int
    layout: Layout
    read: tuple[int, ...]

    def attribution(self, relevance: Tensor) -> Attribution:
        """Map ``(B, h, w)`` of what ``relevance`` (B, N, N) says of every token for every token: that of the grid for those read."""
        rows = relevance[:, list(self.read)].mean(dim=1)
        cells = self.layout.grid[0] * self.layout.grid[1]
        return Attribution(rows[:, self.layout.before : self.layout.before + cells].unflatten(1, self.layout.grid), coarse=True)


class Attended(NamedTuple):
    """Per block ``(B, heads, N, N)``: weights, whose rows sum to 1, and the gradients of each sample's own target logit (or none)."""

    weights: list[Tensor]
    gradients: list[Tensor]


def attend(model: Classifier, images: Tensor, targets: Tensor | None = None) -> Attended:
    """The weights for ``images`` (B, C, H, W) by one forward pass, and with ``targets`` (B,) the gradients by one backward pass.

    Raises ``ValueError`` where `no_token_attention` has a reason.
    """
    if (reason := no_token_attention(model)) is not None:
        raise ValueError(reason)
    logits, seen = record(model, images)
    weights = in_heads([each.detach() for each in seen.weights], len(images))
    if targets is None:
        return Attended(weights, [])
    return Attended(weights, in_heads(torch.autograd.grad(logits.gather(1, targets[:, None]).sum(), seen.weights), len(images)))


def in_heads(weights: Iterable[Tensor], samples: int) -> list[Tensor]:
    """What was recorded of each block, or belongs to it, as ``(B, heads, N, N)``."""
    return [each.reshape(samples, -1, *each.shape[-2:]) for each in weights]


def no_token_attention(model: Classifier, start: int = 0, block: int = -1) -> str | None:
    """Reason why ``model`` has no attention of all tokens to all, or none from block ``start`` on, or no such ``block``; None if it has."""
    found = _find(model)
    if isinstance(found, str):
        return found
    if start >= found.blocks:
        return f"the model has {found.blocks} blocks of attention: none is left from start={start} on"
    return None if -found.blocks <= block < found.blocks else f"the model has {found.blocks} blocks of attention, and no block={block}"


def token_attention(model: Classifier) -> TokenAttention:
    """What is known of the network's attention; raises ``ValueError`` where `no_token_attention` has a reason."""
    found = _find(model)
    if isinstance(found, str):
        raise ValueError(found)
    return found


@once_per_network
def _find(model: Classifier) -> TokenAttention | str:
    """What two images of noise show, or the reason why methods of attention would explain another network than this."""
    if (reason := unwatched_reason(model)) is not None:
        return reason
    images = torch.rand(2, *model.input_shape, generator=torch.Generator().manual_seed(0)).to(model.device, model.dtype)
    logits, both = record(model, images)
    if (reason := _unlike_tokens(both)) is not None:
        return reason
    alone = [record(model, image[None])[1].weights for image in images]
    if not all(_is_apart(*each) for each in zip(*alone, both.weights, strict=True)):
        return "the attention of several images cannot be told apart in what the model computes"
    tokens = both.weights[-1].shape[-1]
    layout = _layout(model, tokens)
    if layout is None:
        return f"how the {tokens} tokens that attend to each other lie on the image is not known"
    (gradient,) = torch.autograd.grad(logits[:, 0].sum(), both.weights[-1])
    read = gradient.reshape(-1, tokens, tokens).abs().sum(dim=(0, 2)).nonzero()[:, 0].tolist()
    return TokenAttention(len(both.weights), tokens, layout, tuple(read)) if read else "the logits do not depend on the last attention"


def _unlike_tokens(seen: AttentionRecorder) -> str | None:
    """Reason why what two images showed is not the attention of all tokens to all."""
    if not seen.weights:
        return "the model does not attend over tokens by a softmax"
    if seen.products != 2 * len(seen.weights):
        return "the model multiplies activations by each other beside its attention, or attends without a softmax"
    shapes = {tuple(each.shape) for each in seen.weights}
    for shape in shapes:
        if len(shape) > 4 or (len(shape) == 4 and shape[0] != 2) or shape[0] % 2:
            return "the model attends within windows, so that no attention leads from every token to every token"
        if shape[-1] != shape[-2]:
            return f"the model attends from {shape[-2]} tokens to {shape[-1]}: attention of several blocks cannot be followed through that"
    if len({shape[-1] for shape in shapes}) > 1:
        return "the number of tokens changes between blocks of attention, which cannot be followed through that"
    if not all(torch.allclose(each.sum(-1), torch.ones_like(each.sum(-1)), atol=1e-3) for each in seen.weights):
        return "the weights by which the model mixes its tokens are no shares of attention: they do not sum to 1"
    return None


def _is_apart(first: Tensor, second: Tensor, both: Tensor) -> bool:
    """Whether weights of two images are those of the first and then those of the second, but for rounding, which may be coarse."""
    expected = torch.cat([first, second])
    rounding, difference = (expected - both).abs().mean(), (first - second).abs().mean()
    return torch.allclose(expected, both, atol=1e-4) or bool(rounding < difference / 4)


def _layout(model: Classifier, tokens: int) -> Layout | None:
    """How the tokens lie on the image: as layers that return so many say, else behind one token or none on a grid of its aspect ratio."""
    for layout in reversed(list(structure_of(model).layouts.values())):
        if layout.before + layout.grid[0] * layout.grid[1] + layout.after == tokens:
            return layout
    for before in (0, 1):
        if (grid := grid_of(tokens - before, model.input_shape[1:])) is not None:
            return Layout(2, grid, before)
    return None


class AttentionRecorder(SpelledOut):
    """Keeps the weights of attention: what comes from a softmax and is multiplied, as a matrix, with what depends on the image too.

    Attributes:
        weights: in the order of the products, as they are multiplied: ``(B, heads, N, N)``, ``(B · heads, N, N)`` or any other.
        products: how many products of two matrices that depend on the image there were, scores included.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weights: list[Tensor] = []
        self.products = 0
        self._shares: dict[int, Tensor] = {}  # kept, so that no other tensor gets the identity of one

    def call(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Compute a function, and note what it means for the attention."""
        name = getattr(func, "__name__", "")
        given = [tensor for tensor in flatten_tensors((args, dict(kwargs))) if tensor.requires_grad]
        shares = [tensor for tensor in given if id(tensor) in self._shares]
        output = self.compute(func, args, kwargs)
        if name in PRODUCTS and len(given) > 1:
            self.products += 1
            self.weights += shares[:1]
        elif isinstance(output, Tensor) and output.requires_grad and (shares or name == "softmax"):
            self._shares[id(output)] = output
        return output

    def compute(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """What a function returns."""
        return func(*args, **kwargs)


Recorder = TypeVar("Recorder", bound=AttentionRecorder)


def record(model: Classifier, images: Tensor, recorder: type[Recorder] = AttentionRecorder) -> tuple[Tensor, Recorder]:
    """Logits, with their graph, and what was seen on the way."""
    with torch.enable_grad(), recorder() as seen:
        return model(images.detach().clone().requires_grad_()), seen
