"""Checks a spec: its form, and then all that it names, whatever is wrong with the form of the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, get_args

from pydantic import ValidationError

from harness.api.declarations import Category
from harness.registry.errors import KeyPath, Problem, ReferenceProblems, RegistryError
from harness.registry.json_schema import format_value
from harness.registry.naming import did_you_mean, join_words
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.registry.resolve import resolve
from harness.spec.form import check_form, form_schema
from harness.spec.keep_options import keep_problems
from harness.spec.loaded_spec import SpecRecipes
from harness.spec.missing_paths import missing_paths
from harness.spec.overrides import SELECTOR_KINDS, apply_override, find_unmatched, overridden_kind, selectors
from harness.spec.problems import SpecError, SpecProblem
from harness.spec.published_checks import published_problems
from harness.spec.run_spec import DEFAULT_EXECUTOR, DEFAULT_NULLS, KIND_BY_KEY, RANDOM_MODEL, Override, RunSpec, label_of, name_of
from harness.spec.yaml_document import SpecDocument


def check_spec(
    document: SpecDocument, registry: Registry, problems: Iterable[SpecProblem] = (), *, files: bool = False
) -> tuple[RunSpec, SpecRecipes]:
    """The spec of a document and its recipes.

    Args:
        document: the spec as plain values.
        registry: where components are looked up.
        problems: what is known to be wrong already.
        files: whether it is wrong too if what parameters name is not there.

    Raises:
        SpecError: all problems at once.
    """
    found = list(problems)
    if not isinstance(document.data, dict):
        message = f"a spec is a mapping (name, datasets, models, explainers, metrics …), not {format_value(document.data)}"
        raise SpecError([*found, document.problem((), message)])
    data = document.data
    executor = data["execution"].get("executor") if isinstance(data.get("execution"), dict) else None
    settings, wrong = _executor_settings(registry, executor)
    spec, refused = check_form(data, settings)
    unknown = [problem for problem in refused if problem.at not in document.refused]
    found += [document.problem(problem.at, problem.message, key=problem.key, named=True) for problem in unknown]
    components = _Components(data, registry, files)
    wrong += [*components.problems, *components.label_problems(document)]
    wrong += [*_reference_problems(data, components), *_weight_problems(data, components), *_override_problems(data, components)]
    wrong += keep_problems(data.get("models"), components.recipes["models"])
    wrong += published_problems(data.get("published"), components.all_labels)
    found += [document.problem(problem.at, problem.message, key=problem.key) for problem in wrong]
    if found or spec is None:
        raise SpecError(found)
    return spec, components.recipes_of(spec)


def _executor_settings(registry: Registry, name: Any) -> tuple[Mapping[str, Any] | None, list[Problem]]:
    """JSON Schema of what the executor takes besides the harness's own settings, or None, and what is wrong with it."""
    at: KeyPath = ("execution", "executor")
    try:
        settings = registry.card("executors", name if isinstance(name, str) else DEFAULT_EXECUTOR).parameters
    except RegistryError as error:
        return None, [Problem(at, str(error))] if name.strip() else []
    both = [name for name in settings["properties"] if name in form_schema()["properties"]["execution"]["properties"]]
    message = f'the executor "{name}" has settings by names that `execution` has itself: {join_words(both)}'
    return settings, [Problem(at, message)] if both else []


@dataclass(frozen=True)
class _Entry:
    """One well-formed reference of a list of components, as it is written at ``at``."""

    at: KeyPath
    written: str | dict[str, Any]

    @property
    def given(self) -> Mapping[str, Any]:
        """Its parameters."""
        params = self.written.get("params") if isinstance(self.written, dict) else None
        return params if isinstance(params, dict) else {}

    @property
    def label_at(self) -> KeyPath:
        """The place of its label, or its own if it is given none."""
        return (*self.at, "label") if isinstance(self.written, dict) and self.written.get("label") else self.at

    @property
    def reference(self) -> str | dict[str, Any]:
        """Reference that is resolved: without all that `check_form` complains of."""
        if isinstance(self.written, str):
            return self.written
        label = self.written.get("label")
        label = label if isinstance(label, str) and label.strip() else None
        inverted = {"inverted": True} if self.at[0] == "metrics" and self.written.get("inverted") is True else {}
        return {"use": self.written["use"], "params": self.given, "label": label, **inverted}


