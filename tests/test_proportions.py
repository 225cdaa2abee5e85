"""Proportions: against R's Wilson interval, the published NPS example, and their own laws."""

from __future__ import annotations

import json
from math import isnan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cs_analysis.errors import InputError
from cs_analysis.stats import proportions

GOLDEN = json.loads((Path(__file__).parent / "golden" / "ratios.json").read_text())
counts = st.integers(0, 500)


@pytest.mark.parametrize("case", GOLDEN["wilson"], ids=lambda case: f"{case['successes']} of {case['n']}")
def test_wilson_equals_r(case):
    result = proportions.wilson(case["successes"], case["n"])
    assert result == pytest.approx((case["successes"] / case["n"], case["low"], case["high"]), abs=1e-11)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 300), st.integers(0, 300), st.floats(0.5, 0.999))
def test_wilson_limits_are_the_roots_of_the_score_test(successes, failures, level):
    n = successes + failures
    if n == 0:
        assert all(isnan(value) for value in proportions.wilson(0, 0, level))
        return
    share, low, high = proportions.wilson(successes, n, level)
    assert 0 <= low <= share <= high <= 1
    z = proportions.z_value(level)
    for limit in (low, high):
        assert (share - limit) ** 2 * n == pytest.approx(z**2 * limit * (1 - limit), rel=1e-6, abs=1e-9)
    mirrored = proportions.wilson(failures, n, level)
    assert (mirrored.low, mirrored.high) == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_wilson_at_the_ends_is_exact_and_never_closed():
    assert proportions.wilson(0, 7).low == 0
    assert proportions.wilson(7, 7).high == 1
    assert proportions.wilson(7, 7).low == pytest.approx(7 / (7 + 1.959964**2), rel=1e-6)  # n / (n + z²)


def test_many_limits_at_once_equal_one_by_one():
    low, high = proportions.wilson_limits(np.array([0, 0.25, 1, 0.5]), np.array([4, 8, 3.5, 0]))
    for i, (successes, n) in enumerate([(0, 4), (2, 8), (3.5, 3.5)]):
        assert (low[i], high[i]) == proportions.wilson(successes, n)[1:]
    assert isnan(low[3])
    assert isnan(high[3])


@pytest.mark.parametrize(("successes", "n"), [(-1, 3), (4, 3), (float("nan"), 3), (0, float("inf"))])
def test_wilson_refuses_what_is_no_share(successes, n):
    with pytest.raises(InputError, match="0 ≤ successes ≤ n"):
        proportions.wilson(successes, n)


@pytest.mark.parametrize("level", [0, 1, 95, -0.5])
def test_level_is_a_probability(level):
    with pytest.raises(InputError, match="between 0 and 1"):
        proportions.wilson(1, 2, level)


def test_nps_worked_example():
    # definitions, section 10: 19 / 9 / 8 of n 36
    result = proportions.nps(19, 9, 8)
    assert round(result.estimate, 2) == 30.56
    assert (round(result.low, 3), round(result.high, 3)) == (2.878, 53.532)


@settings(max_examples=100, deadline=None)
@given(counts, counts, counts)
def test_nps_laws(promoters, passives, detractors):
    result = proportions.nps(promoters, passives, detractors)
    if promoters + passives + detractors == 0:
        assert all(isnan(value) for value in result)
        return
    assert -100 <= result.low < result.high <= 100
    mirrored = proportions.nps(detractors, passives, promoters)
    assert (-mirrored.estimate, -mirrored.high, -mirrored.low) == pytest.approx(result, abs=1e-9)
    # more of the same answers: the same score, a narrower interval
    more = proportions.nps(4 * promoters, 4 * passives, 4 * detractors)
    assert more.estimate == pytest.approx(result.estimate)
    assert more.high - more.low < result.high - result.low


def test_nps_of_one_kind_of_answer_still_has_an_interval():
    result = proportions.nps(12, 0, 0)
    # p' = 12.75/15, d' = .75/15: centre 80, half-width 100·1.959964·√((.9 − .64)/15) = 25.80
    assert result == pytest.approx((100, 54.196, 100), abs=1e-3)


def test_nps_refuses_negative_counts():
    with pytest.raises(InputError, match="three counts of 0 or more"):
        proportions.nps(3, -1, 2)
