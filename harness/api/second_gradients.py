"""Second derivatives of a network's logits: what they take, and networks that have none."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from harness.api.gradients import no_gradient_reason, once_per_network
from harness.api.preparation.modules import first_line

if TYPE_CHECKING:
    from harness.api.classifiers import Classifier


def second_gradients() -> AbstractContextManager[None]:
    """A block in which attention is computed by operations that have second derivatives: PyTorch's fused ones have none."""
    kernels: AbstractContextManager[None] = sdpa_kernel(SDPBackend.MATH)
    return kernels


@once_per_network
def no_second_gradient_reason(model: Classifier) -> str | None:
    """Reason why gradients of ``model`` cannot be differentiated at the image, as one image of noise shows; None where they can."""
    if (reason := no_gradient_reason(model)) is not None:
        return reason
    noise = torch.rand(1, *model.input_shape, generator=torch.Generator().manual_seed(0))
    image = noise.to(model.device, model.dtype).requires_grad_()
    try:
        with second_gradients(), torch.enable_grad():
            (gradient,) = torch.autograd.grad(model(image).sum(), image, create_graph=True)
            if gradient.requires_grad:
                torch.autograd.grad(gradient.square().sum(), image, allow_unused=True)
    except RuntimeError as error:
        return f"the method takes second derivatives, and the network has an operation without: {first_line(error)}"
    return None
