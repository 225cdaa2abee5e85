"""Do groups survive alike? The log-rank test, for any number of groups, late entry and strata.

lifelines' test takes a degree of freedom for every group, also for one that was never at risk of anything, and has
neither late entry nor strata.
"""

from __future__ import annotations

from math import nan
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from cs_analysis.stats.survival.rows import Rows, labels, rows

SINGULAR = 1e-9  # relative size below which a direction has no variance


class LogRank(NamedTuple):
    """A log-rank test: ``statistic`` (χ²), ``df``, ``p``; ``nan`` where the groups cannot be compared."""

    statistic: float
    df: int
    p: float


def logrank(
    durations: ArrayLike,
    observed: ArrayLike,
    groups: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> LogRank:
    """The log-rank test of equal survival in all groups.

    At each event time E_g = d n_g / n and V_gh = d (n − d) / (n − 1) × (n_g / n) (δ_gh − n_h / n); χ² is the
    quadratic form of Σ(O − E) in the inverse of ΣV, sums over times and strata.

    Parameters
    ----------
    durations, observed, entry, weights
        As in :func:`curve`.
    groups
        A label per row.
    strata
        A label per row: groups are compared within strata only.

    Returns
    -------
    LogRank
        statistic, df (groups with expected events less one, as far as they meet at risk), p.

    Raises
    ------
    InputError
        As :func:`curve`; a blank group or stratum.

    Examples
    --------
    At 1 a loses one (E = ½, V = ¼), at 2 a has 1 of 3 (E = ⅓, V = 2/9), then b is alone: χ² = (2 − 5/6)² / (17/36).

    >>> found = logrank([1, 2, 3, 4], [1, 1, 1, 1], ["a", "a", "b", "b"])
    >>> round(found.statistic, 6), found.df
    (2.882353, 1)

    Notes
    -----
    Mantel (1966); Kalbfleisch and Prentice (2002), section 1.5.
    """
    found = rows(durations, observed, entry, weights)
    codes, names = labels(groups, len(np.asarray(durations)))
    layers, layer_names = labels(strata, len(np.asarray(durations)), "strata")
    codes, layers = codes[found.kept], layers[found.kept]
    excess, variance = np.zeros(len(names)), np.zeros((len(names), len(names)))
    for layer in range(len(layer_names)):
        within = slice(None) if len(layer_names) == 1 else np.flatnonzero(layers == layer)
        d, n = _counts(found.take(within), codes[within], len(names))
        _add(d, n, excess, variance)
    return _test(excess, variance)


def _counts(found: Rows, codes: np.ndarray, n_groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Events and numbers at risk: a row per group, a column per time with an event in any group."""
    dead = np.bincount(found.last, found.weight * found.observed, len(found.times)) > 0
    until = np.cumsum(dead)  # event times up to each time
    size = int(until[-1]) + 1 if len(until) else 1
    enter = (until - dead)[found.first] + codes * size
    leave = until[found.last] + codes * size
    shape = (n_groups, size)
    events = np.bincount(leave, found.weight * found.observed, n_groups * size).reshape(shape)[:, 1:]
    entered, left = (np.bincount(place, found.weight, n_groups * size).reshape(shape) for place in (enter, leave))
    return events, np.cumsum(entered - left, axis=1)[:, :-1]


def _add(d: np.ndarray, n: np.ndarray, excess: np.ndarray, variance: np.ndarray) -> None:
    """Add one stratum's O − E and its variance."""
    deaths, total = d.sum(axis=0), n.sum(axis=0)
    share = n / total
    excess += (d - share * deaths).sum(axis=1)
    spread = np.divide(deaths * (total - deaths), total - 1, out=np.zeros(len(total)), where=total > 1)
    between = -(share * spread) @ share.T
    np.fill_diagonal(between, 0)
    variance += between - np.diag(between.sum(axis=1))  # each row adds up to 0, exactly


def _test(excess: np.ndarray, variance: np.ndarray) -> LogRank:
    scale = np.sqrt(np.diag(variance))
    met = scale > 0
    if not met.any():
        return LogRank(nan, 0, nan)
    scaled = variance[np.ix_(met, met)] / np.outer(scale[met], scale[met])
    values, directions = np.linalg.eigh(scaled)
    real = values > SINGULAR * values[-1]
    parts = (excess[met] / scale[met]) @ directions[:, real]
    statistic, df = float((parts**2 / values[real]).sum()), int(real.sum())
    return LogRank(statistic, df, float(chdtrc(df, statistic)))
