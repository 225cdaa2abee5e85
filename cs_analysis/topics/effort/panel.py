"""Accounts followed month by month around a start: hours, phases, who was touched, and what chance would make of it.

    spent (account × month)      phase                        touched  after
    A   6  3  0 | 2  1           onb onb ste | ste ste        yes      no no no | yes yes
    B   1  1  1 | 1  1           ste ste ste | ste ste        no

The tests shuffle what was assigned (CSMs, groups or accounts): the effect is taken out of the hours, and what is left
must not tell the touched from the others.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from cs_analysis.stats import regression
from cs_analysis.stats.permute import assignment_p


class Panel(NamedTuple):
    """Hours account × month, the months an account was there and its phase, who was touched, and what was assigned."""

    spent: np.ndarray
    there: np.ndarray
    phase: np.ndarray
    after: np.ndarray
    months: np.ndarray
    touched: np.ndarray
    cluster: np.ndarray


def panel_of(used: pd.DataFrame, task: str, start: int, whom: pd.DataFrame) -> Panel:
    """Account × month from each account's first entry to its last in the window, zeros kept."""
    account, names = pd.factorize(used["account_id"], sort=True)
    months = np.sort(used["at"].unique())
    column = np.searchsorted(months, used["at"].to_numpy())
    shape = (len(names), len(months))
    first, last = np.full(shape[0], shape[1]), np.full(shape[0], -1)
    np.minimum.at(first, account, column)
    np.maximum.at(last, account, column)
    place = np.arange(shape[1])
    there = (place >= first[:, None]) & (place <= last[:, None])
    chosen = np.ones(len(used), dtype=bool) if task == "" else (used["task"] == task).to_numpy()
    spent = np.zeros(shape)
    np.add.at(spent, (account[chosen], column[chosen]), used["hours"].to_numpy(dtype=float)[chosen])
    phase = _phases(used, account, column, shape)
    side = whom.reindex(names)
    cluster = pd.factorize(side["cluster"], sort=True)[0]
    return Panel(spent, there, phase, months >= start, months, side["touched"].to_numpy(dtype=bool), cluster)


def _phases(used: pd.DataFrame, account: np.ndarray, column: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The phase in which most of a month's hours were booked, that of the month before where there are none."""
    code = pd.factorize(used["phase"], sort=True)[0]
    booked = pd.DataFrame({"a": account, "m": column, "p": code, "h": used["hours"].to_numpy()})
    booked = booked.groupby(["a", "m", "p"], sort=True)["h"].sum().reset_index()
    booked = booked.sort_values(["a", "m", "h"], ascending=[True, True, False], kind="stable")
    booked = booked.drop_duplicates(["a", "m"])
    out = np.full(shape, np.nan)
    out[booked["a"], booked["m"]] = booked["p"]
    return pd.DataFrame(out).ffill(axis=1).fillna(-1).to_numpy(dtype="int64")


def fit_panel(panel: Panel, extra: np.ndarray) -> regression.Fit:
    """Account effects concentrated out; months and phases as columns, then those of ``extra`` (account × month × …)."""
    account, month = np.nonzero(panel.there)
    months = month[:, None] == np.arange(1, len(panel.months))
    phases = panel.phase[account, month][:, None] == np.unique(panel.phase[panel.there])[1:]
    x = np.column_stack([months.astype(float), phases.astype(float), extra[account, month]])
    return regression.poisson(panel.spent[account, month], x, absorb=account, cluster=panel.cluster[account])


def phase_pace(panel: Panel, fit: regression.Fit) -> np.ndarray:
    """By how much each account's phase multiplies its hours, 0 in months it was not there."""
    phases = np.unique(panel.phase[panel.there])
    place = len(panel.months) - 1
    effects = np.concatenate([[0.0], fit.coef[place : place + len(phases) - 1]])
    at = np.clip(np.searchsorted(phases, panel.phase), 0, len(phases) - 1)
    return np.where(panel.there, np.exp(effects)[at], 0.0)


def shuffled_p(panel: Panel, ways: np.ndarray, pace: np.ndarray, beta: float) -> float:
    """p of the effect ``beta``: take it out of the hours, then compare who was touched with all assignments."""
    effect = np.where(np.outer(panel.touched, panel.after), np.exp(-beta), 1.0)
    without = panel.spent * effect
    gap = without - regression.two_way(without, pace).fitted
    sums = np.bincount(panel.cluster, weights=gap[:, panel.after].sum(axis=1))
    return assignment_p(sums, ways)


def bound(panel: Panel, ways: np.ndarray, pace: np.ndarray, beta: float, direction: int) -> float:
    """The farthest effect on one side that the shuffles do not reject."""
    inside, outside = beta, beta + 3.0 * direction
    for step in (0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5):
        if shuffled_p(panel, ways, pace, beta + direction * step) <= 0.05:
            outside = beta + direction * step
            break
        inside = beta + direction * step
    for _ in range(6):
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if shuffled_p(panel, ways, pace, middle) <= 0.05 else (middle, outside)
    return outside


def pretrend_p(panel: Panel, ways: np.ndarray, pace: np.ndarray) -> float:
    """p of a straight path of the touched away from the untouched before the start."""
    before = ~panel.after
    if before.sum() < 3:
        return float("nan")
    spent, exposure = panel.spent[:, before], pace[:, before]
    if not spent.sum() > 0:
        return float("nan")
    gap = spent - regression.two_way(spent, exposure).fitted
    time = panel.months[before] - panel.months[before].mean()
    return assignment_p(np.bincount(panel.cluster, weights=gap @ time, minlength=ways.shape[1]), ways)
