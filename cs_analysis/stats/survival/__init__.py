"""Time until something happens: curves, means, comparisons, competing causes and what drives them.

Arrays or Series in; times are numbers ≥ 0 of any unit. The conventions are those of R's survival: at risk at t means
entry < t ≤ duration, events come before censoring at ties, and weights are counts of equal rows.
"""

from __future__ import annotations

from cs_analysis.stats.survival.compare import LogRank, logrank
from cs_analysis.stats.survival.concordance import concordance
from cs_analysis.stats.survival.cox import CoxFit, cox, fit_cox
from cs_analysis.stats.survival.curves import at, curve, quantile, weighted_curve
from cs_analysis.stats.survival.incidence import cumulative_incidence
from cs_analysis.stats.survival.restricted import RestrictedMean, largest_tau, rmst, rmst_difference

__all__ = [
    "CoxFit",
    "LogRank",
    "RestrictedMean",
    "at",
    "concordance",
    "cox",
    "cumulative_incidence",
    "curve",
    "fit_cox",
    "largest_tau",
    "logrank",
    "quantile",
    "rmst",
    "rmst_difference",
    "weighted_curve",
]
