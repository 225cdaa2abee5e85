"""What explains departures, in words: one computed sentence per question, each from the frame of its metric."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cs_analysis.data import topic
from cs_analysis.display import sentences
from cs_analysis.display.language import _, day, ngettext, number, percent
from cs_analysis.errors import N_
from cs_analysis.topics.churn.history import CHANGING, START, History
from cs_analysis.topics.churn.model import EVENTS_PER_COVARIATE

COVARIATES = {
    "champion_gone": N_("champion gone"),
    "usage_fell": N_("usage fell by a fifth"),
    "stages_reached": N_("per success stage"),
    "mrr_start": N_("first MRR, doubled"),
}
NOTES = {
    "few_events": N_("left out: too few notices"),
    "no_events": N_("no notice among these accounts"),
    "constant": N_("the same for all accounts"),
    "no_table": N_("no table tells of it"),
    "no_rows": N_("nothing on record"),
    "separates": N_("every notice lies on one side: no ratio"),
    "collinear": N_("told by the others already"),
}
GROUPS = {
    "champion_gone": {"yes": N_("champion gone"), "no": N_("champion there")},
    "usage_fell": {"yes": N_("usage fell"), "no": N_("usage did not fall")},
}
CHANGES = {
    "as_set": N_("as in this report"),
    "grace_30": N_("gaps of 30 days filled"),
    "grace_90": N_("gaps of 90 days filled"),
    "notice": N_("churn at the notice"),
    "last_active": N_("churn at the last use"),
    "without_largest": N_("without three largest"),
}
_CLEAR = 0.05


def covariate_name(covariate: str, column: str, reference: str | None = None) -> str:
    """A covariate in the reader's words: "champion gone", "segment: SMB (against Mid-market)"."""
    if covariate in COVARIATES:
        return _(COVARIATES[covariate])
    name = topic.column_name(column)
    if covariate == column:
        return name
    level = covariate.removeprefix(f"{column}: ") or _("(not given)")
    if not reference:
        return _("{column}: {level}").format(column=name, level=level)
    return _("{column}: {level} (against {reference})").format(column=name, level=level, reference=reference)


def names_of(drivers: pd.DataFrame, *, compared: bool = True) -> list[str]:
    """The covariates of a table of drivers in the reader's words, levels beside the one they are compared with."""
    reference = drivers.attrs.get("reference", {}) if compared else {}
    pairs = zip(drivers["covariate"], drivers["column"], strict=True)
    return [covariate_name(name, column, reference.get(column)) for name, column in pairs]


def say_history(history: History) -> str:
    """What is explained: how many notices, from which days, and whom it leaves out."""
    if history.accounts.empty:
        return _("No account can be followed yet, so nothing can be explained.")
    text = ngettext(
        "What is explained is the day of the notice: {n} notice among {accounts}, followed until {day}.",
        "What is explained is the day of the notice: {n} notices among {accounts}, followed until {day}.",
        history.events,
    ).format(
        n=number(history.events),
        accounts=sentences.accounts(history.accounts["account_id"].nunique()),
        day=day(history.followed_to),
    )
    if history.events and not history.recorded:
        text += " " + _(
            "Not all departures bear a notice date; the others count as decided one notice period before they took "
            "effect, and what was decided since that day cannot be known yet."
        )
    if history.noticed_before:
        said = ngettext(
            "{n} account had given notice before it was followed and is left out.",
            "{n} accounts had given notice before they were followed and are left out.",
            history.noticed_before,
        )
        text += " " + said.format(n=number(history.noticed_before))
    return text + (" " + _undated(history) if _columns(history) else "")


def _columns(history: History) -> list[str]:
    return [c for c in history.covariates if c not in (*CHANGING, START)]


def _undated(history: History) -> str:
    columns = sentences.listing([topic.column_name(c) for c in _columns(history)])
    return _("The file does not say since when {columns} holds; it is taken as it is today.").format(columns=columns)


def say_drivers(drivers: pd.DataFrame) -> str:
    """Which covariates go with more or fewer notices, whether that holds over the whole life, and what was left out."""
    events = int(drivers.attrs.get("events", 0))
    found = drivers.assign(name=names_of(drivers))
    fitted = found[found["hazard_ratio"].notna() & found["low"].notna()]
    if fitted.empty:
        if events >= EVENTS_PER_COVARIATE:
            return " ".join([_("What drives departures cannot be told."), *_left_out(found)])
        text = ngettext(
            "What drives departures cannot be told: {n} notice is known, and it takes ten for each covariate.",
            "What drives departures cannot be told: {n} notices are known, and it takes ten for each covariate.",
            events,
        )
        return text.format(n=number(events))
    clear = fitted[(fitted["low"] > 1) | (fitted["high"] < 1)].sort_values("p", kind="stable")
    accounts = sentences.accounts(drivers.attrs.get("accounts", 0))
    count = ngettext("{n} notice", "{n} notices", events).format(n=number(events))
    if clear.empty:
        said = _("Of {names} none goes with clearly more or fewer notices ({count}, {accounts}).").format(
            names=sentences.listing(fitted["name"]), count=count, accounts=accounts
        )
    else:
        parts = [_("{name} {ratio}").format(name=r["name"], ratio=_ratio(r)) for _i, r in clear.iterrows()]
        said = _("The rate of notices changes by these factors ({count}, {accounts}): {parts}.").format(
            count=count, accounts=accounts, parts=_("; ").join(parts)
        )
        rest = fitted[~fitted.index.isin(clear.index)]
        if len(rest):
            said += " " + _("No clear effect: {names}.").format(names=sentences.listing(rest["name"]))
    return " ".join([said, *_constancy(fitted), *_left_out(found)])


