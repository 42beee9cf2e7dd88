"""What a metric declares by the value of a parameter: on its card, as plain data, and found again for a recipe's parameters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.api.declarations import explainer, metric, resolve_declared_fields
from harness.registry.declared_needs import declared_needs, declared_uses, training_fallbacks
from harness.registry.errors import ReferenceProblems
from harness.registry.plugin_pages import plugins_json
from harness.registry.registry import Registry
from harness.registry.resolve import resolve

from .conftest import Install

SOURCE = '''
    """A metric with two faces."""
    from typing import Any, Literal
    from pydantic import BaseModel, ConfigDict
    from harness.api import metric

    @metric(
        category="faithfulness",
        direction="higher",
        by={"kind": {"inside": {"category": "localisation", "needs": {"masks"}, "bounds": (0, 1)}, "again": {"needs": {"explainer"}}}},
    )
    class Faces:
        """One of two."""

        class Params(BaseModel):
            kind: Literal["plain", "inside", "again"]
            extra: dict[str, Any] = {}

            model_config = ConfigDict(json_schema_extra={"allOf": [{
                "if": {"properties": {"kind": {"const": "again"}}, "required": ["kind"]},
                "then": {"properties": {"extra": {"properties": {"draws": {"type": "integer"}}, "additionalProperties": False}}},
            }]})

        def __init__(self, params):
            self.params = params

        def __call__(self, case):
            return case.attributions.sum((1, 2))
'''


@pytest.fixture
def registry(install: Install) -> Registry:
    install("faces-dist", {"faces.py": SOURCE}, {"harness.metrics": {"faces": "faces:Faces"}})
    return Registry.discover()


def test_a_declaration_follows_the_parameters(registry: Registry) -> None:
    plain, inside, again = (registry.declaration("metrics", "faces", {"kind": kind}) for kind in ("plain", "inside", "again"))
    assert (plain["category"], plain["direction"], plain["needs"]) == ("faithfulness", "higher", [])
    assert (inside["category"], inside["direction"], inside["needs"], inside["bounds"]) == ("localisation", "higher", ["masks"], [0, 1])
    assert (again["category"], again["needs"]) == ("faithfulness", ["explainer"])


def test_without_parameters_it_is_the_plain_one(registry: Registry) -> None:
    assert registry.declaration("metrics", "faces")["category"] == "faithfulness"


def test_it_is_plain_data(registry: Registry) -> None:
    (card,) = json.loads(plugins_json(registry.cards("metrics")))
    assert resolve_declared_fields(card["declaration"], {"kind": "inside"})["needs"] == ["masks"]


def test_what_one_parameter_takes_may_hang_on_another(registry: Registry) -> None:
    assert resolve(registry, "metrics", {"use": "faces", "params": {"kind": "plain", "extra": {"drwas": 1}}}).params["extra"] == {
        "drwas": 1
    }
    assert resolve(registry, "metrics", {"use": "faces", "params": {"kind": "again", "extra": {"draws": 1}}}).params["extra"] == {
        "draws": 1
    }
    with pytest.raises(ReferenceProblems) as caught:
        resolve(registry, "metrics", {"use": "faces", "params": {"kind": "again", "extra": {"drwas": 1}}})
    (problem,) = caught.value.problems
    assert problem.at == ("params", "extra", "drwas") and 'did you mean "draws"' in problem.message


def test_unknown_fields_and_needs_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match=r"by\['kind'\]\['a'\] declares \['colour'\]"):
        metric(category="complexity", direction="lower", by={"kind": {"a": {"colour": "red"}}})
    with pytest.raises(ValueError, match="unknown needs 'mask'; did you mean 'masks'"):
        metric(category="complexity", direction="lower", by={"kind": {"a": {"needs": {"mask"}}}})


EXPLAINER = '''
    """An explainer that wants training images, unless a parameter says otherwise."""
    from harness.api import Background, backgrounds, explainer
    from harness.api.declarations import BY_BACKGROUND

    @explainer(wants={"training-data"}, otherwise="guesses", by={"background": BY_BACKGROUND})
    def compared(model, images, targets, *, background: Background = "auto", ctx):
        """Difference."""
        return (images[:, None] - backgrounds(model, images, ctx, background, 4)).mean(dim=1)
'''


@pytest.mark.parametrize(
    ("background", "needs", "uses", "without"),
    [
        ("auto", set(), {"training-data"}, {"guesses"}),
        (3, set(), {"training-data"}, {"guesses"}),
        ("training", {"training-data"}, {"training-data"}, set()),
        ("references", set(), set(), set()),
    ],
)
def test_what_an_explainer_wants_follows_its_parameters(
    background: object, needs: set[str], uses: set[str], without: set[str], install: Install
) -> None:
    install("compared-dist", {"compared.py": EXPLAINER}, {"harness.explainers": {"compared": "compared:compared"}})
    registry = Registry.discover()
    recipe = resolve(registry, "explainers", {"use": "compared", "params": {"background": background}})
    assert (declared_needs(registry, recipe), declared_uses(registry, recipe)) == (needs, uses)
    assert training_fallbacks(registry, recipe) == without


CHOOSING = '''
    """Explainers of which one stands in for another."""
    from harness.api import Explainer, explainer

    @explainer(needs={"relu", "training-data"})
    def rectified(model, images, targets, *, ctx):
        """Needs a ReLU, and training images."""

    @explainer(needs={"convolutions"})
    def any_other(model, images, targets):
        """Needs convolutions."""

    @explainer(alternatives="among")
    def either(model, images, targets, *, among: list[Explainer] = ["rectified", "any-other"], over: Explainer = "any-other", ctx):
        """One of them, and another."""
'''
CHOOSING_POINTS = {"harness.explainers": {name.replace("_", "-"): f"choosing:{name}" for name in ("rectified", "any_other", "either")}}


def test_of_alternatives_features_are_not_needed_but_data_are(install: Install) -> None:
    install("choosing-dist", {"choosing.py": CHOOSING}, CHOOSING_POINTS)
    registry = Registry.discover()
    assert declared_needs(registry, resolve(registry, "explainers", "either")) == {"convolutions", "training-data"}


def test_alternatives_of_no_parameter_break_the_component(install: Install) -> None:
    install("choosing-dist", {"choosing.py": CHOOSING.replace('"among")', '"amnog")')}, CHOOSING_POINTS)
    (card,) = [card for card in Registry.discover().cards("explainers") if card.name == "either"]
    assert card.error is not None and "alternatives by `amnog`, which it does not take" in card.error


def test_only_training_images_can_be_wanted() -> None:
    with pytest.raises(ValueError, match="only training-data can be wanted and done without, not \\['masks'\\]"):
        explainer(wants={"masks"})


@pytest.mark.parametrize("change", [('"inside": {"cat', '"insode": {"cat'), ('by={"kind"', 'by={"knid"')])
def test_a_value_that_the_parameter_does_not_take_breaks_the_component(change: tuple[str, str], install: Install, site: Path) -> None:
    install("faces-dist", {"faces.py": SOURCE.replace(*change)}, {"harness.metrics": {"faces": "faces:Faces"}})
    (card,) = Registry.discover().cards("metrics")
    assert card.error is not None and "which it does not take" in card.error
