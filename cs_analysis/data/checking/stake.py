"""What hangs on some rows of a table: the monthly revenue, the hours or the answers that a fault touches.

Revenue of several rows is not their sum, because a renewal follows what it renews: it is the highest total that they
reach at one time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cs_analysis.display.language import money as money_text
from cs_analysis.display.language import number
from cs_analysis.errors import N_, CsError
from cs_analysis.stats.money import from_ticks, ticks

_SPAN = {"contracts": ("start_date", "end_date"), "accounts": ("contract_start", "churn_date"),
         "mrr_months": ("month", "month")}  # fmt: skip


@dataclass(frozen=True)
class Stake:
    """What rows hold, row by row (missing = the table has no such thing), in total, and in words.

    `total` is the money of all of them together, `said` what they hold as a message for ``{at_stake}``.
    """

    money: np.ndarray
    hours: np.ndarray
    answers: np.ndarray
    total: float | None
    said: CsError

    def held(self, part: slice) -> tuple[float | None, float | None, float | None]:
        """Money, hours and answers of some of the rows, None where there is no such thing."""
        sums = [_total(values[part]) for values in (self.money, self.hours, self.answers)]
        return sums[0], sums[1], sums[2]


def _total(values: np.ndarray) -> float | None:
    known = values[~np.isnan(values)]
    return round(float(known.sum()), 6) if len(known) else None


def stake(table: str, rows: pd.DataFrame, currency: str, rates: Mapping[str, float] | None = None) -> Stake:
    """What some rows of a table hold.

    Parameters
    ----------
    table
        Table of the schema that the rows are of.
    rows
        Typed rows under canonical names.
    currency, rates
        The client's currency, and what one unit of the others is worth in it; other currencies count as unknown.

    Returns
    -------
    Per row the MRR (cost, for `costs`), the hours or 1 for an answer; the total MRR is the highest at one time.

    Examples
    --------
    >>> rows = pd.DataFrame({"mrr": [100.0, 120.0], "start_date": pd.to_datetime(["2023-01-01", "2024-01-01"]),
    ...                      "end_date": pd.to_datetime(["2023-12-31", None])})
    >>> held = stake("contracts", rows, "JPY")
    >>> held.money.tolist(), held.total, str(held.said)
    ([100.0, 120.0], 120.0, '2 rows, ¥120 a month')
    """
    money = _money(table, rows, currency, rates or {})
    nothing = np.full(len(rows), np.nan)
    hours = rows["hours"].to_numpy(float) if table == "time_entries" and "hours" in rows else nothing
    answers = nothing
    if table == "survey_responses":
        answers = rows["score"].notna().to_numpy(float) if "score" in rows else np.zeros(len(rows))
    total = _highest(table, rows, money) if table in _SPAN else _total(money)
    return Stake(money, hours, answers, total, say(len(rows), total, hours, answers, currency, once=table == "costs"))


def of_money(money: np.ndarray, total: float, currency: str) -> Stake:
    """The stake of rows whose monthly revenue, and its total, are known already."""
    nothing = np.full(len(money), np.nan)
    return Stake(np.asarray(money, float), nothing, nothing, total, say(0, total, nothing, nothing, currency))


def say(
    rows: int, total: float | None, hours: np.ndarray, answers: np.ndarray, currency: str, *, once: bool = False
) -> CsError:
    """Rows (none: 0), money, hours and answers as one phrase: "2 rows, ¥120 a month"."""
    parts = [CsError(N_("1 row") if rows == 1 else N_("{n} rows"), n=number(rows))] if rows else []
    if total is not None:
        amount = N_("{amount} of cost") if once else N_("{amount} a month")
        parts.append(CsError(amount, amount=money_text(total, currency)))
    if (spent := _total(hours)) is not None:
        parts.append(CsError(N_("{n} hours"), n=number(spent, 0 if spent == int(spent) else 1)))
    if (given := _total(answers)) is not None:
        parts.append(CsError(N_("1 answer") if given == 1 else N_("{n} answers"), n=number(given)))
    said = parts[0] if parts else CsError(N_("{n} rows"), n=number(0))
    for more in parts[1:]:
        said = CsError(N_("{first}, {second}"), first=said, second=more)
    return said


def _money(table: str, rows: pd.DataFrame, currency: str, rates: Mapping[str, float]) -> np.ndarray:
    out = pd.Series(np.nan, index=rows.index)
    if table == "costs" and "amount" in rows:
        out = rows["amount"].astype(float)
    elif "mrr" in rows:
        out = rows["mrr"].astype(float)
    if table == "contracts":
        if {"amount", "billing_months"} <= set(rows):
            out = out.fillna(rows["amount"] / rows["billing_months"])
        if "currency" in rows:
            out = out * rows["currency"].fillna(currency).map({**rates, currency: 1.0}).astype(float)
    return out.to_numpy(float)


def _highest(table: str, rows: pd.DataFrame, money: np.ndarray) -> float | None:
    """The highest total MRR of the rows at one time (where only discounts are left, the lowest)."""
    first, last = _SPAN[table]
    known = ~np.isnan(money)
    if not known.any():
        return None
    if first not in rows:
        return float(money[known].sum())
    amounts = ticks(money[known])
    begins = rows[first].to_numpy("datetime64[ns]")[known]
    ends = rows[last].to_numpy("datetime64[ns]")[known] if last in rows else np.full(len(begins), np.datetime64("NaT"))
    begins = np.where(np.isnat(begins), np.datetime64("1900-01-01", "ns"), begins)
    over = ~np.isnat(ends)
    when = np.concatenate([begins, ends[over] + np.timedelta64(1, "D")])
    change = np.concatenate([amounts, -amounts[over]])
    # by the day: what ends and what begins on the same one are never there together
    days, of_day = np.unique(when, return_inverse=True)
    by_day = np.zeros(len(days), dtype=change.dtype)
    np.add.at(by_day, of_day, change)
    level = np.cumsum(by_day)
    highest = level.max()
    return float(from_ticks(int(highest if highest > 0 else level.min())))
