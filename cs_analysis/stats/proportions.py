"""Shares of a whole and the Net Promoter Score, each with an interval that also holds for small numbers."""

from __future__ import annotations

from math import isfinite, nan, sqrt
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from cs_analysis.errors import N_, InputError


class Estimate(NamedTuple):
    """A figure with its interval; ``nan`` where nothing can be known."""

    estimate: float
    low: float
    high: float


def z_value(level: float) -> float:
    """The normal quantile of a two-sided interval.

    >>> round(z_value(0.95), 4)
    1.96
    """
    if not 0 < level < 1:
        raise InputError(
            N_("The level of an interval is {level}; it must lie between 0 and 1, for example 0.95."), level=level
        )
    return float(ndtri((1 + level) / 2))


def wilson(successes: float, n: float, level: float = 0.95) -> Estimate:
    """A share with its Wilson score interval.

    The limits are the shares p that the score test (p̂ − p)² ≤ z² p (1 − p) / n does not reject.

    Parameters
    ----------
    successes, n
        Counts; an effective n, which need not be whole, is as good.
    level
        Coverage of the interval.

    Returns
    -------
    Estimate
        estimate, low, high as fractions; all ``nan`` when n is 0.

    Raises
    ------
    InputError
        If successes are below 0 or above n, or the level is no probability.

    Examples
    --------
    Half of four: the centre is ½ and the half-width z √(¼/4 + z²/64) / (1 + z²/4) = 0.35.

    >>> [round(value, 3) for value in wilson(2, 4)]
    [0.5, 0.15, 0.85]

    Notes
    -----
    Wilson (1927), Probable inference, the law of succession, and statistical inference. JASA 22.
    """
    if not (isfinite(successes) and isfinite(n) and 0 <= successes <= n):
        raise InputError(
            N_("A share needs 0 ≤ successes ≤ n; there are {successes} successes and n is {n}."),
            successes=successes,
            n=n,
        )
    z_value(level)
    if n == 0:
        return Estimate(nan, nan, nan)
    share = successes / n
    low, high = wilson_limits(share, n, level)
    return Estimate(share, float(low), float(high))


def wilson_limits(
    share: np.ndarray | float, n: np.ndarray | float, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """The Wilson limits of many shares at once (arrays or numbers; ``nan`` where n is not above 0).

    >>> low, high = wilson_limits([0.5, 1.0], [4, 10])
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.15, 0.722], [0.85, 1.0])
    """
    share = np.asarray(share, dtype=float)
    n = np.where(np.asarray(n, dtype=float) > 0, np.asarray(n, dtype=float), nan)
    z = z_value(level)
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # at 0 and at 1 the limit is the share itself; rounding must not push it past
    low = np.where(share == 0, np.where(np.isnan(n), nan, 0.0), centre - half)
    high = np.where(share == 1, np.where(np.isnan(n), nan, 1.0), centre + half)
    return low, high


def nps(promoters: float, passives: float, detractors: float, level: float = 0.95) -> Estimate:
    """The Net Promoter Score in points with its adjusted Wald interval.

    The score is 100 (p − d). The interval adds ¾, 1½ and ¾ answers to promoters, passives and detractors and is
    centre ± z √((p' + d' − (p' − d')²) / (n + 3)), cut at −100 and 100.

    Parameters
    ----------
    promoters, passives, detractors
        Answers 9–10, 7–8 and 0–6. Where accounts have several respondents, the counts divided by the design effect.
    level
        Coverage of the interval.

    Returns
    -------
    Estimate
        estimate, low, high in points (−100 to 100); all ``nan`` without an answer.

    Raises
    ------
    InputError
        If a count is below 0 or not a number.

    Examples
    --------
    >>> [round(value, 3) for value in nps(19, 9, 8)]
    [30.556, 2.878, 53.532]

    Notes
    -----
    Rocks (2016), Interval estimation for the "Net Promoter Score". The American Statistician 70(4).
    """
    counts = (promoters, passives, detractors)
    if not all(isfinite(count) and count >= 0 for count in counts):
        raise InputError(
            N_("NPS needs three counts of 0 or more; there are {promoters}, {passives} and {detractors}."),
            promoters=promoters,
            passives=passives,
            detractors=detractors,
        )
    z = z_value(level)
    n = sum(counts)
    if n == 0:
        return Estimate(nan, nan, nan)
    p, d = (promoters + 0.75) / (n + 3), (detractors + 0.75) / (n + 3)
    half = z * sqrt((p + d - (p - d) ** 2) / (n + 3))
    return Estimate(
        100 * (promoters - detractors) / n,
        max(-100.0, 100 * (p - d - half)),
        min(100.0, 100 * (p - d + half)),
    )
