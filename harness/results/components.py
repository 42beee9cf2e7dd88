"""Components as a run used them: its rows, its columns, and what both were of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from harness.results.field_types import Name, Number

Direction = Literal["higher", "lower"]
Role = Literal["truth", "manners", "agreement"]
ROLES: dict[str, Role] = {
    **dict.fromkeys(("faithfulness", "localisation", "randomisation", "axiomatic"), "truth"),
    **dict.fromkeys(("complexity", "robustness"), "manners"),
    "agreement": "agreement",
}
"""What the metrics of a category say: whether a map tells the truth, whether it is pleasant (a map that says nothing can be), or what it is
made of."""


@dataclass(frozen=True, kw_only=True)
class ComponentInfo:
    """One component as it was used.

    Attributes:
        component: its registered name (``"grad-cam"``).
        plugin: the distribution it comes from.
        version: the component's or distribution's version.
        digest: the identity of the recipe: equal digests mean equal results. Empty if it is not known.
        params: resolved parameters as JSON.
        cite: a DOI, an arXiv id or a whole BibTeX entry.
        factors: in what it differs from others of its list, by the name of the parameter that was swept.
    """

    component: Name
    plugin: str = ""
    version: str = ""
    digest: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    cite: str | None = None
    factors: dict[Name, Name] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ExplainerInfo(ComponentInfo):
    """One row of the leaderboard.

    ``null``: the row is a null explainer. ``twin_of``: the label of the row of which this is the twin on a randomised model
    (a twin is a null as well).
    """

    label: Name
    null: bool = False
    twin_of: Name | None = None


@dataclass(frozen=True, kw_only=True)
class MetricInfo(ComponentInfo):
    """One column of the leaderboard; ``direction`` says which scores are better, ``bounds`` which are possible.

    ``inverted``: scores are of a map minus those of its inverse.
    """

    label: Name
    category: Name
    direction: Direction
    bounds: tuple[Number, Number] = (None, None)
    inverted: bool = False

    @property
    def role(self) -> Role:
        """What it says of a map; of a category that is not known, nothing that a map could win by."""
        return ROLES.get(self.category, "manners")

    @property
    def ranked(self) -> bool:
        """Whether it takes part in ranks: how far the parts of an explanation agree says what it is made of, not how good it is."""
        return self.role != "agreement"

    @property
    def sign(self) -> float:
        """1 if higher is better, -1 if lower is."""
        return 1.0 if self.direction == "higher" else -1.0
