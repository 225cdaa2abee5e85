"""Survival curves: Kaplan–Meier with late entry, its value at a time, its quantiles, and the curve of money.

Kaplan–Meier is a product over counts, so it is computed from the counts. lifelines' fitter gives the same curve but
takes every row through pandas, and its median misses S = ½ by rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import nan
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cs_analysis.errors import N_, InputError
from cs_analysis.stats.proportions import Estimate, wilson_limits, z_value
from cs_analysis.stats.survival.rows import SAME, Rows, labels, numbers, rows

ROUNDING = 1e-9  # products of many factors miss a round share by less than this


class Steps(NamedTuple):
    """The counts of one group at each of its distinct times: ``time``, ``at_risk``, ``events``, and ``left`` of those
    at risk once the events are over."""

    time: np.ndarray
    at_risk: np.ndarray
    events: np.ndarray
    left: np.ndarray

    def survival(self) -> np.ndarray:
        """S after each time: Π (1 − d/n)."""
        return np.cumprod(self.left / self.at_risk)

    def log_variance(self) -> np.ndarray:
        """Greenwood's variance of log S after each time: Σ d / (n (n − d)), terms with n = d being 0."""
        return np.cumsum(greenwood_terms(self))


def curve(
    durations: ArrayLike,
    observed: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """The Kaplan–Meier curve: the share still there after each time.

    S(t) = Π_{t_j ≤ t} (1 − d_j / n_j) with n_j those with entry < t_j ≤ duration. The interval is log–log with
    Greenwood's variance; while S = 1, or once S = 0, it is Wilson's with the number at risk (once S = 0: that at the
    last event).

    Parameters
    ----------
    durations, observed, entry, weights
        As in :func:`rows`: numbers ≥ 0 of any unit, 0/1 codes, starts, and counts of equal rows.
    groups
        A label per row; None = one group called "".
    level
        Coverage of the interval, at each time.

    Returns
    -------
    pd.DataFrame
        A row per group and distinct time (of events and of censorings): group, time, estimate, low, high (fractions),
        at_risk (just before the time), events (at it), std_error (Greenwood's, of S; missing once S = 0).

    Raises
    ------
    InputError
        As :func:`rows`; a blank group; a level that is no probability.

    Examples
    --------
    Of three one is lost at 2, one leaves unlost at 3, and the last is lost at 4:

    >>> curve([2, 3, 4], [1, 0, 1])[["time", "estimate", "at_risk", "events"]].round(3).to_numpy().tolist()
    [[2.0, 0.667, 3.0, 1.0], [3.0, 0.667, 2.0, 0.0], [4.0, 0.0, 1.0, 1.0]]

    Notes
    -----
    Kaplan and Meier (1958), JASA 53; Kalbfleisch and Prentice (2002), section 1.4, for the log–log interval.
    """
    z_value(level)
    found = rows(durations, observed, entry, weights)
    codes, names = labels(groups, len(np.asarray(durations)))
    parts = [_frame(names[code], steps, level) for code, steps in steps_by_group(found, codes[found.kept])]
    return pd.concat(parts, ignore_index=True) if parts else _frame("", NO_STEPS, level)


def at(
    durations: ArrayLike,
    observed: ArrayLike,
    times: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """The share still there after given times, such as S(12) and S(24).

    Parameters
    ----------
    durations, observed, entry, weights, level
        As in :func:`curve`.
    times
        One time or several, in the unit of the durations. Events at a time itself have happened.

    Returns
    -------
    pd.DataFrame
        A row per given time, in the order given: time, estimate, low, high (missing beyond the last time followed,
        unless S has reached 0), at_risk (just before the time).

    Raises
    ------
    InputError
        As :func:`curve`; a time that is negative or no number.

    Examples
    --------
    >>> at([2, 3, 4, 6], [1, 0, 1, 0], [1, 2, 5, 7])[["estimate", "at_risk"]].to_numpy().tolist()
    [[1.0, 4.0], [0.75, 4.0], [0.375, 1.0], [nan, 0.0]]
    """
    z_value(level)
    wanted = numbers(np.atleast_1d(np.asarray(times)), "times")
    found = rows(durations, observed, entry, weights)
    count = at_risk(found, wanted)
    steps = steps_of(found)
    s = steps.survival()
    low, high = _limits(steps, level)
    step = np.searchsorted(steps.time, wanted * (1 + SAME), side="right")  # 0 = before the first
    s, low, high = np.append(1.0, s)[step], np.append(nan, low)[step], np.append(nan, high)[step]
    whole_low, whole_high = wilson_limits(np.ones(len(wanted)), count, level)
    low, high = np.where(s == 1, whole_low, low), np.where(s == 1, whole_high, high)
    last = steps.time[-1] * (1 + SAME) if len(steps.time) else -1.0
    known = (s == 0) | (wanted <= last)
    columns = {"estimate": s, "low": low, "high": high}
    columns = {name: np.where(known, values, nan) for name, values in columns.items()}
    return pd.DataFrame({"time": wanted, **columns, "at_risk": counts(count)})


def quantile(
    durations: ArrayLike,
    observed: ArrayLike,
    q: float = 0.5,
    *,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """The first time at which at most the share ``q`` is still there; q = ½ is the median.

    The interval runs from the first event at which the curve's lower limit is at most q to the first at which its
    upper limit is. A share that meets q but for rounding has met it.

    Parameters
    ----------
    durations, observed, entry, weights, level
        As in :func:`curve`.
    q
        Share still there, between 0 and 1; the time by which 80 % are gone is q = 0.2.

    Returns
    -------
    Estimate
        estimate, low, high in the unit of the durations; ``nan`` = not reached.

    Raises
    ------
    InputError
        As :func:`curve`; a q that does not lie between 0 and 1.

    Examples
    --------
    >>> quantile([10, 20, 25, 30, 40], [1, 1, 0, 1, 0]).estimate
    30.0

    Notes
    -----
    Brookmeyer and Crowley (1982), Biometrics 38, with log–log limits. R's survfit takes the middle of the flat piece
    when S is exactly q; this is its beginning.
    """
    z_value(level)
    if not 0 < q < 1:
        raise InputError(N_("A quantile of a curve is a share between 0 and 1, for example 0.5; q is {q!r}."), q=q)
    steps = steps_of(rows(durations, observed, entry, weights))
    s = steps.survival()
    low, high = _limits(steps, level)
    fell = steps.events > 0  # a censoring is no news about when the curve falls
    return Estimate(*(_first_below(steps.time[fell], values[fell], q) for values in (s, low, high)))


def weighted_curve(
    durations: ArrayLike,
    observed: ArrayLike,
    amounts: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """MRR-weighted survival: the share of the opening money still there after each time.

    The curve is Kaplan–Meier on amounts. Its variance is Greenwood's with Kish's n = (Σa)² / Σa² of each risk set
    for the number at risk; the n that would give a plain share that variance gives Wilson's limits. While S = 1, or
    once S = 0, that n is Kish's of the risk set.

    Parameters
    ----------
    durations, observed, entry, level
        As in :func:`curve`.
    amounts
        Opening amount of each row, ≥ 0; rows with 0 stand outside.

    Returns
    -------
    pd.DataFrame
        A row per distinct time: time, estimate, low, high (fractions), at_risk (rows, just before the time), n_eff
        (Kish's n of the same risk set).

    Raises
    ------
    InputError
        As :func:`curve`; an amount that is negative or no number.

    Examples
    --------
    10 of 100 are lost at 2, then 30 of 90 at 4:

    >>> weighted_curve([2, 4, 6, 6], [1, 1, 0, 0], [10, 30, 20, 40])["estimate"].round(6).tolist()
    [0.9, 0.6, 0.6]
    """
    z_value(level)
    n_rows = len(numbers(durations, "durations"))
    found = rows(durations, observed, entry, numbers(amounts, "amounts", n_rows))
    money = steps_of(found)
    heads, squares = (steps_of(_weighing(found, weight)) for weight in (np.ones(len(found.end)), found.weight**2))
    kish = np.minimum(money.at_risk**2 / squares.at_risk, heads.at_risk)
    s = money.survival()
    lost = 1 - money.left / money.at_risk
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(money.left > 0, lost / ((1 - lost) * kish), 0.0)
        n = np.where((s > 0) & (s < 1), (1 - s) / (s * np.cumsum(terms)), at_the_last_event(s, kish))
    low, high = wilson_limits(s, n, level)
    columns = {"time": money.time, "estimate": s, "low": low, "high": high}
    return pd.DataFrame({**columns, "at_risk": counts(heads.at_risk), "n_eff": kish})


def steps_of(found: Rows) -> Steps:
    """The steps of all rows taken as one group."""
    for _code, steps in steps_by_group(found, np.zeros(len(found.last), dtype=np.int64)):
        return steps
    return NO_STEPS


def steps_by_group(found: Rows, codes: np.ndarray) -> Iterator[tuple[int, Steps]]:
    """Each group's steps, groups in the order of their codes.

    Every count is a sum over (group, time) pairs; the number at risk is what ends later less what enters later, so
    that it is exact at the end of the curve, where it is small.
    """
    if not len(codes):
        return
    n_times = len(found.times)
    place, pairs = pd.factorize(codes * n_times + found.last, sort=True)
    starts, begin = pd.factorize(codes * n_times + found.first)
    entered = np.bincount(np.searchsorted(pairs, begin)[starts], found.weight, len(pairs))
    ended = np.bincount(place, found.weight, len(pairs))
    events = np.bincount(place, found.weight * found.observed, len(pairs))
    group, rank = np.divmod(np.asarray(pairs), n_times)
    edges = np.flatnonzero(np.diff(group, prepend=-1, append=-1))
    for start, stop in pairwise(edges):
        part = slice(start, stop)
        count = _from_here_on(ended[part]) - _from_here_on(entered[part]) + entered[part]
        count = np.maximum(count, ended[part])  # sums of fractions may miss by rounding
        left = count - events[part]
        left[left <= 1e-12 * ended[part].sum()] = 0
        yield int(group[start]), Steps(found.times[rank[part]], count, events[part], left)


def at_risk(found: Rows, times: np.ndarray) -> np.ndarray:
    """How many rows are at risk at each of some times, which need not be times of theirs."""
    before = np.asarray(times) * (1 - SAME)
    ended = np.append(0, np.cumsum(np.bincount(found.last, found.weight, len(found.times))))
    code, known = pd.factorize(found.entry, sort=True)
    entered = np.append(0, np.cumsum(np.bincount(code, found.weight, len(known))))
    known = np.where(np.asarray(known, dtype=float) == 0, -1, known)  # who enters at 0 is there at 0
    return entered[np.searchsorted(known, before)] - ended[np.searchsorted(found.times, before)]


def greenwood_terms(steps: Steps) -> np.ndarray:
    """d / (n (n − d)) at each time, 0 where nobody is left."""
    positive = steps.left > 0
    return np.divide(steps.events, steps.at_risk * steps.left, out=np.zeros(len(steps.time)), where=positive)


def log_log_limits(s: np.ndarray, variance: np.ndarray, n: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Limits of shares between 0 and 1 from the variance of their logarithm; Wilson's with n at 0 and at 1."""
    low, high = wilson_limits(s, n, level)
    inside = (s > 0) & (s < 1)
    with np.errstate(over="ignore"):
        factor = np.exp(z_value(level) * np.sqrt(variance[inside]) / -np.log(s[inside]))
    low[inside], high[inside] = s[inside] ** factor, s[inside] ** (1 / factor)
    return low, high


def at_the_last_event(s: np.ndarray, n: np.ndarray) -> np.ndarray:
    """The numbers at risk; once S = 0 that of the time when it fell to 0, whoever may have entered since."""
    gone = np.flatnonzero(s == 0)
    return n if not len(gone) else np.append(n[: gone[0]], np.repeat(n[gone[0]], len(gone)))


def _limits(steps: Steps, level: float) -> tuple[np.ndarray, np.ndarray]:
    s = steps.survival()
    return log_log_limits(s, steps.log_variance(), at_the_last_event(s, steps.at_risk), level)


def _frame(name: object, steps: Steps, level: float) -> pd.DataFrame:
    s, variance = steps.survival(), steps.log_variance()
    low, high = _limits(steps, level)
    return pd.DataFrame(
        {
            "group": pd.Series([name] * len(s), dtype=object),
            "time": steps.time,
            "estimate": s,
            "low": low,
            "high": high,
            "at_risk": counts(steps.at_risk),
            "events": counts(steps.events),
            "std_error": np.where(s == 0, nan, s * np.sqrt(variance)),
        }
    )


def counts(values: np.ndarray) -> np.ndarray:
    """Counts as whole numbers where they are whole."""
    whole = np.rint(values)
    return whole.astype(np.int64) if (whole == values).all() else values


def _first_below(times: np.ndarray, values: np.ndarray, q: float) -> float:
    below = np.flatnonzero(values <= q + ROUNDING)
    return float(times[below[0]]) if len(below) else nan


def _from_here_on(values: np.ndarray) -> np.ndarray:
    return np.cumsum(values[::-1])[::-1]


def _weighing(found: Rows, weight: np.ndarray) -> Rows:
    return Rows(found.times, found.first, found.last, found.observed, weight, found.kept, found.entry, found.end)


NO_STEPS = Steps(np.empty(0), np.empty(0), np.empty(0), np.empty(0))
