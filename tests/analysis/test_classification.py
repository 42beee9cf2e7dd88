"""Measures of classification beside scikit-learn's, and what is undefined of them."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn import metrics

from harness.analysis.classification import Classification, areas_under_roc, mcnemar, measure_classification
from harness.results.predictions import MOST_CLASSES, Predictions

RNG = np.random.default_rng(0)


def predictions(labels: np.ndarray, probabilities: np.ndarray, predicted: np.ndarray | None = None) -> Predictions:
    """Of a model that answers with these probabilities (N, K)."""
    answers = probabilities.argmax(axis=1) if predicted is None else predicted
    return Predictions(
        labels=labels.astype(float),
        predicted=answers.astype(float),
        classes=probabilities.shape[1],
        areas=areas_under_roc(labels.astype(float), probabilities),
    )


def draw(classes: int, size: int, skill: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Unbalanced labels, and probabilities that know them more or less: shares of 64, so that some are tied, and exactly."""
    labels = rng.choice(classes, size, p=np.arange(1, classes + 1) / np.arange(1, classes + 1).sum())
    logits = rng.normal(size=(size, classes)) + skill * (labels[:, None] == np.arange(classes))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return labels, np.stack([rng.multinomial(64, row) / 64 for row in shares])


@pytest.mark.parametrize(("classes", "size", "skill"), [(2, 90, 0.7), (4, 200, 1.5), (7, 400, 0.3)])
def test_measures_are_those_of_scikit_learn(classes: int, size: int, skill: float) -> None:
    labels, probabilities = draw(classes, size, skill, RNG)
    answers = probabilities.argmax(axis=1)
    assert set(answers) == set(labels) == set(range(classes))
    found = measure_classification(predictions(labels, probabilities))
    scores = probabilities[:, 1] if classes == 2 else probabilities
    assert found.samples == size
    assert not found.undefined
    assert found.values == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(labels, answers),
            "balanced_accuracy": metrics.balanced_accuracy_score(labels, answers),
            "precision": metrics.precision_score(labels, answers, average="macro"),
            "recall": metrics.recall_score(labels, answers, average="macro"),
            "f1": metrics.f1_score(labels, answers, average="macro"),
            "auc": metrics.roc_auc_score(labels, scores, average="macro", multi_class="ovr"),
        }
    )


def test_only_classes_that_the_data_has_count() -> None:
    """A model of a thousand classes on a data set of three is no worse for the others, but where it answers with one."""
    labels, probabilities = draw(6, 120, 1.0, np.random.default_rng(5))
    own = labels < 4
    labels, probabilities = labels[own], probabilities[own]
    answers, there = probabilities.argmax(axis=1), [0, 1, 2, 3]
    assert set(answers) - set(there)
    values = measure_classification(predictions(labels, probabilities)).values
    for name, score in (("precision", metrics.precision_score), ("recall", metrics.recall_score), ("f1", metrics.f1_score)):
        assert values[name] == pytest.approx(score(labels, answers, labels=there, average="macro")), name  # type: ignore[index]
    areas = [metrics.roc_auc_score(labels == k, probabilities[:, k]) for k in there]
    assert values["auc"] == pytest.approx(np.mean(areas))


def test_ties_count_half() -> None:
    """By hand: of two pairs one is in order, and one tied."""
    assert areas_under_roc(np.asarray([1.0, 0.0, 0.0]), np.asarray([[0.5, 0.5], [0.5, 0.5], [0.8, 0.2]]))[1] == 0.75


@pytest.mark.parametrize("votes", [3, 7, 10, 20])
@pytest.mark.parametrize("type_", [np.float32, np.float64])
def test_ties_are_ties_whatever_the_other_classes_share(votes: int, type_: type[np.floating]) -> None:
    """Shares of votes, whose sums are rounded: 0.3 + 0.1 is not 0.2 + 0.2."""
    rng = np.random.default_rng(votes)
    labels = rng.integers(0, 4, 200)
    shares = np.stack([rng.multinomial(votes, np.where(np.arange(4) == label, 0.4, 0.2)) for label in labels]) / votes
    probabilities = shares.astype(type_).astype(float)
    expected = [metrics.roc_auc_score(labels == k, probabilities[:, k]) for k in range(4)]
    assert areas_under_roc(labels.astype(float), probabilities) == pytest.approx(expected, abs=1e-12)


