"""Where open cohorts are heading: the path of NRR by age, carried on with what earlier cohorts did at the same age.

Definition: volume-weighted age-to-age factors (chain ladder, Mack 1993) of MRR at constant prices, to ages whose
factors rest on at least three cohorts and thirty accounts. The interval resamples accounts: the earlier accounts
behind the factors are drawn anew (are the factors right?), and each account of the open cohort draws its next steps
from theirs (what will chance do to these accounts?). Mack's standard error, which knows only the cohorts' sums, stands
beside it.

A projection is drawn apart from what was observed, and judged by hiding the newest months: see :func:`backtest`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from cs_analysis.data.topic import records
from cs_analysis.stats import money, periods, triangles
from cs_analysis.topics.revenue.changes import changes, collect, levels
from cs_analysis.topics.revenue.cohorts import by_age, cohorts
from cs_analysis.topics.revenue.expansion import product_changes

MIN_COHORTS, MIN_ACCOUNTS, MIN_EFFECTIVE = 3, 30, 10
REPLICATES = 1_000
# Beyond these the drawn accounts are replaced by their sum's normal approximation and by groups of accounts.
MAX_DRAWN, MAX_UNITS = 100, 1_000
_COLUMNS = ["cohort", "measure", "age", "estimate", "low", "high", "accounts", "mack_se", "cohorts"]


class Paths(NamedTuple):
    """MRR by account (rows) and age (columns), at constant prices, and how far each account was observed."""

    mrr: np.ndarray  # currency; nan beyond the observed age
    first: np.ndarray  # month index of each account's age 0
    cohort: np.ndarray  # first month of each account's cohort
    last: int  # the last complete month


def projection(
    contracts: Any,
    *,
    as_of: Any,
    period: str = "quarter",
    fiscal_year_start: int = 1,
    observed_from: Any | None = None,
    seed: int = 1,
) -> pd.DataFrame:
    """NRR of open cohorts at the ages still to come, with 95 % intervals.

    Parameters
    ----------
    contracts
        Contract lines: account_id, start, stop (half-open), mrr, and if there are product and quantity (price
        escalators can only be told from growth where the quantity is given).
    as_of
        Last day whose facts count.
    period, fiscal_year_start
        The cohorts, see :func:`cohorts`.
    observed_from
        Cohorts that began earlier do not enter the factors and are not projected.
    seed
        Of the resampling; the same seed gives the same interval.

    Returns
    -------
    One row per cohort × age not yet observed: cohort, measure ("nrr"), age (months), estimate, low, high (fractions of
    the cohort's first MRR; no interval where no earlier account changed at those ages), accounts (with MRR at the last
    age seen), mack_se (standard error by Mack's formula, fraction), cohorts (behind the last factor). Empty when no
    factor rests on three cohorts and thirty accounts.
    """
    options: dict[str, Any] = {
        "period": period,
        "fiscal_year_start": fiscal_year_start,
        "observed_from": observed_from,
    }
    observed = cohorts(contracts, as_of=as_of, **options)
    newest = observed[(observed["measure"] == "nrr") & observed["whole"].astype(bool)].groupby("cohort").tail(1)
    starts = {row.cohort: (int(row.age), float(row.estimate)) for row in records(newest)}
    table = _carried_on(
        constant_price_paths(contracts, as_of=as_of, **options), starts, period, fiscal_year_start, seed
    )
    return table.assign(measure="nrr")[_COLUMNS]


def _carried_on(
    paths: Paths, starts: dict[str, tuple[int, float]], period: str, fiscal_year_start: int, seed: int
) -> pd.DataFrame:
    """Each cohort of ``starts`` (label → newest age, NRR there) carried on to the last usable age."""
    factors = age_to_age(paths)
    usable = _usable(factors)
    step = periods.PERIODS[period]
    mack = _mack(paths, usable, step)
    drawn = _drawn_factors(paths, usable, np.random.default_rng(seed))
    tables = [pd.DataFrame(columns=[c for c in _COLUMNS if c != "measure"])]
    for first in np.unique(paths.cohort):
        if first + step - 1 > paths.last:  # its period is not over: more accounts may still join
            continue
        label = periods.fiscal_label(int(first), period, fiscal_year_start)
        age, start = starts.get(label, (usable, 0.0))
        if age >= usable:
            continue
        rng = np.random.default_rng([seed, int(first)])
        growth = _simulate(paths, paths.cohort == first, age, drawn[:, age:], rng)
        low, high = start * np.quantile(growth, [0.025, 0.975], axis=0)
        estimate = start * np.cumprod(factors["factor"].to_numpy()[age:usable])
        low, high = np.minimum(low, estimate), np.maximum(high, estimate)  # where all agree, rounding may cross
        alike = high - low < 1e-9  # no earlier account changed at these ages: nothing to tell an interval from
        ages = np.arange(age + 1, usable + 1)
        tables.append(
            pd.DataFrame(
                {
                    "cohort": label,
                    "age": ages,
                    "estimate": estimate,
                    "low": np.where(alike, np.nan, low),
                    "high": np.where(alike, np.nan, high),
                    "accounts": int((paths.mrr[paths.cohort == first, age] > 0).sum()),
                    "mack_se": np.where(ages == usable - usable % step, mack.get(int(first), np.nan), np.nan),
                    "cohorts": factors["cohorts"].to_numpy()[age:usable],
                }
            )
        )
    return pd.concat(tables if len(tables) == 1 else tables[1:], ignore_index=True)


def constant_price_paths(
    contracts: Any, *, as_of: Any, period: str, fiscal_year_start: int, observed_from: Any | None
) -> Paths:
    """MRR of each account by age, price escalators taken out, accounts observed from their start only."""
    points = collect(
        by_age(contracts, as_of=as_of, period=period, fiscal_year_start=fiscal_year_start).select(
            "account_id", "first", "cohort", "age", "mrr", "level"
        ),
        ["account_id", "age"],
    )
    known = None if observed_from is None else periods.day(observed_from)
    if known is not None:
        oldest = points.groupby("cohort")["first"].min()
        whole = [c for c, month in oldest.items() if periods.first_day(int(month)) >= known]
        points = points[points["cohort"].isin(whole)]
    last = periods.last_complete_month(as_of)
    points = points[points["first"] + points["age"] <= last]
    points = points.merge(_escalators(contracts, as_of), on=["account_id", "first", "age"], how="left")
    # An account's price index: the part of each step that was a price rise, compounded.
    before_rise = (points["level"] - points["rise"]).where(points["rise"].notna())
    step = np.where(before_rise > 0, points["level"] / before_rise, 1.0)
    index = pd.Series(step, index=points.index).groupby(points["account_id"]).cumprod()
    points = points.assign(mrr=money.from_ticks(points["level"].to_numpy()) / index.to_numpy())
    codes, accounts = pd.factorize(points["account_id"])
    oldest = points.groupby(codes, sort=True)[["first", "cohort"]].first()
    width = int(last - points["first"].min()) + 1 if len(points) else 0
    table = np.full((len(accounts), max(width, 0)), np.nan)
    table[codes, points["age"].to_numpy()] = points["mrr"].to_numpy()
    filled = pd.DataFrame(table).ffill(axis=1).to_numpy()
    reached = last - oldest["first"].to_numpy()
    filled[np.arange(width)[None, :] > reached[:, None]] = np.nan
    # in an order of their content, so that renaming accounts leaves every drawn figure as it is
    order = np.lexsort((np.nansum(filled, axis=1), oldest["first"].to_numpy())) if len(filled) else np.arange(0)
    return Paths(filled[order], oldest["first"].to_numpy()[order], oldest["cohort"].to_numpy()[order], last)


def _escalators(contracts: Any, as_of: Any) -> pd.DataFrame:
    """Price rises per account and age, in ticks."""
    rises = product_changes(contracts, as_of=as_of).filter(nw.col("kind") == "price_escalator")
    table = collect(rises.select("account_id", "month", "delta"), ["account_id", "month"])
    table = table.groupby(["account_id", "month"], as_index=False)["delta"].sum()
    starts = levels(changes(contracts, as_of=as_of)).filter(nw.col("month") == nw.col("first"))
    first = collect(starts.select("account_id", "first"), ["account_id"])
    table = table.merge(first, on="account_id")
    table["age"] = table["month"] - table["first"].astype("int64")
    return table.astype({"first": "int64"})[["account_id", "first", "age", "delta"]].rename(columns={"delta": "rise"})


def age_to_age(paths: Paths) -> pd.DataFrame:
    """Pooled factors from age k to k + 1 and what is behind them, by k: factor, cohorts, accounts, n_eff (of MRR)."""
    found = []
    for k in range(paths.mrr.shape[1] - 1):
        both = ~np.isnan(paths.mrr[:, k + 1])
        amounts = paths.mrr[both, k]
        below = amounts.sum()
        factor = paths.mrr[both, k + 1].sum() / below if below > 0 else np.nan
        n_eff = below**2 / (amounts**2).sum() if below > 0 else 0.0
        found.append((k, factor, len(np.unique(paths.cohort[both])), int((amounts > 0).sum()), n_eff))
    return pd.DataFrame(found, columns=["age", "factor", "cohorts", "accounts", "n_eff"])


def _usable(factors: pd.DataFrame) -> int:
    """The highest age that can be projected: all factors up to it rest on enough cohorts and accounts."""
    enough = (factors["cohorts"] >= MIN_COHORTS) & (factors["accounts"] >= MIN_ACCOUNTS)
    # a few accounts with nearly all of the MRR are no thirty accounts; simulated, their intervals covered 83 to 86 %
    enough &= (factors["n_eff"] >= MIN_EFFECTIVE) & factors["factor"].notna()
    return int(enough.cumprod().sum())


def _simulate(paths: Paths, members: np.ndarray, age: int, drawn: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Growth of a cohort's MRR since ``age`` in each replicate (rows) at the ages after it (columns).

    ``drawn`` holds the factors from those ages on, as many replicates as rows.
    """
    current = paths.mrr[members]
    # accounts older than the cohort's youngest have been seen further; all start from the common age
    start = current[:, age]
    start = start[start > 0]
    if not len(start):
        return np.zeros_like(drawn)
    if len(start) > MAX_DRAWN:
        return _by_normal(paths, start, drawn, age, rng)
    amounts = np.broadcast_to(start, (REPLICATES, len(start))).copy()
    growth = np.empty_like(drawn)
    for j in range(drawn.shape[1]):
        donors, ratios = _donors(paths, age + j)
        pick = np.searchsorted(np.cumsum(donors) / donors.sum(), rng.random(amounts.shape), side="right")
        step = ratios[np.minimum(pick, len(ratios) - 1)]
        amounts *= step * (drawn[:, j] / (donors @ ratios / donors.sum()))[:, None]
        growth[:, j] = amounts.sum(axis=1) / start.sum()
    return growth


def _donors(paths: Paths, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Earlier accounts' ratios from age k to k + 1, and their weights (MRR at k: the factor is volume-weighted)."""
    there = ~np.isnan(paths.mrr[:, k + 1]) & (paths.mrr[:, k] > 0)
    below = paths.mrr[there, k]
    return below, paths.mrr[there, k + 1] / below


def _drawn_factors(paths: Paths, usable: int, rng: np.random.Generator) -> np.ndarray:
    """Factors from resampled accounts: one row per replicate, one column per age from 0 to ``usable`` − 1."""
    if not usable:
        return np.ones((REPLICATES, 0))
    mrr = paths.mrr
    units = np.arange(len(mrr)) if len(mrr) <= MAX_UNITS else rng.integers(MAX_UNITS, size=len(mrr))
    height = int(units.max()) + 1
    weights = rng.multinomial(height, np.full(height, 1 / height), size=REPLICATES).astype(float)
    columns = []
    for k in range(usable):
        both = ~np.isnan(mrr[:, k + 1])
        below = np.bincount(units[both], mrr[both, k], height)
        above = np.bincount(units[both], mrr[both, k + 1], height)
        bottom = weights @ below
        columns.append(np.divide(weights @ above, bottom, out=np.ones(REPLICATES), where=bottom > 0))
    return np.column_stack(columns)


def _by_normal(paths: Paths, start: np.ndarray, drawn: np.ndarray, age: int, rng: np.random.Generator) -> np.ndarray:
    """As drawing every account, for cohorts so large that only the sum's first two moments matter."""
    total = np.full(REPLICATES, start.sum())
    squares = np.full(REPLICATES, (start**2).sum())
    growth = np.empty_like(drawn)
    for j in range(drawn.shape[1]):
        donors, ratios = _donors(paths, age + j)
        mean = donors @ ratios / donors.sum()
        variance = donors @ (ratios - mean) ** 2 / donors.sum()
        total = np.maximum(0, total * drawn[:, j] + rng.standard_normal(REPLICATES) * np.sqrt(variance * squares))
        squares = squares * (variance + mean**2)
        growth[:, j] = total / start.sum()
    return growth


def _triangle(paths: Paths, usable: int, step: int) -> pd.DataFrame:
    """Cohorts × every ``step``-th age of MRR; a cell is missing until the cohort's youngest account has reached it.

    Ages are as far apart as cohorts, so that a diagonal is one stretch of the calendar, as Mack has it.
    """
    sums = {}
    for first in np.unique(paths.cohort):
        part = paths.mrr[paths.cohort == first, : usable + 1 : step]
        sums[int(first)] = part.sum(axis=0)  # nan where any account is not there yet
    return pd.DataFrame.from_dict(sums, orient="index")


def _mack(paths: Paths, usable: int, step: int) -> dict[int, float]:
    """Mack's standard error of each cohort's MRR at the last age of its triangle, as a fraction of its first MRR."""
    if usable < step:
        return {}
    triangle = _triangle(paths, usable, step)
    triangle = triangle[triangle[0] > 0]
    if len(triangle) < 2:
        return {}
    result = triangles.chain_ladder(triangle)
    return dict(zip(triangle.index, np.asarray(result.se) / triangle[0].to_numpy(), strict=True))


def calendar_effect(
    contracts: Any, *, as_of: Any, period: str = "quarter", fiscal_year_start: int = 1, observed_from: Any | None = None
) -> triangles.CalendarTest | None:
    """Mack's test whether calendar months (a price rise, a crisis) moved all cohorts at once.

    A projection by age cannot see such a month coming. Returns None where there is no triangle to test.
    """
    paths = constant_price_paths(
        contracts, as_of=as_of, period=period, fiscal_year_start=fiscal_year_start, observed_from=observed_from
    )
    usable = _usable(age_to_age(paths))
    step = periods.PERIODS[period]
    triangle = _triangle(paths, usable, step)
    gaps = len(triangle) and (triangle.index[-1] - triangle.index[0]) // step + 1 != len(triangle)
    if gaps or usable < 2 * step or len(triangle) < MIN_COHORTS:
        return None
    return triangles.calendar_test(triangle)


def backtest(
    contracts: Any,
    *,
    as_of: Any,
    hidden: int = 6,
    period: str = "quarter",
    fiscal_year_start: int = 1,
    observed_from: Any | None = None,
) -> pd.DataFrame:
    """The projection made ``hidden`` months earlier, beside what happened since.

    Returns one row per cohort × age that was hidden: cohort, age, estimate, low, high (as projected then), observed
    (at constant prices and for the accounts known then, so that both speak of the same thing), inside (True when the
    interval holds it; missing where there is no interval).
    """
    then = periods.last_day(periods.last_complete_month(as_of) - hidden)
    fiscal: dict[str, Any] = {"period": period, "fiscal_year_start": fiscal_year_start}
    options = {**fiscal, "observed_from": observed_from}
    known = constant_price_paths(contracts, as_of=then, **options)
    starts = {
        c: (int(part["age"].iloc[-1]), float(part["observed"].iloc[-1])) for c, part in _observed(known, **fiscal)
    }
    made = _carried_on(known, starts, period, fiscal_year_start, seed=1)
    whole = constant_price_paths(contracts, as_of=as_of, **options)
    members = whole.first <= known.last  # a quarter that was not over then has gained accounts since
    since = _observed(Paths(whole.mrr[members], whole.first[members], whole.cohort[members], whole.last), **fiscal)
    columns = ["cohort", "age", "estimate", "low", "high", "observed", "inside"]
    if made.empty or not since:
        return pd.DataFrame(columns=columns)
    both = made.merge(pd.concat([part for _label, part in since], ignore_index=True), on=["cohort", "age"])
    hit = both["observed"].between(both["low"] - 1e-9, both["high"] + 1e-9)
    return both.assign(inside=hit.astype(object).where(both["low"].notna()))[columns]


def _observed(paths: Paths, period: str, fiscal_year_start: int) -> list[tuple[str, pd.DataFrame]]:
    """Per cohort its observed share of the first MRR by age, at constant prices."""
    found = []
    for first in np.unique(paths.cohort):
        total = paths.mrr[paths.cohort == first].sum(axis=0)
        ages = np.flatnonzero(~np.isnan(total))
        label = periods.fiscal_label(int(first), period, fiscal_year_start)
        found.append((label, pd.DataFrame({"cohort": label, "age": ages, "observed": total[ages] / total[0]})))
    return found
