"""A report of made-up samples, as many and as large as a test wants, without a run that computes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from harness.leaderboard.build import build_leaderboard
from harness.registry.registry import Registry
from harness.report.gallery import GalleryView, SampleFiles
from harness.report.page import render_page
from harness.report.pictures import encode_image, encode_map, encode_mask
from harness.report.write import report_context
from harness.results.data_model import Results


def write_synthetic_report(out: Path, results: Results, registry: Registry, *, count: int, side: int, name: str = "sample") -> SampleFiles:
    """Write a report whose first group has ``count`` samples of ``side`` × ``side`` pixels; ``name`` is in all of their names."""
    document = build_leaderboard(results)
    rows, metrics = len(document.groups[0].rows), len(document.groups[0].metrics)
    generator = np.random.default_rng(0)
    files = SampleFiles(out.with_name(f"{out.stem}-samples"))
    index: list[dict[str, Any]] = []
    for k in range(count):
        scores = generator.random((rows, metrics)).round(3).tolist()
        named = {"id": f"{name} {k}", "label": f"{name} a", "prediction": f"{name} b", "confidence": 0.9, "correct": k % 3 > 0}
        index.append({**named, "position": k, "disagreement": 0.5, "scores": scores})
        if k < 4 or not files.apart:
            sample = _sample(generator, rows, side, name)
        files.add(f"0-{k}", sample)
    galleries = [GalleryView(f"All {count} samples.", index=index), *(GalleryView(shown_problem=name) for _ in document.groups[1:])]
    context = report_context(results, document, registry, galleries, files)
    out.write_text(render_page(context, frames=files.apart), "utf-8")
    return files


def _sample(generator: np.random.Generator, rows: int, side: int, name: str) -> dict[str, Any]:
    maps: list[dict[str, Any]] = []
    for row in range(rows):
        parts = [f"{name} one", f"{name} two"] if row == 0 else []
        for part in [*parts, None]:
            maps.append({"row": row, "part": part, **encode_map(generator.normal(size=(side, side)), True)})
    mask = np.zeros((side, side), dtype=bool)
    mask[side // 4 : side // 2, side // 4 : side // 2] = True
    image = np.repeat(generator.random((side, side, 1)), 3, axis=2)
    return {"image": encode_image(image), "height": side, "width": side, "mask": encode_mask(mask), "maps": maps}
