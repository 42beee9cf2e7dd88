"""Samples of a report: which are chosen, and that their pictures hold the maps of the run."""

from __future__ import annotations

import base64
import io
import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import stats

import harness
from harness.registry.registry import Registry
from harness.report import gallery
from harness.report.gallery import GalleryOptions
from harness.report.pictures import coarse_map, colour_tables, encode_image, encode_map
from harness.report.sample_choice import ChoiceRule, choose_samples, map_disagreement, read_choice_rule
from harness.report.write import write_report
from harness.results.data_model import Group
from harness.results.run_folder import read_results
from harness.runs.map_export import export_maps
from harness.user_errors import UserError
from tests.support.small import Squares
from tests.support.spec import SMALL, small_spec
from tests.support.synthetic_results import leaderboard_group

LEVEL = 1 / 254
"""Half a level of a map's picture, in parts of its square root."""


def decode(map: dict[str, Any]) -> NDArray[np.float64]:
    """The values of a map in a page."""
    with Image.open(io.BytesIO(base64.b64decode(map["png"].split(",")[1]))) as picture:
        assert picture.mode == "L"
        levels = np.asarray(picture, dtype=np.float64)
    root = (levels - 128) / 127 if map["signed"] else levels / 255
    return np.asarray(map["base"] + map["scale"] * root * np.abs(root))


def assert_as_near_as_levels_are(found: NDArray[np.float64], values: NDArray[np.floating], scale: float, base: float) -> None:
    roots = np.sqrt(np.abs(values - base) / (scale or 1))
    assert (np.abs(found - values) <= scale * (2 * roots * LEVEL + LEVEL**2) + 1e-6 * (scale + abs(base))).all()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    harness.run(small_spec(), out=folder / "out", store=folder / "store", plugins=[SMALL])
    return folder / "out"


@pytest.fixture(scope="module")
def with_plugin() -> Registry:
    return Registry.discover([SMALL])


def samples_of(page: Path) -> dict[str, Any]:
    found = re.findall(r'<script type="application/json" id="sample-([\d-]+)">(.*?)</script>', page.read_text("utf-8"), re.DOTALL)
    return {key: json.loads(text) for key, text in found}


def data_of(page: Path) -> Any:
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text("utf-8"), re.DOTALL)
    assert text is not None
    return json.loads(text[1])


