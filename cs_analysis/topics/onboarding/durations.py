"""How long onboarding takes: the curve of the share gone live, what is read off it, and groups side by side."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from cs_analysis.stats import multiplicity, periods, proportions, survival
from cs_analysis.topics.onboarding import incidence
from cs_analysis.topics.onboarding.onboardings import counted

ALL, OTHERS = "all", "others"
TAU = 90  # days
MIN_N = 10
DAYS = (30, 60, 90)
MOST_PAIRS = 5  # groups up to which each is compared with each; beyond, each with all others
SEED = 20


def groups(onboardings: pd.DataFrame, by: str | Sequence[str]) -> list[tuple[str, str, pd.DataFrame]]:
    """(column, group, its counted onboardings), of all and then of each group of each column, in order."""
    rows = counted(onboardings)
    found = [(ALL, ALL, rows)]
    for column in dict.fromkeys([by] if isinstance(by, str) else by):
        if column:
            found += [(column, str(name), part) for name, part in rows.groupby(column, sort=True)]
    return found


def cells(rows: pd.DataFrame) -> incidence.Cells:
    """Counted onboardings as the estimators take them."""
    return incidence.cells(rows["entry"].to_numpy(), rows["time"].to_numpy(), rows["code"].to_numpy())


def curve(onboardings: pd.DataFrame, *, by: str | Sequence[str] = (), min_n: int = MIN_N) -> pd.DataFrame:
    """The share of onboardings gone live by each day (Aalen–Johansen): who left before never counts as live.

    Parameters
    ----------
    onboardings
        As `onboardings` gives them, with the columns of ``by``.
    by
        Columns whose groups have curves too.
    min_n
        Groups with fewer onboardings have none.

    Returns
    -------
    by, group ("all" first), day → estimate, low, high (fractions), at_risk (not yet live on that day and watched), n
    (onboardings of the group).

    Examples
    --------
    See :func:`durations`.
    """
    parts = [
        _one_curve(rows).assign(by=column, group=group, n=len(rows))
        for column, group, rows in groups(onboardings, by)
        if len(rows) and (column == ALL or len(rows) >= min_n)
    ]
    columns = ["by", "group", "day", "estimate", "low", "high", "at_risk", "n"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _one_curve(rows: pd.DataFrame) -> pd.DataFrame:
    """The curve of one group, a row per day on which somebody's onboarding or follow-up ends."""
    late = rows["entry"].to_numpy(dtype=float)
    found = survival.cumulative_incidence(
        rows["time"].to_numpy(dtype=float), rows["code"].to_numpy(), entry=late if late.any() else None
    )
    at = incidence.curves(cells(rows))
    live = found[found["cause"] == incidence.LIVE].set_index("time")
    days = at.times if len(at.times) and at.times[0] == 0 else np.concatenate([[0.0], at.times])
    place = np.searchsorted(live.index, days, side="right") - 1
    risk = ((late[:, None] < days) | (late[:, None] == 0)) & (days <= rows["time"].to_numpy()[:, None])
    risk = risk.sum(axis=0)
    # before the first event, and where nobody has gone live, the share is 0 of those at risk
    low, high = proportions.wilson_limits(np.zeros(len(days)), risk)
    values = {"estimate": np.zeros(len(days)), "low": low, "high": high}
    if len(live):
        values = {k: np.where(place >= 0, live[k].to_numpy(dtype=float)[place], v) for k, v in values.items()}
    return pd.DataFrame({"day": days, **values, "at_risk": risk})


