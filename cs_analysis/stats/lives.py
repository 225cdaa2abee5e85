"""The lives of accounts: from the first day with recurring revenue to the first day without.

Contract lines become the days on which an account's MRR changes; a life begins where it rises above 0 and ends where it
falls back to it. Gaps of at most ``grace_days`` were filled where the data came in, so that every topic sees the same:

    contracts                            lives
    account  start    stop      mrr      account  life  start     stop      churned  tenure_months
    A        1 Apr 24 1 Apr 25  100      A        1     1 Apr 24  1 Oct 25  True     18.0
    A        1 Apr 25 1 Oct 25  120      B        1     1 Jul 25  –         False    16.0   (as of 1 Nov 2026)
    B        1 Jul 25 –          50
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from cs_analysis.errors import N_, InputError, check_columns
from cs_analysis.stats import money, periods

NEEDED = ("account_id", "start", "stop", "mrr")
COLUMNS = (
    "account_id", "life", "start", "stop", "churned", "entry_months", "tenure_months", "mrr_first", "mrr_last",
    "notice_date", "leaves", "churn_reason", "left_out",
)  # fmt: skip


def lives(
    contracts: Any, *, as_of: Any, observed_from: Any | None = None, grace_days: int = 0, which: str = "first"
) -> pd.DataFrame:
    """The life of every account as known at ``as_of``, with the months it was followed.

    A life is the union of days with recurring MRR above 0. It is over, *churned*, when its stop lies at or before
    ``as_of - grace_days``; every other life is followed until that day, since an end after it could still turn out to
    be a gap.

    Parameters
    ----------
    contracts
        Contract lines: account_id, start, stop (half-open, missing = open), mrr; if there are: notice_date,
        churn_reason, opening (an account whose beginning lies before the data). Any frame narwhals reads.
    as_of
        Last day whose facts count.
    observed_from
        First day from which departures were recorded: lives over before it are left out, older ones enter there.
    grace_days
        The rule by which gaps were filled.
    which
        "first": the first life of each account; "all": later lives too, each with a clock of its own.

    Returns
    -------
    One row per account × life, sorted by both:

    account_id; life (1, 2, …); start, stop (days; stop missing while alive); churned;
    entry_months, tenure_months: followed from the one to the other, in calendar months of the life's own clock
    (anniversaries are whole numbers); mrr_first, mrr_last: MRR on the first day and just before the stop (or at
    ``as_of``); notice_date: the day by which notice of the lines that end the life was given, for an account that is
    still there of all its lines; leaves: the first day without, of the latter (missing = not told);
    churn_reason ("" = none given); left_out: "", "ended_before" (over before ``observed_from``) or "start_unknown"
    (opening accounts of a month list).

    Raises
    ------
    InputError
        A column is missing, or ``which`` is neither word.

    Examples
    --------
    A year's contract until 31 March without a successor: active on that day, lost on the next, after 12 months.

    >>> line = pd.DataFrame({"account_id": ["A"], "mrr": [100.0], "start": [pd.Timestamp("2024-04-01")],
    ...     "stop": [pd.Timestamp("2025-04-01")]})
    >>> lives(line, as_of="2025-03-31")[["churned", "tenure_months"]].round(2).values.tolist()
    [[False, 11.97]]
    >>> lives(line, as_of="2025-04-01")[["churned", "tenure_months"]].values.tolist()
    [[True, 12.0]]
    """
    if which not in ("first", "all"):
        raise InputError(N_("lives is {value!r}; allowed are first and all."), value=which)
    today = periods.day(as_of)
    frame = nw.from_native(contracts).lazy()
    there = frame.collect_schema().names()
    check_columns(there, NEEDED, N_("The contract lines have no column {missing}; the columns there are: {known}."))
    end = np.datetime64(today - timedelta(days=int(grace_days)), "D")
    spans = _spans(frame, periods.day_key(today))
    spans = _told(*_waiting(spans, _lines(frame, there), end), pd.Timestamp(today))
    start, stop = (spans[c].to_numpy().astype("datetime64[D]") for c in ("start", "stop"))
    spans["churned"] = ~np.isnat(stop)
    until = np.where(spans["churned"], stop, np.maximum(end, start))
    spans["tenure_months"] = periods.months_between(start, until)
    spans["entry_months"], spans["left_out"] = 0.0, ""
    if observed_from is not None:
        # a departure on the first recorded day is seen, so that life is followed from the day before
        known = np.datetime64(periods.day(observed_from), "D")
        spans["entry_months"] = np.maximum(periods.months_between(start, np.full(len(start), known - 1)), 0.0)
        spans["left_out"] = np.where(spans["churned"] & (stop < known), "ended_before", "")
    if spans["opening"].any():
        spans["left_out"] = np.where(spans["opening"] & (spans["life"] == 1), "start_unknown", spans["left_out"])
    if which == "first":
        spans = spans[spans["life"] == 1]
    return spans[list(COLUMNS)].reset_index(drop=True)


def followed(lives: pd.DataFrame) -> pd.DataFrame:
    """The lives that count in a curve: those not left out, and followed for some time at all."""
    kept = (lives["left_out"] == "") & (lives["tenure_months"] > lives["entry_months"])
    return lives[kept].reset_index(drop=True)


def _spans(frame: nw.LazyFrame, today: int) -> pd.DataFrame:
    """Account × life: life, start, stop (missing while alive), mrr_first, mrr_last."""

    def side(column: str, sign: int) -> nw.LazyFrame:
        day = periods.day_key_expr(nw.col(column), missing=periods.NEVER)
        rows = frame.select("account_id", on=day, delta=money.to_ticks(nw.col("mrr")) * sign)
        return rows.filter(nw.col("on") <= today)

    summed = nw.concat([side("start", 1), side("stop", -1)]).group_by("account_id", "on").agg(nw.col("delta").sum())
    summed = summed.with_columns(nw.col("delta").cast(nw.Int64())).filter(nw.col("delta") != 0)
    moves = summed.collect(backend="pandas").to_native().sort_values(["account_id", "on"], ignore_index=True)
    after = moves.groupby("account_id", sort=False)["delta"].cumsum()
    before = after - moves["delta"]
    moves["opens"] = (before <= 0) & (after > 0)
    moves["level"], moves["before"] = after, before
    moves["life"] = moves.groupby("account_id", sort=False)["opens"].cumsum()
    moves = moves[moves["life"] > 0]
    closes = moves[(moves["before"] > 0) & (moves["level"] <= 0)].set_index(["account_id", "life"])
    spans = moves[moves["opens"]].set_index(["account_id", "life"])
    newest = moves.groupby(["account_id", "life"])["level"].last()
    last = closes["before"].reindex(spans.index).fillna(newest.reindex(spans.index))
    return pd.DataFrame(
        {
            "start": periods.days_of(spans["on"]),
            "stop": periods.days_of(closes["on"].reindex(spans.index)),
            "mrr_first": money.from_ticks(spans["level"].to_numpy(dtype="int64")),
            "mrr_last": money.from_ticks(last.to_numpy(dtype="int64")),
        },
        index=spans.index,
    ).reset_index()


def _lines(frame: nw.LazyFrame, there: list[str]) -> pd.DataFrame:
    """The lines with what may tell of an end: stop, notice_date, churn_reason, opening, ticks."""
    extra = [name for name in ("notice_date", "churn_reason", "opening") if name in there]
    lines = frame.select(*NEEDED, *extra).collect(backend="pandas").to_native().copy()
    for name, empty in (("notice_date", pd.NaT), ("churn_reason", None), ("opening", False)):
        if name not in lines:
            lines[name] = empty
    for name in ("start", "stop", "notice_date"):
        lines[name] = pd.to_datetime(lines[name]).astype("datetime64[ns]")
    lines["opening"] = lines["opening"].fillna(False).astype(bool)
    lines["churn_reason"] = lines["churn_reason"].fillna("").astype(str).str.strip()
    return lines


def _waiting(spans: pd.DataFrame, lines: pd.DataFrame, end: np.datetime64) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Lives and lines, those open that stop after ``end``: it may still turn out to be a gap."""
    late = spans["stop"] > end
    if not late.any():
        return spans, lines
    keys = pd.MultiIndex.from_frame(spans.loc[late, ["account_id", "stop"]])
    open_ended = pd.MultiIndex.from_frame(lines[["account_id", "stop"]]).isin(keys)
    return spans.assign(stop=spans["stop"].mask(late)), lines.assign(stop=lines["stop"].mask(open_ended))


