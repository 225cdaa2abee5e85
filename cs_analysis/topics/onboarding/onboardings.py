"""Onboardings: from the day an account begins to the day it is live, leaves, or the data ends.

    steps (account, step, completed)      lives (account, start, stop)      onboardings (as of 31 Oct)
    A  Kickoff  10 Sep                    A  1 Sep   –                      A  1 Sep  live     20 days
    A  Go-live  21 Sep                    B  1 Sep   –                      B  1 Sep  open     60 days
    B  Kickoff  12 Sep                    C  1 Aug   1 Oct                  C  1 Aug  churned  61 days
    B  Go-live  –
    C  Kickoff  –

Every account of either table has a row; what cannot be counted says why in ``left_out``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cs_analysis.errors import N_, InputError
from cs_analysis.stats import periods
from cs_analysis.topics.onboarding.incidence import LEFT, LIVE, OPEN

COLUMNS = (
    "account_id", "start", "go_live", "left", "outcome", "days", "entry_days", "followed_days", "early",
    "go_live_step", "mrr", "left_out",
)  # fmt: skip
STARTS = ("contract", "kickoff")
CODES = {"open": OPEN, "live": LIVE, "churned": LEFT}
_KICKOFF = r"kick|キックオフ"


def onboardings(steps: pd.DataFrame, lives: pd.DataFrame, *, as_of: Any, start: str = "contract") -> pd.DataFrame:
    """How long each account took, or has been taking, to go live.

    An onboarding ends when the step marked ``is_go_live`` is completed. A step that is marked for one account is the
    go-live step of all; an account without it is not live yet. Where no step is marked at all, the last step of each
    account counts. Who leaves before is *churned*, who has done neither by ``as_of`` is *open*.

    Parameters
    ----------
    steps
        account_id, step, completed_date; if there are: step_order, planned_date, started_date, is_go_live.
    lives
        Of the accounts, as `lives` gives them at the same ``as_of``; the first life of each counts.
    as_of
        Last day whose facts count.
    start
        "contract": the first day of the life; "kickoff": the day the kickoff (the first step) was completed.

    Returns
    -------
    One row per account, sorted: account_id; start, go_live, left (days); outcome ("live", "churned", "open"; "" where
    it is left out); days (from start to the outcome or to ``as_of``; 0 for a go-live before the start); entry_days,
    followed_days (days of the onboarding from which and up to which departures are known); early (live before the
    start); go_live_step ("" = the account has no such step); mrr (currency, at ``as_of`` or just before leaving);
    left_out: "" or "no_contract" (steps without a contract), "no_steps" (a contract without steps), "ended_before",
    "start_unknown" (see `lives`), "no_kickoff" (none held yet), "finished_before" (over before departures were
    recorded).

    Raises
    ------
    InputError
        ``start`` is neither word.

    Examples
    --------
    >>> from cs_analysis.stats.lives import lives
    >>> lines = pd.DataFrame({"account_id": ["A", "B"], "mrr": [100.0, 50.0], "stop": pd.to_datetime([None, None]),
    ...     "start": pd.to_datetime(["2026-09-01", "2026-09-01"])})
    >>> steps = pd.DataFrame({"account_id": ["A", "B"], "step": ["Go-live", "Go-live"], "is_go_live": [True, True],
    ...     "completed_date": pd.to_datetime(["2026-09-21", None])})
    >>> onboardings(steps, lives(lines, as_of="2026-10-31"), as_of="2026-10-31")[["account_id", "outcome", "days"]]
      account_id outcome  days
    0          A    live  20.0
    1          B    open  60.0
    """
    if start not in STARTS:
        raise InputError(
            N_("onboarding_start is {value!r}; allowed are {known}."), value=start, known=" / ".join(STARTS)
        )
    today = pd.Timestamp(periods.day(as_of))
    path = ordered(steps, as_of=today)
    first = lives.sort_values(["account_id", "life"]).drop_duplicates("account_id").set_index("account_id")
    accounts = pd.Index(sorted({*first.index, *path["account_id"]}), name="account_id", dtype=object)
    life = first.reindex(accounts)
    end = _go_live(path).reindex(accounts)
    begin = life["start"] if start == "contract" else _kickoffs(path).reindex(accounts)
    out = pd.DataFrame(
        {
            "start": pd.to_datetime(begin),
            "go_live": pd.to_datetime(end["completed"]),
            "left": life["stop"].where(life["churned"].eq(True)),
            "go_live_step": end["step"].fillna(""),
            "mrr": life["mrr_last"].astype(float),
        },
        index=accounts,
    )
    until = pd.Series(periods.days_after(life["start"], life["tenure_months"]), index=accounts)
    entered = periods.days_after(life["start"], life["entry_months"].where(life["entry_months"] > 0))
    out["followed_days"] = days_between(out["start"], until).clip(lower=0)
    out["entry_days"] = days_between(out["start"], pd.Series(entered, index=accounts)).clip(lower=0).fillna(0.0)
    with_steps = accounts.isin(path["account_id"])
    return _finished(out, life["left_out"].fillna("no_contract"), with_steps, today).reset_index()[list(COLUMNS)]


def _finished(out: pd.DataFrame, left_out: pd.Series, with_steps: np.ndarray, today: pd.Timestamp) -> pd.DataFrame:
    """Outcome, days, and why an account is left out."""
    begin, live, left = (out[c] for c in ("start", "go_live", "left"))
    is_live = live.notna() & ~(left <= live)  # on the first day without, the account is gone
    outcome = np.select([is_live, left.notna()], ["live", "churned"], "open")
    ended = live.where(is_live, left.fillna(today))
    why = left_out.where((left_out == "no_contract") | with_steps, "no_steps")
    why = why.mask((why == "") & (begin.isna() | (begin > today) | (left <= begin)), "no_kickoff")
    days = days_between(begin, ended).clip(lower=0)
    known = np.minimum(days, out["followed_days"])
    why = why.mask((why == "") & (out["entry_days"] > 0) & (known <= out["entry_days"]), "finished_before")
    counted = why == ""
    return out.assign(
        outcome=np.where(counted, outcome, ""),
        days=days.where(counted),
        early=is_live & (live < begin) & counted,
        left_out=why,
    )


def ordered(steps: pd.DataFrame, *, as_of: Any) -> pd.DataFrame:
    """Steps as known at ``as_of``, in the order in which an account goes through them.

    Returns
    -------
    account_id, step, owner ("" = not given), planned, started, completed, marked, place (0, 1, … within the account).
    """
    today = pd.Timestamp(periods.day(as_of))
    frame = pd.DataFrame({"account_id": steps["account_id"].astype(str), "step": steps["step"].astype(str)})
    for name in ("planned", "started", "completed"):
        days = steps.get(f"{name}_date")
        frame[name] = pd.to_datetime(days) if days is not None else pd.Series(pd.NaT, index=steps.index)
    for name in ("started", "completed"):
        frame[name] = frame[name].where(frame[name] <= today)
    frame["order"] = steps["step_order"].astype(float) if "step_order" in steps else np.nan
    frame["owner"] = steps["owner"].fillna("").astype(str) if "owner" in steps else ""
    frame["marked"] = steps["is_go_live"].eq(True) if "is_go_live" in steps else False
    frame = frame.sort_values(
        ["account_id", "order", "planned", "started", "completed", "step"], kind="stable", ignore_index=True
    )
    return frame.assign(place=frame.groupby("account_id").cumcount()).drop(columns="order")


def go_live_rows(path: pd.DataFrame) -> pd.DataFrame:
    """The row of each account's go-live step, of those that have one."""
    if not path["marked"].any():
        return path.drop_duplicates("account_id", keep="last")
    named = path[path["step"].isin(path.loc[path["marked"], "step"])]
    return named.sort_values(["account_id", "marked", "place"], kind="stable").drop_duplicates(
        "account_id", keep="last"
    )


