"""Categories of metrics in plain words, and in those of Co-12 (Nauta et al. 2023, https://doi.org/10.1145/3583558)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CategoryMeaning:
    """The question that the metrics of a category ask, and the properties of explanations of Co-12 that they stand under."""

    question: str
    co_12: str


CATEGORY_MEANINGS: dict[str, CategoryMeaning] = {
    "faithfulness": CategoryMeaning("Does the model depend on what the map says it does?", "Correctness, Completeness"),
    "localisation": CategoryMeaning("Is the evidence where the truth is known to be?", "Coherence; Correctness where the truth is known"),
    "randomisation": CategoryMeaning("Does the map change when the model, or the class, does?", "Correctness, Contrastivity"),
    "axiomatic": CategoryMeaning("Does the map keep what its theory promises?", "Correctness, Completeness, Consistency"),
    "robustness": CategoryMeaning("Does the map stay when next to nothing changes?", "Continuity, Consistency"),
    "complexity": CategoryMeaning("How few pixels does the map need?", "Compactness"),
    "agreement": CategoryMeaning("Do the parts of the explanation agree?", "Coherence"),
}
"""What Co-12 calls correctness is asked of the model; docs/metrics.md has the place of each single metric."""
UNKNOWN_MEANING = CategoryMeaning("A category of a plugin's own.", "not placed")


def category_meaning(category: str) -> CategoryMeaning:
    """The meaning of a category; of one that is not the harness's, that it is a plugin's."""
    return CATEGORY_MEANINGS.get(category, UNKNOWN_MEANING)
