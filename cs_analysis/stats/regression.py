"""Rates compared after allowing for mix: Poisson models of amounts such as hours, fixed effects concentrated out.

Only the mean is taken to be right, log E[y] = effects + x β: amounts need not be counts, zeros stay in, and the
variance is estimated (a dispersion pooled over units, or clusters). An effect per account or mix cell is never a
column: given β the best one is Σ y / Σ exp(x β) of its rows, so thousands of accounts cost no more than a few.

Products are written as sums (einsum): the threads of a linear algebra library slow matrices this small down, above all
where several reports run beside each other.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import nnls
from scipy.special import ndtr

from cs_analysis.stats.proportions import z_value

_STEPS = 100
_SPREADS = np.linspace(0.0, 2.0, 401)  # of effects on the log scale, over which shrinkage is averaged
_USUAL_SPREAD = 0.5  # half-normal scale for the spread of log ratios [Röver et al. 2021]


class Fit(NamedTuple):
    """A Poisson fit: coefficients, their covariance and the fitted amounts; ``nan`` where it has no maximum."""

    coef: np.ndarray
    cov: np.ndarray
    fitted: np.ndarray
    clusters: int


class TwoWay(NamedTuple):
    """A rows × columns fit: column effects (log, adding up to 0), their information before dispersion, fitted."""

    effects: np.ndarray
    information: np.ndarray
    fitted: np.ndarray


class Dispersion(NamedTuple):
    """Variance = ``linear`` μ + ``quadratic`` μ²."""

    linear: float
    quadratic: float


class Shrunk(NamedTuple):
    """Effects drawn together: estimate and limits per effect (log), and the spread that the effects show."""

    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    spread: float


def poisson(
    y: np.ndarray,
    x: np.ndarray,
    *,
    absorb: np.ndarray,
    exposure: np.ndarray | None = None,
    cluster: np.ndarray | None = None,
) -> Fit:
    """Poisson pseudo-maximum likelihood with one effect per group of rows concentrated out.

    log E[y] = log exposure + effect of the group + x β. Covariance by clusters with G / (G − 1): a sandwich of the
    information after the effects, or without ``cluster`` that information's inverse (dispersion 1).

    Parameters
    ----------
    y, x
        Amounts ≥ 0, and the columns whose coefficients are wanted (rows × columns).
    absorb, cluster
        Group and cluster of each row; clusters hold whole groups, or are crossed with them.
    exposure
        By which the mean is multiplied (months); 1 where not given.

    Returns
    -------
    Fit
        coef, cov, fitted, clusters. Groups without any amount tell nothing and have fitted 0. ``nan`` coefficients
        where the likelihood has no maximum (all of a column's amounts are 0).

    Examples
    --------
    Two accounts; the second has 10 hours before and 5 after, while the first stays at 4: half.

    >>> y, after = np.array([4.0, 4.0, 10.0, 5.0]), np.array([0.0, 1.0, 0.0, 1.0])
    >>> treated = np.array([0.0, 0.0, 0.0, 1.0])
    >>> fit = poisson(y, np.column_stack([after, treated]), absorb=np.array([0, 0, 1, 1]))
    >>> np.exp(fit.coef).round(6).tolist()
    [1.0, 0.5]

    Notes
    -----
    Santos Silva and Tenreyro (2006), The log of gravity; Hausman, Hall and Griliches (1984) on concentrating.
    """
    y, x = np.asarray(y, dtype=float), np.atleast_2d(np.asarray(x, dtype=float))
    group = np.unique(absorb, return_inverse=True)[1] if len(y) else np.zeros(0, dtype=int)
    total = np.bincount(group, weights=y)
    unit = np.ones(len(y)) if exposure is None else np.asarray(exposure, dtype=float)
    if not len(y) or total.sum() <= 0:
        return _no_fit(x.shape[1], len(y))
    beta, fitted = np.zeros(x.shape[1]), np.zeros(len(y))
    best, information, converged = -np.inf, np.zeros((x.shape[1],) * 2), False
    centred, step = x, np.zeros(x.shape[1])
    for _ in range(_STEPS):
        linear = np.einsum("ij,j->i", x, beta)
        raw = unit * np.exp(np.clip(linear, -700, 700))
        sums = np.bincount(group, weights=raw)
        value = float((y * linear).sum() - (total * np.log(np.where(sums > 0, sums, 1.0))).sum())
        if value < best - 1e-9 * abs(best):  # too far: go back half the way
            step = step / 2
            beta = beta - step
            continue
        best = max(best, value)
        fitted = raw * (total / np.where(sums > 0, sums, 1.0))[group]
        weight = np.where(total > 0, total, 1.0)
        means = np.column_stack([np.bincount(group, weights=fitted * column) / weight for column in x.T])
        centred = x - means[group]
        information = np.einsum("ij,ik->jk", centred * fitted[:, None], centred)
        if converged:
            break
        step = np.linalg.pinv(information, rcond=1e-12, hermitian=True) @ np.einsum("ij,i->j", x, y - fitted)
        converged = bool(np.abs(step).max(initial=0.0) < 1e-10)
        beta = beta + step
    if not converged or np.abs(beta).max(initial=0.0) > 15:
        return _no_fit(x.shape[1], len(y))
    bread = np.linalg.pinv(information, rcond=1e-12, hermitian=True)
    if cluster is None:
        return Fit(beta, bread, fitted, len(total))
    which = np.unique(cluster, return_inverse=True)[1]
    count = int(which.max()) + 1
    score = centred * (y - fitted)[:, None]
    sums_by = np.column_stack([np.bincount(which, weights=column, minlength=count) for column in score.T])
    if count < 2:
        return Fit(beta, np.full_like(bread, np.nan), fitted, count)
    return Fit(beta, bread @ (sums_by.T @ sums_by) @ bread * count / (count - 1), fitted, count)


def two_way(y: np.ndarray, exposure: np.ndarray) -> TwoWay:
    """Row and column effects of a table of amounts: log E[y] = log exposure + row + column.

    Parameters
    ----------
    y, exposure
        Rows × columns; an exposure of 0 means that the pair does not exist.

    Returns
    -------
    TwoWay
        The columns' effects: in each part of the table that hangs together they add up to 0, and parts that share no
        row cannot be compared. A column without any amount has no effect (``nan``). Their covariance is the
        pseudo-inverse of ``information``, times the dispersion; where units scatter by factors too, see
        :func:`robust_information`.

    Examples
    --------
    Enterprise and SMB hours of two CSMs, section 10 of the definitions: A needs .8034 of the time of B.

    >>> fit = two_way(np.array([[80.0, 24.0], [4.0, 24.0]]), np.array([[8.0, 2.0], [2.0, 8.0]]))
    >>> round(float(np.exp(fit.effects[0] - fit.effects[1])), 4)
    0.8034
    """
    y, exposure = np.asarray(y, dtype=float), np.asarray(exposure, dtype=float)
    known = y.sum(axis=0) > 0
    effects, fitted = np.full(y.shape[1], np.nan), np.zeros_like(y)
    information = np.zeros((y.shape[1],) * 2)
    rows = y[:, known].sum(axis=1)
    if not known.any():
        return TwoWay(effects, information, fitted)
    beta, columns = np.zeros(int(known.sum())), y[:, known].sum(axis=0)
    curve = np.zeros((len(beta),) * 2)
    mean = np.zeros((len(rows), len(beta)))
    for _ in range(_STEPS):
        raw = exposure[:, known] * np.exp(beta)
        sums = raw.sum(axis=1)
        mean = raw * (rows / np.where(sums > 0, sums, 1.0))[:, None]
        gap = columns - mean.sum(axis=0)
        curve = np.diag(mean.sum(axis=0)) - np.einsum("ij,ik->jk", mean, mean / np.where(rows > 0, rows, 1.0)[:, None])
        if np.abs(gap).max() <= 1e-11 * columns.sum():
            break
        # no step changes what cannot be told (parts moved as a whole): a touch on the diagonal settles it
        step = np.linalg.solve(curve + np.diag(1e-9 * curve.diagonal() + 1e-300), gap)
        beta = beta + step * min(1.0, 2.0 / max(np.abs(step).max(), 1e-300))
    curve = (curve + curve.T) / 2
    effects[known] = np.linalg.pinv(curve, rcond=1e-10, hermitian=True) @ (curve @ beta)
    fitted[:, known] = mean
    information[np.ix_(known, known)] = curve
    return TwoWay(effects, information, fitted)


def dispersion(y: np.ndarray, fitted: np.ndarray, parameters: int) -> Dispersion:
    """How far units scatter around their fitted amounts, pooled over units: variance = φ μ + ω μ².

    φ is the quasi-Poisson dispersion; ω the square of what units differ in by a factor of their own, which does not
    fade as amounts grow. Both in proportion to the unit of the amounts: hours or minutes give the same intervals. By
    pseudo-likelihood, both ≥ 0, times n ÷ (n − parameters); ``nan`` where nothing is left.

    Examples
    --------
    The squared gaps 4, 4 and 0 around 10, two degrees of freedom: all of them as φ or as ω come to 4 per unit.

    >>> found = dispersion(np.array([8.0, 12.0, 10.0]), np.array([10.0, 10.0, 10.0]), 1)
    >>> round(found.linear * 10 + found.quadratic * 100, 6)
    4.0
    """
    used = fitted > 0
    left = int(used.sum()) - parameters
    if left <= 0:
        return Dispersion(float("nan"), float("nan"))
    gap, mean = ((y - fitted) ** 2)[used], fitted[used]
    shape = np.column_stack([mean, mean**2])
    best = gap.sum() / mean.sum() * mean
    solved = np.zeros(2)
    for _ in range(30):
        weight = 1 / np.maximum(best, 1e-12 * mean.max())
        solved = nnls(shape * weight[:, None], gap * weight)[0]
        new = shape @ solved
        if not (new > 0).all() or np.allclose(new, best, rtol=1e-8):
            break
        best = new
    return Dispersion(*(float(v) for v in solved * used.sum() / left))


def robust_information(information: np.ndarray, directions: np.ndarray, spread: Dispersion) -> np.ndarray:
    """The information about effects when units scatter by φ μ + ω μ² rather than by μ.

    The inverse of S⁻ (φ S + ω Σ d dᵀ) S⁻, S the information of the Poisson fit and d a unit's derivative of the
    effects' score by a factor on that unit.

    Parameters
    ----------
    information, directions
        S, and d as rows (units × effects).
    spread
        As from :func:`dispersion`.
    """
    inverse = np.linalg.pinv(information, rcond=1e-10, hermitian=True)
    middle = spread.linear * information + spread.quadratic * directions.T @ directions
    return np.linalg.pinv(inverse @ middle @ inverse, rcond=1e-10, hermitian=True)


def shrink(effects: np.ndarray, information: np.ndarray, level: float = 0.95) -> Shrunk:
    """Effects drawn towards 0 by what they show of their own spread: normal–normal empirical Bayes.

    effects ~ N(θ, information⁻), θ ~ N(0, τ²). The spread τ is not fixed at its best value, which is often 0 and would
    then claim that all are exactly equal: the answers for all τ are averaged by their likelihood, times a half-normal
    of scale ½ that few comparisons of log ratios leave.

    Parameters
    ----------
    effects, information
        As from :func:`two_way`, the information divided by the dispersion; ``nan`` effects stay out.

    Returns
    -------
    Shrunk
        estimate, low, high per effect (log), centred as the effects are; spread: the mean of τ. ``nan`` for effects
        about which nothing is known.

    Examples
    --------
    Two CSMs, far apart but hardly known, come out nearly equal:

    >>> drawn = shrink(np.array([-0.4, 0.4]), np.array([[2.0, -2.0], [-2.0, 2.0]]))
    >>> drawn.estimate.round(2).tolist(), bool(drawn.low[0] < 0 < drawn.high[0])
    ([-0.13, 0.13], True)

    Notes
    -----
    Morris (1983), Parametric empirical Bayes inference; Röver et al. (2021) on the half-normal for few groups.
    """
    count = len(effects)
    empty = np.full(count, np.nan)
    used = np.isfinite(effects) & (np.diag(information) > 0)
    if not used.any() or not np.isfinite(information).all():
        return Shrunk(empty, empty.copy(), empty.copy(), float("nan"))
    precision, direction = np.linalg.eigh(information[np.ix_(used, used)])
    told = precision > 1e-9 * precision.max()
    if not told.any():
        return Shrunk(empty, empty.copy(), empty.copy(), float("nan"))
    precision, direction = precision[told], direction[:, told]
    seen = direction.T @ effects[used]
    total = _SPREADS[:, None] ** 2 + 1 / precision
    likelihood = -0.5 * (np.log(total) + seen**2 / total).sum(axis=1) - 0.5 * (_SPREADS / _USUAL_SPREAD) ** 2
    weight = np.exp(likelihood - likelihood.max())
    weight /= weight.sum()
    pull = _SPREADS[:, None] ** 2 / total
    centre = (pull * seen) @ direction.T  # spread × effect
    width = np.sqrt((pull / precision) @ (direction**2).T)
    tail = (1 - level) / 2
    estimate, low, high = empty, empty.copy(), empty.copy()
    estimate[used] = weight @ centre
    low[used] = _mixture_quantile(tail, weight, centre, width)
    high[used] = _mixture_quantile(1 - tail, weight, centre, width)
    return Shrunk(estimate, low, high, float(weight @ _SPREADS))


def rate_limits(ratio: np.ndarray, se: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Limits of a ratio whose logarithm has the standard error ``se``.

    >>> [round(float(v), 3) for v in rate_limits(np.array(1.0), np.array(0.1))]
    [0.822, 1.217]
    """
    half = z_value(level) * se
    return ratio * np.exp(-half), ratio * np.exp(half)


def _mixture_quantile(q: float, weight: np.ndarray, centre: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Quantile of a mixture of normals per column, by bisection."""
    low = (centre - 8 * width).min(axis=0) - 1e-9
    high = (centre + 8 * width).max(axis=0) + 1e-9
    safe = np.maximum(width, 1e-12)
    for _ in range(60):
        middle = (low + high) / 2
        below = weight @ ndtr((middle - centre) / safe) < q
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2


def _no_fit(columns: int, rows: int) -> Fit:
    return Fit(np.full(columns, np.nan), np.full((columns, columns), np.nan), np.full(rows, np.nan), 0)
