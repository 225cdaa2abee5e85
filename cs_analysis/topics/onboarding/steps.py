"""Where the days go: how long each step waits, in whose court, and which accounts have waited too long.

A step waits from the day the step before it was done (from its own start where that is earlier) until it is completed.
Steps still open wait until the as-of date, and for somebody who left until that day.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cs_analysis.topics.onboarding import incidence
from cs_analysis.topics.onboarding.durations import MIN_N, TAU
from cs_analysis.topics.onboarding.onboardings import CODES, days_between, go_live_rows, ordered

WAITS = ("account_id", "step", "owner", "place", "begun", "days", "code", "waiting", "late")
STEPS = (
    "step", "owner", "n", "completed", "waiting", "median_wait", "p80_wait", "mean_wait", "days_waited",
    "share_of_wait", "place", "tau",
)  # fmt: skip
STUCK = (
    "account_id", "step", "owner", "days_open", "p80", "basis", "comparable", "n", "days_since_start", "csm", "mrr",
)  # fmt: skip


def waits(steps: pd.DataFrame, onboardings: pd.DataFrame, *, as_of: Any) -> pd.DataFrame:
    """How long each step of each counted onboarding has waited.

    Parameters
    ----------
    steps
        As for `onboardings`, with owner where there is one.
    onboardings
        Of the same day.
    as_of
        Last day whose facts count.

    Returns
    -------
    account_id, step → owner ("us", "customer", "" = not given), place (0, 1, … in the account's order), begun (days
    after the onboarding's start), days (waited), code (1 completed, 2 left before, 0 neither), waiting (True: still
    open today). Steps after go-live, skipped steps and those not begun have no row.

    Examples
    --------
    >>> step = pd.DataFrame({"account_id": ["A", "A"], "step": ["Kickoff", "Go-live"], "step_order": [1, 2],
    ...     "completed_date": pd.to_datetime(["2026-09-11", None])})
    >>> one = pd.DataFrame({"account_id": ["A"], "start": [pd.Timestamp("2026-09-01")], "outcome": ["open"],
    ...     "days": [60.0], "entry_days": [0.0], "left_out": [""]})
    >>> waits(step, one, as_of="2026-10-31")[["step", "begun", "days", "waiting"]]
          step  begun  days  waiting
    0  Kickoff    0.0  10.0    False
    1  Go-live   10.0  50.0     True
    """
    path = ordered(steps, as_of=as_of)
    ends = go_live_rows(path).set_index("account_id")["place"]
    path = path[path["place"] <= path["account_id"].map(ends).fillna(np.inf)]
    kept = onboardings[onboardings["left_out"] == ""]
    rows = path.merge(kept[["account_id", "start", "outcome", "days", "entry_days"]], on="account_id")
    done, started = (days_between(rows["start"], rows[c]).clip(lower=0) for c in ("completed", "started"))
    done = done.where(~((rows["outcome"] == "churned") & (done >= rows["days"])))
    account = rows["account_id"]
    later = done[::-1].groupby(account[::-1]).cummax().groupby(account[::-1]).ffill()[::-1]
    skipped = done.isna() & started.isna() & later.notna()
    # the day from which a step can begin: all before it done
    missing = (done.isna() & ~skipped).astype(int)
    waiting_before = missing.groupby(account).cumsum() - missing
    latest = done.groupby(account).cummax().groupby(account).ffill().groupby(account).shift().fillna(0.0)
    ready = latest.where(waiting_before == 0)
    begun = _earlier(started, ready).fillna(latest.where(done.notna()))
    begun = begun.where(~(begun > done), done)
    ended = _earlier(done, rows["days"])
    code = np.where(done.notna(), incidence.LIVE, rows["outcome"].map(CODES).replace(incidence.LIVE, incidence.OPEN))
    out = rows[["account_id", "step", "owner", "place"]].assign(
        begun=begun, days=(ended - begun).clip(lower=0), code=np.asarray(code, dtype=int)
    )
    out["late"] = rows["entry_days"] > 0
    out["waiting"] = done.isna() & (rows["outcome"] == "open")
    return out[begun.notna() & ~skipped & (begun <= ended)].reset_index(drop=True)[list(WAITS)]


def _earlier(a: pd.Series, b: pd.Series) -> pd.Series:
    """The earlier of two days, or the one that is known."""
    return pd.concat([a, b], axis=1).min(axis=1)


def steps(waits: pd.DataFrame, *, tau: float = TAU) -> pd.DataFrame:
    """How long each step waits and its share of all waiting.

    Median and P80 are the days by which half and four fifths of those who entered the step have completed it; open
    waits count as open, and who left in the step never completes it. The mean is that of the first ``tau`` days (fewer
    where no step was followed that long), so that steps can be added up. Accounts that began before departures were
    recorded are left out: of those only the slow ones and the faithful are known.

    Returns
    -------
    step, owner, in the order of the path → n (accounts that entered it), completed, waiting (now); median_wait,
    p80_wait (days, missing = not reached), mean_wait (days of the first ``tau``), days_waited (sum, open waits
    included), share_of_wait (of all days waited in all steps), place, tau.
    """
    waits = waits[~waits["late"]]
    if waits.empty:
        return pd.DataFrame(columns=list(STEPS))
    place = waits.groupby("step")["place"].mean()
    parts: list[tuple[Any, pd.DataFrame]] = list(waits.groupby(["step", "owner"], sort=True))
    at = {key: incidence.curves(_cells(part)) for key, part in parts}
    horizon = min([float(tau), *(float(found.known[0]) for found in at.values() if found.known[0] >= 1)])
    total = waits["days"].sum()
    rows = []
    for (step, owner), part in parts:
        found = at[step, owner]
        rows.append(
            {
                "step": step, "owner": owner, "n": len(part), "completed": int((part["code"] == incidence.LIVE).sum()),
                "waiting": int(part["waiting"].sum()), "median_wait": float(incidence.quantile(found)[0]),
                "p80_wait": float(incidence.quantile(found, 0.8)[0]),
                "mean_wait": float(incidence.rmst(found, horizon)[0]), "days_waited": float(part["days"].sum()),
                "share_of_wait": float(part["days"].sum() / total) if total else np.nan,
                "place": float(place[step]), "tau": horizon,
            }
        )  # fmt: skip
    table = pd.DataFrame(rows, columns=list(STEPS))
    return table.sort_values(["place", "step", "owner"], kind="stable", ignore_index=True)


def _cells(waits: pd.DataFrame) -> incidence.Cells:
    return incidence.cells(np.zeros(len(waits)), waits["days"].to_numpy(dtype=float), waits["code"].to_numpy())


def courts(steps: pd.DataFrame) -> pd.DataFrame:
    """The share of all waiting that lay in each court: owner → days_waited, share_of_wait."""
    summed = steps.groupby("owner", as_index=False, sort=True)[["days_waited", "share_of_wait"]].sum()
    return summed.sort_values(["days_waited", "owner"], ascending=[False, True], kind="stable", ignore_index=True)


def stuck(waits: pd.DataFrame, onboardings: pd.DataFrame, *, by: str = "", min_n: int = MIN_N) -> pd.DataFrame:
    """Open onboardings whose step has waited longer than four fifths of comparable accounts took for it.

    Parameters
    ----------
    waits
        As `waits` gives them.
    onboardings
        Of the same day, with the column ``by``; csm where there is one.
    by
        Accounts of the same group are comparable, where at least ``min_n`` of them entered the step; else all are.
    min_n
        See ``by``.

    Returns
    -------
    account_id (the one most overdue of its steps) → step, owner, days_open (of the step), p80 (days; where it is not
    reached the longest completed wait), basis ("p80" or "longest"), comparable (the group; "" = all accounts), n
    (accounts that entered the step), days_since_start, csm, mrr; most MRR first. A step that nobody has completed yet
    has nothing to be compared with: ``attrs["uncompared"]`` counts the accounts that wait only in such steps.
    """
    columns = ["account_id", "mrr", "days", *(c for c in (by, "csm") if c and c in onboardings)]
    known = onboardings[list(dict.fromkeys(columns))].rename(columns={"days": "days_since_start"})
    rows = waits.merge(known, on="account_id")
    now = rows[rows["waiting"]]
    if now.empty:
        return pd.DataFrame(columns=list(STUCK))
    group = rows[by].astype(str) if by else pd.Series("", index=rows.index)
    measure = ~rows["late"].astype(bool)
    enough = measure.groupby([rows["step"], group]).transform("sum") >= min_n
    limits: dict[tuple[str, str], tuple[float, str, int]] = {}
    found = []
    for at in now.index:
        step, name = str(rows.at[at, "step"]), str(group[at]) if enough[at] else ""
        if (step, name) not in limits:
            limits[step, name] = _limit(rows[measure & (rows["step"] == step) & ((group == name) | (name == ""))])
        limit, basis, n = limits[step, name]
        found.append({"p80": limit, "basis": basis, "comparable": name, "n": n})
    table = pd.concat([now.reset_index(drop=True), pd.DataFrame(found)], axis=1).rename(columns={"days": "days_open"})
    known = table.groupby("account_id")["p80"].transform("count") > 0
    uncompared = table.loc[~known, "account_id"].nunique()
    table = table[table["days_open"] > table["p80"]]
    table = table.assign(over=table["days_open"] / table["p80"].clip(lower=1), csm=table.get("csm", ""))
    worst = table.sort_values(["account_id", "over", "place"], ascending=[True, False, True], kind="stable")
    worst = worst.drop_duplicates("account_id").sort_values(["mrr", "account_id"], ascending=[False, True])
    worst = worst.reset_index(drop=True)[list(STUCK)]
    worst.attrs["uncompared"] = int(uncompared)
    return worst


def _limit(rows: pd.DataFrame) -> tuple[float, str, int]:
    """P80 of the waits, else the longest completed one, and how many there are."""
    if rows.empty:
        return np.nan, "longest", 0
    p80 = float(incidence.quantile(incidence.curves(_cells(rows)), 0.8)[0])
    if np.isfinite(p80):
        return p80, "p80", len(rows)
    return float(rows.loc[rows["code"] == incidence.LIVE, "days"].max()), "longest", len(rows)
