"""Onboarding in words: one computed sentence per question.

Every function takes the tidy frame of a metric and returns text in the reader's language.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cs_analysis.data.topic import account_names, column_name
from cs_analysis.display import sentences
from cs_analysis.display.language import _, label, money_short, ngettext, number, percent
from cs_analysis.errors import N_
from cs_analysis.topics.onboarding.durations import ALL, MIN_N, OTHERS

NOBODY = N_("No onboarding can be followed: no account has both a contract and onboarding steps.")
OWNER_LABELS = {"us": N_("us"), "customer": N_("the customer"), "": N_("not given")}
GROUP_LABELS = {
    ALL: N_("all"),
    OTHERS: N_("all others"),
    "before": N_("begun before"),
    "after": N_("begun after"),
    "live": N_("live by then"),
    "not_live": N_("not yet live"),
}
LEFT_OUT = {
    "no_contract": N_("onboarding steps but no contract"),
    "no_steps": N_("a contract but no onboarding steps"),
    "ended_before": N_("left before departures were recorded"),
    "start_unknown": N_("began before the data"),
    "no_kickoff": N_("kickoff not held yet"),
    "finished_before": N_("live before departures were recorded"),
}


def group_name(by: str, group: str) -> str:
    """A group as the reader sees it."""
    return _(GROUP_LABELS[ALL]) if by == ALL else group


def column(by: str) -> str:
    """A column to split by, as it stands in a sentence."""
    known = {"cohort": _("start"), "touch_model": _("touch model"), "csm": _("CSM")}
    return known.get(by) or column_name(by)


def days(value: float) -> str:
    """A number of days: "45 days"."""
    return sentences.figure(value, "days")


def reached(value: float, low: float = np.nan, high: float = np.nan, n: float | None = None) -> str:
    """A quantile in days with its interval, either of which may not be reached yet."""
    details = [] if n is None else [sentences.accounts(n)]
    if sentences.known(low, high):
        details = [sentences.interval(low, high, "days"), *details]
    elif sentences.known(low):
        details = [_("95 % interval from {low} upwards").format(low=days(low)), *details]
    value_words = days(value) if sentences.known(value) else _("not reached")
    details = [d for d in details if d]
    if not details:
        return value_words
    return _("{value} ({details})").format(value=value_words, details=_(", ").join(details))


def of_all(durations: pd.DataFrame) -> pd.Series:
    """The row of all onboardings."""
    return durations[durations["by"] == ALL].iloc[0]


def onboardings_words(n: float) -> str:
    """A count: "1 onboarding", "168 onboardings"."""
    return ngettext("{n} onboarding", "{n} onboardings", int(n)).format(n=number(n))


def say_curve(durations: pd.DataFrame, *, min_n: int = MIN_N) -> str:
    """How long onboarding takes: median, P80, the share live by day 90; who is still open and who left."""
    row = of_all(durations)
    if row["n"] == 0:
        return _(NOBODY)
    said = ngettext(
        "Of {n} {live} went live, {open} is still open and {left} left before going live",
        "Of {n} {live} went live, {open} are still open and {left} left before going live",
        int(row["open"]),
    ).format(
        n=onboardings_words(row["n"]),
        live=number(row["completed"]),
        open=number(row["open"]),
        left=number(row["churned"]),
    )
    if row["n"] < min_n:
        return said + _("; fewer than {least} tell nothing about how long it takes.").format(least=number(min_n))
    if not row["completed"]:
        return said + _("; nobody has gone live yet, so no time can be told.")
    median = reached(row["median"], row["median_low"], row["median_high"])
    if not sentences.known(row["median"]):
        said += _("; the day by which half are live is {median}").format(median=median)
    else:
        said += _("; half were live after {median}").format(median=median)
    if sentences.known(row["p80"]):
        said += _(", four fifths after {p80}").format(p80=days(row["p80"]))
    if sentences.known(row["day90"]):
        share = sentences.estimate(row["day90"], row["day90_low"], row["day90_high"])
        said += _("; by day {day} it was {share}").format(day=number(90), share=share)
    return said + _(".")


def say_mean(durations: pd.DataFrame, *, min_n: int = MIN_N) -> str:
    """The restricted mean, and beside it the completed-only mean under its label."""
    row = of_all(durations)
    if row["n"] < min_n:
        return ""
    parts = []
    if sentences.known(row["rmst"]):
        mean = sentences.estimate(row["rmst"], row["rmst_low"], row["rmst_high"], row["n"], "days")
        text = _("Of its first {tau} days an account is not yet live on {mean}.")
        parts.append(text.format(tau=number(row["tau"]), mean=mean))
    if sentences.known(row["completed_only_mean"]):
        text = _(
            "Completed only (biased): a mean of {mean}; it leaves out who is still waiting and who left, and stands "
            "here only to be compared with other reports."
        )
        parts.append(text.format(mean=days(round(row["completed_only_mean"], 1))))
    return " ".join(parts)


def say_completion(completion: pd.DataFrame) -> str:
    """The two completion rates beside each other."""
    if completion.empty or not completion["n"].any():
        return _(NOBODY)
    rows = completion[(completion["measure"] == "by_day") & (completion["n"] > 0)]
    parts = []
    if len(rows):
        row = rows.iloc[-1]
        text = _("Of the accounts that began at least {days} days ago, {share} were live by day {days}.")
        share = sentences.estimate(row["estimate"], row["low"], row["high"], row["n"])
        parts.append(text.format(days=number(row["days"]), share=share))
    row: Any = completion[completion["measure"] == "in_period"].iloc[0]
    if row["n"]:
        text = _(
            "Of those in onboarding at some time in the last {days} days, {share} went live in them; this rate falls "
            "when many have only just begun."
        )
        share = sentences.estimate(row["estimate"], row["low"], row["high"], row["n"])
        parts.append(text.format(days=number(row["days"]), share=share))
    return " ".join(parts)


def say_steps(steps: pd.DataFrame, courts: pd.DataFrame) -> str:
    """The bottleneck, how long it takes, and in whose court the waiting lay."""
    if steps.empty or not steps["days_waited"].sum():
        return _("No step has waited yet, so there is no bottleneck to name.")
    row: Any = steps.loc[steps["share_of_wait"].idxmax()]
    text = _("Most waiting is in {step} (owner: {owner}): {share} of all days waited; {pace}.")
    if not sentences.known(row["median_wait"]):
        pace = _("fewer than half of the {n} that entered it have completed it")
    elif not sentences.known(row["p80_wait"]):
        pace = _("half of the {n} that entered it completed it within {median}, fewer than four fifths at all so far")
    else:
        pace = _("half of the {n} that entered it completed it within {median}, four fifths within {p80}")
    said = text.format(
        step=row["step"],
        owner=_(OWNER_LABELS.get(row["owner"], N_("not given"))),
        share=percent(row["share_of_wait"]),
        pace=pace.format(n=sentences.accounts(row["n"]), median=days(row["median_wait"]), p80=days(row["p80_wait"])),
    )
    known = courts[courts["owner"] != ""]
    if known.empty:
        return said + " " + _("Who owns each step is not given.")
    parts = [
        _("{name} {value}").format(name=label(owner, OWNER_LABELS), value=percent(share))
        for owner, share in zip(courts["owner"], courts["share_of_wait"], strict=True)
    ]
    return said + " " + _("Days waited by owner of the step: {parts}.").format(parts=_(", ").join(parts))


def say_stuck(
    stuck: pd.DataFrame,
    onboardings: pd.DataFrame,
    *,
    accounts: pd.DataFrame | None = None,
    currency: str = "JPY",
) -> str:
    """How many open onboardings are stuck, what they pay, and the one that pays most."""
    n_open = int((onboardings["outcome"] == "open").sum())
    if not n_open:
        return _("No onboarding is open.")
    alone = int(stuck.attrs.get("uncompared", 0))
    rest = ngettext(
        "{n} waits in a step that nobody has completed yet, so there is nothing to compare it with.",
        "{n} wait in steps that nobody has completed yet, so there is nothing to compare them with.",
        alone,
    ).format(n=number(alone))
    if stuck.empty and alone == n_open:
        return _("Which onboardings are stuck cannot be told.") + " " + rest
    rest = " " + rest if alone else ""
    if stuck.empty:
        text = ngettext(
            "The {n} open onboarding is not stuck: its step has waited no longer than comparable accounts took.",
            "None of the {n} open onboardings is stuck: no step has waited longer than comparable accounts took.",
            n_open - alone,
        )
        return text.format(n=number(n_open - alone)) + rest
    row: Any = stuck.iloc[0]
    text = ngettext(
        "{stuck} of {n} open onboardings is stuck, {mrr} of MRR: {first}.",
        "{stuck} of {n} open onboardings are stuck, {mrr} of MRR; the largest: {first}.",
        len(stuck),
    )
    said = text.format(
        stuck=number(len(stuck)),
        n=number(n_open),
        mrr=money_short(stuck["mrr"].sum(), currency),
        first=stuck_words(row, account_names(accounts)),
    )
    return said + rest


def stuck_words(row: pd.Series, names: dict[str, str]) -> str:
    """One stuck account: where, how long, against what."""
    against = (
        _("four fifths of comparable accounts needed {p80}")
        if row["basis"] == "p80"
        else _("the longest completed wait is {p80}")
    )
    return _("{account} has waited in {step} for {days} ({against})").format(
        account=names.get(row["account_id"], row["account_id"]),
        step=row["step"],
        days=days(row["days_open"]),
        against=against.format(p80=days(row["p80"])),
    )


def say_left_out(onboardings: pd.DataFrame, steps: pd.DataFrame, *, accounts: pd.DataFrame | None = None) -> list[str]:
    """Whom the curve follows, who is left out and why, and what is odd in the steps: nothing is lost unsaid."""
    why = onboardings["left_out"].value_counts()
    late = int(((onboardings["left_out"] == "") & (onboardings["entry_days"] > 0)).sum())
    said = [
        ngettext("{n} onboarding counts.", "{n} onboardings count.", int(why.get("", 0))).format(
            n=number(why.get("", 0))
        )
        + "".join(
            " " + _("{accounts}: {why}.").format(accounts=sentences.accounts(why[key]), why=_(text))
            for key, text in LEFT_OUT.items()
            if why.get(key, 0)
        )
    ]
    if late:
        text = ngettext(
            "{n} that began before departures were recorded counts from that day on.",
            "{n} that began before departures were recorded count from that day on.",
            late,
        )
        said.append(text.format(n=number(late)))
    said.append(_unmarked(onboardings, steps))
    early = onboardings.loc[onboardings["early"], "account_id"]
    if len(early):
        names = account_names(accounts)
        text = ngettext(
            "{n} went live before its start and counts as day 0: {names}.",
            "{n} went live before their start and count as day 0: {names}.",
            len(early),
        )
        said.append(text.format(n=number(len(early)), names=sentences.listing([names.get(a, a) for a in early])))
    return [text for text in said if text]


def _unmarked(onboardings: pd.DataFrame, steps: pd.DataFrame) -> str:
    if "is_go_live" not in steps or not steps["is_go_live"].eq(True).any():
        return _("No step is marked as go-live, so the last step of each account ends its onboarding.")
    without = int(((onboardings["left_out"] == "") & (onboardings["go_live_step"] == "")).sum())
    if not without:
        return ""
    text = ngettext(
        "{n} has no row for the go-live step and counts as not yet live.",
        "{n} have no row for the go-live step and count as not yet live.",
        without,
    )
    return text.format(n=sentences.accounts(without))
