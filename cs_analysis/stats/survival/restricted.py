"""Restricted mean survival time (RMST): the area under a curve up to a horizon τ, and differences between groups."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import isnan, nan, sqrt
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import expit, logit, ndtr

from cs_analysis.errors import N_, InputError
from cs_analysis.stats.proportions import z_value
from cs_analysis.stats.survival.curves import Steps, at_risk, greenwood_terms, steps_by_group
from cs_analysis.stats.survival.rows import SAME, labels, rows


class RestrictedMean(NamedTuple):
    """A restricted mean with its standard error and interval; ``nan`` where it cannot be known."""

    estimate: float
    se: float
    low: float
    high: float


UNKNOWN = RestrictedMean(nan, nan, nan, nan)


def rmst(
    durations: ArrayLike,
    observed: ArrayLike,
    tau: float,
    *,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    level: float = 0.95,
) -> RestrictedMean:
    """Restricted mean survival time: the mean time there within the first τ, ∫₀^τ S.

    Var = Σ_{t_j ≤ τ} A_j² d_j / (n_j (n_j − d_j)) with A_j = ∫_{t_j}^τ S; terms with n_j = d_j are 0. The interval
    is logit(estimate / τ) ± z SE τ / (estimate (τ − estimate)), turned back: it stays between 0 and τ, and covers 92
    to 96 % where estimate ± z SE covers 87 to 93 % (simulated, 20 to 60 accounts).

    Parameters
    ----------
    durations, observed, entry, weights, level
        As in :func:`curve`.
    tau
        The horizon, above 0, in the unit of the durations; ``nan`` (no horizon is reached) gives ``nan``.

    Returns
    -------
    RestrictedMean
        estimate, se, low, high in the unit of the durations. All ``nan`` where nobody was followed until τ and S has
        not reached 0; the limits ``nan`` where there is no variance to see (no events, or all at once).

    Raises
    ------
    InputError
        As :func:`curve`; a τ that is not above 0.

    Examples
    --------
    10 + 10 × 0.8 + 10 × 0.6 + 10 × 0.3:

    >>> found = rmst([10, 20, 25, 30, 40], [1, 1, 0, 1, 0], 40)
    >>> round(found.estimate, 4), round(found.se, 4)
    (27.0, 5.0695)

    Notes
    -----
    Royston and Parmar (2013), BMC Medical Research Methodology 13:152. lifelines' "variance" of an RMST is that of
    the restricted lifetime itself, not of its mean.
    """
    _check(tau, level)
    found = rows(durations, observed, entry, weights)
    for _code, steps in steps_by_group(found, np.zeros(len(found.last), dtype=np.int64)):
        mean, se = _mean(steps, tau)
        return RestrictedMean(mean, se, *_limits(mean, se, tau, level))
    return UNKNOWN


def rmst_difference(
    durations: ArrayLike,
    observed: ArrayLike,
    groups: ArrayLike,
    tau: float,
    *,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Differences a − b of restricted means between all pairs of groups.

    SE² = SE_a² + SE_b²; the interval is estimate ± z SE, p is two-sided from estimate / SE.

    Parameters
    ----------
    durations, observed, tau, entry, weights, level
        As in :func:`rmst`.
    groups
        A label per row.

    Returns
    -------
    pd.DataFrame
        A row per pair, labels in order: group_a, group_b, estimate (a − b), se, low, high, p; missing where one of
        the means cannot be known or there is no variance to see.

    Raises
    ------
    InputError
        As :func:`rmst`; a blank group.

    Examples
    --------
    Within 4, "a" has a mean of (2 + 4) / 2 and "b" one of (1 + 3) / 2:

    >>> rmst_difference([2, 4, 1, 3], [1, 1, 1, 1], ["a", "a", "b", "b"], 4)["estimate"].round(6).tolist()
    [1.0]
    """
    _check(tau, level)
    found = rows(durations, observed, entry, weights)
    codes, names = labels(groups, len(np.asarray(durations)))
    means = [(names[code], *_mean(steps, tau)) for code, steps in steps_by_group(found, codes[found.kept])]
    pairs = []
    for (a, mean_a, se_a), (b, mean_b, se_b) in combinations(means, 2):
        difference, se = mean_a - mean_b, sqrt(se_a**2 + se_b**2)
        half, p = (z_value(level) * se, 2 * float(ndtr(-abs(difference) / se))) if se > 0 else (nan, nan)
        pairs.append((a, b, difference, se, difference - half, difference + half, p))
    return pd.DataFrame(pairs, columns=["group_a", "group_b", "estimate", "se", "low", "high", "p"])


def largest_tau(
    durations: ArrayLike,
    observed: ArrayLike,
    groups: ArrayLike | None,
    *,
    entry: ArrayLike | None = None,
    min_n: float = 10,
    of: Sequence[float] = (36, 24, 12),
) -> float:
    """The largest of some horizons that every group reaches with enough rows at risk; ``nan`` if none is.

    Parameters
    ----------
    durations, observed, entry
        As in :func:`curve`.
    groups
        A label per row; None = one group. Leave out groups that shall not count.
    min_n
        Rows that must be at risk at the horizon in every group.
    of
        The horizons to choose from, in the unit of the durations.

    Examples
    --------
    >>> largest_tau([30, 40, 13, 25], [0, 1, 0, 1], ["a", "a", "b", "b"], min_n=2)
    12.0
    """
    found = rows(durations, observed, entry)
    codes, names = labels(groups, len(np.asarray(durations)))
    horizons = np.asarray(of, dtype=float)
    reached = np.full(len(horizons), bool(names))
    for code in range(len(names)):
        part = found.take(np.flatnonzero(codes[found.kept] == code))
        reached &= at_risk(part, horizons) >= min_n
    return float(horizons[reached].max()) if reached.any() else nan


def _check(tau: float, level: float) -> None:
    z_value(level)
    if isinstance(tau, bool) or not isinstance(tau, (int, float, np.number)) or tau <= 0 or tau == np.inf:
        raise InputError(N_("tau is {tau!r}; the horizon of a restricted mean is a number above 0."), tau=tau)


def _mean(steps: Steps, tau: float) -> tuple[float, float]:
    """The area under a group's curve up to tau, and its standard error."""
    s = steps.survival()
    if isnan(tau) or (tau > steps.time[-1] * (1 + SAME) and s[-1] > 0):
        return nan, nan
    n = int(np.searchsorted(steps.time, tau))  # times before tau
    areas = np.diff(np.concatenate(([0.0], steps.time[:n], [tau]))) * np.append(1.0, s[:n])
    after = np.cumsum(areas[:0:-1])[::-1]
    return float(areas.sum()), sqrt(float((after**2 * greenwood_terms(steps)[:n]).sum()))


def _limits(mean: float, se: float, tau: float, level: float) -> tuple[float, float]:
    """Limits on the logit scale of mean / tau; none where there is no variance to see."""
    if not se > 0:
        return nan, nan
    half = z_value(level) * se * tau / (mean * (tau - mean))
    middle = logit(mean / tau)
    return tau * float(expit(middle - half)), tau * float(expit(middle + half))
