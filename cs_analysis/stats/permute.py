"""Whether groups differ more than chance labels would: residuals permuted within strata, all permutations at once."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np

_CHUNK = 4_000_000  # permuted values held at a time
_MOST = 5000  # assignments looked at


def max_t(
    residuals: np.ndarray, groups: np.ndarray, *, strata: np.ndarray, seed: int, draws: int = 1999
) -> tuple[np.ndarray, np.ndarray]:
    """Standardised group sums of residuals and their p values, adjusted for looking at all groups.

    z of a group = Σ (residual − its stratum's mean) ÷ the standard deviation of that sum over permutations of the
    labels within strata. p = share of permutations in which the largest |z| of any group reaches this one's.

    Parameters
    ----------
    residuals, groups, strata
        One per unit (account): what it has above expectation, its group's position 0, 1, …, and its stratum.
    seed, draws
        Seed and number of permutations; the same seed gives the same p.

    Returns
    -------
    z and p per group; ``nan`` for a group whose labels cannot be exchanged with another's.

    Examples
    --------
    >>> z, p = max_t(np.array([5.0, 6.0, 5.0, 6.0, -5.0, -6.0, -5.0, -6.0]), np.repeat([0, 1], 4),
    ...     strata=np.zeros(8), seed=1)
    >>> z.round(2).tolist(), bool(p[0] < 0.05)
    ([2.63, -2.63], True)

    Notes
    -----
    Westfall and Young (1993), Resampling-based multiple testing.
    """
    residuals, groups = np.asarray(residuals, dtype=float), np.asarray(groups, dtype=np.int64)
    stratum = np.unique(strata, return_inverse=True)[1] if len(residuals) else np.zeros(0, dtype=int)
    count = int(groups.max()) + 1 if len(groups) else 0
    order = np.lexsort((groups, stratum))
    stratum, member = stratum[order], groups[order]
    size = np.bincount(stratum)
    mean = np.bincount(stratum, weights=residuals[order]) / np.where(size > 0, size, 1)
    value = residuals[order] - mean[stratum]
    spread = np.bincount(stratum, weights=value**2) / np.maximum(size - 1, 1)
    held = np.zeros((len(size), count))
    np.add.at(held, (stratum, member), 1.0)
    variance = (held * (1 - held / np.maximum(size, 1)[:, None]) * spread[:, None]).sum(axis=0)
    scale = np.sqrt(np.where(variance > 1e-12 * max(float((value**2).sum()), 1e-300), variance, np.nan))
    z = np.bincount(member, weights=value, minlength=count) / scale
    if not np.isfinite(z).any():
        return z, np.full(count, np.nan)
    rng = np.random.default_rng(seed)
    largest = []
    by_group = np.argsort(member, kind="stable")
    present, starts = np.unique(member[by_group], return_index=True)
    for start in range(0, draws, max(1, _CHUNK // max(len(value), 1))):
        rows = min(max(1, _CHUNK // max(len(value), 1)), draws - start)
        # the whole part keeps a value in its stratum, the fraction shuffles it there
        shuffled = value[np.argsort(stratum + rng.random((rows, len(value))), axis=1)]
        sums = np.add.reduceat(shuffled[:, by_group], starts, axis=1)
        largest.append(np.nanmax(np.abs(sums) / scale[present], axis=1))
    reached = np.sort(np.concatenate(largest))
    beyond = len(reached) - np.searchsorted(reached, np.abs(z) * (1 - 1e-9), side="left")
    return z, np.where(np.isfinite(z), (1 + beyond) / (1 + draws), np.nan)


def assignments(units: int, treated: int, *, actual: np.ndarray, seed: int, most: int = _MOST) -> np.ndarray:
    """Ways to choose the treated units, the actual one first: all of them, or a random ``most`` where there are more.

    >>> assignments(3, 1, actual=np.array([False, True, False]), seed=1).astype(int).tolist()
    [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
    """
    actual = np.asarray(actual, dtype=bool)
    if comb(units, treated) <= most:
        chosen = [row for row in combinations(range(units), treated) if not actual[list(row)].all()]
        out = np.zeros((len(chosen) + 1, units), dtype=bool)
        for i, row in enumerate(chosen, start=1):
            out[i, list(row)] = True
    else:
        ranks = np.random.default_rng(seed).random((most, units)).argsort(axis=1).argsort(axis=1)
        out = ranks < treated
    out[0] = actual
    return out


def assignment_p(sums: np.ndarray, ways: np.ndarray) -> float:
    """Two-sided p of the first way: the share of ways whose sum over treated units is as far from the mean of all ways.

    >>> assignment_p(np.array([-3.0, 1.0, 1.0, 1.0]), assignments(4, 1, actual=np.array([1, 0, 0, 0]), seed=1))
    0.25
    """
    totals = ways @ (sums - sums.mean())
    return float((np.abs(totals) >= abs(totals[0]) * (1 - 1e-9) - 1e-12).mean())
