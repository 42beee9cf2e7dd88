"""From a file or a mapping to a spec that is right, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.registry.json_schema import format_value
from harness.registry.registry import Registry
from harness.spec.checker import check_spec
from harness.spec.loaded_spec import LoadedSpec
from harness.spec.problems import SpecError, SpecProblem
from harness.spec.python_objects import read_mapping
from harness.spec.set_options import SetOption, apply_set_options
from harness.spec.sweeps import expand_sweeps
from harness.spec.yaml_document import read_yaml


def load_spec(
    source: Path | str | Mapping[str, Any], registry: Registry, settings: Iterable[SetOption] = (), *, files: bool = False
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
        (document, wrong), name = read_mapping(source, registry, "spec"), None
    elif not isinstance(source, str | Path):
        raise SpecError([SpecProblem("spec", None, None, f"a spec is a file or a mapping, not {format_value(source)}")])
    else:
        document, wrong, name = read_yaml(Path(source)), [], str(source)
    wrong += apply_set_options(document, settings)
    wrong += expand_sweeps(document)
    spec, recipes = check_spec(document, registry, wrong, files=files)
    return LoadedSpec(spec, recipes, name, registry, document)
