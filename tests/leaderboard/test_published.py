"""A run's numbers beside published ones, in every format, and through a run folder."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from harness.leaderboard.build import build_leaderboard
from harness.leaderboard.merge import merge_results
from harness.leaderboard.render import render_leaderboard
from harness.results.data_model import Results
from harness.results.document import read_leaderboard
from harness.results.published_tables import PublishedColumn, PublishedRow, PublishedTable, PublishedValue
from harness.results.run_folder import read_results, write_results
from tests.support.synthetic_results import leaderboard_group, leaderboard_results

GROUP = leaderboard_group()
WHERE = {"datasets": (GROUP.dataset,), "models": (GROUP.model,)}


def results() -> Results:
    columns = (
        PublishedColumn(name="sanity", metric="deletion", relation="<", bound=0.35, **WHERE),
        PublishedColumn(name="time", measure="seconds", **WHERE),
    )
    values = {
        "lrp": (PublishedValue(words="pass"), PublishedValue(value=0.31)),
        "saliency": (PublishedValue(words="pass"), PublishedValue(value=7.95)),
        "grad-cam": (PublishedValue(words="depends on <x>"), PublishedValue(value=0.29, deviation=0.02)),
    }
    rows = tuple(PublishedRow(name=name, labels=(name,), values=given) for name, given in values.items())
    table = PublishedTable(title="Table 4", source="Somebody 2022", about="ImageNet", columns=columns, rows=rows)
    return leaderboard_results(groups=[GROUP], published=[table])


@pytest.mark.parametrize("format", ["terminal", "markdown", "latex", "html"])
def test_every_format_has_both_numbers_and_says_what_they_are(format: str) -> None:
    document = build_leaderboard(results())
    (entry,) = document.published
    text = " ".join(render_leaderboard(document, format, width=200, published=True).split())
    assert "Table 4: ours beside the published" in text and "Somebody 2022" in text and "ImageNet" in text
    ours = entry.cells["lrp"]["sanity"]
    assert ours.verdict == "pass" and f"pass {ours.ours:.3f}" in text and "310 ms" in text and "7.95 s" in text
    assert entry.cells["saliency"]["sanity"].verdict == "fail" and "1 of 2 verdicts as published" in text
    assert "triad" not in text, "nothing but the table"
    whole = " ".join(render_leaderboard(document, format, width=200).split())
    assert "Table 4: ours beside the published" in whole and "triad" in whole
    raw = "<x>" if format == "terminal" else {"markdown": r"\<x\>", "latex": "x", "html": "&lt;x&gt;"}[format]
    assert raw in text


def test_csv_and_json_hold_all_of_it() -> None:
    document = build_leaderboard(results())
    assert read_leaderboard(document.to_json()) == document
    lines = list(csv.DictReader(io.StringIO(render_leaderboard(document, "csv", published=True))))
    assert [(line["row"], line["column"]) for line in lines] == [
        (row, c) for row in ("lrp", "saliency", "grad-cam") for c in ("sanity", "time")
    ]
    cell = document.published[0].cells["lrp"]["sanity"]
    assert float(lines[0]["ours"]) == cell.ours and lines[0]["published_words"] == "pass" and lines[0]["passes"] == "< 0.35"
    assert float(lines[5]["published_deviation"]) == 0.02


def test_tables_survive_the_run_folder_and_a_merge(tmp_path: Path) -> None:
    write_results(tmp_path, results())
    found = read_results(tmp_path)
    assert found.published == results().published
    merged = merge_results([found, results()])
    assert merged.published == results().published
