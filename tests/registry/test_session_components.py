from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from harness.registry.errors import SignatureError
from harness.registry.registry import Registry
from harness.registry.session_components import identity_of


def mine(model: Any, images: Any, targets: Any, *, power: float = 2.0) -> Any:
    """Mine."""
    return images**power


def test_a_function_becomes_a_component() -> None:
    registry = Registry()
    card = registry.add("explainers", "mine", mine)
    assert (card.qualified, card.summary) == ("session/mine", "Mine.")
    assert registry.card("explainers", "mine") == card and registry.load(card) is mine


def test_adding_again_replaces() -> None:
    registry = Registry()
    registry.add("explainers", "mine", mine)
    registry.add("explainers", "mine", lambda model, images, targets: images)
    assert len(registry.cards("explainers")) == 1 and registry.load(registry.card("explainers", "mine")) is not mine


def test_registering_names_by_the_object_and_numbers_others() -> None:
    registry = Registry()
    names = [registry.register("explainers", one).name for one in (mine, mine, partial(mine, power=3.0), lambda model, images, targets: 0)]
    assert names == ["mine", "mine", "mine-2", "lambda"]


def test_a_dataset_that_is_there_already() -> None:
    class Data:
        def __len__(self) -> int:
            return 7

    data = Data()
    registry = Registry()
    card = registry.register("datasets", data)
    assert card.name == "data" and registry.load(card)() is data


def test_what_is_no_component_is_refused() -> None:
    with pytest.raises(SignatureError, match="cannot be called"):
        Registry().add("explainers", "x", 3)


def scaled(factor: Any) -> Any:
    def inner(model: Any, images: Any, targets: Any) -> Any:
        return images * factor

    return inner


def test_identity_is_that_of_the_source_and_what_it_closes_over() -> None:
    assert identity_of(scaled(2.0)) == identity_of(scaled(2.0)) != identity_of(scaled(3.0))
    assert identity_of(partial(mine, power=3.0)) == identity_of(partial(mine, power=3.0)) != identity_of(mine)


def test_what_cannot_be_known_is_new_every_time() -> None:
    function = scaled(float(x) for x in "12")
    assert identity_of(function) != identity_of(function)


def test_an_object_with_a_digest_is_known_by_it() -> None:
    class Model:
        def __init__(self, digest: str) -> None:
            self.digest = digest

    assert identity_of(Model("a")) == identity_of(Model("a")) != identity_of(Model("b"))
