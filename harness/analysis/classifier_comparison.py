"""Classification of each data set by its models: measures, their spread over training seeds, and tests between models."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from harness.analysis.classification import Classification, mcnemar, measure_classification
from harness.analysis.groups import group_factors
from harness.analysis.interval_formulas import student, wilson
from harness.analysis.multiplicity import adjust_families
from harness.analysis.overall import replicate_families
from harness.analysis.paired_tests import mean_difference, paired_differences, t_test
from harness.analysis.ranking import varies
from harness.results.classification_document import (
    MEASURES,
    ClassificationEntry,
    ClassifierComparison,
    ClassifierEntry,
    ClassifierFamily,
    McNemarEntry,
    Measure,
    SeedTest,
    Spread,
)
from harness.results.data_model import Correction, Group, Results
from harness.results.predictions import Predictions
from harness.text_format import format_count

MOST_FAMILIES = 12  # of which every two are compared


@dataclass(frozen=True)
class _Classifier:
    """A group's model with what it predicted."""

    group: Group
    predictions: Predictions
    found: Classification

    @property
    def label(self) -> str:
        return self.group.model

    @property
    def seed(self) -> int | None:
        seed = self.group.recipes["model"].params.get("seed") if "model" in self.group.recipes else None
        return seed if isinstance(seed, int) else None


@dataclass(frozen=True)
class _Family:
    """A model, or replicates of one."""

    name: str
    members: Sequence[_Classifier]

    def paired_with(self, other: _Family) -> list[tuple[_Classifier, _Classifier]]:
        """Members of the same seed; of a family of one it with all of the other."""
        pairs = product(self.members, other.members)
        alone = min(len(self.members), len(other.members)) == 1
        return [(one, two) for one, two in pairs if alone or (one.seed is not None and one.seed == two.seed)]


def classify_all(results: Results) -> list[ClassificationEntry]:
    """The classification of every data set of which predictions are known."""
    found = []
    groups = [group for group in [*results.groups, *results.not_kept] if group.predictions is not None]
    dropped = {group.model for group in results.not_kept}
    families = [_family([groups[k] for k in members]) for members in replicate_families(groups)]
    for dataset in dict.fromkeys(group.dataset for group in groups):
        own = [family for family in families if family.members[0].group.dataset == dataset]
        found.append(
            ClassificationEntry(
                dataset=dataset,
                models=[_classifier_entry(one, results.confidence, one.label not in dropped) for family in own for one in family.members],
                families=[_family_entry(family) for family in own],
                comparisons=_compare_all(own, results),
            )
        )
    return found


def _family(groups: Sequence[Group]) -> _Family:
    known = [(group, group.predictions) for group in groups if group.predictions is not None]
    members = [_Classifier(group, predictions, measure_classification(predictions)) for group, predictions in known]
    return _Family(_family_name(members), members)


def _family_name(members: Sequence[_Classifier]) -> str:
    """The labels without the seed."""
    if len(members) == 1:
        return members[0].label
    bare = {re.sub(rf"\bseed[ =]{member.seed}(, |$)", "", member.label).rstrip(", ") for member in members}
    return bare.pop() if len(bare) == 1 else f"{members[0].label} and {format_count(len(members) - 1, 'replicate')}"


def _classifier_entry(one: _Classifier, confidence: float, kept: bool) -> ClassifierEntry:
    found, accuracy = one.found, np.asarray([one.found.values["accuracy"]])
    low, high = wilson(accuracy, np.asarray([float(found.samples)]), confidence) if found.samples else (accuracy, accuracy)
    return ClassifierEntry(
        model=one.label,
        factors=group_factors(one.group),
        seed=one.seed,
        samples=found.samples,
        measures=dict(found.values),
        low=float(low[0]),
        high=float(high[0]),
        undefined=dict(found.undefined),
        kept=kept,
    )


