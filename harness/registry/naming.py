"""Component names, and what a misspelt one may have meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches


def kebab(name: str) -> str:
    """``my_cam``, ``MyCAM``, ``GradCAM2`` → ``my-cam``, ``my-cam``, ``grad-cam2``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name)
    return re.sub(r"[_\-]+", "-", spaced).strip("-").lower()


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``; did you mean "grad-cam"?``, or nothing if no known word is near."""
    near = find_nearest_name(word, known)
    return f'; did you mean "{near}"?' if near else ""


def find_nearest_name(word: str, known: Iterable[str]) -> str | None:
    """The known word that a misspelt one may have meant; None if none is near."""
    plain = {_comparable(item): item for item in reversed(list(dict.fromkeys(known)))}
    near = get_close_matches(_comparable(word), list(plain), n=1, cutoff=0.6)
    return plain[near[0]] if near else None


def format_installed_names(word: str, known: Iterable[str], kind: str, most: int = 6) -> str:
    """``(installed: …)``: all names if they are few, else those most like ``word``, and where the others are listed."""
    known = list(dict.fromkeys(known))
    if len(known) <= 2 * most:
        return f"(installed: {join_words(known)})"
    nearest = sorted(known, key=lambda name: -SequenceMatcher(None, _comparable(word), _comparable(name)).ratio())[:most]
    return f"(installed: {', '.join(nearest)} … and {len(known) - most} more: harness plugins list {kind})"


def _comparable(word: str) -> str:
    return re.sub(r"[^a-z0-9+]", "", word.lower())


def with_article(noun: str) -> str:
    """``an explainer``, ``a metric``."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def join_words(words: Iterable[str], most: int = 16) -> str:
    """``a, b, c``, cut after ``most``; ``none`` if there are none."""
    words = list(words)
    return ", ".join(words[:most]) + (f", … ({len(words)} in all)" if len(words) > most else "") or "none"
