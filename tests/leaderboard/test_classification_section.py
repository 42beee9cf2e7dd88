"""What is shown of models as classifiers."""

import pytest

from harness.leaderboard.render import render_leaderboard
from harness.leaderboard.sections.classification import classification_section, shown_classification
from harness.leaderboard.sections.section import Section
from harness.results.classification_document import (
    MEASURES,
    ClassificationEntry,
    ClassifierComparison,
    ClassifierEntry,
    ClassifierFamily,
    McNemarEntry,
    SeedTest,
    Spread,
)
from harness.results.document import Leaderboard, Settings


def entry(seeds: int, p: float = 0.01) -> ClassificationEntry:
    """Two models, or two families of replicates."""
    pairs = [(f"a seed={k}", f"b seed={k}") for k in range(seeds)]
    models = [ClassifierEntry(model=label, samples=50, measures=dict.fromkeys(MEASURES, 0.5)) for pair in pairs for label in pair]
    families = [
        ClassifierFamily(name=name, models=[pair[k] for pair in pairs], measures=dict.fromkeys(MEASURES, Spread(mean=0.5, deviation=0.02)))
        for k, name in enumerate("ab")
    ]
    tests = {name: SeedTest(difference=-0.25, low=-0.3, high=-0.2, p=p / 2, p_adjusted=p, pairs=seeds) for name in MEASURES}
    mcnemar = [
        McNemarEntry(first=one, second=two, samples=50, only_first=12, only_second=3, p=0.01, p_adjusted=0.01 + 0.2 * k)
        for k, (one, two) in enumerate(pairs)
    ]
    compared = ClassifierComparison(first="a", second="b", over_seeds=tests if seeds > 1 else {}, mcnemar=mcnemar)
    return ClassificationEntry(dataset="data", models=models, families=families, comparisons=[compared])


def renamed(found: ClassificationEntry, names: list[str]) -> ClassificationEntry:
    models = [model.model_copy(update={"model": name}) for model, name in zip(found.models, names, strict=True)]
    return found.model_copy(update={"models": models})


def document(found: ClassificationEntry, **settings: object) -> Leaderboard:
    return Leaderboard(run={}, settings=Settings(**settings), groups=[], overall=[], classification=[found])  # type: ignore[arg-type]


def tables(section: Section) -> dict[str, list[list[str]]]:
    return {table.title: [[cell.words + cell.marks for cell in row] for row in table.rows] for table in section.tables}


def section(seeds: int, p: float = 0.01, **settings: object) -> Section:
    found = entry(seeds, p)
    return classification_section(document(found, **settings), found, 1)


def test_replicates_have_means_and_tests_over_seeds() -> None:
    found = tables(section(3))
    assert found["Over training seeds"] == [[name, "3", *["0.500 ± 0.020"] * 6] for name in "ab"]
    assert len(found["Each model"]) == 6
    assert found["One against another"] == [["b minus a", *["-0.250 ± 0.050▼", "0.010"] * 3, "3 pairs", "1 of 3 differ"]]


def test_what_the_tests_do_not_find_has_no_mark() -> None:
    assert tables(section(3, p=0.06))["One against another"][0][1:3] == ["-0.250 ± 0.050", "0.060"]
    assert tables(section(3, p=0.06, confidence=0.9))["One against another"][0][1] == "-0.250 ± 0.050▼"


def test_single_models_have_counts_of_mcnemar() -> None:
    found = tables(section(1))
    assert list(found) == ["Each model", "One against another"]
    assert found["One against another"] == [["b minus a", "3 : 12", "0.010"]]


def test_models_that_are_not_explained_are_marked() -> None:
    found = entry(1)
    marked = found.model_copy(update={"models": [found.models[0], found.models[1].model_copy(update={"kept": False})]})
    shown = classification_section(document(marked), marked, 1)
    assert [row[:3] for row in tables(shown)["Each model"]] == [["a seed=0", "yes", "50"], ["b seed=0", "no", "50"]]
    assert "explained" in {item.mark for item in shown.legend(shown.tables)}
    assert "explained" not in {column.header for table in section(1).tables for column in table.columns}


@pytest.mark.parametrize(("correction", "said"), [("fdr", "false discovery rate"), ("holm", "Holm")])
def test_the_legend_says_how_is_adjusted(correction: str, said: str) -> None:
    shown = section(3, correction=correction)
    legend = {item.mark: item.meaning for item in shown.legend(shown.tables)}
    assert said in legend["p"]
    assert said in legend["McNemar"]
    assert legend["▼"] == "worse (p < 0.05)"


def test_one_model_is_shown_if_it_was_swept_or_is_asked_for() -> None:
    alone = ClassificationEntry(dataset="data", models=entry(1).models[:1], families=entry(1).families[:1])
    assert shown_classification(document(alone)) == []
    assert "Each model" in render_leaderboard(document(alone), "md", models=True)
    swept = alone.model_copy(update={"models": [alone.models[0].model_copy(update={"factors": {"tune": "all"}})]})
    assert shown_classification(document(swept)) == [swept]


@pytest.mark.parametrize("width", [60, 80])
def test_models_whose_names_begin_alike_can_be_told_apart_on_a_narrow_terminal(width: int) -> None:
    """Such as those of a sweep: shortened, all rows of a level would have one name."""
    begin = "trained init=another network, tune=everything"
    found = entry(3)
    named = renamed(found, [f"{begin}, {model.model[2:]} {model.model[0]}" for model in found.models])
    drawn = render_leaderboard(document(named), "terminal", width=width)
    text = " ".join(word for line in drawn.splitlines() for word in line.split())
    assert max(map(len, drawn.splitlines())) <= width
    for seed in range(3):
        for letter in "ab":
            assert f"seed={seed} {letter}" in text
    short = render_leaderboard(document(found), "terminal", width=width)
    assert "…" not in drawn and "…" not in short
    alone = renamed(found, [f"{k}{begin * 2}" for k in range(6)])
    assert "…" in render_leaderboard(document(alone), "terminal", width=width), "names that stay apart are shortened, and take one line"


def test_a_heading_keeps_the_letters_of_a_name() -> None:
    text = render_leaderboard(document(entry(3)), "md", models=True)
    assert "### McNemar" in text and "Mcnemar" not in text
