"""What is known of metrics, as it is written, read and shown."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from functools import cache
from pathlib import Path

import jsonschema
import pytest
from rich.cells import cell_len

from harness.leaderboard.bibliography import render_bibliography
from harness.leaderboard.build import build_leaderboard
from harness.leaderboard.merge import merge_results
from harness.leaderboard.render import render_leaderboard
from harness.leaderboard.sections.meta_evaluation import meta_section
from harness.results.data_model import Results
from harness.results.document import Leaderboard, json_schema, read_leaderboard
from harness.results.meta_document import MetaEntry, MetaMetric
from harness.results.run_folder import RunFolderError, read_results
from tests.support.synthetic_results import leaderboard_group, leaderboard_results, variant_of, write_run


@cache
def results() -> Results:
    group = leaderboard_group()
    kinds = [(kind, strength, repeat) for kind in ("inputs", "weights") for strength in ("minor", "disruptive") for repeat in (1, 2)]
    variants = [variant_of(group, *kind, seed=k) for k, kind in enumerate([*kinds, ("oracle", None, 0)])]
    return dataclasses.replace(leaderboard_results(groups=[group]), variants=variants)


@cache
def board() -> Leaderboard:
    return build_leaderboard(results())


def test_the_document_has_every_metric_with_all_that_is_known_of_it() -> None:
    (entry,) = board().meta
    assert [one.label for one in entry.metrics] == results().groups[0].metric_labels
    assert (entry.repeats, entry.inputs.minor, entry.weights.disruptive) == (2, 0.5, 0.5)
    for one in entry.metrics:
        assert one.inputs is not None
        assert one.mc is not None
        assert one.inputs.nr == pytest.approx(((one.inputs.iac_nr or 0) + (one.inputs.iec_nr or 0)) / 2)
        assert one.separation is not None
        assert one.separation.null in ("random", "sobel", "laplace")
        assert set(one.over_samples) == set(results().groups[0].metric_labels)


def test_the_text_follows_the_schema_that_is_published_and_reads_back() -> None:
    text = board().to_json()
    assert read_leaderboard(text) == board()
    published = json.loads((Path(__file__).parents[2] / "docs" / "leaderboard.schema.json").read_text())
    jsonschema.validate(json.loads(text), published)
    assert published == json_schema()


def test_of_variants_the_oracle_alone_has_a_say_in_what_counts() -> None:
    plain = build_leaderboard(dataclasses.replace(results(), variants=[]))
    disturbed = [group for group in results().variants if group.variant is not None and group.variant.kind != "oracle"]
    assert disturbed
    assert build_leaderboard(dataclasses.replace(results(), variants=disturbed)).groups == plain.groups
    assert plain.meta == []
    counts = {metric.label: metric.separation.separates for metric in board().meta[0].metrics if metric.separation is not None}
    for metric in board().groups[0].metrics:
        assert (metric.discounted is None) == counts[metric.label]
    for row, before in zip(board().groups[0].rows, plain.groups[0].rows, strict=True):
        for label, cell in row.cells.items():
            assert cell.mean == next(other for other in plain.groups[0].rows if other.label == row.label).cells[label].mean
        assert before.cells


def test_a_run_folder_holds_variants_and_gives_them_back(tmp_path: Path) -> None:
    write_run(tmp_path, results())
    again = read_results(tmp_path)
    assert [group.model for group in again.variants] == [group.model for group in results().variants]
    assert build_leaderboard(again).meta == board().meta


def test_a_run_folder_of_schema_1_gives_its_variants_back(tmp_path: Path) -> None:
    """They were called shadows."""
    write_run(tmp_path, results())
    stored = json.loads((tmp_path / "results.json").read_text())
    stored["shadows"] = stored.pop("variants")
    for group in [*stored["groups"], *stored["shadows"]]:
        group["shadow"] = group.pop("variant")
    (tmp_path / "results.json").write_text(json.dumps(stored | {"schema_version": "1.0"}))
    again = read_results(tmp_path)
    assert len(again.variants) == len(results().variants)
    assert build_leaderboard(again).meta == board().meta


def test_a_variant_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path, results())
    stored = json.loads((tmp_path / "results.json").read_text())
    stored["variants"][0]["variant"]["kept"].pop()
    (tmp_path / "results.json").write_text(json.dumps(stored))
    with pytest.raises(RunFolderError, match=r"51 and 52 predictions of a variant for 52 samples"):
        read_results(tmp_path)


def test_merging_keeps_variants() -> None:
    alone = dataclasses.replace(results(), variants=[])
    assert build_leaderboard(merge_results([alone, results()])).meta == board().meta
    assert build_leaderboard(merge_results([results(), alone])).meta == board().meta
    assert build_leaderboard(merge_results([results(), results()])).meta == board().meta


@pytest.mark.parametrize("width", [20, 50, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = render_leaderboard(board(), "terminal", width=width, meta=True).splitlines()
    assert max(cell_len(line) for line in lines) <= width
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize("form", ["terminal", "markdown", "latex", "csv"])
def test_every_metric_is_shown_and_no_explainers_rank(form: str) -> None:
    text = render_leaderboard(board(), form, width=200, meta=True)
    for label in results().groups[0].metric_labels:
        assert label in text
    assert "guided-backprop" not in text


def test_metrics_come_from_the_most_consistent_to_the_least() -> None:
    text = render_leaderboard(board(), "terminal", width=200, meta=True)
    best = sorted(board().meta[0].metrics, key=lambda one: -(one.mc or 0))
    places = [text.index(f" {one.label} ") for one in best]
    assert places == sorted(places)


def test_csv_has_a_line_per_metric_in_full_precision() -> None:
    lines = list(csv.DictReader(io.StringIO(render_leaderboard(board(), "csv", meta=True))))
    (entry,) = board().meta
    for line, one in zip(lines, entry.metrics, strict=True):
        assert line["metric"] == one.label
        assert one.weights is not None
        assert float(line["weights_iac_ar"]) == one.weights.iac_ar
        others = {label: value for label, value in one.over_samples.items() if label != one.label and value is not None}
        assert float(line["closest_over_samples"]) == max(others.values())


def test_a_terminal_that_knows_only_ascii_gets_it() -> None:
    plain, full = (render_leaderboard(board(), "terminal", width=80, meta=True, ascii_only=only) for only in (True, False))
    assert plain.isascii() and not full.isascii()
    assert all(one.label in plain for one in board().meta[0].metrics)
    assert len(plain.splitlines()) == len(full.splitlines())


def test_the_method_is_cited_where_it_is_used() -> None:
    assert "2302.07265" in render_bibliography(results())
    assert "2302.07265" not in render_bibliography(dataclasses.replace(results(), variants=[]))


def test_what_has_no_consistency_stands_last_and_no_correlation_is_a_negative_zero() -> None:
    metrics = [
        MetaMetric(label="unknown", over_explainers={"known": -0.001}, over_samples={"known": -0.001}),
        MetaMetric(label="known", mc=0.4, over_explainers={"unknown": -0.006}, over_samples={"unknown": -0.006}),
    ]
    entry = MetaEntry(dataset="data", model="net", samples=3, repeats=1, explainers=["a"], metrics=metrics)
    table, correlations = meta_section(Leaderboard(run={}, groups=[], overall=[], meta=[entry]), entry, 1).tables
    assert [cell.text for cell in table.columns[0].cells] == [" 1 known", " 2 unknown"]
    assert [[cell.text for cell in column.cells] for column in correlations.columns[1:]] == [["", "+0.00"], ["-0.01", ""]]
