"""Where expansion comes from: more of the same, something new, or a higher price.

Definition, per account and month with expansion: *upsell* is more of a product the account already had, *cross-sell* a
product new to it, *price escalator* a higher MRR of a product at unchanged quantity, *offset* what other lines of the
same account lost in the same month. The four add up to the expansion of the bridge, to the last unit.
"""

from __future__ import annotations

from math import nan
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from cs_analysis.stats import money, periods, proportions
from cs_analysis.topics.revenue.changes import (
    begins_known,
    changes,
    collect,
    first_known_month,
    levels,
    lines,
    month_labels,
    pairs,
    totals,
)
from cs_analysis.topics.revenue.movements import classified

KINDS = ("upsell", "cross_sell", "price_escalator", "offset")


def product_changes(contracts: Any, *, as_of: Any) -> nw.LazyFrame:
    """Every change of an account's MRR of a product, and what kind of change it is.

    Needs the columns product and quantity; where a product or quantity is missing, all growth is upsell.
    Returns a lazy frame, one row per account × product × month: account_id, product, month, delta (ticks), kind.
    """
    by_product = changes(
        _with_products(contracts), as_of=as_of, keys=("product",), amounts=("mrr", "quantity", "unknown")
    )
    running = nw.col("delta_unknown").cum_sum().over("account_id", "product", order_by="month").cast(nw.Int64())
    states = levels(by_product, keys=("product",)).with_columns(unknown=running)
    known = (nw.col("unknown") == 0) & (nw.col("unknown") - nw.col("delta_unknown") == 0)
    same_quantity = known & (nw.col("delta_quantity") == 0) & (nw.col("before") > 0)
    growth = nw.when(same_quantity).then(nw.lit("price_escalator")).otherwise(nw.lit("upsell"))
    growth = nw.when(nw.col("month") == nw.col("first")).then(nw.lit("cross_sell")).otherwise(growth)
    kind = nw.when(nw.col("delta") < 0).then(nw.lit("offset")).otherwise(growth)
    return states.filter(nw.col("delta") != 0).select("account_id", "product", "month", "delta", kind=kind)


def pieces(contracts: Any, *, as_of: Any) -> nw.LazyFrame:
    """The product changes of the months in which their account expanded: what the expansion is made of."""
    moved = classified(changes(contracts, as_of=as_of)).filter(nw.col("movement") == "expansion")
    return product_changes(contracts, as_of=as_of).join(
        moved.select("account_id", "month"), on=["account_id", "month"], how="inner"
    )


def _with_products(contracts: Any) -> nw.LazyFrame:
    """The lines with product "" and quantity 0 (counted in ``unknown``) where they are not given."""
    frame = lines(contracts)
    there = frame.collect_schema().names()
    product = nw.col("product").fill_null("") if "product" in there else nw.lit("")
    quantity = nw.col("quantity").cast(nw.Float64()) if "quantity" in there else nw.lit(None).cast(nw.Float64())
    missing = quantity.is_null() | quantity.is_nan() if "quantity" in there else nw.lit(True)
    return frame.with_columns(product=product, quantity=quantity).with_columns(
        quantity=nw.when(missing).then(nw.lit(0.0)).otherwise(nw.col("quantity")),
        unknown=nw.when(missing).then(nw.lit(1.0)).otherwise(nw.lit(0.0)),
    )


def _told_apart(contracts: Any, as_of: Any) -> set[str]:
    """The kinds that the columns given can tell: cross-sell needs products, a price rise needs quantities."""
    given = collect(
        _with_products(contracts)
        .filter(periods.day_key_expr(nw.col("start"), missing=periods.NEVER) <= periods.day_key(as_of))
        .select(
            products=nw.when(nw.col("product") != "").then(nw.lit(1)).otherwise(nw.lit(0)),
            quantities=nw.lit(1.0) - nw.col("unknown"),
        )
        .select(nw.col("products", "quantities").sum()),
        [],
    ).fillna(0)
    kinds = {"upsell"}
    kinds |= {"cross_sell"} if given["products"].iloc[0] > 0 else set()
    return kinds | ({"price_escalator"} if given["quantities"].iloc[0] > 0 else set())


def expansion_split(contracts: Any, *, as_of: Any, observed_from: Any | None = None) -> pd.DataFrame:
    """Expansion by month and kind.

    Parameters
    ----------
    contracts
        Contract lines: account_id, start, stop (half-open), mrr, and if there are product and quantity.
    as_of
        Last day whose facts count.
    observed_from
        First day from which departures were recorded; earlier months are left out.

    Returns
    -------
    One row per month × kind (upsell, cross_sell, price_escalator, offset) that happened: month, kind, amount (currency,
    offset negative; a month's kinds add up to its expansion in the bridge), accounts.

    Examples
    --------
    >>> lines = pd.DataFrame({"account_id": "A", "product": ["core", "core", "api"], "quantity": [10.0, 10.0, 1.0],
    ...     "mrr": [100.0, 105.0, 30.0], "start": pd.to_datetime(["2025-10-01", "2026-10-01", "2026-10-01"]),
    ...     "stop": pd.to_datetime(["2026-10-01", None, None])})
    >>> expansion_split(lines, as_of="2026-10-31")
         month             kind  amount  accounts
    0  2026-10       cross_sell    30.0         1
    1  2026-10  price_escalator     5.0         1
    """
    per_account = totals(pieces(contracts, as_of=as_of), ["account_id", "month", "kind"], ["delta"])
    table = collect(totals(per_account, ["month", "kind"], ["delta"], count="accounts"), ["month", "kind"])
    known = first_known_month(observed_from)
    if known is not None:
        table = table[table["month"] > known].reset_index(drop=True)
    table["amount"] = money.from_ticks(table["delta"].to_numpy(dtype="int64"))
    table["month"] = month_labels(table["month"])
    return table[["month", "kind", "amount", "accounts"]]


def expansion_rates(contracts: Any, *, as_of: Any, span: int = 12, observed_from: Any | None = None) -> pd.DataFrame:
    """Share of the accounts of the start that bought more, or something new, within the span.

    Returns one row per kind (upsell, cross_sell, price_escalator): kind, estimate, low, high (fraction, Wilson), n
    (accounts active at the start), accounts (with at least one), amount (currency gained from them, before what other
    lines of the same account lost); figures missing for a kind that the columns given cannot tell. Empty when the
    start lies before ``observed_from``.
    """
    columns = ["kind", "estimate", "low", "high", "n", "accounts", "amount"]
    last = periods.last_complete_month(as_of)
    if not begins_known(last - span, observed_from):
        return pd.DataFrame(columns=columns)
    active = pairs(changes(contracts, as_of=as_of), last - span, last)["account_id"]
    inside = (nw.col("month") > last - span) & (nw.col("month") <= last)
    events = pieces(contracts, as_of=as_of).filter(inside)
    found = collect(totals(events, ["account_id", "kind"], ["delta"]), ["kind", "account_id"])
    found = found[found["account_id"].isin(active)]
    told = _told_apart(contracts, as_of)
    rows = []
    for kind in KINDS[:3]:
        if kind not in told:  # without products or quantities it cannot be known, which is not none
            rows.append((kind, nan, nan, nan, len(active), nan, nan))
            continue
        part = found[found["kind"] == kind]
        rate = proportions.wilson(len(part), len(active))
        amount = float(money.from_ticks(part["delta"].to_numpy(dtype="int64").sum()))
        rows.append((kind, *rate[:3], len(active), len(part), amount))
    return pd.DataFrame(rows, columns=columns)
