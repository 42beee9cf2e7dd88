"""Memos: what is remembered in a store under a key, and counts only while it has the form that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from harness.planning.json_dataclass import json_adapter
from harness.registry.canonical_json import json_digest
from harness.store.store import Store

T = TypeVar("T")


@dataclass(frozen=True)
class Memo(Generic[T]):
    """One value in a store.

    Attributes:
        store: where.
        form: the type of the value, of which pydantic knows the JSON; what is there in another form is as good as forgotten.
        key: under what.
    """

    store: Store
    form: Any
    key: str

    @classmethod
    def about(cls, store: Store, form: type[T], kind: str, **about: Any) -> Memo[T]:
        """Memo of what is remembered of a kind about something."""
        return cls(store, form, json_digest({"fact": kind, **about}))

    def get(self) -> T | None:
        """The value, or None."""
        found = self.store.fact(self.key)
        if found is None:
            return None
        try:
            value: T = json_adapter(self.form).validate_python(found)
        except ValidationError:
            return None
        return value

    def set(self, value: T) -> None:
        """Remember a value in place of what was there."""
        self.store.remember(self.key, json_adapter(self.form).dump_python(value, mode="json"))
