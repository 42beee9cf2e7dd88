"""Boxes of objects in the XML files of PASCAL VOC, which ImageNet has too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from harness.api import InputError

Box = tuple[float, float, float, float]
_CORNERS = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True)
class AnnotatedObject:
    """One object of an image: its class, and its box as it is written, xmin, ymin, xmax, ymax."""

    name: str
    box: Box


def read_objects(file: Path) -> list[AnnotatedObject]:
    """The objects of an image; raises `InputError` that names the file."""
    try:
        root = ElementTree.parse(file).getroot()
        return [_object(element) for element in root.iter("object")]
    except (OSError, ElementTree.ParseError, TypeError, ValueError) as error:
        raise InputError(f"root: {file} is no annotation in the format of PASCAL VOC: {error}") from error


def _object(element: ElementTree.Element) -> AnnotatedObject:
    name, box = element.findtext("name"), element.find("bndbox")
    if name is None or box is None:
        raise ValueError("an object without name or bndbox")
    x0, y0, x1, y1 = (float(box.findtext(corner) or "") for corner in _CORNERS)
    return AnnotatedObject(name.strip(), (x0, y0, x1, y1))
