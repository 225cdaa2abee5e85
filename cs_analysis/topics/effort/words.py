"""Time per account in words: one computed sentence per question.

Every function takes the tidy frame of a metric and returns text in the reader's language.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from cs_analysis.data import topic
from cs_analysis.display import sentences
from cs_analysis.display.language import _, day, money_short, month, ngettext, number, percent
from cs_analysis.errors import N_
from cs_analysis.topics.effort.capacity import Team
from cs_analysis.topics.effort.coverage import HEAPED, team_coverage
from cs_analysis.topics.effort.hours import window

PART_LABELS = {
    "customers": N_("customers"),
    "internal": N_("internal time"),
    "set_aside": N_("accounts that are not known"),
    "missing": N_("unaccounted for"),
    "total": N_("all entries"),
}
QUADRANT_LABELS = {
    "much_time_little_revenue": N_("much time, little revenue"),
    "much_time_much_revenue": N_("much time, much revenue"),
    "little_time_much_revenue": N_("little time, much revenue"),
    "little_time_little_revenue": N_("little time, little revenue"),
}
LEVER_LABELS = {
    "now": N_("as it is"),
    "task": N_("{task} {amount} shorter"),
    "onboarding": N_("onboarding {amount} shorter"),
    "accounts": N_("{amount} more"),
    "together": N_("all three together"),
}
NO_HOURS = N_("No hours were logged.")
NO_RATE = N_(
    "Nobody gave the cost of an hour, so the cost to serve cannot be told; put hourly_cost into csms or into the "
    "client file."
)


def given(value: object) -> str:
    """A phase or task as it was typed, "(not given)" where it was not."""
    return str(value) if value else _("(not given)")


def lever_names(needs: pd.DataFrame) -> list[str]:
    """The levers of a what-if in words, the task by its name."""

    def amount(lever: str, by: float) -> str:
        if lever == "accounts":
            return sentences.accounts(by)
        if lever == "onboarding":
            return ngettext("{n} week", "{n} weeks", 1 if by == 1 else 2).format(n=sentences.bare(by, "days"))
        return percent(by, 0)

    return [
        _(LEVER_LABELS[r.lever]).format(task=given(r.task), amount=amount(str(r.lever), float(r.by)))
        for r in topic.records(needs)
    ]


def spent(hours: float) -> str:
    """Hours in words, without decimals where there are many.

    >>> spent(7410.25), spent(2.5)
    ('7,410 hours', '2.5 hours')
    """
    if abs(hours) < 100:
        return sentences.figure(hours, "hours")
    return ngettext("{n} hour", "{n} hours", 2).format(n=number(hours))


def say_balance(balance: pd.DataFrame, set_aside: pd.DataFrame, *, ends: tuple[Any, Any] = (None, None)) -> str:
    """Where every hour went, and which were set aside."""
    at: Any = balance.set_index("part").T.to_dict()
    if not at["total"]["hours"] > 0:
        return _(NO_HOURS)
    text = _("{hours} were logged from {first} to {last}: {customers} for customers, {internal} internal.")
    if ends[0] is None:
        text = _("{hours} were logged: {customers} for customers, {internal} internal.")
    said = text.format(
        hours=spent(at["total"]["hours"]),
        first=day(ends[0]) if ends[0] else "",
        last=day(ends[1]) if ends[1] else "",
        customers=percent(at["customers"]["share"]),
        internal=percent(at["internal"]["share"]),
    )
    return said + " " + say_set_aside(set_aside)


def say_set_aside(table: pd.DataFrame) -> str:
    """The hours of accounts that are not known, with the nearest known ones."""
    if table.empty:
        return _("Every hour belongs to a known account or to internal time.")
    names = [
        _("{account} (nearest: {near})").format(account=r.account_id, near=r.nearest) if r.nearest else r.account_id
        for r in topic.records(table)
    ]
    text = ngettext(
        "{hours} more are booked to {n} account that is not known and stand in no other figure: {names}.",
        "{hours} more are booked to {n} accounts that are not known and stand in no other figure: {names}.",
        len(table),
    )
    return text.format(
        hours=spent(table["hours"].sum()),
        n=number(len(table)),
        names=sentences.listing(names, most=3),
    )


def say_coverage(coverage: pd.DataFrame, checks: pd.DataFrame) -> str:
    """How much of the available time is written down, and by whom least."""
    if checks.empty:
        return _(NO_HOURS)
    empty, weeks = int(checks["empty_weeks"].sum()), int(checks["weeks"].sum())
    silent = _("without any entry: {empty} of {weeks} weeks of CSMs.")
    if not empty:
        silent = _("none of {weeks} weeks of CSMs is without an entry.")
    silent = silent.format(empty=number(empty), weeks=number(weeks))
    known = checks[checks["coverage"].notna()]
    if known.empty:
        text = _("Nobody gave available hours, so it cannot be told which share of the time is logged; {silent}")
        return text.format(silent=silent)
    lowest: Any = known.loc[known["coverage"].idxmin()]
    text = _("{share} of the available hours are logged")
    if len(known) > 1:
        text = _("{share} of the available hours are logged, least by {csm} ({lowest})")
    said = text.format(share=percent(team_coverage(coverage)), csm=lowest["csm"], lowest=percent(lowest["coverage"]))
    return _("{said}; {silent}").format(said=said, silent=silent)


def say_checks(checks: pd.DataFrame) -> str:
    """What looks wrong in the logs: impossible days, doubled entries, round hours."""
    over, twice, hours = (checks[c].sum() for c in ("days_over_24", "doubled", "doubled_hours"))
    parts = []
    if over:
        parts.append(
            ngettext("{n} day holds more than 24 hours", "{n} days hold more than 24 hours", int(over)).format(
                n=number(over)
            )
        )
    if twice:
        text = ngettext("{n} entry repeats another ({hours})", "{n} entries repeat others ({hours})", int(twice))
        parts.append(text.format(n=number(twice), hours=spent(hours)))
    round_ones = checks[checks["whole_hours"] >= HEAPED]["csm"].tolist()
    if round_ones:
        text = _("the entries of {names} are nearly all whole hours: estimates rather than a log")
        parts.append(text.format(names=sentences.listing(round_ones)))
    if not parts:
        return _("No day holds more than 24 hours, no entry stands twice, and nobody logs in whole hours only.")
    text = _("To be looked at, and counted as they stand: {parts}.")
    return text.format(parts=_("; ").join(parts))


def say_warning(checks: pd.DataFrame, *, min_coverage: float = 0.6) -> str:
    """The caution every comparison of hours carries when logs are thin or their coverage unknown; else ""."""
    if checks.empty:
        return ""
    thin = checks[checks["thin"]]
    if len(thin):
        text = _(
            "Caution: {names} logged less than {least} of the available hours; what is compared here are logs, and "
            "theirs are thin."
        )
        named = [
            _("{value} ({details})").format(value=r.csm, details=percent(r.coverage)) for r in topic.records(thin)
        ]  # fmt: skip
        return text.format(names=sentences.listing(named), least=percent(min_coverage, 0))
    if checks["coverage"].isna().all():
        return _("Caution: it is not known which share of the time is logged; what is compared here are logs.")
    return ""


def say_hours(hours: pd.DataFrame, *, as_of: Any, months: int = 12) -> str:
    """Which tasks take most of the customers' time in the last months."""
    span = window(hours, as_of, months)
    recent = hours[hours["month"].isin(span) & (hours["account_id"] != "")]
    if not recent["hours"].sum() > 0:
        return _("No hours for customers were logged in the last complete months.")
    by_task = recent.groupby("task")["hours"].sum().sort_values(ascending=False, kind="stable")
    text = ngettext(
        "In {n} month to {last} customers took {hours}, most of it for {tasks}.",
        "In the {n} months to {last} customers took {hours}, most of it for {tasks}.",
        len(span),
    )
    named = [
        _("{kind} {value}").format(kind=given(t), value=percent(v / by_task.sum())) for t, v in by_task.head(3).items()
    ]
    return text.format(
        n=number(len(span)), last=month(span[-1]), hours=spent(by_task.sum()),
        tasks=sentences.listing(named),
    )  # fmt: skip


