"""From a file or a mapping to a spec that is right, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.registry.registry import Registry
from harness.registry.wording import told
from harness.spec.checking import Checker
from harness.spec.loaded import LoadedSpec
from harness.spec.objects import plain_mapping
from harness.spec.problems import SpecError, SpecProblem
from harness.spec.settings import Setting, apply_settings
from harness.spec.yaml import Document, read_yaml


def load(
    source: Path | str | Mapping[str, Any], registry: Registry, settings: Iterable[Setting] = (), *, files: bool = False
) -> LoadedSpec:
    """Read, check and resolve a spec.

    Args:
        source: a YAML file, or a mapping whose component positions may hold Python functions and objects, which are registered.
        registry: where components are looked up.
        settings: ``(path, value)`` pairs that replace single values, such as ``("explain.target", "label")``; texts are read as YAML.
        files: whether files and folders that parameters name must be there; else what cannot be had is blocked when it is run.

    Raises:
        SpecError: all problems at once, sorted by their places.
    """
    if isinstance(source, Mapping):
        data, wrong = plain_mapping(source, registry, "spec")
        document, name = Document("spec", data), None
    elif not isinstance(source, str | Path):
        raise SpecError([SpecProblem("spec", None, None, f"a spec is a file or a mapping, not {told(source)}")])
    else:
        document, wrong, name = read_yaml(Path(source)), [], str(source)
    origins, unset = apply_settings(document, settings)
    spec, recipes = Checker(document, registry, origins, [*wrong, *unset], files).checked()
    return LoadedSpec(spec, recipes, name, registry, document)
