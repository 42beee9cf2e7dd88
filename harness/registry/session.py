"""Components that exist in this process only: a notebook's functions, classes and objects."""

from __future__ import annotations

import uuid
from typing import Any

from harness.registry.canonical import digest
from harness.registry.description import Unknown, description

DISTRIBUTION = "session"


def identity_of(component: Any) -> str:
    """Digest of what a session component's results depend on (see `harness.registry.description`).

    What cannot be known so has an identity of its own every time, so that nothing stale is ever read.
    """
    try:
        return digest(["known", description(component)])
    except (Unknown, ValueError, RecursionError):
        return digest(["session", uuid.uuid4().hex])
