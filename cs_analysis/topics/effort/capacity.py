"""Capacity: hours accounts need beside hours there are, how many accounts a CSM can carry, and what would change it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cs_analysis.stats import periods
from cs_analysis.topics.effort.hours import texts, window
from cs_analysis.topics.effort.life import MIN_N, first_phase, log_bounds, per_account_month

CELL = ("touch_model", "phase")
WEEKS_PER_MONTH = 365.25 / 12 / 7


class Team(NamedTuple):
    """Who is there on the as-of date, the hours each has a month, and how much of the logged time is internal."""

    csms: int
    available: float  # hours per CSM and month
    internal: float  # share of the logged hours of the last months that had no account
    known: bool  # False: nobody gave available hours, and those logged on average stand for them

    @property
    def for_customers(self) -> float:
        """Hours of a CSM's month that are left for customers while internal time keeps its share."""
        return self.available * (1 - self.internal)


def team(hours: pd.DataFrame, *, csms: pd.DataFrame | None = None, as_of: Any, months: int = 12) -> Team:
    """The team on ``as_of``: heads, hours of each, and the share of internal time over the last complete months.

    Parameters
    ----------
    hours
        As :func:`hours` returns them.
    csms
        csm, available_hours (a month), start_date, end_date. Without it everybody with an entry in the last three
        months is taken to be in the team, for the hours logged on average.
    as_of
        Last day whose facts count.
    months
        Months over which internal time and logged hours are averaged.

    Examples
    --------
    >>> log = pd.DataFrame({"account_id": ["", "A"], "csm": "Sato", "month": "2026-10", "hours": [20.0, 60.0]})
    >>> people = pd.DataFrame({"csm": ["Sato"], "available_hours": [130.0]})
    >>> team(log, csms=people, as_of="2026-10-31")
    Team(csms=1, available=130.0, internal=0.25, known=True)
    """
    span = window(hours, as_of, months)
    recent = hours[hours["month"].isin(span)]
    total = float(recent["hours"].sum())
    internal = float(recent.loc[recent["account_id"] == "", "hours"].sum()) / total if total > 0 else 0.0
    there = _there(csms, periods.day(as_of))
    if there is not None and there["available_hours"].notna().any():
        given = there["available_hours"].astype(float)
        return Team(len(there), float(given.mean()), internal, True)
    logging = recent.groupby(["csm", "month"])["hours"].sum()
    active = recent[recent["month"].isin(span[-3:])]["csm"].nunique()
    heads = len(there) if there is not None else active
    return Team(int(heads), float(logging.mean()) if len(logging) else float("nan"), internal, False)


def break_even(available: float, accounts: Any) -> np.ndarray:
    """Hours a month that each account may take when one CSM with ``available`` hours looks after so many.

    >>> break_even(130, [5, 20, 50]).tolist()
    [26.0, 6.5, 2.6]
    """
    return available / np.asarray(accounts, dtype=float)


def capacity(months: pd.DataFrame, team: Team, *, by: tuple[str, ...] = CELL) -> pd.DataFrame:
    """Hours per account and month by touch model and phase, the accounts there now, and how many one CSM can carry.

    Parameters
    ----------
    months
        What ``account_months`` found, with touch_model joined on by ``book.split``.
    team
        The team, as :func:`team` tells it.
    by
        The cells.

    Returns
    -------
    touch_model, phase → hours_per_account (a month), low, high (log–t, accounts as units; missing below ten of them),
    n (accounts observed), accounts (with us now), hours_needed (of those, a month), break_even (accounts of this kind
    in a CSM's available hours), break_even_customers (in those left beside internal time).

    Examples
    --------
    130 hours a month, 6.5 of them per account: 20 accounts.

    >>> months = pd.DataFrame({"account_id": ["A"], "touch_model": "high", "phase": "steady", "month": "2026-10",
    ...     "exposure": 2.0, "hours": 13.0, "alive": True})
    >>> capacity(months, Team(1, 130.0, 0.5, True))[["hours_per_account", "accounts", "break_even",
    ...     "break_even_customers"]].values.tolist()
    [[6.5, 1.0, 20.0, 10.0]]
    """
    keys = list(by)
    rates = per_account_month(months, by=by).rename(columns={"estimate": "hours_per_account"})
    now = _now(months).groupby(keys).size().rename("accounts").reset_index()
    table = rates.merge(now, on=keys, how="left")
    table["accounts"] = table["accounts"].fillna(0).astype("int64")
    rate = table["hours_per_account"]
    table["hours_needed"] = rate.fillna(0.0) * table["accounts"]
    table["break_even"] = (team.available / rate).where(rate > 0)
    table["break_even_customers"] = (team.for_customers / rate).where(rate > 0)
    values = ["hours_per_account", "low", "high", "n", "accounts", "hours_needed", "break_even", "break_even_customers"]
    return table[[*keys, *values, "hours"]]


