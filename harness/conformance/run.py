"""Runs checks on a component."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from harness.api.declarations import Kind
from harness.api.randomness import restored_generators
from harness.conformance.component import UnderTest
from harness.conformance.limits import time_limit
from harness.conformance.results import CheckFailed, CheckResult, CheckSkipped, TookTooLong, cause_of, consequence
from harness.conformance.suite import TESTED, Check, checks
from harness.execution.events import reason_of
from harness.registry.card import Card, singular
from harness.registry.errors import ReferenceProblems
from harness.registry.registry import Registry

LIMIT = 60.0
"""Seconds that one check may take."""
TOO_LONG = "did not end within"


def run_checks(
    registry: Registry,
    card: Card,
    *,
    params: Mapping[str, Any] | None = None,
    expected_failures: Mapping[str, str] | None = None,
    limit: float = LIMIT,
) -> list[CheckResult]:
    """All checks for a component's kind, in order.

    Args:
        registry: where the component and what it is composed of are looked up.
        card: the component's.
        params: parameters that it is tested with; the others have their defaults.
        expected_failures: check → why it is expected to fail; such a failure is reported, and one that passes has failed: the list is out
            of date.
        limit: seconds that one check may take.

    Raises:
        ValueError: ``expected_failures`` names a check that does not exist.
    """
    return list(each_check(registry, card, params=params, expected_failures=expected_failures, limit=limit))


def each_check(
    registry: Registry,
    card: Card,
    *,
    params: Mapping[str, Any] | None = None,
    expected_failures: Mapping[str, str] | None = None,
    limit: float = LIMIT,
    begin: Callable[[str], None] = lambda name: None,
) -> Iterator[CheckResult]:
    """As `run_checks`, one result after the other; ``begin`` is told each check's name before it runs.

    What several checks fail of is a failure once; the others are skipped as its consequences.
    """
    expected = dict(expected_failures or {})
    unknown = sorted(set(expected) - set(names_of(card.kind)))
    if unknown:
        raise ValueError(f"no such check: {', '.join(unknown)} (checks for {card.kind}: {', '.join(names_of(card.kind))})")
    if card.error is not None:
        yield CheckResult("check_importable", "failed", card.error)
        return
    if not checks(card.kind):
        yield CheckResult("check_kind", "skipped", f"there are no checks for {card.kind}")
    hangs = False
    roots: dict[str, CheckResult] = {}
    for check in checks(card.kind):
        if hangs:
            yield CheckResult(check.name, "skipped", "an earlier check did not end")
            continue
        begin(check.name)
        result = run_check(check, registry, card, params=params, expected=expected.get(check.name), limit=limit)
        hangs = result.message.startswith(TOO_LONG)
        if result.status == "failed" and result.cause and roots.setdefault(result.cause, result) is not result:
            result = consequence(result, roots[result.cause])
        yield result


def names_of(kind: Kind) -> list[str]:
    """Names of the checks for one kind, in their order."""
    return [check.name for check in checks(kind)]


def run_check(
    check: Check,
    registry: Registry,
    card: Card,
    *,
    params: Mapping[str, Any] | None = None,
    expected: str | None = None,
    limit: float = LIMIT,
) -> CheckResult:
    """One check on a component whose card is not broken."""
    tested = TESTED[card.kind](registry, card, dict(params or {}))
    result = _result(check, tested, limit)
    if expected is None or result.status == "skipped":
        return result
    if result.status == "failed":
        return CheckResult(check.name, "reported", f"expected to fail ({expected}): {result.message}")
    return CheckResult(check.name, "failed", f"was expected to fail ({expected}) and does not: take it off the list of expected failures")


def _result(check: Check, tested: UnderTest, limit: float) -> CheckResult:
    try:
        _ = tested.recipe
    except ReferenceProblems as error:
        if tested.params:
            return CheckResult(check.name, "failed", f"the parameters that it is tested with are wrong: {error}")
        return CheckResult(check.name, "skipped", f"the {singular(tested.card.kind)} needs parameters to be tested with: {error}")
    try:
        with time_limit(limit), restored_generators():
            finding = check.run(tested)
    except CheckSkipped as skip:
        return CheckResult(check.name, "skipped", str(skip))
    except TookTooLong:
        return CheckResult(check.name, "failed", f"{TOO_LONG} {limit:g} s: a component must return in time for images as small as these")
    except CheckFailed as failure:
        return CheckResult(check.name, "failed", str(failure), cause_of(failure))
    except Exception as error:
        return CheckResult(check.name, "failed", f"raised {reason_of(error)}", cause_of(error))
    return CheckResult(check.name, "reported" if finding else "passed", finding or "")
