"""Components that exist in this process only: a notebook's functions, classes and objects."""

from __future__ import annotations

import inspect
import uuid
from collections.abc import Container
from functools import partial
from typing import Any

from harness.api.declarations import Kind
from harness.registry.canonical_json import json_digest
from harness.registry.card import Card
from harness.registry.naming import kebab
from harness.registry.signature import unwrap_partial

SESSION_DISTRIBUTION = "session"


def session_card(kind: Kind, name: str, component: Any) -> Card:
    """The card of an object; raises ``TypeError`` if it has not the form of its kind."""
    from harness.registry.component_facts import describe_component  # slow to import, and only needed if there are objects

    facts = describe_component(kind, as_callable(kind, component))
    identity = json_digest([facts["declaration"].get("version"), identity_of(component)])
    target = getattr(component, "__qualname__", type(component).__name__)
    return Card(kind, name, SESSION_DISTRIBUTION, "", target, identity=identity, **facts)


def session_name(component: Any, taken: Container[str]) -> str:
    """A name made of the object's own, numbered if it is taken."""
    component = unwrap_partial(component)
    base = kebab(getattr(component, "__name__", type(component).__name__).strip("<>")) or "object"
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    return name


def as_callable(kind: Kind, component: Any) -> Any:
    """The component, or for a dataset or model that is there already a function that returns it."""
    if kind not in ("datasets", "models") or inspect.isroutine(component) or inspect.isclass(component) or isinstance(component, partial):
        return component
    return partial(_return_component, component)


def _return_component(component: Any) -> Any:
    return component


def identity_of(component: Any) -> str:
    """Digest of what a session component's results depend on (see `harness.registry.fingerprint`).

    What cannot be known so has an identity of its own every time, so that nothing stale is ever read.
    """
    from harness.registry.fingerprint import NotFingerprintable, fingerprint_object

    try:
        return json_digest(["known", fingerprint_object(component)])
    except (NotFingerprintable, ValueError, RecursionError):
        return json_digest(["session", uuid.uuid4().hex])
