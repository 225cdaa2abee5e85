"""The tables of time per account as a page shows them: headings in the reader's language, figures formatted."""

from __future__ import annotations

import pandas as pd

from cs_analysis.data import topic
from cs_analysis.display.html import Html, say, table
from cs_analysis.display.language import _, labels, month
from cs_analysis.topics.effort import words

_MONEY = {"cost", "paid_cost", "mrr", "revenue", "margin", "paid_margin"}
_RATES = {"coverage", "whole_hours", "share"}
_HOURS = {
    "hours", "logged", "available", "doubled_hours", "hours_per_account", "hours_needed", "break_even",
    "break_even_customers", "headcount", "headcount_low", "headcount_high", "change", "customers", "internal", "months",
    "for_customers",
}  # fmt: skip


def _headings() -> dict[str, str]:
    """One heading for each column name, everywhere."""
    return topic.headings() | {
        "csm": _("CSM"), "task": _("Task"), "phase": _("Phase"), "part": _("For whom"), "entries": _("Entries"),
        "nearest": _("Nearest known account"), "csms": _("CSMs"), "first_month": _("First month"),
        "last_month": _("Last month"), "logged": _("Logged hours"), "available": _("Available hours"),
        "coverage": _("Logged share"), "weeks": _("Weeks"), "empty_weeks": _("Weeks without entry"),
        "whole_hours": _("In whole hours"), "days_over_24": _("Days over 24 hours"), "doubled": _("Repeated entries"),
        "doubled_hours": _("Hours in them"), "thin": _("Thin log"), "cost": _("Cost to serve"),
        "paid_cost": _("Cost at paid hours"), "revenue": _("Revenue"), "margin": _("Margin after CS"),
        "paid_margin": _("Margin at paid hours"), "quadrant": _("Quadrant"), "months": _("Account months"),
        "hours_per_account": _("Hours per account"), "hours_needed": _("Hours needed"),
        "break_even": _("Accounts per CSM"), "break_even_customers": _("Accounts per CSM, beside internal time"),
        "lever": _("Change"), "headcount": _("CSMs needed"), "headcount_low": _("CSMs, low"),
        "headcount_high": _("CSMs, high"), "change": _("Against now"), "customers": _("Hours for customers"),
        "internal": _("Internal time"), "planned": _("Planned"),
        "for_customers": _("Available for customers"),
    }  # fmt: skip


def _show(frame: pd.DataFrame, caption: str, name: str, currency: str = "JPY", folded: bool = True) -> Html:
    formats = {
        c: "money" if c in _MONEY else "percent" if c in _RATES else "number1" if c in _HOURS else "number"
        for c in frame.columns
    }
    if "hours" in frame or "hours_per_account" in frame or "week" in frame:  # an estimate here is one of hours
        formats |= dict.fromkeys(("estimate", "low", "high"), "number1")
    formats |= {c: "text" for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c])}
    headings = {c: _headings().get(c) or topic.column_heading(c) for c in frame.columns}
    return table(frame, caption, name=name, labels=headings, formats=formats, currency=currency, folded=folded)


def cautions(checks: pd.DataFrame, *, min_coverage: float = 0.6) -> list[Html]:
    """What stands above every comparison of hours while logs are thin; an empty list when they are not."""
    text = words.say_warning(checks, min_coverage=min_coverage)
    return [say(text, kind="warning")] if text else []


def table_balance(balance: pd.DataFrame) -> Html:
    """Where every hour of the input went."""
    frame = balance.assign(part=labels(balance["part"], words.PART_LABELS))
    return _show(frame, _("Every hour of the input"), "balance")


def table_set_aside(set_aside: pd.DataFrame) -> Html:
    """The hours booked to accounts that are not known; nothing where there are none."""
    if set_aside.empty:
        return say()
    frame = set_aside.assign(
        first_month=[month(m) for m in set_aside["first_month"]],
        last_month=[month(m) for m in set_aside["last_month"]],
    )
    return _show(frame, _("Hours of accounts that are not known"), "set_aside")


def table_checks(checks: pd.DataFrame) -> Html:
    """What each CSM's log is worth, thinnest first."""
    frame = checks.sort_values(["coverage", "csm"]).assign(thin=lambda t: [_yes(v) for v in t["thin"]])
    return _show(frame, _("What each log is worth"), "logging_checks")


def table_cost(cost: pd.DataFrame, *, accounts: pd.DataFrame, currency: str = "JPY") -> Html:
    """Cost to serve and margin after CS, lowest margin first."""
    names = topic.account_names(accounts)
    called = pd.Series([names.get(a, a) if a else _("internal time") for a in cost["account_id"]], cost.index)
    frame = cost.assign(account_name=called)
    head = ["account_id", "account_name", "hours", "cost", "paid_cost", "mrr", "revenue", "margin", "paid_margin"]
    return _show(frame[head], _("Cost to serve and margin after CS, lowest first"), "cost_to_serve", currency)


def table_quadrants(quadrants: pd.DataFrame, *, accounts: pd.DataFrame, currency: str = "JPY") -> Html:
    """Hours and MRR of each account, most hours for their revenue first."""
    names = topic.account_names(accounts)
    frame = quadrants.assign(
        account_name=quadrants["account_id"].map(lambda a: names.get(a, a)),
        quadrant=labels(quadrants["quadrant"], words.QUADRANT_LABELS),
    )
    head = ["account_id", "account_name", "hours", "mrr", "quadrant"]
    return _show(frame[head], _("Hours and MRR a month, most hours for the revenue first"), "quadrants", currency)


def table_phases(rates: pd.DataFrame, *, by: str) -> Html:
    """Hours per account and month by phase and a column of accounts."""
    frame = rates.assign(phase=[words.given(p) for p in rates["phase"]])
    caption = _("Hours per account and month, by {column} and phase").format(column=topic.column_name(by))
    return _show(frame, caption, f"phases_{by}")


def table_capacity(cells: pd.DataFrame) -> Html:
    """Hours per account, accounts now and accounts one CSM can carry."""
    frame = cells.assign(phase=[words.given(p) for p in cells["phase"]])
    return _show(frame, _("Capacity by touch model and phase"), "capacity")


def table_what_if(needs: pd.DataFrame) -> Html:
    """Hours and CSMs needed under each change."""
    frame = needs.assign(lever=words.lever_names(needs)).drop(columns=["task", "paid", "by"])
    return _show(frame, _("What would change the CSMs needed"), "what_if")


def table_workload(workload: pd.DataFrame) -> Html:
    """Hours by month, the plan included, newest first."""
    frame = workload.iloc[::-1]
    frame = frame.assign(month=[month(m) for m in frame["month"]], planned=[_yes(p) for p in frame["planned"]])
    return _show(frame, _("Hours needed and hours available, by month"), "workload")


def _yes(value: object) -> str:
    return _("yes") if value else _("no")
