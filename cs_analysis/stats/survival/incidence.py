"""Competing causes: the share lost to each cause by each time (Aalen–Johansen).

lifelines moves tied times apart at random before it computes this, so its answer changes from run to run; ties are
exact here.
"""

from __future__ import annotations

from numbers import Real

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cs_analysis.stats.proportions import z_value
from cs_analysis.stats.survival.curves import NO_STEPS, Steps, at_the_last_event, counts, log_log_limits, steps_of
from cs_analysis.stats.survival.rows import labels, numbers, rows

ROUNDING_OF_SUMS = 1e-12


def cumulative_incidence(
    durations: ArrayLike,
    causes: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """The share lost to each cause by each time, the others competing: exact Aalen–Johansen.

    F_k(t) = Σ_{t_j ≤ t} S(t_j−) d_kj / n_j with S the survival of all causes together, so that the causes and S add
    up to 1. Variance: the delta method on multinomial counts per time (Greenwood's for several causes); the interval
    is log–log on F, and Wilson's with the number at risk while F = 0 or once F = 1.

    Parameters
    ----------
    durations, entry, weights, level
        As in :func:`curve`.
    causes
        What ended the row: 0 or "" = nothing (censored), any other label a cause.

    Returns
    -------
    pd.DataFrame
        A row per cause and distinct time: cause, time, estimate, low, high (fractions), at_risk (just before the
        time). Causes without events have no rows.

    Raises
    ------
    InputError
        As :func:`curve`; a missing cause (give it a name, or "" for censored).

    Examples
    --------
    >>> found = cumulative_incidence([1, 2, 3, 4, 5, 6], [0, 1, 1, 2, 2, 0])
    >>> found[found["cause"] == 2]["estimate"].round(6).tolist()
    [0.0, 0.0, 0.0, 0.2, 0.4, 0.4]

    Notes
    -----
    Aalen and Johansen (1978), Scandinavian Journal of Statistics 5. The variance equals R's infinitesimal jackknife
    where nobody enters late.
    """
    z_value(level)
    codes, names = labels(causes, len(numbers(durations, "durations")), "causes")
    censored = np.array([_is_censored(name) for name in names], dtype=bool)
    found = rows(durations, ~censored[codes], entry, weights)
    steps, codes = steps_of(found), codes[found.kept]
    parts = []
    for code in np.flatnonzero(~censored):
        losses = np.bincount(found.last, found.weight * (codes == code), len(found.times))
        if losses.any():
            parts.append(_frame(names[code], steps, losses, level))
    return pd.concat(parts, ignore_index=True) if parts else _frame("", NO_STEPS, np.empty(0), level)


def _is_censored(name: object) -> bool:
    return name == "" or (isinstance(name, (Real, np.bool_)) and name == 0)


def _frame(name: object, steps: Steps, losses: np.ndarray, level: float) -> pd.DataFrame:
    estimate, variance = _incidence(steps, losses)
    relative = np.divide(variance, estimate**2, out=np.zeros(len(estimate)), where=estimate > 0)
    low, high = log_log_limits(estimate, relative, at_the_last_event(1 - estimate, steps.at_risk), level)
    columns = {"cause": name, "time": steps.time, "estimate": estimate, "low": low, "high": high}
    return pd.DataFrame({**columns, "at_risk": counts(steps.at_risk)})


def _incidence(steps: Steps, losses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """F of one cause after each time and its variance.

    With p_k and p the shares lost at a time to the cause and to all, a deviation of them moves F(t) by
    S⁻ δp_k − (F(t) − F) δp / (1 − p); squares are summed over times, opened so that each t needs sums only.
    """
    n, before = steps.at_risk, np.append(1.0, steps.survival())[:-1]
    share = losses / n
    f = np.cumsum(before * share)
    f[f > 1 - ROUNDING_OF_SUMS] = 1.0  # all lost, but for rounding
    own = np.cumsum(before**2 * share * (1 - share) / n)
    cross, cross_f = np.cumsum(before * share / n), np.cumsum(before * share / n * f)
    rest = np.divide(steps.events, n * steps.left, out=np.zeros(len(n)), where=steps.left > 0)
    rest_0, rest_1, rest_2 = np.cumsum(rest), np.cumsum(rest * f), np.cumsum(rest * f**2)
    variance = own - 2 * (f * cross - cross_f) + f**2 * rest_0 - 2 * f * rest_1 + rest_2
    return f, np.maximum(variance, 0)
