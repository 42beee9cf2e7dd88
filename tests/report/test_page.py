from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from harness.leaderboard.build import build_leaderboard
from harness.leaderboard.render import render_leaderboard
from harness.report.script_json import to_script_json
from harness.results.document import read_leaderboard
from harness.results.run_folder import read_results
from tests.support.hostile import HOSTILE_NAMES


class Page(HTMLParser):
    """Tags with their attributes, and the text in each script and style."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, dict[str, str | None], str]] = []
        self.words: list[str] = []
        self.inside = ""
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self.inside in ("script", "style"):
            self.texts.append((*self.tags[-1], data))

    def json(self, name: str) -> object:
        return json.loads(next(text for tag, attributes, text in self.texts if attributes.get("id") == name))


@pytest.mark.parametrize("which", ["plain_report", "golden_report", "hostile_report"])
def test_the_page_loads_nothing_and_allows_only_its_own_script_and_style(which: str, request: pytest.FixtureRequest) -> None:
    page = Page(request.getfixturevalue(which))
    policy = next(attributes["content"] for _, attributes in page.tags if attributes.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.split(" ", 1) for rule in (policy or "").split("; "))
    assert rules["default-src"] == "'none'"
    own = [(tag, text) for tag, attributes, text in page.texts if attributes.get("type") != "application/json"]
    digests = {tag: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for tag, text in own}
    assert rules["script-src"] == f"'sha256-{digests['script']}'"
    assert rules["style-src"] == f"'sha256-{digests['style']}'"
    loading = [
        (tag, name, value)
        for tag, attributes in page.tags
        for name, value in attributes.items()
        if name in ("src", "srcset", "data", "action", "style") or name.startswith("on") or (name == "href" and tag != "a")
    ]
    assert loading == []
    links = [attributes["href"] or "" for tag, attributes in page.tags if tag == "a"]
    assert links
    assert all(link.startswith(("#", "https://")) for link in links)


def test_names_are_shown_as_they_are(hostile_report: Path) -> None:
    page = Page(hostile_report)
    assert sum(tag == "script" for tag, _ in page.tags) == 3
    assert not any(tag == "img" for tag, _ in page.tags)
    words = " ".join(page.words)
    names = [row["label"] for row in page.json("data")["groups"][0]["rows"]]  # type: ignore[index]
    for name in HOSTILE_NAMES:
        assert " ".join(name.replace("\u200f", " ").replace("\u200d", " ").split()) in words
    assert len(set(names) & set(HOSTILE_NAMES)) >= len(HOSTILE_NAMES) - 2  # two have characters that no line shows


def test_json_in_a_script_is_the_value_and_no_markup() -> None:
    value = {"a": ["</script><!-- <script>", "&lt; \u2028", 1.5, None, True]}
    text = str(to_script_json(value))
    assert json.loads(text) == value
    assert not set("<>&\u2028\u2029") & set(text)
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_script_json([float("nan")])


def test_downloads_are_what_the_other_commands_print(plain_report: Path) -> None:
    files = Page(plain_report).json("downloads")
    document = build_leaderboard(read_results(plain_report.parent))
    assert isinstance(files, dict)
    assert files["leaderboard.csv"] == render_leaderboard(document, "csv")
    assert files["leaderboard.tex"] == render_leaderboard(document, "latex")
    assert read_leaderboard(files["leaderboard.json"]) == document
    assert "@" in files["references.bib"]


def test_the_tables_hold_every_score_of_the_leaderboard(golden_report: Path) -> None:
    """As many rows and cells as the document has, without a script."""
    text = golden_report.read_text("utf-8")
    document = read_leaderboard(Page(golden_report).json("downloads")["leaderboard.json"])  # type: ignore[index]
    bodies = re.findall(r'<table class="board".*?</table>', text, re.DOTALL)
    assert len(bodies) == len(document.groups) == 4
    for body, group in zip(bodies, document.groups, strict=True):
        assert body.count("<tr data-row") == len(group.rows)
        assert body.count('class="score"') == len(group.rows) * len(group.metrics)
        means = [cell for row in group.rows for cell in row.cells.values() if cell.mean is not None]
        assert len(re.findall(r'data-col="m:\d+" class="score"[^\n]*<circle', body)) == len(means)
        unbeaten = sum(cell.beats_null is False for cell in means)
        assert len(re.findall(r'class="score"[^\n]*class="point hollow"', body)) == unbeaten > 0
        meta = next((one for one in document.meta if (one.dataset, one.model) == (group.dataset, group.model)), None)
        trials = [] if meta is None else [one.separation.separates for one in meta.metrics if one.separation is not None]
        assert re.findall(r'class="trial">(.)<', body) == ["✓" if separates else "✗" for separates in trials]
    assert sum(len(re.findall(r'class="trial"', body)) for body in bodies) > 2
