"""The churn tables as a page shows them: headings in the reader's language, months and rates formatted."""

from __future__ import annotations

import pandas as pd

from cs_analysis.data import topic
from cs_analysis.display import sentences
from cs_analysis.display.html import Html, table
from cs_analysis.display.language import _, number, percent
from cs_analysis.errors import N_
from cs_analysis.topics.churn import words

WEIGHTINGS = {"accounts": N_("accounts"), "mrr": N_("opening MRR")}
_RATES = {"estimate", "low", "high", "band_low", "band_high", "s12", "s24"}
_MONTHS = {"median", "rmst", "rmst_difference"}
_MONEY = {"mrr_due", "mrr_lost", "lost_12_mrr", "mrr_lost_12"}


def _headings() -> dict[str, str]:
    """One heading for each column name."""
    return topic.headings() | {
        "weighting": _("Weighted by"), "at_risk": _("Accounts at risk"), "events": _("Left"),
        "median": _("Median stay, months"),
        "s12": _("After 12 months"), "s24": _("After 24 months"), "rmst": _("Mean stay, months"),
        "tau": _("Mean over months"),
        "month": _("Month of tenure"), "group_a": _("Group"), "group_b": _("Compared with"), "chi2": _("Log-rank"),
        "df": _("Degrees of freedom"), "p_holm": _("p after Holm"), "rmst_difference": _("Mean stay longer by, months"),
        "renewal": _("Renewal"), "due": _("Due"), "lost": _("Lost"), "mrr_due": _("MRR due"), "mrr_lost": _("MRR lost"),
        "lost_12": _("Lost, last 12 months"), "mrr_lost_12": _("MRR lost, last 12 months"), "reason": _("Reason"),
        "band_low": _("Band, low"), "band_high": _("Band, high"),
    }  # fmt: skip


def _show(
    frame: pd.DataFrame, caption: str, name: str, currency: str = "JPY", labels: dict[str, str] | None = None
) -> Html:
    if frame.empty:
        return Html("")
    kinds = dict.fromkeys(_RATES, "percent") | dict.fromkeys(_MONTHS, "number1") | dict.fromkeys(_MONEY, "money")
    formats = {c: kinds.get(c, "number") for c in frame.columns} | {"chi2": "number2"}
    formats |= {c: "text" for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c])}
    formats |= {c: "figure" for c in frame.columns if c.endswith("interval") or c in ("p", "p_holm")}
    headings = {c: _headings().get(c) or topic.column_name(c) for c in frame.columns}
    headings |= {c: _headings()["interval"] for c in frame.columns if c.endswith("interval")}
    headings |= labels or {}
    formats = {c: formats[c] for c in frame.columns}
    return table(frame, caption, name=name, labels=headings, formats=formats, currency=currency)


def intervals(low: pd.Series, high: pd.Series, *, rate: bool = True) -> list[str]:
    """Two columns of bounds as one column of cells; months where they are no rate, "from 48.0" without an end."""
    return [sentences.bounds(a, b, percent if rate else _one_digit) for a, b in zip(low, high, strict=True)]


def _one_digit(value: float) -> str:
    return number(value, 1)


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
    frame = pd.DataFrame(
        {
            "group": [words.group_name(g) for g in summary["group"]],
            **{c: summary[c].to_numpy() for c in ("n", "events", "median")},
            "median_interval": intervals(summary["median_low"], summary["median_high"], rate=False),
            "s12": summary["s12"].to_numpy(),
            "s12_interval": intervals(summary["s12_low"], summary["s12_high"]),
            "s24": summary["s24"].to_numpy(),
            "s24_interval": intervals(summary["s24_low"], summary["s24_high"]),
            "rmst": summary["rmst"].to_numpy(),
            "rmst_interval": intervals(summary["rmst_low"], summary["rmst_high"], rate=False),
        }
    )
    tau = summary["tau"].iloc[0] if len(summary) else None
    labels = {"rmst": _("Mean stay in the first {tau} months").format(tau=number(tau))} if sentences.known(tau) else {}
    caption = _("How long accounts stay, by {column}").format(column=topic.column_name(by))
    return _show(
        frame, caption if by else _("How long accounts stay"), f"summary_{by}" if by else "summary", labels=labels
    )


def table_comparison(comparison: pd.DataFrame, *, by: str) -> Html:
    """Pairs of groups: log-rank and difference of the mean stay."""
    everyone = comparison["group_a"] == ""
    frame = comparison.assign(
        group_a=comparison["group_a"].mask(everyone, _("all groups at once")),
        group_b=comparison["group_b"].where(~everyone, ""),
        p=[sentences.p_bare(p) for p in comparison["p"]],
        p_holm=[sentences.p_bare(p) for p in comparison["p_holm"]],
        interval=intervals(comparison["low"], comparison["high"], rate=False),
    )
    columns = ["group_a", "group_b", "chi2", "df", "p", "p_holm", "rmst_difference", "interval", "tau"]
    caption = _("Differences by {column}").format(column=topic.column_name(by))
    return _show(frame[columns], caption, "comparison")


def table_renewals(renewals: pd.DataFrame, *, currency: str = "JPY") -> Html:
    """Renewals by their number."""
    return _show(renewals.drop(columns="kind"), _("Renewals due and lost, by number"), "renewals", currency)


def table_spike(spike: pd.DataFrame) -> Html:
    """Losses by month of tenure."""
    frame = spike.assign(
        month=spike["month"].astype(int), renewal=[_("yes") if r else _("no") for r in spike["renewal"]]
    )
    return _show(frame, _("Losses by month of tenure"), "spike")


def table_reasons(reasons: pd.DataFrame) -> Html:
    """The share lost for each reason after whole years."""
    years = reasons[(reasons["month"] % 12 == 0) & (reasons["month"] > 0)]
    frame = years.assign(reason=[words.reason_name(r) for r in years["reason"]], month=years["month"].astype(int))
    return _show(frame, _("Share lost for each reason, by year of tenure"), "reasons")
