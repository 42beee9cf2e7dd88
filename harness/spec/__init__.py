"""From YAML to a checked run spec whose components are resolved."""

from harness.spec.problems import SpecError, SpecProblem

__all__ = ["SpecError", "SpecProblem"]
