"""Problems of a spec, and their places."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.user_errors import UserError


@dataclass(frozen=True)
class SpecProblem:
    """One thing wrong; ``line`` and ``column`` count from 1 and are None if there is no place to point at.

    ``file`` is the spec's path, ``--set path=value`` for what an override on the command line says, or ``spec`` for a mapping.
    """

    file: str
    line: int | None
    column: int | None
    message: str

    def __str__(self) -> str:
        place = [self.file, *(str(number) for number in (self.line, self.column) if number is not None)]
        return f"{':'.join(place)}: {self.message}"


class SpecError(UserError):
    """A spec is wrong; all problems at once, in the order of their places."""

    def __init__(self, problems: Iterable[SpecProblem]) -> None:
        unique = dict.fromkeys(problems)
        self.problems = sorted(unique, key=lambda p: (p.line is None, p.line or 0, p.column or 0))
        super().__init__("\n".join(map(str, self.problems)))
