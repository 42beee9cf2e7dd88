"""Attention, known by the graph of a forward pass and not by names of layers."""

from __future__ import annotations

from torch.autograd.graph import Node

from harness.api.autograd_graph import CONVOLUTION, PRODUCTS, AutogradGraph, GraphTensor

_FUSED_OPERATIONS = ("ScaledDotProduct", "FlashAttention", "EfficientAttention", "NativeMultiHeadAttention")


def find_attention_operations(flow: AutogradGraph) -> list[Node]:
    """The operations that mix what depends on the image by weights that depend on it too, from the logits on.

    That is `torch.nn.functional.scaled_dot_product_attention`, and every product of two matrices that both depend on the image where one
    of them was made from such a product itself: scores, softmax and values (Vaswani et al. 2017, equation 1), under
    whatever names, by ``@``, ``matmul``, ``bmm`` or ``einsum``, windows, heads and biases included, and linear attention, which has no
    softmax between. A query that is a parameter (attention pooling) counts if scores are a batched product.

    Gates over channels are none (squeeze-and-excitation, selective kernels): they weigh by elementwise products. What is written as such a
    product and a sum, or hides in an operation without a graph (``torch.compile``, reentrant checkpoints), is not seen.
    """
    return [node for node in flow.nodes if any(name in node.name() for name in _FUSED_OPERATIONS) or _mixes_by_scores(flow, node)]


def _mixes_by_scores(flow: AutogradGraph, node: Node) -> bool:
    """Whether ``node`` is a product of two matrices that depend on the image, one of which comes from another product of such."""
    return _count_dependent_factors(flow, node) == 2 and any(_comes_from_scores(flow, side) for side in flow.sources(node))


def _comes_from_scores(flow: AutogradGraph, place: GraphTensor) -> bool:
    """Whether a product is reached from ``place`` back past no convolution and at most two linear layers (heads that talk have these)."""
    waiting, seen = [(place.node, False, 2)], set()
    while waiting:
        node, softmax, layers = waiting.pop()
        if (node, softmax, layers) in seen or CONVOLUTION in node.name():
            continue
        seen.add((node, softmax, layers))
        if _count_dependent_factors(flow, node) == 2 or (softmax and node.name() in ("BmmBackward0", "BaddbmmBackward0")):
            return True
        layers -= node.name() in PRODUCTS
        softmax = softmax or "SoftmaxBackward" in node.name()
        if layers >= 0:
            waiting += [(source.node, softmax, layers) for source in flow.sources(node)]
    return False


def _count_dependent_factors(flow: AutogradGraph, node: Node) -> int:
    """How many factors of a matrix product depend on the image; 0 for another operation."""
    return len(list(flow.sources(node))) if node.name() in PRODUCTS else 0
