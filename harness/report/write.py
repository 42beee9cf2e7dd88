"""Writes the report of one run, or of several that are merged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.leaderboard.bibliography import render_bibliography
from harness.leaderboard.build import build_leaderboard
from harness.leaderboard.merge import merge_results
from harness.leaderboard.number_format import MISSING, interval_text, printable, skill_text
from harness.leaderboard.render import render_leaderboard
from harness.registry.registry import Registry
from harness.report.category_boards import category_standings
from harness.report.gallery import GalleryOptions, GalleryView, SampleFiles, make_galleries
from harness.report.group_view import GroupView, group_view
from harness.report.method_view import provenance_facts
from harness.report.page import render_page
from harness.report.page_data import group_data
from harness.report.pair_differences import pair_differences
from harness.report.pictures import colour_tables
from harness.report.script_json import to_script_json
from harness.results.data_model import Results
from harness.results.document import Leaderboard, OverallEntry
from harness.results.run_folder import read_results
from harness.store.atomic import write_atomically

USUAL_OPTIONS = GalleryOptions()


@dataclass(frozen=True)
class WrittenReport:
    """A report: its size in bytes, the folder of its samples if they are not inside it, and why groups have no pictures."""

    size: int
    folder: Path | None
    problems: list[str]


def write_report(runs: Sequence[Path], out: Path, registry: Registry, options: GalleryOptions = USUAL_OPTIONS) -> WrittenReport:
    """Write the report of these runs to ``out``, with the samples that are asked for.

    Raises:
        RunFolderError: a folder is no run folder.
        MergeError: the runs cannot be merged.
        UserError: samples are to be chosen by a metric that there is not.
    """
    results = merge_results([read_results(run) for run in runs], list(map(str, runs)))
    document = build_leaderboard(results)
    files = SampleFiles(out.with_name(f"{out.stem}-samples"))
    galleries = make_galleries(runs, results, document, registry, options, files) if options.count else []
    context = report_context(results, document, registry, galleries, files)
    page = render_page(context, frames=files.apart).encode("utf-8")
    write_atomically(out, page)
    problems = list(dict.fromkeys(gallery.problem for gallery in galleries if gallery.problem))
    return WrittenReport(len(page), files.folder if files.apart else None, problems)


def report_context(
    results: Results, document: Leaderboard, registry: Registry, galleries: Sequence[GalleryView], files: SampleFiles
) -> dict[str, Any]:
    """What the templates are given."""
    views = [group_view(k, document, results, registry) for k in range(len(document.groups))]
    categories, pairs = category_standings(results, document), pair_differences(results, document)
    reference = document.settings.reference
    data = [
        group_data(entry, view.families, of_categories, of_pairs, reference)
        for entry, view, of_categories, of_pairs in zip(document.groups, views, categories, pairs, strict=True)
    ]
    for group, gallery in zip(data, galleries, strict=False):
        group["samples"] = gallery.index
    name = printable(str(results.provenance.get("name", "run")), 120)
    return {
        "name": name,
        "time": printable(str(results.provenance.get("time", ""))[:10]),
        "reference": None if reference is None else printable(reference),
        "confidence": f"{100 * document.settings.confidence:g} %",
        "groups": views,
        "overall": _overall_rows(document, views),
        "provenance": list(provenance_facts(results)),
        "galleries": galleries,
        "samples": files.inline,
        "data": to_script_json({"name": name, "groups": data, "colours": colour_tables(), "folder": files.folder.name}),
        "downloads": to_script_json(_downloads(document, results)),
    }


def _downloads(document: Leaderboard, results: Results) -> dict[str, str]:
    """Files by name."""
    return {
        "leaderboard.csv": render_leaderboard(document, "csv"),
        "leaderboard.tex": render_leaderboard(document, "latex"),
        "leaderboard.json": document.model_dump_json() + "\n",
        "references.bib": render_bibliography(results),
    }


def _overall_rows(document: Leaderboard, views: Sequence[GroupView]) -> list[dict[str, Any]]:
    """Explainers across groups: skill overall, and in each group; none where there is one group."""
    if len(views) < 2:
        return []
    return [
        {
            "label": printable(entry.label),
            "null": entry.null,
            "skill": skill_text(entry.standings["category"].skill.value),
            "interval": interval_text(entry.standings["category"].skill.low, entry.standings["category"].skill.high),
            "place": MISSING if (place := entry.standings["category"].place) is None else str(place),
            "groups": [_skill_in(document, k, entry) for k in range(len(views))],
        }
        for entry in document.overall
    ]


def _skill_in(document: Leaderboard, number: int, entry: OverallEntry) -> str:
    row = next((row for row in document.groups[number].rows if row.label == entry.label), None)
    return MISSING if row is None else skill_text(row.standings["category"].skill.value)
