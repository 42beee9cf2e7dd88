"""LeGrad: how sensitive what each block makes is to its attention."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from harness.api import Attribution, Classifier, explainer
from harness.api.autograd_graph import AutogradGraph, GraphTensor, trace_autograd
from harness.api.gradients import once_per_network
from harness_transformers import citations
from harness_transformers.attention import Start
from harness_transformers.attention_weights import AttentionRecorder, in_heads, no_token_attention, record, token_attention


def no_blocks(model: Classifier, start: int = 0) -> str | None:
    """Reason why what the blocks of attention from ``start`` on make cannot be read as the last one's is; None where it can."""
    if (reason := no_token_attention(model, start)) is not None:
        return reason
    found = _streams(model)
    return found if isinstance(found, str) else None


@explainer(family="attention", passes=2, cite=citations.LE_GRAD)
def le_grad(model: Classifier, images: Tensor, targets: Tensor, *, start: Start = 0, pool: Literal["mean", "read"] = "mean") -> Attribution:
    """LeGrad: positive gradients at the attention of every block, of the score that the block's own tokens have (Bousselham et al. 2025).

    Returns ``(B, h, w)`` on the grid of tokens, not negative: the sum over blocks of the mean over heads and querying tokens of
    max(0, ∂sₗ/∂Aₗ), where sₗ is the target's logit that the network's head makes of what block l returns; only the way through the block
    itself counts. It is not brought to 0 … 1. Blocks are known by the sums that end them (networks with residuals).

    Args:
        start: the first block that counts; all do in the paper, the last two in the authors' code by default.
        pool: what the head is given of a block: the mean of all its tokens, as in the authors' code, or those it reads of the last one.
    """
    if (reason := no_blocks(model, start)) is not None:
        raise ValueError(reason)
    found = token_attention(model)
    scores, weights = _scores(model, images, pool == "mean")
    gradients = torch.autograd.grad(scores.gather(1, targets.repeat(found.blocks)[:, None]).sum(), weights)
    shares = [gradient.clamp(min=0).mean(dim=(1, 2)) for gradient in in_heads(gradients, len(images))]
    rows = torch.stack(shares[start:]).sum(dim=0)
    return found.attribution(rows[:, None].expand(-1, found.tokens, -1))


le_grad.applicable = no_blocks  # type: ignore[attr-defined]


def _scores(model: Classifier, images: Tensor, mean: bool) -> tuple[Tensor, list[Tensor]]:
    """Logits ``(blocks · B, K)`` of what each block returns, and the weights, on which only their own block's logits depend."""
    names, made = _streams(model), list[Tensor]()
    assert not isinstance(names, str)

    def note(layer: nn.Module, args: object, output: Tensor) -> Tensor:
        """Keep what a block returns, and hand on a leaf; behind the last all that were kept go on."""
        made.append(output.mean(dim=1, keepdim=True).expand_as(output) if mean else output)
        return torch.cat(made) if len(made) == len(names) else output.detach().requires_grad_()

    def split(network: nn.Module, args: object, logits: Tensor) -> Tensor:
        """Return as many logits as there are images, the last block's: passes are counted by what a network returns."""
        made.append(logits[: -len(images)])
        return logits[-len(images) :]

    with ExitStack() as hooks:
        for name in names:
            hooks.callback(model.layer(name).register_forward_hook(note).remove)
        hooks.callback(model.module.register_forward_hook(split, prepend=True).remove)
        logits, seen = record(model, images)
    return torch.cat([made[-1], logits]), seen.weights


@once_per_network
def _streams(model: Classifier) -> tuple[str, ...] | str:
    """Names of the modules that return each block's tokens, or the reason why they are not known."""
    image = torch.rand(1, *model.input_shape, generator=torch.Generator().manual_seed(0)).to(model.device, model.dtype)
    recorder = AttentionRecorder()

    def forward(images: Tensor) -> Tensor:
        with recorder:
            return model(images)

    flow = trace_autograd(forward, model.module, image)
    names = _ends(flow, [flow.order[weights.grad_fn] for weights in recorder.weights if weights.grad_fn in flow.order], image.shape[0])
    if names is None or len(names) != token_attention(model).blocks:
        return "the model has no sum behind each of its attentions that all of the classification goes through"
    return names


def _ends(flow: AutogradGraph, attentions: list[int], batch: int) -> tuple[str, ...] | None:
    """The last sum of tokens behind each attention and before the next, by the module that returns it."""
    sums = {
        flow.order[call.output.node]: call.name
        for call in reversed(flow.calls)
        if call.output in flow.bottlenecks and call.output is not None and _is_sum_of_tokens(call.output, batch)
    }
    found = []
    for begin, end in pairwise([*attentions, -1]):
        between = [place for place in sums if end < place < begin]
        if not between:
            return None
        found.append(sums[min(between)])
    return tuple(found)


def _is_sum_of_tokens(place: GraphTensor, batch: int) -> bool:
    return place.node.name() == "AddBackward0" and len(place.shape) == 3 and place.shape[0] == batch
