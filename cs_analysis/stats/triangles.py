"""Cohort triangles: age-to-age factors, their projection to later ages (chain ladder), its error, and a test.

A triangle has one row per origin (cohort), one column per age, amounts that stand at that age, and missing cells
where the age was not yet reached. Rows may be ragged: any number of origins may end at the same age.
"""

from __future__ import annotations

from math import comb, nan, sqrt
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import ndtr

from cs_analysis.errors import N_, InputError
from cs_analysis.stats.proportions import z_value


class ChainLadder(NamedTuple):
    """A projected triangle.

    ``factors``: from each age to the next (one fewer than ages; ``nan`` where no origin shows it). ``projected``:
    the triangle with its missing cells filled, of the kind given. ``se``: Mack's standard error of each origin's
    amount at the last age. ``total_se``: that of their sum. ``counts``: origins behind each factor. ``sigma2``:
    Mack's variance parameter of each factor.
    """

    factors: np.ndarray
    projected: pd.DataFrame | np.ndarray
    se: np.ndarray
    total_se: float
    counts: np.ndarray
    sigma2: np.ndarray


class AgeFactors(NamedTuple):
    """Age-to-age factors: ``factors``, ``counts`` (origins behind each) and ``volume`` (their amount at the younger
    age)."""

    factors: np.ndarray
    counts: np.ndarray
    volume: np.ndarray


class CalendarTest(NamedTuple):
    """Mack's test for calendar-year effects: ``statistic`` Z, what is ``expected`` without an effect, the range
    ``low`` to ``high`` in which Z then lies, and the two-sided ``p``; ``nan`` where there is too little to test."""

    statistic: float
    expected: float
    low: float
    high: float
    p: float


def age_factors(triangle: pd.DataFrame | ArrayLike) -> AgeFactors:
    """Volume-weighted factors from each age to the next.

    f_k = Σ C_{i,k+1} ÷ Σ C_{i,k} over the origins whose next age is observed.

    Parameters
    ----------
    triangle
        Rows = origins, columns = ages, missing = not yet observed.

    Returns
    -------
    AgeFactors
        factors, counts, volume: one entry per step from an age to the next.

    Raises
    ------
    InputError
        If the triangle is empty, an origin has a gap or nothing at all, or an amount is infinite or below 0.

    Examples
    --------
    From the first to the second age 30 → 45 over two origins, then 20 → 22 for the older one:

    >>> found = age_factors([[10, 20, 22], [20, 25, np.nan], [7, np.nan, np.nan]])
    >>> found.factors.tolist(), found.counts.tolist(), found.volume.tolist()
    ([1.5, 1.1], [2, 1], [30.0, 20.0])
    """
    return _age_factors(*_observed(triangle))


def chain_ladder(triangle: pd.DataFrame | ArrayLike) -> ChainLadder:
    """A triangle projected to its last age, with the error of the projection.

    Missing cells are C_{i,k+1} = f_k C_{i,k}. Errors are those of Mack: with
    σ²_k = Σ C_{i,k} (C_{i,k+1}/C_{i,k} − f_k)² ÷ (origins − 1), the mean squared error grows from age to age as
    mse' = f² mse + σ² C (1 + C/S), S the volume behind f. A factor that rests on one origin takes
    min(σ⁴_{k−1}/σ²_{k−2}, σ²_{k−2}, σ²_{k−1}), and has no error where there are no such neighbours.

    Parameters
    ----------
    triangle
        Rows = origins, columns = ages, cumulative (amounts that stand, not increments), missing = not yet observed.

    Returns
    -------
    ChainLadder
        factors, projected, se (per row, of the amount at the last age; 0 where it was observed), total_se, counts,
        sigma2. Ages that no origin has reached stay missing, and errors are those at the last age reached.

    Raises
    ------
    InputError
        As :func:`age_factors`.

    Examples
    --------
    >>> result = chain_ladder([[10, 20, 22], [20, 25, np.nan], [8, np.nan, np.nan]])
    >>> result.projected.round(6).tolist()
    [[10.0, 20.0, 22.0], [20.0, 25.0, 27.5], [8.0, 12.0, 13.2]]

    Notes
    -----
    Mack (1993), Distribution-free calculation of the standard error of chain ladder reserve estimates.
    ASTIN Bulletin 23(2).
    """
    cells, last = _observed(triangle)
    found = _age_factors(cells, last)
    sigma2 = _sigma2(cells, last, found)
    projected = cells.copy()
    mse, total = np.zeros(len(cells)), 0.0
    for k in range(int(last.max())):
        open_rows = last <= k
        amount = projected[open_rows, k]
        if not len(amount):
            continue
        factor, volume = found.factors[k], found.volume[k]
        projected[open_rows, k + 1] = factor * amount
        share = np.divide(amount, volume, out=np.full(len(amount), nan), where=volume > 0)
        mse[open_rows] = factor**2 * mse[open_rows] + sigma2[k] * amount * (1 + share)
        total = factor**2 * total + sigma2[k] * (amount.sum() + amount.sum() * share.sum())
    if isinstance(triangle, pd.DataFrame):
        projected = pd.DataFrame(projected, index=triangle.index, columns=triangle.columns)
    return ChainLadder(found.factors, projected, np.sqrt(mse), sqrt(total), found.counts, sigma2)


