"""Logging coverage before anything else: who logs how much of the time there is, and how trustworthy the logs are.

A comparison of hours compares logs. Where half of the time is not written down, it compares diligence in writing.
"""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from cs_analysis.stats import periods
from cs_analysis.topics.effort.hours import dated, texts

CHECKS = (
    "csm", "logged", "available", "coverage", "weeks", "empty_weeks", "entries", "whole_hours", "days_over_24",
    "doubled", "doubled_hours", "thin",
)  # fmt: skip
HEAPED = 0.75  # share of entries in whole hours from which a log is estimated rather than kept
DAY_HOURS = 24.0


def logging_coverage(entries: Any, *, csms: pd.DataFrame | None = None, as_of: Any | None = None) -> pd.DataFrame:
    """Logged ÷ available hours per CSM and week, weeks without any entry included.

    A month's available hours are spread evenly over its Mondays to Fridays. A CSM is followed from the first day in
    the team (not before the log begins) to the last; without a row in ``csms`` from the first own entry to the last.
    Internal time counts as logged: the question is how much of the time is written down at all.

    Parameters
    ----------
    entries
        Time entries: date, csm, hours.
    csms
        csm, available_hours (a month), start_date, end_date, where known.
    as_of
        Last day whose entries count; None = the last entry.

    Returns
    -------
    One row per csm × week: csm, week (its Monday), logged, available (missing where nobody gave it), coverage
    (fraction, missing without available).

    Examples
    --------
    Two full weeks of August 2026, which has 21 working days, at 105 hours a month: 25 hours are available a week.

    >>> entries = pd.DataFrame({"date": pd.to_datetime(["2026-08-03", "2026-08-14"]), "csm": "Sato",
    ...     "hours": [20.0, 5.0]})
    >>> team = pd.DataFrame({"csm": ["Sato"], "available_hours": [105.0]})
    >>> logging_coverage(entries, csms=team)[["logged", "available", "coverage"]].values.tolist()
    [[20.0, 25.0, 0.8], [5.0, 25.0, 0.2]]
    """
    days = _days(entries, as_of)
    rows = []
    for csm, first, last, monthly in _followed(days, csms):
        span = np.arange(first, last + 1)
        mondays = _monday(span)
        weeks = np.unique(mondays)
        working = np.is_busday(span)
        months = span.astype("datetime64[M]")
        per_month = {m: monthly / np.busday_count(m, m + 1) for m in np.unique(months)}
        each = np.array([per_month[m] for m in months]) * working
        own = days[(days["csm"] == csm) & (days["day"] >= first) & (days["day"] <= last)]
        position = np.searchsorted(weeks, mondays)
        logged = np.zeros(len(weeks))
        np.add.at(logged, np.searchsorted(weeks, _monday(own["day"].to_numpy())), own["hours"].to_numpy())
        available = np.bincount(position, weights=each, minlength=len(weeks)) if monthly == monthly else np.nan
        rows.append(pd.DataFrame({"csm": csm, "week": weeks, "logged": logged, "available": available}))
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["csm", "week", "logged", "available"])
    table = table.astype({"csm": object, "logged": float, "available": float})
    table["week"] = pd.to_datetime(table["week"]).astype("datetime64[ns]")
    known = table["available"] > 0
    table["coverage"] = (table["logged"] / table["available"].where(known)).where(known)
    return table


def available_by_month(entries: Any, *, csms: pd.DataFrame | None = None, as_of: Any | None = None) -> pd.Series:
    """Month → available hours of all CSMs followed in it, by working days; empty where nobody gave any.

    >>> entries = pd.DataFrame({"date": pd.to_datetime(["2026-08-03", "2026-08-31"]), "csm": "Sato", "hours": 1.0})
    >>> team = pd.DataFrame({"csm": ["Sato"], "available_hours": [105.0]})
    >>> available_by_month(entries, csms=team).to_dict()
    {'2026-08': 105.0}
    """
    found: dict[str, float] = {}
    for _csm, first, last, monthly in _followed(_days(entries, as_of), csms):
        if monthly != monthly:
            continue
        for month in np.arange(first.astype("datetime64[M]"), last.astype("datetime64[M]") + 1):
            inside = np.busday_count(
                max(first, month.astype("datetime64[D]")), min(last + 1, (month + 1).astype("datetime64[D]"))
            )
            share = inside / np.busday_count(month, month + 1)
            found[str(month)] = found.get(str(month), 0.0) + monthly * float(share)
    return pd.Series(found, dtype=float).sort_index()


