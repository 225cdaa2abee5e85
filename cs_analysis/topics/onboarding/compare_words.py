"""Comparisons of onboardings in words: groups, before and after an initiative, live or not by a day.

Every function takes the tidy frame of a metric and returns text in the reader's language.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from cs_analysis.display import sentences
from cs_analysis.display.language import _, day, label, number
from cs_analysis.errors import N_
from cs_analysis.topics.onboarding.durations import ALL, MIN_N, OTHERS
from cs_analysis.topics.onboarding.initiatives import of_onboarding
from cs_analysis.topics.onboarding.words import GROUP_LABELS, column

_CLEAR = 0.05


def say_groups(durations: pd.DataFrame, comparison: pd.DataFrame, *, by: str, min_n: int = MIN_N) -> str:
    """The largest clear difference between groups, or that there is none; and who is too few to judge."""
    rows = durations[durations["by"] == by]
    told = rows[rows["n"] >= min_n]
    pairs = comparison[comparison["by"] == by]
    of = column(by)
    if len(told) < 2 or pairs.empty:
        said = _("There is nothing to compare by {column}: fewer than two groups have {least} onboardings.")
        said = said.format(column=of, least=number(min_n))
    else:
        clear = pairs[pairs["p_holm"] < _CLEAR]
        order = clear["rmst_difference"].abs().sort_values(ascending=False, kind="stable").index
        said = _pair(clear.loc[order[0]], of) if len(order) else _no_difference(told, of)
    few = rows[rows["n"] < min_n]
    if len(few):
        text = _("Too few onboardings to judge: {names}.")
        said += " " + text.format(names=sentences.listing([str(g) for g in few["group"]]))
    return said


def _pair(row: Any, of: str) -> str:
    """One clear difference, the faster group first."""
    a, b = label(row["group_a"], {OTHERS: GROUP_LABELS[OTHERS]}), label(row["group_b"], {OTHERS: GROUP_LABELS[OTHERS]})
    value, low, high = row["rmst_difference"], row["low"], row["high"]
    if value > 0:
        a, b, value, low, high = b, a, -value, -high, -low
    text = _(
        "By {column}, {fast} goes live sooner than {slow}: of the first {tau} days {days} fewer are not yet live "
        "({details}, {p})."
    )
    return text.format(
        column=of,
        fast=a,
        slow=b,
        tau=number(row["tau"]),
        days=number(-value, 1),
        details=sentences.interval(-high, -low, "days"),
        p=sentences.p_value(row["p_holm"]),
    )


def _no_difference(told: pd.DataFrame, of: str) -> str:
    told = told[told["rmst"].notna()]
    if len(told) < 2:
        return _("By {column}, no two groups were followed long enough to compare.").format(column=of)
    fast: Any = told.loc[told["rmst"].idxmin()]
    slow: Any = told.loc[told["rmst"].idxmax()]
    text = _(
        "By {column}, the days not yet live of the first {tau} run from {low} ({fast}) to {high} ({slow}); no clear "
        "difference."
    )
    return text.format(
        column=of,
        tau=number(fast["tau"]),
        low=number(fast["rmst"], 1),
        fast=fast["group"],
        high=number(slow["rmst"], 1),
        slow=slow["group"],
    )


def say_initiatives(table: pd.DataFrame, initiatives: pd.DataFrame | None) -> list[str]:
    """What changed with each onboarding initiative, and how far it can be believed."""
    if of_onboarding(initiatives).empty:
        return [_("No initiative for onboarding is recorded, so there is no before and after to compare.")]
    said = []
    for name, rows in table[table["group"] == ALL].groupby("initiative", sort=False):
        measures = {row["measure"]: row for _i, row in rows.iterrows()}
        ratio, mean = measures["median_ratio"], measures["rmst_difference"]
        since = day(ratio["start_date"])
        if not sentences.known(ratio["estimate"]) and not sentences.known(mean["estimate"]):
            text = _(
                "{initiative} ({day}): {before} onboardings began before and {after} after; too few, or too short a "
                "time, to compare."
            )
            said.append(
                text.format(
                    initiative=name, day=since, before=number(ratio["n_before"]), after=number(ratio["n_after"])
                )
            )
            continue
        said.append(_effect(str(name), since, ratio, mean) + " " + _trend(measures["trend_before"]))
    return said


def _effect(name: str, since: str, ratio: pd.Series, mean: pd.Series) -> str:
    text = _("Since {initiative} ({day}), the mix held still,").format(initiative=name, day=since)
    if sentences.known(ratio["estimate"]):
        text += " " + _("the median time to live is {ratio} times what it was").format(
            ratio=_with_interval(ratio, "ratio")
        )
        text += _(";") if sentences.known(mean["estimate"]) else _(".")
    if sentences.known(mean["estimate"]):
        words = {
            -1: N_("of the first {tau} days {days} fewer are not yet live ({details}; {before} begun before, {after} "
                   "after)."),
            1: N_("of the first {tau} days {days} more are not yet live ({details}; {before} begun before, {after} "
                  "after)."),
            0: N_("the days not yet live of the first {tau} did not clearly change (difference {days}; {details}; "
                  "{before} begun before, {after} after)."),
        }  # fmt: skip
        way = sentences.direction(mean["estimate"], mean["low"], mean["high"])
        low, high = (mean["low"], mean["high"]) if way >= 0 else (-mean["high"], -mean["low"])
        text += " " + _(words[way]).format(
            tau=number(mean["tau"]),
            days=number(abs(mean["estimate"]) if way else mean["estimate"], 1),
            details=sentences.interval(low, high, "days") or _("no interval"),
            before=number(mean["n_before"]),
            after=number(mean["n_after"]),
        )
    return text


def _with_interval(row: pd.Series, unit: str) -> str:
    return sentences.estimate(row["estimate"], row["low"], row["high"], unit=unit)


def _trend(row: pd.Series) -> str:
    """Whether things were moving before, and why a before and after proves little."""
    if not sentences.known(row["estimate"]):
        text = _("Whether it was falling already cannot be told: too few began before.")
    elif sentences.direction(row["estimate"], row["low"], row["high"]) < 0:
        text = _("Of those begun before it, the later half was already faster, so part of this may have come anyway.")
    elif sentences.direction(row["estimate"], row["low"], row["high"]) > 0:
        text = _("Of those begun before it, the later half was slower than the earlier half.")
    else:
        text = _("Of those begun before it, the later half did not clearly differ from the earlier half.")
    return text + " " + _("Nobody was assigned by chance: what else changed at the time is in the difference too.")


def say_later(difference: pd.DataFrame) -> str:
    """Whether accounts live by the landmark stay longer than those not yet live."""
    row = difference.iloc[0]
    if not sentences.known(row["rmst_difference"]):
        text = _(
            "Of the accounts still with us on day {day}, {live} were live and {other} were not; too few, or too short "
            "a time, to compare how long they stay."
        )
        return text.format(day=number(row["landmark"]), live=number(row["n_live"]), other=number(row["n_not_live"]))
    way = sentences.direction(row["rmst_difference"], row["low"], row["high"])
    words = {
        1: N_("Accounts live by day {day} stay longer than those not yet live: {months} more of the next {tau} months "
              "({details}; {live} and {other} accounts)."),
        -1: N_("Accounts live by day {day} stay less long than those not yet live: {months} fewer of the next {tau} "
               "months ({details}; {live} and {other} accounts)."),
        0: N_("Accounts live by day {day} and those not yet live do not clearly differ in how long they stay: the "
              "difference is {months} of the next {tau} months ({details}; {live} and {other} accounts)."),
    }  # fmt: skip
    value, low, high = row["rmst_difference"], row["low"], row["high"]
    if way < 0:
        value, low, high = -value, -high, -low
    said = _(words[way]).format(
        day=number(row["landmark"]),
        months=number(value, 1),
        tau=number(row["tau"]),
        details=sentences.interval(low, high, "months") or _("no interval"),
        live=number(row["n_live"]),
        other=number(row["n_not_live"]),
    )
    if sentences.known(row["p"]):
        text = _("The log-rank test gives {p}.")
        if row["within"]:
            text = _("Compared only with accounts of the same {column}, the log-rank test gives {p}.")
        said += " " + text.format(p=sentences.p_value(row["p"]), column=column(row["within"]))
    return said
