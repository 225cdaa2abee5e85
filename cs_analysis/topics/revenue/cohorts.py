"""Cohorts: accounts by the month of their first MRR, followed by age.

Definition: column k is k full months after an account's first month, a cell is MRR(k) ÷ MRR(0), reactivation
included. A cohort may be a month, a quarter or a fiscal year; in the wider ones every account keeps its own age, and a
cell exists once the youngest account has reached it: what could not be observed yet is missing, never a loss.

    cohorts(...)            age 0        1        2
    2026-08                 1.00     0.98     1.04
    2026-09                 1.00     1.00        –
    2026-10                 1.00        –        –
"""

from __future__ import annotations

from math import nan
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from cs_analysis.data.topic import records
from cs_analysis.stats import money, periods, ratios
from cs_analysis.topics.revenue.changes import changes, collect, levels, totals

MEASURES = ("nrr", "grr", "logo")


def cohorts(
    contracts: Any,
    *,
    as_of: Any,
    period: str = "quarter",
    fiscal_year_start: int = 1,
    observed_from: Any | None = None,
) -> pd.DataFrame:
    """Retention of each cohort by age, in three measures.

    Parameters
    ----------
    contracts
        Contract lines: account_id, start, stop (half-open), mrr; pandas, Polars, DuckDB or Spark.
    as_of
        Last day whose facts count; an unfinished month is not a column.
    period
        "month", "quarter", "half" or "year" (of the fiscal year).
    fiscal_year_start
        First month of the fiscal year.
    observed_from
        First day from which departures were recorded: cells at or before it are missing, and cohorts that began
        before it (``whole`` False) know only their survivors.

    Returns
    -------
    One row per cohort × measure (nrr, grr, logo) × age observed: cohort, measure, age (months), estimate (fraction),
    mrr (currency: of nrr and logo what is paid at that age, of grr at most the first MRR), accounts (with MRR at
    that age; at age 0 the cohort's size), whole.

    Examples
    --------
    >>> lines = pd.DataFrame({"account_id": ["A", "B"], "mrr": [100.0, 50.0],
    ...     "start": pd.to_datetime(["2026-08-01", "2026-08-01"]), "stop": pd.to_datetime(["2026-10-01", None])})
    >>> table = cohorts(lines, as_of="2026-10-31", period="month")
    >>> table[table["measure"] == "nrr"][["cohort", "age", "estimate", "accounts"]].round(4)
        cohort  age  estimate  accounts
    0  2026-08    0    1.0000         2
    1  2026-08    1    1.0000         2
    2  2026-08    2    0.3333         1
    """
    points = by_age(contracts, as_of=as_of, period=period, fiscal_year_start=fiscal_year_start)
    sums = collect(totals(points, ["cohort", "age"], ["mrr", "kept", "active"]), ["cohort", "age"])
    spans = collect(
        points.group_by("cohort").agg(oldest=nw.col("first").min(), youngest=nw.col("first").max()), ["cohort"]
    )
    last = periods.last_complete_month(as_of)
    known = None if observed_from is None else periods.day(observed_from)
    tables = [
        _one_cohort(sums[sums["cohort"] == row.cohort], row, last, known, period, fiscal_year_start)
        for row in records(spans)
        if row.youngest <= last
    ]
    columns = ["cohort", "measure", "age", "estimate", "mrr", "accounts", "whole"]
    if not tables:
        return pd.DataFrame(columns=columns)
    order = {m: i for i, m in enumerate(MEASURES)}
    table = pd.concat(tables, ignore_index=True)
    return table.sort_values(
        ["measure", "cohort", "age"], key=lambda c: c.map(order) if c.name == "measure" else c, ignore_index=True
    )[columns]


def by_age(contracts: Any, *, as_of: Any, period: str = "month", fiscal_year_start: int = 1) -> nw.LazyFrame:
    """Change points on the clock of each account's own age.

    Returns a lazy frame, one row per account × age with a change: account_id, first (month), cohort (first month of
    its period), age, base (first MRR), mrr, kept, active (changes of MRR, of MRR up to base, of 0/1), level (ticks).
    """
    last = periods.last_day(periods.last_complete_month(as_of))  # an account of an unfinished month has no age yet
    grown = levels(_followed(contracts, last)).filter(nw.col("month") >= nw.col("first"))
    grown = grown.with_columns(nw.col("first").cast(nw.Int64()))  # a missing first made it a float on pandas
    at_first = nw.col("month") == nw.col("first")
    level = nw.when(nw.col("level") > 0).then(nw.col("level")).otherwise(nw.lit(0))
    before = nw.when(at_first | (nw.col("before") <= 0)).then(nw.lit(0)).otherwise(nw.col("before"))
    states = grown.with_columns(now=level, was=before).with_columns(
        base=nw.when(at_first).then(nw.col("now")).max().over("account_id")
    )

    def capped(name: str) -> nw.Expr:
        return nw.when(nw.col(name) < nw.col("base")).then(nw.col(name)).otherwise(nw.col("base"))

    def some(name: str) -> nw.Expr:
        return nw.when(nw.col(name) > 0).then(nw.lit(1)).otherwise(nw.lit(0)).cast(nw.Int64())

    return states.select(
        "account_id",
        "first",
        cohort=periods.fiscal_start(nw.col("first"), period, fiscal_year_start),
        age=nw.col("month") - nw.col("first"),
        base=nw.col("base"),
        mrr=nw.col("now") - nw.col("was"),
        kept=capped("now") - capped("was"),
        active=some("now") - some("was"),
        level=nw.col("now"),
    )


