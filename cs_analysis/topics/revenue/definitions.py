"""The other figures that are called retention, beside NRR, with the reason they differ.

A client's own number is seldom wrong arithmetic; it is another definition. Reconciling needs all of them from the
same lines.
"""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from cs_analysis.display.language import _
from cs_analysis.errors import N_
from cs_analysis.stats import money, periods
from cs_analysis.topics.revenue.changes import begins_known, changes, collect, lines, pairs, totals
from cs_analysis.topics.revenue.movements import bridge

_WHY = {
    "nrr": N_("All accounts with MRR at the start, followed to the end; nothing else enters."),
    "grr": N_("As NRR, but no account counts for more than it paid at the start."),
    "logo": N_("Share of the accounts of the start that still pay at the end, each account counting the same."),
    "monthly_compounded": N_(
        "Product of the monthly NRRs: accounts won during the span enter with their later expansion and losses."
    ),
    "flow": N_(
        "Movements of all accounts during the span ÷ opening MRR: expansion of accounts that were not there at the "
        "start enters above the line but not below it."
    ),
    "gross_mrr_churn": N_("Churn and contraction of all accounts during the span ÷ opening MRR."),
    "net_mrr_churn": N_("Gross MRR churn less expansion and reactivation, ÷ opening MRR."),
    "renewal_rate": N_("Only lines whose term ended in the span: renewed MRR, capped at what was due ÷ MRR due."),
}


def definitions(
    contracts: Any, *, as_of: Any, span: int = 12, observed_from: Any | None = None, terms: bool = True
) -> pd.DataFrame:
    """NRR over the span to the last complete month, and its namesakes.

    Parameters
    ----------
    contracts
        Contract lines: account_id, start, stop (half-open), mrr.
    as_of
        Last day whose facts count.
    span
        Months.
    observed_from
        First day from which departures were recorded; a span that begins before it has no figures.
    terms
        Whether the ends of lines are terms that come up for renewal; without terms there is no renewal rate.

    Returns
    -------
    One row per definition (nrr, grr, logo, monthly_compounded, flow, gross_mrr_churn, net_mrr_churn, renewal_rate):
    definition, estimate (fraction; missing where there is nothing to divide by), why (in the reader's language).

    Examples
    --------
    Account B came in between and expanded: only the flow formula counts that as retention.

    >>> lines = pd.DataFrame({"account_id": ["A", "B", "B"], "mrr": [100.0, 50.0, 100.0],
    ...     "start": pd.to_datetime(["2025-10-01", "2025-12-01", "2026-03-01"]),
    ...     "stop": pd.to_datetime([None, "2026-03-01", None])})
    >>> table = definitions(lines, as_of="2026-10-31").set_index("definition")["estimate"]
    >>> float(table["nrr"]), float(table["flow"])
    (1.0, 1.5)
    """
    last = periods.last_complete_month(as_of)
    end = periods.last_day(last)
    changed = changes(contracts, as_of=end)
    book = pairs(changed, last - span, last)
    opening, closing = book["opening"].to_numpy(), book["closing"].to_numpy()
    moved = bridge(contracts, as_of=end)
    inside = moved[moved["month"] > periods.month_label(last - span)]
    start = float(money.from_ticks(opening.sum()))
    lost = -float(inside["churn"].sum() + inside["contraction"].sum())
    won = float(inside["expansion"].sum() + inside["reactivation"].sum())
    values = {
        "nrr": _ratio(closing.sum(), opening.sum()),
        "grr": _ratio(np.minimum(opening, closing).sum(), opening.sum()),
        "logo": _ratio((closing > 0).sum(), len(book)),
        "monthly_compounded": _compounded(inside, span),
        "flow": 1 + _ratio(won - lost, start),
        "gross_mrr_churn": _ratio(lost, start),
        "net_mrr_churn": _ratio(lost - won, start),
        "renewal_rate": renewal_rate(contracts, as_of=end, span=span) if terms else np.nan,
    }
    known = begins_known(last - span, observed_from)
    estimates = [value + 0.0 if known else np.nan for value in values.values()]  # + 0.0: no figure is "−0"
    return pd.DataFrame({"definition": list(values), "estimate": estimates, "why": [_(_WHY[name]) for name in values]})


def _ratio(top: float, bottom: float) -> float:
    return float(top) / float(bottom) if bottom > 0 else float("nan")


def _compounded(inside: pd.DataFrame, span: int) -> float:
    """Product of monthly NRRs (of the accounts of each month's start), from the bridge."""
    if len(inside) < span:
        return float("nan")
    kept = inside["opening"] + inside["expansion"] + inside["contraction"] + inside["churn"]
    return float(np.prod((kept / inside["opening"]).to_numpy())) if (inside["opening"] > 0).all() else float("nan")


def renewal_rate(contracts: Any, *, as_of: Any, span: int = 12) -> float:
    """Renewed MRR, capped at what was due, ÷ MRR due in the ``span`` months to ``as_of``.

    A term that ended on day e is due; it is renewed by lines of the account that start the day after (an earlier start
    is no renewal). The terms that end on ``as_of`` itself are left out: their renewal cannot be seen yet. Missing when
    nothing was due.

    Examples
    --------
    >>> lines = pd.DataFrame({"account_id": ["A", "A", "B"], "mrr": [250.0, 200.0, 750.0],
    ...     "start": pd.to_datetime(["2025-04-01", "2026-04-01", "2025-01-01"]),
    ...     "stop": pd.to_datetime(["2026-04-01", None, None])})
    >>> renewal_rate(lines, as_of="2026-10-31")
    0.8
    """
    frame = lines(contracts)
    last = periods.day(as_of)
    begin = periods.last_day(periods.month_index(last) - span)
    low, high = (periods.day_key(d) for d in (begin, last))

    def on_day(column: str, name: str) -> nw.LazyFrame:
        key = periods.day_key_expr(nw.col(column))
        dated = frame.filter(~nw.col(column).is_null()).filter((key > low) & (key <= high))
        amounts = dated.select("account_id", day=key, **{name: money.to_ticks(nw.col("mrr"))})
        return totals(amounts, ["account_id", "day"], [name])

    due = on_day("stop", "due").join(on_day("start", "renewed"), on=["account_id", "day"], how="left")
    capped = due.with_columns(renewed=nw.col("renewed").fill_null(0)).with_columns(
        renewed=nw.when(nw.col("renewed") < nw.col("due")).then(nw.col("renewed")).otherwise(nw.col("due"))
    )
    total = collect(capped.select(nw.col("due", "renewed").sum()), [])
    return _ratio(total["renewed"].iloc[0], total["due"].iloc[0])
