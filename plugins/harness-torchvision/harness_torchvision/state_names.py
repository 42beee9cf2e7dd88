"""Names in a state dict as a module has them: without what wrappers and training modules put before them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor

from harness.api.image_files.walking import shown

_WRAPPERS = re.compile(r"(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
_DENSE = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.(\d\.)")
_HARMLESS = re.compile(
    r"n_averaged|.*(criterion|loss|metric|accuracy|_acc|auroc|f1_?score|confusion).*|acc|ema|ema_\w+|\w+_ema|teacher", re.IGNORECASE
)
"""First parts of names that a network does not compute logits with: losses, metrics, copies. (Last ones are counts of operations.)"""


class Ambiguous(ValueError):
    """A state dict holds a network more than once; the message says what to do, without the file's name."""


@dataclass(frozen=True)
class Named:
    """A state dict under a module's names.

    Attributes:
        state: tensors by the module's names.
        unexpected: names that the module does not have.
        notes: what was passed over, or taken from elsewhere.
    """

    state: dict[str, Tensor]
    unexpected: list[str]
    notes: tuple[str, ...] = ()


def named(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor], head: str, ignored: Iterable[str] = ()) -> Named:
    """``state`` under the names of ``wanted``, a module's state dict, whose last layer is ``head``.

    What stands before the most of the names is taken off (``module.``, ``model.``, ``net.backbone.``), and whatever wrappers put between;
    what is missing then is taken from where alone it is (``fc.`` beside ``backbone.``). A head under another name is taken for the head
    where nothing else is missing and it alone is left over. Names below ``ignored`` are left out. Raises `Ambiguous`.
    """
    clean = {_DENSE.sub(r"\1\2", _WRAPPERS.sub("", name)): tensor for name, tensor in state.items()}
    prefix, notes = _prefix(clean, wanted)
    used = {prefix + name: name for name in wanted if prefix + name in clean}
    used |= _elsewhere(clean, set(wanted) - set(used.values()), used)
    rest = {name: tensor for name, tensor in clean.items() if name not in used}
    skipped = [name for name in rest if _harmless(name)]
    left = [name.removeprefix(prefix) for name in rest if name not in skipped]
    left = [name for name in left if name.partition(".")[0] not in ignored]
    found = {name: clean[place] for place, name in used.items()}
    missing = {name for name in wanted if name not in found and not name.endswith("num_batches_tracked")}
    other = _other_head(left, {name.removeprefix(prefix): tensor for name, tensor in rest.items()}, missing, wanted, head)
    if other is not None:
        found |= {f"{head}.{kind}": tensor for kind, tensor in other[1].items()}
        left = []
        notes.append(f"weights: the last layer, {head}, is the file's {other[0]}")
    if skipped:
        notes.append(f"weights: {len(skipped)} entries are passed over ({shown(skipped, 3)})")
    return Named(found, sorted(left), tuple(notes))


def _prefix(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> tuple[str, list[str]]:
    """What stands before the most names, and a note where something else does before as many."""
    counts: Counter[str] = Counter()
    for name in state:
        counts.update(name.removesuffix(suffix) for suffix in _suffixes(name) if suffix in wanted)
    if not counts:
        return "", []
    most = max(counts.values())
    best = [prefix for prefix, count in counts.items() if count == most]
    chosen = "" if "" in best else min(best, key=_harmless)
    others = [prefix for prefix in best if prefix != chosen]
    if most < len(wanted) // 2 or not others:
        return chosen, []
    rivals = [prefix for prefix in best if not _harmless(prefix)]
    if len(rivals) > 1 and chosen:
        raise Ambiguous(f"holds the network several times ({shown([name.rstrip('.') for name in rivals])}): choose one with weights_entry")
    return chosen, [f"weights: names below {chosen or 'no other'!r} are taken, and not those below {shown(others, 3)}"]


def _harmless(name: str) -> bool:
    """Whether a network does not compute logits with what is called so."""
    return bool(_HARMLESS.fullmatch(name.partition(".")[0])) or name.rpartition(".")[2] in ("total_ops", "total_params")


def _elsewhere(state: Mapping[str, Tensor], missing: set[str], used: Mapping[str, str]) -> dict[str, str]:
    """Where what is missing alone is, by its place."""
    places: dict[str, list[str]] = defaultdict(list)
    for name in state:
        if name not in used:
            for suffix in _suffixes(name):
                if suffix in missing:
                    places[suffix].append(name)
    return {found[0]: name for name, found in places.items() if len(found) == 1}


def _suffixes(name: str) -> Iterator[str]:
    """The name, and what is behind each of its dots."""
    parts = name.split(".")
    for start in range(len(parts)):
        yield ".".join(parts[start:])


def _other_head(
    left: list[str], rest: Mapping[str, Tensor], missing: set[str], wanted: Mapping[str, Tensor], head: str
) -> tuple[str, dict[str, Tensor]] | None:
    """The name and tensors of a layer that alone is left over and can be the head, which alone is missing."""
    kinds = {name.rpartition(".")[2]: rest[name] for name in left}
    layers = {name.rpartition(".")[0] for name in left}
    if len(layers) != 1 or not missing or missing != {f"{head}.{kind}" for kind in kinds} or "weight" not in kinds:
        return None
    fits = kinds["weight"].shape[1:] == wanted[f"{head}.weight"].shape[1:]
    return (layers.pop(), kinds) if fits else None
