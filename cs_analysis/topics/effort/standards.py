"""Standard times per task, and the hours that would be won if the others worked at the pace of the fastest.

The unit is an account in a phase, never an entry: how work is cut into entries is habit. Every month an account was in
the phase counts, with entries or without. The hours to win are the sum most often asked for and most often wrong:
whoever is fastest was also lucky. So the fastest are chosen on one half of the accounts and timed on the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from cs_analysis.stats.resample import percentiles
from cs_analysis.topics.effort import csms
from cs_analysis.topics.effort.units import CELLS, recent, served, units

FASTEST = 0.25  # share of CSMs whose pace is the standard
MOST_TASKS = 25  # of which hours to win are looked for, those with most hours
MIN_ACCOUNTS = 20  # below which halves are too small to choose on
_CUTS = 60  # of the accounts as they are
_CUTS_PER_DRAW = 4
COLUMNS = (
    "task", "hours", "share", "n", "median", "p90", "rate", "rate_low", "rate_high", "spread", "spread_low",
    "spread_high", "hours_to_win", "low", "high", "shown",
)  # fmt: skip


class Cuts(NamedTuple):
    """Accounts drawn and cut in halves, the same for all tasks.

    ``counts``: draws × accounts, how often each is drawn; ``sides``: per direction the weights of the accounts in the
    half (rows × accounts), first those of the accounts as they are, then of each draw; ``months``: per direction rows ×
    cells × CSMs; ``place``: of each account in a phase its account, ``slot`` its cell and CSM.
    """

    counts: np.ndarray
    sides: tuple[np.ndarray, np.ndarray]
    months: tuple[np.ndarray, np.ndarray]
    place: np.ndarray
    slot: np.ndarray
    shape: tuple[int, int]


def task_standards(
    hours: pd.DataFrame, *, seed: int, cells: Sequence[str] = CELLS, months: int | None = 12, draws: int = 400
) -> pd.DataFrame:
    """What each task takes per account and month, how far CSMs differ in it, and the hours that could be won.

    *Hours to win*: accounts are cut in halves at random; on one the fastest quarter of CSMs is chosen (by hours against
    those of comparable accounts), on the other their pace is compared with the others' within mix cells
    (Mantel–Haenszel), halves swapped, negatives kept; the mean of many such cuts. Its interval draws accounts again,
    the copies of an account in the same half, and repeats cut and choice each time.

    Parameters
    ----------
    hours
        account_id ("" = internal), phase, task, csm, month, hours, and the columns of ``cells``.
    seed
        Of the cuts and draws.
    cells, months
        As in :func:`effort.csm_comparison`.
    draws
        Accounts drawn again how often.

    Returns
    -------
    One row per task of customers' hours, most hours to win first: hours, share (of customers' hours), n (accounts with
    the task); median, p90: hours per account and month, over accounts in a phase that have the task; rate, rate_low,
    rate_high: mean over all accounts, with or without it; spread: highest ÷ lowest CSM effect after shrinkage,
    spread_low, spread_high those effects (ratios); hours_to_win, low, high over the months looked at; shown: "gain"
    (the interval lies above 0), "none" (it does not), "few" (under twenty accounts or two CSMs, or among the smaller
    tasks beyond the first twenty-five).

    Notes
    -----
    Without the cut eight equal CSMs "win" 27 % of their hours (simulated).
    """
    used = recent(hours, months, cells=cells)
    if used.empty:
        return pd.DataFrame(columns=list(COLUMNS)).astype(dict.fromkeys(COLUMNS[1:-1], float))
    base = units(used, cells=cells)
    total = float(used["hours"].sum())
    tasks = used.groupby("task", sort=True)["hours"].sum().sort_values(ascending=False, kind="stable")
    accounts = np.array(sorted(base["account_id"].unique()), dtype=object)
    cuts = _cuts(base, accounts, seed, draws)
    rows = []
    for place, (task, spent) in enumerate(tasks.items()):
        part = _of_task(base, used[used["task"] == task])
        has = part[part["hours"] > 0]
        pace_ = has["hours"] / has["months"]
        row = {
            "task": task, "hours": spent, "share": spent / total, "n": has["account_id"].nunique(),
            "median": float(pace_.median()), "p90": float(pace_.quantile(0.9)),
        }  # fmt: skip
        row |= _rate(part, cuts.place, cuts.counts)
        row |= _spread(part) if place < MOST_TASKS else {}
        few = len(accounts) < MIN_ACCOUNTS or cuts.shape[1] < 2 or place >= MOST_TASKS
        won = (np.nan,) * 3 if few else _hours_to_win(part["hours"].to_numpy(dtype=float), cuts)
        row |= dict(zip(("hours_to_win", "low", "high"), won, strict=True))
        known = np.isfinite(won).all()
        row["shown"] = "few" if not known else "gain" if won[1] > 0 else "none"
        rows.append(row)
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.sort_values(["hours_to_win", "hours"], ascending=False, na_position="last", ignore_index=True)


def phase_standards(hours: pd.DataFrame, *, seed: int, months: int | None = 12, draws: int = 500) -> pd.DataFrame:
    """What each task takes per account and month in each phase.

    Parameters
    ----------
    hours, months, draws
        As in :func:`task_standards`.

    Returns
    -------
    One row per task × phase with hours, by name: hours, n (accounts with the task), median, p90 over them; rate, low,
    high: mean hours per account and month in the phase over all accounts, interval by drawing accounts again.
    The hours add up to the customers' hours.

    Examples
    --------
    Two accounts, two months each: 3 hours and 1 hour a month, so the mean is 2 and so is the median.

    >>> months = ("2026-03", "2026-04")
    >>> rows = [(a, "steady", "call", "Sato", m, h) for a, h in (("A", 3.0), ("B", 1.0)) for m in months]
    >>> frame = pd.DataFrame(rows, columns=["account_id", "phase", "task", "csm", "month", "hours"])
    >>> phase_standards(frame, seed=1)[["hours", "n", "median", "rate"]].values.tolist()
    [[8.0, 2.0, 2.0, 2.0]]
    """
    used = recent(hours, months)
    base = served(used)
    accounts = np.array(sorted(base["account_id"].unique()), dtype=object)
    weight = _drawn(len(accounts), seed, draws)
    rows = []
    for (task, phase), spent in used.groupby(["task", "phase"], sort=True):
        part = _of_task(base[base["phase"] == phase], spent)
        has = part[part["hours"] > 0]
        pace_ = has["hours"] / has["months"]
        position = np.searchsorted(accounts, part["account_id"].to_numpy(dtype=object))
        found = _rate(part, position, weight)
        rows.append(
            {
                "task": task, "phase": phase, "hours": spent["hours"].sum(), "n": len(has),
                "median": float(pace_.median()), "p90": float(pace_.quantile(0.9)), "rate": found["rate"],
                "low": found["rate_low"], "high": found["rate_high"],
            }
        )  # fmt: skip
    names = ["task", "phase", "hours", "n", "median", "p90", "rate", "low", "high"]
    return pd.DataFrame(rows, columns=pd.Index(names))


def _of_task(base: pd.DataFrame, spent: pd.DataFrame) -> pd.DataFrame:
    """The accounts in their phases with the hours of one task, 0 where there are none."""
    booked = spent.groupby(["account_id", "phase"], sort=False)["hours"].sum().rename("hours").reset_index()
    part = base.drop(columns="hours", errors="ignore").merge(booked, on=["account_id", "phase"], how="left")
    part["hours"] = part["hours"].fillna(0.0)
    return part


def _drawn(n: int, seed: int, draws: int) -> np.ndarray:
    """How often each account is drawn: draws × accounts."""
    share = np.full(n, 1 / n) if n else np.zeros(0)
    return (
        np.random.default_rng([seed, 5]).multinomial(n, share, size=draws).astype(float) if n else np.zeros((draws, 0))
    )


def _cuts(base: pd.DataFrame, accounts: np.ndarray, seed: int, draws: int) -> Cuts:
    """Accounts drawn again and cut, with the months that each half has."""
    n, rng = len(accounts), np.random.default_rng([seed, 6])
    counts = _drawn(n, seed, draws)
    weight = np.vstack([np.ones((_CUTS, n)), np.repeat(counts, _CUTS_PER_DRAW, axis=0)])
    first = rng.random(weight.shape).argsort(axis=1).argsort(axis=1) * 2 < n
    sides = (weight * first, weight * ~first)
    names, who = np.unique(base["csm"].to_numpy(dtype=object), return_inverse=True)
    cell = base["cell"].to_numpy(dtype="int64")
    shape = (int(cell.max()) + 1 if len(cell) else 0, len(names))
    place = np.searchsorted(accounts, base["account_id"].to_numpy(dtype=object))
    cuts = Cuts(counts, sides, (np.zeros(0), np.zeros(0)), place, cell * len(names) + who, shape)
    months = base["months"].to_numpy(dtype=float)
    return cuts._replace(months=(_tables(months, cuts, 0), _tables(months, cuts, 1)))


def _tables(values: np.ndarray, cuts: Cuts, side: int) -> np.ndarray:
    """Sums of ``values`` in one half: rows × cells × CSMs."""
    size = (cuts.shape[0] * cuts.shape[1], cuts.sides[side].shape[1])
    matrix = sparse.csr_matrix((values, (cuts.slot, cuts.place)), size)
    return (matrix @ cuts.sides[side].T).T.reshape(-1, *cuts.shape)


def _rate(part: pd.DataFrame, position: np.ndarray, weight: np.ndarray) -> dict[str, float]:
    """Mean hours per account and month with its interval."""
    spent, months = (np.bincount(position, weights=part[c], minlength=weight.shape[1]) for c in ("hours", "months"))
    if not months.sum() > 0:
        return dict.fromkeys(("rate", "rate_low", "rate_high"), float("nan"))
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = (weight @ spent) / (weight @ months)
    low, high = percentiles(drawn) if (months > 0).sum() > 1 else (float("nan"), float("nan"))
    if low == high:  # all accounts alike: nothing that could be drawn differently
        low = high = float("nan")
    return {"rate": float(spent.sum() / months.sum()), "rate_low": low, "rate_high": high}


def _spread(part: pd.DataFrame) -> dict[str, float]:
    """How far CSMs lie apart in a task once chance is taken out."""
    drawn = np.exp(csms.effects(csms.pace(part)).estimate)
    known = drawn[np.isfinite(drawn)]
    if len(known) < 2:
        return dict.fromkeys(("spread", "spread_low", "spread_high"), float("nan"))
    low, high = float(known.min()), float(known.max())
    return {"spread": high / low, "spread_low": low, "spread_high": high}


def _hours_to_win(spent: np.ndarray, cuts: Cuts) -> tuple[float, float, float]:
    """Estimate, low and high of the hours to win of one task."""
    one, two = (_tables(spent, cuts, side) for side in (0, 1))
    won = _gain(one, cuts.months[0], two, cuts.months[1]) + _gain(two, cuts.months[1], one, cuts.months[0])
    drawn = won[_CUTS:].reshape(len(cuts.counts), _CUTS_PER_DRAW).mean(axis=1)
    return (float(won[:_CUTS].mean()), *percentiles(drawn))


def _gain(spent: np.ndarray, months: np.ndarray, test_spent: np.ndarray, test_months: np.ndarray) -> np.ndarray:
    """The fastest by the first tables (draw × cell × CSM), timed on the second: hours the others would have won."""
    total, time = spent.sum(axis=2), months.sum(axis=2)
    rate = np.divide(total, time, out=np.zeros_like(total), where=time > 0)
    expected = (rate[:, :, None] * months).sum(axis=1)
    ratio = np.divide(spent.sum(axis=1), expected, out=np.full_like(expected, np.inf), where=expected > 0)
    take = max(1, round(FASTEST * spent.shape[2]))
    fast = np.zeros(ratio.shape, dtype=bool)
    np.put_along_axis(fast, ratio.argsort(axis=1)[:, :take], True, axis=1)
    fast &= np.isfinite(ratio)
    quick, slow = (np.einsum("dck,dk->dc", test_spent, part.astype(float)) for part in (fast, ~fast))
    quick_months, slow_months = (np.einsum("dck,dk->dc", test_months, part.astype(float)) for part in (fast, ~fast))
    both = quick_months + slow_months
    shared = (quick_months > 0) & (slow_months > 0)
    share = np.divide(1.0, both, out=np.zeros_like(both), where=shared)
    theirs = (quick * slow_months * share).sum(axis=1)
    others = (slow * quick_months * share).sum(axis=1)
    gap = 1 - np.divide(theirs, others, out=np.ones_like(theirs), where=others > 0)
    return gap * np.where(shared, slow, 0).sum(axis=1)
