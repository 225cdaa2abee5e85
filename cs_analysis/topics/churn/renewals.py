"""When accounts leave: the risk at each renewal, and the losses of every month of tenure.

Annual contracts are lost at their end or not at all, so the risk of leaving stands in spikes: a smooth monthly rate
misdescribes it. A renewal is due on the day on which a term ends that holds at least half of the account's MRR.
"""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from cs_analysis.stats import periods, proportions
from cs_analysis.stats.lives import followed
from cs_analysis.topics.churn.curves import at_risk, groups

YEAR = 12
RENEWED = 0.2  # and when at least this share of those that ended had a successor
USUAL = 0.10  # a length counts as a term when at least this share of the lines with a whole number of months has it
RENEWALS = (
    "renewal",
    "due",
    "lost",
    "estimate",
    "low",
    "high",
    "mrr_due",
    "mrr_lost",
    "lost_12",
    "mrr_lost_12",
    "kind",
)
SPIKE = ("month", "lost", "at_risk", "estimate", "low", "high", "renewal")


def renewals(contracts: Any, lives: pd.DataFrame, *, as_of: Any, terms: bool) -> pd.DataFrame:
    """The share of accounts lost at their first, second, third … renewal, among those due.

    With terms, a renewal is due when a line of a usual length ends; lines without an end, and those longer than a term
    (renewed without a new line), are due at each anniversary of their start. A renewal counts when the lines due on
    that day hold at least half of the account's MRR, so that extra seats that end alone are none; it is lost when the
    life ends on that day. Ends in the middle of a term are no renewal; `spike` shows them.

    Parameters
    ----------
    contracts
        Contract lines: account_id, start, stop (half-open), mrr; any frame narwhals reads.
    lives
        As from :func:`cs_analysis.stats.lives.lives`, of the same lines.
    as_of
        Last day whose facts count: a renewal due later is not due yet.
    terms
        Whether ends of lines are terms (``book.ends_are_terms``).

    Returns
    -------
    One row per renewal number: due, lost (accounts), estimate, low, high (share lost, Wilson), mrr_due, mrr_lost
    (MRR just before), lost_12, mrr_lost_12 (of these, in the twelve months to ``as_of``), kind ("renewal", or
    "anniversary" without terms).

    Examples
    --------
    >>> lines = pd.DataFrame({"account_id": ["A", "A", "B"], "mrr": [1.0, 1.0, 3.0],
    ...     "start": pd.to_datetime(["2023-04-01", "2024-04-01", "2023-04-01"]),
    ...     "stop": pd.to_datetime(["2024-04-01", "2025-04-01", "2024-04-01"])})
    >>> from cs_analysis.stats.lives import lives
    >>> renewals(lines, lives(lines, as_of="2024-12-31"), as_of="2024-12-31", terms=True)[["renewal", "due", "lost"]]
       renewal  due  lost
    0        1    2     1
    """
    days = _due_days(contracts, lives, periods.day(as_of), terms)
    if days.empty:
        return pd.DataFrame(columns=list(RENEWALS))
    recent = days["due"] > np.datetime64(periods.anniversary(periods.day(as_of), -YEAR), "ns")
    lost, mrr = days["lost"].astype(int), days["mrr"]
    days = days.assign(
        lost=lost, mrr_lost=mrr * lost, lost_12=lost * recent, mrr_lost_12=mrr * lost * recent, due=1, mrr_due=mrr
    )
    columns = ["due", "lost", "mrr_due", "mrr_lost", "lost_12", "mrr_lost_12"]
    table = days.groupby("renewal", as_index=False)[columns].sum()
    low, high = proportions.wilson_limits((table["lost"] / table["due"]).to_numpy(), table["due"].to_numpy())
    return table.assign(
        estimate=table["lost"] / table["due"], low=low, high=high, kind="renewal" if terms else "anniversary"
    )[list(RENEWALS)]


