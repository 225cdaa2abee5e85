"""Are hazards proportional? The score test for coefficients that drift with time, as R's cox.zph (version 3)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from cs_analysis.stats.survival.maximise import inverse
from cs_analysis.stats.survival.risksets import RiskSets, Sums, information
from cs_analysis.stats.survival.rows import Rows

# The share of a covariate's information that must be left to see a drift by
_VISIBLE = 1e-9


def clock(found: Rows, times: np.ndarray) -> np.ndarray:
    """1 − S(t−) of everybody together at each of ``times``: the Kaplan–Meier clock, running by events, not by days."""
    n = len(found.times)
    ended = np.bincount(found.last, found.weight, n)
    joined = np.bincount(found.first, found.weight, n)
    there = np.cumsum(joined) - np.append(0.0, np.cumsum(ended)[:-1])
    lost = np.bincount(found.last[found.observed], found.weight[found.observed], n)
    with np.errstate(all="ignore"):
        factors = np.where(lost > 0, 1 - lost / there, 1.0)
    before = np.append(1.0, np.cumprod(factors)[:-1])
    return 1 - before[np.searchsorted(found.times, times)]


def score_test(sets: RiskSets, sums: Sums, clock: np.ndarray) -> list[tuple[float, int, float]]:
    """χ², degrees of freedom and p for β_j + γ_j·g(t), γ_j = 0: one per covariate, then for all together.

    g is the clock less its mean over the deaths. The score for γ is Σ g·(x − x̄); its variance is the part of the
    information about (β, γ) that β leaves.
    """
    p = sets.x.shape[1]
    g = clock - np.average(clock, weights=sets.deaths)
    efron = sums.efron
    drift = (sets.weight[sets.ended] * g[sets.ends]) @ sets.x_ended
    drift -= (g * efron.one) @ sums.s1 - (g * efron.share) @ sums.s1_dead
    plain, crossed, squared = (information(sets, sums, weight) for weight in (1.0, g, g * g))
    left = squared - crossed.T @ inverse(plain) @ crossed
    # with one event time, or all variation used up, there is nothing to see a drift by
    scale = np.sqrt(np.average(g * g, weights=sets.deaths) * plain.diagonal())
    with np.errstate(all="ignore"):
        drift, left = drift / scale, left / np.outer(scale, scale)
        own = np.where(left.diagonal() > _VISIBLE, drift**2 / left.diagonal(), np.nan)
    visible = np.isfinite(left).all() and np.linalg.eigvalsh(left)[0] > _VISIBLE
    together = float(drift @ inverse(left) @ drift) if visible else np.nan
    tests = [(float(chi2), 1) for chi2 in own] + [(together, p)]
    return [(chi2, df, float(chdtrc(df, chi2))) for chi2, df in tests]


def as_table(names: list[str], notes: np.ndarray, tests: list[tuple[float, int, float]]) -> pd.DataFrame:
    """The tests of the covariates fitted, missing for the others, and GLOBAL last."""
    rows, found = [], iter(tests)
    for name, note in zip([*names, "GLOBAL"], [*notes, ""], strict=True):
        chi2, df, p = (np.nan, 0, np.nan) if note else next(found)
        rows.append((name, chi2, df, p))
    return pd.DataFrame(rows, columns=["covariate", "chi2", "df", "p"])