class _Components:
    """The components that a spec names, resolved, and what is wrong with those that cannot be.

    Attributes:
        entries: by list and index, all that are well-formed; not `random-model`, which is no component.
        recipes, training: those that resolve.
    """

    def __init__(self, data: Mapping[str, Any], registry: Registry, files: bool) -> None:
        self.registry = registry
        self.files = files
        self.problems: list[Problem] = []
        self.entries: dict[str, dict[int, _Entry]] = {}
        self.recipes: dict[str, dict[int, Recipe]] = {}
        self.training: dict[int, Recipe] = {}
        for key in KIND_BY_KEY:
            entries = {index: entry for index, entry in _entries(key, data) if not self.is_random_model(key, entry)}
            resolved = {index: self.resolve(key, entry) for index, entry in entries.items()}
            self.entries[key] = entries
            self.recipes[key] = {index: recipe for index, recipe in resolved.items() if recipe is not None}
        for index, entry in self.entries["datasets"].items():
            training = entry.written.get("training") if isinstance(entry.written, dict) else None
            if training is None or not _is_well_formed(training):
                continue
            recipe = self.resolve("datasets", _Entry((*entry.at, "training"), training))
            if recipe is not None:
                self.training[index] = recipe

    def is_random_model(self, key: str, entry: _Entry) -> bool:
        """Whether it is the twin on a random model; complains if that is not asked for as it must be."""
        if key not in ("explainers", "nulls") or name_of(entry.written) != RANDOM_MODEL:
            return False
        if key == "explainers":
            self.problems.append(Problem(entry.at, f"{RANDOM_MODEL} is no explainer: write it under nulls, and every row gets a twin"))
        elif isinstance(entry.written, dict) and (entry.written.get("params") or entry.written.get("label")):
            self.problems.append(Problem(entry.at, f"{RANDOM_MODEL} takes neither params nor label"))
        return True

    def resolve(self, key: str, entry: _Entry) -> Recipe | None:
        """An entry's recipe; None, with its problems told, if it is wrong."""
        try:
            recipe = resolve(self.registry, KIND_BY_KEY[key], entry.reference, entry.at)
        except ReferenceProblems as error:
            for problem in error.problems:
                default = f"nulls, by default: {problem.message}; write `nulls: []` for none"
                self.problems.append(Problem(problem.at, default) if entry.at == ("nulls",) else problem)
            return None
        self.problems += self.absent(recipe, entry.given, entry.at)
        return recipe

    def absent(self, recipe: Recipe, given: Mapping[str, Any], at: KeyPath) -> Iterable[Problem]:
        """Files and folders that are not there, of those that the parameters given to a component name."""
        return missing_paths(self.registry, recipe, given, (*at, "params")) if self.files else ()

    def labels(self, *keys: str) -> list[str]:
        """The labels of lists, also of what does not resolve."""
        return [label_of(entry.written) for key in keys for entry in self.entries[key].values()]

    @property
    def all_labels(self) -> dict[str, list[str]]:
        """The labels of every list; nulls are explainers."""
        return {key: self.labels(*(("explainers", "nulls") if key == "explainers" else (key,))) for key in KIND_BY_KEY}

    def label_problems(self, document: SpecDocument) -> Iterator[Problem]:
        """Labels that stand twice in a list, and nulls with that of an explainer unless they are the same."""
        for key, entries in self.entries.items():
            first: dict[str, int] = {}
            for index, entry in entries.items():
                label = label_of(entry.written)
                if label in first:
                    place = document.place((key, first[label]))
                    other = f"entry {first[label]}" if place is None else f"line {place[0]}"
                    message = f'two of {key} are called "{label}" (the other: {other}): give one a label of its own'
                    yield Problem(entry.label_at, message)
                first.setdefault(label, index)
        for index, null in self.recipes["nulls"].items():
            for row in self.recipes["explainers"].values():
                if null.label == row.label and null.digest != row.digest:
                    message = f'the null "{null.label}" has the label of an explainer with other parameters: give one a label of its own'
                    yield Problem(self.entries["nulls"][index].label_at, message)

    def recipes_of(self, spec: RunSpec) -> SpecRecipes:
        """The recipes of a spec without problems; a null that is a row has the row's label."""
        lists = {key: tuple(found.values()) for key, found in self.recipes.items()}
        rows = {recipe.digest: recipe for recipe in lists["explainers"]}
        lists["nulls"] = tuple(rows.get(recipe.digest, recipe) for recipe in lists["nulls"])
        training = {self.recipes["datasets"][index].label: recipe for index, recipe in self.training.items()}
        return SpecRecipes(**lists, random_model=any(reference.use == RANDOM_MODEL for reference in spec.nulls), training=training)


