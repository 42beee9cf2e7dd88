"""The files of a new distribution with one component: code, tests, metadata, licence, and what runs its checks on every push."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath
from string import Template
from typing import Literal

from harness.api.version import API_VERSION
from harness.user_errors import UserError

ComponentKind = Literal["explainer", "metric", "model", "dataset", "executor"]
Licence = Literal["Apache-2.0", "BSD-3-Clause", "MIT"]
PREFIXES = ("xai-harness-", "harness-", "xai-")  # of distributions, which names of components do without
SUFFIX = ".template"
CHECKED_STEP = """\
      - run: harness plugins check $component --report conformance.json --badge conformance.svg
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: conformance
          path: conformance.*"""
BADGE_STEP = "harness plugins check $component --badge conformance.svg    # the badge above\n"
USAGE = {
    "explainer": "In a spec: `explainers: [$component]`; its parameters: `harness plugins show $component`.",
    "metric": "In a spec: `metrics: [$component]`; its definition: `harness plugins show $component`.",
    "model": "In a spec: `models: [$component]`; its parameters: `harness plugins show $component`.",
    "dataset": "In a spec: `datasets: [$component]`; its parameters: `harness plugins show $component`.",
    "executor": "`harness run spec.yaml --executor $component`; its parameters stand in the spec's `execution`.",
}


@dataclass(frozen=True)
class NewDistribution:
    """A distribution to be written.

    Attributes:
        name: as pip knows it, such as ``xai-my-saliency``.
        kind: of its component.
        component: the component's name.
        licence: SPDX identifier.
        author: who holds the copyright.
    """

    name: str
    kind: ComponentKind
    component: str
    licence: Licence
    author: str

    @classmethod
    def called(cls, name: str, kind: ComponentKind, component: str | None, licence: Licence, author: str) -> NewDistribution:
        """Distribution of this name; its component's is by default the same without a prefix such as ``xai-``.

        Raises `UserError` for names that pip or Python do not take.
        """
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
            raise UserError(f'"{name}" is no name of a distribution: small letters, digits and single hyphens, a letter first')
        if component is None:
            component = next((name.removeprefix(prefix) for prefix in PREFIXES if name.startswith(prefix)), name)
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", component):
            raise UserError(f'"{component}" is no name of a component: small letters, digits and single hyphens, a letter first')
        made = cls(name, kind, component, licence, author)
        if wrong := next((word for word in (made.package, made.attribute) if keyword.iskeyword(word)), None):
            raise UserError(f'"{wrong}" is a word of Python: take another name')
        return made

    @property
    def package(self) -> str:
        """The name that Python imports."""
        return self.name.replace("-", "_")

    @property
    def attribute(self) -> str:
        """The function's or the class's name."""
        words = self.component.split("-")
        return "".join(word.capitalize() for word in words) if self.kind == "executor" else "_".join(words)

    def contents(self) -> dict[str, str]:
        """The text of each file by its path in the folder."""
        words = self._words()
        templates = files("harness.scaffold") / "templates"
        found = {path: text for folder in ("common", self.kind) for path, text in _iter_templates(templates / folder)}
        found["LICENSE"] = (templates / "licences" / f"{self.licence}.txt").read_text(encoding="utf-8").lstrip("\n")
        moved = {"gitignore": ".gitignore", "workflow.yml": ".github/workflows/check.yml"}
        return {moved.get(path, path.replace("PACKAGE", self.package)): Template(text).substitute(words) for path, text in found.items()}

    def write(self, folder: Path) -> list[Path]:
        """Write the files into a folder that is made for them; raises `UserError` if there is something already."""
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UserError(f"{folder} is there already, and not empty")
        contents = self.contents()
        for path, text in contents.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        return [folder / path for path in sorted(contents)]

    def _words(self) -> Mapping[str, str]:
        own = {
            "distribution": self.name,
            "package": self.package,
            "kind": self.kind,
            "component": self.component,
            "module": self.kind,
            "attribute": self.attribute,
            "function": self.attribute,
            "licence": self.licence,
            "author": self.author,
            "author_toml": json.dumps(self.author),
            "year": str(datetime.now(UTC).year),
            "api_version": API_VERSION.partition(".")[0],
            "harness_version": version("xai-harness"),
        }
        checked = self.kind != "executor"  # conformance has no checks of executors
        own["usage"] = Template(USAGE[self.kind]).substitute(own)
        own["workflow_step"] = Template(CHECKED_STEP).substitute(own) if checked else ""
        own["badge_step"] = Template(BADGE_STEP).substitute(own) if checked else ""
        own["badge"] = "![conformance](conformance.svg)\n" if checked else ""
        return own


def _iter_templates(folder: Traversable, base: str = "") -> list[tuple[str, str]]:
    """The paths of templates below a folder, without their suffix, and their text."""
    found: list[tuple[str, str]] = []
    for entry in folder.iterdir():
        path = str(PurePosixPath(base) / entry.name)
        if entry.is_dir():
            found += _iter_templates(entry, path)
        elif entry.name.endswith(SUFFIX):
            found.append((path.removesuffix(SUFFIX), entry.read_text(encoding="utf-8")))
    return found
