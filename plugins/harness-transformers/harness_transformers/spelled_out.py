"""Attention computed step by step, where networks call it as one function."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from types import FunctionType
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode


class SpelledOut(TorchFunctionMode):
    """Inside the block every attention is scores, a softmax and a product with the values, and `call` is given each function.

    The function that the network computes stays the same, up to rounding: `torch.nn.functional.scaled_dot_product_attention` is computed by
    its definition, and `multi_head_attention_forward` (`torch.nn.MultiheadAttention`) by its own body. torch's fused kernels of whole
    layers see that functions are watched, and step aside.
    """

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        if func is F.multi_head_attention_forward:
            func = _without_check(func)
        elif func is F.scaled_dot_product_attention:
            func = attention_by_definition
        else:
            return self.call(func, args, kwargs or {})
        with self:
            return func(*args, **(kwargs or {}))

    def call(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Compute a function that is not attention as a whole; the mode is off meanwhile."""
        return func(*args, **kwargs)


def attention_by_definition(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """``softmax(query keyᵀ · scale + mask) value`` (Vaswani et al. 2017, eq. 1), as torch defines its function; nothing is dropped."""
    if enable_gqa:
        key, value = (each.repeat_interleave(query.shape[-3] // each.shape[-3], -3) for each in (key, value))
    scores = (query @ key.transpose(-2, -1)) * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if attn_mask is not None:
        scores = scores.masked_fill(~attn_mask, -torch.inf) if attn_mask.dtype == torch.bool else scores + attn_mask
    return scores.softmax(-1) @ value


@cache
def _without_check(func: Any) -> Any:
    """A function of torch whose body runs though functions are watched, so that what it calls is seen."""
    names = {**func.__globals__, "has_torch_function": lambda *_: False}
    body = FunctionType(func.__code__, names, func.__name__, func.__defaults__, func.__closure__)
    body.__kwdefaults__ = func.__kwdefaults__
    return body
