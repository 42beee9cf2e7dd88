"""Objects of this process as JSON that stands for what they compute: code by its instructions, values by what they hold.

Code of the interpreter, of installed distributions and of the harness is known by its name and version; of all other code the instructions
count, with what they refer to: globals, closures, defaults, base classes, and the members of modules of one's own.
"""

from __future__ import annotations

import abc
import copyreg
import hashlib
import inspect
import io
import math
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from functools import cached_property, partial, partialmethod
from types import MappingProxyType, MethodType
from typing import Any, Generic, Protocol

from harness.registry import bytecode
from harness.registry.canonical_json import canonical_json
from harness.registry.recipe import Recipe

IGNORED_CLASS_ATTRIBUTES = frozenset(
    {
        *("__doc__", "__dict__", "__weakref__", "__module__", "__annotations__", "__abstractmethods__", "__parameters__", "_abc_impl"),
        *("__orig_bases__", "__firstlineno__", "__static_attributes__", "__signature__", "__class_vars__", "__private_attributes__"),
    }
)
"""Of a class: what says nothing of what its methods do."""
IGNORED_CLASSIFIER_ATTRIBUTES = frozenset(["module", "autocast", "notes", "unprepared", "digest", "architecture", "num_classes"])
"""Of a classifier: what its content's digest stands for, and what a run leaves in it."""


WRAPPERS: tuple[tuple[type, str, tuple[str, ...]], ...] = (
    (partial, "partial", ("func", "args", "keywords")),
    (partialmethod, "partial", ("func", "args", "keywords")),
    (MethodType, "method", ("__func__", "__self__")),
    (staticmethod, "staticmethod", ("__func__",)),
    (classmethod, "classmethod", ("__func__",)),
    (property, "property", ("fget", "fset", "fdel")),
    (cached_property, "property", ("func",)),
)
"""What stands around functions: types, their name in a description, and the attributes that say what they do."""


class NotFingerprintable(Exception):
    """There is no telling what an object computes."""


def fingerprint_object(value: object) -> Any:
    """A JSON value that stands for ``value``; raises `NotFingerprintable` if there is none."""
    try:
        return Fingerprinter().of(value)
    except NotFingerprintable:
        raise
    except Exception as error:  # any object may do anything when it is looked at
        raise NotFingerprintable(f"{type(error).__name__}: {error}") from error


class Fingerprinter:
    """Describes what hangs together; what comes a second time is named by its place."""

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}
        self._kept: list[object] = []  # so that nothing new takes an address that was seen

    def of(self, value: Any) -> Any:
        """The description of one value."""
        if value is None or (isinstance(value, bool | int | str) and type(value) in (bool, int, str)):
            return value if isinstance(value, str | None) else [type(value).__name__, str(value)]
        if type(value) is float:
            return ["float", "nan" if math.isnan(value) else value.hex()]
        if type(value) in (bytes, bytearray):
            return ["bytes", hashlib.sha256(value).hexdigest()]
        if id(value) in self._seen:
            return ["again", self._seen[id(value)]]
        self._seen[id(value)] = len(self._seen)
        self._kept.append(value)
        return next(found for kind in FINGERPRINT_METHODS if (found := kind(self, value)) is not None)

    def all(self, values: Iterable[object]) -> list[Any]:
        """Of each value."""
        return [self.of(value) for value in values]

    def named(self, values: Mapping[str, Any]) -> list[Any]:
        """Of values by name, whatever their order."""
        return [[name, self.of(values[name])] for name in sorted(values)]


def _callable(describe: Fingerprinter, value: Any) -> Any:
    """Of functions of Python, with what they refer to."""
    for kind, name, held in WRAPPERS:
        if isinstance(value, kind):
            return [name, *(describe.of(getattr(value, attribute)) for attribute in held)]
    if inspect.isbuiltin(value):
        owner = value.__self__
        return ["builtin", value.__qualname__, None if owner is None or inspect.ismodule(owner) else describe.of(owner)]
    wrapped = getattr(value, "__wrapped__", None)
    if wrapped is not None and type(value).__module__ == "functools":  # a cache's
        return ["wrapped", describe.of(wrapped)]
    if inspect.ismethoddescriptor(value) or inspect.isdatadescriptor(value):
        if type(value).__module__ == "builtins":  # a slot, or a method that is written in C
            return ["descriptor", getattr(value, "__qualname__", "")]
        return None
    return _function(describe, value) if inspect.isfunction(value) else None


