"""Money in ticks: nothing lost on the way there and back, no phantom customers, every engine alike."""

from __future__ import annotations

from fractions import Fraction

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pytest
from engines import ENGINES, collected, native
from hypothesis import given, settings
from hypothesis import strategies as st

from cs_analysis.errors import InputError
from cs_analysis.stats import money

# quarters of 1/10,000 are exact enough to hit ties: 0.00005 is half a tick
AMOUNTS = [0.0, 100 / 12, -100 / 12, 0.00005, -0.00005, 0.00015, 0.00025, 1_234_567.89, 8e10 / 7, 0.1 + 0.2, -0.0]


def nearest_tick(amount: float) -> int:
    """Half away from zero in exact arithmetic of the scaled float."""
    size = int(Fraction(abs(amount) * 10_000) + Fraction(1, 2))
    return -size if amount < 0 else size


@settings(max_examples=100, deadline=None)
@given(st.floats(-1e10, 1e10))
def test_ticks_are_the_nearest_whole_number_and_odd(amount):
    assert money.ticks([amount, -amount]).tolist() == [nearest_tick(amount), -nearest_tick(amount)]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-(10**15), 10**15), min_size=1))
def test_there_and_back(values):
    whole = np.array(values, dtype=np.int64)
    assert (money.ticks(money.from_ticks(whole)) == whole).all()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 10**9), st.sampled_from([1, 3, 6, 12, 36])), min_size=1, max_size=30))
def test_what_was_added_and_taken_away_leaves_nothing(lines):
    mrr = [amount / months for amount, months in lines]
    assert money.ticks(mrr).sum() - money.ticks(mrr[::-1]).sum() == 0


def test_floats_do_leave_a_phantom():
    """The reason for ticks: were this ever to pass with floats, the module could go."""
    mrr = [0.1, 0.2, 0.3]
    assert sum(mrr) - 0.3 - 0.2 - 0.1 != 0
    assert money.ticks(mrr).sum() - money.ticks([0.3, 0.2, 0.1]).sum() == 0


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e15])
def test_what_is_no_amount_is_refused_with_its_place(bad):
    with pytest.raises(InputError, match="position 2"):
        money.ticks([1, 2, bad, 4])


def test_empty():
    assert money.ticks([]).tolist() == []
    assert money.ticks([]).dtype == np.int64


def test_series_keep_their_index():
    series = pd.Series([15_000], index=["a"])
    assert money.from_ticks(series).to_dict() == {"a": 1.5}


@pytest.mark.parametrize("engine", ENGINES)
def test_engines_agree(engine):
    frame = pd.DataFrame({"id": range(len(AMOUNTS)), "mrr": AMOUNTS})
    ticked = nw.from_native(native(frame, engine)).with_columns(ticks=money.to_ticks(nw.col("mrr")))
    result = collected(ticked).sort_values("id")
    assert result["ticks"].dtype == np.int64
    assert result["ticks"].tolist() == [nearest_tick(amount) for amount in AMOUNTS]
    assert result["ticks"].tolist() == money.ticks(AMOUNTS).tolist()


@pytest.mark.parametrize("engine", ENGINES)
def test_whole_numbers_become_ticks_too(engine):
    frame = pd.DataFrame({"id": [1, 2], "mrr": [54_000, -3]})
    result = collected(nw.from_native(native(frame, engine)).with_columns(ticks=money.to_ticks(nw.col("mrr"))))
    assert result.sort_values("id")["ticks"].tolist() == [540_000_000, -30_000]
