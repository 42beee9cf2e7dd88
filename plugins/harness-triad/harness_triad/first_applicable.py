"""One explainer for models of several kinds."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor

from harness.api import Attribution, Classifier, Context, Explainer, explainer


@explainer(family="ensembles", signed=True, alternatives="explainers")
def first_applicable(
    model: Classifier,
    images: Tensor,
    targets: Tensor,
    *,
    explainers: Annotated[list[Explainer], Field(min_length=1)] = ["lrp", "attn-lrp"],  # type: ignore[list-item]  # noqa: B006
    ctx: Context,
) -> Attribution:
    """First applicable: of some explainers the first that can explain the model makes the map; a note says which, and why not the first.

    One row for networks of several families, by default relevance propagation by the rules of each. Maps are as its explainer made them,
    ``(B, H, W)``. It takes the passes of that explainer, and is not applicable where none of them is. What any of them needs to learn from
    must be there.

    Args:
        explainers: in the order in which they are tried.
    """
    for each in explainers:
        if each.applicable(model) is None:
            return each(model, images, targets, ctx=ctx)
    raise ValueError("none of the explainers is applicable to the model")
