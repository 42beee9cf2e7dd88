"""Published tables in a spec: how their numbers are read, and which labels their names stand for."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.registry.registry import Registry
from harness.runs.published_tables import published_tables
from harness.spec.load import load_spec
from harness.spec.published_checks import labels_meant
from harness.spec.published_options import parse_published

LABELS = ["net", "net seed=0", "net seed=1", "network", "net b=2, seed=0"]


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (0.138, (0.138, None, None)),
        ("75.44±1.17 %", (0.7544, 0.0117, None)),
        ("75.44 ± 1.17", (75.44, 1.17, None)),
        ("41.7 %", (0.417, None, None)),
        ("−0.0007", (-0.0007, None, None)),
        ("2e-3", (0.002, None, None)),
        ("pass", (None, None, "pass")),
        ("depends on the reference", (None, None, "depends on the reference")),
        (None, (None, None, None)),
    ],
)
def test_a_published_value_is_a_number_with_its_deviation_or_words(given: float | str | None, read: tuple[object, ...]) -> None:
    found = parse_published(given)
    assert all(a == b or (isinstance(a, float) and isinstance(b, float) and math.isclose(a, b)) for a, b in zip(found, read, strict=True))


@pytest.mark.parametrize("text", ["75,44", "75.44 +- 1", "1.2 ± x", "3 of 4", "±1", ".5"])
def test_what_begins_as_a_number_must_be_one(text: str) -> None:
    with pytest.raises(ValueError, match="a number is written as"):
        parse_published(text)


def test_a_name_is_a_label_a_sweep_or_a_glob() -> None:
    assert labels_meant("net", LABELS) == ["net"]
    assert labels_meant("net", LABELS[1:]) == ["net seed=0", "net seed=1", "net b=2, seed=0"]
    assert labels_meant("net b=2", LABELS) == []
    assert labels_meant("net*seed=0", LABELS) == ["net seed=0", "net b=2, seed=0"]
    assert labels_meant("nothing", LABELS) == [] and labels_meant(None, LABELS) == LABELS


def test_a_table_reaches_the_results_with_the_labels_that_it_means(write: Callable[[str | bytes], Path], registry: Registry) -> None:
    spec = """
        name: x
        datasets: [lesions]
        models: [{use: lesions-vgg, label: net, sweep: {seed: {from: 0, to: 1}}}]
        explainers: [grad-cam, lrp]
        metrics: [road]
        nulls: [sobel]
        published:
          - title: One
            source: a paper
            columns: {"Road, 20 %": {metric: road, model: net seed=1, passes: ">=0.25"}, s: {measure: seconds}}
            values: {lrp: [fail, 1.5], sobel: [null, null]}
          - title: Two
            source: another
            about: ten images
            rows: models
            columns: {a: {measure: accuracy}}
            values: {net: [90 ± 1 %]}
    """
    loaded = load_spec(write(spec), registry)
    one, two = published_tables(loaded)
    assert [row.labels for row in one.rows] == [("lrp",), ("sobel",)] and one.about is None
    road, seconds = one.columns
    assert road.models == ("net seed=1",) and road.datasets == ("lesions",) and road.explainers == ()
    assert (road.relation, road.bound, seconds.relation) == (">=", 0.25, None)
    assert one.rows[0].values[0].words == "fail" and one.rows[1].values[1].value is None
    assert (
        two.kind == "models" and two.rows[0].labels == ("net seed=0", "net seed=1") and two.columns[0].explainers[:2] == ("grad-cam", "lrp")
    )
    assert load_spec(write(loaded.to_yaml()), registry).spec.published == loaded.spec.published
