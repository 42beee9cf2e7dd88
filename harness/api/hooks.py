"""Behaviours: the pluggy hooks that a run calls, and the marker that implements one.

An exception in a hook is reported and never costs a result. An implementation may take any subset of a hook's arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pluggy

PROJECT_NAME = "harness"
hookspec = pluggy.HookspecMarker(PROJECT_NAME)
hookimpl = pluggy.HookimplMarker(PROJECT_NAME)


class HookSpecs:
    """Specifications of all hooks; register implementations under the entry-point group ``harness``."""

    @hookspec
    def run_started(self, spec: Mapping[str, Any], out: str) -> None:
        """A run begins: the resolved spec as JSON, and the run folder."""

    @hookspec
    def column_finished(self, column: Mapping[str, Any], state: str, reason: str | None) -> None:
        """One (dataset, model, explainer, metric) is done: its labels, its state and, unless ok, the reason."""

    @hookspec
    def run_finished(self, leaderboard: Mapping[str, Any], out: str) -> None:
        """The run is over and its leaderboard (the JSON of ``leaderboard.json``) is written."""

    @hookspec
    def leaderboard_rendered(self, format: str, text: str, out: str) -> None:
        """The leaderboard was rendered in one format."""

    @hookspec
    def leaderboard_formats(self) -> Mapping[str, Any]:  # type: ignore[empty-body]
        """Extra output formats: ``{name: function(leaderboard: Mapping) -> str}``."""
