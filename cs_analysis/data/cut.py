"""What was known at the as-of date: the one place where rows are dropped and cells emptied because they lie after it.

The rules themselves are data, in the schema. Cutting twice, or at a later day first, changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import pandas as pd

from cs_analysis.data.clean import Clean, nones

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


def latest_fact(clean: Clean, *, without: tuple[str, ...] = ()) -> pd.Timestamp | None:
    """The last day of which the table holds a fact, or None for a table without dates."""
    columns = [c for c in (clean.table.cut, clean.table.cut_else, *clean.table.blanks) if c]
    days = [fact_days(clean, c).max() for c in columns if c not in (*_PLANS, *without)]
    known = [d for d in days if pd.notna(d)]
    return max(known) if known else None


def latest_facts(tables: Mapping[str, Clean]) -> dict[str, pd.Timestamp]:
    """Table → the last day of which it holds a fact.

    In the flat form a `churn_date` can be an announced one. It counts as a fact only up to the end of the month that
    the other facts reach, unless it is all the file has besides the starts.
    """
    found = {}
    for name, clean in tables.items():
        if (latest := latest_fact(clean, without=("churn_date",))) is not None:
            found[name] = latest
    accounts = tables.get("accounts")
    if accounts is not None and "churn_date" in accounts.frame:
        churned = accounts.frame["churn_date"].dropna()
        if set(found) - {"accounts"}:
            churned = churned[churned <= last_day_of_month(max(found.values()))]
        if len(churned):
            found["accounts"] = max(churned.max(), found.get("accounts", churned.max()))
    return found
