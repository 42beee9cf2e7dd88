"""Parameters that many metrics have: one name for each kind, so that all take and document the same range."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Samples = Annotated[int, Field(ge=1)]
"""How many draws are made for each sample."""
Radius = Annotated[float, Field(gt=0)]
"""How far neighbours are from a sample, as a share of the range of the inputs."""
Deviation = Annotated[float, Field(ge=0)]
"""Standard deviation of Gaussian noise; 0 is none."""
