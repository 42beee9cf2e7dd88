"""Makes docs/metrics.md from what the metrics declare: ``PYTHONPATH=. python plugins/harness-metrics/tests/catalogue.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from taxonomies import places

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

TAXONOMIES = """
## In the words of Co-12 and VXAI

[Nauta et al. 2023](https://doi.org/10.1145/3583558) sort evaluations by twelve properties of explanations (Co-12; in parentheses
their kind of evaluation), [Dembinsky et al. 2025](https://arxiv.org/abs/2506.15408) by seven desiderata (VXAI). Which metric
belongs where is our reading of both. What Co-12 calls correctness, VXAI fidelity and we faithfulness is asked of the model;
localisation is asked of a mask, which says whether a map is plausible, and whether it is true only where the mask holds all that
the model can go by, as in data that are made so. No metric stands under covariate complexity, composition, confidence, context and
controllability, which are of other forms of explanation or of people. Two of VXAI's desiderata are columns and notes of the
leaderboard instead of metrics: efficiency (seconds, passes and memory), and coverage (cells that are not applicable, scores that
are undefined).

Names that differ: SRG (symmetric relevance gain, [Blücher et al. 2024](https://arxiv.org/abs/2401.06654)) is `abpc`, the area
between the curves of removing the least and the most relevant first; the quality gap estimate QGE is `inverted: true` of any
metric; IDSDS without fine-tuning is `single-deletion`.

| metric | Co-12 | VXAI |
| --- | --- | --- |
"""


def made() -> str:
    """The document."""
    cards = cards_of("harness-metrics", "metrics")
    parts = [HEAD]
    for category in get_args(Category):
        chosen = sorted((card for card in cards if card.declaration["category"] == category), key=lambda card: card.name)
        parts.append(f"\n## {category.capitalize()}\n\n| | metric | what it is | needs | source |\n| --- | --- | --- | --- | --- |\n")
        parts += [row(card) for card in chosen]
    placed = places()
    parts += [TAXONOMIES, *(f"| `{card.name}` | {' | '.join(placed[card.name])} |\n" for card in sorted(cards, key=lambda card: card.name))]
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