def _go_live(path: pd.DataFrame) -> pd.DataFrame:
    return go_live_rows(path).set_index("account_id")[["step", "completed"]]


def _kickoffs(path: pd.DataFrame) -> pd.Series:
    """The day each account's kickoff was held: the step called so, else its first."""
    called = path["step"].str.contains(_KICKOFF, case=False, regex=True)
    rows = path.assign(second=~called).sort_values(["account_id", "second", "place"], kind="stable")
    return rows.drop_duplicates("account_id").set_index("account_id")["completed"]


def days_between(first: pd.Series, last: pd.Series) -> pd.Series:
    """Whole days from one to the other; missing where either is."""
    return (last - first).dt.days.astype(float)


def as_known(onboardings: pd.DataFrame, *, as_of: Any, then: Any) -> pd.DataFrame:
    """The onboardings of ``as_of`` as they were known on an earlier day.

    Parameters
    ----------
    onboardings
        As `onboardings` gives them at ``as_of``.
    then
        The earlier day.

    Returns
    -------
    The rows begun by ``then``, with the outcome and the days of that day; mrr stays that of ``as_of``.
    """
    today, earlier = (pd.Timestamp(periods.day(day)) for day in (as_of, then))
    staying = onboardings[onboardings["left"].isna() & (onboardings["followed_days"] > 0)]
    ends = staying["start"] + pd.to_timedelta(staying["followed_days"], unit="D")
    grace = today - ends.max() if len(ends) else pd.Timedelta(0)  # the days for which an end may still be a gap
    out = onboardings[~(onboardings["start"] > earlier)].copy()
    out["go_live"] = out["go_live"].where(out["go_live"] <= earlier)
    out["left"] = out["left"].where(out["left"] + grace <= earlier)
    until = out["left"].fillna(earlier - grace)
    out["followed_days"] = np.minimum(out["followed_days"], days_between(out["start"], until).clip(lower=0))
    with_steps = (out["left_out"] != "no_steps").to_numpy()
    why = out["left_out"].mask(out["left_out"].isin(["finished_before", "no_kickoff"]), "")
    return _finished(out, why, with_steps, earlier)[list(COLUMNS) + [c for c in out if c not in COLUMNS]]


