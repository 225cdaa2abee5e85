"""What is known of the accounts behind the answers: MRR, tenure and usage at the wave, and weights against silence."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from cs_analysis.errors import N_, InputError
from cs_analysis.stats import money, nps, periods
from cs_analysis.stats.lives import lives

USAGE_MONTHS = 3  # before the wave, so that one quiet month does not decide
PER_SEAT = ("active_users", "logins")  # larger accounts have more of them; per seat they tell of depth
MOST_METRICS = 3
TENURE_YEARS = (1, 2, 3)
CLASSES = 5
FEWEST = 5  # answers in a class; smaller ones join their neighbour


def with_accounts(answers: pd.DataFrame, contracts: Any, *, as_of: Any, usage: Any = None) -> pd.DataFrame:
    """The answers with what was known of their accounts when the wave was over.

    Parameters
    ----------
    answers
        As from :func:`answers`.
    contracts
        Contract lines: account_id, start, stop (half-open), mrr; any frame narwhals reads.
    as_of
        Last day whose facts count.
    usage
        account_id, month, metric, value; any frame narwhals reads, or None.

    Returns
    -------
    The answers, and: mrr (on the wave's last day, currency), tenure_months (from the account's first day to it; missing
    where it began later), usage_<metric> (mean of the three months before the wave began; logins and active users per
    seat where seats are known).
    """
    days = answers[["wave", "last_day"]].drop_duplicates()
    out = answers.drop(columns=[c for c in answers if c in ("mrr", "tenure_months") or str(c).startswith("usage_")])
    out = out.merge(_mrr(contracts, days), on=["account_id", "wave"], how="left")
    out["mrr"] = out["mrr"].fillna(0.0).astype(float)
    first = lives(contracts, as_of=as_of).set_index("account_id")["start"]
    start = out["account_id"].map(first).to_numpy().astype("datetime64[D]")
    tenure = periods.months_between(start, out["last_day"].to_numpy())
    out["tenure_months"] = np.where(tenure >= 0, tenure, np.nan)
    return out if usage is None else out.merge(_usage(usage, answers), on=["account_id", "wave"], how="left")


def _mrr(contracts: Any, days: pd.DataFrame) -> pd.DataFrame:
    """account_id, wave, mrr on the wave's last day, from the points at which MRR changes."""
    frame = nw.from_native(contracts).lazy()

    def side(column: str, sign: int) -> nw.LazyFrame:
        day = periods.day_key_expr(nw.col(column), missing=periods.NEVER)
        return frame.select("account_id", on=day, delta=money.to_ticks(nw.col("mrr")) * sign)

    summed = nw.concat([side("start", 1), side("stop", -1)]).group_by("account_id", "on").agg(nw.col("delta").sum())
    moves = summed.with_columns(nw.col("delta").cast(nw.Int64())).collect(backend="pandas").to_native()
    parts = [pd.DataFrame({"account_id": pd.Series(dtype=object), "wave": pd.Series(dtype=object), "mrr": []})]
    for wave, last_day in days.dropna().itertuples(index=False):
        level = moves[moves["on"] <= periods.day_key(last_day)].groupby("account_id")["delta"].sum()
        level = level[level > 0]
        mrr = money.from_ticks(level.to_numpy(dtype="int64"))
        parts.append(pd.DataFrame({"account_id": level.index, "wave": wave, "mrr": mrr}))
    return pd.concat([p for p in parts[1:] if len(p)] or parts[:1], ignore_index=True)


def _usage(usage: Any, answers: pd.DataFrame) -> pd.DataFrame:
    """account_id, wave, usage_<metric>: the mean of the last whole months before the wave began."""
    began = answers["invited_date"].fillna(answers["last_day"])
    begun = began.groupby(answers["wave"]).min().dropna()
    months = {wave: periods.month_index(day) for wave, day in begun.items()}
    wanted = sorted({m - k for m in months.values() for k in range(1, USAGE_MONTHS + 1)})
    frame = nw.from_native(usage).lazy()
    rows = frame.select("account_id", "metric", nw.col("value").cast(nw.Float64()), at=_month(nw.col("month")))
    rows = rows.filter(nw.col("at").is_in(wanted or [-1])).filter(~nw.col("value").is_null())
    table = rows.group_by("account_id", "at", "metric").agg(nw.col("value").sum()).collect(backend="pandas").to_native()
    parts = []
    for wave, month in months.items():
        near = table[(table["at"] < month) & (table["at"] >= month - USAGE_MONTHS)]
        wide = near.pivot_table(index="account_id", columns="metric", values="value", aggfunc="mean")
        if "seats" in wide:
            seats = wide.pop("seats").where(lambda s: s > 0)
            wide = wide.assign(**{m: wide[m] / seats for m in PER_SEAT if m in wide})
        kept = sorted(map(str, wide.columns))[:MOST_METRICS]
        part = wide[kept].rename(columns=lambda metric: f"usage_{metric}").reset_index()
        parts.append(part.assign(wave=wave))
    empty = pd.DataFrame({"account_id": pd.Series(dtype=object), "wave": pd.Series(dtype=object)})
    return pd.concat([p for p in parts if len(p)] or [empty], ignore_index=True)


