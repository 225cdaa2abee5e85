"""The Net Promoter Score where answers are not independent: weighted, clustered by account, compared between groups.

An answer counts +1 (promoter, 9–10), 0 (passive, 7–8) or −1 (detractor, 0–6); the score is 100 times their weighted
mean. Colleagues of one account answer alike and weights differ, so a sample of n answers is worth fewer: the *design
effect* says how many times fewer, and promoters, detractors and n are divided by it before the interval is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import nan, sqrt
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import ndtr

from cs_analysis.errors import N_, InputError
from cs_analysis.stats.proportions import Estimate, nps, z_value

FEWEST_ACCOUNTS = 5  # below so many accounts' worth of answers, how alike colleagues answer cannot be estimated
POWER = 0.8  # with which a change counts as one that can be seen
MOST_WEIGHT = 5.0  # times the mean weight; one answer never speaks for more


class Answers(NamedTuple):
    """Answers as numbers: +1, 0 or −1, the account of each, and its weight."""

    values: np.ndarray
    accounts: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, values: ArrayLike, accounts: ArrayLike | None = None, weights: ArrayLike | None = None) -> Answers:
        """Checked arrays of one length; without accounts every answer is one of its own."""
        x = np.asarray(values, dtype=float)
        who = np.arange(len(x)) if accounts is None else np.asarray(accounts)
        w = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=float)
        if not (len(x) == len(who) == len(w) and np.isin(x, (-1, 0, 1)).all() and (w >= 0).all()):
            raise InputError(N_("NPS needs answers of +1, 0 or −1, each with an account and a weight of 0 or more."))
        kept = w > 0
        return cls(x[kept], who[kept], w[kept])


class Score(NamedTuple):
    """The score in points with its interval, the number of answers and how many independent ones they are worth."""

    estimate: float
    low: float
    high: float
    n: int
    n_eff: float


class Difference(NamedTuple):
    """The difference of two scores in points, its interval, and the probability of one as large by chance alone."""

    estimate: float
    low: float
    high: float
    p: float


def score(
    values: ArrayLike, *, accounts: ArrayLike | None = None, weights: ArrayLike | None = None, level: float = 0.95
) -> Score:
    """The score of answers with its adjusted Wald interval, accounts as clusters.

    Parameters
    ----------
    values
        +1, 0 or −1 per answer.
    accounts
        Who answered together; None = every answer on its own.
    weights
        0 or more per answer; only their ratios count.

    Returns
    -------
    Score
        estimate, low, high in points (``nan`` without an answer), n, n_eff = n ÷ design effect.

    Examples
    --------
    >>> [round(value, 2) for value in score([1] * 19 + [0] * 9 + [-1] * 8)]
    [30.56, 2.88, 53.53, 36, 36.0]

    Three colleagues who say the same are worth one answer:

    >>> score([1, 1, 1], accounts=["a", "a", "a"]).n_eff
    1.0
    """
    sample = Answers.of(values, accounts, weights)
    n = len(sample.values)
    z_value(level)
    if n == 0:
        return Score(nan, nan, nan, 0, 0.0)
    n_eff = n / design_effect(sample)
    p, d = _shares(sample)
    _same, low, high = nps(p * n_eff, max(0.0, (1 - p - d) * n_eff), d * n_eff, level)
    estimate = 100 * (p - d)
    return Score(estimate, min(low, estimate), max(high, estimate), n, n_eff)


def design_effect(sample: Answers) -> float:
    """How many times fewer independent answers a sample is worth, at least 1.

    The largest of: the delete-one-account variance of the weighted mean ÷ that of as many independent answers;
    Kish's n Σw² / (Σw)²; and, where the answers are worth fewer than five accounts or are all the same, n ÷ the
    number of accounts they are worth (1 / Σ of squared shares): there nothing tells how alike colleagues answer.

    Examples
    --------
    Three accounts with two answers each are too few to tell, so each counts once:

    >>> round(design_effect(Answers.of([1, 1, 0, 1, -1, -1], list("aabbcc"))), 6)
    2.0
    """
    x, who, w = sample
    n = len(x)
    if n == 0:
        return 1.0
    share = w / w.sum()
    kish = n * float((share**2).sum())
    codes = pd.factorize(who)[0]
    held = np.bincount(codes, weights=share)
    m = len(held)
    by_account = n * float((held**2).sum())
    spread = float((share * (x - (share * x).sum()) ** 2).sum())
    if m == n:
        return max(1.0, kish)
    if spread < 1e-12 or 1 / float((held**2).sum()) < FEWEST_ACCOUNTS:
        return max(1.0, kish, by_account)
    clustered = float((_influence(sample, codes) ** 2).sum()) * (m - 1) / m
    return max(1.0, kish, clustered / (spread / (n - 1)))


def _influence(sample: Answers, codes: np.ndarray) -> np.ndarray:
    """What the score (as a fraction) loses when each account is left out."""
    share = sample.weights / sample.weights.sum()
    mean = float((share * sample.values).sum())
    held = np.bincount(codes, weights=share)
    moved = np.bincount(codes, weights=share * (sample.values - mean))
    return np.divide(moved, 1 - held, out=np.zeros_like(moved), where=held < 1 - 1e-12)


def _shares(sample: Answers) -> tuple[float, float]:
    w = sample.weights
    return float(w[sample.values > 0].sum() / w.sum()), float(w[sample.values < 0].sum() / w.sum())


def _adjusted(sample: Answers) -> tuple[float, float]:
    """The score and its variance as fractions, with the three answers of the adjusted Wald interval added."""
    n = len(sample.values) / design_effect(sample)
    p, d = ((share * n + 0.75) / (n + 3) for share in _shares(sample))
    return p - d, (p + d - (p - d) ** 2) / (n + 3)


def difference(later: Answers, earlier: Answers, level: float = 0.95) -> Difference:
    """The difference of two scores, accounts that are in both paired.

    Both scores and variances are those of the adjusted Wald interval; their covariance comes from the accounts that
    answered both times. The correlation is shrunk by three accounts that tell nothing, so that even two samples of
    the same answers have an interval of some width.

    Parameters
    ----------
    later, earlier
        Answers of two waves, or of two groups of one wave.

    Returns
    -------
    Difference
        estimate (later − earlier), low, high in points, p; all ``nan`` when one of them has no answer.

    Examples
    --------
    By hand, without accounts in common: 20/10/10 and 10/10/20 give adjusted scores ±10/43 and variances .0158 each,
    so 46.5 ± 1.96 · 17.8 points.

    >>> a, b = Answers.of([1] * 20 + [0] * 10 + [-1] * 10), Answers.of([1] * 10 + [0] * 10 + [-1] * 20, range(40, 80))
    >>> [round(value, 2) for value in difference(a, b)]
    [50.0, 11.69, 81.33, 0.01]
    """
    z = z_value(level)
    if not len(later.values) or not len(earlier.values):
        return Difference(nan, nan, nan, nan)
    (a, var_a), (b, var_b) = _adjusted(later), _adjusted(earlier)
    se = sqrt(max(0.0, var_a + var_b - 2 * correlation(later, earlier) * sqrt(var_a * var_b)))
    p, d = _shares(later)
    q, e = _shares(earlier)
    estimate = 100 * ((p - d) - (q - e))
    low, high = 100 * (a - b - z * se), 100 * (a - b + z * se)
    return Difference(
        estimate,
        max(-200.0, min(low, estimate)),
        min(200.0, max(high, estimate)),
        float(2 * ndtr(-abs(a - b) / se)) if se > 0 else 1.0,
    )


def correlation(later: Answers, earlier: Answers) -> float:
    """How much two scores move together because the same accounts are in both: 0 without any, always below 1."""
    codes = pd.factorize(np.concatenate([later.accounts, earlier.accounts]))[0]
    first, second = codes[: len(later.values)], codes[len(later.values) :]
    size = int(codes.max()) + 1 if len(codes) else 0
    moved = []
    for sample, who in ((later, first), (earlier, second)):
        own, ids = pd.factorize(who)
        there = np.zeros(size)
        there[ids] = _influence(sample, own)
        moved.append(there)
    shared = len(np.intersect1d(first, second))
    scale = sqrt(float((moved[0] ** 2).sum() * (moved[1] ** 2).sum()))
    raw = float((moved[0] * moved[1]).sum()) / scale if scale > 0 else 0.0
    return float(np.clip(raw, -1, 1)) * shared / (shared + 3)


def detectable(sample: Answers, *, earlier: Answers | None = None, level: float = 0.95) -> float:
    """The change, in points, that a second wave like this one would show as clear four times in five.

    (z₀.₉₇₅ + z₀.₈) times the standard error of the difference; ``earlier`` lends its size and its accounts in common.

    >>> round(detectable(Answers.of([1] * 20 + [0] * 10 + [-1] * 10)), 1)
    49.8
    """
    if not len(sample.values):
        return nan
    other = earlier if earlier is not None and len(earlier.values) else None
    _a, var_a = _adjusted(sample)
    _b, var_b = _adjusted(other) if other else (_a, var_a)
    rho = correlation(sample, other) if other else 0.0
    z_power = z_value(2 * POWER - 1)
    return 100 * (z_value(level) + z_power) * sqrt(var_a + var_b - 2 * rho * sqrt(var_a * var_b))


def bounds(promoters: int, detractors: int, invited: int, answered: int) -> Estimate:
    """The lowest and the highest score of all invited, whatever those who stayed silent would have said.

    The estimate is the score of those who answered.

    >>> bounds(19, 8, 72, 36)
    Estimate(estimate=30.555555555555557, low=-34.72222222222222, high=65.27777777777777)
    """
    if not invited:
        return Estimate(nan, nan, nan)
    silent = invited - answered
    net = float(promoters - detractors)
    return Estimate(
        100 * net / answered if answered else nan, 100 * (net - silent) / invited, 100 * (net + silent) / invited
    )


def rake(margins: Sequence[ArrayLike], answered: ArrayLike, *, rounds: int = 50) -> np.ndarray:
    """Weights that make those who answered look like all who were asked, margin by margin.

    Each margin puts everybody into a class; the weights of those who answered are scaled, one margin after the other
    and over again, until their totals per class are those of all asked [Deming and Stephan 1940]. A class in which
    nobody answered cannot be matched and is left out of its margin. No weight exceeds five times the mean.

    Parameters
    ----------
    margins
        One array of classes per margin, one entry per person asked.
    answered
        Whether each of them answered.

    Returns
    -------
    np.ndarray
        Weights of mean 1 over those who answered, 0 for the others.

    Examples
    --------
    Of four small and four large accounts asked, one small and three large ones answered:

    >>> rake([list("ssssllll")], [True, False, False, False, True, True, True, False]).round(3).tolist()
    [2.0, 0.0, 0.0, 0.0, 0.667, 0.667, 0.667, 0.0]
    """
    said = np.asarray(answered, dtype=bool)
    weights = said.astype(float)
    if not said.any():
        return weights
    prepared = []
    for margin in margins:
        codes = pd.factorize(np.asarray(margin))[0]
        asked = np.bincount(codes)
        there = np.bincount(codes, weights=weights) > 0
        prepared.append((codes, asked, there))
    for _round in range(rounds):
        for codes, asked, there in prepared:
            held = np.bincount(codes, weights=weights, minlength=len(asked))
            factor = np.divide(asked, held, out=np.ones(len(asked)), where=there & (held > 0))
            weights = weights * factor[codes]
    weights = weights / weights[said].mean()
    weights = np.minimum(weights, MOST_WEIGHT)
    return weights / weights[said].mean()
