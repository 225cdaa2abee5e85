"""Phrases: an estimate with its interval and n, a change only where the interval shows one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs_analysis.display import sentences
from cs_analysis.display.language import speaking

finite = st.floats(-5, 5, allow_nan=False).map(lambda v: round(v, 3))


def test_the_model_sentence_of_the_style_guide():
    value = sentences.estimate(1.042, 0.981, 1.109, 212)
    change = sentences.change(0.064, 0.012, 0.116, "October 2025")
    assert f"NRR over 12 months is {value}, {change}." == (
        "NRR over 12 months is 104.2 % (95 % interval 98.1–110.9 %, 212 accounts), "
        "6.4 points above October 2025 (difference 1.2–11.6)."
    )


@given(finite, finite, finite)
def test_no_direction_is_claimed_when_the_interval_contains_zero(difference, a, b):
    low, high = min(a, b), max(a, b)
    said = sentences.change(difference, low, high, "then")
    if low <= 0 <= high and low != high:
        assert said == "no clear change on then"
        assert sentences.direction(difference, low, high) == 0
    assert "nan" not in said


@pytest.mark.parametrize("missing", [None, float("nan"), float("inf")])
def test_what_is_not_known_is_never_printed_as_a_number(missing):
    assert sentences.figure(missing) == "–"
    assert sentences.estimate(missing, 1, 2, 3) == "–"
    assert sentences.interval(missing, 1) == ""
    assert sentences.estimate(1.0, missing, missing, 8) == "100.0 % (no interval, 8 accounts)"
    assert sentences.change(0.1, missing, missing, "then") == "10.0 points above then, no interval"
    assert sentences.change(missing, 0, 1, "then") == "no figure for then to compare with"


def test_a_sum_is_exact_and_claims_no_interval():
    assert sentences.estimate(63.6e6, 63.6e6, 63.6e6, 241, "money") == "¥63.6 million (241 accounts)"
    assert sentences.change(2.4e6, 2.4e6, 2.4e6, "Sep 2026", "money") == "¥2.40 million above Sep 2026"
    assert sentences.change(0.0, 0.0, 0.0, "Sep 2026", "money") == "the same as Sep 2026"


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (1, "days", "1 day"),
        (41, "days", "41 days"),
        (41.5, "days", "41.5 days"),
        (3.84, "hours", "3.8 hours"),
        (1, "accounts", "1 account"),
        (30.56, "points", "30.6 points"),
        (5.4e6, "money", "¥5.40 million"),
        (0.8034, "ratio", "0.80"),
        (7.94, "months", "7.9 months"),
    ],
)
def test_units(value, unit, said):
    assert sentences.figure(value, unit) == said


def test_bounds_share_their_unit_and_negatives_are_not_joined_by_a_dash():
    assert sentences.span(36, 47, "days") == "36–47 days"
    assert sentences.span(-0.02, 0.05) == "−2.0 to 5.0 %"
    assert sentences.span(-15, -3, "points") == "−15.0 to −3.0 points"


def test_names_in_a_list():
    assert sentences.listing([]) == ""
    assert sentences.listing(["Aozora", "Kita"]) == "Aozora and Kita"
    assert sentences.listing(range(7), most=3) == "0, 1, 2 and 4 more"


def test_the_same_numbers_in_japanese():
    with speaking("ja"):
        said = sentences.estimate(1.042, 0.981, 1.109, 1212)
        money = sentences.figure(5.4e6, "money")
    assert "104.2 %" in said
    assert "98.1" in said
    assert "1,212" in said
    assert money == "540万円"
