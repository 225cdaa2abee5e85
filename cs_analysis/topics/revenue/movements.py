"""Movements of MRR month by month, and the bridge from one month to the next.

Definition: a month's MRR is that of its last day. Per account, the difference from one month end to the next is
exactly one of *new* (never above 0 before), *reactivation* (0 → above 0 again), *expansion*, *contraction* and
*churn* (→ 0). The bridge opening + new + reactivation + expansion + contraction + churn = closing closes to the
last unit.
"""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from cs_analysis.stats import money, periods
from cs_analysis.topics.revenue.changes import (
    changes,
    collect,
    first_known_month,
    levels,
    month_labels,
    totals,
)

MOVEMENTS = ("new", "reactivation", "expansion", "contraction", "churn")


def classified(changed: nw.LazyFrame) -> nw.LazyFrame:
    """Each change with its ``movement``; see the module's definition."""
    was, now = nw.col("before") > 0, nw.col("level") > 0
    return levels(changed).with_columns(
        movement=nw.when(~was & now & (nw.col("month") == nw.col("first")))
        .then(nw.lit("new"))
        .otherwise(
            nw.when(~was & now)
            .then(nw.lit("reactivation"))
            .otherwise(
                nw.when(was & ~now)
                .then(nw.lit("churn"))
                .otherwise(nw.when(nw.col("delta") > 0).then(nw.lit("expansion")).otherwise(nw.lit("contraction")))
            )
        )
    )


def movements(contracts: Any, *, as_of: Any, by: str | None = None, observed_from: Any | None = None) -> pd.DataFrame:
    """MRR won and lost per month and kind of movement.

    Parameters
    ----------
    contracts
        Contract lines: account_id, start, stop (half-open), mrr; pandas, Polars, DuckDB or Spark.
    as_of
        Last day whose facts count.
    by
        Column to split by, constant within an account.
    observed_from
        First day from which departures were recorded; earlier months are left out.

    Returns
    -------
    One row per month (× by) × movement that happened: month "YYYY-MM", movement, amount (currency, losses negative),
    accounts.

    Examples
    --------
    >>> lines = pd.DataFrame({"account_id": ["A", "A"], "mrr": [100.0, 120.0],
    ...     "start": pd.to_datetime(["2025-04-01", "2026-04-01"]), "stop": pd.to_datetime(["2026-04-01", None])})
    >>> movements(lines, as_of="2026-10-31")
         month   movement  amount  accounts
    0  2025-04        new   100.0         1
    1  2026-04  expansion    20.0         1
    """
    group = [*([by] if by else []), "month", "movement"]
    table = collect(
        totals(classified(changes(contracts, as_of=as_of, by=by)), group, ["delta"], count="accounts"), group
    )
    known = first_known_month(observed_from)
    if known is not None:
        table = table[table["month"] > known]
    order = table["movement"].map({m: i for i, m in enumerate(MOVEMENTS)})
    table = table.assign(order=order).sort_values([*group[:-1], "order"], kind="stable", ignore_index=True)
    table["amount"] = money.from_ticks(table["delta"].to_numpy())
    table["month"] = month_labels(table["month"])
    return table[[*group, "amount", "accounts"]]


def bridge(contracts: Any, *, as_of: Any, by: str | None = None, observed_from: Any | None = None) -> pd.DataFrame:
    """MRR from one month end to the next.

    Parameters are those of :func:`movements`.

    Returns
    -------
    One row per month (× by) from the first with MRR to that of ``as_of``: month, opening, new, reactivation,
    expansion, contraction, churn, closing (currency), complete (False for a month that ``as_of`` cuts short).
    Months before ``observed_from`` have missing values: departures before it were not recorded.

    Examples
    --------
    >>> lines = pd.DataFrame({"account_id": ["A"], "mrr": [100.0],
    ...     "start": pd.to_datetime(["2026-09-01"]), "stop": pd.to_datetime(["2026-10-01"])})
    >>> bridge(lines, as_of="2026-10-31")[["month", "opening", "new", "churn", "closing", "complete"]]
         month  opening    new  churn  closing  complete
    0  2026-09      0.0  100.0    0.0    100.0      True
    1  2026-10    100.0    0.0 -100.0      0.0      True
    """
    group = [by] if by else []
    moved = collect(
        totals(classified(changes(contracts, as_of=as_of, by=by)), [*group, "month", "movement"], ["delta"]),
        [*group, "month", "movement"],
    )
    parts = list(moved.groupby(by, sort=True, dropna=False)) if by and len(moved) else [(None, moved)]
    tables = [_one_bridge(part, as_of, observed_from).assign(**({by: key} if by else {})) for key, part in parts]
    columns = [*group, "month", "opening", *MOVEMENTS, "closing", "complete"]
    return pd.concat(tables, ignore_index=True)[columns]


def _one_bridge(moved: pd.DataFrame, as_of: Any, observed_from: Any | None) -> pd.DataFrame:
    last = periods.month_index(periods.day(as_of))
    first = int(moved["month"].min()) if len(moved) else last + 1
    months = np.arange(first, last + 1)
    wide = (
        moved.pivot_table(index="month", columns="movement", values="delta", aggfunc="sum")
        .reindex(index=months, columns=list(MOVEMENTS))
        .fillna(0)
        .astype("int64")
    )
    closing = wide.to_numpy().sum(axis=1).cumsum()
    amounts = {m: money.from_ticks(wide[m].to_numpy()) for m in MOVEMENTS}
    table = pd.DataFrame(
        {
            "month": month_labels(months),
            "opening": money.from_ticks(np.concatenate([[0], closing[:-1]]).astype("int64")[: len(months)]),
            **amounts,
            "closing": money.from_ticks(closing.astype("int64")),
            "complete": np.array([periods.last_day(m) <= periods.day(as_of) for m in months.tolist()], dtype=bool),
        }
    )
    known = first_known_month(observed_from)
    if known is not None:
        table.loc[months <= known, ["opening", *MOVEMENTS]] = np.nan
        table.loc[months < known, "closing"] = np.nan
    return table


def movers(
    contracts: Any, *, as_of: Any, months: int = 12, largest: int = 10, observed_from: Any | None = None
) -> pd.DataFrame:
    """The accounts behind each month's movements, largest first.

    Returns one row per month, account_id and movement → amount (currency); the ``largest`` by size in each of the
    last ``months`` months, from ``observed_from`` on.
    """
    begin = periods.month_index(periods.day(as_of)) - months
    known = first_known_month(observed_from)
    begin = begin if known is None else max(begin, known)
    moved = classified(changes(contracts, as_of=as_of)).filter(nw.col("month") > begin)
    table = collect(moved.select("month", "account_id", "movement", "delta"), ["month", "account_id"])
    table["size"] = -table["delta"].abs()
    table = table.sort_values(["month", "size", "account_id"], kind="stable").groupby("month").head(largest)
    table["amount"] = money.from_ticks(table["delta"].to_numpy())
    table["month"] = month_labels(table["month"])
    return table[["month", "account_id", "movement", "amount"]].reset_index(drop=True)
