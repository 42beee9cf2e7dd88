"""The dataset ``clevr-xai``: rendered objects, a question about them, and what its answer is read off (CLEVR-XAI).

Layout: https://github.com/ahmedmagdiosman/clevr-xai (releases); masks are NumPy files by the number of the question, brought to 128 × 128.
"""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from harness.api import InputError, dataset
from harness.api.image_files.dataset import ImageFiles, choose_images
from harness.api.image_files.entries import Entry
from harness_published_data.citations import ARRAS_2022
from harness_published_data.layout import Layout

Truth = Literal["single_object", "all_objects", "unique", "unique_firstnonempty", "union"]
TRUTHS: dict[str, tuple[Truth, ...]] = {
    "simple": ("single_object", "all_objects"),
    "complex": ("unique_firstnonempty", "unique", "union", "all_objects"),
}
"""The masks of each set of questions; the first is the default."""
ANSWERS: dict[str, tuple[str, ...]] = {
    "colour": ("blue", "brown", "cyan", "gray", "green", "purple", "red", "yellow"),
    "material": ("metal", "rubber"),
    "number": tuple(map(str, range(11))),
    "shape": ("cube", "cylinder", "sphere"),
    "size": ("large", "small"),
    "yes-no": ("no", "yes"),
}
LAYOUT = Layout(
    name="CLEVR-XAI",
    source="github.com/ahmedmagdiosman/clevr-xai (releases)",
    tree="""
CLEVR-XAI_simple_questions.json
CLEVR-XAI_complex_questions.json                              (where these are asked)
images/CLEVR_unique_000000.png …
ground_truth_simple_questions_single_object/0.npy …           (or _all_objects)
ground_truth_complex_questions_unique_firstnonempty/0.npy …   (or _unique, _union, _all_objects)
""",
    needed=["CLEVR-XAI_simple_questions.json|CLEVR-XAI_complex_questions.json", "images", "ground_truth_*"],
)


@dataset(selection={"samples", "seed", "unreadable"}, cite=ARRAS_2022)
def clevr_xai(
    *,
    root: Path,
    questions: Literal["simple", "complex"] = "simple",
    about: Literal["colour", "material", "number", "shape", "size", "yes-no"] = "shape",
    question: str | None = None,
    truth: Truth | None = None,
    samples: Annotated[int, Field(ge=1)] | None = None,
    seed: int = 0,
    unreadable: Literal["skip", "error"] = "error",
) -> ImageFiles:
    """Pictures of objects with a question each, whose answer is the label and whose objects are the mask (Arras et al. 2022).

    It is a benchmark for networks that read a question; here a model sees the picture alone. It becomes classification by one question
    that all samples share (``question: the large sphere``), to which a model of one's own knows the answer from its training or from a
    question that is part of it; with many questions, labels are answers to what the model was not told, and a note says so. Masks are
    scaled to the picture from the 128 × 128 that are published. An id is the number of a question.

    Args:
        root: the folder with the questions, ``images`` and ``ground_truth_…``.
        questions: which of the two sets.
        about: the kind of answers, which are the classes.
        question: only questions that have this text, whatever its case; by default all.
        truth: which objects are the mask; by default ``single_object`` of simple questions and ``unique_firstnonempty`` of complex ones.
        samples: how many, balanced over the classes, so that more samples include the fewer; by default all.
        seed: by which samples are drawn.
        unreadable: whether images that cannot be read are an error that lists them, or are skipped and listed in the run's notes.
    """
    base = LAYOUT.find(root)
    kind = truth or TRUTHS[questions][0]
    if kind not in TRUTHS[questions]:
        raise InputError(f"truth: {kind}, and {questions} questions have {', '.join(TRUTHS[questions])}")
    masks = base / f"ground_truth_{questions}_questions_{kind}"
    if not masks.is_dir():
        raise LAYOUT.lacks(f"{base} has no folder {masks.name}")
    entries, asked, unmarked = [], set(), 0
    for one in _questions(base / f"CLEVR-XAI_{questions}_questions.json"):
        answer, text, mask = _answer(one["answer"]), str(one["question"]), masks / f"{one['question_index']}.npy"
        if answer not in ANSWERS[about] or (question is not None and question.casefold() not in text.casefold()):
            continue
        asked.add(re.sub(r"\W+", " ", text.casefold()).strip())
        unmarked += not mask.is_file()
        evidence = {"mask": partial(read_truth, mask)} if mask.is_file() else {}
        entries.append(Entry(base / "images" / one["image_filename"], answer, str(one["question_index"]), evidence=evidence))
    if not entries:
        raise InputError(f"about: {about}, question: {question!r}: there is no such question among the {questions} ones")
    entries, notes = LAYOUT.present(base, entries, unreadable)
    if len(asked) > 1:
        notes.append(f"{len(asked)} questions are asked, and a model sees only the image: choose one by `question`")
    if unmarked:
        notes.append(f"{unmarked} of {len(entries)} questions have no mask in {masks.name}")
    return choose_images(base, entries, ANSWERS[about], samples=samples, seed=seed, unreadable=unreadable, notes=notes)


def read_truth(file: Path, size: tuple[int, int]) -> Tensor | None:
    """A mask scaled to the nearest pixel ``(H, W)`` bool, None for an empty one; raises ``ValueError`` that names the file."""
    try:
        values = np.load(file, allow_pickle=False)
    except Exception as error:  # a damaged file raises what it likes
        raise InputError(f"{file} is no array of NumPy: {error}") from error
    if values.ndim != 2 or not values.size or values.dtype.kind not in "biuf":
        raise InputError(f"{file} is no mask: {values.dtype} {values.shape}")
    mask = F.interpolate(torch.from_numpy(values > 0)[None, None].float(), size=size, mode="nearest-exact")[0, 0] > 0.5
    return mask if mask.any() else None


def _questions(file: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads(file.read_text(encoding="utf-8-sig"))["questions"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LAYOUT.lacks(f"{file} cannot be read as a list of questions: {error}") from error
    needed = {"question", "answer", "question_index", "image_filename"}
    if not isinstance(found, list) or not all(isinstance(one, dict) and needed <= one.keys() for one in found):
        raise InputError(f"root: {file} has questions without {', '.join(sorted(needed))}")
    return found


def _answer(answer: object) -> str:
    """An answer as text: yes and no are also written as true and false, numbers as numbers."""
    return {True: "yes", False: "no"}[answer] if isinstance(answer, bool) else str(answer)
