"""Everything that can be wrong with a spec once it is YAML: its form, its components, its labels, its overrides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from pydantic import ValidationError

from harness.api.declarations import Kind
from harness.registry.canonical_json import coerce_numbers
from harness.registry.errors import Problem, ReferenceProblems, RegistryError, UnknownComponent
from harness.registry.json_schema import inline_references
from harness.registry.naming import did_you_mean, format_installed_names, join_words
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.registry.resolve import REFERENCE_KEYS, resolve
from harness.registry.schema_problems import find_schema_problems as schema_problems
from harness.registry.schema_problems import format_value
from harness.spec.executor_settings import (
    BUILT_IN_EXECUTORS,
    collect_defaults,
    extend_execution_schema,
    find_name_clashes,
    settings_schema_of,
)
from harness.spec.loaded_spec import SpecRecipes
from harness.spec.missing_paths import missing_paths
from harness.spec.overrides import SELECTOR_KINDS, apply_override, find_unmatched, overridden_kind, selectors
from harness.spec.problems import SpecError, SpecProblem
from harness.spec.python_objects import KIND_BY_KEY
from harness.spec.run_spec import DEFAULT_NULLS, RANDOM_MODEL, Override, RunSpec
from harness.spec.yaml_document import KeyPath, SpecDocument


@cache
def form_schema() -> dict[str, Any]:
    """JSON Schema of a spec's form, without the parameters of components."""
    return inline_references(RunSpec.model_json_schema(mode="validation"))


