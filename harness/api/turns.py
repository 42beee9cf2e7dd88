"""Turns of a process's threads at what concerns all of it: hooks of every module, functions of torch that are watched, generators."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import RLock
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
TURN = RLock()
"""Held by the thread whose turn it is; one that has it may take it again."""


def in_turn(function: Callable[P, T]) -> Callable[P, T]:
    """The function, which threads call one after the other."""

    @wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> T:
        with TURN:
            return function(*args, **kwargs)

    return called
