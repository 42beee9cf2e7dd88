"""Results of checks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

CheckStatus = Literal["passed", "failed", "skipped", "reported"]


@dataclass(frozen=True)
class CheckResult:
    """The result of one check.

    Attributes:
        name: of the check, ``check_<what>``.
        status: ``reported`` is a finding that is no failure: a property measured, or a failure that was expected.
        message: what went wrong and what to do, why it was skipped, or what was found; empty if it passed.
        cause: of a failure by an exception, which one, whatever the number of samples; the same in all checks that fail of it.
    """

    name: str
    status: CheckStatus
    message: str = ""
    cause: str = field(default="", compare=False)

    @property
    def title(self) -> str:
        """The check's name in words."""
        return self.name.removeprefix("check_").replace("_", " ")

    @property
    def is_consequence(self) -> bool:
        """Whether the check was passed over because it fails as an earlier one does."""
        return self.status == "skipped" and bool(self.cause)


class CheckFailed(Exception):
    """The component breaks the rule that a check holds it to; the message says how, and what to do."""


class CheckTimeout(CheckFailed):
    """A check did not end in time."""


class CheckSkipped(Exception):
    """The rule does not apply to the component; the message says why."""


def require(condition: object, message: str) -> None:
    """Raise `CheckFailed` unless ``condition`` holds."""
    if not condition:
        raise CheckFailed(message)


def exit_status(results: list[CheckResult]) -> int:
    """1 if a check failed, else 0."""
    return int(any(result.status == "failed" for result in results))


def find_root_cause(failure: BaseException) -> str:
    """Cause of a failed check: the exception that came first, without its numbers; nothing if the check itself found it."""
    origin = failure
    while (earlier := origin.__cause__ or origin.__context__) is not None:
        origin = earlier
    return "" if isinstance(origin, CheckFailed) else re.sub(r"\d+", "#", f"{type(origin).__name__}: {origin}")


def skip_as_consequence(result: CheckResult, root: CheckResult) -> CheckResult:
    """A failure of the same cause as an earlier one, which says all that there is to mend."""
    return CheckResult(result.name, "skipped", f"as a consequence of {root.title}, which fails in the same way", result.cause)
