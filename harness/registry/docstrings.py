"""Reading docstrings: the first line, what is said besides arguments, and the meaning of each argument."""

from __future__ import annotations

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
    """Argument names to their meanings, each on one line, of whichever style the docstring is."""
    import docstring_parser  # only where a component is imported

    try:
        described = docstring_parser.parse(doc).params
    except docstring_parser.ParseError:
        return {}
    return {name.strip(): " ".join((item.description or "").split()) for item in described for name in item.arg_name.split(",")}


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
