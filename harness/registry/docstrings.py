"""What a docstring says: its first line, and the meaning of each argument (Google's ``Args:`` or NumPy's ``Parameters``)."""

from __future__ import annotations

import re

ARGUMENT = re.compile(r"^(\*{0,2}\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)$")
SECTIONS = ("args:", "arguments:", "parameters:")


def summary_line(doc: str) -> str:
    """The first line that says anything."""
    return next((line.strip() for line in doc.splitlines() if line.strip()), "")


def prose(doc: str) -> str:
    """The docstring without its section of arguments; lines of a paragraph joined, so that a terminal can break them."""
    lines: list[str] = []
    skipped: int | None = None
    for line in doc.splitlines():
        if skipped is not None and (not line.strip() or _indent(line) > skipped):
            continue
        skipped = _indent(line) if line.strip().lower() in SECTIONS else None
        if skipped is not None:
            continue
        above = lines[-1] if lines else ""
        joins = above.strip() and line.strip() and not above.endswith(":") and not line.lstrip().startswith(("-", "*", ">>>"))
        if joins and _indent(line) >= _indent(above) and not above.lstrip().startswith(">>>"):
            lines[-1] = f"{above} {line.strip()}"
        else:
            lines.append(line.rstrip())
    return "\n".join(lines).strip()


def argument_descriptions(doc: str) -> dict[str, str]:
    """Argument names to their meanings, each on one line."""
    lines = doc.splitlines()
    for start, line in enumerate(lines):
        if line.strip().lower() in SECTIONS:
            return _parse_google(lines[start + 1 :], _indent(line))
        if line.strip() == "Parameters" and start + 1 < len(lines) and set(lines[start + 1].strip()) == {"-"}:
            return _parse_numpy(lines[start + 2 :], _indent(line))
    return {}


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _parse_google(lines: list[str], outer: int) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    name, inner = "", None
    for line in lines:
        if not line.strip():
            continue
        if _indent(line) <= outer:
            break
        inner = _indent(line) if inner is None else inner
        match = ARGUMENT.match(line.strip())
        if match and _indent(line) == inner:
            name = match.group(1)
            found[name] = [match.group(2)]
        elif name:
            found[name].append(line.strip())
    return {name: " ".join(filter(None, words)) for name, words in found.items()}


def _parse_numpy(lines: list[str], outer: int) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    names: list[str] = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if following.strip() and set(following.strip()) == {"-"}:
            break
        if line.strip() and _indent(line) == outer:
            names = [name.strip() for name in line.split(":")[0].split(",")]
            found.update({name: [] for name in names})
        elif line.strip():
            for name in names:
                found[name].append(line.strip())
    return {name: " ".join(words) for name, words in found.items()}
