"""BibTeX entries: read, shown as plain text, and made such that every standard style takes them without a warning."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

REQUIRED_FIELDS: dict[str, tuple[str, ...]] = {
    "article": ("author", "title", "journal", "year"),
    "book": ("author|editor", "title", "publisher", "year"),
    "booklet": ("title",),
    "inbook": ("author|editor", "title", "chapter|pages", "publisher", "year"),
    "incollection": ("author", "title", "booktitle", "publisher", "year"),
    "inproceedings": ("author", "title", "booktitle", "year"),
    "conference": ("author", "title", "booktitle", "year"),
    "manual": ("title",),
    "mastersthesis": ("author", "title", "school", "year"),
    "misc": (),
    "phdthesis": ("author", "title", "school", "year"),
    "proceedings": ("title", "year"),
    "techreport": ("author", "title", "institution", "year"),
    "unpublished": ("author", "title", "note"),
}
"""The entry types of BibTeX with the fields that each must have (Patashnik 1988, section 3.1); ``|``: one of several."""
ENTRY_HEAD = re.compile(r"@(\w+)\s*\{\s*([^,\s{}]+)\s*,")
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u ", "\u0307": ".", "\u0308": '"', "\u030a": "r ",
    "\u030b": "H ", "\u030c": "v ", "\u0323": "d ", "\u0327": "c ", "\u0328": "k ", "\u0331": "b ",
}  # fmt: skip
_LETTERS = {
    "ø": r"{\o}", "Ø": r"{\O}", "ß": r"{\ss}", "æ": r"{\ae}", "Æ": r"{\AE}", "œ": r"{\oe}", "Œ": r"{\OE}", "ł": r"{\l}", "Ł": r"{\L}",
    "ı": r"{\i}", "–": "--", "—": "---", "‘": "`", "’": "'", "“": "``", "”": "''", "\u00a0": "~",
}  # fmt: skip
_MARKS = {command.strip(): mark for mark, command in _ACCENTS.items()}
_NAMED = {letter[2:-1]: char for char, letter in _LETTERS.items() if letter.startswith("{")}
_ACCENTED = re.compile(r"""\\(?:(["'`^~=.])|([uvHcdkbr])(?=[\s{]))\s*\{?\\?([A-Za-z])\}?""")
_NAMED_LETTER = re.compile(rf"\\({'|'.join(sorted(_NAMED, key=len, reverse=True))})(?![A-Za-z])\s?")


def split_entries(text: str) -> Iterator[str]:
    """Entries one by one, by their braces; what is between them is dropped."""
    start = None
    depth = 0
    for place, char in enumerate(text):
        if char == "@" and depth == 0:
            start = place
        elif char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0 and start is not None:
                yield text[start : place + 1]
                start = None


def entry_fields(entry: str) -> dict[str, str]:
    """The fields of an entry by lower-case name, without their delimiters; those that are empty are left out."""
    head = ENTRY_HEAD.match(entry)
    if head is None:
        return {}
    found = {}
    for part in _split_fields(entry[head.end() : max(entry.rfind("}"), head.end())]):
        name, equals, value = part.partition("=")
        value = value.strip()
        value = value[1:-1] if value[:1] + value[-1:] in ("{}", '""') else value
        if equals and value.strip():
            found[name.strip().lower()] = value.strip()
    return found


def plain_fields(entry: str) -> dict[str, str]:
    """The fields of an entry as a person reads them: accents and letters for LaTeX's commands, without braces, on one line."""
    return {name: " ".join(re.sub(r"[{}]", "", _from_latex(value)).split()) for name, value in entry_fields(entry).items()}


def _from_latex(text: str) -> str:
    text = _ACCENTED.sub(lambda match: unicodedata.normalize("NFC", match[3] + _MARKS[match[1] or match[2]]), text)
    return _NAMED_LETTER.sub(lambda match: _NAMED[match[1]], text)


def to_standard_bibtex(entry: str) -> str:
    """The entry, accents as LaTeX writes them, as every standard style takes it without a warning; one that is so already stays as it is.

    Of a type that BibTeX does not know (those of BibLaTeX), or without a field that its type must have, it becomes a ``@misc``; without
    author, editor or key it gets a key to sort by, without a year "n.d.".
    """
    entry = accents_to_latex(entry)
    head = ENTRY_HEAD.match(entry)
    if head is None:
        return entry
    there = entry_fields(entry)
    kind = head[1].lower()
    required = REQUIRED_FIELDS.get(kind)
    lacking = required is None or any(not set(name.split("|")) & set(there) for name in required)
    added = {}
    if not {"author", "editor", "key"} & set(there):
        added["key"] = there.get("title", head[2])
    if "year" not in there:
        added["year"] = _publication_year(there)
    if not lacking and not added:
        return entry
    lines = "".join(f"\n  {name} = {{{value}}}," for name, value in added.items())
    return f"@{'misc' if lacking else head[1]}{{{head[2]},{lines}{entry[head.end() :]}"


def _publication_year(there: dict[str, str]) -> str:
    """Of a BibLaTeX date or an arXiv id, where there is one."""
    date = re.match(r"\d{4}", there.get("date", ""))
    arxiv = re.match(r"(\d\d)\d\d\.\d{4,5}", there.get("eprint", ""))
    return date[0] if date else f"20{arxiv[1]}" if arxiv else "n.d."


def accents_to_latex(text: str) -> str:
    """Letters with accents as LaTeX writes them; what it has no name for stays."""
    return "".join(char if char.isascii() else _letter_to_latex(char) for char in unicodedata.normalize("NFC", text))


def _letter_to_latex(char: str) -> str:
    if char in _LETTERS:
        return _LETTERS[char]
    parts = list(unicodedata.normalize("NFD", char))
    letter = _LETTERS.get(parts[0], parts[0])
    if not letter.isascii() or any(mark not in _ACCENTS for mark in parts[1:]):
        return char
    for mark in parts[1:]:
        letter = f"{{\\{_ACCENTS[mark]}{letter}}}"
    return letter


def _split_fields(body: str) -> Iterator[str]:
    """Parts between commas that stand in no braces and no quotation marks."""
    depth, quoted, start = 0, False, 0
    for place, char in enumerate(body):
        if char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
        elif char == '"' and depth == 0:
            quoted = not quoted
        elif char == "," and depth == 0 and not quoted:
            yield body[start:place]
            start = place + 1
    yield body[start:]
