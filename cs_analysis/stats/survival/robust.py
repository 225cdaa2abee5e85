"""Standard errors that hold when several rows belong to one account: the sandwich of score residuals."""

from __future__ import annotations

import numpy as np

from cs_analysis.stats.survival.maximise import Maximum
from cs_analysis.stats.survival.risksets import RiskSets, cumulated, linear


def clustered(sets: RiskSets, best: Maximum, covariance: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    """V (Σ uᵀu) V, where u is the sum of the weighted score residuals of a cluster and V the model's covariance."""
    residuals = score_residuals(sets, best) * sets.weight[:, None]
    columns = [np.bincount(cluster, column) for column in residuals.T]
    if not columns:
        return covariance
    per_cluster = np.array(columns).T @ covariance
    return per_cluster.T @ per_cluster


def score_residuals(sets: RiskSets, best: Maximum) -> np.ndarray:
    """Each row's part in the score (rows × covariates): what it did less what the model expected of it."""
    sums, efron = best.sums, best.sums.efron
    met_before, met = cumulated(sets, efron.one)
    mean = efron.one2[:, None] * sums.s1 - efron.share2[:, None] * sums.s1_dead
    mean_before, mean_met = cumulated(sets, mean)
    risk = np.exp(linear(sets.x, best.beta) - sums.shift)[:, None]
    first, last = sets.first, sets.last - 1
    expected = sets.x * (met[last] - met_before[first])[:, None] - (mean_met[last] - mean_before[first])
    residuals = -risk * expected
    dead, at, x = sets.ended, sets.ends, sets.x_ended
    centre = (efron.one[:, None] * sums.s1 - efron.share[:, None] * sums.s1_dead) / sets.deaths[:, None]
    # among tied deaths a row counts only in part in the risk sets it has already left
    spared = efron.share2[:, None] * sums.s1 - efron.square2[:, None] * sums.s1_dead
    residuals[dead] += x - centre[at] + risk[dead] * (x * efron.share[at][:, None] - spared[at])
    return residuals
