"""From contract lines to the few points at which an account's MRR changes.

A line adds its MRR in the month of its start and takes it away in the month of its stop; everything the
revenue topic says is cumulated from those two rows a line, never from an account × month grid:

    contracts                       changes                        levels
    account  start    stop    mrr   account  month     delta       account  month     before  level
    A        1 Apr 25 1 Apr 26 100  A        2025-04   +100        A        2025-04        0    100
    A        1 Apr 26 –        120  A        2026-04    +20        A        2026-04      100    120

A month's MRR is that of its last day, so a stop on 1 April (a contract "until 31 March") takes effect in
April. Amounts are int64 ticks (1/10,000 unit) until they leave the topic: float sums leave phantom customers.

The frames here are narwhals lazy frames: the same code runs on pandas, Polars, DuckDB and Spark.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from cs_analysis.errors import N_, InputError, check_columns
from cs_analysis.stats import money, periods

NEEDED = ("account_id", "start", "stop", "mrr")


def lines(contracts: Any, *, needed: Sequence[str] = NEEDED) -> nw.LazyFrame:
    """The contract lines as a lazy narwhals frame, after a check that the columns are there."""
    frame = nw.from_native(contracts).lazy()
    there = frame.collect_schema().names()
    check_columns(there, needed, N_("The contract lines have no column {missing}; the columns there are: {known}."))
    return frame


def changes(
    contracts: Any, *, as_of: Any, keys: Sequence[str] = (), amounts: Sequence[str] = ("mrr",), by: str | None = None
) -> nw.LazyFrame:
    """Net change of MRR per account (and ``keys``) and month, as known at ``as_of``.

    Parameters
    ----------
    contracts
        Contract lines: account_id, start, stop (half-open, missing = open), mrr; any frame narwhals reads.
    as_of
        Last day whose facts count: later starts and stops have not happened yet.
    keys
        Further columns to keep apart, such as product.
    amounts
        Columns to cumulate; the first becomes ``delta``, the others ``delta_<name>``.
    by
        Column carried along that is constant within an account.

    Returns
    -------
    Lazy frame, one row per account (× keys) × month with a change: account_id, keys, by, month
    (year × 12 + month − 1), delta (ticks).
    """
    frame = lines(contracts, needed=[*NEEDED, *keys, *([by] if by else []), *amounts[1:]])
    today = periods.day_key(as_of)
    frame = frame.filter(periods.day_key_expr(nw.col("start"), missing=periods.NEVER) <= today)
    if by:
        frame = _grouped(frame, by)
    names = ["delta", *(f"delta_{name}" for name in amounts[1:])]
    group = ["account_id", *keys, *([by] if by else [])]

    def side(column: str, sign: int) -> nw.LazyFrame:
        happened = frame.filter(~nw.col(column).is_null()).filter(periods.day_key_expr(nw.col(column)) <= today)
        return happened.select(
            *group,
            month=periods.month_expr(nw.col(column)),
            **{new: money.to_ticks(nw.col(old)) * sign for new, old in zip(names, amounts, strict=True)},
        )

    summed = totals(nw.concat([side("start", 1), side("stop", -1)]), [*group, "month"], names)
    moved = nw.col(names[0]) != 0
    for name in names[1:]:
        moved = moved | (nw.col(name) != 0)
    return summed.filter(moved)


def _grouped(frame: nw.LazyFrame, by: str) -> nw.LazyFrame:
    """The frame with ``by`` as text, "" where it is missing; an error if it differs within an account."""
    filled = frame.with_columns(nw.col(by).cast(nw.String()).fill_null("").alias(by))
    several = filled.select("account_id", by).unique().group_by("account_id").agg(n=nw.len()).filter(nw.col("n") > 1)
    found = collect(several.select("account_id"), ["account_id"])
    if len(found):
        raise InputError(
            N_("The column {by} differs within accounts (first: {account}), so accounts cannot be split by it."),
            by=by,
            account=found["account_id"].iloc[0],
        )
    return filled


def totals(frame: nw.LazyFrame, group: Sequence[str], names: Sequence[str], *, count: str = "") -> nw.LazyFrame:
    """Sums of whole numbers by group, with the number of rows as ``count`` if named.

    DuckDB adds integers up to 128 bits, which pandas cannot hold, so the sums are narrowed again; after the
    aggregation, because only plain sums are fast on pandas.
    """
    summed = frame.group_by(*group).agg(nw.col(*names).sum(), *([nw.len().alias(count)] if count else []))
    return summed.with_columns(nw.col(*names, *([count] if count else [])).cast(nw.Int64()))


def levels(changed: nw.LazyFrame, *, keys: Sequence[str] = ()) -> nw.LazyFrame:
    """Cumulate changes: MRR before and after each, and the month in which MRR was first above 0.

    Returns the rows of ``changed`` with ``before``, ``level`` (ticks) and ``first`` (month; missing when the
    account was never above 0 at a month end).
    """
    group = ["account_id", *keys]
    cumulated = changed.with_columns(level=nw.col("delta").cum_sum().over(*group, order_by="month").cast(nw.Int64()))
    return cumulated.with_columns(before=nw.col("level") - nw.col("delta")).with_columns(
        first=nw.when(nw.col("level") > 0).then(nw.col("month")).min().over(*group)
    )


def collect(frame: nw.LazyFrame, order: Sequence[str]) -> pd.DataFrame:
    """The small result as a sorted pandas frame (engines return rows in any order)."""
    out = frame.collect(backend="pandas").to_native()
    return out.sort_values(list(order), kind="stable", ignore_index=True) if order else out


def pairs(changed: nw.LazyFrame, t0: int, t1: int) -> pd.DataFrame:
    """MRR of every account at two month ends, for accounts with MRR at the first.

    Returns account_id, opening, closing (ticks), one row per account with opening above 0.
    """
    at = changed.filter(nw.col("month") <= t1).with_columns(
        opening=nw.when(nw.col("month") <= t0).then(nw.col("delta")).otherwise(nw.lit(0))
    )
    sums = totals(at, ["account_id"], ["opening", "delta"]).filter(nw.col("opening") > 0)
    closing = nw.when(nw.col("delta") > 0).then(nw.col("delta")).otherwise(nw.lit(0))
    return collect(sums.select("account_id", "opening", closing=closing), ["account_id"])


def month_labels(months: Iterable[int]) -> np.ndarray:
    """Month indices as labels "YYYY-MM"; text even where there are none, so that they compare with text."""
    return np.array([periods.month_label(int(m)) for m in months], dtype=object)


def first_known_month(observed_from: Any | None) -> int | None:
    """Index of the first month whose end is known in full when departures are recorded from ``observed_from``.

    Its closing is known, its own movements are not: they would need the month end before.
    """
    if observed_from is None:
        return None
    start = periods.day(observed_from)
    return periods.month_index(start)


def begins_known(month: int, observed_from: Any | None) -> bool:
    """Whether the end of a month is known in full, so that a span may begin there."""
    known = first_known_month(observed_from)
    return known is None or month >= known


def dated(contracts: pd.DataFrame, churn_month: str, *, as_of: Any) -> pd.DataFrame:
    """The lines as they count for the month of a churn.

    ``first_without`` (default) leaves them as they are: a contract until 31 March is lost in April. ``last_with`` moves
    a stop on the first of a month at which the account falls to 0 to the day before, so that the loss falls in the last
    month with service. A stop after ``as_of`` stays: whether it is a loss cannot be seen yet.
    """
    if churn_month == "first_without":
        return contracts
    if churn_month != "last_with":
        raise InputError(N_("churn_month is {value!r}; allowed are first_without and last_with."), value=churn_month)
    out = contracts.reset_index(drop=True)
    ticks = money.ticks(out["mrr"].to_numpy())
    sides = [
        pd.DataFrame({"account_id": out["account_id"], "on": out[column], "delta": sign * ticks}).dropna(subset=["on"])
        for column, sign in (("start", 1), ("stop", -1))
    ]
    by_day = pd.concat(sides).groupby(["account_id", "on"])["delta"].sum()
    level = by_day.groupby("account_id").cumsum()
    left = level[level <= 0].index
    happened = out["stop"] <= pd.Timestamp(periods.day(as_of))
    at_stop = pd.MultiIndex.from_frame(out[["account_id", "stop"]])
    moved = happened & (out["stop"].dt.day == 1) & at_stop.isin(left)
    out["stop"] = out["stop"].mask(moved, out["stop"] - pd.Timedelta(days=1))
    return out
