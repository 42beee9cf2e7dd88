"""What a run says while it plans: which component a worker is importing or loading, for as long as it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.planning.inspector import Unavailable
from harness.registry.recipe import Recipe

RequestFunction = Callable[[Mapping[str, Any]], Any]
REQUEST_MESSAGES = {
    "dataset": "reading {label}",
    "model": "loading {label}",
    "training": "reading the training data {label}",
    "opened": "importing {name}",
    "passes": "importing {name}",
    "verdict": "importing {name}",
}


def report_requests(
    ask: RequestFunction, say: Callable[[str], None], refused: Callable[[str, Unavailable], None], begun: bool = False
) -> RequestFunction:
    """``ask`` that says first what answering it will take, and tells of what cannot be had; ``begun``: somebody is there to answer."""

    def told(request: Mapping[str, Any]) -> Any:
        nonlocal begun
        doing = describe_request(request)
        say(doing if begun else f"starting a worker, {doing}")
        begun = True
        try:
            return ask(request)
        except Unavailable as error:
            refused(doing, error)
            raise

    return told


def describe_request(request: Mapping[str, Any]) -> str:
    """What a worker does to answer a request."""
    recipe = Recipe.from_json(request["recipe"])
    return REQUEST_MESSAGES.get(request["ask"], "asking about {label}").format(label=recipe.label or recipe.name, name=recipe.name)
