"""The revenue topic in short: headline figures with last month and last year beside them, findings, trend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cs_analysis.data import topic
from cs_analysis.data.topic import HEADLINE, Summary, counted_row, findings_table, headline_row, records
from cs_analysis.display import sentences
from cs_analysis.display.language import _, day, money_short, month, ngettext, percent
from cs_analysis.errors import N_
from cs_analysis.stats import periods, ratios
from cs_analysis.topics.revenue import words
from cs_analysis.topics.revenue.alerts import ending, nrr_if_none_renews
from cs_analysis.topics.revenue.changes import changes, pairs
from cs_analysis.topics.revenue.movements import bridge, movers
from cs_analysis.topics.revenue.retention import concentration, difference, retention

_LABELS = {
    "mrr": N_("MRR"),
    "nrr": N_("NRR, 12 months"),
    "grr": N_("GRR, 12 months"),
    "logo_retention": N_("Logo retention, 12 months"),
}
_MEASURES = {"nrr": "nrr", "grr": "grr", "logo_retention": "logo"}


def summary(
    contracts: Any,
    *,
    as_of: Any,
    compare_to: Any | None = None,
    accounts: pd.DataFrame | None = None,
    currency: str = "JPY",
    observed_from: Any | None = None,
) -> Summary:
    """Headline figures (MRR, NRR, GRR, logo retention over 12 months), findings by money, and their months.

    Parameters
    ----------
    contracts
        Contract lines: account_id, start, stop (half-open), mrr.
    as_of
        Last day whose facts count.
    compare_to
        The month end beside which the figures stand; by default the one before the last complete month.
    accounts
        account_id and account_name, to call accounts by name.
    currency
        Of the amounts.
    observed_from
        First day from which departures were recorded.

    Returns
    -------
    sentences; headline (one row per metric); findings (one row per finding, most money first); trend (metric × month).
    """
    last = periods.last_complete_month(as_of)
    then = periods.month_index(compare_to) if compare_to else last - 1
    earlier = {"previous": periods.month_label(min(then, last - 1)), "year": periods.month_label(last - 12)}
    kept = retention(contracts, as_of=as_of, observed_from=observed_from)
    flow = bridge(contracts, as_of=as_of, observed_from=observed_from)
    rows = []
    for metric, measure in _MEASURES.items():
        changed = {
            name: difference(contracts, measure, as_of=as_of, earlier=at)
            if words.of_measure(kept, measure, at) is not None
            else None
            for name, at in earlier.items()
        }
        rows.append(_retention_row(kept, metric, measure, changed, earlier))
    rows.append(_mrr_row(flow, _active(contracts, as_of, last), earlier, currency))
    headline = pd.DataFrame(rows, columns=list(HEADLINE))
    names = topic.account_names(accounts)
    findings = _findings(contracts, as_of, kept, names, currency, observed_from)
    months = {"mrr": flow[flow["complete"] & flow["closing"].notna()].rename(columns={"closing": "estimate"})}
    enough = kept[kept["n"] >= ratios.MIN_EFFECTIVE]  # a line that begins with four accounts tells of those four
    months |= {metric: enough[enough["measure"] == measure] for metric, measure in _MEASURES.items()}
    tables = [part.assign(metric=metric) for metric, part in months.items() if len(part)]
    trend = pd.concat(tables or [pd.DataFrame(columns=["metric", "month", "estimate"])], ignore_index=True)
    trend = trend[["metric", "month", "estimate"]]
    said = [rows[0]["sentence"], words.say_bridge(flow, currency=currency)]
    said += list(findings["text"].head(2))
    return Summary([s for s in said if s], headline, findings, trend)


def _active(contracts: Any, as_of: Any, last: int) -> int:
    return len(pairs(changes(contracts, as_of=as_of), last, last))


def _mrr_row(flow: pd.DataFrame, active: int, earlier: dict[str, str], currency: str) -> dict[str, Any]:
    at = flow[flow["complete"]].set_index("month")["closing"]
    values = {"now": float(at.iloc[-1]) if len(at) else np.nan}
    values |= {name: float(at.get(m, np.nan)) for name, m in earlier.items()}
    row = counted_row("mrr", _(_LABELS["mrr"]), "money", values, active)
    return row | {"sentence": words.say_bridge(flow, currency=currency)}


def _retention_row(
    kept: pd.DataFrame, metric: str, measure: str, changed: dict[str, Any], earlier: dict[str, str]
) -> dict[str, Any]:
    row = headline_row(metric, _(_LABELS[metric]), "rate")
    now = words.of_measure(kept, measure)
    if now is None:
        row["note"] = _("no account has been followed for twelve months yet")
        return row
    row |= {"value": now["estimate"], "low": now["low"], "high": now["high"], "n": now["n"]}
    row["note"] = words.why_no_interval(now)
    for name, column in (("previous", "previous"), ("year", "year_ago")):
        then, change = words.of_measure(kept, measure, earlier[name]), changed[name]
        if then is None or change is None:
            continue
        row[column] = then["estimate"]
        row |= {f"{name}_change": change.estimate, f"{name}_low": change.low, f"{name}_high": change.high}
    if measure == "nrr":
        row["sentence"] = words.say_retention(kept, change=changed["year"])
    else:
        text = _("{label} is {value}.")
        row["sentence"] = text.format(label=_(words.MEASURE_LABELS[measure]), value=words.estimate(now))
    return row


def _findings(
    contracts: Any, as_of: Any, kept: pd.DataFrame, names: dict[str, str], currency: str, observed_from: Any | None
) -> pd.DataFrame:
    """What to look at, most money first: accounts lost or shrunk last month, leaving, ending, and the largest."""
    rows = _lost(contracts, as_of, names, currency, observed_from)
    rows += _leaving(contracts, as_of, names, currency, observed_from)
    rows += _dependence(contracts, as_of, kept, names)
    return findings_table(rows)


def _lost(
    contracts: Any, as_of: Any, names: dict[str, str], currency: str, observed_from: Any | None
) -> list[dict[str, Any]]:
    """The last month's churn in one finding, for nobody can be called back; large contractions in their own."""
    table = movers(contracts, as_of=as_of, months=1, largest=10_000, observed_from=observed_from)
    gone, smaller = table[table["movement"] == "churn"], table[table["movement"] == "contraction"]
    rows = [
        {
            "kind": "contraction",
            "text": _("{account} shrank in {month} by {amount} of MRR.").format(
                account=names.get(row.account_id, row.account_id),
                month=month(row.month),
                amount=money_short(-row.amount, currency),
            ),
            "money": -row.amount,
            "account_id": row.account_id,
        }
        for row in records(smaller.head(5))
    ]
    if len(gone):
        text = ngettext(
            "{accounts} was lost in {month}, {amount} of MRR: {names}.",
            "{accounts} were lost in {month}, {amount} of MRR; the largest: {names}.",
            len(gone),
        )
        lost = -float(gone["amount"].sum())
        text = text.format(
            accounts=sentences.accounts(len(gone)),
            month=month(gone["month"].iloc[0]),
            amount=money_short(lost, currency),
            names=sentences.listing([names.get(a, a) for a in gone["account_id"].head(3)]),
        )
        rows.append({"kind": "churn", "text": text, "money": lost, "account_id": ""})
    return rows