def _told(spans: pd.DataFrame, lines: pd.DataFrame, today: pd.Timestamp) -> pd.DataFrame:
    """What the lines tell of each life's end: notice_date, churn_reason, leaves; and whether its beginning is known."""
    noticed = lines["notice_date"].where(lines["notice_date"] <= today)
    lines = lines.assign(notice_date=noticed)[(lines["start"] <= today) & (lines["mrr"] > 0)]
    last = lines.dropna(subset=["stop"]).sort_values(["churn_reason", "mrr"], kind="stable")
    grouped = last[last["stop"] <= today].groupby(["account_id", "stop"])
    ends = pd.DataFrame({"notice_date": grouped["notice_date"].max()})
    # of several lines that end together the reason of the largest counts, if it gives one
    given = last[(last["stop"] <= today) & (last["churn_reason"] != "")].sort_values(["mrr", "churn_reason"])
    ends["churn_reason"] = given.groupby(["account_id", "stop"])["churn_reason"].last()
    out = spans.merge(ends.reset_index(), on=["account_id", "stop"], how="left")
    out["churn_reason"] = out["churn_reason"].fillna("")
    active = lines[lines["stop"].isna() | (lines["stop"] > today)]
    staying = active.loc[active["notice_date"].isna(), "account_id"]
    going = active[~active["account_id"].isin(staying)].groupby("account_id")
    alive = out["stop"].isna()
    # only the whole account's leaving is a notice: ending one of two lines is a contraction
    out.loc[alive, "notice_date"] = out.loc[alive, "account_id"].map(going["notice_date"].max())
    # as long as the end of one line is not told, nor is that of the account
    untold = active.loc[active["stop"].isna(), "account_id"]
    out["leaves"] = out["account_id"].map(going["stop"].max()).where(alive & ~out["account_id"].isin(untold))
    out["opening"] = out["account_id"].isin(lines.loc[lines["opening"], "account_id"])
    for name in ("notice_date", "leaves"):
        out[name] = pd.to_datetime(out[name]).astype("datetime64[ns]")
    return out.sort_values(["account_id", "life"], ignore_index=True)
