"""SHAP's DeepExplainer."""

from __future__ import annotations

import numpy as np
import shap
import torch
from torch import Tensor, nn

from harness.api import Attribution, Background, Classifier, Context, backgrounds, explainer
from harness.api.background import WITHOUT_TRAINING, background_size
from harness.api.declarations import BY_BACKGROUND
from harness.api.gradients import no_gradient_reason
from harness.api.hidden_operations import hidden_operations_reason
from harness.api.target_logits import together
from harness_shap import citations
from harness_shap.pristine import pristine

USUAL = 8


class Target(nn.Module):
    """One logit of a module, ``(B, 1)``, so that shap explains the target alone and not all classes."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        self.target = 0
        self.logits = torch.empty(0)

    def forward(self, inputs: Tensor) -> Tensor:
        """The target's logit; all logits of the last call are kept, detached, in ``logits``."""
        logits: Tensor = self.module(inputs)
        self.logits = logits.detach()
        return logits[:, [self.target]]


def not_seen(model: Classifier) -> str | None:
    """Reason why shap's hooks would miss some of what ``model`` does; None where they do not."""
    return no_gradient_reason(model) or hidden_operations_reason(model, additions=False)


@explainer(
    family="Shapley values",
    signed=True,
    complete=True,
    wants={"training-data"},
    otherwise=WITHOUT_TRAINING,
    by={"background": BY_BACKGROUND},
    passes=lambda params: (4 + 1 / 8) * background_size(params["background"], USUAL),
    cite=citations.DEEP_SHAP,
)
def shap_deep(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    background: Background = "auto",
    ctx: Context,
) -> Attribution:
    """Deep SHAP: DeepLIFT against training images, by shap's DeepExplainer (Lundberg and Lee 2017, section 4.2).

    The map ``(B, C, H, W)`` sums to the target's logit minus its mean over the background, as far as shap has a rule for the model's
    layers; shap's own check is off, the error is measured per sample. The background goes through the model in parts, and shap's hooks and
    attributes are removed. Raises `NoTrainingData` where training images are demanded and there are none.

    Args:
        background: what is compared with: ``auto`` 8 training images where there are any, else the black, the blurred and the mean
            reference of each image; a number is as ``auto``, with so many training images; ``training`` demands them, and ``references``
            does without.
    """
    compared = backgrounds(model, images, ctx, background, USUAL)
    groups = [range(len(images))] if len(compared) == 1 else [[i] for i in range(len(images))]  # those with one background in common
    wrapped = Target(model.module).eval()
    maps, expected = torch.zeros_like(images), torch.zeros(len(images)).to(images)
    with pristine(wrapped), torch.enable_grad():
        for group, references in zip(groups, compared, strict=True):
            for part in references.split(together(images[:1])):
                method, share = shap.DeepExplainer(wrapped, part), len(part) / len(references)
                scores = wrapped.logits
                for i in group:
                    wrapped.target = int(targets[i])
                    values = method.shap_values(images[i : i + 1].detach().clone(), check_additivity=False)
                    maps[i] += share * torch.from_numpy(np.asarray(values).reshape(images[i].shape)).to(images)
                    expected[i] += share * (wrapped.logits[0] - scores.mean(dim=0))[wrapped.target]
    return Attribution(maps, expected=expected)


shap_deep.applicable = not_seen  # type: ignore[attr-defined]