def _function(describe: Fingerprinter, function: Any) -> Any:
    cells = [describe.of(cell.cell_contents) if _is_filled(cell) else None for cell in function.__closure__ or ()]
    library = bytecode.library_of(function.__module__)
    if library is not None:
        return ["function", library, function.__module__, function.__qualname__, cells]
    used = {name: paths for name, paths in bytecode.find_global_accesses(function.__code__).items() if name in function.__globals__}
    around = [[name, _global(describe, function.__globals__[name], used[name])] for name in sorted(used)]
    defaults = [describe.all(function.__defaults__ or ()), describe.named(function.__kwdefaults__ or {})]
    own = {name: value for name, value in vars(function).items() if name not in ("__wrapped__", "__signature__")}
    if reflecting := bytecode.find_reflection(function.__code__) - function.__globals__.keys():
        raise NotFingerprintable(f"what {function.__qualname__} reaches by {', '.join(sorted(reflecting))}()")
    text = bytecode.describe_instructions(function.__code__, function.__doc__, describe.of)
    return ["function", text, around, cells, defaults, bytecode.describe_imported_files(function, describe.of), describe.named(own)]


def _global(describe: Fingerprinter, value: Any, paths: frozenset[bytecode.AttributePath]) -> Any:
    """What code refers to by a name; of a module of one's own, those members that the code reaches from it."""
    if not inspect.ismodule(value) or bytecode.library_of(value.__name__) is not None or () in paths:
        return describe.of(value)
    members: dict[str, frozenset[bytecode.AttributePath]] = {}
    for first, *rest in paths:
        members[first] = members.get(first, frozenset()) | {tuple(rest)}
    return [[name, _global(describe, vars(value)[name], members[name])] for name in sorted(members.keys() & vars(value).keys())]


def _class(describe: Fingerprinter, value: Any) -> Any:
    """Of a class: its name and version, or its bases and members."""
    if not inspect.isclass(value):
        return None
    library = bytecode.library_of(value.__module__)
    if library is not None:
        return ["class", library, value.__module__, value.__qualname__]
    members = {
        name: member for name, member in vars(value).items() if name not in IGNORED_CLASS_ATTRIBUTES and not name.startswith("__pydantic")
    }
    members = {name: member for name, member in members.items() if not name.startswith("__dataclass")}
    fields = members.pop("model_fields", None) or members.pop("__fields__", None) or vars(value).get("__pydantic_fields__")
    meta = None if type(value) is type else describe.of(type(value))
    return ["class", value.__qualname__, meta, describe.all(value.__bases__), repr(fields), describe.named(members)]


def _module(describe: Fingerprinter, value: Any) -> Any:
    """Of a module of Python as a value."""
    if not inspect.ismodule(value):
        return None
    library = bytecode.library_of(value.__name__)
    if library is not None:
        return ["module", library, value.__name__]
    return ["module", describe.named({name: member for name, member in vars(value).items() if not name.startswith("__")})]


def _container(describe: Fingerprinter, value: Any) -> Any:
    """Of collections."""
    if type(value) in (list, tuple):
        return [type(value).__name__, describe.all(value)]
    if type(value) in (set, frozenset):
        return ["set", sorted(canonical_json(Fingerprinter().of(item)) for item in value)]
    if type(value) in (dict, MappingProxyType):
        return ["dict", [[describe.of(key), describe.of(item)] for key, item in value.items()]]
    return ["enum", describe.of(type(value)), value.name] if isinstance(value, Enum) else None


def _array(describe: Fingerprinter, value: Any) -> Any:
    """Of tensors and arrays."""
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    if torch is not None and isinstance(value, torch.Tensor):
        own = [] if type(value).__module__.startswith("torch") else [describe.of(type(value)), describe.named(_instance_attributes(value))]
        plain = value.detach().as_subclass(torch.Tensor).cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        return ["tensor", str(value.dtype), list(value.shape), hashlib.sha256(plain.tobytes()).hexdigest(), *own]
    if torch is not None and isinstance(value, torch.Generator):
        return ["generator", describe.of(value.get_state())]
    if numpy is not None and type(value) is numpy.ndarray and value.dtype != object:
        return ["array", str(value.dtype), list(value.shape), hashlib.sha256(numpy.ascontiguousarray(value).tobytes()).hexdigest()]
    return None


