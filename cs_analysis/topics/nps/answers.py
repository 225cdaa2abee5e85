"""Survey rows into answers: one per respondent and wave, with what it counts as and the wave's last day.

    survey_responses                                     answers
    respondent  wave    responded   score                respondent  wave    score  answer      last_day
    R1          2026H1  3 Mar       6                    R1          2026H1  9      promoter    9 Mar
    R1          2026H1  5 Mar       9                    R2          2026H1  –      no_answer   9 Mar
    R2          2026H1  –           –

The latest answer of a respondent in a wave counts. A wave's *last day* is the last on which it asked or was answered;
everything that follows an answer in time is counted from there, for those who answered and those who did not.
"""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from cs_analysis.data.clean import nones
from cs_analysis.display.language import choose
from cs_analysis.errors import N_, InputError, check_columns
from cs_analysis.stats import periods
from cs_analysis.stats.nps import Answers

PROMOTER, PASSIVE, DETRACTOR, SILENT, NOT_ASKED = "promoter", "passive", "detractor", "no_answer", "not_asked"
ANSWERS = (PROMOTER, PASSIVE, DETRACTOR, SILENT)
NEEDED = ("account_id", "respondent", "wave", "score")
COLUMNS = (
    "account_id", "respondent", "role", "wave", "position", "last_day", "invited_date", "responded_date", "score",
    "value", "answer", "comment",
)  # fmt: skip
_KEY = ["account_id", "respondent", "wave"]


def answers(responses: Any, *, as_of: Any) -> pd.DataFrame:
    """The answers known at ``as_of``, one row per respondent and wave, those who stayed silent included.

    Parameters
    ----------
    responses
        Invitations and answers: account_id, respondent, wave, score (0–10, missing = no answer); if there are: role,
        invited_date, responded_date, comment. Any frame narwhals reads, or None where there was no survey.
    as_of
        Last day whose facts count: later invitations are left out, later answers are not known yet.

    Returns
    -------
    One row per account × respondent × wave, sorted by wave in time: account_id, respondent, role, wave, position
    (0, 1, … in time), last_day (of the wave), invited_date, responded_date, score (missing = none), value (+1, 0, −1;
    missing), answer (promoter 9–10, passive 7–8, detractor 0–6, no_answer), comment (None without a score).

    Raises
    ------
    InputError
        A column is missing.

    Examples
    --------
    >>> rows = pd.DataFrame({"account_id": "A", "respondent": ["R1", "R1", "R2"], "wave": "2026H1",
    ...     "responded_date": pd.to_datetime(["2026-03-03", "2026-03-05", None]), "score": [6.0, 9.0, None]})
    >>> answers(rows, as_of="2026-10-31")[["respondent", "score", "answer"]].values.tolist()
    [['R1', 9.0, 'promoter'], ['R2', nan, 'no_answer']]
    """
    if responses is None:
        return _empty()
    found = _latest(_rows(responses, as_of).collect(backend="pandas").to_native())
    if found.empty:
        return _empty()
    answered = found["rank"] > 0
    found["score"] = (found["rank"] % 100 - 1.0).where(answered)
    responded = found["rank"] // 100
    found["responded_date"] = periods.days_of(responded.where(responded > 0))
    found["invited_date"] = periods.days_of(found["invited"])
    found["value"] = np.select([found["score"] >= 9, found["score"] <= 6], [1.0, -1.0], 0.0)
    found["value"] = found["value"].where(answered)
    found["answer"] = kind_of(found["score"])
    found["role"] = nones(found["role"].astype(object).mask(found["role"] == ""))
    found["comment"] = _comments(found)
    return _in_time(found)


def kind_of(scores: pd.Series) -> np.ndarray:
    """What each score counts as; of an account's mean score the whole score next to it decides, halves upwards.

    >>> kind_of(pd.Series([9, 8.5, 8.4, 6.5, 6.4, None])).tolist()
    ['promoter', 'promoter', 'passive', 'passive', 'detractor', 'no_answer']
    """
    whole = pd.Series(np.floor(scores.to_numpy(dtype=float) + 0.5))
    kinds = [SILENT, PROMOTER, PASSIVE]
    return np.select([whole.isna(), whole >= 9, whole >= 7], kinds, DETRACTOR).astype(object)


