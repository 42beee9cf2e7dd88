"""The page: templates, styles and scripts put together into one file that loads nothing from anywhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

STYLES = ("page.css", "board.css", "gallery.css")
SCRIPTS = (
    "dom.js",
    "page_state.js",
    "standings.js",
    "board.js",
    "comparison.js",
    "downloads.js",
    "map_pixels.js",
    "viewer.js",
    "gallery.js",
    "start.js",
)
"""Files of ``static``, in the order in which they stand in the page; scripts share one scope."""


def render_page(context: Mapping[str, Any], *, frames: bool = False) -> str:
    """The page of a context (see ``templates/page.html.j2``); ``frames``: its samples are in files beside it."""
    style = Markup("\n".join(map(_static_text, STYLES)))
    script = Markup('(() => {\n"use strict";\n' + "\n".join(map(_static_text, SCRIPTS)) + "\n})();")
    policy = content_policy([script], [style], frames)
    text = _environment().get_template("page.html.j2").render(**context, style=style, script=script, policy=policy)
    return text if text.endswith("\n") else text + "\n"


def render_sample_file(sample: Markup) -> str:
    """A file that hands one sample, as JSON, to the page that frames it: pages from a disk may read no other file."""
    script = Markup(_static_text("sample_file.js"))
    return _environment().get_template("sample.html.j2").render(sample=sample, script=script, policy=content_policy([script], [], False))


def content_policy(scripts: Iterable[str], styles: Iterable[str], frames: bool) -> str:
    """A Content-Security-Policy that allows these scripts and styles, pictures inside the page, and nothing else."""
    hashes = {kind: " ".join(f"'sha256-{_digest(text)}'" for text in texts) for kind, texts in (("script", scripts), ("style", styles))}
    allowed = {f"{kind}-src": texts for kind, texts in hashes.items() if texts} | {"img-src": "data: blob:"}
    if frames:
        allowed["frame-src"] = "'self' file:"
    said = "; ".join(f"{name} {sources}" for name, sources in allowed.items())
    return f"default-src 'none'; {said}; base-uri 'none'; form-action 'none'"


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(str(text).encode()).digest()).decode()


def _static_text(name: str) -> str:
    return (files("harness.report") / "static" / name).read_text("utf-8").strip()


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("harness.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.globals |= {"zip": zip, "Markup": Markup}
    return made
