"""The package grad-cam's map of one layer, before its ReLU, its scaling and its resizing."""

from __future__ import annotations

import torch
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor


def reference(method, model, batch, targets, layer, wanted=None) -> Tensor:
    """``(B, h, w)``; ``wanted`` are other targets than the logits of ``targets``."""
    module = model.layer(layer)
    wanted = [ClassifierOutputTarget(int(target)) for target in targets] if wanted is None else wanted
    with method(model=model.module, target_layers=[module]) as cam:
        cam(batch.clone().requires_grad_(), wanted)
        kept = cam.activations_and_grads
        activations, gradients = kept.activations[0], kept.gradients[0] if kept.gradients else None
        if cam.detach:
            activations, gradients = activations.numpy(), None if gradients is None else gradients.numpy()
        found = cam.get_cam_image(batch, module, wanted, activations, gradients, eigen_smooth=False)
    return torch.as_tensor(found).detach()
