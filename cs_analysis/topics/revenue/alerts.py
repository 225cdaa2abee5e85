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
from cs_analysis.topics.revenue.changes import begins_known, changes, collect, lines, pairs


def ending(contracts: Any, *, as_of: Any) -> pd.DataFrame:
    """What ends on ``as_of`` itself, and what has been given notice of.

    Parameters
    ----------
    contracts
        Contract lines: account_id, start, stop (half-open), mrr, and if there is one notice_date.
    as_of
        Last day whose facts count.

    Returns
    -------
    One row per account × notice (True: notice was given by ``as_of``; False: the line ends on ``as_of``, without
    notice): account_id, notice, leaves (first day without; missing when the notice names no end), mrr (currency, of
    those lines), whole (True when the account keeps no other line).

    Examples
    --------
    >>> lines = pd.DataFrame({"account_id": ["A", "A", "B"], "mrr": [100.0, 20.0, 50.0],
    ...     "start": pd.to_datetime(["2025-11-01"] * 3), "stop": pd.to_datetime(["2026-11-01", None, None])})
    >>> ending(lines, as_of="2026-10-31")[["account_id", "notice", "mrr", "whole"]]
      account_id  notice    mrr  whole
    0          A   False  100.0  False
    """
    today = periods.day(as_of)
    key, tomorrow = periods.day_key(today), periods.day_key(today + timedelta(days=1))
    frame = lines(contracts)
    known = "notice_date" in frame.collect_schema().names()
    noticed = periods.day_key_expr(nw.col("notice_date"), missing=periods.NEVER) if known else nw.lit(periods.NEVER)
    active = collect(
        frame.filter(~nw.col("start").is_null())
        .select(
            "account_id",
            begin=periods.day_key_expr(nw.col("start")),
            end=periods.day_key_expr(nw.col("stop"), missing=periods.NEVER),
            noticed=noticed,
            ticks=money.to_ticks(nw.col("mrr")),
        )
        .filter((nw.col("begin") <= key) & (nw.col("end") > key) & (nw.col("ticks") > 0)),
        ["account_id", "end"],
    )
    active["notice"] = active["noticed"] <= key
    leaving = active[active["notice"] | (active["end"] == tomorrow)]
    n_active = active.groupby("account_id").size()
    n_leaving = leaving.groupby("account_id").size()
    table = leaving.groupby(["account_id", "notice"], as_index=False).agg(end=("end", "max"), ticks=("ticks", "sum"))
    table["leaves"] = periods.days_of(table["end"])
    table["mrr"] = money.from_ticks(table["ticks"].to_numpy(dtype="int64"))
    whole = (n_leaving == n_active.reindex(n_leaving.index)).to_dict()
    table["whole"] = np.array([whole[a] for a in table["account_id"]], dtype=bool)
    return table[["account_id", "notice", "leaves", "mrr", "whole"]]


def nrr_if_none_renews(contracts: Any, *, as_of: Any, span: int = 12, observed_from: Any | None = None) -> float:
    """NRR over the span to ``as_of`` if no contract line that ends on ``as_of`` is renewed (fraction, or missing)."""
    last = periods.last_complete_month(as_of)
    if not begins_known(last - span, observed_from):
        return float("nan")
    book = pairs(changes(contracts, as_of=as_of), last - span, last).set_index("account_id")
    lines_ending = ending(contracts, as_of=as_of)
    tomorrow = pd.Timestamp(periods.day(as_of) + timedelta(days=1))
    lapsing = lines_ending[lines_ending["leaves"] == tomorrow].groupby("account_id")["mrr"].sum()
    lost = money.ticks(lapsing.reindex(book.index).fillna(0.0).to_numpy())
    kept = np.maximum(book["closing"].to_numpy() - lost, 0).sum()
    opening = book["opening"].sum()
    return float(kept / opening) if opening > 0 else float("nan")
