"""The baseline hazard of a Cox model (Efron), and the probability of an event in a stretch of somebody's life."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cs_analysis.stats.proportions import wilson_limits, z_value
from cs_analysis.stats.survival.risksets import RiskSets, Sums
from cs_analysis.stats.survival.rows import SAME


@dataclass(frozen=True)
class Baseline:
    """The hazard per event time of somebody at the mean of all covariates.

    ``hazard`` is Σ 1/D over the tied deaths. The cumulated columns have a first entry of 0 for "before any event":
    ``cumulative`` the hazard; ``variance`` Σ 1/D², its variance if the coefficients were known; ``centre`` Σ x̄/D,
    through which their uncertainty comes in (event times × covariates).
    """

    times: np.ndarray
    strata: np.ndarray
    hazard: np.ndarray
    cumulative: np.ndarray
    variance: np.ndarray
    centre: np.ndarray


def baseline(sets: RiskSets, found: Sums) -> Baseline:
    """The hazard at each event time, for x = 0 (covariates are centred in the risk sets)."""
    risk, efron = np.exp(-found.shift), found.efron
    centre = efron.one2[:, None] * found.s1 - efron.share2[:, None] * found.s1_dead
    return Baseline(
        times=sets.times,
        strata=sets.strata,
        hazard=efron.one * risk,
        cumulative=np.append(0.0, np.cumsum(efron.one * risk)),
        variance=np.append(0.0, np.cumsum(efron.one2 * risk**2)),
        centre=np.vstack([np.zeros((1, centre.shape[1])), np.cumsum(centre * risk, axis=0)]),
    )


def positions(base: Baseline, stratum: np.ndarray, time: np.ndarray) -> np.ndarray:
    """For each time of a stratum: how many event times lie at or before it, those of earlier strata included."""
    return _place(base.strata, base.times, stratum, time * (1 + SAME), side="right")


def hazard_between(
    base: Baseline, covariance: np.ndarray, x: np.ndarray, beta: np.ndarray, between: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """The cumulative hazard of each row of ``x`` between two positions, and its variance.

    As in R's survfit.coxph: r²·(Σ 1/D² + qᵀVq), where r = exp(x·β), q = Σ (x − x̄)/D and V is the covariance of β.
    """
    before, until = between
    risk = np.exp(x @ beta)
    hazard = base.cumulative[until] - base.cumulative[before]
    away = x * hazard[:, None] - (base.centre[until] - base.centre[before])
    own = base.variance[until] - base.variance[before]
    return risk * hazard, risk**2 * (own + np.einsum("ij,jk,ik->i", away, covariance, away))


def loss_limits(
    hazard: np.ndarray, variance: np.ndarray, at_risk: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """1 − exp(−hazard) with its log–log interval; where nothing happened, Wilson's limits of none of ``at_risk``."""
    z = z_value(level)
    with np.errstate(all="ignore"):
        spread = np.exp(z * np.sqrt(variance) / hazard)
        low, high = -np.expm1(-hazard / spread), -np.expm1(-hazard * spread)
    none = hazard == 0
    low[none], high[none] = wilson_limits(np.zeros(none.sum()), at_risk[none], level)
    low[none] = np.where(np.isnan(high[none]), np.nan, 0.0)
    return -np.expm1(-hazard), low, high


@dataclass(frozen=True)
class Followed:
    """How many were at risk at any time of a stratum, each counting by ``risk``, the relative risk."""

    stratum: np.ndarray
    entry: np.ndarray
    end: np.ndarray
    risk: np.ndarray

    def at(self, stratum: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The risk of those with entry < time ≤ end, and until when anybody was followed (``nan``: no such stratum)."""
        early = time * (1 - SAME)
        there = np.maximum(self._sum_before(self.entry, stratum, early) - self._sum_before(self.end, stratum, early), 0)
        last = np.full(int(max(self.stratum.max(initial=0), stratum.max(initial=0))) + 1, -np.inf)
        np.maximum.at(last, self.stratum, self.end)
        until = np.where(stratum >= 0, last[stratum], -np.inf)
        known = np.isfinite(until)
        return np.where(known, there, np.nan), np.where(known, until * (1 + SAME), np.nan)

    def _sum_before(self, times: np.ndarray, stratum: np.ndarray, time: np.ndarray) -> np.ndarray:
        order = np.lexsort((times, self.stratum))
        strata, total = self.stratum[order], np.append(0.0, np.cumsum(self.risk[order]))
        until = _place(strata, times[order], stratum, time, side="left")
        return total[until] - total[np.searchsorted(strata, stratum)]


def _place(
    strata: np.ndarray, times: np.ndarray, stratum: np.ndarray, time: np.ndarray, *, side: Literal["left", "right"]
) -> np.ndarray:
    """Where (stratum, time) belongs among pairs in ascending order."""
    known, rank = np.unique(times, return_inverse=True)
    keys = strata * (len(known) + 1) + rank
    return np.searchsorted(keys, stratum * (len(known) + 1) + np.searchsorted(known, time, side=side))
