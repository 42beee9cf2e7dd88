"""The board in a browser: sorting, filtering, standings made anew, comparing, downloads, addresses, keys."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.leaderboard.build import build_leaderboard
from harness.report.category_boards import category_standings
from harness.results.document import GroupEntry
from harness.results.run_folder import read_results

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow
Open = Callable[..., "Page"]
PATIENCE = 180_000  # milliseconds: where much else runs, a browser is slow


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens a file; at the end nothing must stand in the console of any."""
    said: list[str] = []
    context = browser.new_context(accept_downloads=True)
    context.set_default_timeout(PATIENCE)

    def opened(path: Path, hash: str = "", **size: Any) -> Page:
        page = context.new_page()
        if size:
            page.set_viewport_size(size)  # type: ignore[arg-type]
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith(("file:", "data:", "blob:")) else said.append(request.url))
        page.goto(path.as_uri() + hash)
        return page

    yield opened
    context.close()
    assert said == []


@pytest.fixture(scope="module")
def group(plain_report: Path) -> GroupEntry:
    return build_leaderboard(read_results(plain_report.parent)).groups[0]


def column(page: Page, name: str, shown: bool = True) -> list[str]:
    """The texts of a column of the board that is shown, from above."""
    cells = f"#board .of-group:not([hidden]) tbody tr{':not([hidden])' if shown else ''} [data-col='{name}']"
    inner = {"name": " bdi", "skill": " .number"}.get(name, " .number" if name.startswith("m:") else "")
    return [text.strip() for text in page.locator(cells + inner).all_inner_texts()]


def test_unfiltered_the_board_says_what_the_leaderboard_says(open_page: Open, plain_report: Path, group: GroupEntry) -> None:
    page = open_page(plain_report)
    assert column(page, "name") == [row.label for row in group.rows]
    assert column(page, "place") == [str(row.standings["category"].place or "–") for row in group.rows]
    places = [row.standings["category"].places for row in group.rows]
    assert column(page, "places") == ["–" if p is None else f"{p[0]}–{p[1]}" if p[0] < p[1] else str(p[0]) for p in places]
    assert "whole board" in page.locator("#board .status").first.inner_text()


def test_a_press_on_a_header_sorts_the_best_first_and_another_turns_it(open_page: Open, plain_report: Path, group: GroupEntry) -> None:
    page = open_page(plain_report)
    number, metric = next((k, metric) for k, metric in enumerate(group.metrics) if metric.direction == "lower")
    known = {row.label: cell.mean for row in group.rows if (cell := row.cells.get(metric.label)) and cell.mean is not None}
    page.locator(f"button[data-sort='m:{number}']").click()
    order = [label for label in column(page, "name") if label in known]
    assert order == sorted(known, key=lambda label: known[label])
    assert column(page, "name")[: len(known)] == order  # what has no score is last
    assert page.locator(f"th[data-col='m:{number}']").get_attribute("aria-sort") == "ascending"
    page.locator(f"button[data-sort='m:{number}']").press("Enter")
    assert [label for label in column(page, "name") if label in known] == order[::-1]
    assert column(open_page(plain_report, page.evaluate("location.hash")), "name") == column(page, "name")


def test_one_category_has_the_standings_of_its_own_analysis(open_page: Open, plain_report: Path, group: GroupEntry) -> None:
    results = read_results(plain_report.parent)
    found = category_standings(results, build_leaderboard(results))[0]["faithfulness"]
    page = open_page(plain_report)
    page.locator(".chip[data-kind='faithfulness']").click()
    names = column(page, "name")
    assert column(page, "place") == [str(found[name].place or "–") for name in names]
    assert column(page, "skill") == [f"{found[name].skill.value:.2f}" for name in names]
    assert "recomputed for faithfulness alone" in page.locator("#board .status").first.inner_text()
    heads = page.locator("#board thead th.metric:not([hidden])")
    assert heads.count() == sum(metric.category == "faithfulness" for metric in group.metrics)
    assert column(open_page(plain_report, page.evaluate("location.hash")), "skill") == column(page, "skill")


def test_a_mix_of_metrics_has_the_weighted_mean_of_their_skills(open_page: Open, plain_report: Path, group: GroupEntry) -> None:
    page = open_page(plain_report)
    chosen = [k for k, metric in enumerate(group.metrics) if metric.label in ("deletion", "relevance-mass-accuracy")]
    page.locator("#board summary", has_text="Metrics").click()
    page.locator("[data-none='metric']").click()
    for k in chosen:
        page.locator(f"input[name='metric'][value='{k}']").check()
    labels = {row.label: [row.cells[group.metrics[k].label].skill.value for k in chosen] for row in group.rows}
    for name, skill in zip(column(page, "name"), column(page, "skill"), strict=True):
        values = [0.5 if value is None else value for value in labels[name]]
        assert float(skill) == pytest.approx(sum(values) / 2, abs=0.0051)  # a half for each category
    assert "a mix has no intervals" in page.locator("#board .status").first.inner_text()
    page.locator("#board button[type='reset']").click()
    assert column(page, "name") == [row.label for row in group.rows]


def test_rows_that_are_filtered_keep_their_skill_and_get_places_among_themselves(
    open_page: Open, plain_report: Path, group: GroupEntry
) -> None:
    page = open_page(plain_report)
    before = dict(zip(column(page, "name"), column(page, "skill"), strict=True))
    page.keyboard.press("/")
    page.keyboard.type("cam")
    names = column(page, "name")
    assert names == [row.label for row in group.rows if "cam" in row.label]
    assert column(page, "place") == [str(k) for k in range(1, len(names) + 1)]
    assert [before[name] for name in names] == column(page, "skill")
    assert "recomputed among the rows shown" in page.locator("#board .status").first.inner_text()


