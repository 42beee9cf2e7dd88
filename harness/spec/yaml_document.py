"""Reading YAML 1.2 with the place of every value, and with limits: what a spec does not need is refused.

Scalars mean what YAML 1.2 says: ``no`` and ``1:30`` are texts, ``012`` is twelve, ``1e-3`` is a number; dates are texts.
"""

from __future__ import annotations

import os
import stat
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, ComposerError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from harness.registry.errors import KeyPath
from harness.spec.problems import SpecError, SpecProblem

LineColumn = tuple[int, int]
MAX_BYTES = 2**20
MAX_DEPTH = 64
MAX_VALUES = 20_000
MAX_DIGITS = 4_000
CORE_TAG = "tag:yaml.org,2002:"
ALLOWED_TAGS: dict[type[Node], tuple[str, ...]] = {
    ScalarNode: ("null", "bool", "int", "float", "str", "timestamp", "value", "merge"),
    SequenceNode: ("seq",),
    MappingNode: ("map",),
}
"""The tags of YAML's own that a spec may have, by node; the last four of scalars are texts."""


@dataclass
class SpecDocument:
    """Plain values, and where each is from.

    Attributes:
        file: the spec's path, or ``spec`` for a mapping.
        values, keys: line and column (from 1) of each value and of each key.
        origins: which options of the command line have set the values at these paths.
        refused: paths of objects that no values stand for, of which a problem is known.
    """

    file: str
    data: Any = None
    values: dict[KeyPath, LineColumn] = field(default_factory=dict)
    keys: dict[KeyPath, LineColumn] = field(default_factory=dict)
    origins: dict[KeyPath, str] = field(default_factory=dict)
    refused: set[KeyPath] = field(default_factory=set)

    def place(self, at: KeyPath, key: bool = False) -> LineColumn | None:
        """The place of the value at ``at`` (or of its key), else of the nearest thing around it; None if there is no text."""
        if key and at in self.keys:
            return self.keys[at]
        return next((self.values[at[:end]] for end in range(len(at), -1, -1) if at[:end] in self.values), None)

    def problem(self, at: KeyPath, message: str, *, key: bool = False, named: bool = False) -> SpecProblem:
        """Something wrong, with its place; without one the message begins with the path, unless it is ``named`` in it."""
        origin = next((origin for path, origin in self.origins.items() if at[: len(path)] == path), None)
        place = None if origin is not None else self.place(at, key)
        if origin is None and place is None and at and not named:
            message = f"{'.'.join(map(str, at))}: {message}"
        line, column = place or (None, None)
        return SpecProblem(origin or self.file, line, column, message)


