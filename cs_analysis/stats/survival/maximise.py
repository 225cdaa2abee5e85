"""Newton–Raphson for the partial likelihood, and which covariates it must do without."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cs_analysis.stats.survival.risksets import RiskSets, Sums, information, sums

PRECISION = 1e-10
_LOOKS = 100
# The smallest risk set (against the highest risk of all) whose square can still be divided by
_SMALLEST = 1e-140
# A covariate whose share not explained by those before it is below this is collinear
_OWN_SHARE = 1e-10
# Once a step is to gain less than this, a maximum is reached in two or three more, each far shorter than the last
_LATE = 1e-2
# ... steps of this share of a covariate's range, that many times, lead to none
_STRIDE, _STRIDES = 0.5, 4
# The last step of a coefficient that has an end is shorter than this
_STILL_MOVING = 0.05


@dataclass(frozen=True)
class Maximum:
    """Coefficients, what they give, the information there, and which of them have no end."""

    beta: np.ndarray
    sums: Sums
    information: np.ndarray
    endless: np.ndarray


def at_zero(sets: RiskSets) -> Maximum:
    """Where the search begins: no covariate matters."""
    beta = np.zeros(sets.x.shape[1])
    found = sums(sets, beta)
    return Maximum(beta, found, information(sets, found), beta > 0)


def without_information(sets: RiskSets, zero: Maximum) -> np.ndarray:
    """A note per covariate: why it cannot be fitted, or "".

    "no events"; "constant" where it never differs within a risk set; "collinear" where those before it determine it.
    Cholesky's decomposition of the information at β = 0, column by column: what is left of a column's own
    information after those before it says whether it adds anything.
    """
    matrix = zero.information
    if not sets.dead.any():
        return np.full(len(matrix), "no events", dtype=object)
    notes = np.full(len(matrix), "", dtype=object)
    own = matrix.diagonal().copy()
    constant = own <= 1e-12 * sets.deaths.sum()
    notes[constant] = "constant"
    scale = np.sqrt(np.where(constant, 1.0, own))
    matrix = matrix / np.outer(scale, scale)
    for j in np.flatnonzero(~constant):
        if matrix[j, j] < _OWN_SHARE:
            notes[j] = "collinear"
        else:
            matrix = matrix - np.outer(matrix[:, j], matrix[j]) / matrix[j, j]
    return notes


def maximum(sets: RiskSets, begin: Maximum) -> Maximum:
    """The coefficients at which the partial likelihood is highest.

    Full Newton steps, halved while the likelihood falls; done when the step gains less than 1e-10 and the likelihood
    has settled to as many digits. (Each step squares the error, so that the coefficients are then exact.)

    Where a covariate foretells every event, the likelihood nears its limit like exp(−β·range): it settles, but each
    step is about 1 / range. Such coefficients are marked as endless, before rounding blurs the risk sets.
    """
    best, halving, strides = begin, 0, 0
    reach = np.ptp(sets.x, axis=0) if len(sets.x) else np.zeros(len(begin.beta))
    step = _solve(best.information, best.sums.score)
    for _ in range(_LOOKS):
        gain = float(step @ best.sums.score)
        beta = best.beta + step / 2**halving
        with np.errstate(all="ignore"):
            found = sums(sets, beta)
        if not _rises(found, best.sums):
            halving += 1
            continue
        strides += bool(gain <= _LATE and (np.abs(step) * reach > _STRIDE).any())
        risen = found.log_likelihood - best.sums.log_likelihood
        best, halving = Maximum(beta, found, information(sets, found), begin.endless), 0
        settled = gain <= PRECISION and abs(risen) <= PRECISION * (1 + abs(found.log_likelihood))
        if settled or strides == _STRIDES:
            break
        step = _solve(best.information, found.score)
    moved = np.abs(step) * reach
    moving = ~(moved <= _STILL_MOVING) & ~(moved < 0.01 * np.nanmax(moved, initial=0.0))
    unknown = ~(inverse(best.information).diagonal() > 0)
    return replace(best, endless=moving | unknown)


def _rises(there: Sums, here: Sums) -> bool:
    """Whether the likelihood is no lower there, and its sums are within what numbers can hold."""
    slack = 1e-13 * (1 + abs(here.log_likelihood))
    within = np.isfinite(there.log_likelihood) and there.s0.min(initial=1.0) > _SMALLEST
    return bool(within and there.log_likelihood >= here.log_likelihood - slack)


def inverse(matrix: np.ndarray) -> np.ndarray:
    """The inverse of an information matrix, the pseudo-inverse if it has none."""
    return _solve(matrix, np.eye(len(matrix)))


def _solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    try:
        return np.linalg.solve(matrix, right)
    except np.linalg.LinAlgError:
        return np.linalg.pinv(matrix, hermitian=True) @ right
