"""Layer-wise relevance propagation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from harness.api import Attribution, Classifier, explainer
from harness_zennit import citations
from harness_zennit.composites import LAYERS, FirstRule, Layers, Rule, Settings, composite, default_epsilon, passes
from harness_zennit.propagation import one_hot, propagation, without_propagation


@explainer(
    family="relevance propagation", signed=True, passes=lambda params: passes(params["rule"], params["conserve"]), cite=citations.LRP
)
class LRP:
    """Layer-wise relevance propagation by zennit's rules, on the network's canonical form (Bach et al. 2015).

    A rule by itself (``0`` to ``flat``) is that of every convolution and dense layer; a composite has one for each kind. They are those
    of zennit and, by the names of its presets, of iNNvestigate. ``z-box`` is z⁺ with z^B in the first layer, the only one of bounded
    inputs. The map ``(B, C, H, W)`` should sum to the relevance put in: 1 for the target, or its logit. That is measured per sample and
    not promised: biases (unless ``zero_bias``) and stabilisers absorb relevance, what a neuron has that is on by its bias alone is lost
    (unless ``conserve``: much of it behind depthwise convolutions), and operations without a rule pass their gradient. Scales by
    constants (a normalisation in the forward, a temperature, layer scales) pass relevance on as it is.
    """

    class Params(BaseModel):
        """Parameters of `LRP`."""

        model_config = ConfigDict(extra="forbid", frozen=True)

        rule: Rule = Field("epsilon-plus-flat", description="a composite, or one rule for all layers")
        first: FirstRule | None = Field(None, description="another rule for the first layer; by default the rule's own")
        epsilon: Annotated[float, Field(ge=0)] | None = Field(
            None, description="stabiliser of the ε-rule; by default 1e-6, in sequential presets 0.1"
        )
        gamma: Annotated[float, Field(ge=0)] = Field(0.25, description="how much the γ-rule favours positive weights")
        alpha: Annotated[float, Field(ge=1)] = Field(2, description="weight α of positive contributions in the αβ-rule; β = α − 1")
        zero_bias: bool = Field(False, description="leave biases out of the rules, so that they absorb no relevance")
        conserve: bool = Field(False, description="by z⁺ and γ, share evenly what no input of a neuron speaks for, which else is lost")
        start: Literal["one", "logit"] = Field("one", description="the relevance put in at the target")

    def __init__(self, params: Params) -> None:
        self.params = params

    @property
    def layers(self) -> Layers:
        """The rules of the layers, by their kind."""
        layers = LAYERS[self.params.rule]
        return layers if self.params.first is None else layers._replace(first=self.params.first)

    def applicable(self, model: Classifier) -> str | None:
        """Reason why LRP says nothing about ``model``; None where it does."""
        return without_propagation(model, self.layers)

    def __call__(self, model: Classifier, images: Tensor, targets: Tensor) -> Attribution:
        """Relevance ``(B, C, H, W)`` of ``images`` (B, C, H, W) for ``targets`` (B,). Raises ``ValueError`` where not `applicable`."""
        reason = self.applicable(model)
        if reason is not None:
            raise ValueError(reason)
        params = self.params
        epsilon = default_epsilon(params.rule) if params.epsilon is None else params.epsilon
        settings = Settings(epsilon, params.gamma, params.alpha, params.zero_bias, params.conserve, model.bounds, tuple(model.input_shape))
        with propagation(model, images, composite(self.layers, settings)) as passed:
            start = one_hot(passed.logits, targets)
            if params.start == "logit":
                start = start * passed.logits
            return Attribution(passed.from_logits(start), expected=start.sum(dim=1))
