"""How often the riskier of two is the first to go: concordance, with late entry, strata and ties as R counts them."""

from __future__ import annotations

from math import nan

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cs_analysis.errors import N_, InputError
from cs_analysis.stats.survival.risksets import RiskSets, build
from cs_analysis.stats.survival.rows import numbers, rows


def concordance(
    durations: ArrayLike,
    observed: ArrayLike,
    score: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> float:
    """The share of comparable pairs in which the one with the higher score has the event first.

    A pair is comparable when one has the event while the other is at risk and stays on (censored at that very time
    counts as staying on; two events at one time are not comparable). Equal scores count one half.

    Parameters
    ----------
    durations, observed, entry, weights
        As everywhere in this package.
    score
        A number per row: the higher, the sooner the event is expected (a risk; R's ``reverse = TRUE``).

    Returns
    -------
    float
        0 to 1; ½ is chance; ``nan`` when no pair is comparable.

    Raises
    ------
    InputError
        As :func:`rows.rows`, or if a score is missing or no number.

    Examples
    --------
    Pairs: (1, 2), (1, 3), (2, 3); only in the last the higher score goes later.

    >>> round(concordance([1, 2, 3], [1, 1, 0], [9, 4, 5]), 4)
    0.6667

    The third enters only after the second has gone, so two pairs are left:

    >>> concordance([1, 2, 3], [1, 1, 0], [9, 4, 5], entry=[0, 0, 2])
    1.0

    Notes
    -----
    Harrell et al. (1982), JAMA 247; Therneau and Watson (2017), The concordance statistic and the Cox model.
    """
    found = rows(durations, observed, entry, weights)
    values = _scores(score, len(np.asarray(durations)))[found.kept]
    sets, positions = build(np.empty((len(values), 0)), found, np.zeros(len(values), dtype=np.int64))
    return agreement(sets, values[positions])


def agreement(sets: RiskSets, score: np.ndarray) -> float:
    """The concordance of a score (one number per row of the risk sets) within strata."""
    if not sets.dead.any():
        return nan
    stratum, rank, point, query = _sequence(sets, score)
    comparable = _before(stratum, point, query)
    lower, equal = _before_lower(stratum, rank, point, query)
    together, alike = _tied_deaths(sets, score)
    comparable, equal = comparable - together, equal - alike
    return float((lower + equal / 2) / comparable) if comparable > 0 else nan


def _scores(score: ArrayLike, length: int) -> np.ndarray:
    values = pd.to_numeric(pd.Series(np.asarray(score).ravel()), errors="coerce").to_numpy(dtype=float)
    if len(values) != length:
        numbers(np.abs(values), "score", length)
    if not np.isfinite(values).all():
        at = int(np.argmin(np.isfinite(values)))
        raise InputError(N_("score: row {row} is missing or no number."), row=at + 1)
    return values


def _sequence(sets: RiskSets, score: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows from the last to end to the first, so that who has come before a death is who outlives it.

    At one event time those who stay on come first, then the deaths by falling score (so that none sees a lower one
    among those it is tied with). Who joins late is taken away again where the deaths before the joining begin.
    """
    rank = pd.factorize(score, sort=True)[0].astype(np.int64)
    size = int(rank.max()) + 1
    late = sets.late
    place = np.append(sets.last, sets.first[late])
    dead = np.append(sets.dead, np.zeros(len(late), dtype=bool))
    ranks = np.append(rank, rank[late])
    point = np.append(sets.weight, -sets.weight[late])
    order = np.argsort((place * 2 - dead) * size + ranks, kind="stable")[::-1]
    stratum = sets.strata[np.maximum(place[order] - 1, 0)]
    return stratum, ranks[order].astype(np.int32), point[order], (point * dead)[order]


def _before(group: np.ndarray, point: np.ndarray, query: np.ndarray) -> float:
    """Σ query of a row × point of an earlier one, over all pairs within the groups (which lie together)."""
    before = np.cumsum(point) - point
    starts = np.flatnonzero(np.diff(group, prepend=group[0] - 1))
    return float(query @ before - np.add.reduceat(query, starts) @ before[starts])


def _before_lower(stratum: np.ndarray, rank: np.ndarray, point: np.ndarray, query: np.ndarray) -> tuple[float, float]:
    """The same sum over pairs whose earlier row has a lower score, and over pairs of equal score.

    Two different ranks part at exactly one binary digit, all higher digits being equal. Digit by digit from the
    highest, rows with equal higher digits lie together in their old order: there the pairs (1 after 0) are counted
    with one running sum, then each group is parted by that digit.
    """
    lower = 0.0
    group = stratum
    for digit in range(int(rank.max()).bit_length() - 1, -1, -1):
        one = (rank >> digit & 1).astype(bool)
        lower += _before(group, np.where(one, 0.0, point), np.where(one, query, 0.0))
        order = np.concatenate([np.flatnonzero(~one), np.flatnonzero(one)])
        stratum, rank, point, query = stratum[order], rank[order], point[order], query[order]
        group = stratum * (int(rank.max()) + 1) + (rank >> digit)
    return lower, _before(group, point, query)


def _tied_deaths(sets: RiskSets, score: np.ndarray) -> tuple[float, float]:
    """Pairs of deaths at one time, and those of equal score among them: counted above, but not comparable."""
    weight = sets.weight[sets.ended]
    rank = pd.factorize(score[sets.ended])[0]
    own = float(weight @ weight)
    both = pd.factorize(sets.ends * (int(rank.max()) + 1) + rank)[0]
    together, alike = (float((np.bincount(code, weight) ** 2).sum()) for code in (sets.ends, both))
    return (together - own) / 2, (alike - own) / 2
