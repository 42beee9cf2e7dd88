"""Component names, and what a misspelt one may have meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches


def kebab(name: str) -> str:
    """``my_cam``, ``MyCAM``, ``GradCAM2`` → ``my-cam``, ``my-cam``, ``grad-cam2``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name)
    return re.sub(r"[_\-]+", "-", spaced).strip("-").lower()


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``; did you mean "grad-cam"?``, or nothing where no known word is near."""
    known = list(dict.fromkeys(known))
    plain = {re.sub(r"[^a-z0-9+]", "", item.lower()): item for item in reversed(known)}
    near = get_close_matches(re.sub(r"[^a-z0-9+]", "", word.lower()), list(plain), n=1, cutoff=0.6)
    return f'; did you mean "{plain[near[0]]}"?' if near else ""


def article(noun: str) -> str:
    """``an explainer``, ``a metric``."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def listed(words: Iterable[str], most: int = 40) -> str:
    """``a, b, c``, cut after ``most``; ``none`` where there are none."""
    words = list(words)
    return ", ".join(words[:most]) + (f", … ({len(words)} in all)" if len(words) > most else "") or "none"