def _ratio(row: pd.Series) -> str:
    return sentences.estimate(row["hazard_ratio"], row["low"], row["high"], unit="ratio")


def _constancy(fitted: pd.DataFrame) -> list[str]:
    moving = fitted[fitted["ph_p"] < _CLEAR]
    if not fitted["ph_p"].notna().any():
        return []
    if moving.empty:
        return [_("Nothing speaks against factors that stay the same over the life of an account.")]
    text = _("Over the life of an account the factor changes for {names}; there it is an average.")
    return [text.format(names=sentences.listing(moving["name"]))]


def _left_out(found: pd.DataFrame) -> list[str]:
    said = []
    few = found[found["note"] == "few_events"]
    if len(few):
        names = sentences.listing(dict.fromkeys(covariate_name(c, c) for c in few["column"]))
        said.append(_("Left out for want of notices: {names}.").format(names=names))
    none = found[found["note"] == "no_events"]
    if len(none):
        names = sentences.listing([covariate_name(r["covariate"], r["column"]) for _i, r in none.iterrows()])
        said.append(_("No notice at all, and so no factor: {names}.").format(names=names))
    alike = found[found["note"].isin(["constant", "separates", "collinear"])]
    if len(alike):
        names = [covariate_name(r["covariate"], r["column"]) for _i, r in alike.iterrows()]
        said.append(_("No factor can be told for: {names}; the table says why.").format(names=sentences.listing(names)))
    untold = found[found["note"].isin(["no_table", "no_rows"])]
    if len(untold):
        said.append(_("The data do not tell of: {names}.").format(names=sentences.listing(untold["name"])))
    return said


def say_landmark(difference: pd.DataFrame) -> str:
    """Whether what was true on a fixed day goes with leaving in the months after it."""
    row = difference.iloc[0]
    words = GROUPS.get(row["covariate"], {})
    yes, no = _(words.get("yes", "")), _(words.get("no", ""))
    sizes = _("{yes}: {n_yes} accounts, {lost_yes} notices; {no}: {n_no} accounts, {lost_no} notices").format(
        yes=yes, no=no, lost_yes=number(row["lost_yes"]), n_yes=number(row["n_yes"]), lost_no=number(row["lost_no"]),
        n_no=number(row["n_no"]),
    )  # fmt: skip
    if not row["n_yes"] + row["n_no"]:
        return _("Nothing is on record from which to tell {yes} from {no}.").format(yes=yes, no=no)
    if not sentences.known(row["estimate"]):
        text = _("After fixed days the groups cannot be compared: one has fewer than five accounts ({sizes}).")
        return text.format(sizes=sizes)
    within = ngettext("{n} month", "{n} months", int(row["months"])).format(n=number(row["months"]))
    amount = sentences.figure(abs(row["estimate"]), "months")
    clear = sentences.direction(row["estimate"], row["low"], row["high"])
    interval = sentences.interval(row["low"], row["high"], "months") or _("no interval")
    if clear == 0:
        text = _("In the {within} after fixed days there is no clear difference between {yes} and {no} ({details}).")
    elif clear < 0:
        text = _("In the {within} after fixed days {yes} means {amount} less without notice than {no} ({details}).")
    else:
        text = _("In the {within} after fixed days {yes} means {amount} more without notice than {no} ({details}).")
    details = _("; ").join([interval, sizes])
    said = text.format(within=within, yes=yes, no=no, amount=amount, details=details)
    if row["landmarks"] < 2:
        return said
    return said + " " + _("An account counts once on each of the {n} days.").format(n=number(row["landmarks"]))


def say_sensitivity(table: pd.DataFrame) -> str:
    """How far the twelve-month survival moves under other choices."""
    known = table[table["s12"].notna()]
    base, others = known[known["change"] == "as_set"], known[known["change"] != "as_set"]
    if base.empty or others.empty:
        return _("Too few accounts were followed for twelve months, so other choices cannot be compared.")
    row = base.iloc[0]
    said = _("After twelve months {value} are still there as this report counts").format(
        value=sentences.estimate(row["s12"], row["s12_low"], row["s12_high"], row["n"])
    )
    at = others.set_index("change")["s12"]
    least, most = str(at.idxmin()), str(at.idxmax())
    if np.allclose(at, row["s12"], rtol=0, atol=5e-4):
        return said + _("; no other choice changes that.")
    return said + _("; other choices give {low} ({low_name}) to {high} ({high_name}).").format(
        low=percent(at[least]), low_name=_(CHANGES[least]), high=percent(at[most]), high_name=_(CHANGES[most])
    )
