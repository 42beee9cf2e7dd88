"""Some of a run: by data set, model, explainer, metric and sample."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import numpy as np

from harness.leaderboard.number_format import printable
from harness.results.data_model import Group, Results
from harness.text_format import format_some
from harness.user_errors import UserError

MAX_LISTED_NAMES = 12


class SelectionError(UserError):
    """A name that nothing in a run has."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Selection by label (of samples: by id); a name may have wildcards (``grad-cam*``). Empty: all."""

    datasets: Sequence[str] = ()
    models: Sequence[str] = ()
    explainers: Sequence[str] = ()
    metrics: Sequence[str] = ()
    samples: Sequence[str] = ()

    def check(self, what: str, there: Iterable[str]) -> None:
        """Raise `SelectionError` if a name of the kind ``what`` (as ``"datasets"``) matches nothing of what is there."""
        known = list(dict.fromkeys(there))
        for name in getattr(self, what):
            if not any(matches_any_pattern([name], other) for other in known):
                there_are = format_some([printable(other) for other in known], MAX_LISTED_NAMES)
                raise SelectionError(f"no {what.removesuffix('s')} {name!r} here: there are {there_are}")

    def has(self, *, dataset: str | None = None, model: str | None = None, explainer: str | None = None, sample: str | None = None) -> bool:
        """Whether what is given is wanted."""
        pairs = ((self.datasets, dataset), (self.models, model), (self.explainers, explainer), (self.samples, sample))
        return all(name is None or matches_any_pattern(wanted, name) for wanted, name in pairs)

    def of(self, results: Results) -> Results:
        """The results that are wanted; raises `SelectionError` for a name that nothing has."""
        groups = results.everything
        self.check("datasets", (group.dataset for group in groups))
        self.check("models", (_model_label(group) for group in groups))
        self.check("explainers", (label for group in groups for label in group.explainer_labels))
        self.check("metrics", (label for group in groups for label in group.metric_labels))
        self.check("samples", (sample for group in groups for sample in group.samples))
        kept = [[self._part(group) for group in several if self._wanted(group)] for several in (results.groups, results.variants)]
        return replace(results, groups=kept[0], variants=kept[1])

    def _wanted(self, group: Group) -> bool:
        return self.has(dataset=group.dataset, model=_model_label(group))

    def _part(self, group: Group) -> Group:
        explainers = [info for info in group.explainers if matches_any_pattern(self.explainers, info.label)]
        metrics = [info for info in group.metrics if matches_any_pattern(self.metrics, info.label)]
        places = np.asarray([k for k, sample in enumerate(group.samples) if matches_any_pattern(self.samples, sample)], dtype=np.intp)
        rows, columns = {info.label for info in explainers}, {info.label for info in metrics}
        cells = {pair: cell for pair, cell in group.cells.items() if pair[0] in rows and pair[1] in columns}
        return replace(group, explainers=explainers, metrics=metrics, cells=cells).take(places)


def matches_any_pattern(wanted: Sequence[str], name: str) -> bool:
    """Whether a name is among those wanted, which may have wildcards; all are if nothing is said."""
    return not wanted or any(name == pattern or fnmatchcase(name, pattern) for pattern in wanted)


def _model_label(group: Group) -> str:
    """The label of a group's model, or of the model that it is a variant of."""
    return group.model if group.variant is None else group.variant.model
