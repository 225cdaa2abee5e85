"""NPS in short: headline figures with the month before and the year before, findings by MRR at stake, the waves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cs_analysis.data import topic
from cs_analysis.data.topic import HEADLINE, Summary, findings_table, headline_row, records
from cs_analysis.display import sentences
from cs_analysis.display.language import _, money_short, ngettext, number
from cs_analysis.errors import N_
from cs_analysis.stats import periods
from cs_analysis.stats.nps import Difference
from cs_analysis.topics.nps import words
from cs_analysis.topics.nps.answers import newest_wave, of_wave
from cs_analysis.topics.nps.calls import follow_up
from cs_analysis.topics.nps.score import changes, difference, score

_LABELS = {
    "nps": N_("NPS"),
    "nps_weighted": N_("NPS, weighted for silence"),
    "nps_response_rate": N_("Response rate"),
}
_WEIGHTING = {"nps": "respondents", "nps_weighted": "non_response"}
_NAMED = 5  # accounts with a finding of their own


def summary(
    answers: pd.DataFrame,
    contracts: Any,
    *,
    as_of: Any,
    compare_to: Any | None = None,
    accounts: pd.DataFrame | None = None,
    currency: str = "JPY",
    min_n: int = 10,
) -> Summary:
    """Headline figures (NPS, NPS weighted for silence, response rate) of the newest wave, findings, and the waves.

    Parameters
    ----------
    answers
        As from :func:`answers`; the weighted score is there with :func:`weigh`.
    contracts
        Contract lines: account_id, start, stop (half-open), mrr.
    as_of
        Last day whose facts count.
    compare_to
        The month end beside which the figures stand, by default the one before ``as_of``: the newest wave as it was
        known then. The year before: the newest wave as it was known twelve months before ``as_of``.
    accounts
        account_id and account_name, to call accounts by name.
    currency
        Of the amounts.
    min_n
        Answers below which a wave has no score.

    Returns
    -------
    sentences; headline (one row per metric; n counts answers, for the response rate accounts asked); findings (one row
    per finding, most money first); trend (metric × month of the wave's last day).
    """
    day = periods.day(as_of)
    before = periods.day(compare_to) if compare_to else periods.last_day(periods.month_index(day) - 1)
    wave = newest_wave(answers, min_n=min_n)
    then = {"previous": known_at(answers, before), "year": known_at(answers, periods.year_before(day))}
    waves = {name: newest_wave(known, min_n=min_n) for name, known in then.items()}
    earlier = {name: of_wave(then[name], waves[name]) for name in then}
    plain, moved = score(answers, min_n=min_n), changes(answers, min_n=min_n)
    rows = [
        _score_row(of_wave(answers, wave), earlier, metric, min_n)
        for metric, weighting in _WEIGHTING.items()
        if weighting == "respondents" or "weight" in answers
    ]
    rows.append(_response_row(of_wave(answers, wave), earlier))
    rows[0]["sentence"] = words.say_score(plain, moved, wave=wave)
    rows[-1]["sentence"] = words.say_response(plain, wave=wave)
    headline = pd.DataFrame(rows, columns=list(HEADLINE))
    calls = follow_up(answers, contracts, as_of=as_of, wave=wave)
    said_here = of_wave(answers, wave).groupby("account_id")["value"].count()
    findings = _findings(calls, said_here, topic.account_names(accounts), wave, currency)
    said = [rows[0]["sentence"], rows[-1]["sentence"]]
    said += [row["sentence"] for row in rows[1:-1]]
    said.append(words.say_follow_up(calls, currency=currency) if wave else "")
    return Summary([s for s in dict.fromkeys(said) if s], headline, findings, _trend(answers, plain, min_n))


def known_at(answers: pd.DataFrame, day: Any) -> pd.DataFrame:
    """The answers as they were known at an earlier day: later invitations not sent yet, later answers still silent.

    >>> rows = pd.DataFrame({"invited_date": pd.to_datetime(["2026-03-01", "2026-09-01"]), "value": [1.0, 0.0],
    ...     "responded_date": pd.to_datetime(["2026-03-09", "2026-09-02"]), "score": [9.0, 8.0], "answer": "x",
    ...     "comment": None})
    >>> known_at(rows, "2026-03-05")[["score", "answer"]].values.tolist()
    [[nan, 'no_answer']]
    """
    at = pd.Timestamp(periods.day(day))
    asked = answers["invited_date"].fillna(answers["responded_date"])
    out = answers[~(asked > at)].copy()
    later = out["responded_date"] > at
    out.loc[later, ["score", "value"]] = np.nan
    out.loc[later, "answer"] = "no_answer"
    out.loc[later, "comment"] = None
    out.loc[later, "responded_date"] = pd.NaT
    return out


def _score_row(now: pd.DataFrame, earlier: dict[str, pd.DataFrame], metric: str, min_n: int) -> dict[str, Any]:
    weighting = _WEIGHTING[metric]
    row = headline_row(metric, _(_LABELS[metric]), "points")
    found = score(now, weighting=weighting, min_n=min_n)
    if found.empty:
        return row | {"note": _("no survey yet")}
    at = found.iloc[0]
    row |= {"value": at["estimate"], "low": at["low"], "high": at["high"], "n": at["n"]}
    row["note"] = "" if sentences.known(at["estimate"]) else _("too few answers ({n})").format(n=number(at["n"]))
    for name, column in (("previous", "previous"), ("year", "year_ago")):
        was = score(earlier[name], weighting=weighting, min_n=min_n)
        if was.empty:
            continue
        change = difference(now, earlier[name], weighting=weighting, min_n=min_n)
        row[column] = was["estimate"].iloc[0]
        row |= {f"{name}_change": change.estimate, f"{name}_low": change.low, f"{name}_high": change.high}
    if metric == "nps_weighted" and sentences.known(at["estimate"]):
        text = _("Weighted so that the silent are represented by segment, tenure and usage, NPS is {value}.")
        row["sentence"] = text.format(value=sentences.estimate(at["estimate"], at["low"], at["high"], unit="points"))
    return row


def _response_row(now: pd.DataFrame, earlier: dict[str, pd.DataFrame]) -> dict[str, Any]:
    metric = "nps_response_rate"
    row = headline_row(metric, _(_LABELS[metric]), "rate")
    found = score(now)
    if found.empty:
        return row | {"note": _("no survey yet")}
    at = found.iloc[0]
    row |= {
        "value": at["response_rate"],
        "low": at["response_low"],
        "high": at["response_high"],
        "n": now["account_id"].nunique(),
    }
    for name, column in (("previous", "previous"), ("year", "year_ago")):
        was = score(earlier[name])
        if was.empty:
            continue
        row[column] = was["response_rate"].iloc[0]
        change = _response_change(now, earlier[name])
        row |= {f"{name}_change": change.estimate, f"{name}_low": change.low, f"{name}_high": change.high}
    return row


def _response_change(now: pd.DataFrame, then: pd.DataFrame) -> Difference:
    """The change of the response rate, accounts paired: the score's own arithmetic with answered = 1, silent = 0."""
    answered = [rows.assign(value=rows["value"].notna().astype(float)) for rows in (now, then)]
    found = difference(answered[0], answered[1], min_n=1)
    return Difference(found.estimate / 100, found.low / 100, found.high / 100, found.p)


def _trend(answers: pd.DataFrame, plain: pd.DataFrame, min_n: int) -> pd.DataFrame:
    """metric, month, estimate: the waves by the month of their last day."""
    days = answers.drop_duplicates("wave").set_index("wave")["last_day"]
    tables = {"nps": plain, "nps_response_rate": plain.assign(estimate=plain["response_rate"])}
    if "weight" in answers:
        tables["nps_weighted"] = score(answers, weighting="non_response", min_n=min_n)
    parts = []
    for metric, table in tables.items():
        at = pd.to_datetime(table["wave"].map(days))
        part = pd.DataFrame({"metric": metric, "month": at.dt.strftime("%Y-%m"), "estimate": table["estimate"]})
        parts.append(part.dropna())
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=["metric", "month", "estimate"])


