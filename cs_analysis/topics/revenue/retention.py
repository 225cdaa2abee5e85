"""Net and gross revenue retention, logo retention, and the other figures that go by the same name.

Definition: NRR(t0→t1) = Σ MRR(t1) ÷ Σ MRR(t0) over the *frozen cohort*, the accounts with MRR above 0 at t0,
whatever became of them, win-backs by t1 included. GRR takes min(MRR(t1), MRR(t0)) per account, logo retention the
share of the cohort with MRR(t1) above 0. "Without win-backs": an account that was at 0 at any month end in between
counts as lost.

For all t1 at once: per account the pair (MRR(t0), MRR(t1)) changes only where one of the two does, so its
contribution is cumulated from those points; accounts with equal opening MRR are collapsed first.
"""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from cs_analysis.errors import N_, InputError
from cs_analysis.stats import money, periods, proportions, ratios
from cs_analysis.topics.revenue.changes import (
    begins_known,
    changes,
    collect,
    first_known_month,
    pairs,
    totals,
)

MEASURES = ("nrr", "grr", "logo", "grr_without_winback", "logo_without_winback")
_SUMS = ("n", "d", "dd", "changed", "loss", "active", "loss_throughout", "active_throughout")


def retention(
    contracts: Any, *, as_of: Any, span: int = 12, by: str | None = None, observed_from: Any | None = None
) -> pd.DataFrame:
    """NRR, GRR and logo retention over ``span`` months, for every month end that allows it, with 95 % intervals.

    Parameters
    ----------
    contracts
        Contract lines: account_id, start, stop (half-open), mrr; pandas, Polars, DuckDB or Spark.
    as_of
        Last day whose facts count; the last month is the last one that is complete at ``as_of``.
    span
        Months from t0 to t1.
    by
        Column to split by, constant within an account.
    observed_from
        First day from which departures were recorded; months whose t0 lies before it are left out.

    Returns
    -------
    One row per month t1 (× by) × measure (nrr, grr, logo, grr_without_winback, logo_without_winback): month, span,
    measure, estimate, low, high (fractions; low and high missing where the data does not allow an interval), n
    (accounts at t0), n_eff, opening_mrr, closing_mrr (currency; of grr what was kept), withheld (why there is no
    interval: a key of ``ratios.WITHHELD``, or empty).

    Examples
    --------
    >>> lines = pd.DataFrame({"account_id": ["X", "X", "Y", "Y"], "mrr": [50.0, 100.0, 125.0, 100.0],
    ...     "start": pd.to_datetime(["2025-10-01", "2026-02-01"] * 2),
    ...     "stop": pd.to_datetime(["2026-02-01", None] * 2)})
    >>> retention(lines, as_of="2026-10-31")[["month", "measure", "estimate"]].head(2).round(5)
         month measure  estimate
    0  2026-10     nrr   1.14286
    1  2026-10     grr   0.85714
    """
    if span < 1:
        raise InputError(N_("span is {span}; it is a number of months, at least 1."), span=span)
    deltas = _contributions(changes(contracts, as_of=as_of, by=by), span, by)
    last = periods.last_complete_month(as_of)
    known = first_known_month(observed_from)
    parts = list(deltas.groupby(by, sort=True, dropna=False)) if by and len(deltas) else [(None, deltas)]
    tables = []
    for key, part in parts:
        table = _measures(part[part["month"] <= last], span, last, None if known is None else known + span)
        tables.append(table.assign(**({by: key} if by else {})))
    columns = [*([by] if by else []), "month", "span", "measure", "estimate", "low", "high", "n", "n_eff"]
    return pd.concat(tables, ignore_index=True)[[*columns, "opening_mrr", "closing_mrr", "withheld"]]