def read_yaml(path: Path) -> SpecDocument:
    """The one document of a file.

    Raises:
        SpecError: no such file, no regular file, too large, not UTF-8, not YAML, or more than a spec needs.
    """
    try:
        status = path.stat()
        wrong = _why_unreadable(status)
        if wrong is None:
            with path.open("rb") as stream:  # the files of /proc say 0 bytes, and some of them never end
                return parse_yaml(stream.read(status.st_size).decode("utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8", "replace")
        line, column = _line_column(before, len(before))
        wrong = f"is not UTF-8 text (byte 0x{error.object[error.start]:02x})"
        raise SpecError([SpecProblem(str(path), line, column, wrong)]) from error
    except FileNotFoundError:
        wrong = "no such file"
    except SpecError:
        raise
    except (OSError, ValueError) as error:
        wrong = f"cannot be read: {getattr(error, 'strerror', None) or error}"
    raise SpecError([SpecProblem(str(path), None, None, wrong)])


def _why_unreadable(status: os.stat_result) -> str | None:
    """Why a file of this status cannot be a spec, or None."""
    if stat.S_ISDIR(status.st_mode):
        return "is a folder, not a spec"
    if not stat.S_ISREG(status.st_mode):
        return "is no regular file"
    return None if status.st_size <= MAX_BYTES else f"is larger than a spec may be ({status.st_size} bytes, at most {MAX_BYTES})"


def _show_character(error: ReaderError) -> str:
    return ascii(chr(error.character) if isinstance(error.character, int) else error.character)


def _line_column(text: str, index: int) -> LineColumn:
    before = text[:index].replace("\r\n", "\n").replace("\r", "\n")
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def parse_yaml(text: str, file: str) -> SpecDocument:
    """The one document of a text; raises `SpecError` with everything that is wrong with it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yaml = YAML(typ="safe", pure=True)
            yaml.Composer = _LimitedComposer
            node = yaml.compose(text)
    except ReaderError as error:
        line, column = _line_column(text, error.position)
        raise SpecError([SpecProblem(file, line, column, f"the character {_show_character(error)} is not allowed")]) from error
    except MarkedYAMLError as error:
        raise SpecError([_syntax_problem(error, text, file)]) from error
    except (YAMLError, ValueError, LookupError, OverflowError, AttributeError, TypeError, AssertionError) as error:
        raise SpecError([SpecProblem(file, None, None, f"is not YAML: {error}")]) from error
    if node is None:
        raise SpecError([SpecProblem(file, 1, 1, "is empty")])
    builder = _DocumentBuilder(file)
    builder.document.data = builder.build(node, (), ())
    if builder.problems:
        raise SpecError(builder.problems)
    return builder.document


def _syntax_problem(error: MarkedYAMLError, text: str, file: str) -> SpecProblem:
    mark = error.problem_mark or error.context_mark
    problem = " ".join(str(error.problem or error).split())
    if "another document" in problem:
        problem = "a second document begins: a spec is one"
    elif error.context and error.context_mark is not None:
        problem += f" ({error.context} from line {error.context_mark.line + 1} on)"
    if mark is None:
        return SpecProblem(file, None, None, problem)
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    if line[mark.column : mark.column + 1] == "\t" or line[: len(line) - len(line.lstrip())].count("\t"):
        return SpecProblem(file, mark.line + 1, line.index("\t") + 1, "a tab cannot indent: use spaces")
    return SpecProblem(file, mark.line + 1, mark.column + 1, problem)


class _LimitedComposer(Composer):
    """Stops if values are too many or too deep, before their scanning takes long."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader)
        self.level = 0
        self.nodes = 0

    def compose_node(self, parent: Node | None, index: Any) -> Any:
        self.level += 1
        self.nodes += 1
        if self.level > MAX_DEPTH or self.nodes > MAX_VALUES:
            wrong = f"nested more than {MAX_DEPTH} deep" if self.level > MAX_DEPTH else f"more than {MAX_VALUES} values"
            raise ComposerError(None, None, wrong, self.parser.peek_event().start_mark)
        node = super().compose_node(parent, index)
        self.level -= 1
        return node


class _DocumentBuilder:
    """Plain values from nodes; goes on after a problem."""

    def __init__(self, file: str) -> None:
        self.document = SpecDocument(file)
        self.problems: list[SpecProblem] = []
        self.count = 0

    def problem(self, node: Node, message: str) -> None:
        self.problems.append(SpecProblem(self.document.file, *_place(node), message))

    def build(self, node: Node, at: KeyPath, inside: tuple[int, ...]) -> Any:
        """The value of ``node``, which stands at ``at`` inside the nodes with the ids ``inside``."""
        self.document.values.setdefault(at, _place(node))
        self.count += 1
        if self.count > MAX_VALUES:
            if self.count == MAX_VALUES + 1:
                self.problem(node, f"more than {MAX_VALUES} values (an alias counts as often as it is used)")
            return None
        if id(node) in inside or len(inside) > MAX_DEPTH:
            deep = f"nested more than {MAX_DEPTH} deep"
            self.problem(node, "an alias inside what it stands for" if id(node) in inside else deep)
            return None
        kind = str(node.tag).removeprefix(CORE_TAG)
        if kind not in ALLOWED_TAGS[type(node)]:
            self.problem(node, f"the tag {str(node.tag).replace(CORE_TAG, '!!')} is not allowed")
            return None
        if isinstance(node, ScalarNode):
            return self.scalar(node, kind)
        inside = (*inside, id(node))
        if isinstance(node, SequenceNode):
            return [self.build(item, (*at, index), inside) for index, item in enumerate(node.value) if self.count <= MAX_VALUES]
        return self.mapping(node, at, inside)

    def mapping(self, node: Node, at: KeyPath, inside: tuple[int, ...]) -> dict[str, Any]:
        """The values by their keys, without those whose key is wrong."""
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if self.count > MAX_VALUES:
                break
            key = self.key(key_node)
            if key in found:
                line = self.document.keys[(*at, key)][0]
                self.problem(key_node, f'the key "{key}" stands here twice (first in line {line})')
            elif key is not None:
                self.document.keys[(*at, key)] = _place(key_node)
                if isinstance(value_node, ScalarNode) and value_node.value == "" and value_node.style is None:
                    self.document.values[(*at, key)] = _place(key_node)
                found[key] = self.build(value_node, (*at, key), inside)
        return found

    def key(self, node: Node) -> str | None:
        """The text of a key; None, with the problem told, if it is none."""
        if not isinstance(node, ScalarNode) or str(node.tag) == CORE_TAG + "null":
            self.problem(node, "a key must be a string")
            return None
        if node.value == "<<" and node.style is None:
            self.problem(node, "merge keys (<<) are no part of YAML 1.2: write the keys out")
            return None
        text: str | None = self.scalar(node, "str")
        return text

    def scalar(self, node: ScalarNode, kind: str) -> Any:
        """The value of a scalar of a kind; None, with the problem told, if it has none."""
        text = str(node.value)
        if any("\ud800" <= character <= "\udfff" for character in text):
            self.problem(node, "half a surrogate pair is no character")
            return None
        try:
            return _parse_scalar(kind, text)
        except ValueError:
            self.problem(node, f"{text[:40]!r} is too long for a number")
            return None


def _place(node: Node) -> LineColumn:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _parse_scalar(kind: str, text: str) -> Any:
    """A plain value of YAML's core schema; a text if it only looks like another kind. Raises ``ValueError`` for too many digits."""
    plain = text.replace("_", "").lower()
    if kind == "null":
        return None
    if kind == "bool":
        return {"true": True, "false": False}.get(plain, text)
    try:
        if kind == "int":
            return int(plain, {"0x": 16, "0o": 8, "0b": 2}.get(plain.lstrip("+-")[:2], 10))
        return float(plain.replace(".inf", "inf").replace(".nan", "nan")) if kind == "float" else text
    except ValueError:
        if len(plain) > MAX_DIGITS:
            raise
        return text
