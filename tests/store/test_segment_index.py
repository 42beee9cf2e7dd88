"""What is skipped holds nothing that is wanted, and what holds something is never skipped."""

from hypothesis import given
from hypothesis import strategies as st

from harness.store.segment_index import SegmentIndex, hash_ids

IDS = st.sets(st.text(max_size=3), max_size=12)


@given(st.dictionaries(st.text(min_size=1, max_size=4), IDS, max_size=8), IDS)
def test_exactly_what_shares_a_sample_is_read(held: dict[str, set[str]], wanted: set[str]) -> None:
    index = SegmentIndex()
    for segment, ids in held.items():
        index.note(segment, ids)
    expected = [segment for segment, ids in held.items() if ids & wanted]
    assert index.worth_reading(list(held), hash_ids(wanted)) == expected


def test_a_segment_of_which_nothing_is_known_is_read() -> None:
    index = SegmentIndex()
    index.note("a", ["1", "2"])
    assert index.worth_reading(["a", "b"], hash_ids(["3"])) == ["b"]
    assert index.worth_reading(["b", "a"], hash_ids(["2"])) == ["b", "a"]


def test_what_is_forgotten_is_read_again() -> None:
    index = SegmentIndex(most=4)
    for name in "abc":
        index.note(name, [name + "1", name + "2"])
    assert index.worth_reading(list("abc"), hash_ids(["x"])) == ["a"]
    index.note("b", ["b1"])  # noted again it counts once
    index.note("d", ["d1"])
    assert index.worth_reading(list("abcd"), hash_ids(["x"])) == ["a"]


def test_one_segment_may_be_greater_than_all_that_is_kept() -> None:
    index = SegmentIndex(most=2)
    index.note("large", map(str, range(10)))
    assert index.worth_reading(["large"], hash_ids(["10"])) == []
    index.note("small", ["1"])
    assert index.worth_reading(["large", "small"], hash_ids(["10"])) == ["large"]
