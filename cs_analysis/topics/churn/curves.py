"""How long accounts stay: survival curves of accounts and of their MRR, what to read off them, and group differences.

Everything starts from the lives of accounts (``stats.lives``): when each began, from when to when it was followed, and
whether it ended in a departure. Whoever is still there counts as "at least this long":

    lives                                                    curve
    account  entry_months  tenure_months  churned  mrr       group  weighting  month  estimate  at_risk
    A        0             2              True     10   →    ""     accounts   2      0.75      4
    B        0             4              True     30        ""     accounts   4      0.50      3
    C        0             6              False    20        ""     mrr        2      0.90      4
    D        0             6              False    40        ""     mrr        4      0.60      3
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from cs_analysis.display.language import choose
from cs_analysis.errors import N_, InputError
from cs_analysis.stats import multiplicity, resample, survival
from cs_analysis.stats.lives import followed

MIN_N = 10  # accounts below which a group is listed and not drawn, and a curve dotted
SPANS = (36, 24, 12)  # months over which the mean stay is taken: the longest that can be
SEED = 20
MOST_DRAWN = 20_000  # accounts above which the bootstrap says what the formula says, and takes long
CURVE = ("group", "weighting", "month", "estimate", "low", "high", "band_low", "band_high", "at_risk", "thin", "n")
SUMMARY = (
    "group", "n", "events", "median", "median_low", "median_high", "s12", "s12_low", "s12_high", "s24", "s24_low",
    "s24_high", "rmst", "rmst_low", "rmst_high", "tau", "solid_to", "longest",
)  # fmt: skip
COMPARISON = ("group_a", "group_b", "chi2", "df", "p", "p_holm", "rmst_difference", "low", "high", "tau")


def curve(lives: pd.DataFrame, *, by: str = "", min_n: int = MIN_N) -> pd.DataFrame:
    """The share of accounts, and of their opening MRR, that is still there after each month.

    Kaplan–Meier with late entry and log–log limits. The MRR-weighted curve is the share of opening MRR still there (it
    is not GRR: contraction is not in it), with Wilson limits from Kish's effective number, and a bootstrap band over
    accounts beside them.

    Parameters
    ----------
    lives
        As from :func:`cs_analysis.stats.lives.lives`; those that cannot be followed are left aside.
    by
        Column to split by; groups of fewer than ``min_n`` accounts are in the summary table alone.
    min_n
        Accounts that must be followed for a curve to be drawn solid.

    Returns
    -------
    One row per group × weighting ("accounts", "mrr") × month (whole months and those at which somebody left):
    estimate, low, high (fractions); band_low, band_high (what to draw: for "mrr" the bootstrap band); at_risk
    (accounts followed then); thin (whether the estimate rests on fewer than ``min_n``); n (accounts of the group).

    Examples
    --------
    >>> four = pd.DataFrame({"account_id": list("ABCD"), "entry_months": 0.0, "tenure_months": [2.0, 4.0, 6.0, 6.0],
    ...     "churned": [True, True, False, False], "mrr_first": [10.0, 30.0, 20.0, 40.0], "left_out": ""})
    >>> found = curve(four, min_n=1)
    >>> found.pivot(index="month", columns="weighting", values="estimate").round(3).loc[[2, 4]].values.tolist()
    [[0.75, 0.9], [0.5, 0.6]]

    Notes
    -----
    Kaplan and Meier (1958); definitions, section 3.
    """
    parts = []
    for group, rows in groups(lives, by):
        n = rows["account_id"].nunique()
        if by and n < min_n:
            continue
        times = _grid(rows)
        risk = at_risk(rows, times)
        common = {"group": group, "month": times, "at_risk": risk, "thin": _thin(times, risk, min_n)}
        accounts = survival.at(rows["tenure_months"], rows["churned"], times, entry=rows["entry_months"])
        limits = {c: accounts[c].to_numpy(dtype=float) for c in ("estimate", "low", "high")}
        limits |= {"band_low": limits["low"], "band_high": limits["high"]}
        parts.append(pd.DataFrame({**common, "weighting": "accounts", **limits, "n": n}))
        parts.append(pd.DataFrame({**common, "weighting": "mrr", **_weighted(rows, times), "n": n}))
    if not parts:
        return pd.DataFrame(columns=list(CURVE))
    found = pd.concat(parts, ignore_index=True)
    return found[found["estimate"].notna()].reset_index(drop=True)[list(CURVE)]


def summary_table(lives: pd.DataFrame, *, by: str = "", tau: float | None = None, min_n: int = MIN_N) -> pd.DataFrame:
    """What is read off each curve: the median stay, who is left after 12 and 24 months, and the mean stay up to τ.

    A figure that would rest on fewer than ``min_n`` accounts followed is missing; the median is also missing when more
    than half are still there.

    Parameters
    ----------
    lives
        As in :func:`curve`.
    by
        Column to split by; every group is listed, those under ``min_n`` without figures.
    tau
        Months over which the mean stay (RMST) is taken; None = the longest of 36, 24 and 12 that every group reaches.
    min_n
        Accounts that must be followed.

    Returns
    -------
    One row per group: n (accounts), events (departures), median, median_low, median_high (months), s12, s12_low,
    s12_high, s24, s24_low, s24_high (fractions), rmst, rmst_low, rmst_high, tau (months), solid_to (the last month the
    curve is not thin), longest (months followed).
    """
    parts = list(groups(lives, by))
    enough = [rows for _g, rows in parts if rows["account_id"].nunique() >= min_n]
    span = _span(enough, min_n) if tau is None else float(tau)
    found = [_summary_row(group, rows, span, min_n) for group, rows in parts]
    return pd.DataFrame(found, columns=list(SUMMARY))


def comparison(lives: pd.DataFrame, *, by: str, min_n: int = MIN_N) -> pd.DataFrame:
    """Whether groups differ in how long their accounts stay: log-rank tests and differences of the mean stay.

    Parameters
    ----------
    lives
        As in :func:`curve`.
    by
        Column to split by.
    min_n
        Groups with fewer accounts are not compared.

    Returns
    -------
    One row per pair of groups, and with more than two groups a first row for all at once (both names ""): chi2, df, p
    (log-rank), p_holm (Holm over the pairs), rmst_difference (months over ``tau``, a − b), low, high, tau.
    """
    parts = {group: rows for group, rows in groups(lives, by) if rows["account_id"].nunique() >= min_n}
    if len(parts) < 2:
        return pd.DataFrame(columns=list(COMPARISON))
    tau = _span(list(parts.values()), min_n)
    pairs = [_pair(a, b, parts, tau) for a, b in combinations(parts, 2)]
    table = pd.DataFrame(pairs, columns=list(COMPARISON))
    table["p_holm"] = multiplicity.holm(table["p"].to_numpy(dtype=float))
    if len(parts) == 2:
        return table
    everyone = _logrank(parts)
    first = dict.fromkeys(COMPARISON, np.nan) | {"group_a": "", "group_b": "", "tau": tau}
    first |= {"chi2": everyone.statistic, "df": everyone.df, "p": everyone.p}
    return pd.concat([pd.DataFrame([first]), table], ignore_index=True)[list(COMPARISON)]


def joined(*tables: pd.DataFrame) -> pd.DataFrame:
    """The same table of several splits as one, as it is saved; the group of all accounts is ""."""
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else tables[0]


def share_at(lives: pd.DataFrame, month: float, *, min_n: int = MIN_N) -> float:
    """The share of accounts still there after some months; missing where it would rest on fewer than ``min_n``."""
    rows = followed(lives)
    if rows["account_id"].nunique() < min_n or thin_at(rows, month, min_n):
        return np.nan
    found = survival.at(rows["tenure_months"], rows["churned"], [month], entry=rows["entry_months"])
    return float(found["estimate"].iloc[0])


def thin_at(rows: pd.DataFrame, month: float, min_n: int) -> bool:
    """Whether the curve rests on fewer than ``min_n`` accounts at some month up to the one given."""
    times = _grid(rows)
    times = np.append(times[times < month], month)
    return bool(_thin(times, at_risk(rows, times), min_n)[-1])


def groups(lives: pd.DataFrame, by: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """The followed lives of each group, sorted by its name; all of them under "" without ``by``."""
    rows = followed(lives).sort_values(["account_id", "tenure_months"], kind="stable", ignore_index=True)
    if not by:
        if len(rows):
            yield "", rows
        return
    if by not in rows:
        known = choose(by, [str(name) for name in rows])
        raise InputError(N_("The lives have no column {column} to split by; {choose}."), column=by, choose=known)
    for group, part in rows.groupby(rows[by].astype(str), sort=True):
        yield str(group), part.reset_index(drop=True)


def at_risk(rows: pd.DataFrame, times: Sequence[float] | np.ndarray) -> np.ndarray:
    """How many accounts are followed just before each time: entered before it, not gone before it.

    At 0 those count that are followed from their beginning.
    """
    at = np.asarray(times, dtype=float)
    entry, tenure = (np.sort(rows[c].to_numpy(dtype=float)) for c in ("entry_months", "tenure_months"))
    entered = np.where(at > 0, np.searchsorted(entry, at, "left"), np.searchsorted(entry, 0.0, "right"))
    return entered - np.searchsorted(tenure, at, "left")


def resampled(
    rows: pd.DataFrame, times: np.ndarray, counts: np.ndarray, *, amounts: np.ndarray | None = None
) -> np.ndarray:
    """The curve of every draw at ``times``: one row per draw, one column per time.

    Parameters
    ----------
    rows
        Followed lives.
    times
        Months at which to read the curves.
    counts
        How often each row was drawn, draws × rows.
    amounts
        Weight of each row, by default 1 (accounts).
    """
    entry, tenure = (rows[c].to_numpy(dtype=float) for c in ("entry_months", "tenure_months"))
    left = rows["churned"].to_numpy(dtype=bool)
    events = np.unique(tenure[left])
    size = len(events)
    of_event = np.searchsorted(events, tenure[left])
    until, since = np.searchsorted(events, tenure, "right"), np.searchsorted(events, entry, "right")
    weight = np.ones(len(rows)) if amounts is None else np.asarray(amounts, dtype=float)
    column = np.searchsorted(events, times, "right")
    found = np.empty((len(counts), len(times)))
    for i, drawn in enumerate(counts):
        w = drawn * weight
        lost = np.bincount(of_event, w[left], size)
        net = np.bincount(until, w, size + 1) - np.bincount(since, w, size + 1)
        risk = np.cumsum(net[::-1])[::-1][1:]
        with np.errstate(invalid="ignore", divide="ignore"):
            kept = np.where(risk > 1e-9 * weight.max(initial=1.0), 1 - lost / risk, 1.0)
        found[i] = np.concatenate([[1.0], np.cumprod(np.clip(kept, 0, 1))])[column]
    return found


def read_at(table: pd.DataFrame, month: float, *, weighting: str = "accounts", group: str = "") -> pd.Series | None:
    """The row of a curve that holds at a month; None where the curve is thin or does not reach."""
    rows = table[(table["weighting"] == weighting) & (table["group"] == group)]
    if rows.empty or rows["month"].max() < month:
        return None
    row = rows[rows["month"] <= month].iloc[-1]
    return None if row["thin"] else row


def _grid(rows: pd.DataFrame) -> np.ndarray:
    """The months at which a curve is told: every whole one that was reached, and every departure."""
    tenure = rows["tenure_months"].to_numpy(dtype=float)
    left = tenure[rows["churned"].to_numpy(dtype=bool)]
    return np.unique(np.concatenate([np.arange(np.floor(tenure.max()) + 1), left]))


def _thin(times: np.ndarray, risk: np.ndarray, min_n: int) -> np.ndarray:
    """Where fewer than ``min_n`` are followed, and all after: who enters later cannot tell what became of those before.

    A departure among so few moves the curve, and where nobody is followed it stands still for want of anybody to lose.
    """
    few = risk < min_n
    return few | (np.cumsum(few & (times > 0)) > 0)


def _weighted(rows: pd.DataFrame, times: np.ndarray) -> dict[str, np.ndarray]:
    """The MRR-weighted curve at ``times``, its limits and its bootstrap band."""
    amounts = rows["mrr_first"].to_numpy(dtype=float)
    steps = survival.weighted_curve(rows["tenure_months"], rows["churned"], amounts, entry=rows["entry_months"])
    found = {c: stepped(steps["time"], steps[c], times, np.nan) for c in ("estimate", "low", "high")}
    before = times < steps["time"].min()
    found["estimate"][before] = 1.0
    for name in ("low", "high"):
        found[name][before] = steps[name].iloc[0] if steps["estimate"].iloc[0] == 1 else 1.0
    low, high = found["low"].copy(), found["high"].copy()
    if 1 < len(rows) <= MOST_DRAWN:
        units, names = pd.factorize(rows["account_id"], sort=True)
        counts = resample.unit_counts(len(names), seed=SEED)[:, units]
        draws = resampled(rows, times, counts, amounts=amounts)
        drawn_low, drawn_high = np.quantile(draws, [0.025, 0.975], axis=0)
        moved = drawn_high > drawn_low  # where nobody has left yet every draw is alike, and no draw knows the risk
        low, high = np.where(moved, drawn_low, low), np.where(moved, drawn_high, high)
    return {**found, "band_low": low, "band_high": high}


def stepped(times: Any, values: Any, at: np.ndarray, before: float) -> np.ndarray:
    """A step function (values holding from each of ``times`` on) read at other times."""
    place = np.searchsorted(np.asarray(times, dtype=float), at, "right")
    return np.concatenate([[before], np.asarray(values, dtype=float)])[place]


def _span(parts: list[pd.DataFrame], min_n: int) -> float:
    """The longest of the usual spans over which enough accounts of every group were followed; missing when none is."""
    reached = (float(s) for s in SPANS if parts and not any(thin_at(rows, s, min_n) for rows in parts))
    return max(reached, default=np.nan)


def _summary_row(group: str, rows: pd.DataFrame, tau: float, min_n: int) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(SUMMARY, np.nan)
    row |= {"group": group, "n": rows["account_id"].nunique(), "events": int(rows["churned"].sum()), "tau": tau}
    row["longest"] = float(rows["tenure_months"].max())
    if row["n"] < min_n:
        return row
    times = _grid(rows)
    thin = _thin(times, at_risk(rows, times), min_n)
    row["solid_to"] = float(times[~thin].max()) if (~thin).any() else np.nan
    durations, observed, entry = rows["tenure_months"], rows["churned"], rows["entry_months"]
    found = survival.at(durations, observed, times, entry=entry)
    for month in (12, 24):
        if month <= times[-1] and not thin[times <= month][-1]:
            at = found.iloc[int(np.flatnonzero(times <= month)[-1])]
            row |= {f"s{month}": at["estimate"], f"s{month}_low": at["low"], f"s{month}_high": at["high"]}
    median = survival.quantile(durations, observed, 0.5, entry=entry)
    if np.isfinite(median.estimate) and not thin[times <= median.estimate][-1]:
        row |= {"median": median.estimate, "median_low": median.low, "median_high": median.high}
    if np.isfinite(tau) and len(times[times <= tau]) and not thin[times <= tau][-1]:
        mean = survival.rmst(durations, observed, tau, entry=entry)
        row |= {"rmst": mean.estimate, "rmst_low": mean.low, "rmst_high": mean.high}
    return row


def _logrank(parts: dict[str, pd.DataFrame]) -> Any:
    rows = pd.concat(list(parts.values()), ignore_index=True)
    name = np.repeat(list(parts), [len(part) for part in parts.values()])
    return survival.logrank(rows["tenure_months"], rows["churned"], name, entry=rows["entry_months"])


def _pair(a: str, b: str, parts: dict[str, pd.DataFrame], tau: float) -> dict[str, Any]:
    both = {a: parts[a], b: parts[b]}
    test = _logrank(both)
    row = dict.fromkeys(COMPARISON, np.nan) | {"group_a": a, "group_b": b, "tau": tau}
    row |= {"chi2": test.statistic, "df": test.df, "p": test.p}
    if np.isfinite(tau):
        rows = pd.concat(list(both.values()), ignore_index=True)
        side = np.repeat([0, 1], [len(parts[a]), len(parts[b])])
        found: Any = survival.rmst_difference(
            rows["tenure_months"], rows["churned"], side, tau, entry=rows["entry_months"]
        ).iloc[0]
        sign = 1 if int(found["group_a"]) == 0 else -1
        bounds = sorted((sign * found["low"], sign * found["high"]))
        row |= {"rmst_difference": sign * found["estimate"], "low": bounds[0], "high": bounds[1]}
    return row
