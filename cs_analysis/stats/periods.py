"""Days, months and fiscal periods as plain numbers, so that they can be counted and compared on any engine.

A month is the whole number year × 12 + month − 1: neighbours differ by 1, twelve months earlier is − 12.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import overload

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cs_analysis.errors import N_, InputError

PERIODS = {"month": 1, "quarter": 3, "half": 6, "year": 12}  # name → months in it
NEVER = 99991231  # the day key that stands for a day that has not come: later than any, as a month index too

_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def day(value: object) -> date:
    """The calendar day of a date, a time or an ISO text.

    Parameters
    ----------
    value
        ``datetime.date``, ``datetime.datetime``, ``pd.Timestamp``, ``np.datetime64`` or "YYYY-MM-DD".

    Returns
    -------
    datetime.date
        The day; a time of day is dropped.

    Raises
    ------
    InputError
        If the value is no day, missing included.

    Examples
    --------
    >>> day("2026-10-31"), day(datetime(2024, 2, 29, 23, 59))
    (datetime.date(2026, 10, 31), datetime.date(2024, 2, 29))
    """
    try:
        if isinstance(value, str) and _ISO_DAY.fullmatch(value.strip()):
            return date.fromisoformat(value.strip())
        if isinstance(value, np.datetime64):
            value = pd.Timestamp(value)
        if isinstance(value, date) and value is not pd.NaT:  # NaT passes for a datetime
            return value.date() if isinstance(value, datetime) else value
    except ValueError:  # a text of the right form that is no day, such as 2026-02-30
        pass
    raise InputError(N_("{value!r} is not a day; write it as YYYY-MM-DD, for example 2026-10-31."), value=str(value))


def month_index(value: object) -> int:
    """The month of a day as year × 12 + month − 1.

    >>> month_index("2026-10-31"), month_index("2026-10-31") - month_index("2025-10-01")
    (24321, 12)
    """
    the_day = day(value)
    return the_day.year * 12 + the_day.month - 1


def month_label(index: int) -> str:
    """The label of a month index.

    >>> month_label(24321), month_label(24323), month_label(24324)
    ('2026-10', '2026-12', '2027-01')
    """
    return f"{index // 12:04d}-{index % 12 + 1:02d}"


def first_day(index: int) -> date:
    """The first day of a month.

    >>> first_day(month_index("2024-02-29"))
    datetime.date(2024, 2, 1)
    """
    return date(int(index) // 12, int(index) % 12 + 1, 1)


def last_day(index: int) -> date:
    """The last day of a month.

    >>> last_day(month_index("2024-02-01")), last_day(month_index("2026-12-01"))
    (datetime.date(2024, 2, 29), datetime.date(2026, 12, 31))
    """
    # by way of day 31 or later, so that December 9999 needs no year 10000
    return first_day(index) + timedelta(days=int(_month_lengths(np.asarray(index) - 1970 * 12)) - 1)


def is_month_end(value: object) -> bool:
    """Whether a day is the last of its month.

    >>> is_month_end("2024-02-28"), is_month_end("2024-02-29")
    (False, True)
    """
    the_day = day(value)
    return the_day == last_day(month_index(the_day))


def last_complete_month(value: object) -> int:
    """The index of the last month that is over by the end of a day.

    >>> month_label(last_complete_month("2026-10-30")), month_label(last_complete_month("2026-10-31"))
    ('2026-09', '2026-10')
    """
    return month_index(value) - (not is_month_end(value))


def year_before(value: object) -> date:
    """The same day a year before; of a month's last day the last of that month.

    >>> year_before("2026-10-30"), year_before("2025-02-28")
    (datetime.date(2025, 10, 30), datetime.date(2024, 2, 29))
    """
    the_day = day(value)
    return last_day(month_index(the_day) - 12) if is_month_end(the_day) else anniversary(the_day, -12)


@overload
def months_between(start: str | date, stop: str | date) -> float: ...
@overload
def months_between(start: ArrayLike, stop: ArrayLike) -> np.ndarray: ...
def months_between(start, stop):
    """Tenure in calendar months: whole at every monthly anniversary, days in between as a share of that month.

    The k-th anniversary is the corresponding day k months later, else (no such day) the first of the next month.

    Parameters
    ----------
    start, stop
        Days, or arrays or Series of datetime64 of one length. Half-open: ``stop`` is the first day without.

    Returns
    -------
    float or np.ndarray
        Months; negative when stop lies before start, ``nan`` where a day is missing.

    Raises
    ------
    InputError
        If a single value is no day.

    Examples
    --------
    The renewal boundary of a year's contract, half of a month of 30 days, and 29 February to 1 March a year later:

    >>> months_between("2024-04-01", "2025-04-01"), months_between("2024-04-01", "2024-04-16")
    (12.0, 0.5)
    >>> months_between("2024-02-29", "2025-02-28") < 12, months_between("2024-02-29", "2025-03-01")
    (True, 12.0)
    """
    single = all(isinstance(value, (str, date)) and value is not pd.NaT for value in (start, stop))
    first, last = _days(start), _days(stop)
    elapsed = last.astype("datetime64[M]").astype(np.int64) - first.astype("datetime64[M]").astype(np.int64)
    missing = np.isnat(first) | np.isnat(last)
    elapsed = np.where(missing, 0, elapsed)
    whole = elapsed - (_anniversary(first, elapsed) > last)
    reached, following = _anniversary(first, whole), _anniversary(first, whole + 1)
    part = (last - reached).astype(np.int64) / np.maximum((following - reached).astype(np.int64), 1)
    result = np.where(missing, np.nan, whole + part)
    return float(result) if single else result


@overload
def anniversary(start: str | date, months: int) -> date: ...
@overload
def anniversary(start: ArrayLike, months: ArrayLike) -> np.ndarray: ...
def anniversary(start, months):
    """The corresponding day some months later, else the first of the next month.

    Parameters
    ----------
    start
        A day, or an array or Series of datetime64.
    months
        Whole months, one number or one per day.

    Returns
    -------
    datetime.date or np.ndarray
        A day, or datetime64[D], NaT where the start is missing.

    Examples
    --------
    >>> anniversary("2024-02-29", 12), anniversary("2024-01-31", 2)
    (datetime.date(2025, 3, 1), datetime.date(2024, 3, 31))
    """
    found = _anniversary(_days(start), np.asarray(months, dtype=np.int64))
    return found.item() if isinstance(start, (str, date)) and found.ndim == 0 else found


def days_after(start: ArrayLike, months: ArrayLike) -> np.ndarray:
    """The days on which tenures in calendar months are reached: undoes :func:`months_between`.

    >>> days_after(pd.to_datetime(["2024-04-01", "2024-02-29"]), [0.5, 12])
    array(['2024-04-16', '2025-03-01'], dtype='datetime64[D]')
    """
    first, wanted = _days(start), np.asarray(months, dtype=float)
    known = ~np.isnat(first) & np.isfinite(wanted)
    wanted = np.where(known, wanted, 0.0)
    whole = np.floor(wanted + 1e-9).astype(np.int64)  # a sum of parts may fall short of a whole month by a rounding
    reached, following = _anniversary(first, whole), _anniversary(first, whole + 1)
    part = np.rint((wanted - whole) * (following - reached).astype(np.int64)).astype(np.int64)
    return np.where(known, reached + part, np.datetime64("NaT", "D"))


def fiscal_start(index, period: str = "year", fiscal_year_start: int = 1):
    """The first month of the fiscal period a month lies in.

    Parameters
    ----------
    index
        Month index, one number or an integer array or Series.
    period
        "month", "quarter", "half" or "year".
    fiscal_year_start
        First month of the fiscal year, 1 to 12.

    Returns
    -------
    int, array or Series
        Month index of the period's first month.

    Raises
    ------
    InputError
        If the period or the month is not known.

    Examples
    --------
    With years from April, February 2026 lies in the year, half and quarter that began in April, October and January:

    >>> [month_label(fiscal_start(month_index("2026-02-01"), p, 4)) for p in ("year", "half", "quarter")]
    ['2025-04', '2025-10', '2026-01']
    """
    length = _period_length(period)
    offset = _check_fiscal_start(fiscal_year_start) - 1
    return index - (index - offset) % length


def fiscal_label(index: int, period: str = "year", fiscal_year_start: int = 1) -> str:
    """The key of the fiscal period a month lies in; a fiscal year bears the year in which it begins.

    Parameters
    ----------
    index
        Month index.
    period
        "month", "quarter", "half" or "year".
    fiscal_year_start
        First month of the fiscal year, 1 to 12.

    Returns
    -------
    str
        "2026-02", "FY2025-Q4", "FY2025-H2" or "FY2025": sorts by time.

    Raises
    ------
    InputError
        If the period or the month is not known.

    Examples
    --------
    >>> [fiscal_label(month_index("2026-02-01"), p, 4) for p in ("month", "quarter", "half", "year")]
    ['2026-02', 'FY2025-Q4', 'FY2025-H2', 'FY2025']
    """
    length = _period_length(period)
    year = fiscal_start(index, "year", fiscal_year_start)
    if period == "month":
        return month_label(index)
    label = f"FY{year // 12:04d}"
    if period == "year":
        return label
    return f"{label}-{'Q' if period == 'quarter' else 'H'}{(index - year) // length + 1}"


def month_expr(column: nw.Expr, *, missing: int | None = None) -> nw.Expr:
    """An expression for the month index of a Date or Datetime column (Int64).

    Parameters
    ----------
    column
        A Date or Datetime column, such as ``nw.col("start")``.
    missing
        What stands for a missing day. Without it a missing day stays missing, which pandas cannot hold in whole
        numbers: there, filter first or give one.

    Returns
    -------
    nw.Expr
        year × 12 + month − 1.

    Examples
    --------
    >>> frame = nw.from_native(pd.DataFrame({"start": pd.to_datetime(["2026-10-31", "2026-11-01"])}))
    >>> frame.select(month_expr(nw.col("start"))).to_native()["start"].tolist()
    [24321, 24322]
    """
    # widened first: Polars gives months as Int8 and years as Int32
    return _whole(_part(column.dt.year()) * 12 + _part(column.dt.month()) - 1, missing)


def day_key_expr(column: nw.Expr, *, missing: int | None = None) -> nw.Expr:
    """An expression for the day of a Date or Datetime column as the whole number yyyymmdd (Int64).

    Such keys sort and compare alike on every engine, where dates and times do not mix. Parameters as in
    :func:`month_expr`.

    >>> frame = nw.from_native(pd.DataFrame({"stop": pd.to_datetime(["2026-10-31", None])}))
    >>> frame.select(day_key_expr(nw.col("stop"), missing=NEVER)).to_native()["stop"].tolist()
    [20261031, 99991231]
    """
    year, month = _part(column.dt.year()), _part(column.dt.month())
    return _whole(year * 10_000 + month * 100 + _part(column.dt.day()), missing)


def day_key(value: object) -> int:
    """A day as the whole number yyyymmdd, to compare with :func:`day_key_expr`.

    >>> day_key("2026-10-31")
    20261031
    """
    the_day = day(value)
    return the_day.year * 10_000 + the_day.month * 100 + the_day.day


def days_of(keys: pd.Series) -> pd.Series:
    """The days of numbers yyyymmdd; missing where the number is, or stands for a day that has not come.

    >>> days_of(pd.Series([20261031, NEVER])).dt.date.tolist()
    [datetime.date(2026, 10, 31), NaT]
    """
    texts = keys.where(keys < NEVER).astype("Int64").astype("string")
    return pd.to_datetime(texts, format="%Y%m%d").astype("datetime64[ns]")


def _part(number: nw.Expr) -> nw.Expr:
    # through Float64, which holds a missing value on every engine and these numbers exactly
    return number.cast(nw.Float64)


def _whole(number: nw.Expr, missing: int | None) -> nw.Expr:
    return (number if missing is None else number.fill_null(missing)).cast(nw.Int64)


def _days(values: object) -> np.ndarray:
    if isinstance(values, (str, date)) and values is not pd.NaT:
        return np.asarray(day(values), dtype="datetime64[D]")
    return np.asarray(pd.to_datetime(np.asarray(values))).astype("datetime64[D]")  # type: ignore[arg-type]


def _month_lengths(months: np.ndarray) -> np.ndarray:
    """Days in each month, months counted from January 1970."""
    first = months.astype("datetime64[M]").astype("datetime64[D]")
    return ((months + 1).astype("datetime64[M]").astype("datetime64[D]") - first).astype(np.int64)


def _anniversary(start: np.ndarray, months: np.ndarray) -> np.ndarray:
    missing = np.isnat(start)
    known = np.where(missing, np.datetime64("1970-01-01", "D"), start)
    month = known.astype("datetime64[M]")
    offset = (known - month.astype("datetime64[D]")).astype(np.int64)
    target = month.astype(np.int64) + months
    first = target.astype("datetime64[M]").astype("datetime64[D]")
    # past the end of a shorter month it is the first of the next
    return np.where(missing, np.datetime64("NaT", "D"), first + np.minimum(offset, _month_lengths(target)))


def _period_length(period: str) -> int:
    if period not in PERIODS:
        raise InputError(
            N_("The period {period!r} is not known; choose one of {known}."),
            period=period,
            known=", ".join(PERIODS),
        )
    return PERIODS[period]


def _check_fiscal_start(month: int) -> int:
    if month not in range(1, 13):
        raise InputError(
            N_("fiscal_year_start is {month}; it is the number of a month, 1 to 12 (4 = April)."), month=month
        )
    return month
