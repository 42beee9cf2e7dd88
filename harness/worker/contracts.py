"""Contracts that what a component returned is held to; each violation is an error that says what was expected and what came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from harness.api.attribution import Attribution
from harness.text_format import format_some


class ContractError(ValueError):
    """A component returned something that its contract does not allow."""


class ChangedSincePlanning(ValueError):
    """A model, or data, is not what the run was planned with.

    Attributes:
        facts: under what is remembered that does not hold any more.
    """

    def __init__(self, reason: str, *facts: str) -> None:
        super().__init__(reason)
        self.facts = facts


def checked_attribution(returned: object, images: Tensor) -> Attribution:
    """An explainer's return value for ``images`` (B, C, H, W) as a detached `Attribution`; raises `ContractError`."""
    attribution = returned if isinstance(returned, Attribution) else Attribution(_require_tensor(returned, "an explainer must return"))
    batch, size = len(images), (images.shape[-2], images.shape[-1])
    maps = _checked_map(attribution.map, "the map", batch, size, attribution.coarse)
    parts = {name: _checked_map(part, f"the part {name!r}", batch, size, attribution.coarse) for name, part in attribution.parts.items()}
    expected = attribution.expected
    if expected is not None:
        expected = _require_real(expected, "expected must be").detach().to(maps)
        if expected.shape != (batch,):
            raise ContractError(f"expected must be ({batch},), not {tuple(expected.shape)}")
    return Attribution(maps, parts, attribution.coarse, expected)


def finite_rows(tensor: Tensor) -> Tensor:
    """``(B,)`` of which samples all values of ``(B, …)`` are finite."""
    return torch.isfinite(tensor).flatten(1).all(dim=1)


def check_finite(what: str, tensor: Tensor, names: Sequence[str]) -> None:
    """Raise `ContractError` that counts and names the samples of which a value of ``(B, …)`` is not finite; ``what`` is "the map is"."""
    _check_all_finite(what, finite_rows(tensor).tolist(), names)


def check_finite_maps(attribution: Attribution, names: Sequence[str]) -> None:
    """`check_finite` of a map and its parts, for which a device is waited for once."""
    found = torch.stack([finite_rows(maps) for maps in (attribution.map, *attribution.parts.values())]).tolist()
    for what, finite in zip(["the map", *(f"the part {part!r}" for part in attribution.parts)], found, strict=True):
        _check_all_finite(f"{what} is", finite, names)


def _check_all_finite(what: str, finite: Sequence[bool], names: Sequence[str]) -> None:
    bad = [name for name, fine in zip(names, finite, strict=True) if not fine]
    if bad:
        raise ContractError(f"{what} not finite for {len(bad)} of {len(names)} samples: {format_some(bad, 3)}")


def rows_with_finite_maps(attribution: Attribution) -> Tensor:
    """``(B,)`` of which samples the map and its parts are finite."""
    return torch.stack([finite_rows(maps) for maps in (attribution.map, *attribution.parts.values())]).all(dim=0)


def checked_scores(returned: object, batch: int) -> Tensor:
    """A metric's return value as float64 ``(B,)`` on the CPU; raises `ContractError`. NaN is allowed: undefined for that sample."""
    return require_scores(returned, batch).to("cpu", torch.float64)


def require_scores(returned: object, batch: int) -> Tensor:
    """A metric's return value ``(B,)`` where it is, without waiting for it; raises `ContractError`."""
    scores = _require_real(returned, "a metric must return").detach()
    if scores.shape != (batch,):
        raise ContractError(f"a metric must return ({batch},), one score per sample, not {tuple(scores.shape)}")
    return scores


def checked_logits(returned: object, batch: int, classes: int) -> Tensor:
    """A model's return value; raises `ContractError` unless it is ``(B, K)``."""
    logits = _require_real(returned, "a model must return")
    if logits.shape != (batch, classes):
        raise ContractError(f"a model must return logits ({batch}, {classes}), not {tuple(logits.shape)}")
    return logits


def require_finite_logits(logits: Tensor) -> None:
    """Raise `ContractError` if a model's logits are not finite."""
    if not torch.isfinite(logits).all():
        raise ContractError("the model's logits are not finite")


def _require_tensor(value: object, must_be: str) -> Tensor:
    if not isinstance(value, Tensor):
        raise ContractError(f"{must_be} a tensor, not {type(value).__name__}")
    if value.layout != torch.strided or value.is_meta:
        raise ContractError(f"{must_be} a dense tensor with values, not one on {value.device} of layout {value.layout}")
    return value


def _require_real(value: object, must_be: str) -> Tensor:
    """A tensor of real numbers: of complex ones torch would drop the imaginary part with a warning at most."""
    tensor = _require_tensor(value, must_be)
    if tensor.is_complex():
        raise ContractError(f"{must_be} real numbers, not {tensor.dtype}")
    return tensor


def _checked_map(value: object, what: str, batch: int, size: tuple[int, int], coarse: bool) -> Tensor:
    maps = _require_real(value, f"{what} must be").detach()
    if maps.ndim not in (3, 4) or len(maps) != batch or 0 in maps.shape or (not coarse and tuple(maps.shape[-2:]) != size):
        wanted = (
            f"({batch}, h, w) or ({batch}, C, h, w)" if coarse else f"({batch}, {size[0]}, {size[1]}) or ({batch}, C, {size[0]}, {size[1]})"
        )
        raise ContractError(f"{what} must be {wanted}, not {tuple(maps.shape)}")
    maps = maps.to(torch.promote_types(maps.dtype, torch.float32))  # channels in half precision may add up to more than it holds
    return (maps.sum(dim=1) if maps.ndim == 4 else maps).float()


def select_attribution_rows(attribution: Attribution, rows: Tensor) -> Attribution:
    """Of an attribution the rows ``(N,)``."""
    parts = {name: part[rows] for name, part in attribution.parts.items()}
    return Attribution(
        attribution.map[rows], parts, attribution.coarse, None if attribution.expected is None else attribution.expected[rows]
    )


def merge_attributions(pieces: list[tuple[slice, Attribution]]) -> Attribution:
    """Consecutive batches as one."""
    attributions = [attribution for _, attribution in pieces]
    first = attributions[0]
    if len(attributions) == 1:
        return first
    parts: Mapping[str, Tensor] = {name: torch.cat([a.parts[name] for a in attributions]) for name in first.parts}
    expected = [a.expected for a in attributions if a.expected is not None]
    return Attribution(
        torch.cat([a.map for a in attributions]), parts, first.coarse, torch.cat(expected) if len(expected) == len(attributions) else None
    )
