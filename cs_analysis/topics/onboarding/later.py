"""Does a fast onboarding go with staying? Only by landmark, or staying would make onboarding look fast.

The accounts still with us on day x are split by what was true on that day, live or not, and followed from there.
Whoever left before is in neither group; whoever goes live later stays among those who were not.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cs_analysis.stats import periods, survival
from cs_analysis.stats.lives import followed
from cs_analysis.topics.onboarding.durations import MIN_N

LANDMARK = 90  # days
GROUPS = ("live", "not_live")


class Later(NamedTuple):
    """What became of accounts after the landmark.

    ``curve``: group, month → estimate, low, high, at_risk. ``difference``, one row: landmark, n_live, n_not_live,
    lost_live, lost_not_live, tau, rmst_difference, low, high, p, within (the column of whose groups p is).
    """

    curve: pd.DataFrame
    difference: pd.DataFrame


def later(
    onboardings: pd.DataFrame, lives: pd.DataFrame, *, day: int = LANDMARK, min_n: int = MIN_N, by: str = ""
) -> Later:
    """Survival after day ``day`` of the accounts that were live by then, beside those that were not.

    Parameters
    ----------
    onboardings
        As `onboardings` gives them; those begun at least ``day`` days before the end of the data count.
    lives
        Of the same accounts and day.
    day
        The landmark, days after the onboarding's start.
    min_n
        With fewer accounts in either group nothing is compared.
    by
        A column of the onboardings: the log-rank test compares accounts within its groups only.

    Returns
    -------
    Later
        Months run from the landmark. The difference is live − not live in months with us of the first tau (the largest
        of 36, 24, 12 that both groups reach); missing where too few were followed. p is that of the log-rank test.
    """
    rows = _at_landmark(onboardings, lives, day)
    sizes = {group: rows[rows["group"] == group] for group in GROUPS}
    about: dict[str, Any] = {"landmark": day, "within": by}
    about |= {f"n_{g}": len(part) for g, part in sizes.items()}
    about |= {f"lost_{g}": int(part["churned"].sum()) for g, part in sizes.items()}
    effect = {"tau": np.nan, "rmst_difference": np.nan, "low": np.nan, "high": np.nan, "p": np.nan}
    empty = pd.DataFrame(columns=["group", "month", "estimate", "low", "high", "at_risk"])
    if min(map(len, sizes.values())) < min_n:
        return Later(empty, pd.DataFrame([about | effect]))
    late: dict[str, Any] = {"entry": rows["entry"]} if rows["entry"].any() else {}
    curve = survival.curve(rows["months"], rows["churned"], groups=rows["group"], **late)
    curve = curve.rename(columns={"time": "month"})[list(empty.columns)]
    tau = survival.largest_tau(rows["months"], rows["churned"], rows["group"], min_n=min_n, **late)
    if np.isfinite(tau):
        found = survival.rmst_difference(rows["months"], rows["churned"], rows["group"], tau, **late).iloc[0]
        sign = 1 if found["group_a"] == "live" else -1
        bounds = sorted([sign * found["low"], sign * found["high"]])
        effect |= {"tau": tau, "rmst_difference": sign * found["estimate"], "low": bounds[0], "high": bounds[1]}
        if sum(about[f"lost_{g}"] for g in GROUPS):
            strata: dict[str, Any] = {"strata": rows[by].astype(str)} if by else {}
            effect["p"] = survival.logrank(rows["months"], rows["churned"], rows["group"], **late, **strata).p
    return Later(curve, pd.DataFrame([about | effect]))


def _at_landmark(onboardings: pd.DataFrame, lives: pd.DataFrame, day: int) -> pd.DataFrame:
    """Accounts with us on the landmark day: group, months followed from there, churned, entry."""
    rows = onboardings[(onboardings["left_out"] == "") & (onboardings["followed_days"] > day)]
    first = followed(lives).sort_values(["account_id", "life"]).drop_duplicates("account_id")
    rows = rows.merge(first[["account_id", "churned"]], on="account_id")
    mark = rows["start"] + pd.Timedelta(days=day)
    until = rows["start"] + pd.to_timedelta(rows["followed_days"], unit="D")
    entered = rows["start"] + pd.to_timedelta(rows["entry_days"], unit="D")
    live = (rows["go_live"] <= mark) & (rows["outcome"] == "live")
    rows = rows.assign(
        group=np.where(live, "live", "not_live"),
        months=periods.months_between(mark, until),
        entry=np.maximum(periods.months_between(mark, entered), 0.0),
    )
    return rows[rows["months"] > rows["entry"]].reset_index(drop=True)
