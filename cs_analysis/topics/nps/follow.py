"""What came after the answers: who left within a year, how accounts did since, and attitude beside behaviour.

Everything is counted from the wave's last day, the landmark, for those who answered and those who did not: an account
that left during the wave is in neither. A wave whose following months are not over at ``as_of`` is left out.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from cs_analysis.stats import periods, resample
from cs_analysis.stats.lives import lives
from cs_analysis.stats.proportions import clustered_share, risk_ratio
from cs_analysis.topics.nps.answers import (
    ANSWERS,
    DETRACTOR,
    NOT_ASKED,
    PASSIVE,
    PROMOTER,
    SILENT,
    account_answers,
    followed_wave,
    is_followed,
    newest_wave,
    of_wave,
)
from cs_analysis.topics.nps.context import behaviour, check_accounts

CHURN_LINK = (
    "answer", "n", "accounts", "churned", "estimate", "low", "high", "ratio", "ratio_low", "ratio_high", "waves",
)  # fmt: skip
BESIDE = ("measure", "answer", "n", "estimate", "low", "high")
LOYALTY = ("wave", "attitude", "behaviour", "accounts", "mrr", "kept", "estimate", "low", "high")
ATTITUDES = (PROMOTER, PASSIVE, DETRACTOR, SILENT)
BEHAVIOURS = ("much", "little")
_FEWEST = 5  # accounts below which a mean has no interval


def outcomes(
    answers: pd.DataFrame,
    contracts: Any,
    *,
    as_of: Any,
    months: int = 12,
    observed_from: Any | None = None,
    grace_days: int = 0,
) -> pd.DataFrame:
    """What became of each account after each wave that is long enough ago.

    Parameters
    ----------
    answers
        As from :func:`answers`.
    contracts
        Contract lines: account_id, start, stop (half-open), mrr; any frame narwhals reads.
    as_of
        Last day whose facts count.
    months
        The horizon; a wave whose last day is less than this before ``as_of`` is left out.
    observed_from
        First day from which departures were recorded; waves that ended before it are left out.
    grace_days
        The rule by which gaps were filled: all accounts are followed until so many days before ``as_of``.

    Returns
    -------
    One row per account × wave, for accounts with MRR on the wave's last day: account_id, wave, position, answer, score,
    churned (the life ended after the last day and within the horizon).
    """
    said = account_answers(answers)
    said = said[is_followed(said["last_day"], periods.day(as_of) - timedelta(days=grace_days), months)]
    if observed_from is not None:
        said = said[said["last_day"] >= pd.Timestamp(periods.day(observed_from))]
    known = {"as_of": as_of, "observed_from": observed_from, "grace_days": grace_days}
    all_lives = lives(contracts, **known, which="all")
    joined = said.merge(all_lives[["account_id", "start", "stop"]], on="account_id", how="inner")
    here = (joined["start"] <= joined["last_day"]) & (joined["stop"].isna() | (joined["stop"] > joined["last_day"]))
    joined = joined[here].reset_index(drop=True)
    until = periods.anniversary(joined["last_day"].to_numpy(), months)
    churned = joined["stop"].notna().to_numpy() & (joined["stop"].to_numpy().astype("datetime64[D]") <= until)
    return joined.assign(churned=churned)[["account_id", "wave", "position", "answer", "score", "churned"]]


def churn_link(
    answers: pd.DataFrame,
    contracts: Any,
    *,
    as_of: Any,
    months: int = 12,
    observed_from: Any | None = None,
    grace_days: int = 0,
) -> pd.DataFrame:
    """Which share of accounts left within a year, by what they had answered, no answer included.

    All waves long enough ago together; an account counts in each wave it was asked in, and the intervals count
    accounts, not appearances (:func:`cs_analysis.stats.proportions.clustered_share`).

    Parameters
    ----------
    answers, contracts, as_of, months, observed_from, grace_days
        As in :func:`outcomes`.

    Returns
    -------
    One row per answer (promoter, passive, detractor, no_answer): answer, n (account × wave), accounts, churned,
    estimate, low, high (fractions), ratio, ratio_low, ratio_high (the risk ÷ that of promoters), waves.

    Examples
    --------
    >>> rows = pd.DataFrame({"account_id": ["A", "B"], "wave": "w", "position": 0, "respondent": "R",
    ...     "last_day": pd.Timestamp("2024-03-31"), "score": [9.0, None], "value": [1.0, None]})
    >>> lines = pd.DataFrame({"account_id": ["A", "B"], "mrr": 1.0, "start": pd.Timestamp("2023-01-01"),
    ...     "stop": [pd.NaT, pd.Timestamp("2025-01-01")]})
    >>> churn_link(rows, lines, as_of="2025-03-31")[["answer", "n", "churned"]].values.tolist()
    [['promoter', 1, 0], ['passive', 0, 0], ['detractor', 0, 0], ['no_answer', 1, 1]]
    """
    known = {"as_of": as_of, "observed_from": observed_from, "grace_days": grace_days}
    cases = outcomes(answers, contracts, months=months, **known)
    base = cases[cases["answer"] == PROMOTER]
    table = []
    for answer in ANSWERS:
        part = cases[cases["answer"] == answer]
        events, who = part["churned"].to_numpy(dtype=float), part["account_id"].to_numpy()
        risk = clustered_share(events, who)
        row: dict[str, Any] = {"answer": answer, "n": len(part), "accounts": part["account_id"].nunique()}
        row |= {"churned": int(events.sum()), "estimate": risk.estimate, "low": risk.low, "high": risk.high}
        ratio = (np.nan,) * 3
        if answer != PROMOTER:
            ratio = risk_ratio(events, base["churned"].to_numpy(dtype=float), who, base["account_id"].to_numpy())
        row |= dict(zip(("ratio", "ratio_low", "ratio_high"), ratio, strict=True))
        table.append(row | {"waves": cases["wave"].nunique()})
    return pd.DataFrame(table, columns=list(CHURN_LINK))


def labelled(contracts: Any, answers: pd.DataFrame, *, as_of: Any, months: int = 12, min_n: int = 10) -> pd.DataFrame:
    """The contract lines with what their account answered a year ago, for any metric that splits by a column.

    The wave is the newest with ``min_n`` answers that ended ``months`` before ``as_of``; accounts it did not reach are
    "not_asked".

    Returns
    -------
    The lines (a pandas frame) and answer.
    """
    frame = nw.from_native(contracts).lazy().collect(backend="pandas").to_native()
    wave = followed_wave(answers, as_of=as_of, months=months, min_n=min_n)
    said = account_answers(of_wave(answers, wave)).set_index("account_id")["answer"]
    return frame.assign(answer=frame["account_id"].map(said).fillna(NOT_ASKED))


def beside(
    answers: pd.DataFrame,
    *,
    as_of: Any,
    retention: pd.DataFrame | None = None,
    hours: Any = None,
    stages: pd.DataFrame | None = None,
    min_n: int = 10,
) -> pd.DataFrame:
    """NPS beside what else is known of the accounts: NRR since, success stages reached by then, hours before.

    Parameters
    ----------
    answers
        As from :func:`with_accounts`; the wave is the newest with ``min_n`` answers that ended twelve months before
        ``as_of``.
    as_of
        Last day whose facts count.
    retention
        Retention by month and answer, from the contract lines of :func:`labelled`.
    hours
        Time entries: account_id, date, hours; any frame narwhals reads.
    stages
        account_id, stage, reached_date.

    Returns
    -------
    measure ("nrr", fraction; "stages", number reached by the wave's last day; "hours", per month of the twelve to it
    in which the account was with us and the log kept), answer, n (accounts), estimate, low, high (bootstrap over
    accounts; missing below five accounts).

    Raises
    ------
    InputError
        There are hours, but the answers lack what :func:`with_accounts` adds.
    """
    wave = followed_wave(answers, as_of=as_of, min_n=min_n)
    said = account_answers(of_wave(answers, wave))
    parts = []
    if retention is not None and wave is not None and len(retention):
        newest = retention[(retention["measure"] == "nrr") & (retention["month"] == retention["month"].max())]
        at = newest.set_index("answer").reindex(list(ANSWERS)).dropna(subset=["n"])
        parts.append(at.reset_index().assign(measure="nrr")[list(BESIDE)])
    if len(said):
        day = said["last_day"].iloc[0]
        if stages is not None:
            known = stages[stages["reached_date"] <= day].groupby("account_id")["stage"].nunique()
            parts.append(_means(said, known.reindex(said["account_id"].unique()).fillna(0.0), "stages"))
        if hours is not None:
            check_accounts(answers)
            tenure = of_wave(answers, wave).groupby("account_id")["tenure_months"].first()
            parts.append(_means(said, _hours(hours, day, tenure), "hours"))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(BESIDE))


def _hours(hours: Any, day: pd.Timestamp, tenure: pd.Series) -> pd.Series:
    """Hours per account and month in the twelve months to a day; missing where less than one of them can be seen.

    Months before the log began, or before the account did, are not months without hours.
    """
    first, last = periods.day_key(periods.anniversary(day.date().isoformat(), -12)), periods.day_key(day)
    at = periods.day_key_expr(nw.col("date"), missing=0)
    log = nw.from_native(hours).lazy().filter(~nw.col("date").is_null())
    begun = log.select(day=periods.day_key_expr(nw.col("date")).min()).collect(backend="pandas").to_native()["day"]
    if not begun.notna().any():
        return pd.Series(np.nan, index=tenure.index)
    opened = np.datetime64(pd.to_datetime(str(int(begun.iloc[0])), format="%Y%m%d"), "D")
    kept = float(periods.months_between(np.array([opened]), np.array([np.datetime64(day, "D") + 1]))[0])
    rows = log.filter((at > first) & (at <= last) & ~nw.col("account_id").is_null())
    summed = rows.group_by("account_id").agg(nw.col("hours").sum()).collect(backend="pandas").to_native()
    spent = summed.set_index("account_id")["hours"].astype(float).reindex(tenure.index).fillna(0.0)
    months = tenure.clip(upper=min(12.0, kept))
    return spent / months.where(months >= 1)


def _means(said: pd.DataFrame, values: pd.Series, measure: str) -> pd.DataFrame:
    """The mean per answer, of the accounts of which it is known."""
    rows = said.assign(amount=said["account_id"].map(values).astype(float)).dropna(subset=["amount"])
    table = []
    for answer in ANSWERS:
        own = np.sort(rows.loc[rows["answer"] == answer, "amount"].to_numpy())
        if not len(own):
            continue
        low = high = np.nan
        if len(own) >= _FEWEST and own[0] < own[-1]:
            low, high = resample.percentiles(resample.unit_counts(len(own), seed=1) @ own / len(own))
        table.append((measure, answer, len(own), float(own.mean()), low, high))
    return pd.DataFrame(table, columns=list(BESIDE))


def loyalty(
    answers: pd.DataFrame,
    contracts: Any,
    *,
    as_of: Any,
    wave: str | None = None,
    observed_from: Any | None = None,
    grace_days: int = 0,
) -> pd.DataFrame:
    """The loyalty square: what accounts say × what they do at a wave, with MRR, and who was still there a year later.

    Attitude is the account's answer; behaviour is "much" for the half that uses most (of all asked in the wave), else
    "little"; without usage data, "much" is an account that has renewed at least once (see ``behaviour``).

    Parameters
    ----------
    answers
        As from :func:`with_accounts`.
    contracts, as_of, observed_from, grace_days
        As in :func:`outcomes`.
    wave
        By default the newest.

    Returns
    -------
    One row per attitude × behaviour: wave, attitude (promoter, passive, detractor, no_answer), behaviour (much,
    little), accounts, mrr (on the wave's last day), kept (accounts still there twelve months later), estimate, low,
    high (kept ÷ accounts; missing while the year is not over).
    """
    wave = wave or newest_wave(answers)
    rows = of_wave(answers, wave)
    rows = rows[rows["mrr"] > 0]
    accounts = account_answers(rows)
    first = rows.assign(does=behaviour(rows)).groupby("account_id").agg(mrr=("mrr", "first"), does=("does", "first"))
    accounts = accounts.merge(first.reset_index(), on="account_id", how="left")
    middle = accounts["does"].median() if accounts["does"].nunique() > 2 else 0.5
    accounts["behaviour"] = np.where(accounts["does"] > middle, *BEHAVIOURS)
    came = outcomes(rows, contracts, as_of=as_of, observed_from=observed_from, grace_days=grace_days)
    accounts["kept"] = accounts["account_id"].map(~came.set_index("account_id")["churned"])
    table = []
    for attitude in ATTITUDES:
        for does in BEHAVIOURS:
            part = accounts[(accounts["answer"] == attitude) & (accounts["behaviour"] == does)]
            stayed = part["kept"].dropna().astype(float)
            share = clustered_share(stayed.to_numpy(), np.arange(len(stayed)))
            kept = float(stayed.sum()) if len(stayed) else np.nan
            table.append((wave, attitude, does, len(part), float(part["mrr"].sum()), kept, *share))
    return pd.DataFrame(table if len(accounts) else [], columns=list(LOYALTY))
