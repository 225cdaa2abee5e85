"""What an account costs to serve, beside what it brings; where hours concentrate; who costs more than they bring."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from cs_analysis.stats import money, periods
from cs_analysis.topics.effort.hours import texts, window

COST = (
    "account_id", "hours", "cost", "paid_cost", "mrr", "revenue", "margin", "paid_margin", "months",
)  # fmt: skip
QUADRANTS = ("much_time_little_revenue", "much_time_much_revenue", "little_time_much_revenue",
             "little_time_little_revenue")  # fmt: skip
LEAST = 4  # accounts below which halves say nothing


def priced(
    hours: pd.DataFrame,
    *,
    csms: pd.DataFrame | None = None,
    hourly_cost: float | None = None,
    coverage: pd.Series | None = None,
) -> pd.DataFrame:
    """Hours with what they cost: at the hours logged, and at the hours paid.

    A CSM's rate is the one of ``csms``, else ``hourly_cost``, else the median of the rates that are known. Paid hours
    are logged hours ÷ the CSM's logging coverage (never less than logged): time that nobody wrote down is taken to have
    gone where the written time went.

    Parameters
    ----------
    hours
        As :func:`hours` returns them.
    csms
        csm, hourly_cost (currency per hour), where known.
    hourly_cost
        The client's loaded hourly rate.
    coverage
        csm → share of the available hours that is logged, of :func:`covered`.

    Returns
    -------
    ``hours`` with rate, cost, paid_cost (currency; missing where no rate, or no coverage, is known).

    Examples
    --------
    >>> log = pd.DataFrame({"csm": ["Sato", "Abe"], "hours": [2.0, 1.0]})
    >>> team = pd.DataFrame({"csm": ["Sato"], "hourly_cost": [6000.0]})
    >>> priced(log, csms=team, hourly_cost=5000.0, coverage=pd.Series({"Sato": 0.5, "Abe": 1.2}))[
    ...     ["rate", "cost", "paid_cost"]].values.tolist()
    [[6000.0, 12000.0, 24000.0], [5000.0, 5000.0, 5000.0]]
    """
    rates = pd.Series(dtype=float)
    if csms is not None and "hourly_cost" in csms:
        rates = csms.assign(csm=texts(csms["csm"])).drop_duplicates("csm").set_index("csm")["hourly_cost"].astype(float)
    default = hourly_cost if hourly_cost is not None else rates.median()
    rate = hours["csm"].map(rates).astype(float).fillna(default)
    cost = hours["hours"] * rate
    share = hours["csm"].map(coverage if coverage is not None else pd.Series(dtype=float)).astype(float)
    return hours.assign(rate=rate, cost=cost, paid_cost=cost / share.clip(upper=1.0).where(share > 0))


def cost_to_serve(
    priced: pd.DataFrame, contracts: Any, *, as_of: Any, gross_margin: float = 0.8, months: int = 12
) -> pd.DataFrame:
    """Cost to serve and margin after CS per account, over the last complete months of the log.

    Margin after CS = revenue × gross margin − cost to serve, revenue being the sum of the month-end MRR of those
    months. Internal time is a row of its own (account_id ""), so that all hours of the months are in the table.

    Parameters
    ----------
    priced
        As :func:`priced` returns them.
    contracts
        Contract lines: account_id, start, stop, mrr. Any frame narwhals reads.
    as_of
        Last day whose facts count.
    gross_margin
        Share of revenue left after the cost of goods sold (fraction).
    months
        How many months at most.

    Returns
    -------
    One row per account with hours or revenue, by margin, lowest first; internal time last: account_id, hours, cost,
    paid_cost, mrr (at the last month end), revenue, margin, paid_margin (currency, over the months), months (with
    revenue).

    Examples
    --------
    Two months at 100 of MRR, of which 80 % is left, and 5 hours at 10:

    >>> log = pd.DataFrame({"account_id": "A", "month": ["2026-09", "2026-10"], "hours": [2.0, 3.0],
    ...     "cost": [20.0, 30.0], "paid_cost": [40.0, 60.0]})
    >>> line = pd.DataFrame({"account_id": ["A"], "start": pd.to_datetime(["2026-01-01"]),
    ...     "stop": pd.to_datetime([None]), "mrr": [100.0]})
    >>> cost_to_serve(log, line, as_of="2026-10-31")[["hours", "cost", "revenue", "margin", "paid_margin"]].values
    array([[  5.,  50., 200., 110.,  60.]])
    """
    span = window(priced, as_of, months)
    if not span:
        return pd.DataFrame({c: pd.Series(dtype=object if c == "account_id" else float) for c in COST})
    logged = priced[priced["month"].isin(span)]
    grouped = logged.groupby("account_id")[["hours", "cost", "paid_cost"]]
    spent = grouped.sum().where(grouped.count().eq(grouped.size(), axis=0))  # a sum with a gap is not known
    table = spent.join(_revenue(contracts, span), how="outer").rename_axis("account_id")
    for column in ("hours", "mrr", "revenue", "months"):
        table[column] = table[column].fillna(0.0)
    idle = table["hours"] == 0
    rated, paid = bool(logged["cost"].notna().any()), bool(logged["paid_cost"].notna().any())
    table["cost"] = table["cost"].mask(idle, 0.0 if rated or logged.empty else np.nan)
    table["paid_cost"] = table["paid_cost"].mask(idle, 0.0 if paid or logged.empty else np.nan)
    kept = table["revenue"] * gross_margin
    table["margin"], table["paid_margin"] = kept - table["cost"], kept - table["paid_cost"]
    table = table.reset_index()
    table["months"] = table["months"].astype("int64")
    table["internal"] = table["account_id"] == ""
    table = table.sort_values(["internal", "margin", "account_id"], kind="stable", ignore_index=True)
    return table[list(COST)]


def concentration(cost: pd.DataFrame) -> pd.DataFrame:
    """How few accounts take how much of the time: accounts by hours, with the shares they add up to.

    Parameters
    ----------
    cost
        What :func:`cost_to_serve` found.

    Returns
    -------
    One row per account, most hours first: rank, account_id, hours, revenue, share_accounts, share_hours, share_revenue
    (fractions, cumulated; missing where the total is 0).

    Examples
    --------
    >>> cost = pd.DataFrame({"account_id": ["A", "B"], "hours": [1.0, 3.0], "revenue": [90.0, 10.0]})
    >>> concentration(cost)[["account_id", "share_hours", "share_revenue"]].values.tolist()
    [['B', 0.75, 0.1], ['A', 1.0, 1.0]]
    """
    rows = cost[cost["account_id"] != ""].sort_values(["hours", "account_id"], ascending=[False, True])
    rows = rows[["account_id", "hours", "revenue"]].reset_index(drop=True)
    rows.insert(0, "rank", np.arange(1, len(rows) + 1))
    rows["share_accounts"] = rows["rank"] / max(len(rows), 1)
    for column in ("hours", "revenue"):
        total = rows[column].sum()
        rows[f"share_{column}"] = rows[column].cumsum() / total if total > 0 else np.nan
    return rows


def quadrants(cost: pd.DataFrame) -> pd.DataFrame:
    """Hours × MRR: every account above or below the median of each, per month with revenue.

    Parameters
    ----------
    cost
        What :func:`cost_to_serve` found.

    Returns
    -------
    One row per account with revenue: account_id, hours (a month), mrr (mean month-end MRR), hours_median, mrr_median,
    quadrant (one of ``QUADRANTS``), most hours for their revenue first; no rows with fewer than four accounts.

    Examples
    --------
    >>> cost = pd.DataFrame({"account_id": list("ABCD"), "hours": [10.0, 8, 1, 2], "revenue": [10.0, 90, 90, 10],
    ...     "months": 1})
    >>> quadrants(cost)[["account_id", "quadrant"]].values.tolist()[:2]
    [['A', 'much_time_little_revenue'], ['D', 'little_time_little_revenue']]
    """
    rows = cost[(cost["account_id"] != "") & (cost["revenue"] > 0)]
    columns = ["account_id", "hours", "mrr", "hours_median", "mrr_median", "quadrant"]
    if len(rows) < LEAST:
        return pd.DataFrame({c: pd.Series(dtype=object if c in ("account_id", "quadrant") else float) for c in columns})
    table = pd.DataFrame(
        {
            "account_id": rows["account_id"],
            "hours": rows["hours"] / rows["months"],
            "mrr": rows["revenue"] / rows["months"],
        }
    )
    table["hours_median"], table["mrr_median"] = table["hours"].median(), table["mrr"].median()
    much_time, much_money = table["hours"] > table["hours_median"], table["mrr"] > table["mrr_median"]
    table["quadrant"] = np.select([much_time & ~much_money, much_time & much_money, much_money], QUADRANTS[:3],
                                  QUADRANTS[3])  # fmt: skip
    order = (table["hours"] / table["mrr"]).rename("order")
    table = table.join(order).sort_values(["order", "account_id"], ascending=[False, True], ignore_index=True)
    return table[columns]


def losing(cost: pd.DataFrame) -> pd.DataFrame:
    """The accounts that cost more than they bring, the dearest first; those without any revenue are among them.

    >>> cost = pd.DataFrame({"account_id": ["", "A", "B"], "margin": [-50.0, -5.0, 3.0]})
    >>> losing(cost)["account_id"].tolist()
    ['A']
    """
    rows = cost[(cost["account_id"] != "") & (cost["margin"] < 0)]
    return rows.sort_values(["margin", "account_id"], ignore_index=True)


def _revenue(contracts: Any, span: list[str]) -> pd.DataFrame:
    """Per account: revenue (sum of the month-end MRR in the months), mrr (at the last), months (with revenue)."""
    first, last = (periods.month_index(m + "-01") for m in (span[0], span[-1]))
    frame = nw.from_native(contracts).lazy().filter(~nw.col("start").is_null())
    # a line counts at the ends of the months from that of its start to the one before that of its stop
    lines = (
        frame.select(
            "account_id",
            begin=periods.month_expr(nw.col("start")),
            end=periods.month_expr(nw.col("stop"), missing=periods.NEVER),
            ticks=money.to_ticks(nw.col("mrr")),
        )
        .filter((nw.col("begin") <= last) & (nw.col("end") > first) & (nw.col("end") > nw.col("begin")))
        .group_by("account_id", "begin", "end")
        .agg(nw.col("ticks").sum())
        .collect(backend="pandas")
        .to_native()
    )
    begin = np.maximum(lines["begin"].to_numpy("int64"), first)
    end = np.minimum(lines["end"].to_numpy("int64"), last + 1)
    count = end - begin
    level = pd.DataFrame(
        {
            "account_id": np.repeat(lines["account_id"].astype(str).to_numpy(dtype=object), count),
            "month": np.repeat(begin, count) + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count),
            "ticks": np.repeat(lines["ticks"].to_numpy("int64"), count),
        }
    )
    level = level.groupby(["account_id", "month"], as_index=False)["ticks"].sum()
    level = level[level["ticks"] > 0]
    by = level.groupby("account_id")
    now = level[level["month"] == last].set_index("account_id")["ticks"]
    table = pd.DataFrame({"revenue": money.from_ticks(by["ticks"].sum().astype(float)), "months": by.size()})
    table["mrr"] = money.from_ticks(now.reindex(table.index).fillna(0).astype(float))
    return table
