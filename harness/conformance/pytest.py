"""Conformance as pytest tests; three lines in a plugin's own tests.

>>> from harness.conformance.pytest import parametrize_with_checks
>>>
>>> @parametrize_with_checks(["my-saliency", "my-metric"])
... def test_conformance(check):
...     check()
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from harness.api.declarations import Kind
from harness.conformance.component_under_test import ComponentUnderTest
from harness.conformance.run import TIME_LIMIT, put_under_test, run_check
from harness.conformance.suite import Check, list_checks
from harness.registry.distributions import PluginDistribution, find_plugin_distributions
from harness.registry.registry import Registry


@dataclass(frozen=True, eq=False)
class NamedComponent:
    """A component by its name, with parameters that it is tested with; known by identity."""

    kind: Kind
    name: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class BoundCheck:
    """One check on one component, to be called in a test."""

    check: Check
    component: NamedComponent
    expected: str | None = None
    limit: float = TIME_LIMIT

    def __call__(self) -> None:
        """Run it; a failure fails the test, a skip skips it, an expected failure is marked as such, a finding is printed."""
        result = run_check(self.check, _tested(self.component), expected=self.expected, limit=self.limit)
        if result.status == "failed":
            pytest.fail(f"{self.component.name}: {self.check.name}: {result.message}\n(the rule: {self.check.meaning})", pytrace=False)
        if result.status == "skipped":
            pytest.skip(result.message)
        if result.message:
            print(result.message)
        if self.expected is not None:
            pytest.xfail(result.message)

    def __str__(self) -> str:
        return f"{self.component.name}-{self.check.name}"


@cache
def _registry() -> Registry:
    return Registry.discover()


@lru_cache(maxsize=1)
def _tested(component: NamedComponent) -> ComponentUnderTest:
    """The component that its checks, which follow each other, are run on."""
    registry = _registry()
    return put_under_test(registry, registry.card(component.kind, component.name), component.params)


def parametrize_with_checks(
    names: Sequence[str],
    *,
    params: Mapping[str, Mapping[str, Any]] | None = None,
    expected_failures: Mapping[str, Mapping[str, str]] | None = None,
    limit: float = TIME_LIMIT,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Run a test once for every check of every component; the test takes ``check`` and calls it.

    Args:
        names: installed components of any kind, by their names or as ``distribution/name``.
        params: parameters that a component is tested with, by its name in ``names``.
        expected_failures: by its name in ``names``: check → why it is expected to fail.
        limit: seconds that one check may take.

    Raises:
        ValueError: a component is not installed, or a check that is expected to fail does not exist.
    """
    distributions = find_plugin_distributions()[0]
    components = [
        NamedComponent(kind, name, (params or {}).get(name, {})) for name in names for kind in _installed_kinds(name, distributions)
    ]
    bound = [
        BoundCheck(check, component, (expected_failures or {}).get(component.name, {}).get(check.name), limit)
        for component in components
        for check in list_checks(component.kind)
    ]
    for name, failures in (expected_failures or {}).items():
        unknown = sorted(set(failures) - {one.check.name for one in bound if one.component.name == name})
        if unknown:
            raise ValueError(f"{name}: no such check: {', '.join(unknown)}")
    mark: Callable[[Callable[..., Any]], Callable[..., Any]] = pytest.mark.parametrize("check", bound, ids=str)
    return mark


def _installed_kinds(name: str, distributions: Sequence[PluginDistribution]) -> list[Kind]:
    """The kinds of which a component of this name is installed, by entry points alone: nothing is imported."""
    distribution, _, bare = name.rpartition("/")
    found = sorted(
        {
            entry.kind
            for item in distributions
            if not distribution or canonicalize_name(item.name) == canonicalize_name(distribution)
            for entry in item.entries
            if entry.name == bare
        }
    )
    if not found:
        raise ValueError(f"no component {name!r} is installed")
    return found