def calendar_test(triangle: pd.DataFrame | ArrayLike, level: float = 0.95) -> CalendarTest:
    """Mack's test whether calendar periods (diagonals) move the factors of all origins at once.

    Each age-to-age ratio is large or small, compared with the median of its age (equal ones drop out). On a
    diagonal with n ratios z is the smaller of the two counts. Without an effect, with m = ⌊(n−1)/2⌋,
    E z = n/2 − C(n−1, m) n/2ⁿ and Var z = n(n−1)/4 − C(n−1, m) n(n−1)/2ⁿ + E z − (E z)². Z = Σz is taken as normal.
    Too small a Z speaks for an effect, and then the chain ladder's intervals are too narrow.

    Parameters
    ----------
    triangle
        Rows = origins in time order, one period apart; columns = ages of the same period.
    level
        Coverage of the range low to high.

    Returns
    -------
    CalendarTest
        statistic, expected, low, high, p.

    Raises
    ------
    InputError
        As :func:`age_factors`.

    Examples
    --------
    Ratios 2, 3, 4 of the first age are small, equal and large, 2 and 3 of the second small and large. Both large ones
    lie on the last diagonal: z = 0, where ½ is expected of two throws; alone on a diagonal z is 0 anyhow.

    >>> calendar_test([[1, 2, 4, 4], [1, 3, 9, np.nan], [1, 4, np.nan, np.nan], [1, np.nan, np.nan, np.nan]])[:2]
    (0.0, 0.5)

    Notes
    -----
    Mack (1994), Measuring the variability of chain ladder reserve estimates. CAS Forum, appendix H.
    """
    z = z_value(level)
    cells, _ = _observed(triangle)
    ratios = np.divide(cells[:, 1:], cells[:, :-1], out=np.full_like(cells[:, 1:], nan), where=cells[:, :-1] > 0)
    signs = np.array([_signs(column) for column in ratios.T]).T.reshape(ratios.shape)
    diagonal = np.add.outer(np.arange(ratios.shape[0]), np.arange(ratios.shape[1]))
    statistic, expected, variance = 0.0, 0.0, 0.0
    for period in np.unique(diagonal):
        here = signs[diagonal == period]
        large, small = int((here > 0).sum()), int((here < 0).sum())
        mean, spread = _smaller_count_moments(large + small)
        statistic, expected, variance = statistic + min(large, small), expected + mean, variance + spread
    if variance == 0:
        return CalendarTest(nan, nan, nan, nan, nan)
    sd = sqrt(variance)
    p = float(2 * ndtr(-abs(statistic - expected) / sd))
    return CalendarTest(statistic, expected, expected - z * sd, expected + z * sd, p)


def _observed(triangle: pd.DataFrame | ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """The cells as floats and the position of each row's last observed one."""
    cells = np.asarray(triangle, dtype=float)
    if cells.ndim != 2 or not cells.size:
        raise InputError(N_("The triangle is empty; it needs a row per origin and a column per age."))
    known = ~np.isnan(cells)
    last = known.sum(axis=1) - 1
    whole = (known == (np.arange(cells.shape[1]) <= last[:, None])).all(axis=1) & (last >= 0)
    names = triangle.index if isinstance(triangle, pd.DataFrame) else range(len(cells))
    if not whole.all():
        raise InputError(
            N_("The origin {origin} of the triangle has a gap; its ages must be observed from the first without one."),
            origin=str(names[int(np.flatnonzero(~whole)[0])]),
        )
    fits = np.where(known, cells >= 0, True) & ~np.isinf(cells)
    if not fits.all():
        row, column = np.argwhere(~fits)[0]
        raise InputError(
            N_("The origin {origin} of the triangle holds {value}; amounts must be 0 or more."),
            origin=str(names[int(row)]),
            value=float(cells[row, column]),
        )
    return cells, last


def _age_factors(cells: np.ndarray, last: np.ndarray) -> AgeFactors:
    steps = cells.shape[1] - 1
    seen = last[:, None] > np.arange(steps)  # the next age is observed
    volume = np.where(seen, cells[:, :-1], 0).sum(axis=0)
    later = np.where(seen, cells[:, 1:], 0).sum(axis=0)
    factors = np.divide(later, volume, out=np.full(steps, nan), where=volume > 0)
    return AgeFactors(factors, seen.sum(axis=0), volume)


def _sigma2(cells: np.ndarray, last: np.ndarray, found: AgeFactors) -> np.ndarray:
    sigma2 = np.full(len(found.factors), nan)
    for k, factor in enumerate(found.factors):
        # an origin of which nothing was left has no ratio
        rows = (last > k) & (np.nan_to_num(cells[:, k]) > 0)
        if rows.sum() >= 2:
            younger, older = cells[rows, k], cells[rows, k + 1]
            sigma2[k] = float(((older - factor * younger) ** 2 / younger).sum()) / (rows.sum() - 1)
        elif rows.sum() == 1 and k >= 2:
            before, previous = sigma2[k - 2], sigma2[k - 1]
            sigma2[k] = min(previous**2 / before, before, previous) if before > 0 else before
    return sigma2


def _signs(ratios: np.ndarray) -> np.ndarray:
    """1 above the column's median, −1 below it, 0 at it or where there is none."""
    known = np.isfinite(ratios)
    if not known.any():
        return np.zeros(len(ratios))
    return np.where(known, np.sign(np.nan_to_num(ratios) - np.median(ratios[known])), 0)


def _smaller_count_moments(n: int) -> tuple[float, float]:
    """Mean and variance of min(heads, tails) of n fair throws."""
    middle = comb(n - 1, (n - 1) // 2) / 2**n if n else 0.0
    mean = n / 2 - middle * n
    return mean, n * (n - 1) / 4 - middle * n * (n - 1) + mean - mean**2
