"""The form of a table that somebody published, and how its numbers are read."""

from __future__ import annotations

import re
from typing import Annotated, Literal, get_args

from pydantic import Field, StringConstraints

from harness.spec.form_types import Label, StrictModel

ModelMeasure = Literal["accuracy", "balanced-accuracy", "precision", "recall", "f1", "auc"]
PublishedMeasure = ModelMeasure | Literal["skill", "seconds"]
"""What is known of a model, or of an explainer, beside its scores."""
MODEL_MEASURES: tuple[str, ...] = get_args(ModelMeasure)
PASSES_WORDS = "a comparison with a number, such as < 0.5"
_NUMBER = r"[-+−]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
_PUBLISHED_NUMBER = re.compile(rf"\s*({_NUMBER})\s*(?:±\s*({_NUMBER}))?\s*(%?)\s*", re.ASCII)
_LOOKS_LIKE_A_NUMBER = re.compile(r"\s*[-+−±.]?[0-9]", re.ASCII)
_PASSES = re.compile(rf"\s*(<=|>=|<|>)\s*({_NUMBER})\s*", re.ASCII)


class PublishedColumnOptions(StrictModel):
    """A column: which of this run's numbers stand beside those published. Names of components are labels, or globs of them."""

    metric: Label | None = Field(default=None, description="The label of the metric whose mean scores they are.")
    measure: PublishedMeasure | None = Field(
        default=None,
        description="What they are, if no metric's scores; `seconds` is per explanation, measures of models are of those too that `keep` "
        "leaves out.",
    )
    dataset: Label | None = Field(default=None, description="Of which dataset; default: the mean over all.")
    model: Label | None = Field(default=None, description="Of which model, where rows are explainers; default: the mean over all.")
    explainer: Label | None = Field(default=None, description="Of which explainer, where rows are models; default: the mean over all.")
    passes: Annotated[str, StringConstraints(pattern=rf"^{_PASSES.pattern}$")] | None = Field(
        default=None, description="What a number of ours must be to pass, such as `< 0.5`.", json_schema_extra={"x-words": PASSES_WORDS}
    )

    @property
    def threshold(self) -> tuple[str, float] | None:
        """How a number is compared to pass, and with what."""
        found = _PASSES.fullmatch(self.passes) if self.passes is not None else None
        return None if found is None else (found[1], _to_float(found[2]))


class PublishedOptions(StrictModel):
    """A published table: under each row's name its values, one for each column."""

    title: Label = Field(description="What the table shows.")
    source: Label = Field(description="Where it was published: authors, year, number of the table.")
    about: Label | None = Field(default=None, description="What its numbers are of: data, models.")
    rows: Literal["explainers", "models"] = Field(default="explainers", description="What a row is.")
    columns: Annotated[dict[Label, PublishedColumnOptions], Field(min_length=1)] = Field(description="Its columns by name.")
    values: Annotated[dict[Label, list[float | Label | None]], Field(min_length=1)] = Field(
        description="By label of an explainer or a model (also of all that a sweep makes of it, or a glob): a number, `75.4 ± 1.2`, "
        "`75.4 ± 1.2 %`, or words such as `pass`; null for none."
    )


def parse_published(given: float | str | None) -> tuple[float | None, float | None, str | None]:
    """Value, deviation and words of what was published; percents become shares of 1. Raises ``ValueError`` for a number that is none."""
    if given is None or isinstance(given, int | float):
        return (None if given is None else float(given)), None, None
    found = _PUBLISHED_NUMBER.fullmatch(given)
    if found is None:
        if _LOOKS_LIKE_A_NUMBER.match(given):
            raise ValueError("a number is written as 0.75, 0.75 ± 0.01 or 75.4 ± 1.2 %")
        return None, None, given.strip()
    unit = 0.01 if found[3] else 1.0
    deviation = None if found[2] is None else _to_float(found[2]) * unit
    return _to_float(found[1]) * unit, deviation, None


def _to_float(text: str) -> float:
    return float(text.replace("−", "-"))
