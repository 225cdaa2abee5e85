"""Retention ratios of a frozen cohort (NRR, GRR, logo), their intervals, and the differences between two of them.

The target of every interval is the expected ratio for this opening book: the opening amounts are given, what
accounts do with them is chance. One core works on accounts grouped by their opening amount; an account by itself
is a group of one.
"""

from __future__ import annotations

from math import nan, sqrt
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from cs_analysis.errors import N_, InputError
from cs_analysis.stats.proportions import wilson, wilson_limits, z_value

MIN_EFFECTIVE = 10  # accounts' worth of opening amount below which there is no interval
MIN_CHANGED = 5  # accounts that changed, likewise

WITHHELD = {  # why there is no interval: key → sentence
    "empty": N_("no interval: no account was there at the start"),
    "few": N_("no interval: the opening amount is as concentrated as if there were fewer than ten equal accounts"),
    "unchanged": N_("no interval: fewer than five accounts changed"),
    "alike": N_("no interval: all accounts changed alike"),
}

MEASURES = ("net", "gross", "logo")


class Ratio(NamedTuple):
    """A ratio (or a difference of two) with its interval.

    ``estimate``, ``low``, ``high`` are fractions (``nan`` where unknown or withheld), ``n`` counts accounts,
    ``n_eff`` the equal accounts that would be as informative, ``withheld`` is "" or a key of :data:`WITHHELD`.
    """

    estimate: float
    low: float
    high: float
    n: int
    n_eff: float
    withheld: str = ""


EMPTY = Ratio(nan, nan, nan, 0, 0.0, "empty")


def net(opening: ArrayLike, closing: ArrayLike, level: float = 0.95) -> Ratio:
    """Net revenue retention: Σ closing ÷ Σ opening over the accounts with an opening amount.

    With weights w = s/Σs and ratios r = e/s the interval is R ± t_ν SE, cut at 0, where
    SE² = Σ[w (r − R)/(1 − w)]² and ν = max(1, (Σw²)²/Σw⁴). It is withheld when 1/Σw² < 10, when fewer than five
    accounts changed, or when all changed alike.

    Parameters
    ----------
    opening, closing
        Amount per account at the start and at the end, in one order; money or ticks. Accounts with an opening
        amount of 0 or less stand outside the cohort.
    level
        Coverage of the interval.

    Returns
    -------
    Ratio
        estimate, low, high (fractions), n, n_eff, withheld.

    Raises
    ------
    InputError
        If the lengths differ, or an amount is missing or infinite.

    Examples
    --------
    X grows from 50 to 100, Y shrinks from 125 to 100: 200 / 175.

    >>> result = net([50, 125], [100, 100])
    >>> round(100 * result.estimate, 3), result.low, result.withheld
    (114.286, nan, 'few')
    """
    s, e = _cohort(opening, closing)
    d = e - s
    return net_from_sums(np.ones_like(s), s, d, d * d, _count(_changed(s, e)), level)


def gross(opening: ArrayLike, closing: ArrayLike, level: float = 0.95) -> Ratio:
    """Gross revenue retention: Σ min(closing, opening) ÷ Σ opening, with Wilson's interval at n_eff = 1/Σw².

    Parameters, errors and the rule for withholding as in :func:`net`; an account that grew has changed too.

    Returns
    -------
    Ratio
        estimate, low, high (fractions, at most 1), n, n_eff, withheld.

    Examples
    --------
    X grows from 50 to 100, Y shrinks from 125 to 100: 150 / 175.

    >>> round(100 * gross([50, 125], [100, 100]).estimate, 3)
    85.714
    """
    s, e = _cohort(opening, closing)
    return gross_from_sums(np.ones_like(s), s, np.minimum(e - s, 0), _count(_changed(s, e)), level)


