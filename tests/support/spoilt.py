"""An explainer whose map of one sample is not finite. Given as ``--plugin``."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.api import Attribution, Classifier, Context, explainer

BAD = "square-2"


@explainer(signed=True)
def spoilt(model: Classifier, images: Tensor, targets: Tensor, *, part: bool = False, ctx: Context) -> Attribution:
    """Gradient times input, but infinite in one pixel of one sample, in the map or in a part."""
    with torch.enable_grad():
        inputs = images.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(model(inputs).gather(1, targets[:, None]).sum(), inputs)
    maps = (gradient * images).sum(dim=1)
    bad = maps.clone()
    bad[torch.tensor([name == BAD for name in ctx.ids]), 0, 0] = torch.inf
    return Attribution(maps if part else bad, {"one": bad} if part else {})