def _family_entry(family: _Family) -> ClassifierFamily:
    factors = [group_factors(one.group) for one in family.members]
    shared = {name: value for name, value in factors[0].items() if all(other.get(name) == value for other in factors)}
    return ClassifierFamily(
        name=family.name,
        models=[one.label for one in family.members],
        factors=shared,
        measures={name: _spread([one.found.values[name] for one in family.members]) for name in MEASURES},
    )


def _spread(values: Sequence[float]) -> Spread:
    return Spread(mean=float(np.mean(values)), deviation=float(np.std(values, ddof=1)) if len(values) > 1 else None)


def _compare_all(families: Sequence[_Family], results: Results) -> list[ClassifierComparison]:
    few = len(families) <= MOST_FAMILIES
    pairs = combinations(families, 2) if few else ((families[0], other) for other in families[1:])
    return _adjusted([_compare(first, second, results.confidence) for first, second in pairs], results.correction)


def _compare(first: _Family, second: _Family, confidence: float) -> ClassifierComparison:
    pairs = first.paired_with(second)
    replicated = min(len(first.members), len(second.members)) > 1 and len(pairs) > 1
    return ClassifierComparison(
        first=first.name,
        second=second.name,
        over_seeds={name: _seed_test(pairs, name, confidence) for name in MEASURES} if replicated else {},
        mcnemar=[entry for one, two in pairs if (entry := _mcnemar_entry(one, two)).samples],
    )


def _seed_test(pairs: Sequence[tuple[_Classifier, _Classifier]], measure: Measure, confidence: float) -> SeedTest:
    """A test of all pairs; none where a measure is undefined of some."""
    before, after = (np.asarray([pair[side].found.values[measure] for pair in pairs]) for side in (0, 1))
    differences = paired_differences(after, before)
    if np.isnan(differences).any():
        return SeedTest(difference=None, pairs=len(pairs))
    mean, error = np.asarray([mean_difference(differences)]), differences.std(ddof=1) / np.sqrt(len(differences))
    low, high = (
        student(mean, error, np.asarray([float(len(differences))]), confidence) if varies(differences) else (np.full(1, np.nan),) * 2
    )
    return SeedTest(difference=float(mean[0]), low=float(low[0]), high=float(high[0]), p=t_test(differences), pairs=len(pairs))


def _mcnemar_entry(one: _Classifier, two: _Classifier) -> McNemarEntry:
    """The test over samples of the same id and content that both models were asked about."""
    first, second = (_correct_by_sample(side) for side in (one, two))
    shared = first.keys() & second.keys()
    only_first = sum(first[key] and not second[key] for key in shared)
    only_second = sum(second[key] and not first[key] for key in shared)
    p = mcnemar(only_first, only_second)
    return McNemarEntry(first=one.label, second=two.label, samples=len(shared), only_first=only_first, only_second=only_second, p=p)


def _correct_by_sample(one: _Classifier) -> dict[tuple[str, str], bool]:
    rows = zip(one.group.samples, one.group.digests, one.predictions.correct.tolist(), one.predictions.known.tolist(), strict=True)
    return {(sample, digest): correct for sample, digest, correct, known in rows if known}


def _adjusted(comparisons: Sequence[ClassifierComparison], correction: Correction) -> list[ClassifierComparison]:
    """The comparisons with p-values adjusted for how many there are."""
    seeds = {(k, name): test.p for k, each in enumerate(comparisons) for name, test in each.over_seeds.items()}
    models = {(k, place): test.p for k, each in enumerate(comparisons) for place, test in enumerate(each.mcnemar)}
    over_seeds = adjust_families(seeds, correction, lambda test: test[1] if correction == "holm" else None)
    over_samples = adjust_families(models, correction, lambda test: None)
    return [
        each.model_copy(
            update={
                "over_seeds": {
                    name: test.model_copy(update={"p_adjusted": _finite(over_seeds[k, name])}) for name, test in each.over_seeds.items()
                },
                "mcnemar": [test.model_copy(update={"p_adjusted": over_samples[k, place]}) for place, test in enumerate(each.mcnemar)],
            }
        )
        for k, each in enumerate(comparisons)
    ]


def _finite(p: float) -> float | None:
    return None if np.isnan(p) else p