def say_cost(cost: pd.DataFrame, *, currency: str = "JPY") -> str:
    """Cost to serve of all accounts beside their revenue."""
    rows = cost[cost["account_id"] != ""]
    if rows.empty:
        return _(NO_HOURS)
    if rows["cost"].isna().all():
        return _(NO_RATE)
    revenue, paid, internal = rows["revenue"].sum(), rows["cost"].sum(), cost.loc[cost["account_id"] == "", "cost"]
    if revenue > 0:
        text = _(
            "Serving {accounts} cost {cost}, {share} of their revenue of {revenue}; internal time cost {internal}."
        )
    else:
        text = _("Serving {accounts} cost {cost}, with no revenue in these months; internal time cost {internal}.")
    return text.format(
        accounts=sentences.accounts(len(rows)), cost=money_short(paid, currency),
        share=percent(paid / revenue if revenue > 0 else None), revenue=money_short(revenue, currency),
        internal=money_short(internal.sum(), currency),
    )  # fmt: skip


def say_concentration(table: pd.DataFrame) -> str:
    """What the tenth of the accounts with most hours takes and brings."""
    if table.empty or not table["hours"].sum() > 0:
        return _(NO_HOURS)
    top = table.iloc[max(0, round(len(table) / 10) - 1)]
    text = ngettext(
        "The account with most hours takes {hours} of them and brings {revenue} of the revenue.",
        "The {n} accounts with most hours take {hours} of them and bring {revenue} of the revenue.",
        int(top["rank"]),
    )
    return text.format(
        n=number(top["rank"]), hours=percent(top["share_hours"]), revenue=percent(top["share_revenue"])
    )  # fmt: skip


