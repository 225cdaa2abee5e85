"""What is about to end: contracts that stop right after ``as_of`` with no successor, and notices already given.

A line that ends on ``as_of`` is active on that day: its renewal, dated the day after, cannot be seen yet. It counts
neither as lost nor as renewed; it is named.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from cs_analysis.stats import money, periods
from cs_analysis.topics.revenue.changes import changes, collect, last_complete_month, lines, pairs


def ending(contracts: Any, *, as_of: Any) -> pd.DataFrame:
    """Accounts whose last line ends on ``as_of`` or that have given notice.

    Parameters
    ----------
    contracts
        Contract lines: account_id, start, stop (half-open), mrr, and if there is one notice_date.
    as_of
        Last day whose facts count.

    Returns
    -------
    One row per account with MRR at ``as_of`` whose lines all have a known end and that either ends on ``as_of`` or has
    given notice: account_id, leaves (first day without), mrr (currency), notice (True when notice was given).

    Examples
    --------
    >>> lines = pd.DataFrame({"account_id": ["A", "B"], "mrr": [100.0, 50.0],
    ...     "start": pd.to_datetime(["2025-11-01", "2025-11-01"]), "stop": pd.to_datetime(["2026-11-01", None])})
    >>> ending(lines, as_of="2026-10-31")[["account_id", "mrr", "notice"]]
      account_id    mrr  notice
    0          A  100.0   False
    """
    today = periods.day(as_of)
    frame = lines(contracts)
    start = periods.day_key_expr(nw.col("start"))
    stop = periods.day_key_expr(nw.col("stop"), missing=99991231)
    there = frame.collect_schema().names()
    noticed = (
        periods.day_key_expr(nw.col("notice_date"), missing=99991231) if "notice_date" in there else nw.lit(99991231)
    )
    key = periods.day_key(today)
    active = frame.select("account_id", "stop", "mrr", begin=start, end=stop, noticed=noticed)
    active = active.filter((nw.col("begin") <= key) & (nw.col("end") > key))
    table = collect(
        active.group_by("account_id").agg(nw.col("end").max(), nw.col("noticed").min(), nw.col("mrr").sum()),
        ["account_id"],
    )
    table["notice"] = table["noticed"] <= key
    tomorrow = periods.day_key(today + timedelta(days=1))
    table = table[(table["end"] < 99991231) & (table["notice"] | (table["end"] == tomorrow))]
    table["leaves"] = pd.to_datetime(table["end"].astype("int64").astype(str), format="%Y%m%d")
    return table[["account_id", "leaves", "mrr", "notice"]].reset_index(drop=True)


def nrr_if_none_renews(contracts: Any, *, as_of: Any, span: int = 12) -> float:
    """NRR over the span to ``as_of`` if no contract that ends on ``as_of`` is renewed (fraction)."""
    last = last_complete_month(as_of)
    book = pairs(changes(contracts, as_of=as_of), last - span, last)
    gone = ending(contracts, as_of=as_of)
    gone = gone[gone["leaves"] == pd.Timestamp(periods.day(as_of) + timedelta(days=1))]
    kept = book["closing"].where(~book["account_id"].isin(gone["account_id"]), 0).sum()
    opening = money.from_ticks(book["opening"].sum())
    return float(money.from_ticks(kept) / opening) if opening > 0 else float(np.nan)