def test_open_places_follow_from_who_is_alike(open_page: Open, plain_report: Path) -> None:
    """By letters the page counts who is surely better or worse: of all rows that is what the analysis says."""
    page = open_page(plain_report)
    by_letters = page.evaluate(
        """() => {
            const rows = JSON.parse(document.getElementById('data').textContent).groups[0].rows.filter(row => row.standing.places);
            const apart = (a, b) => ![...a.standing.alike].some(letter => b.standing.alike.includes(letter));
            return rows.map(row => {
                const others = rows.filter(other => other !== row && apart(other, row));
                const better = others.filter(other => other.standing.place < row.standing.place).length;
                return [[1 + better, rows.length - (others.length - better)], row.standing.places];
            });
        }"""
    )
    assert len(by_letters) > 5
    assert all(mine == theirs for mine, theirs in by_letters)


def test_pareto_marks_are_those_that_nobody_dominates(open_page: Open, plain_report: Path, group: GroupEntry) -> None:
    real = {row.label: (row.standings["category"].skill.value, row.costs.passes_per_sample) for row in group.rows if not row.null}
    points = {label: (skill, cost) for label, (skill, cost) in real.items() if skill is not None and cost is not None}
    if not points:
        pytest.skip("these results have no passes")
    front = {a for a, (s, c) in points.items() if not any((t >= s and d <= c and (t, d) != (s, c)) for t, d in points.values())}
    page = open_page(plain_report)
    marked = page.locator("tbody tr:has([data-col='passes'] .pareto) [data-col='name'] bdi").all_inner_texts()
    assert set(marked) == front


def test_a_pair_is_compared_metric_by_metric(open_page: Open, plain_report: Path, group: GroupEntry) -> None:
    labels = [row.label for row in group.rows]
    page = open_page(plain_report, f"#a={labels.index('guided-backprop')}&b={labels.index('triad')}")
    turned = {"better": "▲ better", "worse": "▼ worse", "mixed": "◆ different, neither better nor worse", None: "open"}
    text = page.locator("#compare .verdict").inner_text()
    assert text.startswith("Skill: guided-backprop")
    lines = page.locator("#compare tbody tr").all_inner_texts()
    assert len(lines) >= 8
    page.locator("#compare .swap").click()
    assert page.locator("#compare .verdict").inner_text().startswith("Skill: triad")
    swapped = page.locator("#compare tbody tr").all_inner_texts()
    words = [line.split("\t")[-1].strip() for line in lines]
    opposite = {turned["better"]: turned["worse"], turned["worse"]: turned["better"]}
    assert [line.split("\t")[-1].strip() for line in swapped] == [opposite.get(word, word) for word in words]


def test_a_metric_is_explained_one_press_away(open_page: Open, plain_report: Path) -> None:
    page = open_page(plain_report)
    page.locator("th[data-col='m:4'] .about").click()
    dialog = page.locator("#article")
    assert "Area under the target's probability" in dialog.inner_text()
    assert "Correctness" in dialog.inner_text()
    assert "about=0-m4" in page.url
    page.keyboard.press("Escape")
    assert not dialog.is_visible()


@pytest.mark.parametrize("name", ["leaderboard.csv", "leaderboard.json"])
def test_files_are_downloaded(open_page: Open, plain_report: Path, name: str) -> None:
    page = open_page(plain_report)
    with page.expect_download() as waiting:
        page.locator(f"[data-download='{name}']").first.click()
    assert waiting.value.suggested_filename == name
    text = Path(waiting.value.path()).read_text("utf-8")
    expected = page.evaluate(f"JSON.parse(document.getElementById('downloads').textContent)[{json.dumps(name)}]")
    assert text == expected


def test_groups_are_chosen_and_stand_in_the_address(open_page: Open, golden_report: Path) -> None:
    page = open_page(golden_report)
    page.locator("#group").select_option("3")
    names = column(page, "name")
    other = open_page(golden_report, page.evaluate("location.hash"))
    assert other.locator("#group").input_value() == "3"
    assert column(other, "name") == names
    assert page.locator("#board .of-group:not([hidden])").count() == 1


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_but_tables_scrolls_sideways(open_page: Open, golden_report: Path, width: int) -> None:
    page = open_page(golden_report, width=width, height=800)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_no_name_runs(open_page: Open, hostile_report: Path) -> None:
    page = open_page(hostile_report)
    page.locator("button.name").first.click()
    page.keyboard.press("Escape")
    page.locator("#board summary", has_text="Metrics").click()
    page.locator("#compare .swap").click()
    assert page.evaluate("window.hacked") is None
    assert "<script>window.hacked = 1</script>" in page.locator("#board").inner_text()
    assert "onerror=" in page.locator("#method").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, golden_report: Path, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python")
    script = (Path(axe.__file__).parent / "axe.min.js").read_text("utf-8")
    context = browser.new_context(color_scheme=scheme)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(golden_report.as_uri())
    page.evaluate(script)
    found = page.evaluate("axe.run()")
    context.close()
    assert len(found["passes"]) > 20
    serious = [(one["id"], one["nodes"][0]["html"][:200]) for one in found["violations"] if one["impact"] in ("serious", "critical")]
    assert serious == []
