"""From what weakens the rays to the picture: exposure, blur and grain."""

from __future__ import annotations

import numpy as np

from harness_phantoms.fields import Field, Generator, blurred

BLUR, GRAIN = 0.35, 0.014
"""The detector's blur (standard deviation) in pixels, and the grain's spread."""


def exposed(density: Field, generator: Generator) -> Field:
    """The radiograph ``(H, W)`` in [0, 1]: brighter where rays are weakened more, with a film's toe and shoulder."""
    gain, level = np.float32(generator.uniform(1.35, 1.75)), np.float32(generator.normal(0.56, 0.025))
    tilt = generator.normal(0, 0.03, 2).astype(np.float32)
    axis = np.linspace(-1, 1, len(density), dtype=np.float32)
    signal = blurred(density, BLUR) + tilt[0] * axis[:, None] + tilt[1] * axis
    contrast = (signal - level) * gain
    shown = 0.5 + contrast * (0.5 / np.sqrt(0.25 + contrast * contrast))
    grain = blurred(generator.standard_normal(density.shape, dtype=np.float32), BLUR)
    return np.clip(shown + np.float32(1.8 * GRAIN) * grain, 0, 1)
