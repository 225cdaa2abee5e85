"""What explains departures, in words: one computed sentence per question, each from the frame of its metric."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cs_analysis.data import topic
from cs_analysis.display import sentences
from cs_analysis.display.language import _, day, money_short, ngettext, number, percent
from cs_analysis.errors import N_
from cs_analysis.topics.churn.history import CHANGING, START, History
from cs_analysis.topics.churn.model import EVENTS_PER_COVARIATE
from cs_analysis.topics.churn.risk import expected
from cs_analysis.topics.churn.validation import MODEL, NOTHING

COVARIATES = {
    "champion_gone": N_("champion gone"),
    "usage_fell": N_("usage fell by a fifth"),
    "stages_reached": N_("per success stage"),
    "mrr_start": N_("first MRR, doubled"),
}
METRICS = {
    MODEL: N_("the model"),
    "tenure": N_("tenure"),
    "champion_gone": N_("champion gone"),
    "months_since_fall": N_("months since usage fell"),
    "stages_reached": N_("success stages reached"),
    "mrr_start": N_("first MRR"),
    NOTHING: N_("everybody alike"),
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
VERDICTS = {
    "better": N_("the model is better"),
    "worse": N_("the model is worse"),
    "no_difference": N_("no clear difference"),
    "few": N_("cannot tell: fewer than ten accounts lost or kept"),
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


def metric_name(metric: str) -> str:
    """A single metric, or a column by its rate of losses, in the reader's words."""
    return _(METRICS[metric]) if metric in METRICS else topic.column_name(metric)


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


def say_validation(checked: pd.DataFrame, scores: pd.DataFrame) -> str:
    """Whether the model of a year ago foretold how many left."""
    if checked.empty or scores.empty:
        return _("The model cannot be checked: too few notices were known a year ago.")
    lost = int(checked["lost"].sum())
    chance = expected(checked)
    text = _(
        "Of {accounts} a year ago the model expected {expected} to give notice (likely {low} to {high}); {lost} did."
    )
    said = text.format(
        accounts=sentences.accounts(len(checked)),
        expected=number(chance.accounts, 1),  # type: ignore[union-attr]
        low=number(chance.accounts_low),  # type: ignore[union-attr]
        high=number(chance.accounts_high),  # type: ignore[union-attr]
        lost=number(lost),
    )
    verdict = _calibrated(lost, chance.accounts_low, chance.accounts_high)  # type: ignore[union-attr]
    return " ".join([said, *verdict, *_brier(scores)])


def say_ranking(scores: pd.DataFrame) -> str:
    """Whether the model of a year ago ranked those who left above the others, and beats each single metric at it."""
    if scores.empty:
        return _("The model cannot be checked: too few notices were known a year ago.")
    model = scores[scores["metric"] == MODEL].iloc[0]
    if not sentences.known(model["concordance"]):
        return _("Whom the model ranks first cannot be judged: all were kept, or all were lost.")
    said = _(
        "In {concordance} of all pairs the model ranked the account that left above the one that stayed; chance alone "
        "gives {half}."
    ).format(concordance=sentences.estimate(model["concordance"], model["low"], model["high"]), half=percent(0.5, 0))
    if sentences.known(model["lift"]):
        said += " " + _("Among the tenth it ranked first, {lift} times as many left as among all.").format(
            lift=number(model["lift"], 1)
        )
    return " ".join([said, *_against(scores)])


def _calibrated(lost: int, low: float, high: float) -> list[str]:
    if lost < low:
        return [_("That is fewer than chance explains: its probabilities were too high.")]
    if lost > high:
        return [_("That is more than chance explains: its probabilities were too low.")]
    return []


def _brier(scores: pd.DataFrame) -> list[str]:
    found = scores.set_index("metric")["brier"]
    model, alike = found.get(MODEL, np.nan), found.get(NOTHING, np.nan)
    if not sentences.known(model, alike):
        return []
    if model < alike:
        text = _(
            "Its probabilities lie nearer to what came than one and the same for all (Brier score {model} against "
            "{alike}; 0 is best)."
        )
    else:
        text = _(
            "One and the same probability for all would have been at least as near to what came (Brier score {alike} "
            "against {model}; 0 is best)."
        )
    return [text.format(model=number(model, 3), alike=number(alike, 3))]