def _contributions(changed: nw.LazyFrame, span: int, by: str | None) -> pd.DataFrame:
    """What enters and leaves the sums at each month t1, per distinct opening MRR."""
    keep = ["account_id", *([by] if by else [])]
    zero = nw.lit(0).cast(nw.Int64())
    # each change counts twice: at once for the closing, ``span`` months later for the opening
    both = nw.concat(
        [
            changed.select(*keep, "month", opening=zero, closing=nw.col("delta")),
            changed.select(*keep, month=nw.col("month") + span, opening=nw.col("delta"), closing=zero),
        ]
    )
    points = totals(both, [*keep, "month"], ["opening", "closing"])

    def running(name: str) -> nw.Expr:
        return nw.col(name).cum_sum().over("account_id", order_by="month").cast(nw.Int64())

    def positive(name: str) -> nw.Expr:
        return nw.when(nw.col(name) > 0).then(nw.col(name)).otherwise(nw.lit(0))

    # the state that ends at a point is the one that begins there less the point's own change, so no row has to look
    # at the one before it
    state = points.with_columns(s=running("opening"), level=running("closing")).with_columns(
        s_was=nw.col("s") - nw.col("opening"), was=nw.col("level") - nw.col("closing")
    )
    started = (nw.col("level") > 0) & (nw.col("was") <= 0)
    state = state.with_columns(
        e=positive("level"),
        e_was=positive("was"),
        began=nw.when(started).then(nw.col("month")).otherwise(nw.lit(0)),
    ).with_columns(began=nw.col("began").cum_max().over("account_id", order_by="month"))
    whole_span = nw.col("month") - span
    state = state.with_columns(
        throughout=_one((nw.col("e") > 0) & (nw.col("began") <= whole_span)),
        throughout_was=_one((nw.col("e_was") > 0) & (nw.col("began") < whole_span)),
    )
    group = [*([by] if by else []), "month", "s"]

    def signed(sign: int, s: str, e: str, throughout: str) -> nw.LazyFrame:
        """The sums' summands of the state that begins (+) or ends (−) at a point."""
        change = nw.col(e) - nw.col(s)
        loss = nw.when(change < 0).then(change).otherwise(nw.lit(0))
        # an account that was at 0 in between counts as lost whole
        loss_throughout = nw.when(nw.col(throughout) > 0).then(loss).otherwise(nw.col(s) * -1)
        whole = change.cast(nw.Float64()) / money.TICKS_PER_UNIT
        return state.filter(nw.col(s) > 0).select(
            *group[:-1],
            s=nw.col(s).cast(nw.Int64()),
            n=nw.lit(sign).cast(nw.Int64()),
            d=(change * sign).cast(nw.Int64()),
            dd=whole * whole * float(sign),
            changed=(_one(change != 0) * sign).cast(nw.Int64()),
            loss=(loss * sign).cast(nw.Int64()),
            active=(_one(nw.col(e) > 0) * sign).cast(nw.Int64()),
            loss_throughout=(loss_throughout * sign).cast(nw.Int64()),
            active_throughout=(nw.col(throughout) * sign).cast(nw.Int64()),
        )

    flows = nw.concat([signed(1, "s", "e", "throughout"), signed(-1, "s_was", "e_was", "throughout_was")])
    counted = [name for name in _SUMS if name != "dd"]
    sums = flows.group_by(*group).agg(nw.col(*_SUMS).sum()).with_columns(nw.col(*counted).cast(nw.Int64()))
    return collect(sums, group)


def _one(condition: nw.Expr) -> nw.Expr:
    return nw.when(condition).then(nw.lit(1)).otherwise(nw.lit(0))


def _measures(deltas: pd.DataFrame, span: int, last: int, earliest: int | None) -> pd.DataFrame:
    """Cumulate the contributions month by month and turn them into estimates."""
    first = int(deltas["month"].min()) if len(deltas) else last + 1
    begin = first if earliest is None else max(first, earliest)
    openings, codes = np.unique(deltas["s"].to_numpy(), return_inverse=True)
    state = {name: np.zeros(len(openings), dtype=deltas[name].to_numpy().dtype) for name in _SUMS}
    at_month = deltas.groupby("month").indices
    rows = []
    for month in range(first, last + 1):
        new = at_month.get(month)
        if new is not None:
            for name in _SUMS:
                np.add.at(state[name], codes[new], deltas[name].to_numpy()[new])
        there = state["n"] > 0
        if month >= begin and there.any():
            rows += _one_month(month, span, openings[there], {name: v[there] for name, v in state.items()})
    columns = [
        "month",
        "span",
        "measure",
        "estimate",
        "low",
        "high",
        "n",
        "n_eff",
        "opening_mrr",
        "closing_mrr",
        "withheld",
    ]
    return pd.DataFrame(rows, columns=columns)