def logging_checks(
    entries: Any, coverage: pd.DataFrame, *, min_coverage: float = 0.6, as_of: Any | None = None
) -> pd.DataFrame:
    """What each CSM's log is worth: coverage, empty weeks, whole hours, impossible days, entries that stand twice.

    Nothing is taken out: what looks wrong is counted and told, since only the people know whether it is.

    Parameters
    ----------
    entries, as_of
        As in :func:`logging_coverage`; account_id, phase and task tell doubled entries apart where they are there.
    coverage
        What :func:`logging_coverage` found.
    min_coverage
        Share of the available hours below which a log is called thin.

    Returns
    -------
    One row per csm: logged, available, coverage (missing without available hours), weeks, empty_weeks (no entry at
    all), entries, whole_hours (share of the entries), days_over_24 (days with more hours than a day has), doubled
    (entries that repeat another in day, account, phase, task and hours), doubled_hours, thin (coverage below
    ``min_coverage``).

    Examples
    --------
    >>> entries = pd.DataFrame({"date": pd.to_datetime(["2026-08-03"] * 3), "csm": "Sato", "task": "call",
    ...     "hours": [13.0, 13.0, 1.5]})
    >>> weeks = logging_coverage(entries)
    >>> logging_checks(entries, weeks)[["entries", "days_over_24", "doubled", "doubled_hours"]].values.tolist()
    [[3.0, 1.0, 1.0, 13.0]]
    """
    days = _days(entries, as_of)
    twice = _doubled(entries, as_of)
    weeks = coverage.groupby("csm", sort=True)
    table = pd.DataFrame(
        {
            "logged": weeks["logged"].sum(),
            "available": weeks["available"].sum(min_count=1),
            "weeks": weeks.size(),
            "empty_weeks": weeks["logged"].agg(lambda hours: int((hours == 0).sum())),
        }
    )
    by_csm = days.groupby("csm", sort=True)
    entered = by_csm["entries"].sum()
    table["entries"] = entered.reindex(table.index).fillna(0).astype("int64")
    table["whole_hours"] = (by_csm["whole"].sum() / entered).reindex(table.index)
    over = days[days["hours"] > DAY_HOURS + 1e-9].groupby("csm").size()
    table["days_over_24"] = over.reindex(table.index).fillna(0).astype("int64")
    table["doubled"] = twice["doubled"].reindex(table.index).fillna(0).astype("int64")
    table["doubled_hours"] = twice["doubled_hours"].reindex(table.index).fillna(0.0)
    table["coverage"] = (table["logged"] / table["available"]).where(table["available"] > 0)
    table["thin"] = (table["coverage"] < min_coverage).astype(bool)
    return table.rename_axis("csm").reset_index()[list(CHECKS)]


def covered(coverage: pd.DataFrame, *, last_weeks: int | None = None) -> pd.Series:
    """Coverage per csm over all weeks, or over the last ones; missing where no available hours are known.

    >>> weeks = pd.DataFrame({"csm": "Sato", "week": pd.to_datetime(["2026-08-03", "2026-08-10"]),
    ...     "logged": [20.0, 5.0], "available": 25.0, "coverage": [0.8, 0.2]})
    >>> covered(weeks).to_dict(), covered(weeks, last_weeks=1).to_dict()
    ({'Sato': 0.5}, {'Sato': 0.2})
    """
    sums = _last(coverage, last_weeks).groupby("csm")[["logged", "available"]].sum(min_count=1)
    return (sums["logged"] / sums["available"]).where(sums["available"] > 0)


def thinnest(
    checks: pd.DataFrame, coverage: pd.DataFrame, *, min_coverage: float = 0.6, last_weeks: int = 52
) -> pd.DataFrame:
    """The checks with each CSM's coverage over the whole log or over the last weeks, whichever is lower.

    Most comparisons look at the last year: a log that was full before and is thin now is thin for them.
    """
    lately = checks["csm"].map(covered(coverage, last_weeks=last_weeks)).astype(float)
    lowest = np.fmin(checks["coverage"].astype(float), lately)
    return checks.assign(coverage=lowest, thin=(lowest < min_coverage).astype(bool))