def _month(column: nw.Expr) -> nw.Expr:
    return periods.month_expr(column, missing=-1)


def usage_columns(answers: pd.DataFrame) -> list[str]:
    """The usage columns that :func:`with_accounts` added and that hold anything."""
    return [str(c) for c in answers if str(c).startswith("usage_") and answers[c].notna().any()]


def behaviour(answers: pd.DataFrame) -> pd.Series:
    """How much each row's account does, in ranks within the wave (0–1): usage, else tenure past the first renewal.

    The mean rank over the usage metrics; an account without usage is at the bottom. Where there is no usage at all it
    is 1 for an account that has renewed at least once (12 months or more with us) and 0 for the others.
    """
    columns = usage_columns(answers)
    if not columns:
        return (answers["tenure_months"] >= 12).astype(float)
    ranks = [answers[c].fillna(-np.inf).groupby(answers["wave"]).rank(pct=True) for c in columns]
    return pd.concat(ranks, axis=1).mean(axis=1)


def check_accounts(answers: pd.DataFrame) -> None:
    """Raise an InputError unless the answers have what :func:`with_accounts` adds."""
    if "tenure_months" not in answers:
        raise InputError(N_("The answers have no column {column}; call {remedy} first."), column="tenure_months",
                         remedy="with_accounts")  # fmt: skip


def weigh(answers: pd.DataFrame, *, segment: str = "segment") -> pd.DataFrame:
    """The answers with ``weight``: by how much each has to count so that the silent are represented.

    Per wave those who answered are raked to all who were asked, by segment, tenure (years) and each usage metric
    (fifths). It corrects for what these tell of an account, and for nothing else.

    Parameters
    ----------
    answers
        As from :func:`with_accounts`, with the segment column where there is one.
    segment
        Column of the segments.

    Returns
    -------
    The answers with weight (mean 1 per wave over those who answered, 0 for the silent).

    Raises
    ------
    InputError
        The answers lack what :func:`with_accounts` adds.
    """
    check_accounts(answers)
    weight = pd.Series(0.0, index=answers.index)
    for _wave, rows in answers.groupby("position", sort=True):
        said = rows["value"].notna().to_numpy()
        margins = [_joined(rows["tenure_months"].fillna(-1).floordiv(12).clip(-1, TENURE_YEARS[-1]), said)]
        margins += [_joined(_fifths(rows[c]), said) for c in usage_columns(rows)]
        if segment in rows:
            margins.append(_pooled(rows[segment].astype(str), said))
        weight[rows.index] = nps.rake([m.to_numpy() for m in margins], said)
    return answers.assign(weight=weight)


def _fifths(values: pd.Series) -> pd.Series:
    """Classes of equal size, unknown ones below them all."""
    return pd.Series(np.ceil(values.rank(pct=True).to_numpy() * CLASSES), index=values.index).fillna(0)


def _joined(classes: pd.Series, said: np.ndarray) -> pd.Series:
    """Ordered classes with at least five answers each: one that has fewer joins the next below, the lowest the next."""
    out = classes.astype(float)
    for _step in range(out.nunique()):
        answered = out[said].value_counts().reindex(np.sort(out.unique()), fill_value=0)
        few = answered[answered < FEWEST]
        if few.empty or len(answered) < 2:
            return out
        place = list(answered.index).index(few.index[-1])
        out = out.replace(few.index[-1], answered.index[place - 1 if place else 1])
    return out


def _pooled(classes: pd.Series, said: np.ndarray) -> pd.Series:
    """Segments with at least five answers; the smaller ones are one class, joined to the largest if still too small."""
    answered = classes[said].value_counts().reindex(classes.unique(), fill_value=0)
    few = answered.index[answered < FEWEST]
    rest = str(answered.idxmax()) if answered[few].sum() < FEWEST else "\0"
    return classes.where(~classes.isin(few), rest)