def logo(opening: ArrayLike, closing: ArrayLike, level: float = 0.95) -> Ratio:
    """Logo retention: the share of the accounts with an opening amount that have a closing one, Wilson's interval.

    Parameters, errors and the rule for withholding as in :func:`net`; here every account weighs the same, so
    n_eff = n.

    Examples
    --------
    >>> logo([50, 125, 80, 0], [100, 0, 80, 70]).estimate == 2 / 3
    True
    """
    _check_level(level)
    s, e = _cohort(opening, closing)
    n = len(s)
    if n == 0:
        return EMPTY
    share = wilson(_count(_kept(s, e)), n, level)
    withheld = _withheld(n, _count(_changed(s, e)))
    low, high = (nan, nan) if withheld else share[1:]
    return Ratio(share.estimate, low, high, n, float(n), withheld)


def net_from_sums(
    counts: ArrayLike,
    opening: ArrayLike,
    change: ArrayLike,
    change_squared: ArrayLike,
    changed: int,
    level: float = 0.95,
) -> Ratio:
    """Net retention from accounts already grouped by their opening amount: as :func:`net`, without the accounts.

    Per group Σ(e − R s)² = Σd² + 2 (1 − R) s Σd + (1 − R)² s² n with d = e − s, and all share the factor
    1/(Σs − s)².

    Parameters
    ----------
    counts
        Accounts in each group.
    opening
        The opening amount (above 0) that each account of the group has.
    change, change_squared
        Σd and Σd² over the group's accounts (as floats: squares of ticks overflow whole numbers).
    changed
        Accounts with d ≠ 0, over all groups.
    level
        Coverage of the interval.

    Returns
    -------
    Ratio
        As :func:`net`.

    Examples
    --------
    >>> net_from_sums([1, 1], [50, 125], [50, -25], [2500, 625], 2) == net([50, 125], [100, 100])
    True
    """
    _check_level(level)
    n, s, d, d2 = (np.asarray(values, dtype=float) for values in (counts, opening, change, change_squared))
    total, n_accounts, n_eff = _weights(n, s)
    if n_accounts == 0:
        return EMPTY
    drift = float(d.sum()) / total  # R − 1: exactly 0 when nothing changes
    ratio = 1 + drift
    withheld = _withheld(n_eff, changed)
    if withheld:
        return Ratio(ratio, nan, nan, n_accounts, n_eff, withheld)
    squares = d2 - 2 * drift * s * d + drift**2 * s**2 * n
    se = sqrt(max(0.0, float((squares / (total - s) ** 2).sum())))
    if se <= 1e-6 * abs(drift):  # what remains is rounding: everybody moved by the same rate
        return Ratio(ratio, nan, nan, n_accounts, n_eff, "alike")
    half = _t_value(level, _degrees(n, s)) * se
    return Ratio(ratio, max(0.0, ratio - half), ratio + half, n_accounts, n_eff)


def gross_from_sums(counts: ArrayLike, opening: ArrayLike, loss: ArrayLike, changed: int, level: float = 0.95) -> Ratio:
    """Gross retention from accounts already grouped by their opening amount: as :func:`gross`.

    Parameters
    ----------
    counts, opening, changed, level
        As in :func:`net_from_sums`.
    loss
        Σ min(d, 0) over the group's accounts (0 or below).

    Examples
    --------
    >>> gross_from_sums([1, 1], [50, 125], [0, -25], 2) == gross([50, 125], [100, 100])
    True
    """
    _check_level(level)
    n, s, lost = (np.asarray(values, dtype=float) for values in (counts, opening, loss))
    total, n_accounts, n_eff = _weights(n, s)
    if n_accounts == 0:
        return EMPTY
    ratio = 1 + float(lost.sum()) / total
    withheld = _withheld(n_eff, changed)
    if withheld:
        return Ratio(ratio, nan, nan, n_accounts, n_eff, withheld)
    low, high = wilson_limits(min(max(ratio, 0.0), 1.0), n_eff, level)
    return Ratio(ratio, float(low), float(high), n_accounts, n_eff)


