"""Cox regression: what drives the hazard, how surely, and how likely somebody is to be lost in a stretch of time.

Own Newton–Raphson instead of lifelines' fitter: that one stops before the maximum is reached, its weights are no
counts when events are tied, its concordance ignores late entry, and it raises on separating covariates.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import ndtr

from cs_analysis.errors import N_, InputError
from cs_analysis.stats.proportions import z_value
from cs_analysis.stats.survival import covariates
from cs_analysis.stats.survival.baseline import Baseline, Followed, baseline, hazard_between, loss_limits, positions
from cs_analysis.stats.survival.concordance import agreement
from cs_analysis.stats.survival.covariates import Column, Columns, Strata
from cs_analysis.stats.survival.maximise import Maximum, at_zero, inverse, maximum, without_information
from cs_analysis.stats.survival.proportional import as_table, clock, score_test
from cs_analysis.stats.survival.risksets import RiskSets, Sums, build, collapsed, linear
from cs_analysis.stats.survival.robust import clustered
from cs_analysis.stats.survival.rows import numbers, rows


@dataclass(frozen=True)
class _Inner:
    """The fit as it was computed: covariates centred and scaled, those that could be fitted only."""

    kept: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    beta: np.ndarray
    covariance: np.ndarray
    sets: RiskSets
    sums: Sums
    base: Baseline
    followed: Followed
    strata: Strata
    clock: np.ndarray


@dataclass(frozen=True)
class CoxFit:
    """A fitted Cox model; missing values stand where a covariate could not be fitted.

    ``names``, ``coef`` (log hazard ratio per unit), ``covariance`` (robust if clusters were given), ``notes`` (why a
    coefficient is missing: "constant", "collinear", "separates", "no events", or ""), ``means`` of the covariates,
    ``log_likelihood`` (partial, at the coefficients), ``n`` and ``events`` (weights counted).
    """

    names: list[str]
    coef: np.ndarray
    covariance: np.ndarray
    notes: np.ndarray
    means: np.ndarray
    log_likelihood: float
    n: float
    events: float
    _inner: _Inner = field(repr=False)

    @cached_property
    def concordance(self) -> float:
        """How often the one with the higher hazard goes first (late entry and strata as in R); ½ is chance."""
        return agreement(self._inner.sets, linear(self._inner.sets.x, self._inner.beta))

    @property
    def table(self) -> pd.DataFrame:
        """The frame that :func:`cox` returns."""
        se = np.sqrt(self.covariance.diagonal())
        z = z_value(0.95)
        with np.errstate(all="ignore"):
            columns = {
                "covariate": self.names,
                "coef": self.coef,
                "se": se,
                "hazard_ratio": np.exp(self.coef),
                "low": np.exp(self.coef - z * se),
                "high": np.exp(self.coef + z * se),
                "p": 2 * ndtr(-np.abs(self.coef / se)),
                "note": self.notes,
            }
        return pd.DataFrame(columns)

    @property
    def baseline(self) -> pd.DataFrame:
        """The hazard of somebody at the means of all covariates: stratum, time, hazard, cumulative_hazard."""
        base = self._inner.base
        begin = np.searchsorted(base.strata, base.strata)
        return pd.DataFrame(
            {
                "stratum": [self._inner.strata.name(code) for code in base.strata],
                "time": base.times,
                "hazard": base.hazard,
                "cumulative_hazard": base.cumulative[1:] - base.cumulative[begin],
            }
        )

    def proportional_hazards(self) -> pd.DataFrame:
        """Whether each hazard ratio stays the same over time: the score test of Grambsch and Therneau.

        As R's ``cox.zph`` (survival 3) with ``transform = "km"``, one degree of freedom per covariate.

        Returns
        -------
        DataFrame
            covariate, chi2, df, p; the last row, GLOBAL, is the test of all together. Missing where a covariate was
            not fitted. A small p: the ratio changes with time, and the one estimate is an average.
        """
        inner = self._inner
        fitted = bool(len(inner.beta)) and inner.sets.dead.any()
        tests = score_test(inner.sets, inner.sums, inner.clock) if fitted else [(np.nan, 0, np.nan)]
        return as_table(self.names, self.notes, tests)

    def loss(
        self,
        frame: pd.DataFrame,
        start: ArrayLike,
        stop: ArrayLike,
        *,
        strata: Columns | None = None,
        level: float = 0.95,
    ) -> pd.DataFrame:
        """The probability of the event in (start, stop], given that it has not happened until start.

        1 − exp(−Λ), Λ = exp(x·β)·(Λ₀(stop) − Λ₀(start)); log–log interval from the variance of Λ by the delta
        method, the uncertainty of the coefficients included (as R's ``survfit.coxph``). Where no event was seen in
        the stretch, 0 with Wilson's upper limit for those at risk at its end. Covariates that were not fitted count
        for nothing.

        Parameters
        ----------
        frame
            A row per account with the covariates of the fit (and the strata, if those were given by name).
        start, stop
            Tenure in the unit of the fit, a number for all or one per row.
        strata
            Needed if the fit has strata that were given as values.

        Returns
        -------
        DataFrame
            estimate, low, high per row of ``frame``, with its index. Missing beyond the last time anybody of the
            stratum was followed, in a stratum the fit has not seen, and where a covariate is missing.

        Raises
        ------
        InputError
            If a covariate is absent or text, or a stretch ends before it starts.
        """
        inner, n = self._inner, len(frame)
        since, until = _each(start, "start", n), _each(stop, "stop", n)
        if (since > until).any():
            at = int(np.argmax(since > until))
            raise InputError(
                N_("Row {row} is to be followed from {start} to {stop}; the end must not come before the start."),
                row=at + 1,
                start=float(since[at]),
                stop=float(until[at]),
            )
        x = (covariates.matrix(frame, self.names, missing=True) - inner.centre) / inner.scale
        x = x[:, inner.kept]
        stratum = inner.strata.codes(frame, strata)
        at_risk, end = inner.followed.at(stratum, until)
        known = (until <= end) & np.isfinite(x).all(axis=1)
        result = np.full((3, n), np.nan)
        x, stratum, since, until = x[known], stratum[known], since[known], until[known]
        between = (positions(inner.base, stratum, since), positions(inner.base, stratum, until))
        hazard, variance = hazard_between(inner.base, inner.covariance, x, inner.beta, between)
        there = at_risk[known] / np.exp(x @ inner.beta)
        limits = loss_limits(hazard, variance, there, level)
        result[:, known] = np.where(since == until, 0.0, limits)
        return pd.DataFrame(dict(zip(("estimate", "low", "high"), result, strict=True)), index=frame.index)

    def survival(
        self, frame: pd.DataFrame, times: ArrayLike, *, strata: Columns | None = None, level: float = 0.95
    ) -> pd.DataFrame:
        """The probability that the event has not happened by each of ``times``, for each row of ``frame``.

        Returns
        -------
        DataFrame
            A row per row of ``frame`` × time: row (its index), time, estimate, low, high; missing as in :meth:`loss`.
        """
        parts = []
        for time in np.atleast_1d(np.asarray(times, dtype=float)):
            lost = self.loss(frame, 0.0, time, strata=strata, level=level)
            part = pd.DataFrame({"row": lost.index, "time": time, "estimate": 1 - lost["estimate"].to_numpy()})
            part["low"], part["high"] = 1 - lost["high"].to_numpy(), 1 - lost["low"].to_numpy()
            parts.append(part)
        columns = ["row", "time", "estimate", "low", "high"]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def cox(
    frame: pd.DataFrame,
    duration: Column,
    observed: Column,
    *,
    entry: Column | None = None,
    strata: Columns | None = None,
    weights: Column | None = None,
    cluster: Columns | None = None,
) -> pd.DataFrame:
    """Hazard ratios of a Cox model with Efron's treatment of ties.

    Parameters
    ----------
    frame
        The covariates, numbers or booleans (text must be made into 0/1 columns first). Columns that are named by the
        other arguments are no covariates.
    duration, observed, entry, weights, cluster
        The name of a column of ``frame``, or the values. A row is at risk at entry < t ≤ duration; weights are counts
        of equal rows (a weighted event is that many tied ones); with clusters (several rows of one account) the
        standard errors are robust.
    strata
        Groups with a baseline hazard of their own: a name, several names, the values, or a frame of them.

    Returns
    -------
    DataFrame
        A row per covariate: covariate, coef, se, hazard_ratio, low, high (95 %), p, note. A covariate that cannot be
        fitted has missing values and a note: "constant" (it never differs among those at risk), "collinear" (the
        covariates before it determine it), "separates" (it foretells every event: the estimate would be infinite),
        "no events"; the others are fitted without it. ``attrs``: log_likelihood, concordance, n, events.

    Raises
    ------
    InputError
        If a covariate is text or has missing values, or as :func:`rows.rows`.

    Examples
    --------
    The likelihood θ/(2θ + 2) · 1/(θ + 2) · θ/(θ + 1) with θ = e^b is highest where θ² − θ − 4 = 0, θ = (1 + √17)/2:

    >>> table = cox(pd.DataFrame({"x": [1, 0, 1, 0]}), [1, 2, 3, 4], [1, 1, 1, 0])
    >>> table["hazard_ratio"].round(4).tolist()
    [2.5616]

    Notes
    -----
    Cox (1972), JRSS B 34; Efron (1977), JASA 72; Lin and Wei (1989), JASA 84 (robust).
    """
    fit = fit_cox(frame, duration, observed, entry=entry, strata=strata, weights=weights, cluster=cluster)
    table = fit.table
    table.attrs.update(log_likelihood=fit.log_likelihood, concordance=fit.concordance, n=fit.n, events=fit.events)
    return table


def fit_cox(
    frame: pd.DataFrame,
    duration: Column,
    observed: Column,
    *,
    entry: Column | None = None,
    strata: Columns | None = None,
    weights: Column | None = None,
    cluster: Columns | None = None,
) -> CoxFit:
    """The fitted model behind :func:`cox` (same arguments and errors), for predictions and checks."""
    names = covariates.names(frame, (duration, observed, entry, weights, strata, cluster))
    x = covariates.matrix(frame, names)
    durations = covariates.column(frame, duration)
    _same_length("durations", np.size(durations), len(frame))
    entries = None if entry is None else covariates.column(frame, entry)
    counts = None if weights is None else covariates.column(frame, weights)
    found = rows(durations, covariates.column(frame, observed), entries, counts)
    grouping, stratum = Strata.of(frame, strata)
    x, stratum = x[found.kept], stratum[found.kept]
    centre, scale = covariates.spread(x, found.weight)
    x = (x - centre) / scale
    whole, places = build(x, found, stratum)
    sets = collapsed(whole)
    kept, notes, best = _fitted(sets)
    covariance = inverse(best.information)
    if cluster is not None:
        groups = covariates.clusters(frame, cluster)[found.kept][places]
        covariance = clustered(whole.columns(kept), best, covariance, groups)
    inner = _Inner(
        kept=kept,
        centre=centre,
        scale=scale,
        beta=best.beta,
        covariance=covariance,
        sets=sets.columns(kept),
        sums=best.sums,
        base=baseline(sets, best.sums),
        followed=Followed(stratum, found.entry, found.end, found.weight * np.exp(x[:, kept] @ best.beta)),
        strata=grouping,
        clock=clock(found, sets.times),
    )
    coef, spread = np.full(len(names), np.nan), np.full((len(names), len(names)), np.nan)
    coef[kept] = best.beta / scale[kept]
    spread[np.ix_(kept, kept)] = covariance / np.outer(scale[kept], scale[kept])
    events = float(found.weight[found.observed].sum())
    total = float(found.weight.sum())
    return CoxFit(names, coef, spread, notes, centre, best.sums.log_likelihood, total, events, inner)


def _fitted(sets: RiskSets) -> tuple[np.ndarray, np.ndarray, Maximum]:
    """The covariates that can be fitted, the notes on all, and the maximum; what separates is left out, by turns."""
    zero = at_zero(sets)
    notes = without_information(sets, zero)
    while True:
        kept = np.flatnonzero(notes == "")
        fitted = sets.columns(kept)
        best = maximum(fitted, zero if fitted is sets else at_zero(fitted))
        if not best.endless.any():
            return kept, notes, best
        notes[kept[best.endless]] = "separates"


def _each(values: ArrayLike, what: str, n: int) -> np.ndarray:
    """One number for all rows, or one per row."""
    if np.ndim(values) == 0:
        return np.repeat(numbers(np.atleast_1d(values), what), n)
    _same_length(what, np.size(values), n)
    return numbers(values, what)


def _same_length(what: str, n: int, wanted: int) -> None:
    if n != wanted:
        raise InputError(
            N_("{what} has {n} values and the frame has {wanted} rows; there must be one per row."),
            what=what,
            n=n,
            wanted=wanted,
        )