def _findings(
    calls: pd.DataFrame, answered: pd.Series, names: dict[str, str], wave: str | None, currency: str
) -> pd.DataFrame:
    """All accounts with detractors in one finding, and the accounts to call with most MRR in one each.

    One detractor among many colleagues does not put the whole account at stake: together the accounts count with the
    share of detractors among their answers, and those that have given notice, which others report, not at all.
    """
    each = calls.groupby("account_id", sort=False).agg(
        kind=("kind", "first"), people=("kind", "size"), lowest=("score", "min"), mrr=("mrr", "first"),
        days=("days_left", "first"), leaving=("leaving", "first"),
    ).reset_index()  # fmt: skip
    rows = []
    for row in records(each.head(_NAMED)):
        if row.kind == "no_answer":
            text = _("Nobody at {account} answered in {wave}: {mrr} of MRR.")
        else:
            text = ngettext(
                "{account} has {n} detractor in {wave}, the lowest score {lowest}: {mrr} of MRR.",
                "{account} has {n} detractors in {wave}, the lowest score {lowest}: {mrr} of MRR.",
                int(row.people),
            )
        said = text.format(
            account=names.get(row.account_id, row.account_id), wave=wave, n=number(row.people),
            lowest=number(row.lowest), mrr=money_short(row.mrr, currency),
        )  # fmt: skip
        if row.leaving:
            said += " " + _("It has given notice.")
        elif sentences.known(row.days) and row.days <= 90:
            said += " " + _("Its contract ends in {days}.").format(days=sentences.figure(row.days, "days"))
        rows.append({"kind": row.kind, "text": said, "money": float(row.mrr), "account_id": row.account_id})
    blamed = each[(each["kind"] == "detractor") & ~each["leaving"].astype(bool)]
    if len(blamed):
        text = ngettext(
            "{accounts} that has not given notice has detractors in {wave}: {mrr} of MRR, {stake} by their share of "
            "its answers.",
            "{accounts} that have not given notice have detractors in {wave}: {mrr} of MRR, {stake} by their share of "
            "each account's answers.",
            len(blamed),
        )
        share = blamed["people"] / blamed["account_id"].map(answered)
        total, stake = float(blamed["mrr"].sum()), float((blamed["mrr"] * share).sum())
        said = text.format(
            accounts=sentences.accounts(len(blamed)), wave=wave, mrr=money_short(total, currency),
            stake=money_short(stake, currency),
        )  # fmt: skip
        rows.append({"kind": "detractor", "text": said, "money": stake, "account_id": ""})
    return findings_table(rows)