class SpecChecker:
    """Collects the problems of one document; ``checked`` returns what is right or raises them all.

    Where ``files``, what parameters name and is not there is a problem too.
    """

    def __init__(
        self,
        document: SpecDocument,
        registry: Registry,
        origins: Mapping[KeyPath, str],
        problems: Iterable[SpecProblem],
        files: bool = False,
    ) -> None:
        self.document = document
        self.registry = registry
        self.origins = origins
        self.problems = list(problems)
        self.files = files
        self.data: dict[str, Any] = {}
        self.recipes: dict[str, dict[int, Recipe]] = {}
        self.training: dict[int, Recipe] = {}

    def checked(self) -> tuple[RunSpec, SpecRecipes]:
        """The spec and its recipes; raises `SpecError`."""
        if not isinstance(self.document.data, dict):
            self.add(
                Problem((), f"a spec is a mapping (name, datasets, models, explainers, metrics …), not {format_value(self.document.data)}")
            )
            raise SpecError(self.problems)
        self.data = self.document.data
        spec = self.form()
        for key in KIND_BY_KEY:
            self.recipes[key] = dict(self.resolved(key))
        self.labels()
        self.reference()
        self.overrides()
        self.executor()
        if self.problems or spec is None:
            raise SpecError(self.problems)
        return spec, self.made(spec)

    def add(self, problem: Problem, named: bool = False) -> None:
        """Place one problem; ``named`` where its message says already which key it is about."""
        origin = next((origin for at, origin in self.origins.items() if problem.at[: len(at)] == at), None)
        place = None if origin is not None else self.document.place(problem.at, problem.key)
        message = problem.message
        if origin is None and place is None and problem.at and not named:
            message = f"{'.'.join(map(str, problem.at))}: {message}"
        line, column = place or (None, None)
        self.problems.append(SpecProblem(origin or self.document.file, line, column, message))

    def form(self) -> RunSpec | None:
        """The spec as its model takes it; None where its form is wrong."""
        settings = self.settings()
        form = extend_execution_schema(form_schema(), settings)
        found = [problem for problem in schema_problems(form, self.data, "key") if "params" not in problem.at[:-1]]
        for problem in found:
            self.add(problem, named=True)
        execution = self.data.get("execution")
        data = (
            {**self.data, "execution": {**collect_defaults(settings), **execution}}
            if settings and isinstance(execution, dict)
            else self.data
        )
        try:
            return RunSpec.model_validate(coerce_numbers(data, form))
        except ValidationError as error:
            for item in error.errors(include_url=False) if not found else ():
                self.add(Problem(tuple(item["loc"]), f"{'.'.join(map(str, item['loc']))}: {item['msg']}"), named=True)
            return None

    def settings(self) -> Mapping[str, Any] | None:
        """What the executor takes besides the harness's own settings; None where that cannot be known."""
        execution = self.data.get("execution")
        try:
            return settings_schema_of(self.registry, execution.get("executor") if isinstance(execution, dict) else None)
        except RegistryError:  # said by `executor`
            return None

    def items(self, key: str) -> Iterator[tuple[int, KeyPath, Any]]:
        """Index, path and value of every well-formed reference of a list; the form's problems are told by `form`."""
        if key == "nulls" and key not in self.data:
            yield from ((index, (key,), name) for index, name in enumerate(DEFAULT_NULLS))
        items = self.data.get(key)
        for index, item in enumerate(items if isinstance(items, list) else ()):
            use = item.get("use") if isinstance(item, dict) else item
            if isinstance(use, str) and use.strip():
                yield index, (key, index), item

    def resolved(self, key: str) -> Iterator[tuple[int, Recipe]]:
        """The recipes of one list by index, without those that are wrong."""
        for index, at, item in self.items(key):
            if key in ("explainers", "nulls") and _reference_name(item) == RANDOM_MODEL:
                self.random_model(key, at, item)
            elif (recipe := self.recipe(KIND_BY_KEY[key], item, at)) is not None:
                yield index, recipe
            training = item.get("training") if key == "datasets" and isinstance(item, dict) else None
            if isinstance(training, str) or (isinstance(training, dict) and isinstance(training.get("use"), str)):
                found = self.recipe("datasets", training, (*at, "training"))
                if found is not None:
                    self.training[index] = found

    def random_model(self, key: str, at: KeyPath, item: Any) -> None:
        """Complain where the twin on a random model is not asked for as it must be."""
        if key == "explainers":
            self.add(Problem(at, f"{RANDOM_MODEL} is no explainer: write it under nulls, and every row gets a twin"))
        elif isinstance(item, dict) and (item.get("params") or item.get("label")):
            self.add(Problem(at, f"{RANDOM_MODEL} takes neither params nor label"))

    def recipe(self, kind: Kind, item: Any, at: KeyPath) -> Recipe | None:
        """One reference's recipe; None, and its problems told, where it is wrong."""
        if isinstance(item, dict):
            params, label = item.get("params", {}), item.get("label")
            known = {key: item[key] for key in REFERENCE_KEYS if key in item}
            item = {
                **known,
                "params": params if isinstance(params, dict) else {},
                "label": label if isinstance(label, str) and label.strip() else None,
            }
        try:
            recipe = resolve(self.registry, kind, item, at)
            for problem in self.absent(recipe, item.get("params", {}) if isinstance(item, dict) else {}, at):
                self.add(problem)
            return recipe
        except ReferenceProblems as error:
            for problem in error.problems:
                default = at == ("nulls",)
                told = Problem(problem.at, f"nulls, by default: {problem.message}; write `nulls: []` for none") if default else problem
                self.add(told)
            return None

    def absent(self, recipe: Recipe, given: Mapping[str, Any], at: KeyPath) -> Iterable[Problem]:
        """Files and folders that are not there, of those that the parameters given to a component name."""
        return missing_paths(self.registry, recipe, given, (*at, "params")) if self.files else ()

    def labels_of(self, key: str) -> dict[int, str]:
        """Labels of a list by index, also of what does not resolve."""
        return {
            index: _reference_label(item) for index, _, item in self.items(key) if key != "nulls" or _reference_name(item) != RANDOM_MODEL
        }

    def labels(self) -> None:
        """Every label once in its list, and a null's not that of an explainer unless it is the same."""
        for key in KIND_BY_KEY:
            first: dict[str, int] = {}
            for index, label in self.labels_of(key).items():
                if label in first:
                    place = self.document.place((key, first[label]))
                    other = f"entry {first[label]}" if place is None else f"line {place[0]}"
                    message = f'two of {key} are called "{label}" (the other: {other}): give one a label of its own'
                    self.add(Problem(self.label_at(key, index), message))
                first.setdefault(label, index)
        explainers = self.recipes["explainers"]
        for index, recipe in self.recipes["nulls"].items():
            for row in explainers.values():
                if recipe.label == row.label and recipe.digest != row.digest:
                    message = f'the null "{recipe.label}" has the label of an explainer with other parameters: give one a label of its own'
                    self.add(Problem(self.label_at("nulls", index), message))

    def label_at(self, key: str, index: int) -> KeyPath:
        """Where an entry's label stands, or the entry."""
        items = self.data.get(key, [])
        item = items[index] if index < len(items) else None
        return (key, index, "label") if isinstance(item, dict) and item.get("label") else (key, index)

    def reference(self) -> None:
        """The reference is a row."""
        reference = self.data.get("reference")
        rows = [*self.labels_of("explainers").values(), *self.labels_of("nulls").values()]
        if isinstance(reference, str) and reference.strip() and reference not in rows and self.data.get("explainers"):
            self.add(Problem(("reference",), f'no row is called "{reference}"{did_you_mean(reference, rows)} (rows: {join_words(rows)})'))

    def overrides(self) -> None:
        """Every override names something that is there, with parameters that it takes."""
        given = self.data.get("overrides")
        labels = {name: list(self.labels_of(kind).values()) for name, kind in SELECTOR_KINDS}
        labels["explainer"] += self.labels_of("nulls").values()
        for index, item in enumerate(given if isinstance(given, list) else ()):
            try:
                override = Override.model_validate(item)
            except ValidationError:
                continue
            at: KeyPath = ("overrides", index)
            if not selectors(override):
                self.add(Problem(at, "an override names a dataset, a model, an explainer or a metric (a glob of labels)"))
            missed = [(name, glob) for name, glob in find_unmatched(override, labels) if labels[name]]
            for name, glob in missed:
                near = did_you_mean(glob, labels[name])
                self.add(Problem((*at, name), f'"{glob}" is the label of no {name}{near} (labels: {join_words(labels[name])})'))
            if selectors(override) and not missed:
                self.overridden(override, at)

    def overridden(self, override: Override, at: KeyPath) -> None:
        """Complain of parameters that a matched component refuses."""
        kind = overridden_kind(override)
        candidates = [*self.recipes[str(kind)].values(), *(self.recipes["nulls"].values() if kind == "explainers" else ())]
        glob = list(selectors(override).values())[-1]
        found: dict[Problem, None] = {}
        for recipe in candidates:
            if fnmatchcase(recipe.label, glob):
                try:
                    changed = apply_override(self.registry, recipe, override, at)
                    found.update(dict.fromkeys(self.absent(changed, override.params, at)))
                except ReferenceProblems as error:
                    found.update(dict.fromkeys(error.problems))
        for problem in found:
            self.add(problem)

    def executor(self) -> None:
        """The executor is built in or a plugin's that works, and none of its settings has the name of one of the harness's own."""
        execution = self.data.get("execution")
        name = execution.get("executor") if isinstance(execution, dict) else None
        if not isinstance(name, str) or not name.strip():
            return
        known = [*BUILT_IN_EXECUTORS, *(card.name for card in self.registry.cards("executors"))]
        at: KeyPath = ("execution", "executor")
        try:
            both = find_name_clashes(form_schema(), settings_schema_of(self.registry, name))
            if both:
                self.add(Problem(at, f'the executor "{name}" has settings by names that `execution` has itself: {join_words(both)}'))
        except UnknownComponent:
            self.add(
                Problem(at, f'unknown executor "{name}"{did_you_mean(name, known)} {format_installed_names(name, known, "executors")}')
            )
        except RegistryError as error:
            self.add(Problem(at, str(error)))

    def made(self, spec: RunSpec) -> SpecRecipes:
        """The recipes of a spec without problems; a null that is a row has the row's label."""
        lists = {key: tuple(found.values()) for key, found in self.recipes.items()}
        rows = {recipe.digest: recipe for recipe in lists["explainers"]}
        return SpecRecipes(
            datasets=lists["datasets"],
            models=lists["models"],
            explainers=lists["explainers"],
            metrics=lists["metrics"],
            nulls=tuple(rows.get(recipe.digest, recipe) for recipe in lists["nulls"]),
            random_model=any(reference.use == RANDOM_MODEL for reference in spec.nulls),
            training={self.recipes["datasets"][index].label: recipe for index, recipe in self.training.items()},
        )


def _reference_name(item: Any) -> Any:
    return item.get("use") if isinstance(item, dict) else item


def _reference_label(item: Any) -> str:
    """The label that a well-formed reference has or gets."""
    label = item.get("label") if isinstance(item, dict) else None
    return label if isinstance(label, str) and label.strip() else str(_reference_name(item)).rpartition("/")[2]
