"""Time per account in short: headline figures beside the month and the year before, findings, trend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats as distributions

from cs_analysis.data import topic
from cs_analysis.data.settings import Settings
from cs_analysis.data.topic import HEADLINE, Summary, counted_row, findings_table, headline_row, records
from cs_analysis.display import sentences
from cs_analysis.display.language import _, money_short, month, ngettext, number, percent
from cs_analysis.errors import N_
from cs_analysis.stats import periods
from cs_analysis.stats.lives import lives
from cs_analysis.topics.effort import words
from cs_analysis.topics.effort.cost import cost_to_serve, losing, quadrants
from cs_analysis.topics.effort.coverage import covered, team_coverage
from cs_analysis.topics.effort.hours import window
from cs_analysis.topics.effort.life import MIN_N, account_months, log_bounds

_LABELS = {
    "hours_per_account": N_("Hours per account and month"),
    "cost_to_serve_rate": N_("Cost to serve ÷ revenue"),
    "margin_after_cs": N_("Margin after CS, 12 months"),
    "logging_coverage": N_("Logged ÷ available hours"),
}
SPAN = 12


def summary(
    priced: pd.DataFrame,
    contracts: Any,
    *,
    as_of: Any,
    coverage: pd.DataFrame,
    settings: Settings,
    compare_to: Any | None = None,
    accounts: pd.DataFrame | None = None,
) -> Summary:
    """Headline figures over the last 12 complete months, findings by money, and the months behind the figures.

    Parameters
    ----------
    priced
        Hours with their cost, of :func:`priced`.
    contracts
        Contract lines: account_id, start, stop, mrr.
    as_of
        Last day whose facts count.
    coverage
        What :func:`logging_coverage` found.
    settings
        The client file: gross margin, currency, least coverage.
    compare_to
        The month end beside which the figures stand; by default the one before the last complete month.
    accounts
        account_id and account_name, to call accounts by name.

    Returns
    -------
    sentences; headline (hours_per_account, cost_to_serve_rate, margin_after_cs, logging_coverage); findings; trend.
    """
    last = periods.last_complete_month(as_of)
    then = min(periods.month_index(compare_to), last - 1) if compare_to else last - 1
    margin, currency = settings.money.gross_margin, settings.client.currency
    ends = {"now": last, "previous": then, "year": last - SPAN}
    books = {name: _book(priced, contracts, periods.last_day(end), margin) for name, end in ends.items()}
    spans = {name: len(_span(priced, end)) for name, end in ends.items()}
    at = {name: books[name].set_index("account_id") for name in books}
    year = month(periods.month_label(last - SPAN))
    labels = {metric: _(text) for metric, text in _LABELS.items()}
    # a sum over other months is not a figure before
    margins = {n: _total(b["margin"]) if spans[n] == spans["now"] else np.nan for n, b in books.items()}
    logged = {n: _covered(coverage, end) for n, end in ends.items()}
    csms = int(coverage["csm"].nunique())
    rows = [
        _ratio("hours_per_account", "hours", at, "hours", "exposure", year),
        _ratio("cost_to_serve_rate", "rate", at, "cost", "revenue", year),
        counted_row("margin_after_cs", labels["margin_after_cs"], "money", margins, len(books["now"])),
        counted_row("logging_coverage", labels["logging_coverage"], "rate", logged, csms),
    ]
    cost = cost_to_serve(priced, contracts, as_of=as_of, gross_margin=margin)
    if 0 < spans["now"] < SPAN:
        note = ngettext("over the {n} month of the log", "over the {n} months of the log", spans["now"])
        rows[2]["note"] = note.format(n=spans["now"])
    rows[2]["sentence"] = words.say_losing(cost, accounts=accounts, currency=currency)
    findings = findings_table(_findings(cost, coverage, topic.account_names(accounts), settings, spans["now"]))
    said = [rows[0]["sentence"], words.say_cost(cost, currency=currency), rows[2]["sentence"]]
    headline = pd.DataFrame(rows, columns=list(HEADLINE))
    return Summary([s for s in said if s], headline, findings, _trend(priced, contracts, as_of))


def _book(priced: pd.DataFrame, contracts: Any, day: Any, gross_margin: float) -> pd.DataFrame:
    """Per account the hours, cost, revenue, margin and months of life of the 12 months to a day, as known then."""
    span = _span(priced, periods.month_index(day))
    known = priced[priced["month"] <= periods.month_label(periods.month_index(day))]
    columns = ["account_id", "hours", "cost", "revenue", "margin", "exposure"]
    if not span:
        return pd.DataFrame({c: pd.Series(dtype=object if c == "account_id" else float) for c in columns})
    cost = cost_to_serve(known, contracts, as_of=day, gross_margin=gross_margin, months=SPAN)
    months = account_months(known, lives(contracts, as_of=day, which="all"), as_of=day)
    inside = months[months["month"].isin(span)].groupby("account_id")["exposure"].sum()
    cost = cost[cost["account_id"] != ""].set_index("account_id")
    table = cost[["hours", "cost", "revenue", "margin"]].join(inside.astype(float), how="outer")
    table[["hours", "revenue", "exposure"]] = table[["hours", "revenue", "exposure"]].fillna(0.0)
    idle = (table["hours"] == 0) & (table["revenue"] == 0)  # with us for part of a month, without revenue or hours
    table.loc[idle, ["cost", "margin"]] = 0.0
    return table.reset_index()[columns]


def _span(priced: pd.DataFrame, end: int) -> list[str]:
    """The months that stand behind the figures of a month."""
    return window(priced[priced["month"] <= periods.month_label(end)], periods.last_day(end), SPAN)


def _ratio(metric: str, unit: str, at: dict[str, pd.DataFrame], over: str, under: str, year: str) -> dict[str, Any]:
    """Σ over ÷ Σ under now and then, and the differences with accounts paired (linearised, t)."""
    found, pull = {}, {}
    for name, book in at.items():
        a, b = book[over].astype(float), book[under].astype(float)
        total = b.sum()
        ok = total > 0 and a.notna().any()
        found[name] = float(a.sum() / total) if ok else np.nan
        pull[name] = (a.fillna(0.0) - found[name] * b) / total if ok else pd.Series(dtype=float)
    n = int((at["now"][under] > 0).sum()) if len(at["now"]) else 0
    row = headline_row(metric, _(_LABELS[metric]), unit, value=found["now"], n=n)
    row |= {"previous": found["previous"], "year_ago": found["year"]}
    if n >= MIN_N and found["now"] > 0:
        row["low"], row["high"] = log_bounds(found["now"], _se(pull["now"]), n - 1)
    elif found["now"] == found["now"]:
        row["note"] = _("no interval: fewer than ten accounts")
    for name in ("previous", "year"):
        if not sentences.known(found["now"], found[name]):
            continue
        apart = found["now"] - found[name]
        row[f"{name}_change"] = apart
        if n >= MIN_N:
            paired = pull["now"].sub(pull[name], fill_value=0.0)
            reach = float(distributions.t.ppf(0.975, len(paired) - 1)) * _se(paired)
            row |= {f"{name}_low": apart - reach, f"{name}_high": apart + reach}
    row["sentence"] = _said(row, unit, year)
    return row


def _said(row: dict[str, Any], unit: str, year: str) -> str:
    if not sentences.known(row["value"]):
        return ""
    value = sentences.estimate(row["value"], row["low"], row["high"], row["n"], unit)
    changed = sentences.change(row["year_change"], row["year_low"], row["year_high"], year, unit)
    text = _("{label}: {value}, {change}.")
    if row["metric"] == "hours_per_account":
        text = _("An account takes {value} a month, {change}.")
    return text.format(label=row["label"], value=value, change=changed)


def _se(pull: pd.Series) -> float:
    n = len(pull)
    return float(np.sqrt(n / (n - 1) * (pull**2).sum())) if n > 1 else float("nan")


def _total(values: pd.Series) -> float:
    return float(values.sum()) if len(values) and values.notna().all() else float("nan")


def _covered(coverage: pd.DataFrame, end: int) -> float:
    day = pd.Timestamp(periods.last_day(end))
    return team_coverage(coverage[(coverage["week"] <= day) & (coverage["week"] > day - pd.Timedelta(weeks=52))])


def _findings(
    cost: pd.DataFrame, coverage: pd.DataFrame, names: dict[str, str], settings: Settings, span: int
) -> list[dict[str, Any]]:
    """Accounts that cost more than they bring, those that take much and pay little, and thin logs."""
    currency, low = settings.client.currency, losing(cost)
    text = N_("{account} cost {cost} to serve and brought {margin} of gross margin in the last months.")
    rows = [
        {
            "kind": "losing",
            "text": _(text).format(
                account=names.get(r.account_id, r.account_id), cost=money_short(r.cost, currency),
                margin=money_short(r.margin + r.cost, currency),
            ),
            "money": -float(r.margin),
            "account_id": r.account_id,
        }
        for r in records(low.head(5))
    ]  # fmt: skip
    quadrant = quadrants(cost)
    much = quadrant[quadrant["quadrant"] == "much_time_little_revenue"]["account_id"]
    spent = cost.set_index("account_id")["cost"].reindex(much)
    above = quadrant.set_index("account_id").reindex(much)
    above = float((spent * (1 - above["hours_median"] / above["hours"])).sum())  # of that, what the middle one spares
    if len(much) and above > 0:
        said = ngettext(
            "{n} takes more hours than the middle account and pays less: {names}. It costs {cost} to serve over "
            "{span}, {above} of it beyond the hours of the middle account.",
            "{n} take more hours than the middle account and pay less: {names}. They cost {cost} to serve over "
            "{span}, {above} of it beyond the hours of the middle account.",
            len(much),
        )
        said = said.format(
            n=sentences.accounts(len(much)), cost=money_short(spent.sum(), currency),
            above=money_short(above, currency),
            span=ngettext("{n} month", "{n} months", span).format(n=number(span)),
            names=sentences.listing([names.get(a, a) for a in much], most=3),
        )  # fmt: skip
        rows.append({"kind": "much_time", "text": said, "money": above, "account_id": ""})
    thin = covered(coverage, last_weeks=52)
    thin = thin[thin < settings.rules.min_coverage]
    if len(thin):
        said = _("{names} logged less than {least} of the available hours of the last year.").format(
            names=sentences.listing(thin.index), least=percent(settings.rules.min_coverage, 0)
        )
        rows.append({"kind": "coverage", "text": said, "money": 0.0, "account_id": ""})
    return rows


def _trend(priced: pd.DataFrame, contracts: Any, as_of: Any) -> pd.DataFrame:
    """Hours per account and month over the 12 months to each month end."""
    months = account_months(priced, lives(contracts, as_of=as_of, which="all"), as_of=as_of)
    complete = window(priced, as_of, 10_000)
    sums = months.groupby("month")[["hours", "exposure"]].sum().astype(float).reindex(complete).fillna(0.0)
    year = sums.rolling(SPAN).sum().dropna()
    year = year[year["exposure"] > 0]
    table = pd.DataFrame({"month": year.index, "estimate": (year["hours"] / year["exposure"]).to_numpy()})
    return table.assign(metric="hours_per_account")[["metric", "month", "estimate"]]