def unused(responses: Any, *, as_of: Any, coverage: pd.DataFrame | None = None) -> pd.DataFrame:
    """How many rows did not become an answer or a silence, and why.

    Parameters
    ----------
    responses
        As in :func:`answers`.
    as_of
        Last day whose facts count.
    coverage
        The book's coverage: what was set aside where the data came in.

    Returns
    -------
    reason ("set_aside": at the door, see the data check; "answered_again": an earlier answer of the same respondent in
    the same wave; "no_score": a score that is no whole number from 0 to 10), n.
    """
    counts = {"set_aside": 0, "answered_again": 0, "no_score": 0}
    if coverage is not None and "survey_responses" in set(coverage["table"]):
        row: Any = coverage.set_index("table").loc["survey_responses"]
        counts["set_aside"] = int(row["rows_read"] - row["rows_used"])
    if responses is not None:
        rows = _rows(responses, as_of)
        odd = nw.col("odd").cast(nw.Int64()).sum()
        total = rows.select(n=nw.len(), odd=odd).collect(backend="pandas").to_native()
        keys = rows.select(*_KEY).unique().select(n=nw.len()).collect(backend="pandas").to_native()
        counts["answered_again"] = int(total["n"].iloc[0]) - int(keys["n"].iloc[0])
        counts["no_score"] = int(np.nan_to_num(float(total["odd"].iloc[0])))
    return pd.DataFrame({"reason": list(counts), "n": list(counts.values())})


def _rows(responses: Any, as_of: Any) -> nw.LazyFrame:
    """The rows known at ``as_of``: key, role, invited (yyyymmdd), asked (last day known), rank, odd, comment.

    The rank of a row is its day × 100 + score + 1, and 0 without an answer: the highest is the latest answer.
    """
    frame = nw.from_native(responses).lazy()
    there = frame.collect_schema().names()
    check_columns(there, NEEDED, N_("The survey responses have no column {missing}; the columns there are: {known}."))
    today = periods.day_key(as_of)

    def day(name: str, empty: int) -> nw.Expr:
        return periods.day_key_expr(nw.col(name), missing=empty) if name in there else nw.lit(empty).cast(nw.Int64())

    def text(name: str) -> nw.Expr:
        return nw.col(name).cast(nw.String()).fill_null("") if name in there else nw.lit("")

    score = nw.col("score").cast(nw.Float64())
    whole = ((score >= 0) & (score <= 10) & (score == score.floor())).fill_null(False)
    rows = frame.select(
        *(nw.col(name).cast(nw.String()) for name in _KEY),
        role=text("role"),
        comment=text("comment"),
        invited=day("invited_date", periods.NEVER),
        responded=day("responded_date", 0),
        whole=whole,
        given=(score == score).fill_null(False),
        score=nw.when(whole).then(score).otherwise(nw.lit(0.0)),
    )
    known = (nw.col("invited") <= today) | (nw.col("invited") == periods.NEVER)
    rows = rows.filter(known & ((nw.col("responded") <= today) | (nw.col("invited") != periods.NEVER)))
    said = nw.col("whole") & (nw.col("responded") <= today)
    rank = nw.col("responded") * 100 + nw.col("score").cast(nw.Int64()) + 1
    invited = nw.when(nw.col("invited") == periods.NEVER).then(nw.lit(0).cast(nw.Int64())).otherwise(nw.col("invited"))
    answered = nw.when(said).then(nw.col("responded")).otherwise(nw.lit(0).cast(nw.Int64()))
    return rows.select(
        *_KEY,
        "role",
        "comment",
        "invited",
        asked=nw.when(answered > invited).then(answered).otherwise(invited),
        rank=nw.when(said).then(rank).otherwise(nw.lit(0).cast(nw.Int64())),
        odd=nw.col("given") & ~nw.col("whole"),
    )


