"""What comparisons of hours rest on: accounts in a phase, how long they were in it, and whose they are.

    hours                                                 units (cells: touch_model, phase)
    account  phase       csm   month    hours             account  csm   phase       touch_model  months  hours
    A        onboarding  Sato  2026-01  6.0               A        Sato  onboarding  high         2       9.0
    A        onboarding  Sato  2026-02  3.0               A        Sato  steady      high         2       1.0
    A        steady      Ito   2026-03  1.0   (April: none, May: renewal …)

An account is one unit with one CSM, who booked most of its hours; what colleagues booked for it counts too. A month
without an entry belongs to the phase before it, up to the account's last entry: a CSM who does the work of two months
in one is not slower. A month in which two phases were booked is divided between them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cs_analysis.errors import N_, check_columns
from cs_analysis.stats import periods

CELLS = ("touch_model", "phase", "size")
NEEDED = ("account_id", "phase", "task", "csm", "month", "hours")


def recent(hours: pd.DataFrame, months: int | None, *, cells: Sequence[str] = ()) -> pd.DataFrame:
    """Customers' hours of the last ``months`` months there are, with the month as a number (``at``)."""
    check_columns(hours, (*NEEDED, *cells), N_("The hours have no column {missing}; the columns there are: {known}."))
    labels = {m: periods.month_index(f"{m}-01") for m in hours["month"].unique()}
    at = hours["month"].map(labels).astype("int64")
    kept = (hours["account_id"] != "") & (hours["hours"] > 0)
    if months is not None and len(at):
        kept &= at > at.max() - months
    return hours[kept].assign(at=at[kept])


def csm_of(hours: pd.DataFrame) -> pd.Series:
    """account_id → the CSM who booked most of its hours (of equals the first by name)."""
    booked = hours.groupby(["account_id", "csm"], sort=True)["hours"].sum().reset_index()
    booked = booked.sort_values(["account_id", "hours", "csm"], ascending=[True, False, True], kind="stable")
    return booked.drop_duplicates("account_id").set_index("account_id")["csm"]


def served(hours: pd.DataFrame) -> pd.DataFrame:
    """account_id, phase → months: how long each account was in each phase, from its first entry to its last."""
    there = hours[["account_id", "at", "phase"]].drop_duplicates()
    there = there.sort_values(["account_id", "at", "phase"], kind="stable", ignore_index=True)
    visits = there[["account_id", "at"]].drop_duplicates()
    following = visits.groupby("account_id", sort=False)["at"].shift(-1)
    visits = visits.assign(lasted=(following - visits["at"]).fillna(1.0))
    there = there.merge(visits, on=["account_id", "at"])
    phases = there.groupby(["account_id", "at"], sort=False)["phase"].transform("size")
    there["months"] = there["lasted"] / phases
    return there.groupby(["account_id", "phase"], sort=True)["months"].sum().reset_index()


def units(hours: pd.DataFrame, *, cells: Sequence[str] = CELLS) -> pd.DataFrame:
    """account_id, csm, phase, the cells' columns, cell (0, 1, …), months, hours: one row per account and phase."""
    frame = served(hours).merge(
        hours.groupby(["account_id", "phase"], sort=True)["hours"].sum().reset_index(), on=["account_id", "phase"]
    )
    frame["csm"] = frame["account_id"].map(csm_of(hours))
    fixed = [c for c in cells if c != "phase"]
    if fixed:
        frame = frame.merge(hours.drop_duplicates("account_id")[["account_id", *fixed]], on="account_id")
    keys = frame[list(cells)].astype(str).agg("\x1f".join, axis=1) if len(cells) and len(frame) else None
    frame["cell"] = pd.factorize(keys, sort=True)[0] if keys is not None else np.zeros(len(frame), dtype="int64")
    return frame


def strata(units: pd.DataFrame) -> pd.Series:
    """account_id → its mix cell: the one in which it was longest."""
    longest = units.sort_values(["account_id", "months", "cell"], ascending=[True, False, True], kind="stable")
    return longest.drop_duplicates("account_id").set_index("account_id")["cell"]
