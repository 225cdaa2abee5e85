"""Revenue in words: one computed sentence per question, the headline rows and the findings.

Every function takes the tidy frame of a metric and returns text in the reader's language.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from cs_analysis.data.topic import column_name
from cs_analysis.display import sentences
from cs_analysis.display.language import _, day, money_short, month, ngettext, number, percent
from cs_analysis.errors import N_
from cs_analysis.stats import periods, ratios

MOVEMENT_LABELS = {
    "new": N_("new"),
    "reactivation": N_("reactivation"),
    "expansion": N_("expansion"),
    "contraction": N_("contraction"),
    "churn": N_("churn"),
}
KIND_LABELS = {
    "upsell": N_("upsell"),
    "cross_sell": N_("cross-sell"),
    "price_escalator": N_("price escalator"),
    "offset": N_("offset by losses of other lines"),
}
MEASURE_LABELS = {
    "nrr": N_("Net revenue retention (NRR)"),
    "grr": N_("Gross revenue retention (GRR)"),
    "logo": N_("Logo retention"),
    "grr_without_winback": N_("GRR without win-backs"),
    "logo_without_winback": N_("Logo retention without win-backs"),
}
DEFINITION_LABELS = {
    "nrr": N_("NRR, frozen cohort"),
    "grr": N_("GRR, frozen cohort"),
    "logo": N_("Logo retention"),
    "monthly_compounded": N_("Monthly NRR, compounded"),
    "flow": N_("Flow formula"),
    "gross_mrr_churn": N_("Gross MRR churn"),
    "net_mrr_churn": N_("Net MRR churn"),
    "renewal_rate": N_("Renewal rate"),
}


def why_no_interval(row: pd.Series) -> str:
    """Why a retention row has no interval, or "" when it has one."""
    if row["withheld"] == "few" and row["n"] < ratios.MIN_EFFECTIVE:
        return _("no interval: fewer than ten accounts")
    return _(ratios.WITHHELD[row["withheld"]]) if row["withheld"] else ""


def of_measure(table: pd.DataFrame, measure: str, at: str | None = None) -> pd.Series | None:
    """The row of a retention table for a measure in a month, by default the newest; None where there is none."""
    rows = table[table["measure"] == measure]
    if at is not None:
        rows = rows[rows["month"] == at]
    return None if rows.empty else rows.iloc[-1]


def estimate(row: pd.Series) -> str:
    """A retention row as "104.2 % (95 % interval 98.1–110.9 %, 212 accounts)"."""
    return sentences.estimate(row["estimate"], row["low"], row["high"], row["n"])


def say_bridge(bridge: pd.DataFrame, *, months: int = 12, currency: str = "JPY") -> str:
    """How MRR came from its level ``months`` ago to today's."""
    whole = bridge[bridge["complete"] & bridge["opening"].notna()].tail(months)
    if whole.empty:
        return _("No complete month of revenue can be followed yet.")
    first, last = whole.iloc[0], whole.iloc[-1]
    parts = [
        _("{kind} {amount}").format(kind=_(label), amount=signed(whole[kind].sum(), currency))
        for kind, label in MOVEMENT_LABELS.items()
        if whole[kind].sum() != 0
    ]
    text = _("From the start of {first} to the end of {last} MRR went from {opening} to {closing}: {parts}.")
    if not parts:
        text = _("From the start of {first} to the end of {last} MRR stayed at {closing}.")
    return text.format(
        first=month(first["month"]),
        last=month(last["month"]),
        opening=money_short(first["opening"], currency),
        closing=money_short(last["closing"], currency),
        parts=_(", ").join(parts),
    )


def signed(amount: float, currency: str) -> str:
    """An amount with its sign: "+¥2.40 million"."""
    return ("+" if amount > 0 else "") + money_short(amount, currency)


def say_retention(retention: pd.DataFrame, *, change: ratios.Ratio | None = None) -> str:
    """NRR, GRR and logo retention of the newest month, and NRR's change on the same month a year before."""
    net = of_measure(retention, "nrr")
    if net is None:
        return _("Retention cannot be told yet: no account has been followed over the whole span.")
    text = _("NRR over {span} months to {month} is {net}").format(
        span=net["span"], month=month(net["month"]), net=estimate(net)
    )
    if change is not None:
        year_ago = f"{int(net['month'][:4]) - 1}{net['month'][4:]}"
        text += _(", {change}").format(
            change=sentences.change(change.estimate, change.low, change.high, month(year_ago))
        )
    gross, logo = of_measure(retention, "grr"), of_measure(retention, "logo")
    text += _("; GRR is {gross}, logo retention {logo}.").format(
        gross=sentences.estimate(gross["estimate"], gross["low"], gross["high"]),  # type: ignore[index]
        logo=sentences.estimate(logo["estimate"], logo["low"], logo["high"]),  # type: ignore[index]
    )
    why = why_no_interval(net)
    return text + (" " + _("{why}.").format(why=why[:1].upper() + why[1:]) if why else "")


