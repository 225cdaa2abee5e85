"""The forecast of notices in words: how the model of a year ago did, and whom today's puts at risk.

Every function takes the tidy frame of a metric and returns text in the reader's language.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cs_analysis.data import topic
from cs_analysis.display import sentences
from cs_analysis.display.language import _, day, money_short, ngettext, number, percent
from cs_analysis.errors import N_
from cs_analysis.topics.churn.history import History
from cs_analysis.topics.churn.risk import expected
from cs_analysis.topics.churn.validation import MODEL, NOTHING

METRICS = {
    MODEL: N_("the model"),
    "tenure": N_("tenure"),
    "champion_gone": N_("champion gone"),
    "months_since_fall": N_("months since usage fell"),
    "stages_reached": N_("success stages reached"),
    "mrr_start": N_("first MRR"),
    NOTHING: N_("everybody alike"),
}
VERDICTS = {
    "better": N_("the model is better"),
    "worse": N_("the model is worse"),
    "no_difference": N_("no clear difference"),
    "few": N_("cannot tell: fewer than ten accounts lost or kept"),
}


def metric_name(metric: str) -> str:
    """A single metric, or a column by its rate of losses, in the reader's words."""
    return _(METRICS[metric]) if metric in METRICS else topic.column_name(metric)


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
