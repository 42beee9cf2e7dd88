"""Whatever is given, a spec loads or a `SpecError` says why not; what loads is written so that it loads again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from harness.registry.registry import Registry
from harness.spec.load import load_spec
from harness.spec.problems import SpecError
from harness.spec.yaml_document import parse_yaml

from .conftest import QUICKSTART

PIECES = ["\n", "  ", "\t", "- ", ": ", "[", "]", "{", "}", "&a ", "*a", "!!x", "|", "\0", "<<", "~", "1e-3", ".nan", "9" * 20, "'", '"']
MORE = ["%YAML 1.1", "---", "...", "#", "\u2028", "\ufeff", "use: triad", "params: {parts: {a: lrp}}"]
TOKENS = st.sampled_from([*QUICKSTART.split("\n"), *QUICKSTART.replace("\n", " ").split(), *PIECES, *MORE])
TEXTS = st.text(max_size=60) | st.lists(TOKENS, max_size=25).map("".join) | st.lists(TOKENS, max_size=25).map("\n".join)

WORDS = ["grad-cam", "lrp", "triad", "x", "", "10m", "auto", "no", "012", "1e-3", "~", "a: b", " ", "é"]
KEYS = ["use", "params", "label", "parts", "training", "model", "timeout", "x"]
SECTIONS = ["name", "seed", "datasets", "models", "explainers", "metrics", "explain", "reference", "nulls", "overrides", "execution"]
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS)
NESTED = st.recursive(LEAVES, lambda one: st.lists(one, max_size=3) | st.dictionaries(st.sampled_from(KEYS), one, max_size=3), max_leaves=8)

settings.register_profile("specs", max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
specs = settings.get_profile("specs")


@specs
@given(text=TEXTS)
@example(text=QUICKSTART)
def test_no_text_does_anything_but_load_or_raise_spec_error(
    text: str, write: Callable[[bytes], Path], registry: Registry
) -> None:  # fmt: skip
    try:
        load_spec(write(text.encode("utf-8", "surrogatepass")), registry)
    except SpecError as error:
        assert error.problems and all(problem.message for problem in error.problems)


@specs
@given(data=st.binary(max_size=80))
def test_no_bytes_do_anything_but_load_or_raise_spec_error(data: bytes, write: Callable[[bytes], Path], registry: Registry) -> None:
    try:
        load_spec(write(data), registry)
    except SpecError as error:
        assert error.problems


@specs
@given(changes=st.dictionaries(st.sampled_from(SECTIONS), NESTED, min_size=1, max_size=3))
def test_no_mapping_does_anything_but_load_or_raise_spec_error(changes: dict[str, Any], registry: Registry) -> None:
    try:
        load_spec({**parse_yaml(QUICKSTART, "x").data, **changes}, registry)
    except SpecError as error:
        assert error.problems


@specs
@given(
    path=st.lists(st.sampled_from([*SECTIONS, *KEYS, "0", "1", "-1", ""]), max_size=4).map(".".join),
    value=st.sampled_from([*WORDS, *PIECES]),
)
def test_no_setting_does_anything_but_load_or_raise_spec_error(path: str, value: str, registry: Registry) -> None:
    try:
        load_spec(parse_yaml(QUICKSTART, "x").data, registry, [(path, value)])
    except SpecError as error:
        assert error.problems


@specs
@given(name=st.text(min_size=1, max_size=20), label=st.sampled_from(WORDS) | st.text(max_size=10), epsilon=st.floats(min_value=1e-300))
def test_what_is_written_loads_again(name: str, label: str, epsilon: float, registry: Registry) -> None:
    changes = {"name": name, "explainers": [{"use": "lrp", "label": label, "params": {"epsilon": epsilon}}], "reference": None}
    try:
        loaded = load_spec({**parse_yaml(QUICKSTART, "x").data, **changes}, registry)
    except SpecError:
        return
    again = load_spec(parse_yaml(loaded.to_yaml(), "again").data, registry)
    assert again.recipes == loaded.recipes and again.spec.name == name and again.to_yaml() == loaded.to_yaml()