def _one_month(month: int, span: int, openings: np.ndarray, at: dict[str, np.ndarray]) -> list[tuple]:
    """The five measures of one month, from accounts grouped by their opening MRR (ticks)."""
    size, change, loss, loss_throughout = (
        money.from_ticks(values) for values in (openings, at["d"], at["loss"], at["loss_throughout"])
    )
    # a state that ended leaves a rounding residue in the float sum of squares; it is never below 0
    squares = np.maximum(at["dd"], 0.0)
    changed = int(at["changed"].sum())
    opening = float((size * at["n"]).sum())
    net = ratios.net_from_sums(at["n"], size, change, squares, changed)
    closing = opening + float(change.sum())

    def gross(lost: np.ndarray) -> tuple[ratios.Ratio, float]:
        return ratios.gross_from_sums(at["n"], size, lost, changed), opening + float(lost.sum())

    def logo(name: str) -> tuple[ratios.Ratio, float]:
        share = proportions.wilson(int(at[name].sum()), net.n)
        few = "few" if net.n < ratios.MIN_EFFECTIVE else "unchanged" if changed < ratios.MIN_CHANGED else ""
        limits = (np.nan, np.nan) if few else share[1:]
        return ratios.Ratio(share.estimate, *limits, net.n, float(net.n), few), closing

    found = dict(
        zip(
            MEASURES,
            [(net, closing), gross(loss), logo("active"), gross(loss_throughout), logo("active_throughout")],
            strict=True,
        )
    )
    label = periods.month_label(month)
    return [
        (label, span, measure, r.estimate, r.low, r.high, r.n, r.n_eff, opening, top, r.withheld)
        for measure, (r, top) in found.items()
    ]


def difference(contracts: Any, measure: str, *, as_of: Any, earlier: str, span: int = 12) -> ratios.Ratio | None:
    """Change of a retention measure between an earlier month and the last one, accounts paired.

    Parameters
    ----------
    contracts
        Contract lines, see :func:`retention`.
    measure
        "nrr", "grr" or "logo".
    as_of
        Last day whose facts count.
    earlier
        The month "YYYY-MM" to compare with.
    span
        Months from t0 to t1.

    Returns
    -------
    estimate, low, high (differences of fractions; interval missing where withheld); None where one of the two months
    has no accounts.
    """
    changed = changes(contracts, as_of=as_of)
    now, then = periods.last_complete_month(as_of), periods.month_index(earlier + "-01")
    a, b = (pairs(changed, month - span, month).set_index("account_id") for month in (now, then))
    if a.empty or b.empty:
        return None
    both = a.join(b, how="outer", lsuffix="_a", rsuffix="_b").fillna(0)
    amounts = [money.from_ticks(both[name].to_numpy()) for name in ("opening_a", "closing_a", "opening_b", "closing_b")]
    names = {"nrr": "net", "grr": "gross", "logo": "logo"}
    if measure not in names:
        raise InputError(
            N_("The change of {measure!r} cannot be told; choose {known}."), measure=measure, known=", ".join(names)
        )
    return ratios.difference(*amounts, measure=names[measure])


def change_on_year(contracts: Any, table: pd.DataFrame, *, as_of: Any, measure: str = "nrr") -> ratios.Ratio | None:
    """Change of a measure between the newest month of a retention table and the same month a year earlier.

    None where the table has no figure for that month. See :func:`difference`.
    """
    rows = table[table["measure"] == measure]
    if rows.empty:
        return None
    earlier = periods.month_label(periods.month_index(rows["month"].iloc[-1] + "-01") - 12)
    if not (rows["month"] == earlier).any():
        return None
    return difference(contracts, measure, as_of=as_of, earlier=earlier, span=int(rows["span"].iloc[-1]))


def concentration(
    contracts: Any, *, as_of: Any, span: int = 12, largest: int = 5, observed_from: Any | None = None
) -> pd.DataFrame:
    """The largest accounts of the frozen cohort and NRR without each of them.

    Returns one row per account_id, largest first → share (of opening MRR), nrr_without (fraction). Empty when the span
    begins before ``observed_from``.

    Examples
    --------
    >>> lines = pd.DataFrame({"account_id": ["X", "X", "Y", "Y"], "mrr": [50.0, 100.0, 125.0, 100.0],
    ...     "start": pd.to_datetime(["2025-10-01", "2026-02-01"] * 2),
    ...     "stop": pd.to_datetime(["2026-02-01", None] * 2)})
    >>> concentration(lines, as_of="2026-10-31").round(4)
      account_id   share  nrr_without
    0          Y  0.7143          2.0
    1          X  0.2857          0.8
    """
    last = periods.last_complete_month(as_of)
    if not begins_known(last - span, observed_from):
        return pd.DataFrame(columns=["account_id", "share", "nrr_without"])
    book = pairs(changes(contracts, as_of=as_of), last - span, last)
    without = ratios.leave_one_out(book.set_index("account_id")["opening"], book["closing"].to_numpy(), largest)
    return without.set_axis(["account_id", "share", "nrr_without"], axis=1)
