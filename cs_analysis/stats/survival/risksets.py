"""Who was at risk at each event: the sums over risk sets that Cox regression and its checks are made of.

Event times are numbered per stratum, one stratum after the other. A row is at risk at the numbers
``first <= k < last`` and, when it ends in an event, dies at ``last - 1``; so strata and late entry need no further
care, and two rows with the same covariates, range and outcome are one row with two copies (a weight).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import betaln, gammaln, polygamma, psi

from cs_analysis.stats.survival.rows import Rows, collapse

# Tied deaths at one time up to which Efron's sum is added up term by term; beyond it has a closed form
LONGEST_SUM = 4096
# Below this many rows collapsing saves nothing
WORTH_COLLAPSING = 5_000
_SAMPLE = 20_000


@dataclass(frozen=True)
class RiskSets:
    """Rows (covariates centred and scaled, range of risk sets, count) and the event times they refer to."""

    x: np.ndarray  # rows × covariates
    first: np.ndarray
    last: np.ndarray
    dead: np.ndarray  # bool
    weight: np.ndarray  # copies of the row
    times: np.ndarray  # per event time: the time
    strata: np.ndarray  # per event time: the stratum's number
    starts: np.ndarray  # where each stratum's event times start

    @cached_property
    def late(self) -> np.ndarray:
        """Positions of the rows that join their stratum after its first event."""
        at_start = np.zeros(len(self.times) + 1, dtype=bool)
        at_start[self.starts] = True
        return np.flatnonzero(~at_start[self.first])

    @cached_property
    def ended(self) -> np.ndarray:
        """Positions of the rows that end in the event."""
        return np.flatnonzero(self.dead)

    @cached_property
    def ends(self) -> np.ndarray:
        """The event times of those rows."""
        return self.last[self.ended] - 1

    @cached_property
    def x_ended(self) -> np.ndarray:
        """The covariates of those rows."""
        return np.asfortranarray(self.x[self.ended])

    @cached_property
    def deaths(self) -> np.ndarray:
        """Deaths (copies counted) per event time."""
        return of_the_dead(self, self.weight[self.ended])

    def columns(self, keep: np.ndarray) -> RiskSets:
        """The same rows with some of the covariates."""
        return self if len(keep) == self.x.shape[1] else replace(self, x=np.asfortranarray(self.x[:, keep]))


class Efron(NamedTuple):
    """Sums over the tied deaths of each event time; death j of m meets the risk set less the share f = j/m of the dead.

    With D = S0 − f·S0_dead: Σ log D, Σ 1/D, Σ f/D, Σ 1/D², Σ f/D², Σ f²/D².
    """

    log: np.ndarray
    one: np.ndarray
    share: np.ndarray
    one2: np.ndarray
    share2: np.ndarray
    square2: np.ndarray


class Sums(NamedTuple):
    """What one set of coefficients gives."""

    shift: float  # the largest x·β, taken off everywhere
    risk: np.ndarray  # per row: exp(x·β − shift) times its weight
    s0: np.ndarray  # per event time: Σ risk of those at risk
    s1: np.ndarray  # event times × covariates: Σ risk·x of those at risk
    s1_dead: np.ndarray
    efron: Efron
    log_likelihood: float
    score: np.ndarray


def build(x: np.ndarray, found: Rows, stratum: np.ndarray) -> tuple[RiskSets, np.ndarray]:
    """Number the event times and give every row its range; rows that no event concerns are left out.

    ``x`` and ``stratum`` belong to the rows ``found``.

    Returns
    -------
    RiskSets and the positions of its rows among those found; they are in the order of their ends.
    """
    code = stratum * max(len(found.times), 1)
    end = code + found.last
    events = np.unique(end[found.observed])
    order = np.argsort(end)
    first = np.searchsorted(events, (code + found.first)[order])
    last = np.searchsorted(events, end[order], side="right")
    concerned = last > first
    rows = order[concerned]
    strata, ranks = np.divmod(events, max(len(found.times), 1))
    sets = RiskSets(
        x=np.asfortranarray(x[rows]),
        first=first[concerned],
        last=last[concerned],
        dead=found.observed[rows],
        weight=found.weight[rows],
        times=found.times[ranks],
        strata=strata,
        starts=np.flatnonzero(np.diff(strata, prepend=-1)),
    )
    return sets, rows


def collapsed(sets: RiskSets) -> RiskSets:
    """Equal rows put together and counted where at least about half of them would go; else the same rows."""
    n = len(sets.weight)
    if n < WORTH_COLLAPSING:
        return sets
    some = np.linspace(0, n - 1, min(n, _SAMPLE)).astype(int)
    alike = len(some) - len(_kinds(sets, some)[0])
    # of s rows drawn from d kinds about d·(1 − exp(−s/d)) are different; here d = n/2
    if alike < len(some) + n / 2 * np.expm1(-2 * len(some) / n):
        return sets
    one, kind = _kinds(sets, np.arange(n))
    weight = np.bincount(kind, sets.weight)
    return replace(sets, x=sets.x[one], first=sets.first[one], last=sets.last[one], dead=sets.dead[one], weight=weight)


def _kinds(sets: RiskSets, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    covariates = [pd.factorize(column[rows])[0] for column in sets.x.T]
    return collapse(sets.last[rows], sets.dead[rows].astype(np.int64), sets.first[rows], *covariates)


def at_risk(sets: RiskSets, values: np.ndarray) -> np.ndarray:
    """The sum of ``values`` (a number per row) over those at risk, per event time.

    Added up from the last event backwards within each stratum: without late entry nothing is ever subtracted, so
    that small risk sets at the end are not blurred by the rounding of large ones.
    """
    n = len(sets.times)
    total = np.bincount(sets.last - 1, values, n)
    if len(sets.late):
        total -= np.bincount(sets.first[sets.late] - 1, values[sets.late], n)
    return _running(total[::-1], n - np.append(sets.starts[1:], n)[::-1])[::-1]


def cumulated(sets: RiskSets, per_time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Running sums over each stratum's event times: before each, and through it.

    Every stratum starts at 0: with coefficients that run away the sums of one would drown those of the next.
    """
    through = _running(per_time, sets.starts)
    before = np.zeros_like(per_time)
    before[1:] = through[:-1]
    before[sets.starts] = 0
    return before, through