def _against(scores: pd.DataFrame) -> list[str]:
    single = scores[~scores["metric"].isin([MODEL, NOTHING])]
    if (single["verdict"] == "few").any():
        text = _("Whether it beats any single metric alone, one cannot tell: too few accounts were lost or kept.")
        return [text]
    texts = {
        "better": N_("It is clearly better than these alone: {names}."),
        "no_difference": N_("No clear difference to these alone: {names}."),
        "worse": N_("It is clearly worse than these alone: {names}."),
    }
    said = []
    for verdict, text in texts.items():
        names = [metric_name(m) for m in single.loc[single["verdict"] == verdict, "metric"]]
        if names:
            said.append(_(text).format(names=sentences.listing(names, 8)))
    return said


def say_risk(
    risk: pd.DataFrame,
    history: History,
    *,
    months: int = 6,
    accounts: pd.DataFrame | None = None,
    currency: str = "JPY",
) -> str:
    """How many accounts and how much MRR are expected to give notice, which account weighs most, who leaves already."""
    chance = expected(risk)
    if chance is None:
        text = _("Who may leave next cannot be told: too few notices are known, or no account is left to score.")
        return " ".join([text, *_too_old(risk), *_leaving(history, currency)])
    within = ngettext("{n} month", "{n} months", months).format(n=number(months))
    text = _(
        "Over the next {within} {expected} of {accounts} are expected to give notice (likely {low} to "
        "{high}), and with them {mrr} of MRR ({mrr_low} to {mrr_high})."
    )
    said = text.format(
        within=within,
        expected=number(chance.accounts, 1),
        accounts=sentences.accounts(chance.n),
        low=number(chance.accounts_low),
        high=number(chance.accounts_high),
        mrr=money_short(chance.mrr, currency),
        mrr_low=money_short(chance.mrr_low, currency),
        mrr_high=money_short(chance.mrr_high, currency),
    )
    first = risk.iloc[0]
    called = topic.account_names(accounts).get(first["account_id"], first["account_id"])
    said += " " + _("Most money is at risk with {account}: probability {probability}, {mrr} of MRR.").format(
        account=called,
        probability=sentences.estimate(first["probability"], first["low"], first["high"]),
        mrr=money_short(first["mrr"], currency),
    )
    return " ".join(
        [
            said,
            *_unrecorded(history),
            *_borrowed(risk),
            *_too_old(risk),
            *_unscored(history),
            *_leaving(history, currency),
        ]
    )


def _unrecorded(history: History) -> list[str]:
    if history.recorded:
        return []
    text = _("Notices given since {day} that nobody recorded are among them.")
    return [text.format(day=day(history.followed_to))]


def _too_old(risk: pd.DataFrame) -> list[str]:
    n = int(risk["probability"].isna().sum())
    text = ngettext(
        "{n} account has no probability and is not in this sum: nobody has been followed to the age it will have.",
        "{n} accounts have no probability and are not in this sum: nobody has been followed to the age they will have.",
        n,
    )
    return [text.format(n=number(n))] if n else []


def _borrowed(risk: pd.DataFrame) -> list[str]:
    n = int(risk["borrowed"].sum())
    text = ngettext(
        "{n} account is older than the data can tell; for it the same months of an earlier year of life stand in.",
        "{n} accounts are older than the data can tell; for them the same months of an earlier year of life stand in.",
        n,
    )
    return [text.format(n=number(n))] if n else []


def _unscored(history: History) -> list[str]:
    n = history.unscored
    text = ngettext(
        "{n} account began before the data and cannot be scored.",
        "{n} accounts began before the data and cannot be scored.",
        n,
    )
    return [text.format(n=number(n))] if n else []


def _leaving(history: History, currency: str) -> list[str]:
    n = len(history.leaving)
    text = ngettext(
        "{n} account is on notice already and listed apart: {mrr} of MRR.",
        "{n} accounts are on notice already and listed apart: {mrr} of MRR.",
        n,
    )
    return [text.format(n=number(n), mrr=money_short(history.leaving["mrr"].sum(), currency))] if n else []


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
