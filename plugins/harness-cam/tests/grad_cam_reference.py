"""The package grad-cam's map of one layer, before its ReLU, its scaling and its resizing."""

from __future__ import annotations

import torch
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor


def reference(method, model, batch, targets, layer, wanted=None) -> Tensor:
    """``(B, h, w)``; ``wanted`` are other targets than the logits of ``targets``."""
    module = model.layer(layer)
    wanted = [ClassifierOutputTarget(int(target)) for target in targets] if wanted is None else wanted
    found = []
    with method(model=model.module, target_layers=[module]) as cam:
        made = cam.get_cam_image
        cam.get_cam_image = lambda *given: found.append(made(*given)) or found[-1]
        cam(batch.clone().requires_grad_(), wanted)
    return torch.as_tensor(found[0]).detach()
