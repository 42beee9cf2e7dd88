from __future__ import annotations

import json
from typing import Any

import pytest
from rich.console import Console, RenderableType

from harness.api.declarations import explainer as declare_explainer
from harness.bibtex import plain_fields
from harness.registry.card import Card
from harness.registry.plugin_listing import filter_cards, plugins_list
from harness.registry.plugin_pages import format_citation, plugin_page, plugins_json

PARAMETERS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "steps": {"type": "integer", "minimum": 1, "default": 50, "description": "how many"},
        "mode": {"enum": ["a", "b"], "type": "string", "default": "a"},
        "path": {"type": "string"},
        "over": {
            "x-reference": "explainers",
            "x-words": "an explainer",
            "x-explainer": True,
            "default": {"use": "lrp", "params": {"e": 1}},
        },
    },
    "required": ["path"],
}
DECLARATION = {"cite": "10.1000/182", "signed": True, "null": False, "bounds": [0, None], "needs": ["masks", "relu"], "passes": None}
GOOD = Card("explainers", "good-one", "acme-xai", "1.2", "acme:good", summary="Does [good].", doc="Does [good].\n\nMore.\nOf it.")
FULL = Card(**{**GOOD.to_json(), "parameters": PARAMETERS, "declaration": DECLARATION, "api": "1"})
BAD = Card("metrics", "bad-one", "acme-xai", "1.2", "acme:bad", error="ImportError: no moon\n  file.py:3 in x")


def text(renderable: RenderableType, width: int = 80) -> str:
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(renderable)
    return console.export_text()


def test_the_list_fits_and_names_what_is_broken() -> None:
    found = text(plugins_list([GOOD, BAD], ["spoilt: metadata cannot be read"], long=True))
    assert max(map(len, found.splitlines())) <= 80
    for part in (
        "explainers (1)",
        "good-one",
        "Does [good].",
        "acme-xai 1.2",
        "broken (1)",
        "metric bad-one",
        "ImportError: no moon",
        "spoilt",
    ):
        assert part in found
    assert "file.py" not in found


def measure(name: str, category: str, direction: str, **more: Any) -> Card:
    declaration = {"category": category, "direction": direction, **more}
    return Card("metrics", name, "acme-metrics-of-a-long-name", "1.2", "acme:m", summary="Measures something.", declaration=declaration)


BY = {"by": {"which": {"one": {"category": "robustness", "direction": "lower"}}}}
MEASURES = [
    measure("wobble", "robustness", "lower"),
    measure("a-metric-of-a-very-long-name", "faithfulness", "higher"),
    measure("any", "faithfulness", "higher", **BY),
    measure("turns", "faithfulness", "higher", by={"which": {"one": {"direction": "lower"}}}),
]


def test_metrics_are_listed_by_category_with_their_direction() -> None:
    lines = [line.strip() for line in text(plugins_list([GOOD, *MEASURES])).splitlines()]
    titles = [line for line in lines if line.endswith(")")]
    assert titles == ["explainers (1)", "metrics: faithfulness (2)", "metrics: robustness (1)", "metrics: several categories (1)"]
    places = {line.split("  ")[0]: k for k, line in enumerate(lines)}
    assert places["metrics: faithfulness (2)"] < places["↑ a-metric-of-a-very-long-name"] < places["↕ turns"]
    assert places["↕ turns"] < places["metrics: robustness (1)"] < places["↓ wobble"]
    assert places["↓ wobble"] < places["metrics: several categories (1)"] < places["↕ any"]


def test_explainers_are_listed_by_family_and_nulls_last() -> None:
    def explainer(name: str, **declaration: Any) -> Card:
        return Card("explainers", name, "acme-xai", "1.2", "acme:e", summary="Explains.", declaration=declaration)

    cards = [GOOD, explainer("flat", null=True), explainer("bent", family="perturbation"), explainer("steep", family="gradients")]
    titles = [line.strip() for line in text(plugins_list(cards)).splitlines() if line.strip().endswith(")")]
    assert titles == ["explainers (1)", "explainers: gradients (1)", "explainers: perturbation (1)", "explainers: nulls (1)"]
    assert [card.name for card in filter_cards(cards, ["PERTURB"])] == ["bent"]
    assert [card.name for card in filter_cards(cards, ["explainers", "nulls"])] == ["flat"]
    with pytest.raises(ValueError, match="unknown family 'gradient'"):
        declare_explainer(family="gradient")  # type: ignore[arg-type]


@pytest.mark.parametrize("width", [20, 33, 59, 60, 80, 200])
def test_the_list_shows_all_at_any_width_and_breaks_no_word_that_fits(width: int) -> None:
    cards = [FULL, BAD, *MEASURES]
    found = text(plugins_list(cards, long=True), width)
    assert max(map(len, found.splitlines())) <= width
    words = found.split()
    for told in ("several categories", "broken", "Does [good].", "Measures something.", "ImportError: no moon", "good-one", "wobble"):
        assert set(told.split()) <= set(words)
    if width < 60:  # one cell below the other
        assert all(card.name in "".join(words) for card in cards)


def test_an_empty_list_says_what_to_do() -> None:
    assert "install a plugin" in text(plugins_list([]))


def test_a_page_shows_parameters_and_source() -> None:
    found = text(plugin_page(FULL))
    assert max(map(len, found.splitlines())) <= 80
    for part in (
        "an integer ≥ 1",
        "how many",
        'one of "a", "b"',
        "required",
        'lrp {"e": 1}',
        "https://doi.org/10.1000/182",
        "0 to ∞",
        "masks, relu",
    ):
        assert part in " ".join(found.split())
    assert "More. Of it." in found and "null" not in found


def test_a_broken_page_says_why_in_full() -> None:
    found = text(plugin_page(BAD))
    assert "broken: ImportError: no moon" in found and "file.py:3" in found


def test_json_holds_everything() -> None:
    assert [Card.from_json(item) for item in json.loads(plugins_json([FULL, BAD]))] == [FULL, BAD]


ENTRY = """@article{x, title = {Two {GPU}s = one}, author = {Doe, Jane and Roe, R. and Poe, P.},
  journal = "J. of X", year = 2020, doi = {10.1/2}}"""


def test_citations_are_one_line() -> None:
    cases: dict[str, Any] = {
        "10.1/2": "https://doi.org/10.1/2",
        "arXiv:1703.01365": "https://arxiv.org/abs/1703.01365",
        "A book": "A book",
        ENTRY: "Doe et al. 2020. Two GPUs = one. J. of X. https://doi.org/10.1/2",
    }
    for cite, expected in cases.items():
        assert format_citation(cite) == expected


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"Hedstr{\"o}m", "Hedström"),
        (r"Rodr\'iguez Mart{\'\i}nez", "Rodríguez Martínez"),
        (r"C{\'e}line Fran{\c c}ois {\v{S}}imon", "Céline François Šimon"),
        (r"Fr\"uchte {\~n}", "Früchte ñ"),
        (r"50 \% of \textbf{this}", r"50 \% of \textbfthis"),
    ],
)
def test_accents_of_latex_are_letters(written: str, read: str) -> None:
    assert plain_fields("@misc{key, author = {" + written + "}}")["author"] == read
