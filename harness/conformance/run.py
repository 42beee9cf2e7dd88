"""Runs checks on a component."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from harness.api.declarations import Kind
from harness.api.randomness import restored_generators
from harness.conformance.component_under_test import ComponentUnderTest
from harness.conformance.results import CheckFailed, CheckResult, CheckSkipped, CheckTimeout, find_root_cause, skip_as_consequence
from harness.conformance.suite import UNDER_TEST_CLASSES, Check, list_checks
from harness.registry.card import Card, singular
from harness.registry.errors import ReferenceProblems
from harness.registry.registry import Registry
from harness.text_format import format_reason

TIME_LIMIT = 60.0
"""Seconds that one check may take."""
TOO_LONG = "did not end within"


def run_checks(
    registry: Registry,
    card: Card,
    *,
    params: Mapping[str, Any] | None = None,
    expected_failures: Mapping[str, str] | None = None,
    limit: float = TIME_LIMIT,
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
    return list(iterate_checks(registry, card, params=params, expected_failures=expected_failures, limit=limit))


def iterate_checks(
    registry: Registry,
    card: Card,
    *,
    params: Mapping[str, Any] | None = None,
    expected_failures: Mapping[str, str] | None = None,
    limit: float = TIME_LIMIT,
    begin: Callable[[str], None] = lambda name: None,
) -> Iterator[CheckResult]:
    """As `run_checks`, one result after the other; ``begin`` is told each check's name before it runs.

    What several checks fail of is a failure once; the others are skipped as its consequences.
    """
    expected = dict(expected_failures or {})
    unknown = sorted(set(expected) - set(list_check_names(card.kind)))
    if unknown:
        raise ValueError(f"no such check: {', '.join(unknown)} (checks for {card.kind}: {', '.join(list_check_names(card.kind))})")
    if card.error is not None:
        yield CheckResult("check_importable", "failed", card.error)
        return
    if not list_checks(card.kind):
        yield CheckResult("check_kind", "skipped", f"there are no checks for {card.kind}")
        return
    tested = put_under_test(registry, card, params)
    hangs = False
    roots: dict[str, CheckResult] = {}
    for check in list_checks(card.kind):
        if hangs:
            yield CheckResult(check.name, "skipped", "an earlier check did not end")
            continue
        begin(check.name)
        result = run_check(check, tested, expected=expected.get(check.name), limit=limit)
        hangs = result.message.startswith(TOO_LONG)
        if result.status == "failed" and result.cause and roots.setdefault(result.cause, result) is not result:
            result = skip_as_consequence(result, roots[result.cause])
        yield result


def list_check_names(kind: Kind) -> list[str]:
    """Names of the checks for one kind, in their order."""
    return [check.name for check in list_checks(kind)]


def put_under_test(registry: Registry, card: Card, params: Mapping[str, Any] | None = None) -> ComponentUnderTest:
    """A component whose card is not broken, for one or more checks, which share what they ask of it alike."""
    return UNDER_TEST_CLASSES[card.kind](registry, card, dict(params or {}))


def run_check(check: Check, tested: ComponentUnderTest, *, expected: str | None = None, limit: float = TIME_LIMIT) -> CheckResult:
    """One check on a component."""
    result = _run_on(check, tested, limit)
    if expected is None or result.status == "skipped":
        return result
    if result.status == "failed":
        return CheckResult(check.name, "reported", f"expected to fail ({expected}): {result.message}")
    return CheckResult(check.name, "failed", f"was expected to fail ({expected}) and does not: take it off the list of expected failures")


def _run_on(check: Check, tested: ComponentUnderTest, limit: float) -> CheckResult:
    try:
        _ = tested.recipe
    except ReferenceProblems as error:
        if tested.params:
            return CheckResult(check.name, "failed", f"the parameters that it is tested with are wrong: {error}")
        return CheckResult(check.name, "skipped", f"the {singular(tested.card.kind)} needs parameters to be tested with: {error}")
    try:
        with _time_limit(limit), restored_generators():
            finding = check.run(tested)
    except CheckSkipped as skip:
        return CheckResult(check.name, "skipped", str(skip))
    except CheckTimeout:
        return CheckResult(check.name, "failed", f"{TOO_LONG} {limit:g} s: a component must return in time for images as small as these")
    except CheckFailed as failure:
        return CheckResult(check.name, "failed", str(failure), find_root_cause(failure))
    except Exception as error:
        return CheckResult(check.name, "failed", f"raised {format_reason(error)}", find_root_cause(error))
    return CheckResult(check.name, "reported" if finding else "passed", finding or "")


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise `CheckTimeout` in the block when it takes longer; only in the main thread, and if there is ``SIGALRM``."""
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def expired(number: int, frame: FrameType | None) -> None:
        raise CheckTimeout

    started, handler = time.monotonic(), signal.signal(signal.SIGALRM, expired)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - started), 1e-3), interval)