def team_coverage(coverage: pd.DataFrame, *, last_weeks: int | None = None) -> float:
    """Logged ÷ available of all CSMs whose available hours are known, over all or the last weeks; missing for none."""
    coverage = _last(coverage, last_weeks)
    known = coverage[coverage["available"].notna()]
    total = float(known["available"].sum())
    return float(known["logged"].sum()) / total if total > 0 else float("nan")


def _last(coverage: pd.DataFrame, weeks: int | None) -> pd.DataFrame:
    if weeks is None or coverage.empty:
        return coverage
    return coverage[coverage["week"] > coverage["week"].max() - pd.Timedelta(weeks=weeks)]


def log_ends(entries: Any, *, as_of: Any | None = None) -> tuple[Any, Any]:
    """The first and the last day with an entry; (None, None) without any."""
    days = _days(entries, as_of)
    return (None, None) if days.empty else (days["day"].min().date(), days["day"].max().date())


def _days(entries: Any, as_of: Any | None) -> pd.DataFrame:
    """csm × day: hours, entries, whole (entries in whole hours)."""
    frame = dated(entries, as_of)
    spent = nw.col("hours").cast(nw.Float64).fill_null(0.0)
    table = (
        frame.select("csm", key=periods.day_key_expr(nw.col("date")), spent=spent, whole=(spent == spent.floor()))
        .with_columns(whole=nw.col("whole").cast(nw.Int64))
        .group_by("csm", "key")
        .agg(hours=nw.col("spent").sum(), entries=nw.len(), whole=nw.col("whole").sum())
        .collect(backend="pandas")
        .to_native()
    )
    table["csm"] = texts(table["csm"])
    table["day"] = periods.days_of(table.pop("key"))
    table = table.astype({"hours": float, "entries": "int64", "whole": "int64", "day": "datetime64[ns]"})
    return table.sort_values(["csm", "day"], ignore_index=True)


def _doubled(entries: Any, as_of: Any | None) -> pd.DataFrame:
    """csm → entries that repeat another one, and their hours."""
    frame = dated(entries, as_of)
    there = frame.collect_schema().names()
    keys = [k for k in ("csm", "account_id", "phase", "task") if k in there]
    table = (
        frame.select(*keys, "hours", key=periods.day_key_expr(nw.col("date")))
        .group_by(*keys, "hours", "key")
        .agg(n=nw.len())
        .filter(nw.col("n") > 1)
        .collect(backend="pandas")
        .to_native()
    )
    table["csm"] = texts(table["csm"])
    more = table["n"].astype("int64") - 1
    table = table.assign(doubled=more, doubled_hours=more * table["hours"].astype(float))
    return table.groupby("csm")[["doubled", "doubled_hours"]].sum()


def _followed(days: pd.DataFrame, csms: pd.DataFrame | None) -> list[tuple[str, Any, Any, float]]:
    """Per CSM the first and last day to follow, and the available hours of a month."""
    if days.empty:
        return []
    begin, end = days["day"].min(), days["day"].max()
    own = days.groupby("csm")["day"].agg(["min", "max"])
    team = pd.DataFrame(columns=["csm"]) if csms is None else csms
    team = team.assign(csm=texts(team["csm"])).drop_duplicates("csm").set_index("csm")
    rows = []
    for csm in sorted({*own.index, *team.index}):
        logged = own.loc[csm] if csm in own.index else None
        listed = team.loc[csm] if csm in team.index else None
        first = _stamp(listed, "start_date")
        last = _stamp(listed, "end_date")
        if first is None:
            first = begin if logged is None else logged["min"]
        if last is None:
            last = end if listed is not None or logged is None else logged["max"]
        first, last = max(first, begin), min(last, end)
        if logged is not None:  # who logs is there, whatever the dates in the team say
            first, last = min(first, logged["min"]), max(last, logged["max"])
        monthly = float(listed["available_hours"]) if listed is not None and "available_hours" in team else float("nan")
        if first <= last:
            rows.append((csm, np.datetime64(first, "D"), np.datetime64(last, "D"), monthly))
    return rows


def _stamp(row: Any, column: str) -> pd.Timestamp | None:
    value = row.get(column) if row is not None else None
    return pd.Timestamp(value) if value is not None and pd.notna(value) else None


def _monday(days: Any) -> np.ndarray:
    known = np.asarray(days).astype("datetime64[D]")
    weekday = (known.astype(np.int64) + 3) % 7  # 1 January 1970 was a Thursday
    return known - weekday
