"""CSMs compared fairly: the hours of their accounts against what accounts of the same kind take.

Accounts differ in touch model, phase and size, so each CSM's hours stand beside the hours that the same accounts would
take at the team's pace in each mix cell (expected). What remains is mostly chance: effects are drawn together by how
far chance alone would spread them, and a CSM is named only when shuffling accounts among CSMs within mix cells almost
never gives any CSM so large a difference. A raw ranking is never made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from cs_analysis.stats import periods, proportions, regression
from cs_analysis.stats.permute import max_t
from cs_analysis.topics.effort.units import CELLS, csm_of, recent, strata, units

FLAG = 0.01  # adjusted p below which a CSM is named
MIN_ACCOUNTS = 5  # below which a CSM's difference is never told from that of one account
COLUMNS = (
    "csm", "hours", "expected", "ratio", "low", "high", "n", "effect", "effect_low", "effect_high", "p", "verdict",
    "chance", "elsewhere",
)  # fmt: skip


class Pace(NamedTuple):
    """Accounts' hours against expectation: what :func:`csm_comparison` and the task standards share.

    ``names`` of the CSMs; ``effects`` of the two-way model (log) and the ``information`` about them; ``spread`` of
    accounts around the model; ``accounts``: account_id, csm (position), hours, expected, fitted, stratum. Cells of
    one CSM alone are left out.
    """

    names: list[str]
    effects: np.ndarray
    information: np.ndarray
    spread: regression.Dispersion
    accounts: pd.DataFrame


def csm_comparison(
    hours: pd.DataFrame, *, seed: int, cells: Sequence[str] = CELLS, months: int | None = 12, draws: int = 1999
) -> pd.DataFrame:
    """Each CSM's hours against those of comparable accounts, with what chance alone would do.

    The unit is the account, with the CSM who booked most of its hours. *Expected* are an account's months in each mix
    cell times the team's hours per account and month there; *ratio* is hours ÷ expected. *Effect* comes from the
    log-linear model (mix cell + CSM, quasi-Poisson, dispersion pooled over accounts), centred over CSMs and drawn
    towards 1 (normal–normal empirical Bayes). A cell served by one CSM alone informs nothing and is left out.

    Parameters
    ----------
    hours
        account_id ("" = internal), phase, task, csm, month, hours, and the columns of ``cells``.
    seed
        Of the permutations.
    cells
        What makes accounts comparable.
    months
        How many months back, from the last there are; None = all.
    draws
        Permutations of the accounts' CSMs within mix cells.

    Returns
    -------
    One row per CSM, by name (no ranking): hours, expected, ratio, low, high (95 %), n (accounts); effect, effect_low,
    effect_high (ratios to the average of the CSMs); p: adjusted for looking at all CSMs; verdict: "flagged" (p ≤ .01
    and at least five accounts), "cannot_tell", "few" (under five accounts) or "alone" (no cell shared with anybody);
    chance: standard deviation of the log ratio by chance; elsewhere: hours in cells without another CSM. hours +
    elsewhere add up to the customers' hours.

    Examples
    --------
    Section 10 of the definitions: A has 8 enterprise accounts (80 h) and 2 SMB (4 h), B 2 (24 h) and 8 (24 h).

    >>> kinds = [("A", "Enterprise", 8, 10.0), ("A", "SMB", 2, 2.0), ("B", "Enterprise", 2, 12.0), ("B", "SMB", 8, 3.0)]
    >>> rows = [(f"{c}{s}{i}", "steady", "call", c, "2026-04", h, s) for c, s, n, h in kinds for i in range(n)]
    >>> names = ["account_id", "phase", "task", "csm", "month", "hours", "size"]
    >>> table = csm_comparison(pd.DataFrame(rows, columns=names), seed=1, cells=("phase", "size"))
    >>> table[["hours", "ratio"]].round(4).values.tolist()
    [[84.0, 0.9459], [48.0, 1.1111]]
    """
    used = recent(hours, months, cells=cells)
    whole = used.groupby(used["account_id"].map(csm_of(used)) if len(used) else "csm")["hours"].sum()
    found = pace(units(used, cells=cells))
    mine = found.accounts.groupby("csm")
    index = range(len(found.names))
    table = pd.DataFrame(
        {
            "csm": found.names,
            "hours": mine["hours"].sum().reindex(index, fill_value=0.0).to_numpy(),
            "expected": mine["expected"].sum().reindex(index, fill_value=0.0).to_numpy(),
            "n": mine.size().reindex(index, fill_value=0).to_numpy(),
        }
    )
    table["elsewhere"] = np.maximum(0.0, table["csm"].map(whole).to_numpy(dtype=float) - table["hours"])
    table["elsewhere"] = table["elsewhere"].where(table["elsewhere"] > 1e-9 * (1 + table["hours"]), 0.0)
    expected = table["expected"].to_numpy(dtype=float)
    shared = expected > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        table["ratio"] = np.where(shared, table["hours"] / expected, np.nan)
    table["chance"] = chance(found)
    table["low"], table["high"] = regression.rate_limits(table["ratio"].to_numpy(), table["chance"].to_numpy())
    drawn = effects(found)
    table["effect"], table["effect_low"], table["effect_high"] = (np.exp(v) for v in drawn[:3])
    p = np.full(len(table), np.nan)
    if len(found.accounts):
        who = found.accounts
        found_p = max_t(
            (who["hours"] - who["expected"]).to_numpy(), who["csm"].to_numpy(), strata=who["stratum"].to_numpy(),
            seed=seed, draws=draws,
        )[1]  # fmt: skip
        p[: len(found_p)] = found_p
    table["p"] = p
    few, known = table["n"] < MIN_ACCOUNTS, table["p"].notna() & table["effect"].notna()
    flagged = known & ~few & (table["p"] <= FLAG)
    table["verdict"] = np.select([table["n"] == 0, few, flagged], ["alone", "few", "flagged"], "cannot_tell")
    return table[list(COLUMNS)]


def pace(units: pd.DataFrame) -> Pace:
    """Hours and expected hours of each account (``units`` of :mod:`effort.units`), cells of one CSM left out."""
    names = sorted(units["csm"].unique().tolist())
    who = pd.Index(names).get_indexer(pd.Index(units["csm"]))
    cell = units["cell"].to_numpy(dtype="int64")
    shape = (int(cell.max()) + 1 if len(cell) else 0, len(names))
    spent, months = (np.zeros(shape) for _ in range(2))
    np.add.at(spent, (cell, who), units["hours"].to_numpy(dtype=float))
    np.add.at(months, (cell, who), units["months"].to_numpy(dtype=float))
    shared = (months > 0).sum(axis=1) > 1
    fit = regression.two_way(spent[shared], months[shared])
    rate = np.divide(spent.sum(axis=1), months.sum(axis=1), out=np.zeros(shape[0]), where=months.sum(axis=1) > 0)
    full = np.zeros(shape)  # fitted hours per month
    full[shared] = np.divide(fit.fitted, months[shared], out=np.zeros_like(fit.fitted), where=months[shared] > 0)
    kept = shared[cell] if len(cell) else np.zeros(0, dtype=bool)
    rows = units[kept].assign(
        expected=rate[cell[kept]] * units["months"].to_numpy()[kept],
        fitted=full[cell[kept], who[kept]] * units["months"].to_numpy()[kept],
        csm=who[kept],
    )
    sums = {"csm": "first", "hours": "sum", "expected": "sum", "fitted": "sum"}
    accounts: Any = rows.groupby("account_id", sort=True).agg(sums).reset_index()
    accounts["stratum"] = accounts["account_id"].map(strata(rows)) if len(rows) else pd.Series(dtype="int64")
    parameters = int(shared.sum()) + int(np.linalg.matrix_rank(fit.information)) if len(rows) else 0
    spread = regression.dispersion(accounts["hours"].to_numpy(), accounts["fitted"].to_numpy(), parameters)
    return Pace(names, fit.effects, _information(rows, fit, spread, shared), spread, accounts)


def _information(rows: pd.DataFrame, fit: regression.TwoWay, spread: Any, shared: np.ndarray) -> np.ndarray:
    """What is known about the effects when accounts scatter as they do; zeros where that cannot be told."""
    if not spread.linear + spread.quadratic > 1e-9:
        return np.zeros_like(fit.information)
    share = np.zeros((len(shared), len(fit.effects)))  # of each cell's hours, by CSM
    total = fit.fitted.sum(axis=1, keepdims=True)
    share[shared] = np.divide(fit.fitted, total, out=np.zeros_like(fit.fitted), where=total > 0)
    account, _names = pd.factorize(rows["account_id"], sort=True)
    weight, cell, who = (rows[c].to_numpy() for c in ("fitted", "cell", "csm"))
    directions = np.zeros((account.max() + 1, len(fit.effects)))
    np.add.at(directions, account, -weight[:, None] * share[cell])
    np.add.at(directions, (account, who), weight)
    return regression.robust_information(fit.information, directions, spread)


def chance(pace: Pace) -> np.ndarray:
    """Standard deviation of each CSM's log ratio by chance: √(φ E + ω Σ E²) ÷ E over its accounts."""
    who, expected = pace.accounts["csm"].to_numpy(dtype="int64"), pace.accounts["expected"].to_numpy(dtype=float)
    total, squares = (np.bincount(who, weights=v, minlength=len(pace.names)) for v in (expected, expected**2))
    known = (total > 0) & (pace.spread.linear + pace.spread.quadratic > 1e-9)
    variance = pace.spread.linear * total + pace.spread.quadratic * squares
    return np.where(known, np.sqrt(np.maximum(variance, 0)) / np.where(total > 0, total, 1), np.nan)