def _followed(contracts: Any, as_of: Any) -> nw.LazyFrame:
    """Changes of the accounts whose first MRR was seen; monthly revenue marks those of its first month as opening."""
    changed = changes(contracts, as_of=as_of)
    frame = nw.from_native(contracts).lazy()
    if "opening" not in frame.collect_schema().names():
        return changed
    opening = frame.filter(nw.col("opening")).select("account_id").unique()
    return changed.join(opening, on="account_id", how="anti")


def _one_cohort(
    sums: pd.DataFrame, span: Any, last: int, known: Any, period: str, fiscal_year_start: int
) -> pd.DataFrame:
    ages = np.arange(0, last - span.youngest + 1)
    reached = sums[sums["age"] <= ages[-1]]
    total = {
        name: reached.set_index("age")[name].reindex(ages, fill_value=0).cumsum().to_numpy()
        for name in ("mrr", "kept", "active")
    }
    whole = known is None or periods.first_day(span.oldest) >= known
    visible = np.array([known is None or whole or periods.last_day(span.oldest + k) > known for k in ages], dtype=bool)
    tables = []
    for measure, name in (("nrr", "mrr"), ("grr", "kept"), ("logo", "active")):
        values = total[name].astype(float)
        tables.append(
            pd.DataFrame(
                {
                    "measure": measure,
                    "age": ages,
                    "estimate": values / values[0],
                    "mrr": money.from_ticks(total["kept" if measure == "grr" else "mrr"]),
                    "accounts": total["active"],
                }
            )[visible]
        )
    label = periods.fiscal_label(int(span.cohort), period, fiscal_year_start)
    return pd.concat(tables, ignore_index=True).assign(cohort=label, whole=whole)


def cohort_average(table: pd.DataFrame) -> pd.DataFrame:
    """All cohorts in one line by age, from a table of :func:`cohorts`.

    ``estimate`` is the product of pooled age-to-age factors: from age k to k + 1 all cohorts that reached k + 1 are
    pooled, so the line does not jump when a cohort drops out. ``weighted_mean`` is the mean over the cohorts that
    reached the age, weighted by first MRR (accounts for logo); its members change with the age.

    Returns one row per measure × age: measure, age, estimate, cohorts, weighted_mean, accounts (in those cohorts at
    age 0).

    Examples
    --------
    >>> lines = pd.DataFrame({"account_id": ["A", "B"], "mrr": [100.0, 50.0],
    ...     "start": pd.to_datetime(["2026-08-01", "2026-09-01"]), "stop": pd.to_datetime(["2026-10-01", None])})
    >>> both = cohort_average(cohorts(lines, as_of="2026-10-31", period="month"))
    >>> both[both["measure"] == "nrr"][["age", "estimate", "cohorts", "weighted_mean"]]
       age  estimate  cohorts  weighted_mean
    0    0       1.0        2            1.0
    1    1       1.0        2            1.0
    2    2       0.0        1            0.0
    """
    found: list[tuple] = []
    for measure in MEASURES:
        part = table[(table["measure"] == measure) & table["whole"].astype(bool)]
        amount = "accounts" if measure == "logo" else "mrr"
        wide = part.pivot(index="cohort", columns="age", values=amount).astype(float)
        sizes = part[part["age"] == 0].set_index("cohort")["accounts"].reindex(wide.index)
        estimate = 1.0
        for age in map(int, wide.columns):
            there = wide[age].notna()
            if age > 0:
                below = wide.loc[there, age - 1].sum()
                # from nothing no factor leads on: what comes back after that is unknown to this line
                factor = wide.loc[there, age].sum() / below if below > 0 else nan if wide.loc[there, age].any() else 1.0
                estimate = estimate * factor
            mean = wide.loc[there, age].sum() / wide.loc[there, 0].sum()
            found.append((measure, age, estimate, int(there.sum()), mean, int(sizes[there].sum())))
    return pd.DataFrame(found, columns=["measure", "age", "estimate", "cohorts", "weighted_mean", "accounts"])


def fixed_age(
    contracts: Any,
    *,
    as_of: Any,
    age: int = 12,
    period: str = "quarter",
    fiscal_year_start: int = 1,
    observed_from: Any | None = None,
) -> pd.DataFrame:
    """NRR at one fixed age, cohort after cohort: are later cohorts better?

    Returns one row per cohort whose youngest account reached ``age`` and that began no earlier than
    ``observed_from``: cohort, age, estimate, low, high (fraction, 95 % interval or missing), n (accounts at age 0).
    """
    points = by_age(contracts, as_of=as_of, period=period, fiscal_year_start=fiscal_year_start)
    reached = nw.when(nw.col("age") <= age).then(nw.col("mrr")).otherwise(nw.lit(0))
    accounts = totals(points.with_columns(mrr=reached), ["account_id", "cohort", "first", "base"], ["mrr"])
    collapsed = accounts.group_by("cohort", "base", "mrr").agg(
        n=nw.len(), oldest=nw.col("first").min(), youngest=nw.col("first").max()
    )
    table = collect(collapsed, ["cohort", "base", "mrr"])
    known = None if observed_from is None else periods.day(observed_from)
    last = periods.last_complete_month(as_of)
    found: list[tuple] = []
    for cohort, part in table.groupby("cohort"):
        whole = known is None or periods.first_day(part["oldest"].min()) >= known
        if not whole or part["youngest"].max() + age > last:
            continue
        repeat = part["n"].to_numpy()
        result = ratios.net(
            money.from_ticks(part["base"].to_numpy().repeat(repeat)),
            money.from_ticks(part["mrr"].to_numpy().repeat(repeat)),
        )
        label = periods.fiscal_label(int(cohort), period, fiscal_year_start)  # type: ignore[arg-type]
        found.append((label, age, result.estimate, result.low, result.high, result.n))
    return pd.DataFrame(found, columns=["cohort", "age", "estimate", "low", "high", "n"])
