"""The framework as one explainer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor

from harness.api import Attribution, Classifier, Context, Explainer, explainer
from harness_triad.citations import RIEGER_HANSEN
from harness_triad.fusion import FUSIONS, Negative
from harness_triad.parts import fused

FRAMEWORK = {"grad-cam": "grad-cam", "lrp": "first-applicable", "shap-gradient": "shap-gradient"}


@explainer(family="ensembles", signed=True, cite=RIEGER_HANSEN)
def triad(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    components: Annotated[dict[str, Explainer], Field(min_length=1)] = FRAMEWORK,  # type: ignore[assignment]
    fusion: Literal["mean", "variance", "product", "rank"] = "mean",
    negative: Negative = "keep",
    ctx: Context,
) -> Attribution:
    """Triad: Grad-CAM, LRP and SHAP (or any explainers) side by side, and fused to one map.

    The framework of Kureshi and Selvamani shows a coarse region, fine relevance and Shapley values of one decision beside each other; the
    fused map makes it comparable with single methods. The parts themselves are returned as their explainers made them. Relevance is
    propagated by `lrp`, and by `attn-lrp` through attention and whatever else `lrp` has no rule for. Of a
    dataset without training images SHAP compares each image with references (``{use: shap-gradient, params: {background: training}}`` among
    the components demands training images).

    Args:
        components: the parts by name, and the explainer that makes each.
        fusion: how one map is made of them: the ``mean`` of maps of unit mass; this mean divided by the standard deviation across maps
            (``variance``); their ``product``, which is their geometric mean with their sign where all agree in sign, and 0 where two differ
            or one is 0; or the mean of signed ranks (``rank``): each pixel's place by the size of its value, with the value's sign.
        negative: whether negative evidence is kept, dropped or counted by its size in every part before fusing.
    """
    return fused(components, FUSIONS[fusion], negative, model, images, targets, ctx)
