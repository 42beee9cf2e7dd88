"""Matches a dataset's labels to a model's classes, by name or by an explicit map."""

from __future__ import annotations

import difflib
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.planning.facts import DatasetFacts, ModelFacts
from harness.registry.naming import join_words
from harness.registry.recipe import Recipe
from harness.registry.registry import Registry
from harness.text_format import format_count
from harness.user_errors import UserError

SEND_BY_INDEX = "send it to one of them by its index, with a class_map"


class ClassMismatch(UserError):
    """A dataset's classes cannot be matched to a model's."""


def match_model_classes(
    registry: Registry,
    dataset: Recipe,
    facts: DatasetFacts,
    model: Recipe,
    model_facts: ModelFacts,
    class_map: Mapping[str, str | int] | None,
) -> tuple[list[int] | None, ModelFacts]:
    """The model's class of each of the dataset's labels (None: as they are), and the model's facts with a note of how they were guessed.

    Raises `ClassMismatch` that names the dataset, the model, and those of the model's parameters which might help.
    """
    names, known, number = facts.class_names, model_facts.class_names, model_facts.num_classes
    try:
        classes = match_classes(names, known, number, class_map)
        if names is None:
            labels = facts.labels if classes is None else [classes[label] if 0 <= label < len(classes) else label for label in facts.labels]
            check_labels_in_range(labels, facts.ids, number)
    except ClassMismatch as error:
        properties = registry.known("models", model.qualified).parameters.get("properties", {})
        taken = " and ".join(f"`{name}`" for name in ("num_classes", "class_names") if name in properties)
        also = f" (parameters of {model.name} that may help: {taken})" if taken else ""
        raise ClassMismatch(f"the dataset {dataset.label} and the model {model.label}: {error}{also}") from error
    note = order_note(names, known, number, class_map)
    return classes, model_facts if note is None else replace(model_facts, notes=[*model_facts.notes, f"{note} (dataset: {dataset.label})"])


def match_classes(
    dataset: Sequence[str] | None, model: Sequence[str] | None, num_classes: int, class_map: Mapping[str, str | int] | None = None
) -> list[int] | None:
    """The model's class of each dataset label; None if labels are the model's classes as they are.

    Names are one if they differ by Unicode's normal form, by case or by white space alone. A model without class names takes an index
    for every class of the dataset, or, without a map, as many classes as it has, in their order (`order_note` says so). A dataset whose
    labels are numbers takes a map from numbers, as texts, to indices or names: what is not in it stays.

    Raises `ClassMismatch` for a class that the model does not have or has twice (as ImageNet's names have "crane"; a dataset with the same
    names in the same order has the same classes), and for a map that names what the dataset does not have.
    """
    given = class_map or {}
    if dataset is None:
        return _map_numeric_labels(given, model, num_classes) if given else None
    mapping = _class_map_by_dataset_name(given, dataset)
    if model is None and not mapping:
        if len(dataset) != num_classes:
            raise ClassMismatch(
                f"the dataset has {format_count(len(dataset), 'class', 'classes')} and the model {num_classes:,}, without names. Give "
                f"the dataset a class_map with the model's index of each class, as in {class_map_example(sort_by_number(dataset))} "
                f"(its classes: {join_words(dataset, 12)})"
            )
        return None
    same = model is not None and list(dataset) == list(model)
    found = [
        place if same and name not in mapping else _class_of(name, mapping.get(name, name), model, num_classes)
        for place, name in enumerate(dataset)
    ]
    return None if found == list(range(num_classes)) else found


def check_labels_in_range(labels: Sequence[int], ids: Sequence[str], num_classes: int) -> None:
    """Raise `ClassMismatch` if labels that are the model's classes by number are none of them; it names the first samples."""
    outside = [(name, label) for name, label in zip(ids, labels, strict=True) if not 0 <= label < num_classes]
    if outside:
        shown = ", ".join(f"{name}: {label}" for name, label in outside[:3]) + (", …" if len(outside) > 3 else "")
        from_one = min(labels) == 1 and max(labels) == num_classes
        counting = ". They seem to count from 1: subtract 1, or give the dataset class_map: {'1': 0, '2': 1, …}" if from_one else ""
        what = f"{len(outside)} of {len(labels)} labels are" if len(outside) > 1 else "1 label is"
        raise ClassMismatch(f"{what} no class of the model, whose classes are 0 to {num_classes - 1} ({shown}){counting}")


def order_note(
    dataset: Sequence[str] | None, model: Sequence[str] | None, num_classes: int, class_map: Mapping[str, str | int] | None = None
) -> str | None:
    """Note on how labels were matched if that was a guess, and what to write if it is not what was meant; None if nothing was guessed.

    That is names with a model without any, and numbers with a model whose names are other numbers.
    """
    identity = [str(index) for index in range(num_classes)]
    if dataset is None and model is not None and list(model) != identity and all(name.isdecimal() for name in model) and not class_map:
        return (
            f"labels are taken as places among the model's classes, 0 to {num_classes - 1}, not as its class names, which are numbers too"
        )
    if dataset is None or model is not None or class_map:
        return None
    if list(dataset) == identity:
        return None
    matched = f"no class names: its classes 0 to {num_classes - 1} are taken to be {join_words(dataset, 12)}, in this order"
    order = numeric_order(dataset)
    if order is None:
        return f"{matched}; if it is another, give the dataset a class_map"
    numbered = class_map_example(sort_by_number(dataset))
    return f"{matched}: that of text, as torchvision's ImageFolder has it; if it is that of numbers, give the dataset class_map: {numbered}"


