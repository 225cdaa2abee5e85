"""The churn tables as a page shows them: headings in the reader's language, months and rates formatted."""

from __future__ import annotations

import pandas as pd

from cs_analysis.data import topic
from cs_analysis.display.html import Html, table
from cs_analysis.display.language import _
from cs_analysis.errors import N_
from cs_analysis.topics.churn import words

WEIGHTINGS = {"accounts": N_("accounts"), "mrr": N_("opening MRR")}
_RATES = {
    "estimate", "low", "high", "band_low", "band_high", "s12", "s12_low", "s12_high", "s24", "s24_low", "s24_high",
}  # fmt: skip
_MONTHS = {
    "median", "median_low", "median_high", "rmst", "rmst_low", "rmst_high", "rmst_difference", "solid_to", "longest",
}  # fmt: skip
_MONEY = {"mrr_due", "mrr_lost", "lost_12_mrr", "mrr_lost_12"}


def _headings() -> dict[str, str]:
    """One heading for each column name."""
    return topic.headings() | {
        "weighting": _("Weighted by"), "at_risk": _("At risk"), "events": _("Left"), "median": _("Median stay, months"),
        "median_low": _("Median, low"), "median_high": _("Median, high"), "s12": _("After 12 months"),
        "s12_low": _("12 months, low"), "s12_high": _("12 months, high"), "s24": _("After 24 months"),
        "s24_low": _("24 months, low"), "s24_high": _("24 months, high"), "rmst": _("Mean stay, months"),
        "rmst_low": _("Mean, low"), "rmst_high": _("Mean, high"), "tau": _("Mean over months"),
        "solid_to": _("Enough followed to, months"), "longest": _("Longest followed, months"),
        "month": _("Month of tenure"), "group_a": _("Group"), "group_b": _("Compared with"), "chi2": _("Log-rank"),
        "df": _("Degrees of freedom"), "p_holm": _("p after Holm"), "rmst_difference": _("Mean stay longer by, months"),
        "renewal": _("Renewal"), "due": _("Due"), "lost": _("Lost"), "mrr_due": _("MRR due"), "mrr_lost": _("MRR lost"),
        "lost_12": _("Lost, last 12 months"), "mrr_lost_12": _("MRR lost, last 12 months"), "reason": _("Reason"),
        "band_low": _("Band, low"), "band_high": _("Band, high"),
    }  # fmt: skip


def _show(frame: pd.DataFrame, caption: str, name: str, currency: str = "JPY", months: tuple[str, ...] = ()) -> Html:
    kinds = dict.fromkeys(_RATES, "percent") | dict.fromkeys((*_MONTHS, "month"), "number1")
    kinds |= dict.fromkeys(_MONEY, "money") | dict.fromkeys(months, "number1")
    kinds |= {"p": "number2", "p_holm": "number2", "chi2": "number2"}
    formats = {c: kinds.get(c, "number") for c in frame.columns}
    formats |= {c: "text" for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c])}
    headings = {c: _headings().get(c) or topic.column_name(c) for c in frame.columns}
    return table(frame, caption, name=name, labels=headings, formats=formats, currency=currency)


def table_curve(curve: pd.DataFrame, *, by: str = "") -> Html:
    """The curve at whole months."""
    whole = curve[curve["month"] % 1 == 0].drop(columns=["thin", "n"])
    frame = whole.assign(
        weighting=[_(WEIGHTINGS[w]) for w in whole["weighting"]],
        group=[words.group_name(g) for g in whole["group"]],
        month=whole["month"].astype(int),
    )
    if not by:
        frame = frame.drop(columns="group")
    caption = _("Share still there by month and {column}").format(column=topic.column_name(by))
    return _show(frame, caption if by else _("Share still there by month"), f"curve_{by}" if by else "curve")


def table_summary(summary: pd.DataFrame, *, by: str = "") -> Html:
    """What is read off each curve."""
    frame = summary.assign(group=[words.group_name(g) for g in summary["group"]]).drop(columns=["solid_to", "longest"])
    caption = _("How long accounts stay, by {column}").format(column=topic.column_name(by))
    return _show(frame, caption if by else _("How long accounts stay"), f"summary_{by}" if by else "summary")


def table_comparison(comparison: pd.DataFrame, *, by: str) -> Html:
    """Pairs of groups: log-rank and difference of the mean stay."""
    everyone = comparison["group_a"] == ""
    frame = comparison.assign(
        group_a=comparison["group_a"].mask(everyone, _("all groups at once")),
        group_b=comparison["group_b"].where(~everyone, ""),
    )
    caption = _("Differences by {column}").format(column=topic.column_name(by))
    return _show(frame, caption, "comparison", months=("low", "high"))


def table_renewals(renewals: pd.DataFrame, *, currency: str = "JPY") -> Html:
    """Renewals by their number."""
    return _show(renewals.drop(columns="kind"), _("Renewals due and lost, by number"), "renewals", currency)


def table_spike(spike: pd.DataFrame) -> Html:
    """Losses by month of tenure."""
    frame = spike.assign(renewal=[_("yes") if r else _("no") for r in spike["renewal"]])
    return _show(frame, _("Losses by month of tenure"), "spike")


def table_reasons(reasons: pd.DataFrame) -> Html:
    """The share lost for each reason after whole years."""
    years = reasons[(reasons["month"] % 12 == 0) & (reasons["month"] > 0)]
    frame = years.assign(reason=[words.reason_name(r) for r in years["reason"]], month=years["month"].astype(int))
    return _show(frame, _("Share lost for each reason, by year of tenure"), "reasons")