def effects(pace: Pace) -> regression.Shrunk:
    """The CSMs' effects on the log scale, centred and drawn together; ``nan`` where there is nothing to compare."""
    return regression.shrink(pace.effects, pace.information)


def quality(
    hours: pd.DataFrame,
    *,
    as_of: Any,
    cells: Sequence[str] = CELLS,
    lives: pd.DataFrame | None = None,
    responses: Any | None = None,
) -> pd.DataFrame:
    """Whether accounts that took fewer hours than comparable ones stayed, and what they answered, afterwards.

    Accounts with us a year before ``as_of`` are cut into thirds by hours ÷ expected in the twelve months before that;
    then come the twelve months after: who left, and the newest answer of each account. Nothing is said of causes.

    Parameters
    ----------
    hours, cells
        As in :func:`csm_comparison`.
    as_of
        Last day whose facts count.
    lives
        account_id, start, stop, churned of each account (:func:`cs_analysis.stats.lives.lives`); None = not known.
    responses
        account_id, responded_date, score (missing = no answer), any frame narwhals reads; None = not known.

    Returns
    -------
    pace ("fewer", "as_many", "more") → n (accounts), ratio (median hours ÷ expected), churned, churn_rate, churn_low,
    churn_high, answers, nps, nps_low, nps_high (points); and "difference": fewer less more, its limits those of both
    put together [Zou and Donner 2008]. Empty with fewer than thirty accounts to cut.
    """
    end = pd.Timestamp(as_of)
    landmark = pd.Timestamp(periods.year_before(as_of))
    # of the landmark's own month some lies after it
    before = hours[hours["month"] <= periods.month_label(periods.last_complete_month(landmark))]
    found = pace(units(recent(before, 12, cells=cells), cells=cells)).accounts
    found = found[found["expected"] > 0].assign(ratio=lambda t: t["hours"] / t["expected"])
    if lives is not None:
        alive = lives[(lives["start"] <= landmark) & (lives["stop"].isna() | (lives["stop"] > landmark))]
        found = found[found["account_id"].isin(alive["account_id"])]
        left = set(alive.loc[alive["churned"].astype(bool) & (alive["stop"] <= end), "account_id"])
        found = found.assign(left=found["account_id"].isin(left))
    columns = ["pace", "n", "ratio", "churned", "churn_rate", "churn_low", "churn_high", "answers", "nps"]
    if len(found) < 30:
        return pd.DataFrame(columns=pd.Index([*columns, "nps_low", "nps_high"]))
    rank = found["ratio"].rank(method="first")
    found["pace"] = pd.cut(rank, 3, labels=["fewer", "as_many", "more"]).astype(str)
    answered = _newest_answers(responses, landmark, end)
    rows = []
    for name in ("fewer", "as_many", "more"):
        part = found[found["pace"] == name]
        row: dict[str, Any] = {"pace": name, "n": len(part), "ratio": float(part["ratio"].median())}
        gone = proportions.wilson(float(part["left"].sum()), len(part)) if lives is not None else [np.nan] * 3
        row |= {"churned": int(part["left"].sum()) if lives is not None else np.nan}
        row |= dict(zip(("churn_rate", "churn_low", "churn_high"), gone, strict=True))
        score = part["account_id"].map(answered).dropna() if answered is not None else pd.Series(dtype=float)
        counts = [float(v) for v in ((score >= 9).sum(), score.between(7, 8).sum(), (score <= 6).sum())]
        points = proportions.nps(*counts) if len(score) >= 10 else [np.nan] * 3
        row |= {"answers": len(score) if answered is not None else np.nan}
        row |= dict(zip(("nps", "nps_low", "nps_high"), points, strict=True))
        rows.append(row)
    rows.append({"pace": "difference", "n": rows[0]["n"] + rows[2]["n"]} | _difference(rows[0], rows[2]))
    return pd.DataFrame(rows)[[*columns, "nps_low", "nps_high"]]


def _difference(a: dict[str, Any], b: dict[str, Any]) -> dict[str, float]:
    """a less b of churn and NPS with limits."""
    out: dict[str, float] = {}
    for name, low, high in (("churn_rate", "churn_low", "churn_high"), ("nps", "nps_low", "nps_high")):
        gap = a[name] - b[name]
        out[name] = gap
        out[low] = gap - float(np.hypot(a[name] - a[low], b[high] - b[name]))
        out[high] = gap + float(np.hypot(a[high] - a[name], b[name] - b[low]))
    return out


def _newest_answers(responses: Any | None, after: pd.Timestamp, until: pd.Timestamp) -> pd.Series | None:
    if responses is None:
        return None
    frame = nw.from_native(responses).lazy().select("account_id", "responded_date", "score")
    given = frame.drop_nulls().collect(backend="pandas").to_native()
    given = given.dropna(subset=["score", "responded_date"])  # to pandas a missing number is no null
    day = pd.to_datetime(given["responded_date"]).astype("datetime64[ns]")
    given = given.assign(day=day)[(day > after) & (day <= until)]
    given = given.sort_values(["account_id", "day"], kind="stable")
    return given.drop_duplicates("account_id", keep="last").set_index("account_id")["score"].astype(float)
