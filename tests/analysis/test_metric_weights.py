import numpy as np
import pytest

from harness.analysis.metric_weights import redundant_metrics, weigh_metrics
from harness.results.components import MetricInfo
from tests.support.synthetic_results import metric

METRICS = [
    metric("hit", category="localisation"),
    metric("mass", category="localisation"),
    metric("deletion", category="faithfulness"),
    metric("sparseness", category="complexity"),
    metric("parts", category="agreement"),
]
COUNTED: list[str | None] = [None, None, None, None, "not how good it is"]


def weights(weighting: str, metrics: list[MetricInfo] = METRICS, **changes: object) -> list[float]:
    given = {"chosen": {}, "discounted": COUNTED, "redundant": []}
    return list(weigh_metrics(metrics, **(given | changes)).headline[weighting])  # type: ignore[arg-type, index]


def test_what_tells_the_truth_makes_the_headline() -> None:
    assert weights("category") == pytest.approx([1 / 4, 1 / 4, 1 / 2, 0, 0])
    assert weights("metric") == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0, 0])


def test_weights_of_categories_and_of_metrics_within_them_can_be_chosen() -> None:
    chosen = {"localisation": 3.0, "complexity": 1.0, "hit": 2.0}
    assert weights("category", chosen=chosen) == pytest.approx([0.6 * 2 / 3, 0.6 / 3, 0.2, 0.2, 0])
    assert weights("metric", chosen=chosen) == pytest.approx([6 / 11, 3 / 11, 1 / 11, 1 / 11, 0])
    assert weights("category", chosen={"hit": 0.0}) == pytest.approx([0, 1 / 2, 1 / 2, 0, 0])
    assert weights("category", chosen={"agreement": 1.0}) == weights("category"), "what is discounted never counts"


def test_what_is_discounted_leaves_its_weight_to_the_others() -> None:
    assert weights("category", discounted=["a null is best", *COUNTED[1:]]) == pytest.approx([0, 1 / 2, 1 / 2, 0, 0])
    assert weights("category", discounted=["no", "no", *COUNTED[2:]]) == pytest.approx([0, 0, 1, 0, 0])


def test_redundant_metrics_share_one_weight() -> None:
    metrics = [*METRICS[:2], metric("pointing", category="localisation"), *METRICS[2:]]
    found = weigh_metrics(metrics, {}, [None, *COUNTED], [[0, 2]])
    assert found.headline["category"] == pytest.approx([1 / 8, 1 / 4, 1 / 8, 1 / 2, 0, 0])
    assert found.headline["metric"] == pytest.approx([1 / 6, 1 / 3, 1 / 6, 1 / 3, 0, 0])
    assert found.alike == [["pointing"], [], ["hit"], [], [], []]
    assert found.categories["localisation"] == pytest.approx([1 / 4, 1 / 2, 1 / 4, 0, 0, 0])


def test_without_a_metric_of_truth_there_is_no_headline_and_ranks_are_of_what_there_is() -> None:
    found = weigh_metrics([METRICS[3]], {}, [None], [])
    assert list(found.headline["category"]) == [0.0]
    assert list(found.ranking["category"]) == [1.0]
    assert weights("category", [METRICS[3]], discounted=[None], chosen={"complexity": 0.5}) == [1.0]
    assert weights("category", [], discounted=[]) == []


def test_redundant_are_metrics_of_one_category_that_are_all_close_to_one_another_in_both_ways() -> None:
    names = ["a", "a", "a", "a", "b"]
    close = np.full((5, 5), 0.95)
    close[0, 2] = close[2, 0] = 0.5  # 0-1 and 1-2 are close, 0-2 are not: no chain
    close[0, 1] = close[1, 0] = 0.99
    alike = redundant_metrics(names, close, np.ones((5, 5)))
    assert alike == [[0, 1, 3]]
    far = np.ones((5, 5))
    far[0, 1] = far[1, 0] = 0.2
    assert [0, 1] not in [places[:2] for places in redundant_metrics(names, close, far)], "over samples they differ"
    assert redundant_metrics(names, np.full((5, 5), np.nan), np.ones((5, 5))) == []
    assert redundant_metrics(names, -np.ones((5, 5)), -np.ones((5, 5))) == [], "what orders the other way round is not the same"
    just = np.full((2, 2), 0.8999999999999999)  # what 0.9 comes to for some orders of five
    assert redundant_metrics(names[:2], just, np.ones((2, 2))) == [[0, 1]], "no noise of floats decides it"
    assert redundant_metrics([], np.empty((0, 0)), np.empty((0, 0))) == []