def _running(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Running sums that begin anew at each of ``starts``: a step per stratum, or per place within the strata."""
    if len(starts) <= 1:
        return np.cumsum(values, axis=0)
    lengths = np.diff(starts, append=len(values))
    if len(starts) <= lengths.max():
        parts = [np.cumsum(values[begin:end], axis=0) for begin, end in pairwise([*starts, len(values)])]
        return np.concatenate(parts)
    result = values.copy()
    longest = np.argsort(-lengths, kind="stable")
    starts, left = starts[longest], np.searchsorted(-lengths[longest], -np.arange(lengths.max()))
    for place in range(1, len(left)):
        at = starts[: left[place]] + place
        result[at] += result[at - 1]
    return result


def of_the_dead(sets: RiskSets, values: np.ndarray) -> np.ndarray:
    """The sum of ``values`` (a number per row that ends in the event) over those who die, per event time."""
    return np.bincount(sets.ends, values, len(sets.times))


def sums(sets: RiskSets, beta: np.ndarray) -> Sums:
    """Risk-set sums, partial likelihood (Efron), its gradient and minus its second derivatives.

    The matrix Σ risk·x·xᵀ is never made per event time: each row meets the sum of 1/D over its range of event times,
    so that one matrix product over the rows does.
    """
    eta = linear(sets.x, beta)
    shift = float(eta.max()) if len(eta) else 0.0
    eta -= shift
    risk = sets.weight * np.exp(eta)
    risk_ended = risk[sets.ended]
    s0, s0_dead = at_risk(sets, risk), of_the_dead(sets, risk_ended)
    shape = (len(sets.times), sets.x.shape[1])
    s1, s1_dead = np.empty(shape, order="F"), np.empty(shape, order="F")
    for j in range(shape[1]):
        s1[:, j] = at_risk(sets, risk * sets.x[:, j])
        s1_dead[:, j] = of_the_dead(sets, risk_ended * sets.x_ended[:, j])
    efron = tied(s0, s0_dead, sets.deaths)
    chosen = sets.weight[sets.ended]
    score = chosen @ sets.x_ended - efron.one @ s1 + efron.share @ s1_dead
    log_likelihood = float(chosen @ eta[sets.ended] - efron.log.sum())
    return Sums(shift, risk, s0, s1, s1_dead, efron, log_likelihood, score)


def information(sets: RiskSets, found: Sums, per_time: np.ndarray | float = 1.0) -> np.ndarray:
    """Σ per_time · (variance of the covariates in the risk set), summed over deaths: minus the second derivatives."""
    efron, s1, s1_dead = found.efron, found.s1, found.s1_dead
    before, through = cumulated(sets, efron.one * per_time)
    factor = found.risk * (through[sets.last - 1] - before[sets.first])
    if efron.share.any():
        factor[sets.ended] -= found.risk[sets.ended] * (efron.share * per_time)[sets.ends]
    cross = s1.T @ ((efron.share2 * per_time)[:, None] * s1_dead)
    means = s1.T @ ((efron.one2 * per_time)[:, None] * s1) - cross - cross.T
    means += s1_dead.T @ ((efron.square2 * per_time)[:, None] * s1_dead)
    return sets.x.T @ (factor[:, None] * sets.x) - means


def linear(x: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """x·β, added up column by column so that equal rows give equal numbers to the last bit (they are ties)."""
    total = np.zeros(len(x))
    for column, coefficient in zip(x.T, beta, strict=True):
        total += column * coefficient
    return total


def tied(s0: np.ndarray, s0_dead: np.ndarray, deaths: np.ndarray) -> Efron:
    """Efron's sums per event time.

    m is the number of deaths; where that is not whole (weights need not be), the next whole number, each death
    counting deaths / m.
    """
    m = np.maximum(np.ceil(deaths - 1e-9), 1)
    if (m == 1).all():
        nothing = np.zeros(len(s0))
        return Efron(deaths * np.log(s0), deaths / s0, nothing, deaths / s0**2, nothing, nothing)
    many = m > LONGEST_SUM
    result = np.empty((6, len(s0)))
    result[:, ~many] = _term_by_term(s0[~many], s0_dead[~many], m[~many].astype(int))
    result[:, many] = _closed_form(s0[many], s0_dead[many], m[many])
    return Efron(*(result * (deaths / m)))


def _term_by_term(s0: np.ndarray, s0_dead: np.ndarray, m: np.ndarray) -> np.ndarray:
    starts = np.cumsum(m) - m
    share = (np.arange(m.sum()) - np.repeat(starts, m)) / np.repeat(m, m)
    left = np.repeat(s0, m) - share * np.repeat(s0_dead, m)
    one = 1 / left
    weighted = share * one
    terms = (np.log(left), one, weighted, one * one, weighted * one, weighted * weighted)
    return np.array([np.add.reduceat(term, starts) if len(starts) else term for term in terms])


def _closed_form(s0: np.ndarray, s0_dead: np.ndarray, m: np.ndarray) -> np.ndarray:
    """The same sums by the gamma function and its derivatives: D = (a − j)·S0_dead/m with a = m·S0/S0_dead."""
    unit = s0_dead / m
    a = np.maximum(s0 / unit, m)
    first = psi(a + 1) - psi(a - m + 1)  # Σ 1/(a − j)
    second = polygamma(1, a - m + 1) - polygamma(1, a + 1)  # Σ 1/(a − j)²
    log = m * np.log(unit) + gammaln(m) - betaln(a - m + 1, m)
    return np.array(
        [
            log,
            first / unit,
            (a * first - m) / (m * unit),
            second / unit**2,
            (a * second - first) / (m * unit**2),
            (a * a * second - 2 * a * first + m) / (m * unit) ** 2,
        ]
    )
