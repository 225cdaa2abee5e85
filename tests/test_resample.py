"""Bootstrap by whole units: what must not matter, what must, and theory where there is some."""

from __future__ import annotations

import time
from math import isnan

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cs_analysis.errors import InputError
from cs_analysis.stats import resample


def mean(frame: pd.DataFrame) -> float:
    return float(frame["hours"].mean())


def book(seed: int, accounts: int = 40, entries: int = 1) -> pd.DataFrame:
    """Hours whose entries of one account are all alike."""
    hours = np.random.default_rng(seed).lognormal(1, 0.5, accounts)
    names = [f"a{k:04d}" for k in range(accounts)]
    return pd.DataFrame({"account_id": np.repeat(names, entries), "hours": np.repeat(hours, entries)})


def test_same_seed_same_interval_other_seed_other_interval():
    frame = book(1)
    first, again, other = (resample.bootstrap(mean, frame, units="account_id", seed=s) for s in (1, 1, 2))
    assert first == again
    assert first.estimate == other.estimate
    assert (first.low, first.high) != (other.low, other.high)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 6))
def test_whole_units_are_drawn(seed, entries):
    """Writing each account's hours several times adds no knowledge: the interval stays."""
    once = resample.bootstrap(mean, book(seed), units="account_id", seed=3, draws=50)
    often = resample.bootstrap(mean, book(seed, entries=entries), units="account_id", seed=3, draws=50)
    assert often == pytest.approx(once, rel=1e-12)


def test_row_order_changes_nothing():
    frame = book(2, entries=3)
    shuffled = frame.sample(frac=1, random_state=1)
    first, second = (resample.bootstrap(mean, f, units="account_id", seed=1, draws=100) for f in (frame, shuffled))
    assert second == pytest.approx(first, rel=1e-12)


def test_interval_of_a_mean_agrees_with_theory():
    frame = book(4, accounts=400)
    result = resample.bootstrap(mean, frame, units="account_id", seed=1, draws=4000)
    half = 1.959964 * frame["hours"].std(ddof=0) / 400**0.5
    assert result.estimate == frame["hours"].mean()
    # Monte Carlo error of a 2.5 % quantile over 4,000 draws is about 4 % of the half-width; 12 % is three times that
    assert result.low == pytest.approx(result.estimate - half, abs=0.12 * half)
    assert result.high == pytest.approx(result.estimate + half, abs=0.12 * half)


def test_wider_level_wider_interval():
    narrow, wide = (resample.bootstrap(mean, book(5), units="account_id", seed=1, level=lev) for lev in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_a_unit_drawn_twice_counts_as_two():
    frame = book(6, accounts=7, entries=2)
    seen = []

    def units(drawn: pd.DataFrame) -> float:
        seen.append((drawn["account_id"].nunique(), len(drawn)))
        return 0.0

    resample.bootstrap(units, frame, units="account_id", seed=1, draws=30)
    assert set(seen) == {(7, 14)}


def test_the_frame_is_left_as_it_was():
    frame = book(7, entries=2)
    before = frame.copy()
    resample.bootstrap(mean, frame, units="account_id", seed=1, draws=5)
    pd.testing.assert_frame_equal(frame, before)


def test_weights_are_the_same_draws():
    frame = book(8, accounts=30, entries=2)
    drawn = resample.bootstrap(lambda f: f["hours"].sum(), frame, units="account_id", seed=9, draws=200)
    counts = resample.unit_counts(30, seed=9, draws=200)
    assert (counts.sum(axis=1) == 30).all()
    sums = counts @ frame.groupby("account_id")["hours"].sum().to_numpy()
    assert resample.percentiles(sums) == pytest.approx(drawn[1:], rel=1e-12)


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_fewer_than_two_units_have_no_interval(rows):
    frame = pd.DataFrame({"account_id": ["a"] * rows, "hours": [2.0] * rows})
    result = resample.bootstrap(mean, frame, units="account_id", seed=1)
    assert isnan(result.low)
    assert isnan(result.high)
    assert result.estimate == 2 if rows else isnan(result.estimate)


@pytest.mark.parametrize(("missing", "known"), [(5, True), (6, False)])
def test_draws_without_a_value(missing, known):
    values = np.append(np.arange(100.0 - missing), [np.nan] * missing)
    assert isnan(resample.percentiles(values)[0]) != known


def test_what_cannot_be_drawn_by_is_refused():
    with pytest.raises(InputError, match="no column 'account' to draw by; there are: account_id, hours"):
        resample.bootstrap(mean, book(1), units="account", seed=1)
    frame = book(1)
    frame.loc[3, "account_id"] = None
    with pytest.raises(InputError, match="has gaps"):
        resample.bootstrap(mean, frame, units="account_id", seed=1)


def test_fast_enough_for_a_report():
    frame = book(1, accounts=500, entries=40)
    start = time.process_time()
    resample.bootstrap(mean, frame, units="account_id", seed=1, draws=200)
    assert time.process_time() - start < 4  # 200 draws of 20,000 rows; a group-by per draw takes far longer


@pytest.mark.slow
def test_interval_of_clustered_means_covers():
    """60 accounts with 1 to 10 entries that share the account's level; rows drawn singly would cover about 60 %."""
    source, held = np.random.default_rng(11), 0
    for seed in range(1000):
        sizes = source.integers(1, 11, 60)
        names = np.repeat(np.arange(60), sizes)
        frame = pd.DataFrame(
            {"account_id": names, "hours": source.normal(5, 2, 60)[names] + source.normal(0, 1, len(names))}
        )
        result = resample.bootstrap(mean, frame, units="account_id", seed=seed, draws=200)
        held += result.low <= 5 <= result.high
    assert 0.92 <= held / 1000 <= 0.98
