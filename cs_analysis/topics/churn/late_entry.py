"""From when departures were recorded, and what the lives looked like on an earlier day.

Client files often begin with the customers of some day: who had left before is not in them. Counting the survivors from
their start makes retention look too good; they must enter the curve on the day from which departures were recorded.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import gammaincc

from cs_analysis.display import sentences
from cs_analysis.display.language import _, day, ngettext, number
from cs_analysis.stats import periods
from cs_analysis.stats.lives import followed

LEVEL = 0.01
FIRST = 3  # departures that are tried as the first of the recorded ones: a single stray one proves nothing
FEWEST = 5  # days with departures needed to know the pace
ENOUGH = 10  # accounts that must be followed at a tenure for its pace to be known


class Unrecorded(NamedTuple):
    """``first``: the day recording seems to begin; ``accounts`` that began before; ``expected`` departures of theirs by
    then at the later pace, of which ``found`` are in the data."""

    first: pd.Timestamp
    accounts: int
    expected: float
    found: int


def unrecorded(lives: pd.DataFrame) -> Unrecorded | None:
    """Whether departures seem to be recorded only from some day on; None when there is no sign of it.

    Up to the first, second or third recorded departure the number expected, at the pace by tenure seen from that day
    on, is a sum of as many standard exponential times (each departure is as likely as the risk that led up to it), so
    the probability of so few is a gamma tail. The sign is given when it is below 1 % (divided by the three trials).

    Parameters
    ----------
    lives
        As from :func:`cs_analysis.stats.lives.lives` without ``observed_from``.

    Notes
    -----
    The time-change theorem of point processes: Andersen, Borgan, Gill and Keiding (1993), section II.5.2.
    """
    rows = followed(lives)
    stops = np.sort(rows.loc[rows["churned"].astype(bool), "stop"].unique())
    tries = [
        (k, *_expected(rows, pd.Timestamp(first)))
        for k, first in enumerate(stops[:FIRST], start=1)
        if len(rows) and rows["churned"].sum() >= FEWEST
    ]
    signs = [
        (gammaincc(max(found, 0) + 1, expected), expected, found, k)
        for k, expected, found in tries
        if np.isfinite(expected)
    ]
    if not signs or min(signs)[0] >= LEVEL / FIRST:
        return None
    _p, expected, found, k = min(signs)
    first = pd.Timestamp(stops[k - 1])
    return Unrecorded(first, int((rows["start"] < first).sum()), expected, found)


def late_entry_needed(lives: pd.DataFrame, *, observed_from: Any) -> str:
    """A warning when departures seem to be recorded only from some day on and no ``observed_from`` says so; else "".

    Parameters
    ----------
    lives
        As from :func:`cs_analysis.stats.lives.lives`.
    observed_from
        First day from which departures were recorded; None when nobody said.
    """
    sign = unrecorded(lives) if observed_from is None else None
    if sign is None:
        return ""
    text = ngettext(
        "{accounts} began before {first}; at the pace of departures from that day on, about {expected} would be "
        "expected before it, and {found} is in the data. Those who left earlier seem to be missing, "
        "so every figure here looks too good: give the first day from which departures were recorded as observed_from "
        "under [rules] of the client file.",
        "{accounts} began before {first}; at the pace of departures from that day on, about {expected} would be "
        "expected before it, and {found} are in the data. Those who left earlier seem to be missing, "
        "so every figure here looks too good: give the first day from which departures were recorded as observed_from "
        "under [rules] of the client file.",
        sign.found,
    )
    return text.format(
        accounts=sentences.accounts(sign.accounts),
        first=day(sign.first),
        expected=number(sign.expected),
        found=number(sign.found),
    )


def one_day(lives: pd.DataFrame) -> str:
    """What to say when all departures are dated alike, as in files that hold months of tenure and no dates; else "".

    Parameters
    ----------
    lives
        As from :func:`cs_analysis.stats.lives.lives`.
    """
    rows = followed(lives)
    stops = rows.loc[rows["churned"].astype(bool), "stop"]
    if len(stops) < FEWEST or stops.nunique() > 1:
        return ""
    text = _(
        "All {n} departures are dated {day}, which looks like the day of the file rather than the days on which they "
        "left: the curves by tenure stand, but nothing here can be compared with last month or last year."
    )
    return text.format(n=number(len(stops)), day=day(stops.iloc[0]))


def known_at(lives: pd.DataFrame, on: Any, *, grace_days: int = 0) -> pd.DataFrame:
    """The lives as they were known on an earlier day: later beginnings and departures have not happened yet.

    Parameters
    ----------
    lives
        As from :func:`cs_analysis.stats.lives.lives`, known at a later day.
    on
        The earlier day.
    grace_days
        The rule by which gaps were filled.

    Returns
    -------
    The same columns but those that only the contracts tell as of a day (mrr_last, notice_date, leaves).

    Examples
    --------
    >>> one = pd.DataFrame({"account_id": ["A"], "start": [pd.Timestamp("2024-04-01")], "churned": True,
    ...     "stop": [pd.Timestamp("2025-04-01")], "entry_months": 0.0, "tenure_months": 12.0, "churn_reason": "price"})
    >>> known_at(one, "2024-10-01")[["churned", "tenure_months", "churn_reason"]].values.tolist()
    [[False, 6.0, '']]
    """
    last = pd.Timestamp(periods.day(on))
    end = pd.Timestamp(periods.day(on) - timedelta(days=int(grace_days)))
    rows = lives[lives["start"] <= last].drop(columns=["mrr_last", "notice_date", "leaves"], errors="ignore")
    left = (rows["churned"].astype(bool) & (rows["stop"] <= end)).to_numpy()
    until = rows["stop"].where(left, rows["start"].where(rows["start"] > end, end))
    return rows.assign(
        stop=rows["stop"].where(left),
        churned=left,
        tenure_months=np.where(left, rows["tenure_months"], periods.months_between(rows["start"], until)),
        churn_reason=rows["churn_reason"].where(left, ""),
    ).reset_index(drop=True)


def _expected(rows: pd.DataFrame, first: pd.Timestamp) -> tuple[float, int]:
    """Departures expected before a day at the later pace by tenure, and those found."""
    day_before = first - pd.Timedelta(days=1)
    began = rows["start"] < first
    entry = np.where(began, periods.months_between(rows["start"], np.full(len(rows), day_before.to_datetime64())), 0.0)
    tenure = rows["tenure_months"].to_numpy(dtype=float)
    later = (tenure > entry) & (rows["stop"].isna() | (rows["stop"] >= first)).to_numpy()
    left = rows["churned"].to_numpy(dtype=bool) & later
    if rows["stop"][left].nunique() < FEWEST:
        return np.nan, 0
    # the later pace at every tenure at which somebody left: an annual contract is lost at its end and not before
    at, lost = np.unique(tenure[left], return_counts=True)
    risk = np.searchsorted(np.sort(entry[later]), at, "left") - np.searchsorted(np.sort(tenure[later]), at, "left")
    pace = np.where(risk >= ENOUGH, lost / np.maximum(risk, 1), 0.0)
    lived = np.sort(np.minimum(entry, tenure)[began.to_numpy()])
    expected = (pace * (len(lived) - np.searchsorted(lived, at, "left"))).sum()
    return float(expected), int((rows["churned"].astype(bool) & (rows["stop"] < first)).sum())
