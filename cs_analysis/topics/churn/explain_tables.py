"""The tables behind the explanation, as a page shows them."""

from __future__ import annotations

import pandas as pd

from cs_analysis.data import topic
from cs_analysis.display import sentences
from cs_analysis.display.html import Html, table
from cs_analysis.display.language import _
from cs_analysis.topics.churn import explain_words as words
from cs_analysis.topics.churn import risk_words
from cs_analysis.topics.churn.history import History
from cs_analysis.topics.churn.tables import intervals

_RATES = {"estimate", "predicted", "observed", "concordance", "probability", "s12"}
_POINTS = {"difference"}
_MONEY = {"mrr", "mrr_at_risk", "mrr_low", "mrr_high"}
_RATIOS = {"hazard_ratio", "lift", "brier"}
_TESTS = ("p", "ph_p")


def _headings() -> dict[str, str]:
    return topic.headings() | {
        "covariate": _("Driver"), "hazard_ratio": _("Hazard ratio"), "ph_p": _("p, ratio stays the same"),
        "events": _("Notices"), "decile": _("Group"), "predicted": _("Predicted"), "observed": _("Came true"),
        "lost": _("Lost"), "metric": _("Metric"), "concordance": _("Pairs ranked right"), "lift": _("Lift, top tenth"),
        "brier": _("Brier score (0 is best)"), "difference": _("Model − metric, points"),
        "verdict": _("Verdict"), "probability": _("Probability"),
        "mrr_at_risk": _("MRR at risk"), "mrr_low": _("MRR at risk, low"), "mrr_high": _("MRR at risk, high"),
        "borrowed": _("From an earlier year"), "notice_date": _("Notice given"), "leaves": _("First day without"),
        "change_made": _("Choice"), "s12": _("After 12 months"), "rmst": _("Mean stay, months"),
        "tau": _("Mean over months"),
        "months": _("Months after"), "landmarks": _("Fixed days"), "n_yes": _("Yes: accounts"),
        "n_no": _("No: accounts"), "lost_yes": _("Yes: notices"), "lost_no": _("No: notices"),
    }  # fmt: skip


def _show(frame: pd.DataFrame, caption: str, name: str, *, rates: bool = True, currency: str = "JPY") -> Html:
    """``rates``: whether low and high are shares (else plain numbers)."""
    for column in (c for c in _TESTS if c in frame):
        frame = frame.assign(**{column: [sentences.p_bare(p) for p in frame[column]]})
    shares = _RATES | ({"low", "high"} if rates else set())
    numbers = {"rmst"} | (set() if rates else {"estimate", "low", "high"})
    formats = {}
    for column in frame:
        kind = "number"
        if not pd.api.types.is_numeric_dtype(frame[column]):
            kind = "day" if pd.api.types.is_datetime64_any_dtype(frame[column]) else "text"
        elif column in _MONEY:
            kind = "money"
        elif column in numbers or column in _RATIOS:
            kind = "number2" if column in _RATIOS or name == "drivers" else "number1"
        elif column in _POINTS:
            kind = "rate_points"
        elif column in shares:
            kind = "percent"
        formats[str(column)] = "figure" if column in _TESTS or str(column).endswith("interval") else kind
    labels = {str(c): _headings().get(str(c)) or topic.column_name(str(c)) for c in frame.columns}
    labels |= {str(c): _headings()["interval"] for c in frame.columns if str(c).endswith("interval")}
    return table(frame, caption, name=name, labels=labels, formats=formats, currency=currency)


def table_drivers(drivers: pd.DataFrame) -> Html:
    """Hazard ratios, the check of their constancy, and what was left out and why."""
    frame = drivers.assign(
        covariate=words.names_of(drivers), note=[_(words.NOTES[n]) if n in words.NOTES else n for n in drivers["note"]]
    )
    return _show(frame.drop(columns="column"), _("Drivers of the notice"), "drivers", rates=False)


def table_landmark(differences: pd.DataFrame) -> Html:
    """Months without notice after fixed days, yes − no."""
    frame = differences.assign(covariate=[words.covariate_name(c, c) for c in differences["covariate"]])
    return _show(frame, _("After fixed days: months without notice, yes − no"), "landmark", rates=False)


def table_validation(validation: pd.DataFrame) -> Html:
    """Calibration by tenth."""
    return _show(validation, _("Predicted a year ago and come true"), "validation")


def table_scores(scores: pd.DataFrame) -> Html:
    """The model beside each single metric."""
    frame = scores.assign(
        metric=[risk_words.metric_name(m) for m in scores["metric"]],
        verdict=[_(risk_words.VERDICTS[v]) if v else "" for v in scores["verdict"]],
        interval=intervals(scores["low"], scores["high"]),
        difference_interval=intervals(100 * scores["difference_low"], 100 * scores["difference_high"], rate=False),
    )
    columns = [
        "metric", "concordance", "interval", "lift", "brier", "difference", "difference_interval", "verdict", "n",
        "lost",
    ]  # fmt: skip
    return _show(frame[columns], _("The model beside each single metric"), "scores")


def table_risk(risk: pd.DataFrame, *, accounts: pd.DataFrame | None = None, currency: str = "JPY") -> Html:
    """The risk list, most money first."""
    names = topic.account_names(accounts)
    frame = risk.assign(
        account_name=[names.get(str(a), str(a)) for a in risk["account_id"]],
        borrowed=[_("yes") if b else "" for b in risk["borrowed"]],
    )
    columns = ["account_name", "account_id", "mrr", "probability", "low", "high", "mrr_at_risk", "mrr_low", "mrr_high"]
    return _show(frame[[*columns, "borrowed"]], _("Risk list"), "risk", currency=currency)


def table_leaving(history: History, *, accounts: pd.DataFrame | None = None, currency: str = "JPY") -> Html:
    """The accounts that are on notice, outside the risk list."""
    names = topic.account_names(accounts)
    frame = history.leaving.sort_values(["leaves", "account_id"], kind="stable")
    frame = frame.assign(account_name=[names.get(str(a), str(a)) for a in frame["account_id"]])
    columns = ["account_name", "account_id", "mrr", "notice_date", "leaves"]
    return _show(frame[columns], _("On notice already"), "leaving", currency=currency)


def table_sensitivity(table: pd.DataFrame) -> Html:
    """The curve's headline figures under each choice."""
    frame = table.rename(columns={"events": "lost"}).assign(
        change_made=[_(words.CHANGES[c]) for c in table["change"]],
        s12_interval=intervals(table["s12_low"], table["s12_high"]),
        rmst_interval=intervals(table["rmst_low"], table["rmst_high"], rate=False),
    )
    columns = ["change_made", "n", "lost", "s12", "s12_interval", "rmst", "rmst_interval", "tau"]
    return _show(frame[columns], _("Other choices, other figures"), "sensitivity")