def _latest(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per account × respondent × wave: the latest answer, with the first invitation."""
    whole = rows.astype(dict.fromkeys(("rank", "invited", "asked"), "int64"))
    codes = [pd.factorize(whole[name])[0] for name in _KEY]
    person = pd.factorize(codes[0].astype("int64") * (codes[1].max(initial=0) + 1) + codes[1])[0]
    key = pd.factorize(person.astype("int64") * (codes[2].max(initial=0) + 1) + codes[2])[0]
    if key.max(initial=-1) + 1 < len(whole):
        # of two answers of one day the higher counts; between equal ones the comment decides, so that order does not
        by_key = whole.groupby(key)
        whole = whole.assign(
            key=key, invited=by_key["invited"].transform("min"), asked=by_key["asked"].transform("max")
        )
        whole = whole.sort_values(["key", "rank", "comment", "role"]).drop_duplicates("key", keep="last")
    return whole.reset_index(drop=True)


def _comments(rows: pd.DataFrame) -> pd.Series:
    """The comments of answers: the one place through which every comment passes."""
    return nones(rows["comment"].astype(object).where((rows["rank"] > 0) & (rows["comment"] != "")))


def _in_time(found: pd.DataFrame) -> pd.DataFrame:
    """Waves in the order in which they began, each with its last day."""
    waves = found.groupby("wave").agg(first=("invited", "min"), last_day=("asked", "max"))
    waves["began"] = waves["first"].where(waves["first"] < periods.NEVER, waves["last_day"])
    waves = waves.reset_index().sort_values(["began", "wave"], ignore_index=True)
    waves["position"] = range(len(waves))
    waves["last_day"] = periods.days_of(waves["last_day"].where(waves["last_day"] > 0))
    out = found.merge(waves[["wave", "position", "last_day"]], on="wave", how="left")
    out = out.sort_values(["position", "account_id", "respondent"], kind="stable", ignore_index=True)
    return out[list(COLUMNS)]


def _empty() -> pd.DataFrame:
    kinds: dict[str, Any] = dict.fromkeys(COLUMNS, object)
    kinds |= {"position": "int64", "score": float, "value": float}
    kinds |= dict.fromkeys(("last_day", "invited_date", "responded_date"), "datetime64[ns]")
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})


# ------------------------------------------------------------------------------------------------------------ waves


def waves(answers: pd.DataFrame) -> pd.DataFrame:
    """The waves in time: wave, position, last_day, invited, answered, accounts (that were asked)."""
    table = answers.groupby(["position", "wave", "last_day"], dropna=False, sort=True, observed=True).agg(
        invited=("respondent", "size"), answered=("value", "count"), accounts=("account_id", "nunique")
    )
    return table.reset_index()[["wave", "position", "last_day", "invited", "answered", "accounts"]]


def newest_wave(answers: pd.DataFrame, *, wave: str = "", min_n: int = 10) -> str | None:
    """The last wave with ``min_n`` answers, else the last with any, else the last; None where there is none.

    A wave that has just begun does not stand for the company while the one before it is whole. A ``wave`` asked for by
    name is taken instead; one that is not there is an error.
    """
    table = waves(answers)
    if wave:
        known = [str(name) for name in table["wave"]]
        if wave not in known:
            raise InputError(N_("There is no survey {wave}; {choose}."), wave=wave, choose=choose(wave, known))
        return wave
    for few in (min_n, 1, 0):
        enough = table[table["answered"] >= few]
        if len(enough):
            return str(enough["wave"].iloc[-1])
    return None


def followed_wave(answers: pd.DataFrame, *, as_of: Any, months: int = 12, min_n: int = 10) -> str | None:
    """The newest wave whose last day lies ``months`` or more before ``as_of``: what came after it is known."""
    return newest_wave(answers[is_followed(answers["last_day"], as_of, months)], min_n=min_n)


def is_followed(last_days: pd.Series, as_of: Any, months: int = 12) -> pd.Series:
    """Whether ``months`` have passed between each day and ``as_of``."""
    until = periods.anniversary(last_days.to_numpy(), months)
    return pd.Series(until <= np.datetime64(periods.day(as_of), "D"), index=last_days.index) & last_days.notna()


def of_wave(answers: pd.DataFrame, wave: str | None) -> pd.DataFrame:
    """The rows of a wave; none where there is no such wave."""
    return answers[answers["wave"] == wave] if wave is not None else answers.iloc[:0]


def account_answers(answers: pd.DataFrame) -> pd.DataFrame:
    """What each account said in each wave: the mean of its respondents' scores, or no answer when all stayed silent.

    Returns
    -------
    One row per account × wave: account_id, wave, position, last_day, invited, answered, score (mean; missing), answer.
    """
    table = answers.groupby(["account_id", "wave", "position", "last_day"], dropna=False, observed=True).agg(
        invited=("respondent", "size"), answered=("value", "count"), score=("score", "mean")
    )
    table = table.reset_index().sort_values(["position", "account_id"], ignore_index=True)
    return table.assign(answer=kind_of(table["score"]))


def sample_of(rows: pd.DataFrame, weights: np.ndarray | None = None) -> Answers:
    """The answers among the rows as numbers, accounts as clusters."""
    said = rows["value"].notna().to_numpy()
    weight = np.ones(len(rows)) if weights is None else np.nan_to_num(np.asarray(weights, dtype=float))
    return Answers.of(rows["value"].to_numpy()[said], rows["account_id"].to_numpy()[said], weight[said])