def difference(
    opening_a: ArrayLike,
    closing_a: ArrayLike,
    opening_b: ArrayLike,
    closing_b: ArrayLike,
    *,
    measure: str = "net",
    level: float = 0.95,
) -> Ratio:
    """The difference a − b of two ratios over overlapping accounts, accounts paired.

    Each account's influence on a ratio is ψ = (e − R s)/(Σs − s), 0 outside the cohort; SE² = Σ(ψ_a − ψ_b)² and
    the interval is t with the smaller ν of the two. Withheld when it would be for either ratio, or when fewer than
    five accounts changed in this measure.

    Parameters
    ----------
    opening_a, closing_a, opening_b, closing_b
        Amounts per account, all four in the order of one list of accounts (0 where an account was not there).
    measure
        "net", "gross" or "logo".
    level
        Coverage of the interval.

    Returns
    -------
    Ratio
        estimate, low, high as differences of fractions; n = accounts in either cohort, n_eff = the smaller one.

    Raises
    ------
    InputError
        If the lengths differ, an amount is missing or infinite, or the measure is not known.

    Examples
    --------
    >>> round(difference([50, 125], [100, 100], [50, 125], [50, 125]).estimate, 6)
    0.142857
    """
    _check_level(level)
    s_a, e_a, reason_a = _side(opening_a, closing_a, measure)
    s_b, e_b, reason_b = _side(opening_b, closing_b, measure)
    if len(s_a) != len(s_b):
        raise _lengths(len(s_a), len(s_b))
    n = _count((s_a > 0) | (s_b > 0))
    if not (s_a.any() and s_b.any()):
        return Ratio(nan, nan, nan, n, 0.0, "empty")
    estimate = float(e_a.sum() / s_a.sum() - e_b.sum() / s_b.sum())
    n_eff = min(_weights(np.ones_like(s), s)[2] for s in (s_a, s_b))
    moved = _count(_changed(s_a, e_a) | _changed(s_b, e_b))
    withheld = reason_a or reason_b or _withheld(n_eff, moved)
    if withheld:
        return Ratio(estimate, nan, nan, n, n_eff, withheld)
    influence = _influence(s_a, e_a) - _influence(s_b, e_b)
    se = sqrt(float((influence**2).sum()))
    if se <= 1e-9:
        return Ratio(estimate, nan, nan, n, n_eff, "alike")
    half = _t_value(level, min(_degrees(np.ones_like(s), s) for s in (s_a, s_b))) * se
    return Ratio(estimate, estimate - half, estimate + half, n, n_eff)


def leave_one_out(
    opening: ArrayLike, closing: ArrayLike, largest: int | None = 5, *, measure: str = "net"
) -> pd.DataFrame:
    """The ratio without each of the largest accounts, one at a time.

    Parameters
    ----------
    opening, closing
        As in :func:`net`; with a Series its index names the accounts, otherwise their position does.
    largest
        How many accounts, by opening amount; None for all of them (the range is then the smallest to the largest
        estimate).
    measure
        "net", "gross" or "logo".

    Returns
    -------
    pd.DataFrame
        One row per account, the largest first: account, share (of the opening amount), estimate (the ratio without
        it; missing when nothing is left).

    Raises
    ------
    InputError
        As :func:`difference`.

    Examples
    --------
    >>> leave_one_out([50, 125, 25], [100, 100, 25], largest=2)
       account  share  estimate
    0        1  0.625  1.666667
    1        0  0.250  0.833333
    """
    s, e, _ = _side(opening, closing, measure)
    size = np.maximum(np.asarray(opening, dtype=float), 0)  # a logo weighs 1, its account does not
    order = np.argsort(-size, kind="stable")[: _count(size)][:largest]
    rest = s.sum() - s[order]
    with np.errstate(invalid="ignore", divide="ignore"):
        estimate = np.where(_count(s) > 1, (e.sum() - e[order]) / rest, nan)
        share = size[order] / size.sum()
    names = opening.index if isinstance(opening, pd.Series) else pd.RangeIndex(len(s))
    return pd.DataFrame({"account": names[order], "share": share, "estimate": estimate})


