"""Facts that planning needs about datasets, models and other components, found by a worker and remembered in the store."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from harness.planning.json_dataclass import JsonDataclass
from harness.registry.canonical_json import json_digest
from harness.registry.file_states import stat_times
from harness.registry.parameter_paths import iter_existing_paths
from harness.registry.recipe import Recipe
from harness.user_errors import UserError

FACTS_VERSION = 14  # raised when facts, or how they are found, change in development; a release changes the version anyway
FORGOTTEN = "forgotten"
"""What stands in a store in place of a fact that does not hold any more: it is asked again, whatever else is remembered of it."""

TOLERANCE = 5e-3  # of the greatest of an input's answers: what devices may differ by in float32
COARSE_TOLERANCE = 5e-2  # the same if less exact arithmetic is at work
Answers = Sequence[Sequence[float]]


class Unavailable(UserError):
    """A dataset or a model cannot be had; whatever hangs on it is blocked.

    ``traceback``: where it was raised, as text; empty if that is not known.
    """

    def __init__(self, reason: str, traceback: str = "") -> None:
        super().__init__(reason)
        self.traceback = traceback


@dataclass(frozen=True)
class DatasetFacts(JsonDataclass):
    """A dataset as planning sees it.

    Attributes:
        ids, digests, labels: one per sample; digests are of image and label.
        class_names: names of the labels, or None.
        evidence: the layouts of the kinds of evidence that any sample has (`harness.api.evidence`); a mask has the box round it.
        notes: what a person ought to know of the dataset (files skipped, samples left out).
        left_out: places of samples that cannot be used; what is said of samples above is of the others.
        evidence_digests: of each kind that any sample itself has one digest per sample; empty for one that has none.
        outside: which values lie outside [0, 1], and what to do about it; empty if none do.
    """

    ids: Sequence[str]
    digests: Sequence[str]
    labels: Sequence[int]
    class_names: Sequence[str] | None
    evidence: Mapping[str, str]
    notes: Sequence[str] = ()
    left_out: Sequence[int] = ()
    evidence_digests: Mapping[str, Sequence[str]] = field(default_factory=dict)
    outside: str = ""

    @property
    def positions(self) -> list[int]:
        """Position of each sample in the dataset."""
        left_out = set(self.left_out)
        return [place for place in range(len(self.ids) + len(left_out)) if place not in left_out]


@dataclass(frozen=True)
class TrainingFacts(JsonDataclass):
    """A training split as planning sees it.

    Attributes:
        digest: of what may be drawn from it.
        hinted: by ids, the digests of those samples of which noise may change them (see `select_noise_dependent`).
        prefixes: digests of the first 1, 2, 4, … samples by how many they are, as text, and of all: whoever draws few checks few.
    """

    digest: str
    hinted: Mapping[str, str]
    prefixes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelFacts(JsonDataclass):
    """A model as planning sees it.

    Attributes:
        digest: of weights, architecture and preprocessing.
        num_classes, class_names, input_shape, family, cam_layer: the classifier's.
        features: which of ``convolutions``, ``relu``, ``token-grid`` it has.
        parameters: how many.
        notes: what the classifier wants a person to know.
        bounded: whether it normalises images, so that they must be in [0, 1].
        files: digest of what the files hold that making it opens, or None.
        answers: what it answers to fixed inputs (see `harness.worker.probe_logits`), or None if that tells nothing.
        generation: how many models of this recipe, digest and files were found to answer otherwise before.
    """

    digest: str
    num_classes: int
    class_names: Sequence[str] | None
    input_shape: Sequence[int]
    family: str | None
    cam_layer: str | None
    features: Sequence[str]
    parameters: int
    notes: Sequence[str] = ()
    bounded: bool = False
    files: str | None = None
    answers: Sequence[Sequence[float]] | None = None
    generation: int = 0


@dataclass(frozen=True)
class Verdict(JsonDataclass):
    """The reason why an explainer or a metric is not applicable, or None; an explainer's declared passes, or None, and notes on it."""

    reason: str | None
    passes: float | None
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class ComponentFacts(JsonDataclass):
    """An explainer or a metric as planning sees it.

    Attributes:
        files: digest of what the files hold that making it opens, or None.
        passes: those that a metric declares per sample, or None.
        selective: whether a metric says itself which models it is applicable to.
    """

    files: str | None = None
    passes: float | None = None
    selective: bool = False


def fact_key(kind: str, *recipes: Recipe | None, **extra: Any) -> str:
    """Under what a fact about components is remembered.

    It holds their recipes, the state of every file or folder that a parameter names, and the version of the harness that found it.
    """
    described = [
        None
        if recipe is None
        else {"recipe": recipe.digest, "files": [[list(entry) for entry in iter_file_states(path)] for path in iter_existing_paths(recipe)]}
        for recipe in recipes
    ]
    return json_digest({"fact": kind, "version": [FACTS_VERSION, _core_version()], "components": described, **extra})


def model_fact_key(recipe: Recipe, weights: str | None = None) -> str:
    """Under what the facts of a model are remembered: of one that is trained, of these ``weights`` (a file of the store)."""
    return fact_key("model", recipe) if weights is None else fact_key("model", recipe, weights=weights)


@cache
def _core_version() -> str:
    return metadata.version("xai-harness")


def iter_file_states(path: Path) -> Iterator[tuple[str, int, int, int]]:
    """Name, size and times of a file, or of every file below a folder, behind links too."""
    if not path.is_dir():
        yield path.name, *_size_and_times(path)
        return
    walked: set[tuple[int, int]] = set()
    for folder, folders, files in os.walk(path, followlinks=True):
        status = Path(folder).stat()
        if (status.st_dev, status.st_ino) in walked:  # a link to a folder that was walked already
            folders.clear()
            continue
        walked.add((status.st_dev, status.st_ino))
        folders.sort()
        for name in sorted(files):
            file = Path(folder) / name
            yield str(file.relative_to(path)), *_size_and_times(file)


def _size_and_times(file: Path) -> tuple[int, int, int]:
    """Size and times; those of the link if it leads nowhere."""
    status = file.stat() if file.exists() else file.lstat()
    return status.st_size, *stat_times(status)


def answers_match(some: Answers | None, others: Answers | None, tolerance: float = TOLERANCE) -> bool:
    """Whether answers are the same but for what arithmetic on other devices makes of them."""
    if some is None or others is None:
        return some is others
    if [len(row) for row in some] != [len(row) for row in others]:
        return False
    for row, other in zip(some, others, strict=True):
        allowed = tolerance * max(map(abs, [*row[:-1], *other[:-1]]), default=0.0) + 1e-12
        differences = [abs(a - b) for a, b in zip(row, other, strict=True)]
        if max(differences[:-1], default=0.0) > allowed or differences[-1] > allowed * max(1.0, len(row) ** 0.5):
            return False
    return True


def evidence_id(sample: str, kind: str) -> str:
    """Id under which the digests of a sample's evidence of a kind are remembered among those of samples: no sample has such an id."""
    return f"{sample}\n{kind}"


def select_noise_dependent(digests: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Of (sample id or `evidence_id`, digest) those whose digest noise may change."""
    return {sample: found for sample, found in digests if "." in found}
