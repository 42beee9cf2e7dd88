"""Declarations: what a component says of itself that its signature cannot, by decorators that attach a declaration.

The decorators change nothing about the function or class they mark, and none of them imports torch.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal, TypeVar, get_args

from harness.api.evidence import EVIDENCE_KINDS

Kind = Literal["models", "datasets", "explainers", "metrics", "executors"]
Category = Literal["faithfulness", "robustness", "localisation", "complexity", "randomisation", "axiomatic", "agreement"]
Family = Literal[
    "gradients",
    "modified backpropagation",
    "relevance propagation",
    "Shapley values",
    "class activation maps",
    "perturbation",
    "attention",
    "ensembles",
]
Direction = Literal["higher", "lower"]
Need = Literal["explainer", "training-data", "training-labels", "convolutions", "relu", "token-grid"]

NEEDS_BESIDE_EVIDENCE: frozenset[str] = frozenset(get_args(Need))
NEEDS = NEEDS_BESIDE_EVIDENCE | {kind.need for kind in EVIDENCE_KINDS.values()}
"""All needs that have a meaning of their own; a metric's may be any other kind of evidence too."""
DECLARATION_ATTRIBUTE = "__harness__"
EXPLAINER, MODEL, EACH = "$explainer", "$model", "$each "
"""What stands for the explainer that is scored, the model that is explained, and each value of a parameter (``$each NAME``)."""
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """Declarations that every kind of component may make.

    ``version`` names the definition: an author who declares one decides when stored results become stale.
    ``cite`` is a DOI (``10.…``), an arXiv id (``arXiv:…``) or a whole BibTeX entry (``@article{…}``).
    """

    kind: ClassVar[Kind]
    version: str | None = None
    cite: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The declaration as a JSON object, for a component's card."""
        found = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: _to_json_value(value) for name, value in found.items() if not callable(value)}


@dataclass(frozen=True, kw_only=True)
class ExplainerDeclaration(Declaration):
    """Declarations of an explainer.

    ``signed``: negative values are evidence against the target. ``complete``: the map promises to sum to the target's
    logit (``"logit"``), to its difference to a baseline (``"difference"``), or to the relevance put in (``"relevance"``);
    the promise is measured per sample. ``null``: looks at no model, and serves as a null hypothesis. ``passes``: forward-equivalent
    passes per sample, a number or a function of the parameters. ``labelled``: of one that needs ``training-labels``, the parameter that
    says how many samples it draws: the digest of so many is in its keys (4096 if it names none).

    ``wants``: what it uses if it is there (``training-data``), and does without if it is not; ``otherwise`` says what it does then,
    as the end of a sentence for a leaderboard's reader. ``alternatives``: the parameter whose explainers stand in for one another, of one
    that leaves each model to the first of them that is applicable to it. ``by`` is as a metric's. ``family``: of which kind of method it
    is, for lists.
    """

    kind: ClassVar[Kind] = "explainers"
    family: Family | None = None
    signed: bool = False
    complete: bool = False
    needs: frozenset[str] = frozenset()
    wants: frozenset[str] = frozenset()
    otherwise: str | None = None
    null: bool = False
    by: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    passes: float | Callable[[Mapping[str, Any]], float] | None = None
    labelled: str | None = None
    alternatives: str | None = None


@dataclass(frozen=True, kw_only=True)
class MetricDeclaration(Declaration):
    """Declarations of a metric: its category, which direction is better, what it needs and its bounds.

    ``by`` is for a metric of many faces: ``{parameter: {value: {field: …}}}`` says what it declares instead if a parameter has a value
    (`resolve_declared_fields`; ``"null"`` stands for None). It is plain data, so that it
    stands on the component's card and a plan needs no import.
    ``labelled`` is as an explainer's.
    Where a spec asks for the score minus that of the inverted map (``inverted: true``), ``absolute`` says whether the metric sees |a| alone
    (True, or the name of the parameter that says so), so that it is the order of |a| that is reversed; ``no_inverse`` is the reason why
    the score of an inverted map says nothing.
    ``retrains``: of a metric that has networks trained again for each explainer, by the parameter that says how (a model that is trained)
    the parameters that are filled in of that: values, or what stands for one (`EXPLAINER`, `MODEL`, `EACH`). It is given a list of them,
    one for each value of the parameter that `EACH` names.
    """

    kind: ClassVar[Kind] = "metrics"
    category: Category = "faithfulness"
    direction: Direction = "higher"
    needs: frozenset[str] = frozenset()
    bounds: tuple[float | None, float | None] = (None, None)
    passes: float | Callable[[Mapping[str, Any]], float] | None = None
    by: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    labelled: str | None = None
    absolute: bool | str = "absolute"
    no_inverse: str | None = None
    retrains: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DatasetDeclaration(Declaration):
    """Declarations of a dataset: ``selection`` names the parameters that only choose *which* samples, or which evidence, there are.

    A parameter in ``selection`` is left out of keys: a row's identity is its id and the digest of its content (of an explanation image and
    label; of a score also the evidence that the metric needs), so that asking for twice the samples computes the other half, and masks
    that are added later cost the metrics that need them.
    """

    kind: ClassVar[Kind] = "datasets"
    selection: frozenset[str] = field(default_factory=lambda: frozenset({"samples"}))


