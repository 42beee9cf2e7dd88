"""Relevance propagation that sets a class against the others."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from harness.api import Classifier, explainer
from harness_zennit import citations
from harness_zennit.deep_taylor import InputRule, not_decomposed, positive_rules
from harness_zennit.excitation_backprop import head_shares
from harness_zennit.propagation import one_hot, propagation, without_head

Dual = Literal["other-classes", "opposite-weights"]


def not_contrasted_by(model: Classifier, dual: Dual, input_rule: InputRule) -> str | None:
    """Reason why contrastive relevance propagation says nothing of ``model``; None where it does."""
    return not_decomposed(model, input_rule) or (without_head(model) if dual == "opposite-weights" else None)


@explainer(family="relevance propagation", signed=False, passes=5, cite=citations.CONTRASTIVE_LRP)
def contrastive_lrp(
    model: Classifier, images: Tensor, targets: Tensor, *, dual: Dual = "other-classes", input_rule: InputRule = "z-box"
) -> Tensor:
    """Contrastive relevance propagation, CLRP: max(0, R − R_dual), the target's relevance less that of all else (Gu et al. 2018).

    Relevance goes by z⁺ and, in the first layer, z^B, without biases. The target starts with the size of its logit, |f|, and the dual with
    the same: spread evenly over the other classes (CLRP1), or on a unit with the opposite of the target's weights (CLRP2). Relevance is
    linear in its start, so that both take one pass. The map is ``(B, C, H, W)``.
    Raises ``ValueError`` where the model has other activations than ReLUs, no bounds for ``z-box``, or no dense last layer for CLRP2.

    Args:
        dual: what is taken off: the ``other-classes`` (CLRP1) or the unit of ``opposite-weights`` (CLRP2).
        input_rule: of the first layer: ``z-box`` for pixels, ``w-square`` for real numbers, ``z-plus`` for inputs that are not negative.
    """
    if (reason := not_decomposed(model, input_rule)) is not None:
        raise ValueError(reason)
    with propagation(model, images, positive_rules(model, input_rule)) as passed:
        size = passed.logits.gather(1, targets[:, None]).abs()
        if dual == "opposite-weights":
            winning, opposite = head_shares(passed, targets)
            return passed.from_hidden(size * (winning - opposite)).clamp(min=0)
        chosen = one_hot(passed.logits, targets)
        others = (1 - chosen) / (1 - chosen).sum(dim=1, keepdim=True)
        return passed.from_logits(size * (chosen - others)).clamp(min=0)


@explainer(family="relevance propagation", signed=True, passes=5, cite=citations.SOFTMAX_GRADIENT_LRP)
def softmax_gradient_lrp(model: Classifier, images: Tensor, targets: Tensor, *, input_rule: InputRule = "z-box") -> Tensor:
    """Softmax-gradient relevance propagation, SGLRP: relevance starts as the softmax's gradient (Iwana et al. 2019).

    With the probabilities y the target t starts with y_t (1 − y_t), and each other class n with −y_t y_n: likely rivals count most. Below,
    relevance goes by z⁺ and, in the first layer, z^B, without biases. The map ``(B, C, H, W)`` is signed, and sums to 0 where relevance is
    conserved. Where the model is sure to the last bit (y_t = 1), it is 0.
    Raises ``ValueError`` where the model has other activations than ReLUs, or no bounds for ``z-box``.

    Args:
        input_rule: of the first layer: ``z-box`` for pixels, ``w-square`` for real numbers, ``z-plus`` for inputs that are not negative.
    """
    if (reason := not_decomposed(model, input_rule)) is not None:
        raise ValueError(reason)
    with propagation(model, images, positive_rules(model, input_rule)) as passed:
        probabilities, chosen = passed.logits.softmax(dim=1), one_hot(passed.logits, targets)
        target = probabilities.gather(1, targets[:, None])
        others = probabilities * (1 - chosen)
        start = target * (chosen * others.sum(dim=1, keepdim=True) - others)
        return passed.from_logits(start)


contrastive_lrp.applicable = not_contrasted_by  # type: ignore[attr-defined]
softmax_gradient_lrp.applicable = not_decomposed  # type: ignore[attr-defined]
