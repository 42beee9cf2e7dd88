"""Run of a spec in Python, and its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.api.turns import TURN
from harness.leaderboard.build import with_pair
from harness.leaderboard.display import DisplayedLeaderboard, DisplayedPair, Showable
from harness.python_api.scores import Scores
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.registry.session_components import SESSION_DISTRIBUTION
from harness.results.data_model import EXPECTED_STATUSES, Results
from harness.runs.conclusion import FinishedRun
from harness.runs.run import Run, default_store_address
from harness.spec.load import load_spec
from harness.spec.loaded_spec import LoadedSpec
from harness.store.address import is_private
from harness.text_format import format_count

if TYPE_CHECKING:
    import pandas as pd

MAX_REASONS = 10


@dataclass(frozen=True, repr=False)
class RunResult(Showable):
    """The result of `harness.run`; printed, or at the end of a notebook's cell, it is the leaderboard.

    Attributes:
        leaderboard: the document of ``leaderboard.json``.
        scores: one line per (dataset, model, explainer, metric, sample); ``scores.where(explainer="lrp")`` are some of them.
        failures: (dataset, model, explainer, metric, state, reason) of every cell that is not ok.
        folder: the run folder.
        summary: passes, seconds and the share of them inside the models.
        results: the scores with their states, as the analysis takes them.
    """

    leaderboard: DisplayedLeaderboard
    scores: Scores
    failures: Sequence[tuple[str, str, str, str, str, str]]
    folder: Path
    summary: Mapping[str, Any] = field(default_factory=dict)
    results: Results = field(default_factory=lambda: Results(provenance={}, groups=[]))

    @classmethod
    def of(cls, finished: FinishedRun) -> RunResult:
        """Result of a finished run."""
        import pyarrow as pa

        from harness.results.score_table import SCORE_TABLE_SCHEMA, score_tables

        failures = [
            (group.dataset, group.model, row, column, cell.status, cell.reason or "")
            for group in finished.results.everything
            for (row, column), cell in group.cells.items()
            if cell.status != "ok"
        ]
        scores = Scores(pa.concat_tables([SCORE_TABLE_SCHEMA.empty_table(), *score_tables(finished.results)]))
        return cls(DisplayedLeaderboard.of(finished.leaderboard), scores, failures, finished.folder, finished.summary, finished.results)

    def table(self, cells: bool = False) -> pd.DataFrame:
        """The leaderboard as a pandas data frame (see `DisplayedLeaderboard.table`)."""
        return self.leaderboard.table(cells)

    def compare(self, first: str, second: str) -> DisplayedPair:
        """The explainer of the label ``first`` minus that of ``second``, metric by metric, on each data set and model that has both.

        Raises `PairError`, a ``ValueError``, for a label that the run does not have.
        """
        return DisplayedPair(with_pair(self.leaderboard, self.results, first, second))

    def __str__(self) -> str:
        return "\n".join([str(self.leaderboard), *self._said()])

    def __repr__(self) -> str:
        return f"<RunResult {self.folder}: {self.leaderboard!r}, {len(self.scores):,} scores, {self._failed()}>"

    def _repr_html_(self) -> str:
        return self.leaderboard._repr_html_() + "".join(f"<p>{escape(line)}</p>" for line in self._said())

    def _failed(self) -> str:
        bad = sum(state not in EXPECTED_STATUSES for *_, state, _ in self.failures)
        return f"{format_count(bad, 'cell')} failed"

    def _said(self) -> list[str]:
        """What failed, each reason once, and where the run is."""
        reasons: dict[tuple[str, str], list[str]] = {}
        for _, _, explainer, metric, state, reason in self.failures:
            if state not in EXPECTED_STATUSES:
                reasons.setdefault((state, reason), []).append(f"{explainer} on {metric}")
        lines = []
        for (state, reason), cells in reasons.items():
            others = f" and {format_count(len(cells) - 1, 'other cell')}" if len(cells) > 1 else ""
            lines.append(f"{state}: {cells[0]}{others}: {reason}")
        more = [f"and {format_count(len(lines) - MAX_REASONS, 'other reason')}: see run.failures"] if len(lines) > MAX_REASONS else []
        return [*lines[:MAX_REASONS], *more, f"run folder: {self.folder}"]


def run(
    spec: str | Path | Mapping[str, Any],
    *,
    out: str | Path | None = None,
    store: str | Path | None = None,
    limit: int | None = None,
    plugins: str | Path | Sequence[str | Path] = (),
    executor: str | None = None,
    settings: Mapping[str, Any] | Sequence[tuple[str, Any]] = (),
) -> RunResult:
    """Run a spec, a file or a mapping; in a mapping functions and objects may stand for components, and then it runs in this process.
    So does what is stored in ``memory://``.

    Args:
        spec: a YAML file, or what would stand in one. Wherever it names a component, a function, an object, or what `explainer` and
            `metric` return may stand, alone or as ``use``, beside ``params``.
        out: the run folder; ``runs/<name>`` if not given.
        store: the store's folder or URL; the spec's, else ``HARNESS_STORE``, else ``.harness`` if not given.
        limit: only the first samples of each dataset.
        plugins: Python files with components.
        executor: the spec's ``execution.executor``.
        settings: single values of the spec by their paths, such as ``{"explain.target": "label"}``; texts are read as YAML.

    Raises:
        SpecError: the spec is wrong (`harness.SpecError`); all that is wrong at once, with its place.
        ValueError: a limit below 1, settings that are no mapping and no pairs, or a plugin file that is not there.
    """
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise ValueError(f"limit must be a whole number of at least 1, not {limit!r}")
    if not isinstance(settings, Mapping) and (isinstance(settings, str) or not all(_is_pair(item) for item in settings)):
        raise ValueError(f'settings must be values by their paths, such as {{"explain.target": "label"}}, not {settings!r}')
    files = [Path(plugin) for plugin in ([plugins] if isinstance(plugins, str | Path) else plugins)]
    chosen = [*(settings.items() if isinstance(settings, Mapping) else settings), *([("execution.executor", executor)] if executor else [])]
    with TURN:
        registry = Registry.discover(files)
        loaded = load_spec(spec, registry, chosen)
        here = _names_session_objects(loaded) or is_private(str(store or default_store_address(loaded)))
        if here and loaded.spec.execution.executor.removeprefix("xai-harness/") == "local":
            loaded = load_spec(spec, registry, [*chosen, ("execution.executor", "inline")])
    return RunResult.of(Run(loaded, registry, None if out is None else Path(out), store, limit, files).execute())


def _is_pair(item: object) -> bool:
    return isinstance(item, tuple | list) and len(item) == 2 and isinstance(item[0], str)


def _names_session_objects(loaded: LoadedSpec) -> bool:
    """Whether a spec names functions or objects of this process, which no worker could be sent."""

    def of_session(recipe: Recipe) -> bool:
        return recipe.distribution == SESSION_DISTRIBUTION or any(map(of_session, recipe.nested))

    recipes = loaded.recipes
    return any(map(of_session, (*recipes.datasets, *recipes.models, *recipes.rows, *recipes.metrics)))