def say_quadrants(table: pd.DataFrame, *, accounts: pd.DataFrame | None = None) -> str:
    """Who takes more time than most and pays less than most."""
    if table.empty:
        return _("There are too few accounts with revenue to tell halves apart.")
    rows = table[table["quadrant"] == "much_time_little_revenue"]
    if rows.empty:
        return _("No account takes more hours than the middle one and pays less than the middle one.")
    names = topic.account_names(accounts)
    text = ngettext(
        "{n} account takes more hours than the middle one and pays less than the middle one: {names}.",
        "{n} accounts take more hours than the middle one and pay less than the middle one: {names}.",
        len(rows),
    )
    return text.format(
        n=number(len(rows)), names=sentences.listing([names.get(a, a) for a in rows["account_id"]], most=3)
    )  # fmt: skip


def say_losing(cost: pd.DataFrame, *, accounts: pd.DataFrame | None = None, currency: str = "JPY") -> str:
    """The accounts that cost more than they bring, at the hours logged and at the hours paid."""
    rows = cost[cost["account_id"] != ""]
    if rows.empty or rows["cost"].isna().all():
        return _(NO_RATE) if len(rows) else _(NO_HOURS)
    low = rows[rows["margin"] < 0].sort_values(["margin", "account_id"])
    paid = int((rows["paid_margin"] < 0).sum())
    if low.empty:
        said = _("No account costs more than it brings.")
    else:
        names = topic.account_names(accounts)
        text = ngettext(
            "{n} account costs more than its gross margin brings, by {amount}: {names}.",
            "{n} accounts cost more than their gross margin brings, by {amount} together: {names}.",
            len(low),
        )
        said = text.format(
            n=number(len(low)), amount=money_short(-low["margin"].sum(), currency),
            names=sentences.listing([names.get(a, a) for a in low["account_id"]], most=3),
        )  # fmt: skip
    if paid != len(low) and rows["paid_margin"].notna().any():
        more = _("If the hours that nobody logged are spread like those logged, it is {n}.")
        said += " " + more.format(n=sentences.accounts(paid))
    return said


def say_life(weeks: pd.DataFrame, *, later: int = 26) -> str:
    """What an account takes a week at the beginning, and half a year on."""
    known = weeks[weeks["estimate"].notna()].set_index("week") if len(weeks) else weeks
    known = known[known.index >= 1] if len(known) else known
    if known.empty:
        return _("No account could be followed through a whole week of its life yet.")
    start, last = known.iloc[0], known.iloc[min(len(known), later) - 1]
    text = _("In week {week} of its life an account takes {value}")
    said = text.format(week=number(known.index[0]), value=_weekly(start))
    if len(known) < 2:
        return said + _(".")
    text = _("; in week {week} it takes {value}.")
    return said + text.format(week=number(known.index[min(len(known), later) - 1]), value=_weekly(last))


def _weekly(row: pd.Series) -> str:
    return sentences.estimate(row["estimate"], row["low"], row["high"], row["n"], "hours")


