"""Intervals by drawing whole units (accounts) again, for figures that have no formula of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import nan

import numpy as np
import pandas as pd

from cs_analysis.errors import N_, InputError
from cs_analysis.stats.proportions import Estimate, z_value

DRAWS = 1000
MAX_WITHOUT_VALUE = 0.05  # share of draws without a value above which there is no interval


def bootstrap(
    statistic: Callable[[pd.DataFrame], float],
    frame: pd.DataFrame,
    *,
    units: str,
    seed: int,
    level: float = 0.95,
    draws: int = DRAWS,
) -> Estimate:
    """A statistic of a frame with its percentile interval, whole units drawn with replacement.

    Every draw takes as many units as there are, each with all its rows; a unit drawn twice counts as two (the units
    column holds the position in the draw). The interval runs from the (1 − level)/2 to the (1 + level)/2 quantile
    of the statistic over the draws.

    Parameters
    ----------
    statistic
        Takes such a frame and returns a number (``nan`` where it has none).
    frame
        Rows of any grain below the unit.
    units
        The column that names the unit, such as "account_id". The order of the rows changes nothing.
    seed
        Seed of the draws: the same seed gives the same interval.
    level
        Coverage of the interval.
    draws
        How many draws.

    Returns
    -------
    Estimate
        estimate (of the frame as it is), low, high; the limits are ``nan`` with fewer than two units, or when more
        than 5 % of the draws have no value.

    Raises
    ------
    InputError
        If the units column is not there or has gaps.

    Examples
    --------
    Each account's mean is 2, so however accounts are drawn the mean is 2:

    >>> hours = pd.DataFrame({"account_id": ["a", "a", "b", "b"], "hours": [1.0, 3.0, 0.0, 4.0]})
    >>> bootstrap(lambda drawn: drawn["hours"].mean(), hours, units="account_id", seed=1)
    Estimate(estimate=2.0, low=2.0, high=2.0)

    Notes
    -----
    Efron and Tibshirani (1993), An Introduction to the Bootstrap, section 13.3. Percentile intervals of skewed
    money sums cover too little (81–91 % in simulation): ratios have their own in ``stats.ratios``.
    """
    z_value(level)
    names, rows = _rows_by_unit(frame, units)
    estimate = float(statistic(frame))
    if len(names) < 2:
        return Estimate(estimate, nan, nan)
    values = np.array([float(statistic(drawn)) for drawn in _frames(frame, units, rows, seed, draws)])
    low, high = percentiles(values, level)
    return Estimate(estimate, low, high)


def unit_counts(n_units: int, *, seed: int, draws: int = DRAWS) -> np.ndarray:
    """How often each unit is drawn: the draws of :func:`bootstrap` as weights, for statistics that are sums.

    Parameters
    ----------
    n_units
        Number of units, in the sorted order of their names.
    seed, draws
        As in :func:`bootstrap`.

    Returns
    -------
    np.ndarray
        int64, one row per draw, one column per unit; every row adds up to ``n_units``.

    Examples
    --------
    Sums of all draws at once are one product, here of two accounts with 10 and 30 hours:

    >>> totals = unit_counts(2, seed=1, draws=100) @ np.array([10.0, 30.0])
    >>> sorted(set(totals.tolist()))
    [20.0, 40.0, 60.0]
    """
    counts = np.empty((draws, n_units), dtype=np.int64)
    for row, drawn in enumerate(_draws(n_units, seed, draws)):
        counts[row] = np.bincount(drawn, minlength=n_units)
    return counts


def percentiles(values: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The percentile interval of drawn values; ``nan`` when more than 5 % of them are missing.

    >>> percentiles(np.array([3.0, 1.0, 2.0, 5.0, 4.0]), 0.5)
    (2.0, 4.0)
    """
    known = values[np.isfinite(values)]
    if not len(known) or len(known) < (1 - MAX_WITHOUT_VALUE) * len(values):
        return nan, nan
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _draws(n_units: int, seed: int, draws: int) -> Iterator[np.ndarray]:
    source = np.random.default_rng(seed)
    for _ in range(draws):
        yield source.integers(0, n_units, n_units)


def _rows_by_unit(frame: pd.DataFrame, units: str) -> tuple[np.ndarray, list[np.ndarray]]:
    """Names of the units, sorted, and the positions of each one's rows."""
    if units not in frame.columns:
        raise InputError(
            N_("There is no column {column!r} to draw by; there are: {known}."),
            column=units,
            known=", ".join(map(str, frame.columns)),
        )
    if bool(np.asarray(frame[units].isna()).any()):
        raise InputError(N_("The column {column!r} to draw by has gaps; leave those rows out."), column=units)
    codes, names = pd.factorize(frame[units], sort=True)
    order = np.argsort(codes, kind="stable")
    return np.asarray(names), np.split(order, np.cumsum(np.bincount(codes))[:-1]) if len(names) else []


def _frames(frame: pd.DataFrame, units: str, rows: list[np.ndarray], seed: int, draws: int) -> Iterator[pd.DataFrame]:
    sizes = np.array([len(positions) for positions in rows])
    for drawn in _draws(len(rows), seed, draws):
        taken = frame.take(np.concatenate([rows[unit] for unit in drawn]))
        taken[units] = np.repeat(np.arange(len(rows)), sizes[drawn])
        yield taken
