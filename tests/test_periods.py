"""Periods: against the calendar of the standard library and hand-counted tenures, on every engine."""

from __future__ import annotations

import calendar
from datetime import date, datetime, timedelta

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pytest
from engines import ENGINES, collected, native
from hypothesis import given, settings
from hypothesis import strategies as st

from cs_analysis.errors import InputError
from cs_analysis.stats import periods

days = st.dates(date(1990, 1, 1), date(2090, 12, 31))


@pytest.mark.parametrize(
    "value",
    [
        "2026-10-31",
        " 2026-10-31 ",
        date(2026, 10, 31),
        datetime(2026, 10, 31, 23, 59),
        pd.Timestamp("2026-10-31 08:00", tz="Asia/Tokyo"),
        np.datetime64("2026-10-31"),
    ],
)
def test_day_reads_every_form(value):
    result = periods.day(value)
    assert result == date(2026, 10, 31)
    assert type(result) is date


@pytest.mark.parametrize(
    "value", ["2026-02-30", "20261031", "2026-W44-6", "31/10/2026", "", None, pd.NaT, np.datetime64("NaT"), 20261031]
)
def test_day_refuses_the_rest_in_a_sentence(value):
    with pytest.raises(InputError, match="is not a day; write it as YYYY-MM-DD"):
        periods.day(value)


@settings(max_examples=100, deadline=None)
@given(days)
def test_months_against_the_calendar(the_day):
    index = periods.month_index(the_day)
    assert periods.month_label(index) == the_day.strftime("%Y-%m")
    last = calendar.monthrange(the_day.year, the_day.month)[1]
    assert periods.last_day(index) == the_day.replace(day=last)
    assert periods.first_day(index) == the_day.replace(day=1)
    assert periods.is_month_end(the_day) == ((the_day + timedelta(days=1)).day == 1)


def test_last_month_there_is():
    assert periods.last_day(periods.month_index("9999-12-01")) == date(9999, 12, 31)


# counted by hand on a calendar: anniversary = the corresponding day, else the first of the next month
TENURES = [
    ("2024-04-01", "2025-04-01", 12.0),  # the renewal boundary of definitions, section 10
    ("2024-04-01", "2025-03-31", 11 + 30 / 31),
    ("2024-01-31", "2024-02-29", 29 / 30),  # no 31 February: the month lasts until 1 March, 30 days
    ("2024-01-31", "2024-03-01", 1.0),
    ("2024-01-31", "2024-03-31", 2.0),
    ("2024-01-31", "2024-03-16", 1.5),  # half of 1 to 31 March
    ("2024-02-29", "2025-02-28", 11 + 30 / 31),  # 29 January to 1 March 2025 is 31 days
    ("2024-02-29", "2025-03-01", 12.0),
    ("2024-02-29", "2028-02-29", 48.0),
    ("2024-04-10", "2024-04-10", 0.0),
    ("2024-04-16", "2024-04-01", -15 / 31),  # from 16 March to 16 April are 31 days
]


@pytest.mark.parametrize(("start", "stop", "months"), TENURES)
def test_tenure_by_hand(start, stop, months):
    assert periods.months_between(start, stop) == pytest.approx(months, abs=1e-12)


def test_tenure_of_many_equals_one_by_one_and_missing_stays_missing():
    starts = pd.to_datetime(pd.Series([row[0] for row in TENURES] + [None, "2024-01-01"]))
    stops = pd.to_datetime(pd.Series([row[1] for row in TENURES] + ["2024-01-01", None]))
    result = periods.months_between(starts, stops)
    assert result[:-2] == pytest.approx([row[2] for row in TENURES], abs=1e-12)
    assert np.isnan(result[-2:]).all()


@settings(max_examples=100, deadline=None)
@given(days, st.integers(0, 120))
def test_anniversaries_are_whole_and_the_day_before_is_not(start, months):
    reached = periods.anniversary(start, months)
    target = periods.month_index(start) + months
    if start.day <= periods.last_day(target).day:
        assert reached == periods.first_day(target).replace(day=start.day)
    else:
        assert reached == periods.first_day(target + 1)
    assert periods.months_between(start, reached) == months
    assert periods.months_between(start, reached - timedelta(days=1)) < months


