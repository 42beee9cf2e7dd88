import json
from functools import cache

import jsonschema
import numpy as np
import pytest

from harness.leaderboard.build import build_leaderboard
from harness.results.data_model import ExplainerNotes, Results
from harness.results.document import Leaderboard, json_schema, read_leaderboard
from harness.results.schema_version import SchemaError
from tests.support.golden import PUBLISHED_SCHEMA
from tests.support.synthetic_results import group_of, leaderboard_group, leaderboard_results, metric, variant_of

CELL = {"status", "mean", "low", "high", "n", "undefined", "rank", "beats_null", "versus_reference", "reason"}
ROW = {"explainer", "label", "plugin", "null", "standings", "categories", "first_share", "costs", "cells"}
GROUP = {"dataset", "model", "samples", "accuracy", "metrics", "rows"}


@cache
def board() -> Leaderboard:
    return build_leaderboard(leaderboard_results())


def test_the_document_has_every_field_that_was_promised() -> None:
    text = json.loads(board().to_json())
    assert {"schema_version", "run", "groups", "overall"} <= text.keys()
    group = text["groups"][0]
    assert group.keys() >= GROUP
    assert {"name", "label", "category", "direction"} <= group["metrics"][0].keys()
    for row in group["rows"]:
        assert row.keys() >= ROW
        assert row["standings"].keys() == {"category", "metric"}
        for standing in row["standings"].values():
            assert {"skill", "place", "places", "alike", "rank"} <= standing.keys()
            assert {"value", "low", "high"} == standing["skill"].keys()
        assert {"seconds_per_sample", "passes_per_sample", "peak_memory"} <= row["costs"].keys()
        assert row["cells"].keys() == {metric["label"] for metric in group["metrics"]}
        for cell in row["cells"].values():
            assert cell.keys() >= CELL
    versus = next(row for row in group["rows"] if row["label"] == "lrp")["cells"]["road"]["versus_reference"]
    assert {"difference", "p_ttest", "p_ttest_adjusted", "p_wilcoxon", "p_wilcoxon_adjusted", "effect", "verdict"} <= versus.keys()


def test_the_text_is_json_proper_and_reads_back_as_it_was() -> None:
    text = board().to_json()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert read_leaderboard(text) == board()
    assert read_leaderboard(text).to_json() == text


def test_the_text_follows_the_published_schema() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(board().to_json()), schema)
    assert json.loads(PUBLISHED_SCHEMA.read_text()) == schema


def test_rows_are_sorted_by_skill_and_nulls_are_marked() -> None:
    rows = board().groups[0].rows
    skills = [skill for row in rows if (skill := row.standings["category"].skill.value) is not None]
    assert len(skills) == len(rows)
    assert skills == sorted(skills, reverse=True)
    assert [place for row in rows if (place := row.standings["category"].place)] == list(range(1, 10))
    assert {row.label for row in rows if row.null} == {"random", "sobel", "laplace"}


def test_ranks_of_a_metric_are_those_of_its_means_where_nothing_is_undefined() -> None:
    group = build_leaderboard(leaderboard_results(groups=[leaderboard_group(gaps=False)])).groups[0]
    for column in group.metrics:
        ranked = [row.cells[column.label] for row in group.rows if row.cells[column.label].rank is not None]
        by_rank = [cell.mean for cell in sorted(ranked, key=lambda cell: cell.rank or 0)]
        assert by_rank == sorted(by_rank, key=lambda mean: mean or 0, reverse=column.direction == "higher")


def test_what_is_undefined_is_null() -> None:
    results = Results(provenance={}, groups=[group_of({"a": {"m": np.full(3, np.nan)}}, [metric()])], reference="a")
    row = json.loads(build_leaderboard(results).to_json())["groups"][0]["rows"][0]
    assert row["standings"]["category"]["skill"] == {"value": None, "low": None, "high": None}
    assert row["standings"]["category"]["rank"] is None
    assert (row["cells"]["m"]["mean"], row["cells"]["m"]["n"], row["cells"]["m"]["undefined"]) == (None, 0, 3)
    assert row["cells"]["m"]["beats_null"] is None


def test_notes_reach_the_document() -> None:
    notes = {row.label: row.notes for row in board().groups[0].rows}
    assert notes["lrp"].broken
    assert notes["lrp"].completeness_error == pytest.approx(0.31)
    assert notes["saliency"].zero_maps == 3
    assert "ReLU" in notes["guided-backprop"].warnings[0]


def test_a_newer_major_schema_says_so() -> None:
    newer = json.loads(board().to_json()) | {"schema_version": "3.0", "groups": "something else altogether"}
    with pytest.raises(SchemaError, match=r"schema 3\.0.*reads 2\.0.*upgrade"):
        read_leaderboard(json.dumps(newer))


def test_an_older_major_schema_says_how_to_make_it_anew() -> None:
    older = json.loads(board().to_json()) | {"schema_version": "1.2"}
    with pytest.raises(SchemaError, match=r"schema 1\.2.*reads 2\.0: `harness leaderboard RUN_FOLDER --format json` makes it anew"):
        read_leaderboard(json.dumps(older))


def test_a_newer_minor_schema_is_read_and_what_is_unknown_ignored() -> None:
    newer = json.loads(board().to_json()) | {"schema_version": "2.7", "novelty": 1}
    assert read_leaderboard(json.dumps(newer)).groups == board().groups


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema_version": "x"}', '{"schema_version": "2.0"}', "\x00\xff", "[" * 100_000])
def test_what_is_no_leaderboard_is_refused(text: str) -> None:
    with pytest.raises(SchemaError):
        read_leaderboard(text)


def test_the_error_of_a_sum_is_the_median_of_those_that_are_known() -> None:
    assert ExplainerNotes(completeness=np.array([np.nan, 0.1, 0.3, np.inf])).median_error == pytest.approx(0.2)
    assert ExplainerNotes(completeness=np.full(3, np.nan)).median_error is ExplainerNotes().median_error is None


def test_a_part_of_a_variant_has_its_own_predictions() -> None:
    whole = variant_of(leaderboard_group(size=6, gaps=False), "inputs", "minor", 1, seed=0)
    places = np.array([4, 1])
    part = whole.take(places).variant
    assert whole.variant is not None and part is not None
    assert part.kept.tolist() == whole.variant.kept[places].tolist()
    assert part.known.tolist() == whole.variant.known[places].tolist()