def say_phases(rates: pd.DataFrame, *, first: str = "") -> str:
    """An account's month in the first phase beside its month in the others."""
    known = rates[rates["estimate"].notna()]
    if known.empty:
        return _("No account could be followed for any part of a month yet.")
    top = known[known["phase"] == first] if first else known.iloc[:0]
    rest = known[known["phase"] != first] if first else known
    text = _("A month in phase {phase} takes {value}")
    parts = [text.format(phase=given(r["phase"]), value=_weekly(r)) for _i, r in top.iterrows()]
    others = [
        _("{kind} {value}").format(kind=given(r["phase"]), value=sentences.figure(r["estimate"], "hours"))
        for _i, r in rest.iterrows()
    ]
    if not parts:
        return _("An account takes a month, by phase: {others}.").format(others=sentences.listing(others))
    return parts[0] + (_("; in the others: {others}.").format(others=sentences.listing(others)) if others else _("."))


def say_capacity(cells: pd.DataFrame, team: Team) -> str:
    """How many accounts of each touch model one CSM can carry."""
    known = cells[cells["hours_per_account"].notna() & (cells["accounts"] > 0)]
    if known.empty or not sentences.known(team.available) or not team.available > 0:
        return _("Capacity cannot be told: there is no account with hours now, or nobody has hours.")
    by = known.groupby("touch_model", sort=True)[["hours_needed", "accounts"]].sum()
    rates = by["hours_needed"] / by["accounts"]
    parts = [
        _("{kind} {value}").format(
            kind=given(touch),
            value=_("{accounts} ({hours} each)").format(
                accounts=sentences.accounts(int(team.for_customers / rate)), hours=sentences.figure(rate, "hours")
            ),
        )
        for touch, rate in rates[rates > 0].items()
    ]
    if not parts:
        return _("The accounts of today take no hours.")
    text = _(
        "A CSM has {available} a month, of which {internal} go into internal time; the rest carries, by touch model: "
        "{parts}."
    )
    if not team.internal:
        text = _("If all of a CSM's {available} a month went to customers they would carry, by touch model: {parts}.")
    elif not team.known:
        text = _(
            "A CSM logs {available} a month, of which {internal} go into internal time; the rest carries, by touch "
            "model: {parts}."
        )
    return text.format(
        available=sentences.figure(team.available, "hours"), internal=percent(team.internal),
        parts=sentences.listing(parts),
    )  # fmt: skip


def say_what_if(needs: pd.DataFrame, team: Team) -> str:
    """Heads needed now beside heads there, and what each change would do."""
    rows = needs[needs["headcount"].notna()] if len(needs) else needs
    if rows.empty:
        return _("Capacity cannot be told: there is no account with hours now, or nobody has hours.")
    now = rows.iloc[0]
    text = _("The accounts of today need {hours} a month, {heads} CSMs; there are {there}.")
    said = text.format(
        hours=sentences.estimate(now["hours"], now["low"], now["high"], now["accounts"], "hours"),
        heads=number(now["headcount"], 1),
        there=number(team.csms),
    )
    parts = [
        _("{kind} {value}").format(kind=name, value=("+" if r.change > 0 else "") + number(r.change, 1))
        for name, r in zip(lever_names(rows)[1:], list(topic.records(rows))[1:], strict=True)
    ]
    return said + (
        " " + _("What would change the CSMs needed: {parts}.").format(parts=_("; ").join(parts)) if parts else ""
    )


def say_unlogged(needs: pd.DataFrame, share: float) -> str:
    """Heads needed if the hours that nobody logged were spread like those logged; "" where that changes nothing."""
    rows = needs[needs["headcount"].notna()] if len(needs) else needs
    if rows.empty or not 0 < share < 1:
        return ""
    heads = float(rows["headcount"].iloc[0])
    text = _(
        "If the hours that nobody logged are spread like those logged, {heads} CSMs are needed instead of {logged}."
    )
    return text.format(heads=number(heads / share, 1), logged=number(heads, 1))


def say_paid(cost: pd.DataFrame, *, currency: str = "JPY") -> str:
    """What the cost to serve is at the hours paid instead of the hours logged."""
    rows = cost[cost["account_id"] != ""]
    if rows.empty or rows["cost"].isna().all():
        return ""
    if rows["paid_cost"].isna().any():
        return _("Paid hours are not known, so the cost to serve is that of the hours logged.")
    text = _("At paid instead of logged hours the cost to serve is {paid} instead of {logged}.")
    return text.format(
        paid=money_short(rows["paid_cost"].sum(), currency), logged=money_short(rows["cost"].sum(), currency)
    )
