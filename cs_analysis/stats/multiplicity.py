"""Several comparisons at once: p-values that stay honest together."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cs_analysis.errors import N_, InputError


def holm(p_values: ArrayLike) -> np.ndarray:
    """Holm's step-down p-values: the chance of even one false finding stays below the level they are held to.

    Sorted upwards, p(i) is multiplied by m − i + 1, cut at 1, and never below the one before it.

    Parameters
    ----------
    p_values
        One per comparison, 0 to 1; missing ones stay missing and do not count as comparisons.

    Returns
    -------
    np.ndarray
        The adjusted values in the order given.

    Raises
    ------
    InputError
        If a value is no probability.

    Examples
    --------
    3 × 0.01, then 2 × 0.03, then 0.04 but not below 0.06:

    >>> holm([0.03, 0.01, 0.04]).round(6).tolist()
    [0.06, 0.03, 0.06]

    Notes
    -----
    Holm (1979), A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6.
    """
    p = np.asarray(p_values, dtype=float)
    if ((p < 0) | (p > 1)).any():
        wrong = p[(p < 0) | (p > 1)][0]
        raise InputError(N_("A p-value is {value}; it must lie between 0 and 1."), value=float(wrong))
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    adjusted = np.full(len(p), np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1.0)
    return adjusted
