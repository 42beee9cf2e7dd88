"""The type of an explainer, as a parameter annotation and as a callable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from torch import Tensor

from harness.api.attribution import Attribution
from harness.api.classifiers import Classifier
from harness.api.context import Context


@runtime_checkable
class Explainer(Protocol):
    """An explainer with its parameters bound.

    As a parameter's annotation it takes a component reference in a spec (a name, or ``use`` + ``params``), and arrives as a callable:

    >>> def my_smoothing(model, images, targets, *, over: Explainer = "saliency", draws: int = 8, ctx):
    ...     maps = over(model, images + ctx.noise(images.shape[1:]), targets, ctx=ctx).map

    Calling it draws the same streams as the component's own row would, and returns a checked `Attribution` whose map is ``(B, H, W)``
    at the image's size; if it is a row of the run already, its stored maps are used.
    """

    @property
    def name(self) -> str:
        """The component's name."""

    @property
    def params(self) -> Mapping[str, object]:
        """The resolved parameters."""

    @property
    def schema(self) -> Mapping[str, Mapping[str, object]]:
        """JSON schema of each parameter, by name: its type, default, bounds or choices."""

    def with_params(self, **changes: object) -> Explainer:
        """The same component with some parameters changed; raises ``ValueError`` for one that it has not or does not take."""

    def applicable(self, model: Classifier) -> str | None:
        """Reason why it says nothing of ``model``, or an explainer in it does; None where it explains it."""

    def __call__(self, model: Classifier, images: Tensor, targets: Tensor, *, ctx: Context) -> Attribution:
        """Explain ``images`` (B, C, H, W) for ``targets`` (B,)."""
        ...
