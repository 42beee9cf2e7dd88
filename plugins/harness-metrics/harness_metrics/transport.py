"""Optimal transport between distributions over the same places: exact, batched, on the device, in a number of steps that is fixed."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from harness_metrics.memory import runs_within

STEPS = 30
"""Of Newton's method; some 25 bring the error to 1e-10 of the greatest distance, and those after that change nothing."""
SPREAD = 1e-6
"""Share of the mass that is spread over all places while the potentials are looked for, so that no place is without any."""
REACH = 0.99
"""How far a step goes towards the first plan or slack that would become negative."""
TEMPORARIES = 16
"""Tensors of all pairs of places that a step has at once."""


def earth_movers_distance(a: Tensor, b: Tensor, distances: Tensor) -> Tensor:
    """``min Σ P_ij d_ij`` over plans P ≥ 0 that bring the mass of ``a`` to ``b``: ``(B,)`` double, in the units of the distances.

    Mass that both have at a place stays there, which costs nothing where d is a metric. The rest is a linear programme, which is solved by
    an interior-point method (Mehrotra 1992) for all samples at once; what is returned is the value of its dual at the true masses.

    Args:
        a: ``(B, N)`` double, non-negative, each row of sum 1.
        b: of the same.
        distances: ``(N, N)`` a metric, double.

    >>> places = torch.arange(3.0, dtype=torch.float64)
    >>> a, b = torch.tensor([[[1.0, 0.0, 0.0]], [[0.0, 0.5, 0.5]]], dtype=torch.float64)
    >>> round(earth_movers_distance(a, b, (places[:, None] - places).abs()).item(), 9)
    1.5
    """
    leaving, arriving = (a - b).clamp_min(0), (b - a).clamp_min(0)
    moved = leaving.sum(dim=1, keepdim=True)
    source, sink = (torch.where(moved > 0, mass / mass.sum(dim=1, keepdim=True), 1 / mass.shape[1]) for mass in (leaving, arriving))
    greatest = distances.amax()
    size = distances.nbytes * TEMPORARIES
    parts = [slice(run.start, run.stop) for run in runs_within(len(a), size, a.device)]
    found = [_potentials(source[part], sink[part], distances / greatest) for part in parts]
    f, g = (torch.cat(potentials) for potentials in zip(*found, strict=True))
    value = (f * source).sum(dim=1) + (g * sink).sum(dim=1)
    return torch.where(moved[:, 0] > 0, greatest * moved[:, 0] * value, 0).clamp_min(0)


class _Point(NamedTuple):
    """Plans and slacks (B, N, N), which stay positive, and potentials (B, N) of sources and of sinks."""

    plan: Tensor
    slack: Tensor
    f: Tensor
    g: Tensor


def _potentials(source: Tensor, sink: Tensor, cost: Tensor) -> tuple[Tensor, Tensor]:
    """Those of an optimal dual, ``f_i + g_j ≤ cost_ij``, for masses (B, N) of which a little is spread; ``cost`` in [0, 1]."""
    places = source.shape[1]
    a, b = ((mass + SPREAD / places) / (1 + SPREAD) for mass in (source, sink))
    # a Laplacian is singular: the place with most mass has its potential set to 0
    ground = torch.zeros_like(a).scatter_(1, a.argmax(dim=1, keepdim=True), 1)
    point = _Point(a[:, :, None] * b[:, None, :], (cost + 0.1).repeat(len(a), 1, 1), torch.zeros_like(a), torch.zeros_like(b))
    error = torch.full_like(a[:, 0], torch.inf)
    for _ in range(STEPS):
        following = _stepped(point, a, b, cost, ground)
        reached = _error(following, a, b, cost)
        better = reached < error  # where rounding has the last word a step makes it worse, or NaN
        error = torch.where(better, reached, error)
        point = _Point(*(torch.where(better.view(-1, *[1] * (new.ndim - 1)), new, old) for new, old in zip(following, point, strict=True)))
    return point.f, point.g


def _error(point: _Point, a: Tensor, b: Tensor, cost: Tensor) -> Tensor:
    """``(B,)`` the duality gap, and how far sources and slacks are from what they must be (sinks and all else are then too)."""
    plan, slack, f, g = point
    gap = (plan * cost).sum(dim=(1, 2)) - (f * a).sum(dim=1) - (g * b).sum(dim=1)
    unlike = (cost - f[:, :, None] - g[:, None, :] - slack).abs().amax(dim=(1, 2))
    return gap.abs() + (plan.sum(dim=2) - a).abs().sum(dim=1) + unlike


def _stepped(point: _Point, a: Tensor, b: Tensor, cost: Tensor, ground: Tensor) -> _Point:
    """Mehrotra's step: a predictor says how far the gap can be closed, a corrector centres and allows for its curvature."""
    plan, slack, f, g = point
    ratio = plan / slack
    unlike = cost - f[:, :, None] - g[:, None, :] - slack
    lacking_a, lacking_b = a - plan.sum(dim=2), b - plan.sum(dim=1)
    into = ratio.sum(dim=1)
    scaled = ratio / into.sqrt()[:, None, :]
    between = scaled @ scaled.transpose(1, 2)
    between.diagonal(dim1=1, dim2=2).zero_()
    factor, _ = torch.linalg.cholesky_ex(torch.diag_embed(between.sum(dim=2) * (1 + ground)) - between)

    def solved(aim: Tensor) -> _Point:
        """The direction in which the plan changes by ``aim`` less what the slacks' change takes off."""
        alone = aim - ratio * unlike
        left_a, left_b = lacking_a - alone.sum(dim=2), lacking_b - alone.sum(dim=1)
        right = left_a - (ratio @ (left_b / into)[:, :, None])[:, :, 0]
        df = torch.cholesky_solve(right[:, :, None], factor)[:, :, 0]
        dg = (left_b - (ratio.transpose(1, 2) @ df[:, :, None])[:, :, 0]) / into
        both = df[:, :, None] + dg[:, None, :]
        return _Point(alone + ratio * both, unlike - both, df, dg)

    direction = solved(-plan)
    longest_plan, longest_slack = (_longest(value, change, 1.0) for value, change in zip(point[:2], direction[:2], strict=True))
    gap = (plan * slack).mean(dim=(1, 2))
    predicted = ((plan + longest_plan * direction.plan) * (slack + longest_slack * direction.slack)).mean(dim=(1, 2))
    centre = (gap * (predicted / gap) ** 3)[:, None, None]
    direction = solved((centre - direction.plan * direction.slack) / slack - plan)
    longest_plan, longest_slack = (_longest(value, change, REACH) for value, change in zip(point[:2], direction[:2], strict=True))
    potentials = (f + longest_slack[:, 0] * direction.f, g + longest_slack[:, 0] * direction.g)
    return _Point(plan + longest_plan * direction.plan, slack + longest_slack * direction.slack, *potentials)


def _longest(value: Tensor, change: Tensor, reach: float) -> Tensor:
    """``(B, 1, 1)`` at most 1: ``reach`` of the way along ``change`` on which ``value`` stays positive."""
    return (reach / (-change / value).amax(dim=(1, 2), keepdim=True).clamp_min(reach)).clamp_max(1)
