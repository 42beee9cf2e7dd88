"""BibTeX of the methods and metrics that a run used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import count

from harness.bibtex import ENTRY_HEAD, accents_to_latex, entry_fields, split_entries, to_standard_bibtex
from harness.leaderboard.formats.latex import escape_latex
from harness.results.components import ComponentInfo
from harness.results.data_model import Results

HARNESS, QUALITY_GAP, META_EVALUATION = "the harness", "inverted", "meta"
"""What cites sources besides components."""
RELEASE_YEAR = 2026  # of the release
METAQUANTUS_ENTRY = r"""@article{hedstrom2023metaquantus,
  title = {The Meta-Evaluation Problem in Explainable {AI}: Identifying Reliable Estimators with {MetaQuantus}},
  author = {Hedstr{\"o}m, Anna and Bommer, Philine and Wickstr{\o}m, Kristoffer K. and Samek, Wojciech and Lapuschkin, Sebastian
    and H{\"o}hne, Marina M.-C.},
  journal = {Transactions on Machine Learning Research},
  year = {2023},
  eprint = {2302.07265},
  archiveprefix = {arXiv}
}"""
QUALITY_GAP_ENTRY = r"""@inproceedings{eirasfranco2025inverse,
  title = {Evaluate with the Inverse: Efficient Approximation of Latent Explanation Quality Distribution},
  author = {Eiras-Franco, Carlos and Hedstr{\"o}m, Anna and H{\"o}hne, Marina M.-C.},
  booktitle = {Proceedings of the {AAAI} Conference on Artificial Intelligence},
  volume = {39},
  number = {26},
  year = {2025},
  doi = {10.1609/aaai.v39i26.34935}
}"""
_DOI = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:\s*)?(10\.\d{4,9}/\S+)", re.IGNORECASE)
_ARXIV = re.compile(
    r"(?:https?://arxiv\.org/(?:abs|pdf)/|arxiv[:\s]\s*)?(\d{4}\.\d{4,5}(?:v\d+)?|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:\.pdf)?", re.IGNORECASE
)


def render_bibliography(results: Results) -> str:
    """BibTeX: the harness, then every source once, each under a comment that names the components that cite it.

    Whole entries stay as they are where every style of BibTeX takes them (see `harness.bibtex.to_standard_bibtex`); a bare
    DOI or arXiv id becomes a ``@misc``. Two different entries of one key (BibTeX knows no case) are told apart by a number.
    """
    said = [f"% {accents_to_latex(', '.join(source.users)).replace('@', '')}\n{source.entry}" for source in collect_sources(results)]
    return "\n\n".join(said) + "\n"


@dataclass
class Source:
    """One publication: its entry, what identifies it, and the components that cite it."""

    entry: str
    identity: set[str]
    users: list[str]

    @property
    def key(self) -> str:
        """The entry's, to cite it by."""
        head = ENTRY_HEAD.match(self.entry)
        return "" if head is None else head[2]


def collect_sources(results: Results) -> list[Source]:
    """Every source of a run once, the harness first, each entry with a key of its own."""
    sources = [Source(_harness_entry(), set(), [HARNESS])]
    for recipe in _recipes(results):
        for entry in parse_citation(recipe.cite or "", recipe.component):
            _add_source(sources, to_standard_bibtex(entry), recipe.component)
    taken: set[str] = set()
    for source in sources:
        source.entry = _with_free_key(source.entry, taken)
    return sources


def _add_source(sources: list[Source], entry: str, component: str) -> None:
    """Add a citation; of two entries for one publication the one that says more stays."""
    identity = _identity(entry)
    known = next((source for source in sources if source.identity & identity), None)
    if known is None:
        sources.append(Source(entry, identity, [component]))
        return
    known.entry = max(known.entry, entry, key=lambda text: (not text.startswith("@misc{"), len(text)))
    known.identity |= identity
    if component not in known.users:
        known.users.append(component)


def _identity(entry: str) -> set[str]:
    """What two entries of the same publication share: the DOI, the eprint, the title or the whole text."""
    told = {
        name: re.sub(r"[^a-z0-9]", "", value.lower()) for name, value in entry_fields(entry).items() if name in ("doi", "eprint", "title")
    }
    return {" ".join(entry.split()), *(f"{name}:{value}" for name, value in told.items() if value)}


def parse_citation(cite: str, component: str) -> list[str]:
    """The BibTeX entries that one ``cite`` stands for; ``component`` makes the key of one without its own."""
    text = cite.strip()
    if not text:
        return []
    if text.startswith("@"):
        return list(split_entries(text))
    found = [_misc_entry(part, component) for several in re.split(r"[;\n]", text) for part in _sources(several.strip()) if part]
    return list(dict.fromkeys(found))


def _sources(text: str) -> list[str]:
    """DOIs and arXiv ids between commas one by one; other words as they are."""
    parts = [part.strip() for part in text.split(", ")]
    return parts if all(_DOI.fullmatch(part) or _ARXIV.fullmatch(part) for part in parts) else [text]


def _recipes(results: Results) -> Iterator[ComponentInfo]:
    for group in results.groups:
        yield from group.recipes.values()
        yield from group.explainers
        yield from group.metrics
    if any(metric.inverted for group in results.groups for metric in group.metrics):
        yield ComponentInfo(component=QUALITY_GAP, cite=QUALITY_GAP_ENTRY)
    if results.variants:
        yield ComponentInfo(component=META_EVALUATION, cite=METAQUANTUS_ENTRY)


def _misc_entry(source: str, component: str) -> str:
    """A ``@misc`` of a DOI, an arXiv id, or any other words."""
    doi, arxiv = _DOI.fullmatch(source), _ARXIV.fullmatch(source)
    if doi:
        return _misc(_key("doi", doi[1]), key=component, year="n.d.", doi=doi[1], url=f"https://doi.org/{doi[1]}")
    if arxiv:
        link = f"https://arxiv.org/abs/{arxiv[1]}"
        return _misc(_key("arxiv", arxiv[1]), key=component, eprint=arxiv[1], archiveprefix="arXiv", url=link)
    return _misc(_key("", component), key=component, note=escape_latex(source))


def _misc(entry_key: str, **fields: str) -> str:
    return f"@misc{{{entry_key},\n  " + ",\n  ".join(f"{name} = {{{value}}}" for name, value in fields.items()) + "\n}"


def _key(kind: str, text: str) -> str:
    return "-".join(part for part in (kind, re.sub(r"[^A-Za-z0-9.+-]+", "-", text).strip("-")) if part) or "source"


def _with_free_key(entry: str, taken: set[str]) -> str:
    """The entry, its key followed by a number where another entry has it already."""
    head = ENTRY_HEAD.match(entry)
    if head is None:
        return entry
    key = next(key for number in count(1) if (key := head[2] + ("" if number == 1 else f"-{number}")).lower() not in taken)
    taken.add(key.lower())
    return entry[: head.start(2)] + key + entry[head.end(2) :]


def _harness_entry() -> str:
    try:
        number = version("xai-harness")
    except PackageNotFoundError:
        number = "unknown"
    return _misc(
        "xai-harness",
        title="xai-harness: evaluation of explainers of image classifiers",
        author="{The developers of xai-harness}",
        howpublished="Software",
        year=str(RELEASE_YEAR),
        note=f"Version {escape_latex(number)}",
    )
