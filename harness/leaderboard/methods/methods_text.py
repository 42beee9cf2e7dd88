"""The paragraphs in which a paper says how it evaluated, out of what a run knows of itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from harness.leaderboard.bibliography import HARNESS, META_EVALUATION, QUALITY_GAP
from harness.leaderboard.methods.prose_style import ProseStyle
from harness.leaderboard.sections.sample_counts import sample_count_text
from harness.results.components import ComponentInfo, ExplainerInfo, MetricInfo
from harness.results.data_model import Results
from harness.results.document import Leaderboard
from harness.text_format import format_count

Info = TypeVar("Info", ExplainerInfo, MetricInfo)
TARGETS = {"predicted": "the class that the model predicts", "label": "the true class"}
CORRECTIONS = {
    "fdr": "one false discovery rate (Benjamini and Hochberg 1995) over all comparisons of a data set and model",
    "holm": "Holm's method (1979) over the explainers of each metric",
}


def methods_paragraphs(results: Results, document: Leaderboard, style: ProseStyle) -> list[str]:
    """What was run, on what, explained and measured how, and tested how; a paragraph each."""
    made = {
        "Software": _software(results, style),
        "Data and models": _data(results, document, style),
        "Explanations": _explanations(results, style),
        "Metrics": _metrics(results, style),
        "Statistics": _statistics(results, document, style),
    }
    return [style.heading(title) + " ".join(sentences) for title, sentences in made.items()]


def _software(results: Results, style: ProseStyle) -> Iterator[str]:
    run = results.provenance
    packages: Mapping[str, str] = run.get("packages") or {}
    used = {info.plugin for info in _components(results)}
    others = [f"{style.words(name)} {style.words(version)}" for name, version in packages.items() if name in used and name != "xai-harness"]
    core = f"xai-harness {style.words(packages['xai-harness'])}" if "xai-harness" in packages else "xai-harness"
    under = [f"Python {style.words(str(run['python']))}"] if run.get("python") else []
    under += [f"PyTorch {style.words(packages['torch'])}"] if "torch" in packages else []
    plugins = [f"the {'plugins' if len(others) > 1 else 'plugin'} {_listed(others)}"] if others else []
    sentence = f"All evaluations were made with {_listed([core + style.cited(HARNESS), *under, *plugins])}"
    yield sentence + (f", on {_listed(list(map(style.words, hardware)))}." if (hardware := used_hardware(results)) else ".")
    if run.get("seed") is not None:
        yield f"Random numbers are drawn for each sample from the seed {run['seed']}, whatever the batch."


def used_hardware(results: Results) -> list[str]:
    """The devices on which explanations were computed, by name."""
    return sorted({costs.hardware for group in results.groups for costs in group.costs.values() if costs.hardware})


def _data(results: Results, document: Leaderboard, style: ProseStyle) -> Iterator[str]:
    datasets = dict.fromkeys(group.dataset for group in results.groups)
    for dataset in datasets:
        groups = [group for group in results.groups if group.dataset == dataset]
        entries = [entry for entry in document.groups if entry.dataset == dataset]
        recipe = groups[0].recipes.get("dataset")
        yield f"The data set {_called(dataset, recipe, style)} has {format_count(len(groups[0].samples), 'sample')}."
        for group, entry in zip(groups, entries, strict=True):
            model = f"The model {_called(group.model, group.recipes.get('model'), style)}"
            right = "" if entry.accuracy is None else f" classifies {100 * entry.accuracy:.1f} {style.percent} of them correctly;"
            yield f"{model}{right or ':'} {sample_count_text(entry.samples, results.samples_rule, entry.samples_total)} count."
        yield from _left_out([group.accuracy for group in results.not_kept if group.dataset == dataset], len(groups), style)


def _left_out(accuracies: Sequence[float | None], explained: int, style: ProseStyle) -> Iterator[str]:
    """How many models others were better than, and how good these are."""
    if not accuracies:
        return
    known = [f"{100 * value:.1f}" for value in sorted(value for value in accuracies if value is not None)]
    one = len(accuracies) == 1
    noun = "an accuracy" if one else "accuracies"
    shares = f", with {noun} of {' to '.join(dict.fromkeys([known[0], known[-1]]))} {style.percent}," if known else ""
    others = f"{format_count(len(accuracies), 'other')}{shares} {'is' if one else 'are'} not explained"
    yield f"Of {format_count(explained + len(accuracies), 'model')} these were chosen by their accuracy; {others}."


def _explanations(results: Results, style: ProseStyle) -> Iterator[str]:
    targets = {group.explained.target for group in results.groups if group.explained.target is not None}
    said = _listed([TARGETS.get(str(target), f"the class {style.words(str(target))}") for target in sorted(targets, key=str)])
    rows = _once([info for group in results.groups for info in group.explainers])
    real, nulls, twins = (
        [info for info in rows if not results.is_null(info)],
        [info for info in rows if results.is_null(info) and info.twin_of is None],
        [info for info in rows if info.twin_of is not None],
    )
    of = f" of {said}" if said else ""
    yield f"We compare {format_count(len(real), 'explainer')}{of}: {_all_called(real, style)}."
    if nulls:
        count = format_count(len(nulls), "null explainer")
        yield f"They have to beat {count}, which {'know' if len(nulls) > 1 else 'knows'} nothing of the model: {_all_called(nulls, style)}."
    if twins:
        yield "Each is also held against itself on a copy of the model with random weights."
    if results.reference is not None:
        yield f"The reference of all differences is {style.name(results.reference)}."


def _metrics(results: Results, style: ProseStyle) -> Iterator[str]:
    columns = _once([info for group in results.groups for info in group.metrics])
    for category in dict.fromkeys(info.category for info in columns):
        named = [_metric(info, style) for info in columns if info.category == category]
        yield f"{style.words(category).capitalize()} is measured by {'; '.join(named)}."
    if any(info.inverted for info in columns):
        yield f"An inverted metric scores a map minus its inverse{style.cited(QUALITY_GAP)}."
    if results.variants:
        ways = "noise on inputs and weights, and by an oracle where there are masks"
        yield f"The metrics themselves are evaluated by {ways}{style.cited(META_EVALUATION)}."


def _metric(info: MetricInfo, style: ProseStyle) -> str:
    return _called(info.label, info, style, said=[f"{info.direction} is better"], cite=True)


def _statistics(results: Results, document: Leaderboard, style: ProseStyle) -> Iterator[str]:
    """Of what was done alone: no skill without nulls, no tests of what was held against nothing."""
    level = f"{100 * results.confidence:g} {style.percent}"
    yield f"Means have {level} intervals: Student's t, widened where scores are skewed (Hall 1992), and Wilson's for scores of 0 or 1."
    ranked = any(row.standings["category"].skill.value is not None for group in document.groups for row in group.rows)
    if ranked:
        yield "The skill of an explainer under a metric is the share of samples on which it scores better than the null that is hardest for"
        yield "it, ties half; the headline is the weighted mean over the metrics that tell whether a map is true,"
        yield "with simultaneous confidence sets of places."
        if weights := ", ".join(f"{name} {weight:g}" for name, weight in document.settings.weights.items()):
            yield f"Weights of the headline that were chosen: {style.words(weights)}."
        yield f"Intervals of skill rest on {results.bootstrap:,} resamples of the samples."
    tested = tested_against(document)
    if tested.reference:
        yield "Explainers are compared with the reference sample by sample by the Wilcoxon signed-rank test and the paired t-test,"
        yield "with the matched-pairs rank-biserial correlation as effect."
    if tested.nulls:
        yield "Each is compared with every null by the one-sided Wilcoxon signed-rank test;"
        yield "the greatest of these p-values counts (Berger 1982)."
    if tested.reference or tested.nulls:
        yield f"p-values are adjusted by {CORRECTIONS[results.correction]}, and are significant below {1 - results.confidence:.2g}."
    yield from _tests_between_models(document)


class TestedAgainst(NamedTuple):
    """Rivals that any explainer was tested against: the reference, and nulls."""

    reference: bool
    nulls: bool


def tested_against(document: Leaderboard) -> TestedAgainst:
    """What the cells of a run were tested against."""
    cells = [cell for group in document.groups for row in group.rows for cell in row.cells.values()]
    return TestedAgainst(any(cell.versus_reference is not None for cell in cells), any(cell.p_null is not None for cell in cells))


def _tests_between_models(document: Leaderboard) -> Iterator[str]:
    comparisons = [comparison for entry in document.classification for comparison in entry.comparisons]
    over_seeds = any(comparison.over_seeds for comparison in comparisons)
    tests = ["McNemar's exact test (1947) on the samples that both predict"] if any(one.mcnemar for one in comparisons) else []
    tests += ["the paired t-test over training seeds"] if over_seeds else []
    if tests:
        method = {"fdr": "a false discovery rate of their own", "holm": "Holm's method (1979)"}[document.settings.correction]
        yield f"Accuracies of models are compared by {_listed(tests)}, with p-values adjusted by {method}."


def _called(label: str, info: ComponentInfo | None, style: ProseStyle, *, said: Sequence[str] = (), cite: bool = False) -> str:
    """A label, with the component that it stands for where that is called otherwise, its parameters, and its sources."""
    if info is None:
        return style.name(label)
    inside = [*([style.name(info.component)] if info.component != label else []), *map(style.words, said)]
    inside += [style.words(f"{name} = {_value(value)}") for name, value in info.params.items() if value is not None]
    return style.name(label) + (f" ({', '.join(inside)})" if inside else "") + (style.cited(info.component) if cite else "")


def _all_called(infos: Sequence[ExplainerInfo], style: ProseStyle) -> str:
    return "; ".join(_called(info.label, info, style, cite=True) for info in infos)


def _value(value: Any) -> str:
    """A parameter's value in a line: a component by its name and what it was given."""
    if isinstance(value, Mapping):
        if "use" in value:
            given = _value(value["params"]) if value.get("params") else ""
            return f"{value['use']}{f' {given}' if given else ''}"
        return "{" + ", ".join(f"{name}: {_value(each)}" for name, each in value.items() if each is not None) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(parts: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def _once(infos: Iterable[Info]) -> list[Info]:
    """The first of each label."""
    return list({info.label: info for info in reversed(list(infos))}.values())[::-1]


def _components(results: Results) -> Iterator[ComponentInfo]:
    for group in results.everything:
        yield from (*group.recipes.values(), *group.explainers, *group.metrics)
