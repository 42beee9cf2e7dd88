"""State dicts in files, found in whatever a training loop saved around them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from torch import Tensor, nn

from harness.api.image_files.walking import shown
from harness_torchvision.heads import head_of, resize_head
from harness_torchvision.likely import likely
from harness_torchvision.loading import load_into
from harness_torchvision.state_names import Ambiguous, named
from harness_torchvision.unpickling import Foreign, Unloadable, contents

SUFFIXES = (".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".tar", ".pkl", ".pickle", ".model", ".weights", ".h5", ".onnx")
AVERAGED = ("state_dict_ema", "model_ema", "ema_state_dict", "ema_model", "ema", "params_ema", "model_ema_state_dict")
CURRENT = (
    *("state_dict", "model_state_dict", "model_state", "model", "net", "network", "net_state_dict", "network_state_dict"),
    *("weights", "params", "module"),
)
"""Where training loops keep weights: timm, torchvision and others take averages over steps (EMA) for evaluation, where there are any."""
_TRAINING = ("optim", "sched", "scaler", "rng", "callback", "loops", "hyper", "args", "config")
_DEEPEST = 3
_URL = re.compile(r"(https?|ftp|s3|gs|hf):/+(.*)")
SAVE = "save its state dict instead: torch.save(model.state_dict(), 'weights.pt')"


class State(dict[str, Tensor]):
    """A state dict, and what its file says of it.

    Attributes:
        arch: the architecture's name, or None.
        notes: which of several state dicts it is.
    """

    arch: str | None = None
    notes: tuple[str, ...] = ()


def is_file_name(weights: str) -> bool:
    """Whether ``weights`` is meant as a file: it ends as one or says in which folder it is."""
    return Path(weights).suffix.lower() in SUFFIXES or "/" in weights or "\\" in weights


def read_checkpoint(path: Path, entry: str | None = None) -> State:
    """The state dict in a file: safetensors, or what ``torch.save`` wrote, without running anything that it holds.

    It is the file's content or in one of its entries (``state_dict``, ``model``, …), of which averages over training steps come first;
    ``entry`` names another, with dots for entries of entries, or what names in it begin with. Raises ``ValueError`` that says what was
    found instead.
    """
    if not path.is_file():
        address = _URL.match(str(path))  # of which a path keeps one slash
        if address:
            raise ValueError(f"weights: {address[1]}://{address[2]} is no file: download it, and give its path")
        raise ValueError(f"weights: {path} is a folder, not a file" if path.is_dir() else f"weights: there is no file {path}")
    try:
        found = contents(path)
        states = dict(_state_dicts(found))
        if entry is not None and entry not in states:
            states[entry] = next(filter(None, (_below(state, f"{entry}.") for state in states.values())), {})
        name = _chosen(found, states, entry)
    except Unloadable as error:
        raise ValueError(f"weights: {path} {error}") from error
    state = State({key: value for key, value in states[name].items() if isinstance(value, Tensor)})
    state.arch = _architecture(found)
    others = [other for other in states if other != name]
    if name and others and entry is None:
        state.notes = (f"weights: of {path.name}, {name!r} is taken, and not {shown(others, 3)} (weights_entry chooses)",)
    return state


def load_checkpoint(
    module: nn.Module, path: Path, *, entry: str | None = None, num_classes: int | None = None, ignored: Sequence[str] = ()
) -> tuple[str, ...]:
    """Load the file of an architecture's weights into ``module``, whose last layer gets as many classes as the file has; returns notes.

    Args:
        module: of the architecture; half-precision weights are taken in its own precision.
        path: the file, see `read_checkpoint`.
        entry: which of its state dicts.
        num_classes: as many as are expected, or None.
        ignored: parts of the network that are for training alone.

    Raises ``ValueError`` that says, in one line, what differs and what may be meant.
    """
    state = read_checkpoint(path, entry)
    head = head_of(module)
    try:
        found = named(state, module.state_dict(), head, ignored)
    except Ambiguous as error:
        raise ValueError(f"weights: {path} {error}") from error
    weight = found.state.get(f"{head}.weight")
    if weight is not None and num_classes not in (None, len(weight)):
        raise ValueError(
            f"num_classes: {path} has {len(weight)} classes ({head}.weight), not {num_classes}: write {len(weight)}, or leave it out"
        )
    if weight is not None and weight.ndim == module.get_submodule(head).weight.ndim:
        resize_head(module, head, len(weight))
    load_into(module, found, str(path), lambda: likely(state, state.arch))
    return (*state.notes, *found.notes)


def _state_dicts(found: object, at: str = "", depth: int = 0) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Every mapping that is mostly of names to tensors, by its place; those that belong to training aside."""
    if not isinstance(found, Mapping) or depth > _DEEPEST:
        return
    tensors = sum(isinstance(value, Tensor) for value in found.values())
    if tensors and all(isinstance(name, str) for name in found) and tensors >= sum(isinstance(v, Mapping) for v in found.values()):
        yield at, found
        return
    for name, value in found.items():
        if isinstance(name, str) and not any(word in name.casefold() for word in _TRAINING):
            yield from _state_dicts(value, f"{at}.{name}" if at else name, depth + 1)


def _below(state: Mapping[str, object], prefix: str) -> dict[str, object]:
    """The names of a state dict that begin with a prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def _chosen(found: object, states: Mapping[str, object], entry: str | None) -> str:
    """The place of the state dict that is meant; raises `Unloadable` where there is none, or it cannot be known which."""
    if entry is not None:
        if not states.get(entry):
            raise Unloadable(f"has no state dict {entry!r} (it has {shown([name for name in states if states[name]], 8)})")
        return entry
    if not states:
        raise Unloadable(_without_state(found))
    known = [name for wanted in (*AVERAGED, *CURRENT) for name in states if name.partition(".")[0] == wanted]
    if not known and len(states) > 1:
        raise Unloadable(f"holds several state dicts ({shown(list(states), 8)}): choose one with weights_entry")
    return (known or list(states))[0]


def _without_state(found: object) -> str:
    """What is said of content without a state dict."""
    whole = {"": found} if isinstance(found, Foreign) else found if isinstance(found, Mapping) else {}
    objects = [f"{f'its entry {name!r} is ' if name else ''}{value.origin}" for name, value in whole.items() if isinstance(value, Foreign)]
    if objects:
        return f"is no checkpoint that can be read without running code: it holds a whole pickled object ({shown(objects, 3)}); {SAVE}"
    if isinstance(found, Mapping):
        described = f"a mapping of {shown([str(name) for name in found])}" if found else "an empty mapping"
    else:
        described = f"a {type(found).__name__}"
    return f"holds no state dict (a mapping of names to tensors) but {described}; {SAVE}"


def _architecture(found: object) -> str | None:
    """The architecture that a training loop noted beside the weights."""
    known = [found.get(name) for name in ("arch", "architecture", "model_name")] if isinstance(found, Mapping) else []
    return next((name for name in known if isinstance(name, str)), None)
