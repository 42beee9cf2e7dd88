"""A card: all that is known of a component without importing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, get_args

from harness.api.declarations import Kind

COMPONENT_KINDS: tuple[Kind, ...] = get_args(Kind)
KIND_BY_GROUP: dict[str, Kind] = {f"harness.{kind}": kind for kind in COMPONENT_KINDS}


def singular(kind: str) -> str:
    """``explainers`` → ``explainer``."""
    return kind.removesuffix("s")


@dataclass(frozen=True)
class Card:
    """One installed component.

    Attributes:
        kind: ``models``, ``datasets``, ``explainers``, ``metrics`` or ``executors``.
        name: the entry point's name, kebab-case.
        distribution: the distribution that ships it; the file's name for ``--plugin FILE.py``, ``session`` for a notebook's objects.
        version: of the distribution.
        target: ``package.module:attribute``, or ``file.py:attribute``.
        editable: whether the distribution is installed in place.
        api: the major version of the plugin API that it was built for, or None if it does not say.
        summary: the docstring's first line.
        doc: the whole docstring.
        parameters: JSON Schema of the parameters, without ``$ref``. A property that takes explainers has ``x-explainer: true``; the place
            in it where a reference stands has ``x-reference`` with the kind (``"explainers"``, ``"datasets"``, ``"models"``).
        declaration: what the decorator said (`harness.api.declarations.Declaration.to_json`).
        error: why it is broken, or None.
        identity: digest of what its results depend on besides its parameters: the version its author declares, else its distribution's;
            the versions of the distribution's direct requirements; and all files of code that importing it leads to, and what these read
            meanwhile, as far as no version stands for them.
        files: the state of each such file when the card was made, by path.
    """

    kind: Kind
    name: str
    distribution: str
    version: str
    target: str
    editable: bool = False
    api: str | None = None
    summary: str = ""
    doc: str = ""
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}, "additionalProperties": False})
    declaration: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    identity: str = ""
    files: Mapping[str, Any] = field(default_factory=dict)

    @property
    def qualified(self) -> str:
        """``distribution/name``, which is never ambiguous."""
        return f"{self.distribution}/{self.name}"

    def to_json(self) -> dict[str, Any]:
        """The card as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Card:
        """The inverse of `to_json`."""
        return cls(**data)