def workload(
    hours: pd.DataFrame, months: pd.DataFrame, *, available: pd.Series, needs: pd.DataFrame, ahead: int = 6
) -> pd.DataFrame:
    """Hours for customers, internal time and hours there were, month by month, and the plan for the months to come.

    Parameters
    ----------
    hours, months
        What :func:`hours` and ``account_months`` found.
    available
        What ``available_by_month`` found.
    needs
        What :func:`what_if` found: the plan goes from its row "now" to its row "accounts" in equal steps.
    ahead
        Months to plan.

    Returns
    -------
    month, customers, internal (hours), available (hours; missing where nobody gave them), accounts (mean over the
    month), for_customers (of the available hours, what internal time leaves at its share of today), planned (True for
    the months ahead: hours for customers as expected).
    """
    kind = np.where(hours["account_id"] == "", "internal", "customers")
    wide = hours.groupby(["month", kind])["hours"].sum().unstack(fill_value=0)
    table = pd.DataFrame({k: wide.get(k, 0.0) for k in ("customers", "internal")}, index=wide.index)
    table["available"] = available.reindex(table.index)
    table["accounts"] = months.groupby("month")["exposure"].sum().reindex(table.index).fillna(0.0)
    table = table.assign(for_customers=np.nan, planned=False).reset_index()
    rows = needs.set_index("lever") if len(needs) else needs
    if table.empty or not {"now", "accounts"} <= set(rows.index) or ahead < 1:
        return table
    now: Any = rows.loc["now"]
    then: Any = rows.loc["accounts"]
    share = np.arange(1, ahead + 1) / ahead
    table["for_customers"] = table["available"] * (now["available"] / now["paid"] if now["paid"] > 0 else np.nan)
    last = periods.month_index(table["month"].iloc[-1] + "-01")
    plan = pd.DataFrame(
        {
            "month": [periods.month_label(last + k) for k in range(1, ahead + 1)],
            "customers": now["hours"] + share * (then["hours"] - now["hours"]),
            "internal": now["paid"] - now["available"],
            "available": now["paid"],
            "for_customers": now["available"],
            "accounts": now["accounts"] + share * (then["accounts"] - now["accounts"]),
            "planned": True,
        }
    )
    return pd.concat([table, plan], ignore_index=True)


def what_if(
    months: pd.DataFrame,
    hours: pd.DataFrame,
    *,
    team: Team,
    task: str = "",
    task_shorter: float = 0.2,
    onboarding_weeks: float = 2,
    more_accounts: int = 30,
) -> pd.DataFrame:
    """Hours and heads needed as things are, and under three changes, one at a time and all together.

    Hours needed = hours per account of each cell × accounts there now. A task gets shorter in all cells in proportion
    to its share of customers' hours. Onboarding gets shorter: by Little's law the accounts in it become fewer by the
    share of its length that is saved, and those need what accounts after it need. More accounts come in the mix of
    touch models and phases of today.

    Parameters
    ----------
    months
        What ``account_months`` found, with touch_model joined on.
    hours
        As :func:`hours` returns them; for the share of the task.
    team
        As :func:`team` tells it.
    task
        The task to shorten; "" = the one with most hours of customers.
    task_shorter
        By which fraction.
    onboarding_weeks
        By how many weeks the first phase gets shorter.
    more_accounts
        How many.

    Returns
    -------
    lever (now, task, onboarding, accounts, together) → hours (needed a month), low, high, available (of the team for
    customers, a month), paid (with internal time), accounts, headcount (CSMs needed while internal time keeps its
    share), headcount_low, headcount_high, change (heads, against now), by (how much: fraction, weeks, accounts),
    task (which).
    """
    columns = ["lever", "hours", "low", "high", "available", "paid", "accounts", "headcount",
               "headcount_low", "headcount_high", "change", "by", "task"]  # fmt: skip
    cells = per_account_month(months, by=CELL)
    cells = cells[cells["estimate"].notna()].set_index(list(CELL))
    now = _now(months).groupby(list(CELL)).size().reindex(cells.index).fillna(0.0).astype(float)
    if cells.empty or now.sum() == 0:
        return pd.DataFrame({c: pd.Series(dtype=object if c in ("lever", "task") else float) for c in columns})
    by_task = hours[hours["account_id"] != ""].groupby("task")["hours"].sum()
    task = task or str(by_task.idxmax())
    saved = task_shorter * float(by_task.get(task, 0.0)) / max(float(by_task.sum()), 1e-12)
    quicker = _quicker(months, now, onboarding_weeks)
    larger = (now.sum() + more_accounts) / now.sum()
    plans = {"now": (now, 1.0), "task": (now, 1 - saved), "onboarding": (quicker, 1.0), "accounts": (now * larger, 1.0),
             "together": (quicker * larger, 1 - saved)}  # fmt: skip
    units = months.groupby([*CELL, "account_id"], as_index=False)[["exposure", "hours"]].sum()
    rows = []
    for lever, (accounts, factor) in plans.items():
        needed, low, high = _needed(units, cells, accounts * factor)
        heads = [v / team.for_customers if team.for_customers > 0 else np.nan for v in (needed, low, high)]
        rows.append((lever, needed, low, high, team.csms * team.for_customers,
                     team.csms * team.available, accounts.sum(), *heads))  # fmt: skip
    table = pd.DataFrame(rows, columns=columns[:-3])
    by = {"task": task_shorter, "onboarding": onboarding_weeks, "accounts": more_accounts}
    table["change"] = table["headcount"] - table["headcount"].iloc[0]
    return table.assign(by=table["lever"].map(by).fillna(0.0).astype(float), task=task)