def _is_well_formed(item: Any) -> bool:
    name = name_of(item)
    return isinstance(name, str) and bool(name.strip())


def _entries(key: str, data: Mapping[str, Any]) -> Iterator[tuple[int, _Entry]]:
    """Index and entry of every well-formed reference of a list; of the default nulls at the list's place."""
    if key == "nulls" and key not in data:
        yield from ((index, _Entry((key,), name)) for index, name in enumerate(DEFAULT_NULLS))
    items = data.get(key)
    for index, item in enumerate(items if isinstance(items, list) else ()):
        if _is_well_formed(item):
            yield index, _Entry((key, index), item)


def _reference_problems(data: Mapping[str, Any], components: _Components) -> Iterator[Problem]:
    """The reference is a row."""
    reference, rows = data.get("reference"), components.labels("explainers", "nulls")
    if isinstance(reference, str) and reference.strip() and reference not in rows and data.get("explainers"):
        message = f'no row is called "{reference}"{did_you_mean(reference, rows)} (rows: {join_words(rows)})'
        yield Problem(("reference",), message)


def _weight_problems(data: Mapping[str, Any], components: _Components) -> Iterator[Problem]:
    """What has a weight is a category or a metric."""
    rank = data.get("rank")
    weights = rank.get("weights") if isinstance(rank, dict) else None
    known = [*get_args(Category), *components.labels("metrics")]
    for name in weights if isinstance(weights, dict) else ():
        if name not in known:
            message = f'no category and no metric is called "{name}"{did_you_mean(str(name), known)} (there are {join_words(known)})'
            yield Problem(("rank", "weights", name), message)


def _override_problems(data: Mapping[str, Any], components: _Components) -> Iterator[Problem]:
    """Every override names something that is there, with parameters that it takes."""
    labels = {name: components.labels(kind) for name, kind in SELECTOR_KINDS.items()}
    labels["explainer"] += components.labels("nulls")
    given = data.get("overrides")
    for index, item in enumerate(given if isinstance(given, list) else ()):
        try:
            override = Override.model_validate(item)
        except ValidationError:  # said by `check_form`
            continue
        at: KeyPath = ("overrides", index)
        if not selectors(override):
            yield Problem(at, "an override names a dataset, a model, an explainer or a metric (a glob of labels)")
        missed = [(name, glob) for name, glob in find_unmatched(override, labels) if labels[name]]
        for name, glob in missed:
            near = did_you_mean(glob, labels[name])
            yield Problem((*at, name), f'"{glob}" is the label of no {name}{near} (labels: {join_words(labels[name])})')
        if selectors(override) and not missed:
            yield from _overridden_problems(override, at, components)


def _overridden_problems(override: Override, at: KeyPath, components: _Components) -> Iterable[Problem]:
    """Parameters that a matched component refuses, each told once."""
    kind = overridden_kind(override)
    lists = ["explainers", "nulls"] if kind == "explainers" else [str(kind)]
    glob = list(selectors(override).values())[-1]
    found: dict[Problem, None] = {}
    for recipe in (recipe for key in lists for recipe in components.recipes[key].values() if fnmatchcase(recipe.label, glob)):
        try:
            changed = apply_override(components.registry, recipe, override, at)
            found.update(dict.fromkeys(components.absent(changed, override.params, at)))
        except ReferenceProblems as error:
            found.update(dict.fromkeys(error.problems))
    return found
