"""Choice of the models that are explained: the best of those that differ in something else alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeGuard

from pydantic import Field, ValidationError

from harness.registry.errors import KeyPath, Problem
from harness.registry.naming import did_you_mean, join_words
from harness.registry.recipe import Recipe
from harness.spec.form_types import WHOLE, Label, StrictModel

KeptBy = Literal["test-accuracy", "validation-accuracy"]


class KeepOptions(StrictModel):
    """Of the models of a sweep only the best are explained; all are trained, and classify."""

    best: Annotated[int, Field(ge=1), WHOLE] = Field(description="How many are explained of each level.")
    by: KeptBy = Field(
        default="test-accuracy",
        description="`test-accuracy`: mean over the spec's datasets; `validation-accuracy`: of the epoch that a training kept. "
        "Of equals the lower seed is better, then who is named first.",
    )
    within: list[Label] = Field(
        default_factory=list, description="Levels: models that have these factors alike are ranked together; default: all of the sweep."
    )
    among: Label | None = Field(
        default=None, description="Entries with the same name here are one pool; those of a sweep are one by themselves."
    )


def is_ranking(given: Any) -> TypeGuard[Mapping[str, Any]]:
    """Whether ``keep`` has the form that it must have."""
    try:
        KeepOptions.model_validate(given)
    except ValidationError:
        return False
    return True


def keep_problems(models: Any, recipes: Mapping[int, Recipe]) -> Iterator[Problem]:
    """What is wrong with ``keep`` of a spec's models but for its form: what it ranks within and by is there, and a pool is ranked one way.

    ``recipes`` are those of the models that can be resolved, by their places.
    """
    pools: dict[str, tuple[int, KeepOptions]] = {}
    for index, item in enumerate(models if isinstance(models, list) else ()):
        given = item.get("keep") if isinstance(item, Mapping) else None
        if not is_ranking(given):  # said by `check_form`
            continue
        keep = KeepOptions.model_validate(given)
        at: KeyPath = ("models", index, "keep")
        factors = item.get("factors") if isinstance(item.get("factors"), Mapping) else {}
        for place, name in enumerate(keep.within):
            if name not in factors:
                said = f"{name} is swept by nobody here{did_you_mean(name, map(str, factors))} (swept: {join_words(map(str, factors))})"
                yield Problem((*at, "within", place), said)
        if keep.by == "validation-accuracy" and index in recipes and recipes[index].params.get("validation") is None:
            yield Problem((*at, "by"), f"{recipes[index].name} is not trained with `validation` data here, by which it would be ranked")
        if keep.among is None:
            continue
        _, first = pools.setdefault(keep.among, (index, keep))
        if first != keep:
            yield Problem(at, f"the models of {keep.among} are ranked in two ways: give all of them the same `keep`")
