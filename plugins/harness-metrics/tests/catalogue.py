"""Makes docs/metrics.md from what the metrics declare: ``PYTHONPATH=. python plugins/harness-metrics/tests/catalogue.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from harness.api.declarations import Category, resolve_declared_fields
from tests.support.components import cards_of, plain_fields

DOCUMENT = Path(__file__).parents[3] / "docs" / "metrics.md"
HEAD = """# The metrics of harness-metrics

`harness plugins show NAME` says how each is defined, what its parameters mean, in which range it lies and when it is undefined;
[quantus.md](quantus.md) says how those that Quantus has too differ from Quantus's. `harness run specs/catalogue.yaml` runs them all.

↑ higher is better, ↓ lower. *Needs* is what there must be: masks; boxes, or masks to put them round; training images
(`training-data`), with their labels (`training-labels`); the explainer itself, which is asked again; any other word is a kind of
evidence that the dataset must have. Where it is missing the metric is not applicable. Metrics of agreement take an explanation that
is made of parts, like the triad's, and are undefined for all others.
"""


def made() -> str:
    """The document."""
    cards = cards_of("harness-metrics", "metrics")
    parts = [HEAD]
    for category in get_args(Category):
        chosen = sorted((card for card in cards if card.declaration["category"] == category), key=lambda card: card.name)
        parts.append(f"\n## {category.capitalize()}\n\n| | metric | what it is | needs | source |\n| --- | --- | --- | --- | --- |\n")
        parts += [row(card) for card in chosen]
    return "".join(parts)


def row(card: Any) -> str:
    """One metric's line of the table."""
    arrow = {"higher": "↑", "lower": "↓"}[card.declaration["direction"]]
    defaults = {name: schema.get("default") for name, schema in card.parameters.get("properties", {}).items()}
    needs = ", ".join(resolve_declared_fields(card.declaration, defaults).get("needs", ()))
    return f"| {arrow} | `{card.name}` | {card.summary} | {needs} | {paper(card.declaration['cite'])} |\n"


def paper(cite: str) -> str:
    """Authors and year, with a link to the paper."""
    fields = plain_fields(cite)
    authors = [author.split(",")[0] for author in fields["author"].split(" and ")]
    who = authors[0] if len(authors) == 1 else " and ".join(authors) if len(authors) == 2 else f"{authors[0]} et al."
    if "doi" in fields:
        return f"[{who} {fields['year']}](https://doi.org/{fields['doi']})"
    if "eprint" in fields:
        return f"[{who} {fields['year']}](https://arxiv.org/abs/{fields['eprint']})"
    return f"[{who} {fields['year']}]({fields['url']})" if "url" in fields else f"{who} {fields['year']}"


if __name__ == "__main__":
    DOCUMENT.write_text(made())
