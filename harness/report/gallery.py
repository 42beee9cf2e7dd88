"""The gallery of a report: its samples inside the page, or in a folder beside it if they are many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup

from harness.leaderboard.number_format import printable
from harness.registry.registry import Registry
from harness.report.gallery_data import gallery_index, gallery_samples
from harness.report.group_maps import GroupMaps, NoMapsKept
from harness.report.page import render_sample_file
from harness.report.sample_choice import ChoiceRule
from harness.report.script_json import to_script_json
from harness.results.data_model import Results
from harness.results.document import Leaderboard
from harness.store.atomic import write_atomically
from harness.user_errors import UserError

FIRST = ChoiceRule("first")
NOT_READ = "its maps or images could not be read when this page was written; `harness report` says why"
INLINE_BYTES = 12_000_000
"""Bytes of samples that a page holds; more lie in a folder beside it, a file each."""


@dataclass(frozen=True)
class GalleryOptions:
    """Number of samples of each group that a report shows, the rule that chooses them, and the store of their maps (None: the runs')."""

    count: int = 12
    rule: ChoiceRule = FIRST
    store: str | None = None


@dataclass(frozen=True)
class GalleryView:
    """Words above the samples of a group, and the list of samples for the scripts.

    ``shown_problem``: why there are none, as a page may be carried about: without the names of folders that ``problem`` has.
    """

    rule: str = ""
    problem: str = ""
    shown_problem: str = ""
    index: list[dict[str, Any]] = field(default_factory=list)


class SampleFiles:
    """Samples as JSON by group and number: ``inline`` up to `INLINE_BYTES`, then all of them in files of ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inline: dict[str, Markup] = {}
        self.apart = False
        self._size = 0

    def add(self, key: str, sample: dict[str, Any]) -> None:
        """Take one sample."""
        text = to_script_json(sample)
        self._size += len(text)
        self.inline[key] = text
        if self.apart or self._size > INLINE_BYTES:
            self.apart = True
            for name, one in self.inline.items():
                write_atomically(self.folder / f"{name}.html", render_sample_file(one).encode())
            self.inline = {}


def make_galleries(
    runs: Sequence[Path], results: Results, document: Leaderboard, registry: Registry, options: GalleryOptions, files: SampleFiles
) -> list[GalleryView]:
    """The galleries of all groups, their samples given to ``files``; one that cannot be made says why.

    Raises:
        UserError: the rule names a metric that there is not.
    """
    labels = {metric.label for group in document.groups for metric in group.metrics}
    if options.rule.metric is not None and options.rule.metric not in labels:
        there = ", ".join(map(printable, sorted(labels)))
        raise UserError(f"--choose: no metric {printable(options.rule.metric)!r} here: there are {there}")
    return [_make_gallery(k, runs, results, document, registry, options, files) for k in range(len(document.groups))]


def _make_gallery(
    number: int,
    runs: Sequence[Path],
    results: Results,
    document: Leaderboard,
    registry: Registry,
    options: GalleryOptions,
    files: SampleFiles,
) -> GalleryView:
    entry = document.groups[number]
    group = next(one for one in results.groups if (one.dataset, one.model) == (entry.dataset, entry.model))
    try:
        maps = GroupMaps(runs, group, options.store, registry)
        found = gallery_index(maps, group, entry, options.rule, options.count, results.seed)
        for k, sample in enumerate(gallery_samples(maps, entry, found.samples)):
            files.add(f"{number}-{k}", sample)
    except NoMapsKept as error:
        return GalleryView(problem=str(error), shown_problem=str(error))
    except UserError as error:
        return GalleryView(problem=printable(str(error), 400), shown_problem=NOT_READ)
    return GalleryView(found.rule, index=found.index)
