"""Components that exist in this process only: a notebook's functions, classes and objects."""

from __future__ import annotations

import uuid
from typing import Any

from harness.registry.canonical_json import json_digest
from harness.registry.fingerprint import NotFingerprintable, fingerprint_object

SESSION_DISTRIBUTION = "session"


def identity_of(component: Any) -> str:
    """Digest of what a session component's results depend on (see `harness.registry.fingerprint`).

    What cannot be known so has an identity of its own every time, so that nothing stale is ever read.
    """
    try:
        return json_digest(["known", fingerprint_object(component)])
    except (NotFingerprintable, ValueError, RecursionError):
        return json_digest(["session", uuid.uuid4().hex])