def say_definitions(table: pd.DataFrame) -> str:
    """How far apart the figures are that go by the name of retention."""
    found = table.set_index("definition")["estimate"]
    names = [n for n in ("nrr", "monthly_compounded", "flow", "renewal_rate") if found.notna().get(n, False)]
    if "nrr" not in names:
        return _("Retention cannot be told yet: no account has been followed over the whole span.")
    others = [
        _("{name} {value}").format(name=_(DEFINITION_LABELS[n]), value=percent(found[n])) for n in names if n != "nrr"
    ]
    if not others:
        return _("NRR is {nrr}; no other definition can be computed.").format(nrr=percent(found["nrr"]))
    text = _("NRR is {nrr}; the same lines give, by other definitions: {others}.")
    return text.format(nrr=percent(found["nrr"]), others=_(", ").join(others))


def say_cohorts(average: pd.DataFrame, *, age: int = 12) -> str:
    """What all cohorts together are worth at an age."""
    net = average[(average["measure"] == "nrr") & (average["age"] <= age) & (average["age"] > 0)]
    if net.empty:
        return _("No cohort can be followed yet: each needs at least two complete months.")
    row = net.iloc[-1]
    text = ngettext(
        "Chained from month to month, all cohorts stand at {value} of their first MRR after {age} month; the "
        "{accounts} that reached it, in {cohorts} cohorts, stand at {mean}.",
        "Chained from month to month, all cohorts stand at {value} of their first MRR after {age} months; the "
        "{accounts} that reached it, in {cohorts} cohorts, stand at {mean}.",
        int(row["age"]),
    )
    return text.format(
        value=percent(row["estimate"]),
        age=number(row["age"]),
        accounts=sentences.accounts(row["accounts"]),
        cohorts=number(row["cohorts"]),
        mean=percent(row["weighted_mean"]),
    )


def say_fixed_age(table: pd.DataFrame) -> str:
    """Whether the newest cohort of an age differs from the one four cohorts before it."""
    if table.empty:
        return _("No cohort has reached this age yet.")
    new = table.iloc[-1]
    text = _("The newest cohort that is {age} months old, {cohort}, stands at {value}").format(
        age=number(new["age"]),
        cohort=new["cohort"],
        value=estimate(new),
    )
    if len(table) < 5:
        return text + _(".")
    old = table.iloc[-5]
    return text + _("; {cohort}, four cohorts earlier, stood at {value}.").format(
        cohort=old["cohort"], value=estimate(old)
    )


def projected_at(table: pd.DataFrame, age: int = 12) -> pd.DataFrame:
    """One projected row per open cohort: at ``age``, or at its next whole multiple for cohorts that are older."""
    yearly = table[(table["age"] % age == 0)]
    return yearly.groupby("cohort", sort=True).head(1).sort_values("cohort", kind="stable", ignore_index=True)


def say_projection(table: pd.DataFrame, backtest: pd.DataFrame, calendar: Any | None) -> str:
    """Where the newest open cohort of some size is heading, and how the same projection did before."""
    if table.empty:
        return _("No projection: it takes three cohorts and thirty accounts at every age on the way.")
    reached = projected_at(table)
    open_cohorts = reached if len(reached) else table.groupby("cohort").tail(1)
    many = open_cohorts[open_cohorts["accounts"] >= ratios.MIN_EFFECTIVE]
    at: Any = many.iloc[-1] if len(many) else open_cohorts.loc[open_cohorts["accounts"].idxmax()]
    text = _("Cohort {cohort} is heading for {value} of its first MRR at {age} months, at constant prices.").format(
        cohort=at["cohort"],
        value=sentences.estimate(at["estimate"], at["low"], at["high"], at["accounts"]),
        age=number(at["age"]),
    )
    if backtest["inside"].notna().any():
        hit = backtest["inside"].dropna()
        text += " " + _("Projected with the newest months hidden, {hits} of {total} cells lay within their intervals.")
        text = text.format(hits=number(hit.sum()), total=number(len(hit)))
    if calendar is not None and sentences.known(calendar.p):
        clear = calendar.p < 0.05
        words = (
            _("Mack's test finds months that moved all cohorts at once ({p}); no projection by age foresees them.")
            if clear
            else _("Mack's test finds no month that moved all cohorts at once ({p}).")
        )
        text += " " + words.format(p=sentences.p_value(calendar.p))
    return text


