"""Factors: in what the components of a run differ, by the names of what was swept."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from harness.results.components import ExplainerInfo
from harness.results.data_model import Group, Results
from harness.text_format import format_some, to_printable_line
from harness.user_errors import UserError

Kind = Literal["model", "dataset", "explainer"]
KINDS: tuple[Kind, ...] = ("model", "dataset", "explainer")
LABELLED: tuple[Kind, ...] = ("model", "dataset")  # kinds whose labels are levels, too
MAX_LISTED_FACTORS = 12


class FactorError(UserError):
    """Factors by which a run cannot be grouped."""


@dataclass(frozen=True)
class FactoredComponent:
    """One component as a group has it: its label, its registered name, and its factors."""

    label: str
    name: str
    factors: Mapping[str, str]

    def without(self, names: Collection[str]) -> str:
        """What it is called where the factors of these names do not matter: alike for all that differ in nothing else.

        The label of a sweep ends with its factors, which are taken out of it. Of a label that was written by hand the component's name
        stands, with the other factors.
        """
        if not set(names) & set(self.factors):
            return self.label
        others = [f"{name}={value}" for name, value in self.factors.items() if name not in names]
        named = [f"{name}={value}" for name, value in self.factors.items() if f"{name}={value}" in self.label]
        said = ", ".join(named)
        if named and self.label.endswith(said):
            return f"{self.label.removesuffix(said).strip()} {', '.join(text for text in named if text in others)}".strip()
        return f"{self.name} {', '.join(others)}".strip()


@dataclass(frozen=True)
class Factor:
    """A factor: what it is called, whose it is, and by which name components have it; None: their labels are its values."""

    name: str
    kind: Kind
    key: str | None

    def value(self, component: FactoredComponent) -> str | None:
        """The level that a component is at; None if it has none."""
        return component.label if self.key is None else component.factors.get(self.key)


def factored_components(group: Group, row: ExplainerInfo) -> dict[Kind, FactoredComponent]:
    """The model, the dataset and the explainer of a row of a group."""
    found: dict[Kind, FactoredComponent] = {"explainer": FactoredComponent(row.label, row.component, row.factors)}
    labels: dict[Kind, str] = {"model": group.model, "dataset": group.dataset}
    for kind, label in labels.items():
        info = group.recipes.get(kind)
        found[kind] = FactoredComponent(label, info.component if info else label, info.factors if info else {})
    return found


def find_factors(results: Results, names: Sequence[str]) -> list[Factor]:
    """The factors of these names, each once: those that models, datasets and explainers were swept over, ``model`` and ``dataset``.

    A name that several kinds have is the model's, else the dataset's; ``dataset seed`` and ``explainer seed`` are the others' (as are
    all with the kind before them). Raises `FactorError` for a name that nothing has.
    """
    there = _all_factors(results)
    chosen = list(dict.fromkeys(" ".join(name.split()) for name in names))
    if not chosen or not all(chosen):
        raise FactorError("say by what levels are made: " + _list_factors(there))
    unknown = [name for name in chosen if name not in there]
    if unknown:
        near = get_close_matches(unknown[0], there, n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise FactorError(f"nothing here was swept by {to_printable_line(unknown[0])!r}{meant} ({_list_factors(there)})")
    return [there[name] for name in chosen]


def _all_factors(results: Results) -> dict[str, Factor]:
    """Factors by all names that they answer to, the usual one first."""
    found: dict[str, Factor] = {}
    for kind in KINDS:
        for key in dict.fromkeys(key for component in _components(results, kind) for key in component.factors):
            usual = f"{kind} {key}" if key in found else key
            found[usual] = found[f"{kind} {key}"] = Factor(usual, kind, key)
    return {**{kind: Factor(kind, kind, None) for kind in LABELLED}, **found}


def _components(results: Results, kind: Kind) -> Iterator[FactoredComponent]:
    return (factored_components(group, row)[kind] for group in results.groups for row in group.explainers)


def _list_factors(there: Mapping[str, Factor]) -> str:
    names = [to_printable_line(name) for name, factor in there.items() if factor.name == name]
    return f"there are {format_some(names, MAX_LISTED_FACTORS)}"
