"""What would change the picture: the grace allowed, the day called churn, and the three largest accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cs_analysis.data.settings import Rules
from cs_analysis.stats import periods, survival
from cs_analysis.stats.lives import followed
from cs_analysis.stats.lives import lives as lives_of
from cs_analysis.topics.churn.curves import thin_at
from cs_analysis.topics.churn.history import history, last_use

SENSITIVITY = (
    "change", "n", "events", "s12", "s12_low", "s12_high", "rmst", "rmst_low", "rmst_high", "tau",
)  # fmt: skip
GRACES = (30, 90)
LARGEST = 3
_TAUS = (36, 24, 12)


def sensitivity(
    contracts: Any,
    tables: Mapping[str, Any],
    *,
    as_of: Any,
    observed_from: Any | None = None,
    rules: Rules | None = None,
) -> pd.DataFrame:
    """S(12) and restricted mean life as the report has them, and under each other choice.

    Parameters
    ----------
    contracts
        Contract lines, as for ``lives``; gaps up to the client file's grace_days are filled already.
    tables
        A book's tables by name; ``usage`` gives the last active month.
    as_of, observed_from
        As for ``lives``.
    rules
        The client file's switches (grace_days, lives, notice_period); None = the defaults.

    Returns
    -------
    One row per change: change (as_set; grace_30, grace_90: longer gaps are no churn; notice: the day of the notice is
    churn; last_active: the first day after the last month of use; without_largest: without the three largest
    accounts), n, events, s12, s12_low, s12_high, rmst, rmst_low, rmst_high (months, up to tau), tau. ``last_active``
    only with usage; figures are missing where fewer than ``min_n`` were followed up to there.
    """
    rules = rules or Rules()
    known = {"as_of": as_of, "observed_from": observed_from}
    base = lives_of(contracts, **known, grace_days=rules.grace_days, which=rules.lives)
    every = lives_of(contracts, **known, grace_days=rules.grace_days, which="all")
    parts = {"as_set": _clock(followed(base))}
    for grace in GRACES:
        if grace > rules.grace_days:
            parts[f"grace_{grace}"] = _clock(followed(_joined(every, grace, rules.lives, known)))
    told = history(base, {}, as_of=as_of, notice_period=rules.notice_period)
    parts["notice"] = told.accounts.rename(columns={"event": "churned"})
    if tables.get("usage") is not None and len(used := last_use(tables["usage"], as_of)):
        parts["last_active"] = _clock(followed(_until_last_use(base, used)))
    amounts = followed(base).groupby("account_id")["mrr_last"].max()
    largest = amounts.nlargest(LARGEST).index
    if len(amounts) > LARGEST:
        parts["without_largest"] = _clock(followed(base[~base["account_id"].isin(largest)]))
    tau = next((float(t) for t in _TAUS if _told(parts["as_set"], t, rules.min_n)), np.nan)
    rows = [{"change": k, **_figures(part, tau, rules.min_n)} for k, part in parts.items()]
    return pd.DataFrame(rows, columns=list(SENSITIVITY))


def _clock(lives: pd.DataFrame) -> pd.DataFrame:
    return lives[["account_id", "entry_months", "tenure_months", "churned"]]


def _told(part: pd.DataFrame, month: float, min_n: int) -> bool:
    """Whether enough accounts were followed at every month up to one, as for the headline."""
    return part["account_id"].nunique() >= min_n and not thin_at(part, month, min_n)


def _figures(part: pd.DataFrame, tau: float, min_n: int) -> dict[str, float]:
    row = {"n": part["account_id"].nunique(), "events": int(part["churned"].sum()), "tau": tau}
    if not _told(part, 12.0, min_n):
        return row
    clock = part["tenure_months"].to_numpy(), part["churned"].to_numpy(dtype=bool)
    entry = part["entry_months"].to_numpy()
    at = survival.at(*clock, [12.0], entry=entry).iloc[0]
    row |= {"s12": at["estimate"], "s12_low": at["low"], "s12_high": at["high"]}
    if np.isfinite(tau) and _told(part, tau, min_n):
        mean = survival.rmst(*clock, tau, entry=entry)
        row |= {"rmst": mean.estimate, "rmst_low": mean.low, "rmst_high": mean.high}
    return row


def _joined(every: pd.DataFrame, grace: int, which: str, known: dict[str, Any]) -> pd.DataFrame:
    """Lives with gaps of up to ``grace`` days closed, and churn only once the grace is over."""
    lives = every.sort_values(["account_id", "life"], ignore_index=True)
    gap = (lives["start"] - lives.groupby("account_id")["stop"].shift()).dt.days
    lives["life"] = (~(gap <= grace)).groupby(lives["account_id"]).cumsum()
    grouped = lives.groupby(["account_id", "life"])
    out = grouped[["start", "entry_months", "left_out", "mrr_first"]].first().reset_index()
    out["stop"] = grouped.tail(1)["stop"].to_numpy()  # .last() would skip the one that is still missing
    today = np.datetime64(periods.day(known["as_of"]), "D")
    stop = out["stop"].to_numpy().astype("datetime64[D]")
    out["churned"] = ~np.isnat(stop) & (stop + grace <= today)
    start = out["start"].to_numpy().astype("datetime64[D]")
    until = np.where(out["churned"], stop, np.maximum(today - grace, start))
    out["tenure_months"] = periods.months_between(start, until)
    if known["observed_from"] is not None:
        first = np.datetime64(periods.day(known["observed_from"]), "D")
        over = np.where(out["churned"] & (stop < first), "ended_before", "")
        out["left_out"] = np.where(out["left_out"] == "start_unknown", "start_unknown", over)
    return out[out["life"] == 1] if which == "first" else out


def _until_last_use(lives: pd.DataFrame, used: pd.Series) -> pd.DataFrame:
    """Lives that are over end on the first day after the last month of use; those still there are left as they are."""
    out = lives.copy()
    last = out["account_id"].map(used).to_numpy().astype("datetime64[D]")
    start, stop = (out[c].to_numpy().astype("datetime64[D]") for c in ("start", "stop"))
    earlier = np.maximum(np.minimum(last + 1, stop), start + 1)
    moved = out["churned"].to_numpy() & ~np.isnat(last)
    out["tenure_months"] = np.where(moved, periods.months_between(start, earlier), out["tenure_months"])
    return out
