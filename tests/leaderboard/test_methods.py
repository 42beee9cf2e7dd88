"""How a run evaluated, as paragraphs of a paper and a reviewer's checklist."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.leaderboard.bibliography import collect_sources, render_bibliography
from harness.leaderboard.build import build_leaderboard
from harness.leaderboard.methods.checklist import checklist
from harness.leaderboard.methods.prose_style import ProseFormat, ProseStyle
from harness.leaderboard.methods.render import render_methods
from harness.results.components import ComponentInfo
from harness.results.data_model import CostsEntry, Results
from tests.analysis.test_classifier_comparison import net
from tests.support.swept_results import swept_results
from tests.support.synthetic_results import leaderboard_results, write_run

FORMATS = get_args(ProseFormat)
PARAMS = {"layer": None, "relu": True, "draws": 32, "over": {"use": "grad-cam", "params": {"power": 0.5}}, "fractions": [0.1, 0.5]}


def changed(results: Results, **fields: Any) -> Results:
    """With other fields of its only group."""
    return dataclasses.replace(results, groups=[dataclasses.replace(results.groups[0], **fields)])


@pytest.fixture(scope="module")
def results() -> Results:
    made = leaderboard_results()
    group = made.groups[0]
    rows = [dataclasses.replace(info, params=PARAMS) if info.label == "SHAP" else info for info in group.explainers]
    data = ComponentInfo(component="lesion_set", params={"split": "test"})
    return changed(made, explainers=rows, recipes={**group.recipes, "dataset": data})


@pytest.mark.parametrize("format", FORMATS)
def test_all_that_was_used_is_named_with_its_parameters(results: Results, format: ProseFormat) -> None:
    text = render_methods(results, format, with_checklist=False)
    style = ProseStyle.of(format, [])
    for info in (*results.groups[0].explainers, *results.groups[0].metrics):
        assert style.name(info.label) in text
    said = f"({style.name('shap-gradient')}, {style.words('relu = true')}, {style.words('draws = 32')}, "
    said += f"{style.words('over = grad-cam {power: 0.5}')}, {style.words('fractions = [0.1, 0.5]')})"
    assert f"{style.name('SHAP')} {said}" in text, "what is null is left out"
    assert f"{style.name('lesions')} ({style.name('lesion_set')}, split = test) has 52 samples" in text
    assert f"classifies 92.3 {style.percent} of them correctly; 48 of 52 samples (classified correctly) count" in text
    assert f"The reference of all differences is {style.name('triad')}." in text


def test_every_source_is_cited_by_the_key_that_it_has_in_the_bibliography(results: Results) -> None:
    text = render_methods(results, "latex")
    cited = {key for found in re.findall(r"\\cite\{([^}]*)\}", text) for key in found.split(",")}
    assert cited == set(re.findall(r"^@\w+\{([^,]+),", render_bibliography(results), flags=re.M)) != set()


@pytest.mark.parametrize(
    ("authors", "said"),
    [
        ("Selvaraju, Ramprasaath R.", "Selvaraju 2017"),
        ("Dean, N. and Pagano, M.", "Dean and Pagano 2017"),
        ("A, B. and C, D. and E, F.", "A et al. 2017"),
        ("{The developers of xai-harness}", "The developers of xai-harness 2017"),
        ('Hedstr{\\"o}m, Anna', "Hedström 2017"),
    ],
)
def test_sources_are_cited_by_author_and_year(results: Results, authors: str, said: str) -> None:
    entry = f"@misc{{key, title = {{Maps}}, author = {{{authors}}}, year = {{2017}}}}"
    rows = [dataclasses.replace(info, cite=entry if info.label == "lrp" else None) for info in results.groups[0].explainers]
    assert f"lrp ({said})" in render_methods(changed(results, explainers=rows), "text")


def test_names_are_shown_and_not_obeyed() -> None:
    style = ProseStyle.of("latex", collect_sources(leaderboard_results()))
    assert style.name(r"a_b%\input{x}") == r"\texttt{a\_b\%\textbackslash{}input\{x\}}"
    assert ProseStyle.of("markdown", []).name("a`b") == "a`b"
    assert "\x1b" not in ProseStyle.of("text", []).words("\x1b[31mred")


def answers(results: Results) -> dict[str, tuple[bool, str]]:
    return {item.question: (item.answered, item.said) for item in checklist(results, build_leaderboard(results))}


def test_the_checklist_says_what_there_is_and_what_to_do(results: Results) -> None:
    found = answers(results)
    assert found["Is it said how many samples count?"] == (True, "lesions on lesions-vgg: 48 of 52")
    assert found["Is there more than one data set or model?"] == (False, "1 data set, 1 model: conclusions are of these alone")
    assert found["Is it known which metrics tell truth from noise?"][0] is False
    assert found["Was all computed that can be?"] == (
        False,
        "115 of 120 cells, 1 not applicable, 1 failed, 1 incomplete, 1 out-of-memory, 1 timeout",
    )
    assert found["Is the code committed?"] == (False, "the run was not started in a repository")
    assert found["Are costs given, and on what hardware?"][0] is False


def test_each_answer_follows_from_the_run(results: Results) -> None:
    """The same questions of a run that has what the other lacks, and the other way round."""
    group = results.groups[0]
    other = dataclasses.replace(group, model="another", replicate_of="vgg")
    costs = dict.fromkeys(group.explainer_labels, CostsEntry(seconds_per_sample=1.0, hardware="a card"))
    seeds = [dataclasses.replace(group, model=f"seed {k}", replicate_of="vgg", costs=costs) for k in range(3)]
    better = answers(dataclasses.replace(results, groups=seeds, provenance={**results.provenance, "git": "abc"}))
    assert better["Is there more than one data set or model?"] == (True, "1 data set, 3 models")
    assert better["Are models trained with several seeds?"] == (True, "at least 3 of each")
    assert better["Is the code committed?"] == (True, "abc")
    assert better["Are costs given, and on what hardware?"] == (True, "a card")
    assert answers(dataclasses.replace(results, groups=[group, other]))["Are models trained with several seeds?"][0] is False
    dirty = dataclasses.replace(results, provenance={"git": "abc-dirty"})
    assert answers(dirty)["Is the code committed?"] == (False, "abc, with changes")
    assert answers(dirty)["Is the seed given?"] == (False, "it is not known")
    rows = [info for info in group.explainers if not results.is_null(info)]
    columns = [info for info in group.metrics if info.category == "faithfulness"]
    cells = {
        pair: cell for pair, cell in group.cells.items() if pair[0] in {r.label for r in rows} and pair[1] in {c.label for c in columns}
    }
    worse = answers(changed(results, explainers=rows, metrics=columns, cells=cells, accuracy=None))
    assert worse["Is the accuracy of each model given?"] == (False, "that of some is not known")
    assert worse["Are explainers held against maps that know nothing?"] == (False, "name `nulls` in the spec")
    assert worse["Is anything held against ground truth?"][0] is False
    assert worse["Are there metrics of more than one kind?"] == (False, "faithfulness alone")


def said(results: Results) -> str:
    return render_methods(results, "text", with_checklist=False)


def test_no_test_is_claimed_that_was_not_made() -> None:
    """Without a null there is no skill, and without a reference no comparison."""
    with_nulls = swept_results(("1conv",), seeds=1)
    assert "The skill of an explainer" in said(with_nulls) and "one-sided Wilcoxon" in said(with_nulls)
    assert "They have to beat 1 null explainer, which knows nothing of the model: noise." in said(with_nulls)
    assert "with the reference" not in said(with_nulls), "there is none"
    plain = [dataclasses.replace(info, null=False) for info in with_nulls.groups[0].explainers]
    without = changed(dataclasses.replace(with_nulls, nulls=[]), explainers=plain)
    text = said(without)
    assert "Means have 95 % intervals" in text
    assert not any(word in text for word in ("skill", "Wilcoxon", "p-values", "resamples"))
    question = "Are uncertainty, tests and effects given, and p-values adjusted?"
    assert answers(without)[question] == (False, "95 % intervals alone: name a `reference` and `nulls` in the spec")
    assert answers(with_nulls)[question] == (True, "95 % intervals, signed-rank tests, false discovery rate")
    referred = dataclasses.replace(without, reference="plain")
    assert "with the reference sample by sample by the Wilcoxon signed-rank test and the paired t-test" in said(referred)
    assert "one-sided" not in said(referred) and answers(referred)[question][1] == (
        "95 % intervals, signed-rank tests, rank-biserial effects, false discovery rate"
    )


def test_models_that_were_not_chosen_are_counted() -> None:
    whole = swept_results(("1conv", "all"))
    others = [dataclasses.replace(group, cells={}, explainers=[], metrics=[]) for group in whole.groups[2:5]]
    best = dataclasses.replace(whole, groups=[*whole.groups[:2], whole.groups[5]], not_kept=others)
    assert "chosen by their accuracy" not in said(whole)
    assert "Of 6 models these were chosen by their accuracy; 3 others, with accuracies of 72.0 to 86.0 %, are not explained." in said(best)
    alone = dataclasses.replace(best, not_kept=others[:1])
    assert "Of 4 models these were chosen by their accuracy; 1 other, with an accuracy of 72.0 %, is not explained." in said(alone)
    assert answers(best)["Are models trained with several seeds?"] == (True, "at least 3 of each")


@pytest.mark.parametrize(("correction", "words"), [("fdr", "a false discovery rate of their own"), ("holm", "Holm's method (1979)")])
def test_tests_between_models_are_said(correction: str, words: str) -> None:
    def classifiers(seeds: int) -> Results:
        nets = [net(f"{tune} seed={k}", 0.5, k, tune if seeds > 1 else None) for tune in ("head", "all") for k in range(seeds)]
        return Results(provenance={}, groups=nets, correction=correction, bootstrap=50)  # type: ignore[arg-type]

    mcnemar = "Accuracies of models are compared by McNemar's exact test (1947) on the samples that both predict"
    assert f"{mcnemar}, with p-values adjusted by {words}." in said(classifiers(1))
    assert f"{mcnemar} and the paired t-test over training seeds, with p-values adjusted by {words}." in said(classifiers(3))


def test_one_model_without_seeds_is_seen_beside_one_with(results: Results) -> None:
    group = results.groups[0]
    nets = [dataclasses.replace(group, model=f"seed {k}", replicate_of="vgg") for k in range(3)]
    nets.append(dataclasses.replace(group, model="resnet"))
    found = answers(dataclasses.replace(results, groups=nets))["Are models trained with several seeds?"]
    assert found == (False, "resnet with 1: `sweep: {seed: [0, 1, 2]}` of a model that is trained")


def test_the_command(tmp_path: Path, results: Results) -> None:
    write_run(tmp_path, results)
    found = CliRunner().invoke(app, ["methods", str(tmp_path), "--format", "markdown", "--no-checklist"])
    assert found.exit_code == 0, found.output
    assert found.output.startswith("**Software.** All evaluations were made with xai-harness 0.1.0")
    assert "[ ]" not in found.output
    assert "- [ ] " in CliRunner().invoke(app, ["methods", str(tmp_path)]).output
