"""The choice of the models that are explained: the best of each level, where a spec keeps only these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.registry.recipe import Recipe
from harness.spec.keep_options import KeepOptions
from harness.spec.loaded_spec import LoadedSpec
from harness.text_format import format_count

EQUAL_DIGITS = 12  # decimals in which means over datasets are compared: the last bit of a sum must not decide who is better
Score = Callable[[Recipe], float | None]
"""How good a model is; None where that is not known."""


@dataclass(frozen=True)
class Level:
    """Models of a pool that have the factors alike within which it is ranked, in the spec's order; ``keep`` says how."""

    pool: str
    keep: KeepOptions
    models: Sequence[Recipe]


@dataclass(frozen=True)
class Choice:
    """Labels of the models of a level that are explained, and whether that is decided: else others may be better, which is known later."""

    level: Level
    kept: frozenset[str]
    decided: bool


def levels_of(loaded: LoadedSpec) -> list[Level]:
    """The levels of all pools of a spec."""
    found: dict[tuple[str, tuple[str, ...]], tuple[KeepOptions, list[Recipe]]] = {}
    for recipe, reference in zip(loaded.recipes.models, loaded.spec.models, strict=True):
        if reference.keep is not None:
            factors, pool = loaded.factors("models", recipe.label), reference.keep.among or recipe.label
            level = tuple(factors.get(name, "") for name in reference.keep.within)
            found.setdefault((pool, level), (reference.keep, []))[1].append(recipe)
    return [Level(pool, keep, models) for (pool, _), (keep, models) in found.items()]


def choose(level: Level, score: Score, *, final: bool) -> Choice:
    """The best of a level.

    Those without a score are not ranked. If no more will be known (``final``) they are explained beside the best, which fails and says
    why; else they stand in for the best in the spec's order until they are ranked.
    """
    scores = {model.label: score(model) for model in level.models}
    known = [model for model in level.models if scores[model.label] is not None]
    unknown = [model for model in level.models if scores[model.label] is None]
    decided = final or not unknown
    ranked = sorted(known, key=lambda model: (-round(scores[model.label] or 0.0, EQUAL_DIGITS), _seed(model)))  # stable: who is named first
    chosen = ranked[: level.keep.best] + unknown if decided else sorted(level.models, key=_seed)[: level.keep.best]
    return Choice(level, frozenset(model.label for model in chosen), decided)


def choice_lines(choices: Sequence[Choice]) -> list[str]:
    """What is explained of each pool, in a line."""
    pools: dict[str, list[Choice]] = {}
    for choice in choices:
        pools.setdefault(choice.level.pool, []).append(choice)
    return [_pool_line(pool, found) for pool, found in pools.items()]


def _pool_line(pool: str, choices: Sequence[Choice]) -> str:
    keep = choices[0].level.keep
    kept, models = sum(len(choice.kept) for choice in choices), sum(len(choice.level.models) for choice in choices)
    levels = f" of each of {format_count(len(choices), 'level')} of {' and '.join(keep.within)}" if keep.within else ""
    said = f"{pool}: {kept:,} of {format_count(models, 'model')} explained, the best {keep.best:,}{levels} by {keep.by}"
    if all(choice.decided for choice in choices):
        return said
    return f"{said}; which they are is known when all are trained and have predicted, and here the first stand in for them"


def _seed(model: Recipe) -> int:
    seed = model.params.get("seed")
    return seed if isinstance(seed, int) else 0


def mean_accuracy(accuracies: Sequence[float | None]) -> float | None:
    """The mean over datasets; None if one is not known."""
    known = [value for value in accuracies if value is not None]
    return sum(known) / len(known) if known and len(known) == len(accuracies) else None
