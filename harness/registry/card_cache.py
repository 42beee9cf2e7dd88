"""The cache of cards: one file per distribution, remade when anything that it depends on has changed."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs

from harness.api.version import API_VERSION
from harness.registry.canonical_json import json_digest

FORMAT = 6
"""Raised when what is extracted from a component changes."""
FAILURE_TTL = 600.0
"""Seconds for which it is believed that an import fails: what lacked may be there by then, and need not be a file."""


def cache_folder() -> Path:
    """The cache's folder: ``HARNESS_CACHE``, else the user's cache folder."""
    return Path(os.environ.get("HARNESS_CACHE") or platformdirs.user_cache_dir("xai-harness")) / "cards"


def cache_key(*parts: Any) -> str:
    """The key of what depends on ``parts`` (JSON values), on Python's version and on the plugin API's."""
    return json_digest([FORMAT, API_VERSION, sys.version, *parts])


def _cache_file(name: str) -> Path:
    place = hashlib.sha256(f"{name}\0{sys.prefix}".encode()).hexdigest()[:16]
    return cache_folder() / f"{''.join(c if c.isalnum() or c in '-_.' else '-' for c in name)[:60]}-{place}.json"


def read_facts(name: str, key: str, environment: str) -> dict[str, Any] | None:
    """Facts that are cached under ``name``, or None if there are none, they are for another key, damaged or out of date.

    What contains errors is believed only in the same ``environment``: installing what was missing mends an import.
    """
    try:
        data = json.loads(_cache_file(name).read_text("utf-8"))
        content, checksum = data["content"], data["checksum"]
        if json_digest(content) != checksum or content["key"] != key:
            return None
        if content["broken"] and (content["environment"] != environment or time.time() > content["until"]):
            return None
        return dict(content["facts"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def write_facts(name: str, key: str, environment: str, facts: Mapping[str, Any], *, broken: bool) -> None:
    """Remember ``facts``; if the folder cannot be written nothing is remembered, and they are extracted again next time."""
    until = time.time() + FAILURE_TTL
    content = {"key": key, "environment": environment, "broken": broken, "until": until, "facts": facts}
    file = _cache_file(name)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name[:40]}-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump({"content": content, "checksum": json_digest(content)}, stream)
            Path(temporary).replace(file)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError:
        return
