"""Articles on the components of a group: what a metric measures or an explainer does, with what parameters, and from which source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.leaderboard.number_format import percent_text, printable, probability_text
from harness.registry.registry import Registry
from harness.report.component_cards import ComponentText, component_text
from harness.report.taxonomy import category_meaning
from harness.results.components import ComponentInfo
from harness.results.data_model import Group
from harness.results.document import GroupEntry, MetricEntry, Row
from harness.results.meta_document import MetaEntry, MetaMetric
from harness.text_format import format_some

HEADINGS = {
    "metrics": "Metrics",
    "explainers": "Explainers",
    "datasets": "The data set and the model",
    "models": "The data set and the model",
}


@dataclass(frozen=True)
class Article:
    """One component: ``facts`` are pairs of a term and its value, ``key`` tells it from others of the page, ``kind`` is its heading."""

    key: str
    kind: str
    title: str
    component: str
    facts: list[tuple[str, str]]
    text: ComponentText


def group_articles(number: int, entry: GroupEntry, group: Group, meta: MetaEntry | None, registry: Registry) -> Iterator[Article]:
    """Articles on the data set, the model, every metric and every row of a group."""
    for kind in ("dataset", "model"):
        if (info := group.recipes.get(kind)) is not None:
            label = entry.dataset if kind == "dataset" else entry.model
            yield _article(f"{number}-{kind}", label, info, [], f"{kind}s", registry)
    known = {} if meta is None else {found.label: found for found in meta.metrics}
    infos: Mapping[str, ComponentInfo] = {info.label: info for info in group.metrics}
    for k, metric in enumerate(entry.metrics):
        facts = [*_metric_facts(metric), *_meta_facts(known.get(metric.label))]
        yield _article(f"{number}-m{k}", metric.label, infos[metric.label], facts, "metrics", registry)
    rows: Mapping[str, ComponentInfo] = {info.label: info for info in group.explainers}
    for k, row in enumerate(entry.rows):
        yield _article(f"{number}-r{k}", row.label, rows[row.label], list(_row_facts(row)), "explainers", registry)


def _article(key: str, label: str, info: ComponentInfo, facts: list[tuple[str, str]], kind: str, registry: Registry) -> Article:
    text = component_text(kind, info, registry)
    named = f"{printable(info.component)} of {printable(info.plugin)} {printable(info.version)}".strip() if info.plugin else info.component
    return Article(key, HEADINGS[kind], printable(label), printable(named), [(term, printable(value)) for term, value in facts], text)


def _metric_facts(metric: MetricEntry) -> list[tuple[str, str]]:
    meaning = category_meaning(metric.category)
    low, high = (
        "−∞" if metric.bounds[0] is None else f"{metric.bounds[0]:g}",
        "∞" if metric.bounds[1] is None else f"{metric.bounds[1]:g}",
    )
    weight = metric.weights.get("category", 0.0)
    counts = f"with {percent_text(weight)} of the weight" if weight else f"not: {metric.discounted or _why_no_weight(metric)}"
    facts = [
        ("category", f"{metric.category}: {meaning.question}"),
        ("Co-12", f"{meaning.co_12} (of most metrics of the category)"),
        ("better is", metric.direction),
        ("possible scores", f"{low} to {high}"),
        ("counts in the headline", counts),
    ]
    if metric.inverted:
        facts.append(("inverted", "scores are of a map minus those of its inverse (quality gap estimate)"))
    if metric.alike:
        facts.append(("shares its weight with", format_some([printable(label) for label in metric.alike])))
    return facts


def _why_no_weight(metric: MetricEntry) -> str:
    if metric.role == "manners":
        return "it says how pleasant a map is, and a map that says nothing can be that"
    return "its weight is 0"


def _meta_facts(found: MetaMetric | None) -> Iterator[tuple[str, str]]:
    """What the meta-evaluation says of the metric."""
    if found is None:
        return
    if found.separation is not None:
        verdict = "tells an oracle from the nulls" if found.separation.separates else "does not tell an oracle from the nulls"
        yield (
            "on trial",
            f"{verdict}: better on {percent_text(found.separation.wins)} of the samples, p = {probability_text(found.separation.p_holm)}",
        )
    if found.mc is not None:
        yield "meta-consistency", f"{found.mc:.2f} of 1 (Hedström et al. 2023)"


def _row_facts(row: Row) -> Iterator[tuple[str, str]]:
    if row.twin_of is not None:
        yield "null", f"the twin of {row.twin_of} on a randomised model"
    elif row.null:
        yield "null", "it looks at no model, and every explainer has to beat it"
    if row.notes.completeness_error is not None:
        yield "sum of the map", f"off by {100 * row.notes.completeness_error:.2g} % in the median of samples"
    if row.costs.hardware is not None:
        yield "costs measured on", row.costs.hardware
    yield from (("warning", text) for text in row.notes.warnings)
