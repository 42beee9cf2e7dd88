"""An explainer with other parameters, as metrics ask for it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import harness
from harness.api import Case, Classifier, Context, Explainer


def scaled(model: Classifier, images: Tensor, targets: Tensor, *, factor: float = 2.0, offset: int = 0) -> Tensor:
    """The first channel, scaled."""
    return images[:, 0] * factor + offset


def through(
    model: Classifier, images: Tensor, targets: Tensor, *, of: Explainer = "session/scaled", times: int = 1, ctx: Context
) -> Tensor:  # type: ignore[assignment]
    """Another explainer's map, some times."""
    return of(model, images, targets, ctx=ctx).map * times


@pytest.fixture
def case() -> Case:
    model = harness.classifier(nn.Sequential(nn.Flatten(), nn.Linear(48, 2)), input_shape=(3, 4, 4))
    images, targets = torch.rand(3, 3, 4, 4), torch.zeros(3, dtype=torch.long)
    explainer = harness.explainer(scaled, factor=3.0)
    return Case(model, images, targets, images[:, 0] * 3, Context(0, list("abc")), explainer=explainer)


def test_the_other_parameters_stay(case: Case) -> None:
    assert case.explainer is not None
    changed = case.explainer.with_params(offset=1)
    assert dict(changed.params) == {"factor": 3.0, "offset": 1} and dict(case.explainer.params) == {"factor": 3.0, "offset": 0}
    torch.testing.assert_close(case.explain(explainer=changed), case.images[:, 0] * 3 + 1)
    torch.testing.assert_close(case.explain(), case.images[:, 0] * 3)


def test_its_schema_says_what_may_be_changed(case: Case) -> None:
    assert case.explainer is not None
    assert {name: entry["default"] for name, entry in case.explainer.schema.items()} == {"factor": 2.0, "offset": 0}


@pytest.mark.parametrize("changes", [{"power": 1}, {"offset": "much"}])
def test_what_it_does_not_take_is_refused(case: Case, changes: dict[str, object]) -> None:
    assert case.explainer is not None
    with pytest.raises(ValueError, match=next(iter(changes))):
        case.explainer.with_params(**changes)


def test_explainers_inside_it_stay(case: Case) -> None:
    harness.explainer(scaled)
    outer = harness.explainer(through, of={"use": "session/scaled", "params": {"factor": 5.0}})
    torch.testing.assert_close(case.explain(explainer=outer.with_params(times=2)), case.images[:, 0] * 10)