def _known(describe: Fingerprinter, value: Any) -> Any:
    """Of what says itself what it is: classifiers, what has a recipe or a digest, and networks that carry their code."""
    if isinstance(getattr(value, "recipe", None), Recipe):
        return ["recipe", value.recipe.digest]
    if callable(getattr(value, "content_digest", None)):
        own = {name: item for name, item in vars(value).items() if name not in IGNORED_CLASSIFIER_ATTRIBUTES}
        return [
            "classifier",
            describe.of(type(value)),
            value.content_digest(),
            describe.named(own),
            _mutable_state_of(describe, value.module),
        ]
    if isinstance(getattr(value, "digest", None), str):
        return ["digest", describe.of(type(value)), value.digest]
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if kind.startswith("torch.fx.graph_module."):
        return ["graph", value.code, describe.of(value._modules), describe.of(dict(value.state_dict()))]
    if kind.startswith("torch.jit."):
        held = dict(value.state_dict()) if hasattr(value, "state_dict") else None
        return ["script", str(value.inlined_graph) if hasattr(value, "inlined_graph") else kind, describe.of(held)]
    return None


def _mutable_state_of(describe: Fingerprinter, module: Any) -> list[Any]:
    """Of each part of a prepared network the plain values and the hooks, those of the harness aside: what may be changed later."""
    found = []
    for name, part in module.named_modules():
        held = vars(part)
        plain = {key: item for key, item in held.items() if type(item) in (bool, int, float, str)}
        hooks = [hook for key, item in held.items() if "_hooks" in key and isinstance(item, dict) for hook in item.values()]
        own = [hook for hook in hooks if not str(getattr(hook, "__module__", "")).startswith("harness.") and not isinstance(hook, bool)]
        found.append([name, describe.named(plain), describe.all(own)])
    return found


def _object(describe: Fingerprinter, value: Any) -> Any:
    """Of any other object: its class and what it holds, as pickling would have it, or all attributes if its class is one's own."""
    kind = type(value)
    if kind in STATELESS_TYPES:
        return ["nothing", kind.__name__]
    if isinstance(value, weakref.ref):
        return ["weak", describe.of(value())]
    if isinstance(value, io.IOBase) and not value.closed and value.writable() and not value.readable():
        return ["output", kind.__name__]
    if inspect.isgenerator(value) or inspect.iscoroutine(value):
        raise NotFingerprintable(f"a {kind.__name__}")
    if bytecode.library_of(kind.__module__) is None or _is_network(value):
        plain = all(bytecode.library_of(base.__module__) is None or base in STATELESS_BASES or _is_network(value) for base in kind.__mro__)
        return ["own", describe.of(kind), describe.named(_instance_attributes(value)), None if plain else _pickled(describe, value)]
    return ["object", describe.of(kind), _pickled(describe, value)]


def _pickled(describe: Fingerprinter, value: Any) -> Any:
    """What pickling would keep."""
    registered = copyreg.dispatch_table.get(type(value))
    held: Any = value.__reduce_ex__(4) if registered is None else registered(value)
    if isinstance(held, str):
        return held
    made, *rest = held
    return [describe.of(made), *describe.all(list(part) if hasattr(part, "__next__") else part for part in rest)]


STATELESS_BASES = (object, abc.ABC, Generic, Protocol)
STATELESS_TYPES = (object, type(threading.Lock()), type(threading.RLock()))
"""Types whose objects differ by nothing but who has them, which their place in a description says."""
FingerprintMethod = Callable[[Fingerprinter, Any], Any]
FINGERPRINT_METHODS: tuple[FingerprintMethod, ...] = (
    _class,
    _callable,
    _module,
    _container,
    _array,
    _known,
    _object,
)


def _instance_attributes(value: Any) -> dict[str, Any]:
    slots = [name for base in type(value).__mro__ for name in _slots(base)]
    found = {name: getattr(value, name) for name in slots if hasattr(value, name)}
    held = {str(name): item for name, item in getattr(value, "__dict__", {}).items()}
    if _is_network(value):  # hooks are numbered through the whole process
        held = {name: list(item.values()) if "_hooks" in name and isinstance(item, dict) else item for name, item in held.items()}
    return {**found, **held}


def _slots(base: type) -> list[str]:
    slots = vars(base).get("__slots__", ())
    names = [slots] if isinstance(slots, str) else list(slots)
    return [
        f"_{base.__name__.lstrip('_')}{n}" if n.startswith("__") and not n.endswith("__") else n
        for n in names
        if n not in IGNORED_CLASS_ATTRIBUTES
    ]


def _is_network(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.nn.Module)


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:  # a name that is not bound yet
        return False