@settings(max_examples=100, deadline=None)
@given(days, st.integers(0, 2000))
def test_tenure_grows_with_every_day(start, offset):
    stop = start + timedelta(days=offset)
    before, after = (periods.months_between(start, stop + timedelta(days=k)) for k in (0, 1))
    assert 0 < after - before <= 1 / 28 + 1e-9


@settings(max_examples=100, deadline=None)
@given(st.integers(1990 * 12, 2090 * 12), st.integers(1, 12))
def test_fiscal_periods(index, start):
    for name, length in periods.PERIODS.items():
        first = periods.fiscal_start(index, name, start)
        assert 0 <= index - first < length
        assert (first % 12 - (start - 1)) % length == 0
        # one label per period, another in the next
        labels = {periods.fiscal_label(first + k, name, start) for k in range(length)}
        assert len(labels) == 1
        assert periods.fiscal_label(first + length, name, start) > labels.pop()


@pytest.mark.parametrize(
    ("the_day", "year", "half", "quarter"),
    [
        ("2026-03-31", "FY2025", "FY2025-H2", "FY2025-Q4"),
        ("2026-04-01", "FY2026", "FY2026-H1", "FY2026-Q1"),
        ("2026-09-30", "FY2026", "FY2026-H1", "FY2026-Q2"),
        ("2026-10-31", "FY2026", "FY2026-H2", "FY2026-Q3"),
    ],
)
def test_japanese_fiscal_year(the_day, year, half, quarter):
    index = periods.month_index(the_day)
    assert [periods.fiscal_label(index, name, 4) for name in ("year", "half", "quarter")] == [year, half, quarter]


def test_fiscal_start_of_an_array():
    index = np.array([periods.month_index("2026-03-31"), periods.month_index("2026-04-01")])
    labels = [periods.month_label(month) for month in periods.fiscal_start(index, "year", 4)]
    assert labels == ["2025-04", "2026-04"]


def test_unknown_periods_are_refused():
    with pytest.raises(InputError, match="month, quarter, half, year"):
        periods.fiscal_label(24321, "week")
    with pytest.raises(InputError, match="1 to 12"):
        periods.fiscal_start(24321, "year", 13)


DAYS = ["1999-12-31", "2024-02-29", "2026-10-31", "2026-11-01", "2199-01-01"]
MONTHS = [1999 * 12 + 11, 2024 * 12 + 1, 2026 * 12 + 9, 2026 * 12 + 10, 2199 * 12]
KEYS = [19991231, 20240229, 20261031, 20261101, 21990101]


def with_keys(frame: object, **options: int) -> pd.DataFrame:
    result = nw.from_native(frame).with_columns(
        month=periods.month_expr(nw.col("day"), **({"missing": options["month"]} if options else {})),
        key=periods.day_key_expr(nw.col("day"), **({"missing": options["key"]} if options else {})),
    )
    return collected(result.drop("day")).sort_values("id").reset_index(drop=True)


@pytest.mark.parametrize("kind", ["datetime", "date"])
@pytest.mark.parametrize("engine", ENGINES)
def test_engines_agree(engine, kind):
    frame = pd.DataFrame({"id": range(len(DAYS)), "day": pd.to_datetime(DAYS)})
    if kind == "date":  # pandas has a Date type through Arrow only
        frame["day"] = frame["day"].astype("date32[pyarrow]") if engine != "pyspark" else frame["day"].dt.date
    result = with_keys(native(frame, engine))
    assert {nw.from_native(result).schema[name] for name in ("month", "key")} == {nw.Int64}
    assert result["month"].tolist() == MONTHS == [periods.month_index(day) for day in DAYS]
    assert result["key"].tolist() == KEYS == [periods.day_key(day) for day in DAYS]


@pytest.mark.parametrize("engine", ENGINES)
def test_engines_agree_on_missing_days(engine):
    frame = pd.DataFrame({"id": [0, 1], "day": pd.to_datetime(["2026-10-31", None])})
    result = with_keys(native(frame, engine), month=119_999, key=99991231)
    assert result["month"].tolist() == [24321, 119_999]
    assert result["key"].tolist() == [20261031, 99991231]


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_missing_stays_missing_where_the_engine_can(engine):
    frame = pd.DataFrame({"id": [0, 1], "day": pd.to_datetime(["2026-10-31", None])})
    result = with_keys(native(frame, engine))
    assert result["month"].isna().tolist() == [False, True]
    assert result["key"].isna().tolist() == [False, True]
