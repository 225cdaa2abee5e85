"""Why accounts leave: the share lost for each reason, beside those still there.

Reasons compete: who left for one can no longer leave for another. One minus a survival curve per reason overstates
every reason; the Aalen–Johansen estimate does not, and with the survival curve its parts add up to 100 %.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cs_analysis.stats import survival
from cs_analysis.topics.churn.curves import at_risk, groups, stepped

REASONS = ("reason", "month", "estimate", "low", "high", "lost", "at_risk")


def reasons(lives: pd.DataFrame) -> pd.DataFrame:
    """The share of accounts that has left for each reason after each month of tenure.

    Parameters
    ----------
    lives
        As from :func:`cs_analysis.stats.lives.lives`; departures without a reason are a reason of their own ("").

    Returns
    -------
    One row per reason × month (whole months and those at which somebody left): estimate, low, high (fractions), lost
    (departures for it in all), at_risk (accounts followed then). The commonest reason first. No rows while nobody has
    left.

    Examples
    --------
    Causes 0 1 1 2 2 0 at 1 … 6: one of five, then one of four leave for 1; half of what is left (0.6), for 2.

    >>> six = pd.DataFrame({"account_id": list("ABCDEF"), "entry_months": 0.0, "tenure_months": [1.0, 2, 3, 4, 5, 6],
    ...     "churned": [False, True, True, True, True, False], "churn_reason": ["", *"1122", ""], "left_out": ""})
    >>> found = reasons(six)
    >>> found.pivot(index="month", columns="reason", values="estimate").round(3).loc[[1, 3, 4, 5]].values.tolist()
    [[0.0, 0.0], [0.4, 0.0], [0.4, 0.2], [0.4, 0.4]]

    Notes
    -----
    Aalen and Johansen (1978); definitions, section 3.
    """
    found = next(groups(lives, ""), None)
    if found is None or not found[1]["churned"].any():
        return pd.DataFrame(columns=list(REASONS))
    rows = found[1]
    left = rows["churned"].astype(bool)
    given = rows["churn_reason"].fillna("").astype(str).where(left, "")
    counts = given[left].value_counts()
    names = sorted(counts.index, key=lambda name: (-counts[name], name))
    codes = np.where(left, given.map({name: i + 1 for i, name in enumerate(names)}), 0).astype(int)
    tenure = rows["tenure_months"].to_numpy(dtype=float)
    times = np.unique(np.concatenate([np.arange(np.floor(tenure.max()) + 1), tenure[left]]))
    table = survival.cumulative_incidence(tenure, codes, entry=rows["entry_months"])
    risk, parts = at_risk(rows, times), []
    for code, name in enumerate(names, start=1):
        steps = table[table["cause"].astype(int) == code].sort_values("time", kind="stable")
        values = {c: stepped(steps["time"], steps[c], times, 0.0) for c in ("estimate", "low", "high")}
        parts.append(
            pd.DataFrame({"reason": name, "month": times, **values, "lost": int(counts[name]), "at_risk": risk})
        )
    return pd.concat(parts, ignore_index=True)[list(REASONS)]