def numeric_order(names: Sequence[str]) -> list[int] | None:
    """The places of names in the order of the numbers that they are; None if they are not all whole numbers, or that is their order."""
    if not all(name.isdecimal() for name in names) or len({int(name) for name in names}) < len(names):
        return None
    numbers = sorted(map(int, names))
    places = [numbers.index(int(name)) for name in names]
    return None if places == sorted(places) else places


def sort_by_number(names: Sequence[str]) -> list[str]:
    """Names in the order of the numbers that they are, or in their own if they are none."""
    order = numeric_order(names)
    return list(names) if order is None else sorted(names, key=int)


def normalise_class_name(name: str) -> str:
    """A name as it is compared: composed, without case, white space as single spaces."""
    return " ".join(unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold()).split())


def class_map_example(names: Sequence[str], most: int = 3) -> str:
    """A class_map of the first names to be written in YAML."""
    shown = [f"{name!r}: {index}" for index, name in enumerate(names[:most])]
    return "{" + ", ".join(shown) + (", …" if len(names) > most else "") + "}"


def _class_map_by_dataset_name(given: Mapping[str, str | int], dataset: Sequence[str]) -> dict[str, str | int]:
    """The map by the dataset's own spelling."""
    places = {name: _find_name(name, dataset) for name in given}
    unknown = sorted(name for name, place in places.items() if place is None)
    if unknown:
        raise ClassMismatch(
            f"class_map names {_quote_with_suggestion(unknown[0], dataset)}, which is no class of the dataset ({join_words(dataset, 12)})"
        )
    same = {dataset[place]: given[name] for name, place in places.items() if place is not None}
    exact = {normalise_class_name(name): given[name] for name in given}
    return {
        name: same.get(name, exact[normalise_class_name(name)]) for name in dataset if name in same or normalise_class_name(name) in exact
    }


def _map_numeric_labels(given: Mapping[str, str | int], model: Sequence[str] | None, num_classes: int) -> list[int]:
    """The model's class of each number that a dataset without names has for labels."""
    words = sorted(name for name in given if not name.isdecimal())
    if words:
        raise ClassMismatch(f"class_map names {words[0]!r}, and the dataset has no class names: its labels are numbers, such as '0'")
    numbers = {int(name): _class_of(name, wanted, model, num_classes) for name, wanted in given.items()}
    return [numbers.get(label, label) for label in range(max(num_classes, max(numbers) + 1))]


def _class_of(name: str, wanted: str | int, model: Sequence[str] | None, num_classes: int) -> int:
    """The model's class of one class of the dataset, given the name or index that is wanted for it."""
    if isinstance(wanted, int):
        if not 0 <= wanted < num_classes:
            raise ClassMismatch(f"class_map sends {name!r} to class {wanted}, and the model has {num_classes} (0 to {num_classes - 1})")
        return wanted
    if model is None:
        raise ClassMismatch(f"the model has no class names: class_map must give {name!r} an index from 0 to {num_classes - 1}")
    places = [str(place) for place, known in enumerate(model) if known == wanted]
    if len(places) > 1:
        raise ClassMismatch(f"{wanted!r} is the name of the model's classes {join_words(places)}: {SEND_BY_INDEX}")
    place = _find_name(wanted, model)
    if place is not None:
        return place
    raise ClassMismatch(
        f"the model has no class {_quote_with_suggestion(wanted, model)}. Give the dataset a class_map from "
        "its names to the model's names or indices, "
        f"such as {{{name!r}: 0}}. (the model's classes: {join_words(model, 12)})"
    )


def _find_name(wanted: str, names: Sequence[str]) -> int | None:
    """Where a name stands among others, as it is or else as it is compared; raises `ClassMismatch` if it might be two of them."""
    if wanted in names:
        return list(names).index(wanted)
    compared = [normalise_class_name(name) for name in names]
    count = Counter(compared)[normalise_class_name(wanted)]
    if count > 1:
        both = [name for name, seen in zip(names, compared, strict=True) if seen == normalise_class_name(wanted)]
        raise ClassMismatch(f"{wanted!r} may be {' or '.join(map(repr, both))}: {SEND_BY_INDEX}")
    return compared.index(normalise_class_name(wanted)) if count else None


def _quote_with_suggestion(wanted: str, names: Sequence[str]) -> str:
    """A name that is not among others, with the nearest; with its characters spelt out if it may look like one of them."""
    shown = repr(wanted) if wanted.isascii() else f"{wanted!r} (written {wanted!a})"
    close = difflib.get_close_matches(wanted, names, n=1)
    return f"{shown}; did you mean {close[0]!r}?" if close else shown
