"""Guided Grad-CAM."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from harness.api import Attribution, Classifier, Context, Explainer, explainer
from harness.api.activation_grids import no_layer
from harness_cam import citations
from harness_cam.explainers import Prefix, grad_cam


@explainer(family="class activation maps", signed=True, cite=citations.GRAD_CAM)
def guided_grad_cam(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    layer: str | None = None,
    over: Explainer = "guided-backprop",  # type: ignore[assignment]
    prefix_tokens: Prefix = None,
    ctx: Context,
) -> Attribution:
    """Guided Grad-CAM: Guided Backprop, pixel by pixel times Grad-CAM (Selvaraju et al. 2017).

    Returns ``(B, H, W)``, which has the sign of Guided Backprop: Grad-CAM, after its ReLU, is brought to the image's size bilinearly.
    Where Grad-CAM is 0 so is this. The two are its parts.

    Args:
        layer: the layer of Grad-CAM, by its name; by default the model's `cam_layer`.
        over: the explainer of fine maps that Grad-CAM is multiplied with; not applicable where that is not.
        prefix_tokens: how many tokens stand before those that form Grad-CAM's grid; by default what the network shows.
    """
    coarse = grad_cam(model, images, targets, layer=layer, prefix_tokens=prefix_tokens).map
    size = (images.shape[-2], images.shape[-1])
    weights = functional.interpolate(coarse[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]
    fine = over(model, images, targets, ctx=ctx).map
    return Attribution(fine * weights, parts={"fine": fine, "grad-cam": weights})


guided_grad_cam.applicable = no_layer  # type: ignore[attr-defined]