def phase_length(months: pd.DataFrame, phase: str) -> float:
    """Mean length of a phase in months: time spent in it ÷ how often it was left (missing when it never was).

    >>> months = pd.DataFrame({"account_id": ["A", "A", "B"], "month": ["2026-09", "2026-10", "2026-10"],
    ...     "phase": ["onboarding", "steady", "onboarding"], "exposure": 1.0})
    >>> phase_length(months, "onboarding")
    2.0
    """
    inside = months[months["exposure"] > 0].sort_values(["account_id", "month"], kind="stable")
    spent = float(inside.loc[inside["phase"] == phase, "exposure"].sum())
    ends = inside[inside["phase"] == phase].groupby("account_id")["month"].max()
    later = inside.groupby("account_id")["month"].max().reindex(ends.index)
    left = int((later > ends).sum())
    return spent / left if left else float("nan")


def _needed(units: pd.DataFrame, cells: pd.DataFrame, accounts: pd.Series) -> tuple[float, float, float]:
    """Σ accounts × hours per account over the cells, with its interval (accounts as units, linearised)."""
    total = float((accounts * cells["estimate"]).sum())
    at = units.set_index(list(CELL))
    at = at[at.index.isin(cells.index)]
    rate, whole = cells["estimate"].reindex(at.index), cells["months"].reindex(at.index)
    weight = accounts.reindex(at.index) / whole
    pull = (weight * (at["hours"] - rate * at["exposure"])).groupby(at["account_id"].to_numpy()).sum()
    n = len(pull)
    if n < MIN_N or total <= 0:
        return total, float("nan"), float("nan")
    se = float(np.sqrt(n / (n - 1) * (pull**2).sum()))
    return total, *log_bounds(total, se, n - 1)


def _quicker(months: pd.DataFrame, now: pd.Series, weeks: float) -> pd.Series:
    """The accounts by cell when the first phase is so many weeks shorter; those set free go to the phase after it."""
    first = first_phase(months)
    length = phase_length(months, first)
    out = now.copy()
    if not first or not length > 0:
        return out
    share = min(1.0, weeks / WEEKS_PER_MONTH / length)
    phases = out.index.get_level_values("phase")
    for touch in out.index.get_level_values("touch_model").unique():
        here = out.index.get_level_values("touch_model") == touch
        others = here & (phases != first) & (phases != "")
        moved = out[here & (phases == first)].sum() * share
        weight = out[others]
        if not moved or not len(weight):
            continue
        out[here & (phases == first)] *= 1 - share
        mix = weight / weight.sum() if weight.sum() > 0 else pd.Series(1 / len(weight), index=weight.index)
        out[others] += moved * mix
    return out


def _now(months: pd.DataFrame) -> pd.DataFrame:
    """The accounts with us, each in the phase of most of its hours in its last month."""
    alive = months[months["alive"].astype(bool) & (months["exposure"] > 0)]
    order = alive.sort_values(["account_id", "month", "exposure"], kind="stable")
    return order.groupby("account_id", as_index=False).tail(1)


def _there(csms: pd.DataFrame | None, today: Any) -> pd.DataFrame | None:
    """The rows of ``csms`` for those in the team on a day; None without such a table."""
    if csms is None or csms.empty:
        return None
    day = pd.Timestamp(today)
    known = csms.assign(csm=texts(csms["csm"])).drop_duplicates("csm")
    for column in ("start_date", "end_date", "available_hours"):
        if column not in known:
            known[column] = np.nan if column == "available_hours" else pd.NaT
    begun = known["start_date"].isna() | (pd.to_datetime(known["start_date"]) <= day)
    gone = known["end_date"].notna() & (pd.to_datetime(known["end_date"]) < day)
    return known[begun & ~gone]
