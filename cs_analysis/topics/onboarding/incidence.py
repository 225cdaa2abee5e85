"""The share gone live by day d, for one sample or for many draws of it at once.

Aalen–Johansen with two ways out, going live and leaving before: with n(t) at risk at t (entered before t, not yet out),
d(t) going live and c(t) leaving, S(t) = Π (1 − (d + c) / n) and the share gone live F(t) = Σ S(t−) d / n. Whoever left
never counts as live. The area above F up to τ is the restricted mean of days not yet live. Without leavers S = 1 − F is
Kaplan and Meier's curve and the area is its RMST.

Equal accounts are joined first, so that a bootstrap over any number of accounts is a matter of counts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from cs_analysis.stats.proportions import Estimate
from cs_analysis.stats.resample import percentiles

OPEN, LIVE, LEFT = 0, 1, 2
DRAWS = 2000
_SAME = 1e-9  # a share that reaches ½ up to rounding has reached it


class Cells(NamedTuple):
    """Accounts with equal histories joined: entered after day ``entry``, out on ``days`` by ``code``; how many."""

    entry: np.ndarray
    days: np.ndarray
    code: np.ndarray
    counts: np.ndarray


class Curves(NamedTuple):
    """One curve per draw: rows are draws, columns the ``times``; ``known`` is the last day a draw can speak of."""

    times: np.ndarray
    live: np.ndarray
    open: np.ndarray
    risk: np.ndarray
    going: np.ndarray
    leaving: np.ndarray
    known: np.ndarray


def cells(entry: np.ndarray, days: np.ndarray, code: np.ndarray) -> Cells:
    """Join equal accounts; ``entry`` 0 means there from the very start, so that an event on day 0 counts."""
    rows = np.column_stack([np.where(np.asarray(entry) > 0, entry, -1), days, code]).astype(float)
    if not len(rows):
        return Cells(*(np.empty(0) for _ in range(4)))
    unique, counts = np.unique(rows, axis=0, return_counts=True)
    return Cells(unique[:, 0], unique[:, 1], unique[:, 2].astype(int), counts.astype(float))


def curves(at: Cells, counts: np.ndarray | None = None) -> Curves:
    """The curve of each draw; ``counts`` has a row per draw and a column per cell, by default the sample itself."""
    counts = at.counts[None, :] if counts is None else np.asarray(counts, dtype=float)
    times = np.unique(at.days)
    inside = ((at.entry[:, None] < times) & (times <= at.days[:, None])).astype(float)
    ends = (at.days[:, None] == times).astype(float)
    risk = counts @ inside
    going = counts @ (ends * (at.code == LIVE)[:, None])
    leaving = counts @ (ends * (at.code == LEFT)[:, None])
    some = np.where(risk > 0, risk, 1.0)
    left = np.clip(1 - (going + leaving) / some, 0.0, 1.0).cumprod(axis=1)
    before = np.hstack([np.ones((len(counts), 1)), left[:, :-1]])
    live = (before * going / some).cumsum(axis=1)
    last = (counts > 0) * at.days if len(at.days) else np.full((len(counts), 1), np.nan)
    over = left[:, -1] <= _SAME if len(times) else np.zeros(len(counts), dtype=bool)
    return Curves(times, live, left, risk, going, leaving, np.where(over, np.inf, last.max(axis=1)))


def share(found: Curves, day: float) -> np.ndarray:
    """Share gone live by ``day`` in each draw; missing where nobody was followed that far."""
    place = int(np.searchsorted(found.times, day, side="right")) - 1
    value = found.live[:, place] if place >= 0 else np.zeros(len(found.live))
    return np.where(found.known >= day, value, np.nan)


def quantile(found: Curves, q: float = 0.5) -> np.ndarray:
    """First day by which a share ``q`` has gone live in each draw; missing where it is not reached."""
    reached = found.live >= q - _SAME
    if not found.times.size:
        return np.full(len(found.live), np.nan)
    return np.where(reached.any(axis=1), found.times[reached.argmax(axis=1)], np.nan)


def rmst(found: Curves, tau: float) -> np.ndarray:
    """Restricted mean of days not yet live up to ``tau`` in each draw; missing where nobody was followed that far."""
    steps = np.diff(found.live, axis=1, prepend=0.0)
    return np.where(found.known >= tau, tau - steps @ np.clip(tau - found.times, 0.0, None), np.nan)


def rmst_interval(at: Cells, tau: float, level: float = 0.95) -> tuple[Estimate, float]:
    """The restricted mean with its interval (Student's t, cut at 0 and τ) and its standard error.

    By the delta method over the independent increments of both hazards: with R(u) = Σ_{u<v≤τ} (τ − v) S(v−) d(v)/n(v)
    and h = (d + c)/n, the mean moves by −[(τ − u) S(u−) − R/(1 − h)] with the hazard of going live at u and by
    R/(1 − h) with that of leaving; their covariance is that of a multinomial share. Without leavers this is
    Σ A² d / (n (n − d)), A the area under S from u to τ.
    """
    found = curves(at)
    value = float(rmst(found, tau)[0])
    if not np.isfinite(value):
        return Estimate(np.nan, np.nan, np.nan), np.nan
    early = found.times <= tau
    u, n = found.times[early], found.risk[0, early]
    n = np.where(n > 0, n, 1.0)
    h1, h2 = found.going[0, early] / n, found.leaving[0, early] / n
    before = np.concatenate([[1.0], found.open[0, :-1]])[early]
    weighted = (tau - u) * before * h1
    rest = weighted[::-1].cumsum()[::-1] - weighted
    kept = 1 - h1 - h2
    after = np.where(kept > _SAME, rest / np.where(kept > _SAME, kept, 1.0), 0.0)
    by_going, by_leaving = (tau - u) * before - after, -after
    variance = by_going**2 * h1 * (1 - h1) + by_leaving**2 * h2 * (1 - h2) - 2 * by_going * by_leaving * h1 * h2
    se = float(np.sqrt(np.clip(variance / n, 0.0, None).sum()))
    # with few accounts the normal quantile is too narrow: 10 to 15 of them cover 90 % by it, 93 % by Student's t
    half = float(stdtrit(at.counts.sum() - 1, (1 + level) / 2)) * se
    if se < _SAME:  # all on one day, or nobody yet: nothing has been seen to vary
        return Estimate(value, np.nan, np.nan), se
    return Estimate(value, max(0.0, value - half), min(float(tau), value + half)), se


def draws(at: Cells, *, seed: int, times: int = DRAWS) -> np.ndarray:
    """Counts of the cells when as many accounts as there are are drawn with replacement, one row per draw."""
    total = int(at.counts.sum())
    return np.random.default_rng(seed).multinomial(total, at.counts / total, size=times).astype(float)


def difference(
    a: list[Cells], b: list[Cells], statistic: Callable[[list[Curves]], np.ndarray], *, seed: int
) -> tuple[Estimate, np.ndarray]:
    """A statistic of ``a`` minus that of ``b``, two independent samples, by bootstrap over accounts.

    Each sample is a list of strata; the statistic takes their curves.

    Returns
    -------
    The estimate with its percentile interval, and the drawn differences.
    """
    seeds = iter(np.random.SeedSequence(seed).generate_state(len(a) + len(b)).tolist())
    drawn = [[_carried(curves(part, draws(part, seed=next(seeds)))) for part in side] for side in (a, b)]
    value = float((statistic([curves(p) for p in a]) - statistic([curves(p) for p in b]))[0])
    differences = statistic(drawn[0]) - statistic(drawn[1])
    if not np.isfinite(value):
        return Estimate(np.nan, np.nan, np.nan), differences
    return Estimate(value, *_spread(differences)), differences


def _carried(drawn: Curves) -> Curves:
    """Draws in which nobody was followed as far as in the sample hold their last value: they count too."""
    return drawn._replace(known=np.full(len(drawn.live), np.inf))


def _spread(values: np.ndarray) -> tuple[float, float]:
    """The percentile interval; none where the draws do not vary at all."""
    low, high = percentiles(values)
    return (low, high) if high > low else (np.nan, np.nan)


def paired(now: pd.DataFrame, then: pd.DataFrame, statistic: Callable[[Curves], np.ndarray], *, seed: int) -> Estimate:
    """A statistic now minus then, accounts drawn as wholes: who is in both samples is drawn into both.

    Parameters
    ----------
    now, then
        account_id, entry, days, code: the accounts as they stand in each sample.
    """
    both = now.merge(then, on="account_id", how="outer", suffixes=("_now", "_then")).drop(columns="account_id")
    if not len(now) or not len(then):
        return Estimate(np.nan, np.nan, np.nan)
    rows, counts = np.unique(both.fillna(-9.0).to_numpy(dtype=float), axis=0, return_counts=True)
    frame = pd.DataFrame(rows, columns=both.columns)
    drawn = np.random.default_rng(seed).multinomial(int(counts.sum()), counts / counts.sum(), size=DRAWS)
    values = []
    for side in ("_now", "_then"):
        part = frame[[f"{name}{side}" for name in ("entry", "days", "code")]].to_numpy()
        there = part[:, 1] >= 0
        entry = np.where(part[there, 0] > 0, part[there, 0], -1)
        at = Cells(entry, part[there, 1], part[there, 2].astype(int), counts[there].astype(float))
        values.append((statistic(curves(at)), statistic(_carried(curves(at, drawn[:, there])))))
    estimate = float((values[0][0] - values[1][0])[0])
    if not np.isfinite(estimate):
        return Estimate(np.nan, np.nan, np.nan)
    return Estimate(estimate, *_spread(values[0][1] - values[1][1]))
