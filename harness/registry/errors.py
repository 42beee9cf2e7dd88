"""Errors between a name and a component."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.user_errors import UserError

KeyPath = tuple[str | int, ...]
"""The keys and indices that lead from the top of a spec to a value."""


class RegistryError(UserError):
    """A component cannot be had by the name that was asked for."""


class UnknownComponent(RegistryError):
    """No installed component has this name."""


class AmbiguousComponent(RegistryError):
    """Several distributions claim a bare name."""


class BrokenComponent(RegistryError):
    """The component is installed but does not import, or is no component."""


class IncompatibleComponent(RegistryError):
    """The component's plugin was built for another major version of the plugin API."""


class SignatureError(TypeError):
    """A component does not have the form that its kind must have."""


class ParameterError(UserError):
    """Parameters that pass the schema but that the component itself refuses."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a reference; ``at`` is the path from the top of what was given, of a key rather than its value if ``key``."""

    at: KeyPath
    message: str
    key: bool = False

    def __str__(self) -> str:
        place = ".".join(map(str, self.at))
        return f"{place}: {self.message}" if place else self.message


class ReferenceProblems(RegistryError):
    """All that is wrong with a component reference, its parameters and those nested in them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = list(problems)