def say_expansion(split: pd.DataFrame, rates: pd.DataFrame, *, currency: str = "JPY") -> str:
    """Which kind brought the expansion of the last twelve months, and how many accounts bought."""
    if split.empty or not len(rates):
        return _("No account expanded.")
    rates = rates[rates["estimate"].notna()]
    amounts = rates.set_index("kind")["amount"]
    biggest = str(amounts.idxmax())
    row: Any = rates.set_index("kind").loc[biggest]
    if row["accounts"] == 0:
        return _("None of the accounts of a year ago expanded.")
    text = _("Of the accounts of a year ago {value} had {kind}, the largest part of their expansion ({amount} of MRR).")
    others = [
        _("{kind} {value}").format(
            kind=_(KIND_LABELS[str(kind)]), value=sentences.estimate(r["estimate"], r["low"], r["high"])
        )
        for kind, r in rates.set_index("kind").iterrows()
        if kind != biggest and r["accounts"] > 0
    ]
    said = text.format(
        value=estimate(row),
        kind=_(KIND_LABELS[str(biggest)]),
        amount=money_short(row["amount"], currency),
    )
    return said + (" " + _("The others: {parts}.").format(parts=_(", ").join(others)) if others else "")


def say_concentration(table: pd.DataFrame, retention: pd.DataFrame) -> str:
    """How much NRR hangs on the largest accounts."""
    net = of_measure(retention, "nrr")
    if net is None or table.empty:
        return _("There is no frozen cohort yet from which an account could be left out.")
    without = table["nrr_without"].dropna()
    if without.empty:
        return _("There is only one account; NRR is that account's.")
    text = _(
        "The {count} largest accounts hold {share} of the opening MRR; leaving out one of them at a time, NRR of {nrr} "
        "becomes {low} to {high}."
    )
    return text.format(
        count=number(len(table)),
        share=percent(table["share"].sum()),
        nrr=percent(net["estimate"]),
        low=percent(without.min()),
        high=percent(without.max()),
    )


def say_ending(ending: pd.DataFrame, nrr_if_none: float, *, as_of: Any, currency: str = "JPY") -> str:
    """The contracts that end on the as-of date itself, whose renewal cannot be seen yet."""
    on = day(periods.day(as_of))
    tonight = ending[~ending["notice"]]
    if tonight.empty:
        return _("No contract ends on {day} itself without a successor.").format(day=on)
    text = ngettext(
        "{n} account with {mrr} of MRR has a contract that ends on {day}; a renewal would be dated the day after and "
        "cannot be seen. If it is not renewed, NRR is {nrr}.",
        "{n} accounts with {mrr} of MRR have contracts that end on {day}; renewals would be dated the day after and "
        "cannot be seen. If none is renewed, NRR is {nrr}.",
        len(tonight),
    )
    return text.format(
        n=number(len(tonight)),
        mrr=money_short(tonight["mrr"].sum(), currency),
        day=on,
        nrr=percent(nrr_if_none),
    )


def say_groups(retention: pd.DataFrame, *, by: str, measure: str = "nrr") -> str:
    """The highest and the lowest group of the newest month, with their intervals."""
    newest = retention[(retention["measure"] == measure) & (retention["month"] == retention["month"].max())]
    if len(newest) < 2:
        text = _("There is nothing to compare by {column}: all accounts are in one group.")
        return text.format(column=column_name(by))
    top, low = newest.loc[newest["estimate"].idxmax()], newest.loc[newest["estimate"].idxmin()]
    if not sentences.known(top["low"], low["high"]):
        text = _("By {column}, NRR runs from {low_value}, {low}, to {top_value}, {top}; too few accounts to compare.")
    elif top["low"] > low["high"]:
        text = _(
            "By {column}, {top} has the highest NRR, {top_value}, and {low} the lowest, {low_value}; clearly apart."
        )
    else:
        text = _("By {column}, NRR runs from {low_value}, {low}, to {top_value}, {top}; their intervals overlap.")
    return text.format(
        column=column_name(by), top=top[by], low=low[by], top_value=estimate(top), low_value=estimate(low)
    )


def say_movements(bridge: pd.DataFrame, *, currency: str = "JPY") -> str:
    """The last complete month in words, beside its share of the opening MRR."""
    whole = bridge[bridge["complete"] & bridge["opening"].notna()]
    if whole.empty:
        return _("No complete month of revenue can be followed yet.")
    row = whole.iloc[-1]
    lost = row["churn"] + row["contraction"]
    won = row["new"] + row["reactivation"] + row["expansion"]
    text = _("In {month} MRR won was {won} and lost {lost}, {share} of the opening.")
    share = percent(-lost / row["opening"]) if row["opening"] > 0 else percent(None)
    return text.format(month=month(row["month"]), won=signed(won, currency), lost=signed(lost, currency), share=share)
