"""The folder that runs share: finished rows, maps, trained weights and remembered facts. Finished means committed here."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from harness.store.errors import StoreError as StoreError
from harness.store.errors import StoreNotFound, wrap_read_errors, wrap_write_errors
from harness.store.folder import open_folder
from harness.store.map_groups import MapGroups
from harness.store.row_groups import RowGroups
from harness.store.segments import MALFORMED_JSON_ERRORS, checksum, group_path
from harness.store.shared_values import SharedValueGroups
from harness.store.weight_groups import WeightGroups

LAYOUT_VERSION = 1
MARKER = "layout.json"
DESCRIPTION = "recipe.json"


class Store(RowGroups, MapGroups, SharedValueGroups, WeightGroups):
    """A store. Rows are grouped by the explanation (or prediction) that they belong to; CONTRIBUTING says what these are.

    Several processes may read and write one store at once: every file has a name of its own, and appears whole.
    """

    def __init__(self, address: Path | str, *, new: bool = True) -> None:
        """Open the store at a path or URL; one is begun there if there is none, or with ``new=False`` `StoreNotFound` is raised."""
        super().__init__(open_folder(address))
        self._check_layout(new)

    @property
    def address(self) -> str:
        """Address that another process opens it by; it may carry credentials."""
        return self.folder.address

    def _check_layout(self, new: bool) -> None:
        try:
            version = json.loads(self.folder.read(MARKER))["version"]
            if version != LAYOUT_VERSION:
                raise StoreError(
                    f"{self.shown} holds a store of layout {version}, and this harness reads {LAYOUT_VERSION}: use another --store"
                )
        except FileNotFoundError:
            if not new:
                raise StoreNotFound(f"{self.shown} is not a store") from None
            with self._usable():
                self.folder.write(MARKER, json.dumps({"version": LAYOUT_VERSION}).encode())
        except MALFORMED_JSON_ERRORS as error:
            raise StoreError(f"{self.folder.shown(MARKER)} is not a store's marker: {error}") from error
        except OSError as error:
            with self._usable():
                raise error

    def _usable(self) -> contextlib.AbstractContextManager[None]:
        return wrap_read_errors(self.shown, "cannot use {} as a store: {}")

    def fact(self, key: str) -> Any | None:
        """A remembered JSON value, or None."""
        path = _fact_path(key)
        try:
            envelope = json.loads(self.folder.read(path))
            if envelope.get("key", key) != key:  # older files do not say it
                self._set_aside(path, f"it is what is remembered under {envelope['key']}")
            elif envelope["checksum"] == checksum(json.dumps(envelope["value"], sort_keys=True).encode()):
                return envelope["value"]
            else:
                self._set_aside(path, "its content does not match its checksum")
        except FileNotFoundError:
            return None
        except OSError as error:
            self._unreadable(path, error)
        except MALFORMED_JSON_ERRORS as error:
            self._set_aside(path, f"is no remembered fact: {error}")
        return None

    def remember(self, key: str, value: Any) -> None:
        """Remember a JSON value under a key."""
        content = json.dumps({"checksum": checksum(json.dumps(value, sort_keys=True).encode()), "key": key, "value": value})
        with wrap_write_errors(self.shown):
            self.folder.write(_fact_path(key), content.encode())

    def describe(self, group: str, described: Mapping[str, Any]) -> None:
        """Keep beside a group's rows what they are of: ``component``, ``label``, ``scores`` (metrics by key)."""
        known = self.described(group)
        whole = {**described, "scores": {**known.get("scores", {}), **described["scores"]}}
        if whole != known:
            with wrap_write_errors(self.shown):
                self.folder.write(_description_path(group), json.dumps(whole, indent=1).encode())

    def described(self, group: str) -> dict[str, Any]:
        """The part of `describe`'s that is there and well formed: ``component`` and ``label`` are texts, ``scores`` maps texts to texts."""
        try:
            found = json.loads(self.folder.read(_description_path(group)))
        except (OSError, *MALFORMED_JSON_ERRORS):
            return {}
        if not isinstance(found, dict):
            return {}
        kept: dict[str, Any] = {name: found[name] for name in ("component", "label") if _is_text(found.get(name))}
        scores = found.get("scores")
        if isinstance(scores, dict):
            kept["scores"] = {key: name for key, name in scores.items() if _is_text(key) and _is_text(name)}
        return kept

    def drop_columns(self, group: str, columns: Collection[str]) -> int:
        """Remove some columns' rows from a group, and their names from its description; returns how many columns went."""
        known = self.described(group)
        left = {key: name for key, name in known.get("scores", {}).items() if key not in columns}
        with wrap_write_errors(self.shown):
            dropped = self._drop_rows(group, columns)
            if left != known.get("scores", {}):
                described = json.dumps({**known, "scores": left}, indent=1).encode()
                self.folder.write(_description_path(group), described)
        return dropped


def _fact_path(key: str) -> str:
    return f"facts/{key[:2]}/{key}.json"


def _description_path(group: str) -> str:
    return f"{group_path('rows', group)}/{DESCRIPTION}"


def _is_text(value: Any) -> bool:
    """A text that can be shown: JSON also has halves of surrogate pairs."""
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)
