"""Images listed in a CSV file."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from harness.api import InputError
from harness.api.image_files.entries import Entry
from harness.api.image_files.locating import Locator, there
from harness.api.image_files.tables import TableError, TableRow, read_table
from harness.api.image_files.walking import composed, shown
from harness_torchvision.labels import index_of, is_missing, number

REQUIRED = ("path", "label")
MOST_TOLD = 20
Box = tuple[float, float, float, float]


class ManifestError(InputError):
    """Faults of a manifest, a line of the message for each; it begins with ``FILE:LINE``."""


def entries_in_manifest(manifest: Path, root: Path, split: str | None) -> tuple[list[Entry], list[str] | None, list[str]]:
    """The rows of a manifest in their order, the class names, sorted (None where labels are classes by number), and notes.

    Columns: ``path`` and ``label``; optional ``id`` (default: the path), ``mask``, ``boxes`` (JSON ``[[x0, y0, x1, y1], …]``) and
    ``split``; others are passed over. They are separated by commas, tabs or semicolons. Paths are relative to ``root`` and must stay
    inside; in either normal form of Unicode, and with the separators of Windows too. Labels that are all whole numbers, however they are
    written, are classes by number. Class names are those of all splits. Raises `ManifestError` with everything that is wrong.
    """
    try:
        rows = read_table(manifest, REQUIRED)
    except TableError as error:
        raise ManifestError(str(error)) from error
    problems = _incomplete(rows)
    given = [row for row in rows if row.values["label"] and not is_missing(row.values["label"])]
    numbered, notes = _numbered(manifest, given, problems)
    names = None if numbered else sorted({composed(row.values["label"]) for row in given})
    locator = Locator(root)
    entries: dict[str, Entry] = {}
    for row in _of_split(manifest, rows, split):
        try:
            entry = _entry(f"{manifest}:{row.line}", row.values, locator, numbered)
        except ValueError as error:
            problems.append((row.line, str(error)))
            continue
        if entry.id in entries:
            problems.append((row.line, f"the id {entry.id!r} is used twice (also in line {entries[entry.id].place.rpartition(':')[2]})"))
        entries.setdefault(entry.id, entry)
    if problems:
        raise _all_of(manifest, [*problems, *_missing(entries.values(), locator)])
    return list(entries.values()), names, notes


def _incomplete(rows: Sequence[TableRow]) -> list[tuple[int, str]]:
    """What is wrong with rows whatever they are about, by line."""
    problems = []
    for row in rows:
        if row.too_long:
            problems.append((row.line, "more values than columns"))
        if not row.values["path"]:
            problems.append((row.line, "no path"))
        if is_missing(row.values["label"]):
            problems.append((row.line, f"no label (it is {row.values['label']!r})" if row.values["label"] else "no label"))
    return problems


def _missing(entries: Iterable[Entry], locator: Locator) -> Iterator[tuple[int, str]]:
    """Images that are not there, which alone are no fault of the manifest's where unreadable ones are skipped."""
    for entry in entries:
        if not there(entry.path):
            name = entry.path.relative_to(locator.root).as_posix()
            yield int(entry.place.rpartition(":")[2]), f"{name}: there is no such file{locator.hint(name)}"


def _numbered(manifest: Path, given: Sequence[TableRow], problems: list[tuple[int, str]]) -> tuple[bool, list[str]]:
    """Whether labels are numbers of classes, with notes; what is no class goes into ``problems``."""
    labels = {row.values["label"]: row.line for row in reversed(given)}
    numbers = [label for label in labels if number(label) is not None]
    words = [label for label in labels if number(label) is None]
    if not numbers or any(not is_missing(word, among_numbers=True) for word in words):
        if numbers:
            rarer, of = (words, "no numbers") if len(words) <= len(numbers) else (numbers, "numbers")
            places = shown([f"{label!r} in line {labels[label]}" for label in rarer], 3)
            return False, [f"{manifest}: labels are taken as names, numbers too, because some are {of}: {places}"]
        return False, []
    for row in given:
        label = row.values["label"]
        try:
            index_of(label)
        except ValueError as error:
            problems.append((row.line, str(error) if label in numbers else f"no label (it is {label!r})"))
    odd = [label for label in numbers if not label.isdecimal()]
    return True, [f"{manifest}: labels are classes by number, {odd[0]!r} is {index_of(odd[0])}"] if odd and not problems else []


def _of_split(manifest: Path, rows: Sequence[TableRow], split: str | None) -> Sequence[TableRow]:
    if split is None:
        return rows
    if "split" not in rows[0].values:
        raise ManifestError(f"{manifest}:1: there is no column 'split' to choose {split!r} by")
    chosen = [row for row in rows if composed(row.values["split"]) == composed(split)]
    if not chosen:
        known = sorted({row.values["split"] for row in rows})
        raise ManifestError(f"{manifest}: no row is of the split {split!r} (there are {', '.join(map(repr, known))})")
    return chosen


def _entry(place: str, row: dict[str, str], locator: Locator, numbered: bool) -> Entry:
    path = locator.find(row["path"])
    mask = locator.find(row["mask"]) if row.get("mask") and not is_missing(row["mask"]) else None
    if mask is not None and not there(mask):
        raise ValueError(f"there is no mask {row['mask']!r}{locator.hint(row['mask'])}")
    return Entry(
        path=path,
        label=_label(row["label"], numbered),
        id=row.get("id") or composed(path.relative_to(locator.root).as_posix()),
        masks=() if mask is None else (mask,),
        boxes=_boxes(row["boxes"]) if row.get("boxes") and not is_missing(row["boxes"]) else None,
        place=place,
    )


def _label(text: str, numbered: bool) -> str | int:
    """A label; one that is no class is told elsewhere, for all rows, and stands here as 0."""
    if not numbered:
        return composed(text)
    try:
        return index_of(text)
    except ValueError:
        return 0


def _boxes(text: str) -> tuple[Box, ...]:
    try:
        given = json.loads(text)
        boxes = tuple((float(x0), float(y0), float(x1), float(y1)) for x0, y0, x1, y1 in given)
    except (ValueError, TypeError) as error:
        raise ValueError(f"boxes must be JSON [[x0, y0, x1, y1], …], not {text!r}") from error
    for box in boxes:
        if not all(map(math.isfinite, box)) or box[2] <= box[0] or box[3] <= box[1]:
            raise ValueError(f"the box {list(box)} is empty; boxes are x0, y0, x1, y1 with x0 < x1 and y0 < y1")
    return boxes


def _all_of(manifest: Path, problems: Sequence[tuple[int, str]]) -> ManifestError:
    unique = sorted(dict.fromkeys(problems))
    lines = [f"{manifest}:{line}: {message}" for line, message in unique[:MOST_TOLD]]
    more = [f"… and {len(unique) - MOST_TOLD} more"] if len(unique) > MOST_TOLD else []
    return ManifestError("\n".join([*lines, *more]))