def test_a_model_that_is_sure_is_not_rounded_to_ties() -> None:
    """In float32 both probabilities are 1, and what is left tells which is the surer."""
    probabilities = np.asarray([[1e-9, 1.0], [1e-12, 1.0]], dtype=np.float32).astype(float)
    assert areas_under_roc(np.asarray([0.0, 1.0]), probabilities).tolist() == [1, 1]


def test_probabilities_of_sigmoids_are_ordered_each_by_itself() -> None:
    rng = np.random.default_rng(2)
    labels, probabilities = rng.integers(0, 3, 50).astype(float), rng.random((50, 3))
    expected = [metrics.roc_auc_score(labels == k, probabilities[:, k]) for k in range(3)]
    assert areas_under_roc(labels, probabilities) == pytest.approx(expected)


def undefined(found: Classification) -> dict[str, str]:
    assert {name for name, value in found.values.items() if np.isnan(value)} == set(found.undefined), "each says why"
    return {str(name): why for name, why in found.undefined.items()}


def test_what_is_undefined_says_why() -> None:
    labels, probabilities = np.asarray([0, 0, 1, 2]), np.full((4, 3), 1 / 3)
    never = predictions(labels, probabilities, np.asarray([0, 0, 0, 2]))
    assert undefined(measure_classification(never)) == {"precision": "never predicted: 1"}
    named = Predictions(**{**vars(never), "names": ["cat", "dog", "owl"]})
    assert undefined(measure_classification(named)) == {"precision": "never predicted: dog"}
    alone = predictions(np.zeros(4), probabilities, np.asarray([0, 0, 1, 0]))
    found = measure_classification(alone)
    assert undefined(found) == {"auc": "all samples are of one class"}
    assert (found.values["balanced_accuracy"], found.values["precision"]) == (0.75, 1.0)
    without = Predictions(labels=labels.astype(float), predicted=labels.astype(float), classes=1000, no_areas="too many")
    assert undefined(measure_classification(without)) == {"auc": "too many"}
    nothing = Predictions(labels=np.full(4, np.nan), predicted=np.full(4, np.nan), classes=3)
    assert set(undefined(measure_classification(nothing)).values()) == {"the model predicted no sample"}
    assert measure_classification(nothing).samples == 0


def test_a_sample_without_finite_outputs_is_wrong_and_of_no_class() -> None:
    found = measure_classification(
        Predictions(labels=np.asarray([0.0, 0.0, 1.0]), predicted=np.asarray([0.0, np.nan, 1.0]), classes=2, no_areas="not finite")
    )
    assert (found.samples, found.values["accuracy"], found.values["recall"], found.values["precision"]) == (3, 2 / 3, 0.75, 1.0)


def test_some_of_the_samples_have_no_areas() -> None:
    whole = predictions(*draw(3, 30, 1.0, np.random.default_rng(1)))
    turned = whole.take(np.arange(30)[::-1])
    assert (turned.areas == whole.areas).all()
    assert (turned.labels == whole.labels[::-1]).all()
    assert undefined(measure_classification(whole.take(np.arange(20)))) == {"auc": "known of all samples, not of some"}


def test_predictions_of_classes_that_there_are_not_are_refused() -> None:
    for labels in (np.asarray([0.0, 2.0]), np.asarray([-1.0, 0.0]), np.asarray([0.5, 0.0])):
        with pytest.raises(ValueError, match="none of 2 classes"):
            Predictions(labels=labels, predicted=np.zeros(2), classes=2)
    with pytest.raises(ValueError, match="areas of 3 classes"):
        Predictions(labels=np.zeros(2), predicted=np.zeros(2), classes=MOST_CLASSES, areas=np.zeros(3))


@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, 5), (3, 3), (1, 8), (12, 31), (200, 260)])
def test_mcnemar_is_the_exact_binomial_test(first: int, second: int) -> None:
    assert mcnemar(first, second) == pytest.approx(binomtest(first, first + second).pvalue if first + second else 1.0)
    assert mcnemar(first, second) == mcnemar(second, first)


def test_mcnemar_by_hand() -> None:
    """Of nine one or fewer: (1 + 9) / 2^9 on either side."""
    assert mcnemar(1, 8) == pytest.approx(2 * 10 / 512)