def cohorts(onboardings: pd.DataFrame, *, period: str = "quarter", fiscal_year_start: int = 1) -> pd.DataFrame:
    """The onboardings with the ``cohort`` they began in: "2026-02", "FY2025-Q4", … ("" where the start is unknown)."""
    starts = onboardings["start"]
    month = (starts.dt.year * 12 + starts.dt.month - 1).fillna(0).astype(int)
    label = [periods.fiscal_label(m, period, fiscal_year_start) if m else "" for m in month]
    return onboardings.assign(cohort=label)


def recent(onboardings: pd.DataFrame, *, as_of: Any, months: int = 12) -> pd.DataFrame:
    """The onboardings begun in the last months up to ``as_of``."""
    since = pd.Timestamp(periods.anniversary(periods.day(as_of), -months))
    return onboardings[(onboardings["start"] > since) & (onboardings["start"] <= pd.Timestamp(periods.day(as_of)))]


def counted(onboardings: pd.DataFrame) -> pd.DataFrame:
    """The onboardings that count in a curve, with entry, days and code as the estimators take them.

    Follow-up ends where that of the life ends; what happened after it is not counted yet.
    """
    rows = onboardings[onboardings["left_out"] == ""]
    seen = rows["days"] <= rows["followed_days"]
    days = np.minimum(rows["days"], rows["followed_days"])
    code = rows["outcome"].map(CODES).where(seen, OPEN).astype(int)
    rows = rows.assign(entry=rows["entry_days"].where(rows["entry_days"] > 0, 0.0), time=days, code=code)
    return rows[(rows["entry"] == 0) | (rows["entry"] < rows["time"])]
