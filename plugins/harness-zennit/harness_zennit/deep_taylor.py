"""Deep Taylor decomposition."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from zennit.core import Composite

from harness.api import Attribution, Classifier, explainer
from harness_zennit import citations
from harness_zennit.composites import Layers, Settings, composite
from harness_zennit.propagation import one_hot, propagation, without_relus_alone

InputRule = Literal["z-box", "w-square", "z-plus"]


def positive_layers(input_rule: InputRule) -> Layers:
    """z⁺ in all layers, and another rule in the first."""
    return Layers("z-plus", "z-plus", None if input_rule == "z-plus" else input_rule)


def positive_rules(model: Classifier, input_rule: InputRule) -> Composite:
    """The composite of `positive_layers`, without biases."""
    settings = Settings(zero_bias=True, positive_sums=True, bounds=model.bounds, input_shape=tuple(model.input_shape))
    return composite(positive_layers(input_rule), settings)


def not_decomposed(model: Classifier, input_rule: InputRule) -> str | None:
    """Reason why deep Taylor decomposition says nothing of ``model``; None where it does."""
    return without_relus_alone(model, positive_layers(input_rule))


@explainer(family="relevance propagation", signed=False, passes=5, cite=citations.DEEP_TAYLOR)
def deep_taylor(model: Classifier, images: Tensor, targets: Tensor, *, input_rule: InputRule = "z-box") -> Attribution:
    """Deep Taylor decomposition of the target's logit (Montavon et al. 2017): z⁺ in all layers, z^B or w² in the first.

    Each neuron's relevance is expanded at the nearest root in the domain of its inputs: activations that are not negative (z⁺), pixels
    between bounds (z^B), or any real numbers (w²). Biases, which the paper takes to be negative, are left out. The map ``(B, C, H, W)`` is
    not negative, and sums to the logit; where that is not positive there is nothing to decompose, and the map is 0.
    Raises ``ValueError`` where the model has other activations than ReLUs, or no bounds for ``z-box``.

    Args:
        input_rule: of the first layer: ``z-box`` for pixels, ``w-square`` for real numbers, ``z-plus`` for inputs that are not negative.
    """
    if (reason := not_decomposed(model, input_rule)) is not None:
        raise ValueError(reason)
    with propagation(model, images, positive_rules(model, input_rule)) as passed:
        start = one_hot(passed.logits, targets) * passed.logits.clamp(min=0)
        return Attribution(passed.from_logits(start), expected=start.sum(dim=1))


deep_taylor.applicable = not_decomposed  # type: ignore[attr-defined]