def durations(
    onboardings: pd.DataFrame, *, by: str | Sequence[str] = (), tau: float = TAU, min_n: int = MIN_N
) -> pd.DataFrame:
    """How long it takes, of all and by group: median, P80, restricted mean, share live by day 30, 60 and 90.

    Parameters
    ----------
    onboardings
        As `onboardings` gives them, with the columns of ``by``.
    by
        Columns to split by.
    tau
        Days up to which the restricted mean of days not yet live is taken.
    min_n
        Groups with fewer onboardings are listed without figures.

    Returns
    -------
    by, group ("all" first) → n, completed, open, churned; median, median_low, median_high, p80 (days; missing = not
    reached); rmst, rmst_low, rmst_high (days not yet live of the first ``tau``; missing = nobody followed that far);
    day30, day60, day90 and their _low, _high (fractions); completed_only_mean (days; biased: it leaves out who is
    still waiting); tau.

    Examples
    --------
    Onboardings of 10, 20 and 30 days, two still open after 25 and 40:

    >>> five = pd.DataFrame({"outcome": ["live", "live", "open", "live", "open"], "days": [10.0, 20, 25, 30, 40]})
    >>> five = five.assign(entry_days=0.0, followed_days=five["days"], left_out="")
    >>> durations(five, tau=40)[["median", "rmst", "completed_only_mean"]].values.tolist()
    [[30.0, 27.0, 20.0]]
    """
    rows = [
        {"by": column, "group": group, **_figures(part, tau, column == ALL or len(part) >= min_n), "tau": tau}
        for column, group, part in groups(onboardings, by)
    ]
    return pd.DataFrame(rows)


def _figures(rows: pd.DataFrame, tau: float, told: bool) -> dict[str, Any]:
    outcome = rows["outcome"].value_counts()
    numbers: dict[str, Any] = {"n": len(rows), "completed": outcome.get("live", 0)}
    numbers |= {"open": outcome.get("open", 0), "churned": outcome.get("churned", 0)}
    told = told and bool(len(rows))
    line = _one_curve(rows) if told else pd.DataFrame(columns=["day", "estimate", "low", "high"], dtype=float)
    at = incidence.curves(cells(rows)) if told else None
    numbers |= {"median": float(incidence.quantile(at)[0]) if at else np.nan}
    # the median's bounds are where the band of the curve crosses one half
    numbers |= {"median_low": _first(line, "high", 0.5), "median_high": _first(line, "low", 0.5)}
    numbers["p80"] = float(incidence.quantile(at, 0.8)[0]) if at else np.nan
    mean = incidence.rmst_interval(cells(rows), tau)[0] if told else (np.nan,) * 3
    numbers |= dict(zip(("rmst", "rmst_low", "rmst_high"), mean, strict=True))
    for day in DAYS:
        value = float(incidence.share(at, day)[0]) if at else np.nan
        row = line[line["day"] <= day].iloc[-1] if np.isfinite(value) else {"low": np.nan, "high": np.nan}
        numbers |= {f"day{day}": value, f"day{day}_low": float(row["low"]), f"day{day}_high": float(row["high"])}
    live = rows.loc[(rows["outcome"] == "live") & (rows["entry"] == 0), "days"]
    numbers["completed_only_mean"] = float(live.mean()) if told and len(live) else np.nan
    return numbers


def _first(line: pd.DataFrame, column: str, level: float) -> float:
    reached = line.loc[line[column] >= level - 1e-9, "day"]
    return float(reached.iloc[0]) if len(reached) else np.nan


