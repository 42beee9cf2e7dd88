"""Dataclasses as JSON, written and read by their annotations."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, Self

from pydantic import ConfigDict, PlainSerializer, PlainValidator, TypeAdapter

from harness.registry.recipe import Recipe


class JsonDataclass:
    """Base of the dataclasses that workers are sent, or that are remembered."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        form: Any = type(self)
        written: dict[str, Any] = json_adapter(form).dump_python(self, mode="json")
        return written

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`; raises ``ValueError`` for JSON of another form."""
        form: Any = cls
        read: Self = json_adapter(form).validate_python(data)
        return read


@cache
def json_adapter(form: Any) -> TypeAdapter[Any]:
    """Adapter that reads and writes JSON of a type."""
    return TypeAdapter(form)


def _read_recipe(value: Any) -> Recipe:
    return value if isinstance(value, Recipe) else Recipe.from_json(value)


JsonRecipe = Annotated[Recipe, PlainValidator(_read_recipe), PlainSerializer(Recipe.to_json)]