def spike(lives: pd.DataFrame, *, every: int = YEAR) -> pd.DataFrame:
    """The risk of being lost in each month of tenure; renewal months stand out where contracts run for terms.

    Month *m* holds the tenures above *m* − 1 up to *m*, so that a contract that is not renewed after a year is lost in
    month 12. The risk is that of the survival curve, 1 − S(m)/S(m − 1), with Wilson limits at the same number followed.

    Parameters
    ----------
    lives
        As from :func:`cs_analysis.stats.lives.lives`.
    every
        Months from renewal to renewal; see `term`.

    Returns
    -------
    One row per month of tenure: lost, at_risk (accounts followed in it), estimate, low, high (fractions), renewal
    (whether it is a renewal month).

    Examples
    --------
    >>> four = pd.DataFrame({"account_id": list("ABCD"), "entry_months": 0.0, "tenure_months": [1.5, 12.0, 12.0, 13.0],
    ...     "churned": [True, True, False, False], "left_out": ""})
    >>> found = spike(four)
    >>> found[found["lost"] > 0][["month", "lost", "at_risk", "renewal"]].values.tolist()
    [[2, 1, 4, False], [12, 1, 3, True]]
    """
    found = next(groups(lives, ""), None)
    if found is None:
        return pd.DataFrame(columns=list(SPIKE))
    rows = found[1]
    entry, tenure = (rows[c].to_numpy(dtype=float) for c in ("entry_months", "tenure_months"))
    months = np.arange(1, int(np.ceil(tenure.max())) + 1)
    left = rows["churned"].to_numpy(dtype=bool)
    lost = np.bincount(np.ceil(tenure[left]).astype(int), minlength=len(months) + 1)[1:]
    # followed at some time in the month: came in before its end and were still there after its beginning
    risk = np.searchsorted(np.sort(entry), months, "left") - np.searchsorted(np.sort(tenure), months - 1.0, "right")
    estimate = _hazard(rows, months)
    with np.errstate(invalid="ignore", divide="ignore"):
        effective = np.where(lost > 0, lost / estimate, risk)
    low, high = proportions.wilson_limits(estimate, effective)
    table = pd.DataFrame({"month": months, "lost": lost, "at_risk": risk, "estimate": estimate})
    return table.assign(low=low, high=high, renewal=months % every == 0)[list(SPIKE)]


def term(contracts: Any, *, terms: bool) -> int:
    """The commonest length of a contract in months; 12 where lines have no terms.

    >>> lines = pd.DataFrame({"start": pd.to_datetime(["2024-01-01"] * 2), "stop": pd.to_datetime(["2024-07-01"] * 2)})
    >>> term(lines.assign(account_id="A", mrr=1.0), terms=True)
    6
    """
    usual = _usual(_lines(contracts)) if terms else pd.Series(dtype=float)
    return int(usual.idxmax()) if len(usual) else YEAR


def _hazard(rows: pd.DataFrame, months: np.ndarray) -> np.ndarray:
    """1 − S(m)/S(m − 1): over the departures of each month, one minus the product of the shares that stayed."""
    tenure = rows["tenure_months"].to_numpy(dtype=float)
    events, lost = np.unique(tenure[rows["churned"].to_numpy(dtype=bool)], return_counts=True)
    stayed = 1 - lost / np.maximum(at_risk(rows, events), 1)
    product = np.ones(len(months))
    np.multiply.at(product, np.ceil(events).astype(int) - 1, stayed)
    return 1 - product


def _lines(contracts: Any) -> pd.DataFrame:
    """The lines that count, with their length in months (missing while open)."""
    frame = nw.from_native(contracts).lazy().select("account_id", "start", "stop", "mrr")
    lines = frame.collect(backend="pandas").to_native()
    lines = lines.assign(start=pd.to_datetime(lines["start"]), stop=pd.to_datetime(lines["stop"]))
    lines = lines[lines["start"].notna() & (lines["mrr"] > 0)].reset_index(drop=True)
    return lines.assign(length=periods.months_between(lines["start"], lines["stop"]))