def _leaving(
    contracts: Any, as_of: Any, names: dict[str, str], currency: str, observed_from: Any | None
) -> list[dict[str, Any]]:
    table = ending(contracts, as_of=as_of)
    texts = {
        (True, True): N_("{account} has given notice and leaves on {day}: {amount} of MRR."),
        (True, False): N_("{account} has given notice; no last day is recorded: {amount} of MRR."),
        (False, True): N_("{account} has given notice for part of its contracts, until {day}: {amount} of MRR."),
        (False, False): N_(
            "{account} has given notice for part of its contracts; no last day is recorded: {amount} of MRR."
        ),
    }
    rows = [
        {
            "kind": "leaving",
            "text": _(texts[bool(row.whole), pd.notna(row.leaves)]).format(
                account=names.get(row.account_id, row.account_id),
                day=day(row.leaves),
                amount=money_short(row.mrr, currency),
            ),
            "money": row.mrr,
            "account_id": row.account_id,
        }
        for row in records(table[table["notice"]].nlargest(5, "mrr"))
    ]
    tonight = table[~table["notice"]]
    if len(tonight):
        if_none = nrr_if_none_renews(contracts, as_of=as_of, observed_from=observed_from)
        text = words.say_ending(table, if_none, as_of=as_of, currency=currency)
        rows.append({"kind": "ending", "text": text, "money": tonight["mrr"].sum(), "account_id": ""})
    return rows


def _dependence(contracts: Any, as_of: Any, kept: pd.DataFrame, names: dict[str, str]) -> list[dict[str, Any]]:
    """The largest account, when it holds a tenth of the opening MRR or moves NRR by more than two points."""
    net, table = words.of_measure(kept, "nrr"), concentration(contracts, as_of=as_of, largest=1)
    if net is None or table.empty or not np.isfinite(table["nrr_without"].iloc[0]):
        return []
    top = table.iloc[0]
    if top["share"] < 0.10 and abs(top["nrr_without"] - net["estimate"]) < 0.02:
        return []
    text = _("{account} holds {share} of the opening MRR; without it NRR is {without} instead of {nrr}.").format(
        account=names.get(top["account_id"], top["account_id"]),
        share=percent(top["share"]),
        without=percent(top["nrr_without"]),
        nrr=percent(net["estimate"]),
    )
    money = float(top["share"] * net["opening_mrr"])
    return [{"kind": "concentration", "text": text, "money": money, "account_id": top["account_id"]}]
