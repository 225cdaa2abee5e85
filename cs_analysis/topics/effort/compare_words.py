"""Comparisons of hours in words: CSMs, task standards, initiatives; what cannot be told is said.

Every function takes the tidy frame of a metric and returns text in the reader's language.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from cs_analysis.data import topic
from cs_analysis.display import sentences
from cs_analysis.display.language import _, day, ngettext, number, percent
from cs_analysis.errors import N_
from cs_analysis.stats import periods
from cs_analysis.topics.effort.initiatives import WHY
from cs_analysis.topics.effort.words import given

VERDICTS = {
    "flagged": N_("differs"),
    "cannot_tell": N_("cannot tell"),
    "few": N_("cannot tell: under five accounts"),
    "alone": N_("cannot tell: nobody else has such accounts"),
}
PACES = {
    "fewer": N_("fewer hours than comparable accounts"),
    "as_many": N_("about as many"),
    "more": N_("more hours"),
    "difference": N_("difference, fewer less more"),
}
SHOWN = {"gain": N_("yes"), "none": N_("no gain shown"), "few": N_("cannot tell")}
METHODS = {
    "did": N_("touched against untouched"),
    "before_after": N_("before and after only (weaker)"),
    "": N_("not computed"),
}
UNITS = {"CSM": N_("CSM"), "group": N_("group"), "account": N_("account")}
NO_CUSTOMER_HOURS = N_("No hours for customers were logged, so nothing can be compared.")
SPEED = N_(
    "Speed is not quality: fewer hours can be a better way of working, a customer left alone, or hours that nobody "
    "wrote down."
)


def no_comparison(comparison: pd.DataFrame) -> str:
    """Why CSMs cannot be compared at all, or "" when they can."""
    if comparison.empty:
        return _(NO_CUSTOMER_HOURS)
    if len(comparison) == 1:
        return _("One CSM booked all hours for customers; there is nobody to compare with.")
    if (comparison["verdict"] == "alone").all():
        return _("No two CSMs look after accounts of the same kind, so their hours cannot be compared.")
    if not comparison["effect_low"].notna().any():
        return _("Too few accounts to compare CSMs: how far accounts of one CSM differ cannot be told.")
    return ""


def say_comparison(comparison: pd.DataFrame) -> str:
    """Which CSMs differ from chance, if any."""
    why = no_comparison(comparison)
    if why:
        return why
    flagged = comparison[comparison["verdict"] == "flagged"]
    known = comparison[comparison["effect_low"].notna()]
    said = [
        _(
            "At equal mix the accounts of {csm} take {ratio} of the hours of the average CSM; accounts shuffled among "
            "CSMs give any of them so large a difference in {p} of shuffles."
        ).format(
            csm=given(row["csm"]),
            ratio=sentences.estimate(row["effect"], row["effect_low"], row["effect_high"], row["n"]),
            p=percent(row["p"]) if row["p"] >= 0.001 else _("under {share}").format(share=percent(0.001)),
        )
        for row in flagged.to_dict("records")
    ]
    rest = len(known) - len(flagged)
    if not flagged.empty and rest:
        said.append(
            ngettext(
                "For the other CSM no difference can be told from chance.",
                "For the other {n} CSMs no difference can be told from chance.",
                rest,
            ).format(n=number(rest))
        )
    if flagged.empty:
        tested = known[known["p"].notna() & (known["verdict"] == "cannot_tell")]
        if tested.empty:
            said.append(_("With so few accounts per CSM it cannot be told whether any CSM works faster than another."))
        else:
            said.append(
                _(
                    "Between {n} CSMs with {accounts} no difference can be told from chance: shuffled among CSMs, "
                    "accounts give one as large as the largest here in {p} of shuffles."
                ).format(
                    n=number(len(known)), accounts=sentences.accounts(known["n"].sum()), p=percent(tested["p"].min())
                )
            )
    return " ".join([*said, _(SPEED)])


def say_standards(standards: pd.DataFrame) -> str:
    """What the largest task takes, and which tasks hold hours to win."""
    if standards.empty:
        return _(NO_CUSTOMER_HOURS)
    largest: Any = standards.loc[standards["hours"].idxmax()]
    said = [
        _(
            "Most hours go into {task} ({share}): in the middle an account that has it takes {median} a month, one in "
            "ten takes {p90} or more ({n})."
        ).format(
            task=given(largest["task"]),
            share=percent(largest["share"]),
            median=sentences.figure(largest["median"], "hours"),
            p90=sentences.figure(largest["p90"], "hours"),
            n=sentences.accounts(largest["n"]),
        )
    ]
    gains, looked = standards[standards["shown"] == "gain"], standards[standards["shown"] != "few"]
    if looked.empty:
        said.append(_("Too few accounts or CSMs to look for hours to win: it takes twenty accounts and two CSMs."))
        return " ".join(said)
    if gains.empty:
        said.append(
            ngettext(
                "No gain is shown in it at the pace of the fastest quarter of CSMs.",
                "No gain is shown in any of the {n} tasks at the pace of the fastest quarter of CSMs.",
                len(looked),
            ).format(n=number(len(looked)))
        )
        return " ".join(said)
    top: Any = gains.iloc[0]
    said.append(
        _("At the pace of the fastest quarter of CSMs, of the {hours} for {task} {won} would be won.").format(
            task=given(top["task"]),
            won=sentences.estimate(top["hours_to_win"], top["low"], top["high"], top["n"], "hours"),
            hours=sentences.figure(top["hours"], "hours"),
        )
    )
    if len(gains) > 1:
        others = [
            _("{name} {value}").format(
                name=given(r["task"]), value=sentences.estimate(r["hours_to_win"], r["low"], r["high"], unit="hours")
            )
            for r in gains.iloc[1:6].to_dict("records")
        ]
        said.append(_("Gains show also in: {parts}.").format(parts=_(", ").join(others)))
    return " ".join([*said, _(SPEED)])


def say_quality(quality: pd.DataFrame) -> str:
    """Whether accounts with fewer hours stayed as often and answered as well."""
    if quality.empty:
        return _(
            "Whether accounts with fewer hours stayed and were content cannot be told: it takes thirty accounts with "
            "comparable hours, followed for a year before and a year after."
        )
    at: Any = quality.set_index("pace")
    fewer, more, gap = at.loc["fewer"], at.loc["more"], at.loc["difference"]
    said = []
    if sentences.known(fewer["churn_rate"], more["churn_rate"]):
        said.append(
            _("Of the accounts that took fewer hours than comparable ones {fewer} left in the year after").format(
                fewer=_estimate(fewer, "churn", "rate")
            )
            + _(", of those that took more {more}: {verdict}.").format(
                more=_estimate(more, "churn", "rate"), verdict=_gap(gap["churn_low"], gap["churn_high"])
            )
        )
    if sentences.known(fewer["nps"], more["nps"]):
        said.append(
            _("NPS was {fewer} and {more}: {verdict}.").format(
                fewer=_estimate(fewer, "nps", "points"),
                more=_estimate(more, "nps", "points"),
                verdict=_gap(gap["nps_low"], gap["nps_high"]),
            )
        )
    if not said:
        return _("What became of accounts with fewer hours is not known: neither departures nor answers are there.")
    return " ".join([*said, _("This stands beside the hours; it does not say that they were the cause.")])


def _estimate(row: pd.Series, what: str, unit: str) -> str:
    value, n = ("churn_rate", "n") if what == "churn" else ("nps", "answers")
    of = "" if what == "churn" else sentences.answers(row[n])
    return sentences.estimate(row[value], row[f"{what}_low"], row[f"{what}_high"], row[n], unit, of=of)


def _gap(low: float, high: float) -> str:
    return _("a clear difference") if low > 0 or high < 0 else _("no clear difference")


def say_initiatives(effects: pd.DataFrame) -> str:
    """What each initiative did to the hours, with how sure that is."""
    if effects.empty:
        return _("No initiative about time is in the data; a row in the table of initiatives would bring one.")
    return " ".join(_initiative(part) for _name, part in effects.groupby("initiative", sort=False))


def _initiative(part: pd.DataFrame) -> str:
    row: Any = part.iloc[0]
    fields = {"initiative": row["initiative"], "start": day(periods.day(row["start"]))}
    if not sentences.known(row["estimate"]):
        text = _("What “{initiative}” of {start} did cannot be told: {why}.")
        return text.format(**fields, why=why(row))
    text = _(
        "“{initiative}” of {start}: the hours of the accounts it touched changed by {value} against the others over "
        "the same months"
    )
    if row["method"] == "before_after":
        text = _("“{initiative}” of {start}: at equal mix, hours after it differ by {value} from those before")
    said = text.format(**fields, value=_signed(row, row["n"]))
    said += _(": {verdict}.").format(verdict=_verdict(row))
    tasks = part[(part["task"] != "") & ((part["low"] > 0) | (part["high"] < 0))]
    looked = int(part.loc[part["task"] != "", "p"].notna().sum())
    clear, doubtful = (tasks[m] for m in (tasks["p_holm"] <= 0.05, ~(tasks["p_holm"] <= 0.05)))
    if len(clear):
        said += " " + _("By task: {parts}.").format(parts=_(", ").join(_tasks(clear)))
    if len(doubtful):
        text = ngettext(
            "By task: {parts}; one of {n} tasks can come out like this by chance.",
            "By task: {parts}; of {n} tasks some can come out like this by chance.",
            len(doubtful),
        )
        said += " " + text.format(parts=_(", ").join(_tasks(doubtful)), n=number(looked))
    if row["method"] == "before_after":
        return said + " " + _(
            "Nobody was left untouched, so whatever else changed at that time is in it: this is the weaker evidence."
        )  # fmt: skip
    if sentences.known(row["pretrend_p"]):
        apart = row["pretrend_p"] <= 0.05
        words = (
            _("Before the start they were already moving apart ({p}), so part of it may have come anyway.")
            if apart
            else _("Before the start no drift between them can be told from chance ({p}).")
        )
        said += " " + words.format(p=sentences.p_value(row["pretrend_p"]))
    return said


def _tasks(rows: pd.DataFrame) -> list[str]:
    return [_("{name} {value}").format(name=given(row["task"]), value=_signed(row)) for _i, row in rows.iterrows()]


def _signed(row: Any, n: float | None = None) -> str:
    said = sentences.estimate(row["estimate"], row["low"], row["high"], n)
    return ("+" if row["estimate"] > 0 else "") + said


def _verdict(row: Any) -> str:
    if not sentences.known(row["low"], row["high"]):
        return why(row)
    return _("no clear change") if row["low"] <= 0 <= row["high"] else _("a clear change")


def why(row: Any) -> str:
    """Why an initiative has no estimate or no interval, "" when it has both."""
    why = str(row["why"])
    if not why:
        return ""
    unit = _(UNITS[row["unit"]]) if row["unit"] in UNITS else ""
    return _(WHY[why]).format(column=topic.column_name(row["column"]), value=row["value"], unit=unit)
