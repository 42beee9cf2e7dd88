"""What planning asks of an explainer that leaves a model to the first of some that is applicable to it."""

from __future__ import annotations

import harness
from harness.registry.resolve import resolve
from harness.worker.inspection import check_applicability


def test_passes_are_those_of_the_explainer_that_is_chosen() -> None:
    bound = harness.explainer("first-applicable", explainers=["attention-rollout", "lrp", "attn-lrp"])
    convolutional = resolve(bound.components.registry, "models", "digits-cnn")
    alone = check_applicability(bound.components, convolutional, harness.explainer("lrp").recipe)
    found = check_applicability(bound.components, convolutional, bound.recipe)
    assert found["passes"] == alone["passes"] > 0
    assert [note.partition(":")[0] for note in found["notes"]] == ["lrp in place of attention-rollout"]
    assert (
        check_applicability(bound.components, convolutional, harness.explainer("smooth-grad", over=bound).recipe)["notes"] == found["notes"]
    )