def _amounts(opening: ArrayLike, closing: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    s, e = np.asarray(opening, dtype=float), np.asarray(closing, dtype=float)
    if s.shape != e.shape or s.ndim != 1:
        raise _lengths(s.size, e.size)
    for amounts in (s, e):
        if not np.isfinite(amounts).all():
            raise InputError(
                N_("The amount of the account at position {position} is missing or infinite; write 0 or leave it out."),
                position=int(np.flatnonzero(~np.isfinite(amounts))[0]),
            )
    return s, e


def _cohort(opening: ArrayLike, closing: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """The amounts of the accounts that were there at the start."""
    s, e = _amounts(opening, closing)
    there = s > 0
    return s[there], e[there]


def _side(opening: ArrayLike, closing: ArrayLike, measure: str) -> tuple[np.ndarray, np.ndarray, str]:
    """Amounts aligned over all accounts in the terms of the measure (0 outside the cohort), and why to withhold."""
    if measure not in MEASURES:
        raise InputError(
            N_("The measure {measure!r} is not known; choose one of {known}."),
            measure=measure,
            known=", ".join(MEASURES),
        )
    s, e = _amounts(opening, closing)
    s, e = np.maximum(s, 0), np.where(s > 0, e, 0)
    changed = _count(_changed(s, e))
    if measure == "logo":
        s, e = (s > 0).astype(float), _kept(s, e).astype(float)
    if measure == "gross":
        e = np.minimum(e, s)
    return s, e, _withheld(_weights(np.ones_like(s), s)[2], changed)


def _count(mask: np.ndarray) -> int:
    return int(np.count_nonzero(mask))


def _changed(s: np.ndarray, e: np.ndarray) -> np.ndarray:
    # sums of floats may miss by a rounding error what whole ticks hit; relative, so that the currency does not matter
    return np.abs(e - s) > 1e-9 * np.maximum(np.abs(s), np.abs(e))


def _kept(s: np.ndarray, e: np.ndarray) -> np.ndarray:
    return e > 1e-9 * s


def _weights(n: np.ndarray, s: np.ndarray) -> tuple[float, int, float]:
    """Total opening amount, accounts, and Kish's effective number of them: (Σs)²/Σs²."""
    total = float((n * s).sum())
    if total == 0:
        return 0.0, 0, 0.0
    scaled = s / total
    return total, round(float(n[s > 0].sum())), 1 / float((n * scaled**2).sum())


def _degrees(n: np.ndarray, s: np.ndarray) -> float:
    """Degrees of freedom ν = max(1, (Σw²)²/Σw⁴)."""
    square = (s / float((n * s).sum())) ** 2
    return max(1.0, float((n * square).sum() ** 2 / (n * square**2).sum()))


def _influence(s: np.ndarray, e: np.ndarray) -> np.ndarray:
    total = s.sum()
    return (e - e.sum() / total * s) / (total - s)


def _withheld(n_eff: float, changed: int) -> str:
    if n_eff < MIN_EFFECTIVE * (1 - 1e-9):  # ten equal accounts are ten, whatever rounding says
        return "few"
    return "unchanged" if changed < MIN_CHANGED else ""


def _t_value(level: float, degrees: float) -> float:
    return float(stdtrit(degrees, (1 + level) / 2))


def _check_level(level: float) -> None:
    z_value(level)  # refuses what is no level, also where no interval will be computed


def _lengths(first: int, second: int) -> InputError:
    return InputError(
        N_("The lists of amounts have {first} and {second} entries; they need one entry per account, in one order."),
        first=first,
        second=second,
    )
