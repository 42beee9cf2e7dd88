"""State dicts loaded into networks, or refused with what differs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from harness.api.image_files.walking import shown
from harness_torchvision.state_names import Named


def load_into(module: nn.Module, found: Named, source: str, hint: Callable[[], str] = str) -> None:
    """Load a state dict into ``module``, of weights in whatever precision they have.

    Args:
        module: takes the weights, in its own precision.
        found: the state dict under the module's names.
        source: where it is from, for messages.
        hint: says what may be meant where names or shapes differ.

    Raises ``ValueError`` that names the keys which are missing, unexpected or of another shape, and where values are not
    finite.
    """
    wanted = module.state_dict()
    optional = {name for name in wanted if name.endswith("num_batches_tracked")}
    state = found.state
    problems = {
        "missing": sorted(wanted.keys() - state.keys() - optional),
        "unexpected": found.unexpected,
        "of another shape": [
            f"{name} {tuple(state[name].shape)} instead of {tuple(wanted[name].shape)}"
            for name in sorted(state)
            if wanted[name].shape != state[name].shape
        ],
        "not of floating values": (odd := sorted(name for name in state if _is_odd(state[name], wanted[name]))),
        "not finite": sorted(name for name in state if name not in odd and not torch.isfinite(state[name]).all()),
    }
    said = [f"{len(names)} {problem} ({shown(names)})" for problem, names in problems.items() if names]
    if said:
        told = "" if problems["not finite"] or odd else hint()
        raise ValueError(f"weights: {source} does not fit the model: keys {'; '.join(said)}{told}")
    module.load_state_dict({**{name: wanted[name] for name in optional}, **state})


def _is_odd(tensor: Tensor, wanted: Tensor) -> bool:
    """Whether a tensor has no values that could be those of a weight: whole numbers and quantised ones (of an unknown scale), or none."""
    return tensor.is_meta or tensor.is_quantized or (wanted.is_floating_point() and not tensor.is_floating_point())
