import pytest

from harness.runs.component_shorthand import parse_component, parse_natural
from harness.user_errors import UserError


@pytest.mark.parametrize(
    ("text", "params"),
    [
        ("a", {}),
        ("a,b=1", {"b": 1}),
        ("a, b = 1e-3 ,c=features.28", {"b": 1e-3, "c": "features.28"}),
        ("a,b=,c=null,d=true,e=no", {"b": None, "c": None, "d": True, "e": "no"}),
        ("a,b=[3],c={d: 4}", {"b": [3], "c": {"d": 4}}),
        ("a,b=2001-99-99", {"b": "2001-99-99"}),  # dates are texts, in a spec too
    ],
)
def test_values_are_read_as_in_a_spec(text: str, params: dict[str, object]) -> None:
    assert parse_component(text) == {"use": "a", "params": params}


@pytest.mark.parametrize(
    "value",
    [
        "!!int x",
        "!!python/name:os.system x",
        "9" * 5000,
        "[" * 5000,
        "[" * 900,
        "&a [*a]",
        "*a",
        "{a: 1",
        "a: b: c",
        "'",
        "\x00",
        "{<<: a}",
    ],
)
def test_what_is_no_value_is_refused_in_one_short_line(value: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_component(f"a,b={value}")
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 300


def test_a_pair_without_an_equals_sign_is_refused() -> None:
    with pytest.raises(UserError, match="write NAME,param=value"):
        parse_component("a,b")


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0), ("12", 12), ("²", None), ("-1", None), ("1.0", None), ("", None), ("9" * 5000, None)]
)
def test_numbers_are_decimal_and_short(text: str, value: int | None) -> None:
    assert parse_natural(text) == value
