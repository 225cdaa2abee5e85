"""Shares of a whole and the Net Promoter Score, each with an interval that also holds for small numbers."""

from __future__ import annotations

from math import isfinite, nan, sqrt
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
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
    estimate = 100 * (promoters - detractors) / n
    # a single answer lies outside its own interval by a hair; no reader would believe that
    return Estimate(
        estimate,
        min(estimate, max(-100.0, 100 * (p - d - half))),
        max(estimate, min(100.0, 100 * (p - d + half))),
    )


def clustered_share(events: ArrayLike, clusters: ArrayLike, level: float = 0.95) -> Estimate:
    """A share whose cases come in clusters (an account in several surveys): Wilson with n ÷ the design effect.

    The design effect is the variance between clusters ÷ that of as many independent cases, at least 1; where all cases
    agree it is n ÷ the number of clusters.

    Parameters
    ----------
    events
        0 or 1 per case.
    clusters
        The cluster of each case.

    Returns
    -------
    Estimate
        estimate, low, high as fractions; all ``nan`` without a case.

    Examples
    --------
    One case per cluster is the plain Wilson interval; counting each case twice makes it no narrower:

    >>> [round(v, 3) for v in clustered_share([1, 0, 1, 0], list("abcd"))]
    [0.5, 0.15, 0.85]
    >>> [round(v, 3) for v in clustered_share([1, 1, 0, 0, 1, 1, 0, 0], list("aabbccdd"))]
    [0.5, 0.137, 0.863]
    """
    x = np.asarray(events, dtype=float)
    n = len(x)
    if n == 0:
        return Estimate(nan, nan, nan)
    codes = pd.factorize(np.asarray(clusters))[0]
    m = int(codes.max()) + 1
    share = float(x.mean())
    if m < 2 or share in (0.0, 1.0):
        worth = float(m)
    else:
        between = float((np.bincount(codes, weights=x - share) ** 2).sum()) * m / (m - 1)
        worth = n / max(1.0, between / (share * (1 - share) * n * n / (n - 1)))
    low, high = wilson_limits(share, worth, level)
    return Estimate(share, float(low), float(high))


def risk_ratio(
    events: ArrayLike, reference: ArrayLike, clusters: ArrayLike, reference_clusters: ArrayLike, level: float = 0.95
) -> Estimate:
    """How many times as often something happens in one group as in another, clusters in both groups paired.

    The interval is exp(log ratio ± z · SE), the error from what each cluster adds to the log ratio, and never below
    that of independent cases with half an event added. Where a group has no event, half of one is added to both.

    Parameters
    ----------
    events, reference
        0 or 1 per case of the group and of the one it is compared with.
    clusters, reference_clusters
        The cluster (account) of each case.

    Returns
    -------
    Estimate
        estimate, low, high; all ``nan`` when a group is empty or neither has an event.

    Examples
    --------
    10 of 40 against 5 of 40: twice as often, SE² = (1/10 − 1/40 + 1/5 − 1/40) · 80/79.

    >>> x, y = [1] * 10 + [0] * 30, [1] * 5 + [0] * 35
    >>> [round(v, 2) for v in risk_ratio(x, y, range(40), range(40, 80))]
    [2.0, 0.75, 5.36]

    Notes
    -----
    Katz et al. (1978), Biometrics 34; half an event: Walter (1975), Biometrika 62.
    """
    a, b = np.asarray(events, dtype=float), np.asarray(reference, dtype=float)
    z = z_value(level)
    if not len(a) or not len(b) or not a.sum() + b.sum():
        return Estimate(nan, nan, nan)
    half = 0.5 if not (a.sum() and b.sum()) else 0.0
    risk_a, risk_b = ((x.sum() + half) / (len(x) + half) for x in (a, b))
    codes = pd.factorize(np.concatenate([np.asarray(clusters), np.asarray(reference_clusters)]))[0]
    m = int(codes.max()) + 1
    moved = np.bincount(codes[: len(a)], weights=(a - risk_a) / (len(a) * risk_a), minlength=m)
    moved -= np.bincount(codes[len(a) :], weights=(b - risk_b) / (len(b) * risk_b), minlength=m)
    plain = sum(1 / (x.sum() + 0.5) - 1 / (len(x) + 1) for x in (a, b))
    error = sqrt(max(float((moved**2).sum()) * m / max(1, m - 1), plain))
    ratio = float(risk_a / risk_b)
    return Estimate(ratio, ratio * float(np.exp(-z * error)), ratio * float(np.exp(z * error)))
