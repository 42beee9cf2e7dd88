"""AttnLRP: relevance through attention, as input × a gradient that each operation's rule has changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.utils._pytree import tree_leaves

from harness.api import Attribution, Classifier, explainer
from harness.api.gradients import once_per_network
from harness.api.hidden_operations import unwatched_reason
from harness_transformers import citations
from harness_transformers.function_names import ACTIVATIONS, CONVOLUTIONS, LINEAR, MOVES, PRODUCTS, SCALES, STATISTICS, SUMS
from harness_transformers.gradient_rules import NORMALISATIONS, gamma_rule, halved, passed
from harness_transformers.spelled_out import SpelledOut

Gamma = Annotated[float, Field(ge=0)]


@once_per_network
def without_rule(model: Classifier) -> str | None:
    """Reason why AttnLRP has not a rule for all that ``model`` computes; None where it has."""
    if (reason := unwatched_reason(model)) is not None:
        return reason
    image = torch.zeros(1, *model.input_shape, device=model.device, dtype=model.dtype).requires_grad_()
    with torch.enable_grad(), RelevanceRules() as rules:
        model(image)
    if not rules.without_rule:
        return None
    return f"AttnLRP has no rule for what the model computes by {', '.join(sorted(rules.without_rule))}"


@explainer(family="relevance propagation", signed=True, passes=2, cite=citations.ATTN_LRP)
def attn_lrp(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    gamma_convolution: Gamma = 0.25,
    gamma_linear: Gamma = 0.05,
    softmax: Literal["taylor", "constant"] = "taylor",
) -> Attribution:
    """AttnLRP: layer-wise relevance propagation with rules for attention and normalisation (Achtibat et al. 2024, section 3).

    Returns ``(B, C, H, W)``, which should sum to the target's logit. At a softmax s of x relevance R becomes x (R − s ΣR), by a Taylor
    expansion; both factors of a product of activations get half; activations, and the deviation of a normalisation, pass relevance on;
    and dense layers and convolutions follow the γ-rule (at 0 the ε-rule, with ε → 0). Biases, position embeddings, class tokens and the
    softmax absorb relevance: the sum is measured, not promised. On networks without attention it is LRP, and with γ 0 and ReLUs alone
    input × gradient. It runs on windows (Swin, MaxViT) and on convolutional networks as well.

    Args:
        gamma_convolution: how much the γ-rule favours weights that contribute with the output's sign, in convolutions (patch embeddings are
            some); by default one that the authors' package tries on vision transformers.
        gamma_linear: the same in dense layers, those that make queries, keys and values too.
        softmax: whether relevance goes through attention's weights (AttnLRP), or these are constants, so that all of it goes through the
            values (CP-LRP, Ali et al. 2022), and all is conserved in a network without biases.
    """
    if (reason := without_rule(model)) is not None:
        raise ValueError(reason)
    points = images.detach().clone().requires_grad_()
    with torch.enable_grad():
        with RelevanceRules(gamma_convolution, gamma_linear, softmax == "constant"):
            logits = model(points).gather(1, targets[:, None])[:, 0]
        (gradients,) = torch.autograd.grad(logits.sum(), points)
    return Attribution(points.detach() * gradients, expected=logits.detach())


attn_lrp.applicable = without_rule  # type: ignore[attr-defined]


class RelevanceRules(SpelledOut):
    """Inside the block gradients are such that input × gradient of whatever is computed is its relevance.

    What is linear needs no rule: with ε → 0 a linear layer's relevance is input × gradient.

    Attributes:
        without_rule: names of functions that are neither linear nor have a rule.
    """

    def __init__(self, gamma_convolution: float = 0, gamma_linear: float = 0, constant_softmax: bool = False) -> None:
        super().__init__()
        self.without_rule: set[str] = set()
        self._gammas = {"linear": gamma_linear} | dict.fromkeys(CONVOLUTIONS, gamma_convolution)
        self._constant = STATISTICS | ({"softmax"} if constant_softmax else set())

    def call(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """What a function returns, with its rule for the backward pass."""
        name = getattr(func, "__name__", "")
        given = [leaf for leaf in tree_leaves((args, dict(kwargs))) if isinstance(leaf, Tensor) and leaf.requires_grad]
        if not given or name in MOVES:
            return func(*args, **kwargs)
        if name in NORMALISATIONS and len(given) == 1:
            return NORMALISATIONS[name](*args, **kwargs)
        if self._gammas.get(name) and len(given) == 1 and given[0] is args[0]:
            return gamma_rule(func, self._gammas[name], args, kwargs)
        if name in SCALES and len(given) == 2 and "div" in name:
            return func(args[0], args[1].detach(), **kwargs)
        output = func(*args, **kwargs)
        if not isinstance(output, Tensor) or not output.requires_grad:
            return output
        if name in self._constant and output.ndim > 2:
            return output.detach()
        if name in PRODUCTS | SCALES and len(given) == 2:
            return halved(output)
        if name in ACTIVATIONS and len(given) == 1:
            return passed(given[0], output)
        divisor = name in SCALES and "div" in name and args[0] is not given[0]
        if divisor or not (name in LINEAR | SUMS or (len(given) == 1 and name in PRODUCTS | SCALES | CONVOLUTIONS | {"softmax", "linear"})):
            self.without_rule.add(name.strip("_"))
        return output