def comparison(
    onboardings: pd.DataFrame,
    *,
    by: str | Sequence[str],
    tau: float = TAU,
    min_n: int = MIN_N,
    seed: int = SEED,
) -> pd.DataFrame:
    """Differences in the restricted mean of days not yet live, group against group, by bootstrap over accounts.

    Up to five groups of a column are compared pair by pair, more of them each with all others. Groups under ``min_n``
    and those nobody of which was followed for ``tau`` days have no row.

    Parameters
    ----------
    onboardings, by, tau, min_n
        As for :func:`durations`.
    seed
        Of the draws.

    Returns
    -------
    by, group_a, group_b ("others" = all the column's other groups) → rmst_difference (a − b, days; negative = a is
    faster), low, high, p, p_holm (over the comparisons of the column), tau.
    """
    columns = ["by", "group_a", "group_b", "rmst_difference", "low", "high", "p", "p_holm", "tau"]
    asked = dict.fromkeys([by] if isinstance(by, str) else by)
    tables = [_compared(onboardings, column, tau, min_n, seed) for column in asked]
    tables = [table for table in tables if len(table)]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def _compared(onboardings: pd.DataFrame, by: str, tau: float, min_n: int, seed: int) -> pd.DataFrame:
    parts = {name: rows for column, name, rows in groups(onboardings, by) if column != ALL and len(rows) >= min_n}
    parts = {name: rows for name, rows in parts.items() if np.isfinite(_rmst(rows, tau))}
    if len(parts) <= MOST_PAIRS:
        pairs = [(a, b, parts[a], parts[b]) for a, b in combinations(parts, 2)]
    else:
        everyone = counted(onboardings)
        pairs = [(a, OTHERS, rows, everyone.drop(rows.index)) for a, rows in parts.items()]
    rows = []
    for a, b, rows_a, rows_b in pairs:
        found, drawn = incidence.difference(
            [cells(rows_a)], [cells(rows_b)], lambda sides: incidence.rmst(sides[0], tau), seed=seed
        )
        rows.append(
            {"by": by, "group_a": a, "group_b": b, "rmst_difference": found.estimate, "low": found.low}
            | {"high": found.high, "p": p_value(drawn), "tau": tau}
        )
    table = pd.DataFrame(rows)
    return table.assign(p_holm=multiplicity.holm(table["p"].to_numpy())) if len(table) else table


def p_value(drawn: np.ndarray) -> float:
    """Twice the share of the drawn differences on the rarer side of 0, counting one more there; missing without any.

    >>> round(p_value(np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9])), 6)
    0.2
    """
    known = drawn[np.isfinite(drawn)]
    if not len(known) or known.min() == known.max():
        return float("nan")
    tail = min((known <= 0).sum(), (known >= 0).sum())
    return float(min(1.0, 2 * (tail + 1) / (len(known) + 1)))


def _rmst(rows: pd.DataFrame, tau: float) -> float:
    return float(incidence.rmst(incidence.curves(cells(rows)), tau)[0])


def completion(onboardings: pd.DataFrame, *, as_of: Any, days: Sequence[int] = DAYS, months: int = 12) -> pd.DataFrame:
    """The share completed, counted in two ways that are often mixed up.

    *by_day*: live by day x ÷ all that began at least x days ago, those who left among them. *in_period*: went live in
    the last months ÷ all that were in onboarding at some time in them; it falls when many have only just begun.

    Returns
    -------
    measure ("by_day", "in_period"), days (x, or the length of the period) → done, estimate, low, high (Wilson,
    fractions), n.
    """
    rows = counted(onboardings)
    whole = rows[rows["entry"] == 0]  # of older ones only those are known that had not left before
    today, found = pd.Timestamp(periods.day(as_of)), []
    for day in days:
        old = whole[whole["start"] + pd.Timedelta(days=day) <= today]
        done = int(((old["outcome"] == "live") & (old["days"] <= day)).sum())
        found.append({"measure": "by_day", "days": day, "done": done, "n": len(old)})
    since = pd.Timestamp(periods.anniversary(periods.day(as_of), -months))
    ended = rows["start"] + pd.to_timedelta(rows["days"], unit="D")
    inside = rows[(rows["outcome"] == "open") | (ended > since)]
    done = int((inside["outcome"] == "live").sum())
    found.append({"measure": "in_period", "days": (today - since).days, "done": done, "n": len(inside)})
    table = pd.DataFrame(found)
    shares = [proportions.wilson(row["done"], row["n"]) for _i, row in table.iterrows()]
    return table.assign(**{name: [getattr(s, name) for s in shares] for name in ("estimate", "low", "high")})[
        ["measure", "days", "done", "estimate", "low", "high", "n"]
    ]