@dataclass(frozen=True, kw_only=True)
class ModelDeclaration(Declaration):
    """Declarations of a model: ``training`` is the dataset that it was trained on, as ``NAME,param=value,…``.

    It serves explainers that need training data if no spec says what that is (``harness explain``).

    ``trained``: of a component that returns a `harness.api.Training`, the names of the parameters that say for how many ``epochs`` at most,
    and on which dataset (``images``) it is trained.
    """

    kind: ClassVar[Kind] = "models"
    training: str | None = None
    trained: Mapping[str, str] | None = None


DEFAULT_DECLARATIONS: dict[Kind, Declaration] = {
    "explainers": ExplainerDeclaration(),
    "metrics": MetricDeclaration(),
    "datasets": DatasetDeclaration(),
    "models": ModelDeclaration(),
}


FIELDS_BY_VALUE = frozenset({"category", "direction", "needs", "wants", "bounds", "cite", "no_inverse"})
BY_BACKGROUND: Mapping[str, Mapping[str, Any]] = {
    "training": {"needs": {"training-data"}, "wants": frozenset()},
    "references": {"wants": frozenset()},
}
"""What an explainer declares by the values of a parameter that `harness.api.background` takes."""


def resolve_declared_fields(declared: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """A declaration's fields for these parameters: what ``by`` says of their values stands before the rest."""
    found = {name: value for name, value in declared.items() if name != "by"}
    for parameter, cases in declared.get("by", {}).items():
        value = params.get(parameter)
        found.update(cases.get("null" if value is None else value, {}))
    return found


def _to_json_value(value: Any) -> Any:
    """As JSON: sets as sorted lists."""
    if isinstance(value, Mapping):
        return {name: _to_json_value(item) for name, item in value.items()}
    return sorted(value) if isinstance(value, frozenset | set) else value


def _attach_declaration(component: T, declaration: Declaration) -> T:
    setattr(component, DECLARATION_ATTRIBUTE, declaration)
    return component


def _checked_needs(needs: Set[str], *, any_evidence: bool) -> frozenset[str]:
    """Needs that are known; with ``any_evidence`` also other words, as kinds of evidence, but for those that seem misspelt."""
    for need in sorted(set(needs) - NEEDS):
        near = difflib.get_close_matches(need, sorted(NEEDS), 1, 0.8)
        if near or not any_evidence or not re.fullmatch(r"[a-z0-9]+([-_][a-z0-9]+)*", need):
            meant = f"did you mean {near[0]!r}?" if near else f"choose from {sorted(NEEDS)}"
            raise ValueError(f"unknown needs {need!r}; {meant}")
    return frozenset(needs)


def _checked_family(family: Family | None) -> Family | None:
    if family is not None and family not in get_args(Family):
        raise ValueError(f"unknown family {family!r}; choose from {list(get_args(Family))}")
    return family


def _checked_wants(wants: Set[str]) -> frozenset[str]:
    other = sorted(set(wants) - {"training-data"})
    if other:
        raise ValueError(f"only training-data can be wanted and done without, not {other}: declare it under needs")
    return frozenset(wants)


def _checked_by(by: Mapping[str, Mapping[str, Mapping[str, Any]]], *, any_evidence: bool) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    for parameter, cases in by.items():
        for value, said in cases.items():
            unknown = sorted(set(said) - FIELDS_BY_VALUE)
            if unknown:
                raise ValueError(f"by[{parameter!r}][{value!r}] declares {unknown}; choose from {sorted(FIELDS_BY_VALUE)}")
            _checked_needs(said.get("needs", frozenset()), any_evidence=any_evidence)
            _checked_wants(said.get("wants", frozenset()))
    return by


def explainer(
    *,
    family: Family | None = None,
    signed: bool = False,
    complete: bool = False,
    needs: Set[str] = frozenset(),
    wants: Set[str] = frozenset(),
    otherwise: str | None = None,
    null: bool = False,
    passes: float | Callable[[Mapping[str, Any]], float] | None = None,
    by: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
    labelled: str | None = None,
    alternatives: str | None = None,
    cite: str | None = None,
    version: str | None = None,
) -> Callable[[T], T]:
    """Declare an explainer; see `ExplainerDeclaration` for what each argument means."""
    declaration = ExplainerDeclaration(
        family=_checked_family(family),
        signed=signed,
        complete=complete,
        needs=_checked_needs(needs, any_evidence=False),
        wants=_checked_wants(wants),
        otherwise=otherwise,
        null=null,
        passes=passes,
        by=_checked_by(by or {}, any_evidence=False),
        labelled=labelled,
        alternatives=alternatives,
        cite=cite,
        version=version,
    )
    return lambda component: _attach_declaration(component, declaration)


def metric(
    *,
    category: Category,
    direction: Direction,
    needs: Set[str] = frozenset(),
    bounds: tuple[float | None, float | None] = (None, None),
    passes: float | Callable[[Mapping[str, Any]], float] | None = None,
    by: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
    labelled: str | None = None,
    absolute: bool | str = "absolute",
    no_inverse: str | None = None,
    retrains: Mapping[str, Mapping[str, Any]] | None = None,
    cite: str | None = None,
    version: str | None = None,
) -> Callable[[T], T]:
    """Declare a metric; ``direction`` is ``"higher"`` or ``"lower"``, whichever is better.

    ``needs`` are of the vocabulary of `Need`, and kinds of evidence: ``masks``, ``boxes`` or any other that datasets have under that name.

    What depends on the value of a parameter is said under ``by``:

    >>> @metric(category="faithfulness", direction="higher", by={"order": {"lerf": {"direction": "lower"}}})
    ... def my_removal(case, *, order: Literal["morf", "lerf"] = "morf"): ...
    """
    declaration = MetricDeclaration(
        category=category,
        direction=direction,
        needs=_checked_needs(needs, any_evidence=True),
        bounds=bounds,
        passes=passes,
        by=_checked_by(by or {}, any_evidence=True),
        labelled=labelled,
        absolute=absolute,
        no_inverse=no_inverse,
        retrains=retrains or {},
        cite=cite,
        version=version,
    )
    return lambda component: _attach_declaration(component, declaration)


def dataset(
    *,
    selection: set[str] | frozenset[str] = frozenset({"samples"}),
    cite: str | None = None,
    version: str | None = None,
) -> Callable[[T], T]:
    """Declare a dataset; see `DatasetDeclaration`."""
    declaration = DatasetDeclaration(selection=frozenset(selection), cite=cite, version=version)
    return lambda component: _attach_declaration(component, declaration)


def model(
    *, training: str | None = None, trained: Mapping[str, str] | None = None, cite: str | None = None, version: str | None = None
) -> Callable[[T], T]:
    """Declare a model; see `ModelDeclaration`."""
    if trained is not None and set(trained) != {"epochs", "images"}:
        raise ValueError(f"trained names the parameters of `epochs` and `images`, and of nothing else: {dict(trained)}")
    declaration = ModelDeclaration(training=training, trained=trained, cite=cite, version=version)
    return lambda component: _attach_declaration(component, declaration)


def declaration_of(component: object, kind: Kind) -> Declaration:
    """The declaration attached to a component, or the kind's defaults.

    Raises ``TypeError`` if the component was declared as another kind than it is registered as.
    """
    declared = getattr(component, DECLARATION_ATTRIBUTE, None)
    if declared is None:
        return DEFAULT_DECLARATIONS.get(kind, Declaration())
    if declared.kind != kind:
        raise TypeError(f"{component!r} is declared as one of {declared.kind} but registered under {kind}")
    return declared  # type: ignore[no-any-return]