def test_a_map_keeps_its_values_to_a_level_of_its_square_root(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    signed = generator.standard_t(2, size=(9, 7))
    far = 5 + generator.random((6, 8))
    for values, declared, expected in (
        (signed, True, True),
        (np.abs(signed), True, True),
        (np.abs(signed), False, False),
        (far, False, False),
    ):
        map = encode_map(values, declared)
        assert map["signed"] is expected
        assert_as_near_as_levels_are(decode(map), values, map["scale"], map["base"])
    assert encode_map(signed, False)["signed"]  # what has negative values is signed
    assert (encode_map(far, False)["least"], encode_map(signed, True)["least"]) == (pytest.approx(far.min()), 0.0)
    assert encode_map(signed, True)["limit"] == pytest.approx(np.percentile(np.abs(signed), 99.5), rel=1e-5)
    for constant in (0.0, 3.0):
        np.testing.assert_allclose(decode(encode_map(np.full((4, 4), constant), False)), constant)
    gaps = np.array([[np.nan, 1.0], [np.inf, 2.0]])
    np.testing.assert_allclose(decode(encode_map(gaps, False)), [[0, 1], [0, 2]], atol=0.01)
    assert decode(encode_map(np.ones((600, 300)), False)).shape == (256, 128)


def test_an_image_is_kept_as_it_is_unless_it_would_be_large() -> None:
    generator = np.random.default_rng(0)
    grey = np.repeat(generator.random((200, 300, 1)), 3, axis=2)
    colour = generator.random((200, 300, 3))
    assert encode_image(grey).startswith("data:image/png;")
    assert encode_image(colour[:20, :20]).startswith("data:image/png;")
    assert encode_image(colour).startswith("data:image/jpeg;")
    with Image.open(io.BytesIO(base64.b64decode(encode_image(grey).split(",")[1]))) as picture:
        np.testing.assert_allclose(np.asarray(picture) / 255, grey[..., 0], atol=0.51 / 255)


def test_colours_are_those_of_other_pictures_of_maps() -> None:
    from harness.figures.colours import to_rgba

    for name, signed in (("signed", True), ("unsigned", False)):
        table = np.frombuffer(bytes.fromhex(colour_tables()[name]), dtype=np.uint8).reshape(256, 3)
        ends = to_rgba(np.array([-1.0 if signed else 0.0, 1.0]), signed, 1.0)[:, :3]
        np.testing.assert_allclose(table[[0, -1]] / 255, ends, atol=1 / 255)


def test_the_page_holds_the_maps_that_are_exported_and_the_masks_of_the_data(run: Path, with_plugin: Registry, tmp_path: Path) -> None:
    write_report([run], tmp_path / "r.html", with_plugin, GalleryOptions(count=5))
    found, data = samples_of(tmp_path / "r.html"), data_of(tmp_path / "r.html")["groups"][0]
    assert list(found) == [f"0-{k}" for k in range(5)]
    labels = [row["label"] for row in data["rows"]]
    exported = {(line["explainer"], line["part"], line["position"]): line for line in export_maps(run, tmp_path / "maps", plugins=[SMALL])}
    squares = Squares(8, 0)
    for k, sample in enumerate(found.values()):
        line = data["samples"][k]
        assert (line["position"], line["id"]) == (k, f"square-{k}")
        assert {(labels[map["row"]], map["part"]) for map in sample["maps"]} == {key[:2] for key in exported if key[2] == k}
        for map in sample["maps"]:
            own = exported[labels[map["row"]], map["part"], k]
            assert_as_near_as_levels_are(decode(map), np.load(tmp_path / "maps" / own["map"]), map["scale"], map["base"])
            assert (line["prediction"], line["label"]) == (own["prediction_name"], own["label_name"])
        with Image.open(io.BytesIO(base64.b64decode(sample["mask"].split(",")[1]))) as mask:
            np.testing.assert_array_equal(np.asarray(mask, dtype=bool), squares[k].mask)
        with Image.open(io.BytesIO(base64.b64decode(sample["image"].split(",")[1]))) as image:
            shown = np.asarray(image, dtype=np.float64) / 255
        np.testing.assert_allclose(shown, squares[k].image.permute(1, 2, 0).numpy(), atol=0.51 / 255)
        assert 0.5 <= line["confidence"] <= 1


def test_scores_of_a_sample_are_those_of_the_run(run: Path, with_plugin: Registry, tmp_path: Path) -> None:
    write_report([run], tmp_path / "r.html", with_plugin, GalleryOptions(count=8, rule=ChoiceRule("random")))
    data, group = data_of(tmp_path / "r.html")["groups"][0], read_results(run).groups[0]
    assert sorted(sample["position"] for sample in data["samples"]) == list(range(8))
    for sample in data["samples"]:
        for row, scores in zip(data["rows"], sample["scores"], strict=True):
            for metric, score in zip(data["metrics"], scores, strict=True):
                value = group.cells[row["label"], metric["label"]].values[group.samples.index(sample["id"])]
                assert score == (None if np.isnan(value) else pytest.approx(value, rel=1e-3))


def test_a_run_without_maps_says_what_to_do_and_keeps_its_board(with_plugin: Registry, tmp_path: Path) -> None:
    spec = small_spec(explainers=["slope"], metrics=["inside"], store={"attributions": "none"})
    harness.run(spec, out=tmp_path / "out", store=tmp_path / "store", plugins=[SMALL])
    written = write_report([tmp_path / "out"], tmp_path / "r.html", with_plugin)
    assert len(written.problems) == 1
    assert "attributions: all" in written.problems[0]
    text = (tmp_path / "r.html").read_text("utf-8")
    assert "No pictures: " + written.problems[0] in text
    assert '<table class="board"' in text


def test_components_that_are_not_here_cost_the_pictures_alone(run: Path, registry: Registry, tmp_path: Path) -> None:
    written = write_report([run], tmp_path / "r.html", registry)
    assert "squares" in written.problems[0] or "small" in written.problems[0]
    assert samples_of(tmp_path / "r.html") == {}


def test_without_samples_there_is_no_gallery(run: Path, registry: Registry, tmp_path: Path) -> None:
    assert write_report([run], tmp_path / "r.html", registry, GalleryOptions(count=0)).problems == []
    assert 'id="samples"' not in (tmp_path / "r.html").read_text("utf-8")


def test_past_a_limit_samples_lie_beside_the_page(
    run: Path, with_plugin: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_report([run], tmp_path / "inside.html", with_plugin, GalleryOptions(count=4))
    monkeypatch.setattr(gallery, "INLINE_BYTES", 12_000)
    written = write_report([run], tmp_path / "r.html", with_plugin, GalleryOptions(count=4))
    assert written.folder == tmp_path / "r-samples"
    assert samples_of(tmp_path / "r.html") == {}
    assert "frame-src 'self' file:" in unescape((tmp_path / "r.html").read_text("utf-8"))
    assert "frame-src" not in (tmp_path / "inside.html").read_text("utf-8")
    for key, sample in samples_of(tmp_path / "inside.html").items():
        text = (written.folder / f"{key}.html").read_text("utf-8")
        assert json.loads(re.findall(r'id="sample">(.*?)</script>', text, re.DOTALL)[0]) == sample


@pytest.fixture(scope="module")
def group() -> Group:
    return leaderboard_group(size=20, gaps=False)


def test_rules_choose_what_they_say(group: Group) -> None:
    real, there = ["triad", "lrp"], list(range(2, 20))
    differ = np.random.default_rng(0).random(18)
    differ[3] = np.nan

    def chosen(rule: ChoiceRule, seed: int = 0, count: int = 5) -> list[int]:
        return choose_samples(rule, count, group, real, seed, there, lambda: differ)

    assert chosen(ChoiceRule("first")) == [2, 3, 4, 5, 6]
    assert chosen(ChoiceRule("disagreement"), count=18) == [*(2 + np.argsort(-np.nan_to_num(differ, nan=-1))[:17]), 5]
    drawn = [tuple(chosen(ChoiceRule("random"), seed)) for seed in range(20)]
    assert chosen(ChoiceRule("random"), 7) == list(drawn[7])
    assert len(set(drawn)) > 15
    assert set().union(*drawn) == set(there)
    mean = (group.cells["triad", "deletion"].values + group.cells["lrp", "deletion"].values) / 2
    by_score = sorted(there, key=lambda k: mean[k])  # of deletion less is better
    assert chosen(ChoiceRule("best", "deletion"), count=18) == by_score
    assert chosen(ChoiceRule("worst", "deletion"), count=18) == by_score[::-1]
    with pytest.raises(UserError, match="no metric 'gone' here: there are explanation-precision"):
        chosen(ChoiceRule("best", "gone"))


def test_random_samples_do_not_depend_on_the_order_of_the_data(group: Group) -> None:
    turned = group.take(np.arange(20)[::-1])

    def names(of: Group) -> list[str]:
        numbers = choose_samples(ChoiceRule("random"), 6, of, [], 3, range(20), lambda: np.empty(0))
        return [of.samples[k] for k in numbers]

    assert names(group) == names(turned)


@pytest.mark.parametrize("text", ["", "last", "worst", "worst:", "first:deletion", "random:3"])
def test_other_rules_are_refused(text: str) -> None:
    with pytest.raises(UserError, match="a rule is first, random, disagreement, worst:METRIC or best:METRIC"):
        read_choice_rule(text)


def test_rules_are_read() -> None:
    assert read_choice_rule("disagreement") == ChoiceRule("disagreement")
    assert read_choice_rule("worst:a:b") == ChoiceRule("worst", "a:b")
    assert "drawn at random with seed 3" in ChoiceRule("random").text(2, 9, 3)
    assert ChoiceRule("random").text(9, 9, 3) == "All 9 samples."


def test_disagreement_is_one_minus_the_mean_of_spearmans_correlations() -> None:
    maps = list(np.random.default_rng(0).normal(size=(4, 50)))
    pairs = [stats.spearmanr(maps[i], maps[j]).statistic for i in range(4) for j in range(i)]
    assert map_disagreement(maps) == pytest.approx(1 - np.mean(pairs))
    assert map_disagreement([maps[0], maps[0] * 3, np.zeros(50)]) == pytest.approx(0)
    assert map_disagreement([maps[0], -maps[0]]) == pytest.approx(2)
    assert np.isnan(map_disagreement([maps[0], np.zeros(50)]))


def test_a_coarse_map_is_the_mean_of_its_blocks_or_bilinear() -> None:
    fine = np.random.default_rng(0).random((28, 56))
    np.testing.assert_allclose(coarse_map(fine), fine.reshape(14, 2, 14, 4).mean(axis=(1, 3)).ravel(), atol=1e-6)
    ramp = np.tile(np.arange(7.0), (7, 1))
    middle = coarse_map(ramp).reshape(14, 14)[:, 1:-1]
    np.testing.assert_allclose(middle, np.tile(np.arange(14) / 2 - 0.25, (14, 1))[:, 1:-1], atol=1e-6)
