"""The gallery in a browser: what it draws, reads, measures and remembers, held against the maps that are exported."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import harness
from harness.registry.registry import Registry
from harness.report import gallery
from harness.report.gallery import GalleryOptions
from harness.report.write import write_report
from harness.runs.map_export import export_maps
from tests.support.hostile import HOSTILE_NAMES, with_hostile_names
from tests.support.small import Squares
from tests.support.spec import SMALL, small_spec
from tests.support.synthetic_gallery import write_synthetic_report
from tests.support.synthetic_results import leaderboard_group, leaderboard_results

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow
Open = Callable[..., "Page"]
PATIENCE = 180_000  # milliseconds: where much else runs, a browser is slow
SIDE = 256  # of a canvas
READING = "willReadFrequently"  # what the browser says of a canvas that a test reads


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With ``report.html``, whose six samples are inside; ``apart.html``, whose samples are beside it; and the maps."""
    made = tmp_path_factory.mktemp("gallery")
    harness.run(small_spec(), out=made / "out", store=made / "store", plugins=[SMALL])
    components = Registry.discover([SMALL])
    write_report([made / "out"], made / "report.html", components, GalleryOptions(count=6))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gallery, "INLINE_BYTES", 10)
        write_report([made / "out"], made / "a part #1%.html", components, GalleryOptions(count=6))
    export_maps(made / "out", made / "maps", plugins=[SMALL])
    return made


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    said: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)

    def opened(path: Path, hash: str = "") -> Page:
        page = context.new_page()
        page.on("console", lambda message: None if READING in message.text else said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(path.as_uri() + hash)
        page.wait_for_selector(".tile canvas")
        page.locator("#samples").scroll_into_view_if_needed()
        settle(page)
        return page

    yield opened
    context.close()
    assert said == []


def settle(page: Page) -> None:
    """Wait until what was asked for is drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def exported(folder: Path, explainer: str, number: int, part: str | None = None) -> NDArray[np.float64]:
    """A map at the size of the canvas, by another library."""
    name = f"{number:06d}-square-{number}{'' if part is None else '.' + part}.npy"
    values = torch.from_numpy(np.load(folder / "maps" / "squares" / "pools" / explainer / name).astype(np.float64))
    large = torch.nn.functional.interpolate(values[None, None], size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    return np.asarray(large[0, 0])


def mask_of(number: int) -> NDArray[np.bool_]:
    places = np.minimum((np.arange(SIDE) + 0.5) * 12 / SIDE, 11).astype(int)
    return np.asarray(Squares(8, 0)[number].mask)[np.ix_(places, places)]


def pixels(page: Page, selector: str) -> NDArray[np.int_]:
    """RGB of a canvas ``(H, W, 3)``."""
    found = page.locator(selector).first.evaluate("c => Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)")
    return np.asarray(found).reshape(SIDE, SIDE, 4)[..., :3]


def tile(explainer: str) -> str:
    return f".tiles figure:has(canvas[aria-label='{explainer}'])"


def choose(page: Page, **settings: Any) -> None:
    """Set inputs of the gallery by name."""
    for name, value in settings.items():
        locator = page.locator(f"form.view [name='{name}']")
        if name == "mode":
            page.locator(f"form.view [name='mode'][value='{value}']").check()
        elif isinstance(value, bool):
            locator.set_checked(value)
        else:
            locator.fill(str(value))
    settle(page)


def test_every_row_that_is_no_null_has_a_tile_and_one_of_parts_stands_behind_them(open_page: Open, folder: Path) -> None:
    page = open_page(folder / "report.html")
    assert page.locator(".tiles > figure figcaption bdi").all_inner_texts() != []
    assert page.locator(".triptych figcaption bdi").all_inner_texts() == ["first", "second", "both"]
    assert "speckle" not in page.locator(".tiles").inner_text()
    page.locator("#samples summary", has_text="Maps").click()
    page.locator(".shown-rows label", has_text="speckle").locator("input").check()
    assert "speckle" in page.locator(".tiles").inner_text()


def test_the_cursor_reads_the_value_in_every_map(open_page: Open, folder: Path) -> None:
    page = open_page(folder / "report.html", "#s=3")
    box = page.locator(f"{tile('slope')} .picture").first.bounding_box()
    assert box is not None
    for share in ((0.2, 0.3), (0.62, 0.5), (0.9, 0.95)):
        page.mouse.move(box["x"] + share[0] * box["width"], box["y"] + share[1] * box["height"])
        for explainer in ("slope", "contrast", "both"):
            values = exported(folder, explainer, 3)
            row, column = int(share[1] * SIDE), int(share[0] * SIDE)
            near = values[row - 2 : row + 3, column - 2 : column + 3]
            shown = float(page.locator(f"{tile(explainer)} .value").inner_text())
            room = 0.02 * np.abs(values).max()
            assert near.min() - room <= shown <= near.max() + room
    assert page.locator(".cross:visible").count() >= 4


def test_a_threshold_measures_area_and_overlap(open_page: Open, folder: Path) -> None:
    page = open_page(folder / "report.html", "#s=2")
    assert page.locator(f"{tile('slope')} .reading").inner_text() == ""
    choose(page, area=10)
    values, mask = exported(folder, "contrast", 2), mask_of(2)
    inside = values >= np.sort(values.ravel())[-round(0.1 * values.size)]
    words = page.locator(f"{tile('contrast')} .reading").inner_text()
    area, precision, recall = (float(number) for number in re.findall(r"([\d.]+) %", words))
    assert area == pytest.approx(10, abs=1)
    assert precision == pytest.approx(100 * (inside & mask).sum() / inside.sum(), abs=4)
    assert recall == pytest.approx(100 * (inside & mask).sum() / mask.sum(), abs=4)


def test_modes_draw_what_they_are_called(open_page: Open, folder: Path) -> None:
    page = open_page(folder / "report.html", "#s=2")
    choose(page, truth=False, mode="original")
    original = pixels(page, f"{tile('contrast')} canvas")
    values = exported(folder, "contrast", 2)
    strongest, weakest = np.unravel_index(values.argmax(), values.shape), np.unravel_index(np.abs(values).argmin(), values.shape)
    choose(page, mode="masked")
    masked = pixels(page, f"{tile('contrast')} canvas")
    assert np.abs(masked[strongest] - original[strongest]).max() <= 3
    assert masked[weakest].max() <= 12
    choose(page, mode="alpha")
    assert pixels(page, f"{tile('contrast')} canvas")[weakest].min() >= 240
    choose(page, mode="blended", opacity=0)
    grey = pixels(page, f"{tile('contrast')} canvas")
    assert (np.ptp(grey, axis=2) <= 1).all()
    np.testing.assert_allclose(grey[..., 0], original @ [0.299, 0.587, 0.114], atol=1.5)
    choose(page, opacity=100)
    assert np.ptp(pixels(page, f"{tile('contrast')} canvas")[strongest]) > 60
    choose(page, mode="heat", truth=True)
    outlined = (pixels(page, f"{tile('contrast')} canvas") == [57, 255, 20]).all(axis=2)
    assert outlined.any()
    assert not outlined[~mask_of(2)].any()


def test_a_wipe_shows_the_one_left_and_the_other_right_of_the_edge(open_page: Open, folder: Path) -> None:
    page = open_page(folder / "report.html")
    names = page.locator("select[name='left'] option").all_inner_texts()
    page.locator("select[name='left']").select_option(label="slope")
    page.locator("select[name='right']").select_option(label="contrast")
    page.locator("input[name='edge']").fill("25")
    settle(page)
    assert {"slope", "contrast", "both: first"} <= set(names)
    wiped, left, right = (pixels(page, f"{part} canvas") for part in (".wipe", tile("slope"), tile("contrast")))
    edge = SIDE // 4
    np.testing.assert_array_equal(wiped[:, : edge - 2], left[:, : edge - 2])
    np.testing.assert_array_equal(wiped[:, edge + 2 :], right[:, edge + 2 :])
    assert (left != right).any()


def test_keys_step_hide_and_switch(open_page: Open, folder: Path) -> None:
    page = open_page(folder / "report.html")
    page.locator("#samples h2").click()
    page.keyboard.press("ArrowRight")
    page.locator(".original", has_text="square-1").wait_for()
    page.keyboard.press("ArrowLeft")
    page.locator(".original", has_text="square-0").wait_for()
    settle(page)
    page.keyboard.press("m")
    settle(page)
    before = pixels(page, f"{tile('slope')} canvas")
    page.keyboard.down("h")
    settle(page)
    hidden = pixels(page, f"{tile('slope')} canvas")
    page.keyboard.up("h")
    settle(page)
    np.testing.assert_array_equal(before, pixels(page, f"{tile('slope')} canvas"))
    page.keyboard.press("3")
    settle(page)
    np.testing.assert_array_equal(hidden, pixels(page, f"{tile('slope')} canvas"))
    assert page.locator("[name='mode'][value='original']").is_checked()
    page.keyboard.press("+")
    assert "scale(1.5)" in (page.locator(".tiles .moved").first.get_attribute("style") or "")


def test_an_address_brings_back_sample_settings_and_maps(open_page: Open, folder: Path) -> None:
    page = open_page(folder / "report.html")
    page.locator("select[name='sample']").select_option("4")
    page.locator(".original", has_text="square-4").wait_for()
    choose(page, mode="heat", area=30, common=True, contour=True)
    page.locator("#samples summary", has_text="Maps").click()
    page.locator(".shown-rows label", has_text="slope").locator("input").uncheck()
    settle(page)
    other = open_page(folder / "report.html", page.evaluate("location.hash"))
    assert "square-4" in other.locator(".original").inner_text()
    assert other.locator("[name='area']").input_value() == "30"
    assert other.locator("[name='mode'][value='heat']").is_checked()
    assert other.locator("[name='common']").is_checked()
    assert other.locator(tile("slope")).count() == 0
    np.testing.assert_array_equal(pixels(page, ".tile canvas"), pixels(other, ".tile canvas"))
    assert "one scale for all" in other.locator(".scale-note").inner_text()


def test_samples_are_sorted_by_a_score(open_page: Open, folder: Path) -> None:
    page = open_page(folder / "report.html")
    page.locator("select[name='order']").select_option(label="drop")
    page.locator("select[name='by']").select_option(label="slope")
    found = page.evaluate(
        """() => {
            const group = JSON.parse(document.getElementById('data').textContent).groups[0];
            const row = group.rows.findIndex(one => one.label === 'slope'), metric = group.metrics.findIndex(one => one.label === 'drop');
            const order = [...document.querySelectorAll("select[name='sample'] option")].map(option => Number(option.value));
            return [order.map(k => group.samples[k].scores[row][metric]), group.metrics[metric].direction];
        }"""
    )
    assert len(found[0]) == 6
    assert found[0] == sorted(found[0], reverse=found[1] == "higher")


def test_samples_beside_the_page_are_shown_as_those_inside(open_page: Open, folder: Path) -> None:
    inside, apart = (open_page(folder / name, "#s=2") for name in ("report.html", "a part #1%.html"))
    assert (folder / "a part #1%-samples" / "0-5.html").exists()
    np.testing.assert_array_equal(pixels(inside, ".tile canvas"), pixels(apart, ".tile canvas"))
    apart.locator("[data-step='1']").click()
    apart.locator(".original", has_text="square-3").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_serious_with_samples(browser: Browser, folder: Path, scheme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python")
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto((folder / "report.html").as_uri())
    page.wait_for_selector(".tile canvas")
    page.evaluate((Path(axe.__file__).parent / "axe.min.js").read_text("utf-8"))
    found = page.evaluate("axe.run('#samples')")
    wide = page.evaluate("document.documentElement.scrollWidth")
    context.close()
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found["violations"] if one["impact"] in ("serious", "critical")] == []
    assert wide <= width


@pytest.mark.parametrize("number", [0, 1, 2, 4, 5])
def test_no_name_of_a_sample_runs(open_page: Open, registry: Registry, tmp_path: Path, number: int) -> None:
    results = with_hostile_names(leaderboard_results(groups=[leaderboard_group(size=12, gaps=False)], bootstrap=50))
    write_synthetic_report(tmp_path / "r.html", results, registry, count=2, side=8, name=HOSTILE_NAMES[number])
    page = open_page(tmp_path / "r.html", "#s=1")
    assert page.evaluate("window.hacked") is None
    for place in (".original", ".triptych", "select[name='sample']"):
        assert HOSTILE_NAMES[number] in (page.locator(place).first.text_content() or "")
