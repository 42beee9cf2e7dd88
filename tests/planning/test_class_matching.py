import unicodedata

import pytest

from harness.planning.class_matching import ClassMismatch, check_labels_in_range, match_classes, numeric_order, order_note


def test_equal_names_in_another_order_are_matched() -> None:
    assert match_classes(["cat", "dog"], ["dog", "bird", "cat"], 3) == [2, 0]


def test_names_match_whatever_their_case() -> None:
    assert match_classes(["Cat"], ["dog", "cat"], 2) == [1]


def test_the_same_classes_need_no_map() -> None:
    assert match_classes(["a", "b"], ["a", "b"], 2) is None


def test_a_name_that_two_classes_have_is_no_name_of_either() -> None:
    """As "crane" among ImageNet's."""
    birds = ["crane", "dog", "crane"]
    assert match_classes(birds, birds, 3) is None
    assert match_classes(birds, birds, 3, {"dog": 2}) == [0, 2, 2]
    assert match_classes(["crane", "dog"], birds, 3, {"crane": 2}) == [2, 1]
    for dataset in (["crane", "dog"], ["dog", "crane", "crane"]):
        with pytest.raises(ClassMismatch, match="'crane' is the name of the model's classes 0, 2: send it to one of them by its index"):
            match_classes(dataset, birds, 3)


def test_without_names_labels_are_classes() -> None:
    assert match_classes(None, ["a", "b"], 2) is None
    assert match_classes(["a", "b"], None, 2) is None


def test_a_model_without_names_takes_indices() -> None:
    assert match_classes(["a", "b"], None, 1000, {"a": 7, "b": 3}) == [7, 3]
    assert match_classes(["a", "b"], None, 2, {"a": 0, "b": 1}) is None


def test_a_map_sends_names_to_names_or_indices() -> None:
    assert match_classes(["kitty", "hound"], ["dog", "cat"], 2, {"kitty": "cat", "hound": 0}) == [1, 0]


@pytest.mark.parametrize(("dataset", "model", "classes", "mapping", "said"), [
    (["cta"], ["dog", "cat"], 2, None, 'did you mean'),
    (["cat"], ["dog", "cat"], 2, {"kitten": "cat"}, "no class of the dataset"),
    (["cat"], ["dog", "cat"], 2, {"cat": 7}, "the model has 2"),
    (None, ["dog", "cat"], 2, {"cat": "cat"}, "has no class names: its labels are numbers"),
    (["a", "b", "c"], None, 2, None, "3 classes and the model 2.*class_map"),
    (["a", "b"], None, 1000, None, "2 classes and the model 1,000.*class_map"),
    (["a", "b"], None, 2, {"a": 1}, "must give 'b' an index from 0 to 1"),
    (["a"], None, 2, {"a": "cat"}, "must give 'a' an index"),
    (["a"], None, 2, {"a": 2}, "the model has 2"),
    (["a"], None, 2, {"c": 0}, "no class of the dataset"),
    (["CAT"], ["Cat", "cat"], 2, None, "may be 'Cat' or 'cat'"),
    (["c\u0430t"], ["dog", "cat"], 2, None, r"no class 'c\u0430t' \(written 'c\\u0430t'\); did you mean 'cat'"),
    (["a", "b"], ["dog", "cat"], 2, None, r"class_map .*such as \{'a': 0\}"),
    (None, None, 2, {"1": 2}, "the model has 2"),
])  # fmt: skip
def test_what_does_not_match_is_an_error(dataset: list[str], model: list[str], classes: int, mapping: dict[str, str], said: str) -> None:
    with pytest.raises(ClassMismatch, match=said):
        match_classes(dataset, model, classes, mapping)


E_COMPOSED, E_DECOMPOSED = unicodedata.normalize("NFC", "Été"), unicodedata.normalize("NFD", "Été")


@pytest.mark.parametrize(("folder", "given"), [(E_COMPOSED, E_DECOMPOSED), (E_DECOMPOSED, E_COMPOSED), (E_DECOMPOSED.upper(), E_COMPOSED)])
def test_both_normal_forms_are_one_name(folder: str, given: str) -> None:
    assert match_classes([folder, "b"], ["b", given], 2) == [1, 0]
    assert match_classes([folder, "b"], None, 2, {given: 1, "b": 0}) == [1, 0]
    assert match_classes(["b", "c"], ["b", folder], 2, {"c": given}) is None


def test_white_space_is_no_difference_and_the_exact_name_comes_first() -> None:
    assert match_classes(["golden  retriever "], ["x", "golden\u00a0retriever"], 2) == [1]
    assert match_classes(["cat", "Cat"], ["Cat", "cat"], 2) == [1, 0]
    assert match_classes(["cat", "Cat"], None, 2, {"Cat": 0, "cat": 1}) == [1, 0]


def test_numbers_take_a_map_too() -> None:
    assert match_classes(None, None, 3, {"1": 0, "2": 1, "3": 2}) == [0, 0, 1, 2]
    assert match_classes(None, ["a", "b"], 2, {"7": "b"}) == [0, 1, 2, 3, 4, 5, 6, 1]


def test_labels_outside_the_model_are_named_and_counting_from_one_is_noticed() -> None:
    check_labels_in_range([0, 1, 2], ["a", "b", "c"], 3)
    with pytest.raises(ClassMismatch, match=r"2 of 3 labels are no class .* 0 to 2 \(b: -1, c: 7\)$"):
        check_labels_in_range([0, -1, 7], ["a", "b", "c"], 3)
    with pytest.raises(ClassMismatch, match="count from 1: subtract 1, or give the dataset class_map"):
        check_labels_in_range([1, 2, 3], ["a", "b", "c"], 3)


def test_a_guessed_order_is_said_with_what_to_write_for_the_other() -> None:
    folders = sorted(map(str, range(12)))
    assert numeric_order(folders) == [0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9]
    said = order_note(folders, None, 12)
    assert said is not None and "0, 1, 10, 11, 2" in said and "class_map: {'0': 0, '1': 1, '2': 2, …}" in said
    assert order_note(["cat", "dog"], None, 2) is not None
    for names, model, class_map in ((folders, folders, None), (None, None, None), (folders, None, {"0": 0}), (["0", "1"], None, None)):
        assert order_note(names, model, 2, class_map) is None
    assert "not as its class names" in (order_note(None, ["1", "0"], 2) or "")
    assert order_note(None, ["0", "1"], 2) is None and order_note(None, ["a", "1"], 2) is None
    assert numeric_order(["a", "1"]) is None and numeric_order(["01", "1"]) is None and numeric_order(["08", "09", "10"]) is None