def _usual(lines: pd.DataFrame) -> pd.Series:
    """Length in months → number of lines, for the lengths that are terms.

    A length is a term when many lines have it and those that ended were usually renewed by a new line; where hardly any
    was, a line is a whole life, whatever its length, and renewed itself.
    """
    whole = lines[(lines["length"] >= 1) & (lines["length"] % 1 == 0)]
    starts = pd.MultiIndex.from_frame(lines[["account_id", "start"]])
    successor = pd.MultiIndex.from_frame(whole[["account_id", "stop"]]).isin(starts)
    ended = whole["stop"] <= lines["start"].max()  # a successor could be seen
    counts: Any = whole.groupby("length").size()
    renewed = pd.Series(successor, index=whole.index)[ended].groupby(whole["length"][ended]).mean()
    often = renewed.reindex(counts.index).fillna(1.0) >= RENEWED
    return counts[often & (counts >= USUAL * len(whole))]


def _due_days(contracts: Any, lives: pd.DataFrame, last: Any, terms: bool) -> pd.DataFrame:
    """Life × renewal that was followed: renewal (its number), due (day), lost, mrr (just before)."""
    lines = _lines(contracts)
    usual = _usual(lines) if terms else pd.Series(dtype=float)
    every = int(usual.idxmax()) if len(usual) else YEAR
    lines["line"] = np.arange(len(lines))
    of_account = followed(lives)[["account_id", "life", "start", "stop", "churned", "entry_months", "tenure_months"]]
    days = _ends(lines, usual, every, pd.Timestamp(last)).merge(
        of_account.rename(columns={"start": "began", "stop": "left"}), on="account_id"
    )
    if days.empty:
        return days
    days["tenure"] = periods.months_between(days["began"], days["due"])
    days = days[(days["tenure"] > 0) & (days["tenure"] <= days["tenure_months"])]
    days = days.drop_duplicates(["account_id", "life", "due", "line"])
    key = ["account_id", "life", "due"]
    due = days[[*key, "line"]].assign(is_due=True)
    there = days[[*key, "tenure", "entry_months", "churned", "left"]].drop_duplicates(key)
    held = there.merge(lines[["account_id", "start", "stop", "mrr", "line"]], on="account_id")
    held = held[(held["start"] < held["due"]) & ~(held["stop"] < held["due"])]
    held = held.merge(due, on=[*key, "line"], how="left")
    # a short line that ends with the term it was added to is due with it
    ends = (held["is_due"] == True) | (held["stop"] == held["due"])  # noqa: E712
    sums = held.assign(ending=held["mrr"].where(ends, 0.0)).groupby(key)[["mrr", "ending"]].sum().reset_index()
    there = there.merge(sums, on=key)
    there = there[there["ending"] >= 0.5 * there["mrr"] - 1e-9].sort_values(key, kind="stable", ignore_index=True)
    there["renewal"] = there.groupby(["account_id", "life"]).cumcount() + 1
    there["lost"] = there["churned"].astype(bool) & (there["left"] == there["due"])
    seen = there[there["tenure"] > there["entry_months"]]
    return seen[["renewal", "due", "lost", "mrr"]].reset_index(drop=True)


def _ends(lines: pd.DataFrame, usual: pd.Series, every: int, last: pd.Timestamp) -> pd.DataFrame:
    """Line × day on which it is due: account_id, line, due."""
    at_end = lines["length"].isin(usual.index)
    plain = lines[at_end & (lines["stop"] <= last)]
    rolling = lines[~at_end]
    until = rolling["stop"].where(rolling["stop"] <= last, last)
    span = periods.months_between(rolling["start"], until)
    times = np.maximum(np.floor(np.nan_to_num(span) / every), 0).astype(int)
    repeated = rolling.loc[rolling.index.repeat(times)]
    number = repeated.groupby("line").cumcount().to_numpy() + 1
    due = periods.anniversary(repeated["start"], number * every)
    return pd.concat(
        [
            plain[["account_id", "line"]].assign(due=plain["stop"]),
            repeated[["account_id", "line"]].assign(due=due.astype("datetime64[ns]")),
        ],
        ignore_index=True,
    )
