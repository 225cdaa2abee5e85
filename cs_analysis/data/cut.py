"""What was known at the as-of date: the one place where rows are dropped and cells emptied because they lie after it.

The rules themselves are data, in the schema. Cutting twice, or at a later day first, changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from cs_analysis.data.clean import Clean, nones
from cs_analysis.data.lines import TERM_SHARE

# an end date is a plan, not a fact: it does not show how far the data reaches
_PLANS = ("end_date",)


def last_day_of_month(day: date | pd.Timestamp) -> pd.Timestamp:
    """The last day of the month of a day.

    >>> last_day_of_month(date(2024, 2, 3)).date()
    datetime.date(2024, 2, 29)
    """
    month = pd.Timestamp(day).to_period("M")  # type: ignore[union-attr]
    return month.to_timestamp(how="end").normalize()


def last_month_end(day: date | pd.Timestamp) -> pd.Timestamp:
    """The last month end that is not after a day.

    >>> last_month_end(date(2024, 2, 29)).date(), last_month_end(date(2024, 2, 28)).date()
    (datetime.date(2024, 2, 29), datetime.date(2024, 1, 31))
    """
    after = date(day.year, day.month, day.day) + timedelta(days=1)
    return pd.Timestamp(after.replace(day=1) - timedelta(days=1))


def fact_days(clean: Clean, column: str) -> pd.Series:
    """The days on which the facts of a column become known: a month counts on its last day."""
    if column not in clean.frame:
        return pd.Series(pd.NaT, index=clean.frame.index, dtype="datetime64[ns]")
    days = clean.frame[column]
    known = clean.table.column(column)
    return days + pd.offsets.MonthEnd(0) if known is not None and known.type == "month" else days


def row_days(clean: Clean) -> pd.Series:
    """The day on which each row became known (NaT = the row carries no such date)."""
    if clean.table.cut is None:
        return pd.Series(pd.NaT, index=clean.frame.index, dtype="datetime64[ns]")
    days = fact_days(clean, clean.table.cut)
    return days.fillna(fact_days(clean, clean.table.cut_else)) if clean.table.cut_else else days


def cut(clean: Clean, as_of: date) -> Clean:
    """The table as it was known at the end of `as_of`: later rows dropped, later facts emptied."""
    day = pd.Timestamp(as_of)
    kept = clean.keep(~(row_days(clean) > day))
    frame, table = kept.frame, clean.table
    undated = frame[[c for c in table.blanks if c in frame]].isna().all(axis=1)
    for column, emptied in (*table.blanks.items(), *table.blanks_else.items()):
        later = fact_days(kept, column) > day
        if column in table.blanks_else:
            later &= undated
        if later.any():
            there = [c for c in emptied if c in frame]
            frame = frame.assign(**{c: nones(frame[c].mask(later)) for c in there})
    return replace(kept, frame=frame)


def fact_columns(clean: Clean) -> list[str]:
    """The dates of a table that show how far the data reach; an announced churn date does not."""
    columns = [c for c in (clean.table.cut, clean.table.cut_else, *clean.table.blanks) if c]
    return [c for c in columns if c not in (*_PLANS, "churn_date")]


# facts so far from all others that a digit is rather wrong: beyond so many empty months, at most this share of all
_STRAY = ((12, 0.01), (60, 0.1))
_FEW = 10  # of fewer facts none is called a stray


def bounds(tables: Mapping[str, Clean]) -> tuple[pd.Timestamp | None, pd.Timestamp | None]:
    """The first and the last month that belong together: what lies far beyond the other dates is left out.

    A single start in 2062 among hundreds that end in 2026 would otherwise decide how far the data reach. Ends of
    contracts count as a sign that the months up to them are not empty.
    """
    facts = [fact_days(clean, c) for clean in tables.values() for c in fact_columns(clean)]
    plans = [fact_days(clean, c) for clean in tables.values() for c in _PLANS]
    if not facts or (dated := pd.concat(facts).dropna()).empty:
        return None, None
    counts = _by_month(dated)
    months = counts.add(_by_month(pd.concat(plans).dropna()) * 0, fill_value=0)
    last = _inner(months.iloc[::-1])
    first = _inner(months, ((120, 0.1),))
    return pd.Period(ordinal=first, freq="M").to_timestamp(), last_day_of_month(
        pd.Period(ordinal=last, freq="M").to_timestamp()
    )


def _by_month(days: pd.Series) -> pd.Series:
    """Facts per month, by the number of the month."""
    return (days.dt.year * 12 + days.dt.month - 1 - 1970 * 12).value_counts().sort_index()


def _inner(counts: pd.Series, rules: tuple[tuple[int, float], ...] = _STRAY) -> int:
    """The first month that is no stray, the facts per month being given from one end of time inwards."""
    months, passed, total = counts.index.to_numpy(), counts.to_numpy().cumsum(), counts.sum()
    begin = 0
    if total >= _FEW:
        empty = np.abs(np.diff(months)) - 1
        strays = [at for gap, share in rules for at in np.flatnonzero((empty >= gap) & (passed[:-1] <= share * total))]
        begin = max(strays, default=-1) + 1
    return int(months[begin:][counts.to_numpy()[begin:] > 0][0])


def latest_fact(clean: Clean, until: pd.Timestamp | None = None) -> pd.Timestamp | None:
    """The last day of which the table holds a fact, strays left out; None for a table without dates."""
    days = [fact_days(clean, c) for c in fact_columns(clean)]
    latest = [d[d <= until].max() if until is not None else d.max() for d in days]
    known = [d for d in latest if pd.notna(d)]
    return max(known) if known else None


def latest_facts(tables: Mapping[str, Clean]) -> dict[str, pd.Timestamp]:
    """Table → the last day of which it holds a fact.

    In the flat form a `churn_date`, and where contracts go on until somebody gives notice an end without a notice, can
    be an announced one. It counts as a fact only up to the end of the month that the other facts reach, unless it is
    all the data have besides the starts; then up to the first silence of a year.
    """
    until = bounds(tables)[1]
    found = {}
    for name, clean in tables.items():
        if (latest := latest_fact(clean, until)) is not None:
            found[name] = latest
    for name, ends in (("accounts", _churn_dates(tables)), ("contracts", _ends_without_notice(tables))):
        if set(found) - {"accounts", name}:
            ends = ends[ends <= last_day_of_month(max(found.values()))]
        if len(ends):
            found[name] = _reached(found.get(name, ends.min()), ends)
    return found


def _reached(day: pd.Timestamp, ends: pd.Series) -> pd.Timestamp:
    """The last end that is reached from a day without a silence of more than a year."""
    for end in ends[ends > day].sort_values().unique():
        if end > day + pd.Timedelta(days=366):
            break
        day = end
    return day


def _churn_dates(tables: Mapping[str, Clean]) -> pd.Series:
    accounts = tables.get("accounts")
    return accounts.frame["churn_date"].dropna() if accounts is not None and "churn_date" in accounts.frame else _NONE


def _ends_without_notice(tables: Mapping[str, Clean]) -> pd.Series:
    """Ends of contracts that have no term: nobody announced them, so they are known because they happened."""
    contracts = tables.get("contracts")
    if contracts is None or "end_date" not in contracts.frame:
        return _NONE
    ends = contracts.frame["end_date"]
    if ends.notna().mean() >= TERM_SHARE:
        return _NONE
    if "notice_date" in contracts.frame:
        ends = ends[contracts.frame["notice_date"].isna()]
    return ends.dropna()


_NONE = pd.Series([], dtype="datetime64[ns]")
