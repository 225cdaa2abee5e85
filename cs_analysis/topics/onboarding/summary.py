"""Onboarding in short: headline figures of the last twelve months with those of before, findings by money, trend."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from cs_analysis.data import topic
from cs_analysis.data.topic import HEADLINE, Summary, findings_table, headline_row
from cs_analysis.display import sentences
from cs_analysis.display.language import _, day, money_short, month, ngettext, number, percent
from cs_analysis.errors import N_
from cs_analysis.stats import periods
from cs_analysis.topics.onboarding import incidence, words
from cs_analysis.topics.onboarding.durations import MIN_N, SEED, durations
from cs_analysis.topics.onboarding.onboardings import as_known, counted, recent

_LABELS = {
    "onboarding_median": N_("Median days to live"),
    "onboarding_day90": N_("Live by day 90"),
    "onboarding_rmst": N_("Days not yet live of the first 90"),
}
_UNITS = {"onboarding_median": "days", "onboarding_day90": "rate", "onboarding_rmst": "days"}
_COLUMNS = {
    "onboarding_median": ("median", "median_low", "median_high"),
    "onboarding_day90": ("day90", "day90_low", "day90_high"),
    "onboarding_rmst": ("rmst", "rmst_low", "rmst_high"),
}
_STATISTICS: dict[str, Callable[[incidence.Curves], np.ndarray]] = {
    "onboarding_median": incidence.quantile,
    "onboarding_day90": lambda found: incidence.share(found, 90),
    "onboarding_rmst": lambda found: incidence.rmst(found, 90),
}
_MONTHS = 12


def summary(
    onboardings: pd.DataFrame,
    stuck: pd.DataFrame,
    *,
    as_of: Any,
    compare_to: Any | None = None,
    accounts: pd.DataFrame | None = None,
    currency: str = "JPY",
    min_n: int = MIN_N,
) -> Summary:
    """Headline figures of the onboardings begun in the last twelve months, and whom to call.

    The same figures are computed again for an earlier day, from the onboardings begun in the twelve months up to it, as
    they were known on it: who has gone live since was still open then.

    Parameters
    ----------
    onboardings, stuck
        As `onboardings` and `stuck` give them at ``as_of``.
    as_of
        Last day whose facts count.
    compare_to
        The day beside which the figures stand; by default the month end before.
    accounts
        account_id and account_name, to call accounts by name.
    currency
        Of the amounts.
    min_n
        With fewer onboardings a figure is withheld.

    Returns
    -------
    sentences; headline (one row per metric); findings (most money first); trend (metric × month).
    """
    today = periods.day(as_of)
    ends = {"previous": _previous(today, compare_to), "year": periods.year_before(today)}
    now = recent(onboardings, as_of=today)
    then = {name: recent(as_known(onboardings, as_of=today, then=at), as_of=at) for name, at in ends.items()}
    table = {name: words.of_all(durations(frame)) for name, frame in {"now": now, **then}.items()}
    rows = [_row(metric, table, now, then, ends, min_n) for metric in _LABELS]
    headline = pd.DataFrame(rows, columns=list(HEADLINE))
    findings = _findings(onboardings, stuck, today, topic.account_names(accounts), currency)
    trend = _trend(onboardings, today, min_n)
    said = [rows[0]["sentence"], words.say_stuck(stuck, onboardings, accounts=accounts, currency=currency)]
    return Summary([text for text in said if text], headline, findings, trend)


def _previous(today: Any, compare_to: Any | None) -> Any:
    return periods.day(compare_to) if compare_to else periods.first_day(periods.month_index(today)) - timedelta(days=1)


def _row(
    metric: str,
    table: dict[str, pd.Series],
    now: pd.DataFrame,
    then: dict[str, pd.DataFrame],
    ends: dict[str, Any],
    min_n: int,
) -> dict[str, Any]:
    unit, (column, low, high) = _UNITS[metric], _COLUMNS[metric]
    row = headline_row(metric, _(_LABELS[metric]), unit, n=int(table["now"]["n"]))
    told = {name: values["n"] >= min_n for name, values in table.items()}
    for name, target in (("previous", "previous"), ("year", "year_ago")):
        row[target] = table[name][column] if told[name] else np.nan
    if not told["now"]:
        text = _("fewer than {least} onboardings began in the last {months} months")
        row["note"] = text.format(least=number(min_n), months=number(_MONTHS))
        row["sentence"] = _("{label} is withheld: {why}.").format(label=row["label"], why=row["note"])
        return row
    values = table["now"]
    row |= {"value": values[column], "low": values[low], "high": values[high]}
    if not sentences.known(values[column]):
        row["note"] = _("not reached yet") if metric == "onboarding_median" else _("nobody was followed that long yet")
        row["sentence"] = _("{label} is withheld: {why}.").format(label=row["label"], why=row["note"])
        return row
    if not sentences.known(values[high]):
        row["note"] = _("the upper bound is not reached yet") if sentences.known(values[low]) else _("no interval")
        row |= {"low": np.nan, "high": np.nan}
    frames = {
        name: counted(frame)[["account_id", "entry", "time", "code"]].rename(columns={"time": "days"})
        for name, frame in {"now": now, **then}.items()
    }
    for name in ("previous", "year"):
        if told[name]:
            change = incidence.paired(frames["now"], frames[name], _STATISTICS[metric], seed=SEED)
            row |= dict(zip((f"{name}_change", f"{name}_low", f"{name}_high"), change, strict=True))
    row["sentence"] = _sentence(metric, row, values, ends["year"])
    return row


def _sentence(metric: str, row: dict[str, Any], values: pd.Series, year_ago: Any) -> str:
    value, low, high = (values[c] for c in _COLUMNS[metric])
    unit = _UNITS[metric]
    figure = (
        words.reached(value, low, high, values["n"])
        if metric == "onboarding_median"
        else sentences.estimate(value, low, high, values["n"], unit)
    )
    text = {
        "onboarding_median": N_("Of the onboardings begun in the last {months} months half were live after {figure}"),
        "onboarding_day90": N_("Of the onboardings begun in the last {months} months {figure} were live by day 90"),
        "onboarding_rmst": N_(
            "Onboardings begun in the last {months} months were not yet live on {figure} of their first 90 days"
        ),
    }[metric]
    said = _(text).format(months=number(_MONTHS), figure=figure)
    changed = sentences.change(row["year_change"], row["year_low"], row["year_high"], month(year_ago), unit)
    return said + _(", {change}").format(change=changed) + _(".")


def _trend(onboardings: pd.DataFrame, today: Any, min_n: int) -> pd.DataFrame:
    """Each metric at the last twelve month ends, as it was known then."""
    last = periods.last_complete_month(today)
    found = []
    for index in range(last - _MONTHS + 1, last + 1):
        at = periods.last_day(index)
        row = words.of_all(durations(recent(as_known(onboardings, as_of=today, then=at), as_of=at)))
        if row["n"] >= min_n:
            found += [
                {"metric": metric, "month": periods.month_label(index), "estimate": row[columns[0]]}
                for metric, columns in _COLUMNS.items()
            ]
    return pd.DataFrame(found, columns=["metric", "month", "estimate"])


def _findings(
    onboardings: pd.DataFrame, stuck: pd.DataFrame, today: Any, names: dict[str, str], currency: str
) -> pd.DataFrame:
    """Stuck accounts, those that left before going live, and what is open."""
    rows = []
    for _i, row in stuck.head(5).iterrows():
        who = _("; CSM {csm}").format(csm=row["csm"]) if row["csm"] else ""
        text = _("{stuck}{csm}; {mrr} of MRR.").format(
            stuck=words.stuck_words(row, names), csm=who, mrr=money_short(row["mrr"], currency)
        )
        rows.append({"kind": "stuck", "text": text, "money": float(row["mrr"]), "account_id": row["account_id"]})
    since = pd.Timestamp(periods.anniversary(today, -_MONTHS))
    gone = onboardings[(onboardings["outcome"] == "churned") & (onboardings["left"] > since)]
    if len(gone):
        gone = gone.sort_values(["mrr", "account_id"], ascending=[False, True])
        text = ngettext(
            "{accounts} left before going live since {day}, {mrr} of MRR: {names}.",
            "{accounts} left before going live since {day}, {mrr} of MRR; the largest: {names}.",
            len(gone),
        ).format(
            accounts=sentences.accounts(len(gone)),
            day=day(since),
            mrr=money_short(gone["mrr"].sum(), currency),
            names=sentences.listing([names.get(a, a) for a in gone["account_id"].head(3)]),
        )
        rows.append({"kind": "left_before_live", "text": text, "money": float(gone["mrr"].sum()), "account_id": ""})
    waiting = onboardings[onboardings["outcome"] == "open"]
    if len(waiting):
        text = ngettext(
            "{n} onboarding is open with {mrr} of MRR, {share} of it stuck.",
            "{n} onboardings are open with {mrr} of MRR, {share} of it stuck.",
            len(waiting),
        )
        total = float(waiting["mrr"].sum())
        text = text.format(
            n=number(len(waiting)),
            mrr=money_short(total, currency),
            share=percent(stuck["mrr"].sum() / total if total > 0 else 0.0),
        )
        rows.append({"kind": "open", "text": text, "money": total, "account_id": ""})
    return findings_table(rows)
