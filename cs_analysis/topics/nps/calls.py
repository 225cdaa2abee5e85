"""Whom to call: detractors and large accounts that stay silent, by MRR at stake; and whom to ask for a reference."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from cs_analysis.stats import money, periods
from cs_analysis.topics.nps.answers import DETRACTOR, PROMOTER, SILENT, account_answers, newest_wave, of_wave

FOLLOW_UP = (
    "account_id", "respondent", "role", "kind", "score", "comment", "previous", "mrr", "contract_end", "days_left",
    "leaving",
)  # fmt: skip
LARGE = 0.75  # a silent account is called when its MRR is above that of so many of all asked
_FIRST_ASKED = {"decision_maker": 0, "champion": 1, "user": 2}


def standing(contracts: Any, *, as_of: Any) -> pd.DataFrame:
    """The accounts with MRR at ``as_of``: account_id, mrr, contract_end (last day; missing = open), days_left, leaving.

    Leaving: notice has been given of every active line.
    """
    frame = nw.from_native(contracts).lazy()
    there = frame.collect_schema().names()
    today = periods.day_key(as_of)
    notice = periods.day_key_expr(nw.col("notice_date"), missing=periods.NEVER) if "notice_date" in there else None
    rows = frame.select(
        "account_id",
        begins=periods.day_key_expr(nw.col("start"), missing=periods.NEVER),
        stop=periods.day_key_expr(nw.col("stop"), missing=periods.NEVER),
        notice=nw.lit(periods.NEVER).cast(nw.Int64()) if notice is None else notice,
        ticks=money.to_ticks(nw.col("mrr")),
    )
    active = rows.filter((nw.col("begins") <= today) & (nw.col("stop") > today) & (nw.col("ticks") > 0))
    found = active.group_by("account_id").agg(
        nw.col("ticks").sum(), stop=nw.col("stop").max(), notice=nw.col("notice").max()
    )
    table = found.collect(backend="pandas").to_native().sort_values("account_id", ignore_index=True)
    end = periods.days_of(table["stop"]) - pd.Timedelta(days=1)
    return pd.DataFrame(
        {
            "account_id": table["account_id"],
            "mrr": money.from_ticks(table["ticks"].to_numpy(dtype="int64")),
            "contract_end": end,
            "days_left": (end - pd.Timestamp(periods.day(as_of))).dt.days.astype(float),
            "leaving": (table["notice"].astype("int64") <= today).to_numpy(),
        }
    )


def follow_up(answers: pd.DataFrame, contracts: Any, *, as_of: Any, wave: str | None = None) -> pd.DataFrame:
    """Who to call after the newest wave, most MRR at stake first, then by days to the contract's end.

    Every detractor of an account that is still a customer, and one person (decision maker, else champion, else user) of
    each large account in which nobody answered. Large: MRR above that of three quarters of the accounts asked.

    Parameters
    ----------
    answers
        As from :func:`answers`.
    contracts
        Contract lines: account_id, start, stop (half-open), mrr, and notice_date if there is one.
    as_of
        Last day whose facts count.
    wave
        By default the newest.

    Returns
    -------
    account_id, respondent, role, kind (detractor, no_answer), score, comment, previous (what the same person answered
    in the wave before; missing), mrr (of the account, currency), contract_end (last day), days_left, leaving (notice
    has been given).
    """
    wave = wave or newest_wave(answers)
    rows, here = of_wave(answers, wave), standing(contracts, as_of=as_of)
    rows = rows.drop(columns=["mrr"], errors="ignore").merge(here, on="account_id", how="inner")
    accounts = account_answers(rows)
    sizes = rows.drop_duplicates("account_id").set_index("account_id")["mrr"]
    silent = accounts.loc[accounts["answer"] == SILENT, "account_id"]
    large = sizes[sizes >= sizes.quantile(LARGE)].index if len(sizes) else sizes.index
    quiet = rows[rows["account_id"].isin(silent) & rows["account_id"].isin(large)]
    quiet = quiet.assign(first=quiet["role"].map(_FIRST_ASKED).fillna(3)).sort_values(["account_id", "first"])
    calls = pd.concat([rows[rows["answer"] == DETRACTOR], quiet.drop_duplicates("account_id").drop(columns="first")])
    return _ordered(calls.assign(kind=calls["answer"]), answers, wave)


def advocates(answers: pd.DataFrame, contracts: Any, *, as_of: Any, wave: str | None = None) -> pd.DataFrame:
    """Whom to ask for a reference: promoters of accounts without a detractor that are not leaving, largest MRR first.

    Columns as in :func:`follow_up`, kind "promoter".
    """
    wave = wave or newest_wave(answers)
    here = standing(contracts, as_of=as_of)
    rows = of_wave(answers, wave).drop(columns=["mrr"], errors="ignore")
    rows = rows.merge(here[~here["leaving"]], on="account_id", how="inner")
    blamed = rows.loc[rows["answer"] == DETRACTOR, "account_id"]
    kept = rows[(rows["answer"] == PROMOTER) & ~rows["account_id"].isin(blamed)]
    return _ordered(kept.assign(kind=kept["answer"]), answers, wave)


def _ordered(calls: pd.DataFrame, answers: pd.DataFrame, wave: str | None) -> pd.DataFrame:
    order = answers[["position", "wave"]].drop_duplicates().sort_values("position")["wave"].tolist()
    place = order.index(wave) if wave in order else 0
    before = of_wave(answers, order[place - 1] if place else None)
    then = before.set_index(["account_id", "respondent"])["answer"]
    key = pd.MultiIndex.from_frame(calls[["account_id", "respondent"]])
    calls = calls.assign(previous=then.reindex(key).to_numpy(), soon=calls["days_left"].fillna(np.inf))
    calls = calls.sort_values(
        ["mrr", "account_id", "soon", "score", "respondent"], ascending=[False, True, True, True, True], kind="stable"
    )
    return calls[list(FOLLOW_UP)].reset_index(drop=True)
