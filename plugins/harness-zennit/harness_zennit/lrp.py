"""Layer-wise relevance propagation."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.nn import functional as F

from harness.api import Attribution, Classifier, explainer
from harness.api.gradients import no_gradient_reason
from harness.api.hidden_operations import hidden_operations_reason
from harness.api.network_features import detect_features
from harness_zennit import citations
from harness_zennit.canonization import canonized
from harness_zennit.composites import PASSES, WITHOUT_BOUNDS, Rule, Settings, composite
from harness_zennit.scales import ScalesPass
from harness_zennit.weights import without_rule


@explainer(signed=True, passes=lambda params: PASSES[params["rule"]], cite=citations.LRP)
class LRP:
    """Layer-wise relevance propagation by zennit's composites, on the network's canonical form (Bach et al. 2015).

    The map ``(B, C, H, W)`` should sum to the relevance put in: 1 for the target, or its logit. That is measured per sample and not
    promised: biases (unless ``zero_bias``) and stabilisers absorb relevance, and operations without a rule pass their gradient. Scales by
    constants (a normalisation in the forward, a temperature, layer scales) pass relevance on as it is.
    """

    class Params(BaseModel):
        """Parameters of `LRP`."""

        model_config = ConfigDict(extra="forbid", frozen=True)

        rule: Rule = Field(
            "epsilon-plus-flat", description="zennit's composite: the rules of convolutions, dense layers and the first layer"
        )
        epsilon: Annotated[float, Field(ge=0)] = Field(1e-6, description="stabiliser of the ε-rule")
        gamma: Annotated[float, Field(ge=0)] = Field(0.25, description="how much the γ-rule favours positive weights")
        zero_bias: bool = Field(False, description="leave biases out of the rules, so that they absorb no relevance")
        start: Literal["one", "logit"] = Field("one", description="the relevance put in at the target")

    def __init__(self, params: Params) -> None:
        self.params = params

    def applicable(self, model: Classifier) -> str | None:
        """Reason why LRP says nothing about ``model``; None where it does."""
        if "token-grid" in detect_features(model):
            return "the model attends over tokens, and zennit has no rule for attention"
        if self.params.rule == "epsilon-gamma-box" and model.bounds is None:
            return WITHOUT_BOUNDS
        return no_gradient_reason(model) or hidden_operations_reason(model) or without_rule(model)

    def __call__(self, model: Classifier, images: Tensor, targets: Tensor) -> Attribution:
        """Relevance ``(B, C, H, W)`` of ``images`` (B, C, H, W) for ``targets`` (B,). Raises ``ValueError`` where not `applicable`."""
        reason = self.applicable(model)
        if reason is not None:
            raise ValueError(reason)
        with canonized(model, images) as module:
            relevance, put_in = self._propagate(module, model, images, targets)
        return Attribution(relevance, expected=put_in)

    def _propagate(self, module: torch.nn.Module, model: Classifier, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        params = self.params
        rules = composite(params.rule, Settings(params.epsilon, params.gamma, params.zero_bias, model.bounds))
        inputs = images.detach().clone().requires_grad_()
        try:
            rules.register(module)
            with torch.enable_grad(), _autocast(model):  # the rules compute layers again in the backward pass
                with ScalesPass():
                    logits = module(inputs)
                start = F.one_hot(targets, logits.shape[1]).to(logits)
                if params.start == "logit":
                    start = start * logits.detach()
                (relevance,) = torch.autograd.grad(logits, inputs, grad_outputs=start)
        finally:
            rules.remove()
        return relevance, start.sum(dim=1)


def _autocast(model: Classifier) -> torch.autocast:
    """What the model's own passes run under."""
    return torch.autocast(model.device.type, dtype=model.autocast, enabled=model.autocast is not None)
