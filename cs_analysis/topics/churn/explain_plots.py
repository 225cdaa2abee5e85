"""What explains departures, drawn: each chart takes a metric's frame and an ax, and returns the ax."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cs_analysis.data import topic
from cs_analysis.display import charts, sentences
from cs_analysis.display.language import _, money_short, ngettext, number
from cs_analysis.display.style import RULE, UP
from cs_analysis.topics.churn import explain_words as words
from cs_analysis.topics.churn import risk_words
from cs_analysis.topics.churn.validation import NOTHING

_MOST = 15  # accounts in the chart of the risk list


def plot_drivers(drivers: pd.DataFrame, ax: Axes, *, as_of: Any = None) -> Axes:
    """Hazard ratios with their intervals, on an axis on which half and double lie equally far from one."""
    rows = drivers[drivers["hazard_ratio"].notna()]
    if rows.empty:
        return charts.nothing(ax, _("No driver can be told yet: it takes ten notices for each."))
    values = [rows[c].tolist() for c in ("hazard_ratio", "low", "high")]
    charts.forest(ax, words.names_of(rows, compared=False), *values, kind="ratio", reference=1.0, log=True)
    ax.set_xlabel(_("hazard ratio"))
    events = int(drivers.attrs.get("events", 0))
    count = ngettext("{n} notice", "{n} notices", events).format(n=number(events))
    accounts = sentences.accounts(drivers.attrs.get("accounts", 0))
    subtitle = _("Factor on the rate of notices, all at once; {count}, {accounts}")
    return charts.title(
        ax, _("What goes with leaving"), topic.dated(subtitle.format(count=count, accounts=accounts), as_of)
    )


def plot_landmark(landmark: pd.DataFrame, ax: Axes, *, every: int = 3, as_of: Any = None) -> Axes:
    """Share without notice after fixed days, by what was true on those days, with the accounts at risk."""
    if landmark.empty:
        return charts.nothing(
            ax, _("No curves are drawn: nothing is on record, or one of the groups has fewer than five accounts.")
        )
    covariate = str(landmark["covariate"].iloc[0])
    series, counts = {}, {}
    last = float(np.ceil(landmark["month"].max()))
    times = list(np.arange(0.0, last + 0.5, every))
    for group in ("no", "yes"):
        part = landmark[landmark["group"] == group].sort_values("month")
        name = _(words.GROUPS[covariate][group])
        first = part.iloc[0]
        x = [0.0, *part["month"]]
        series[name] = (x, [1.0, *part["estimate"]], [1.0, *part["low"]], [1.0, *part["high"]])
        at = np.searchsorted(part["month"].to_numpy(), times, side="left")
        risk = np.append(part["at_risk"].to_numpy(dtype=float), 0.0)
        counts[name] = [float(first["at_risk"]) if t == 0 else float(risk[k]) for t, k in zip(times, at, strict=True)]
    charts.lines(ax, series, kind="percent", step=True)
    charts.at_risk(ax, times, counts)
    ax.set_xlabel(_("months since the fixed day"))
    yes, no = (_(words.GROUPS[covariate][group]) for group in ("yes", "no"))
    title = _("After fixed days: {yes} beside {no}").format(yes=yes, no=no)
    return charts.title(ax, title, topic.dated(_("Share of accounts without notice"), as_of))


def plot_validation(validation: pd.DataFrame, ax: Axes, *, as_of: Any = None) -> Axes:
    """Predicted against observed, by tenth, with intervals; on the diagonal the model is right."""
    if validation.empty:
        return charts.nothing(ax, _("The model cannot be checked: too few notices were known a year ago."))
    x, y, low, high = (validation[c].to_numpy(dtype=float) for c in ("predicted", "observed", "low", "high"))
    top = min(1.0, max(x.max(), high.max()) * 1.06)
    ax.plot([0, top], [0, top], color=RULE, linewidth=1, zorder=1)
    ax.vlines(x, low, high, color=UP, linewidth=1.6, zorder=2)
    ax.plot(x, y, "o", color=UP, markersize=6, zorder=3)
    for axis in ("x", "y"):
        charts.value_axis(ax, [0, top], "percent", which=axis)
    ax.set_xlim(0, max(x.max() * 1.1, 0.02))
    ax.set_ylim(0, top)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    ax.set_xlabel(_("predicted a year ago"))
    ax.set_ylabel(_("came true"))
    charts.note(ax, _("Dot: a group of accounts; line: 95 % interval; on the thin line the model is right."))
    subtitle = ngettext(
        "{accounts} in {n} group by predicted probability of notice",
        "{accounts} in {n} groups by predicted probability of notice",
        len(validation),
    )
    subtitle = subtitle.format(accounts=sentences.accounts(validation["n"].sum()), n=number(len(validation)))
    return charts.title(ax, _("Predicted and come true"), topic.dated(subtitle, as_of))


def plot_scores(scores: pd.DataFrame, ax: Axes, *, as_of: Any = None) -> Axes:
    """How well the model and each single metric rank those who left above those who stayed."""
    rows = scores[scores["concordance"].notna() & (scores["metric"] != NOTHING)]
    if rows.empty:
        return charts.nothing(ax, _("Whom the model ranks first cannot be judged: all were kept, or all were lost."))
    names = [risk_words.metric_name(m) for m in rows["metric"]]
    values = [rows[c].tolist() for c in ("concordance", "low", "high")]
    charts.forest(ax, names, *values, kind="percent", reference=0.5, highlight=0)
    ax.set_xlabel(_("share of pairs; 50 % is chance"))
    subtitle = _("Pairs in which the account that left was ranked above the one that stayed, {n}")
    subtitle = subtitle.format(n=sentences.accounts(rows["n"].iloc[0]))
    return charts.title(ax, _("The model beside each metric alone"), topic.dated(subtitle, as_of))


def plot_risk(
    risk: pd.DataFrame,
    ax: Axes,
    *,
    months: int = 6,
    accounts: pd.DataFrame | None = None,
    currency: str = "JPY",
    as_of: Any = None,
) -> Axes:
    """Money at risk by account, with its interval, most first."""
    if risk.empty or risk["probability"].notna().sum() == 0:
        return charts.nothing(ax, _("Who may leave next cannot be told: too few notices are known."))
    known = topic.account_names(accounts)
    foretold = risk[risk["probability"].notna()]
    rows, rest = foretold.head(_MOST), len(foretold) - _MOST
    names = [known.get(str(a), str(a)) for a in rows["account_id"]]
    values = [rows[c].tolist() for c in ("mrr_at_risk", "mrr_low", "mrr_high")]
    charts.bars(ax, names, *values, kind="money", currency=currency)
    if rest > 0:  # summed into one bar, many small risks would dwarf the accounts to call
        others = ngettext(
            "{n} more account with {amount} at risk is in the table.",
            "{n} more accounts with {amount} at risk together are in the table.",
            rest,
        )
        amount = money_short(float(foretold["mrr_at_risk"].iloc[_MOST:].sum()), currency)
        charts.note(ax, others.format(n=number(rest), amount=amount))
    subtitle = ngettext(
        "MRR × probability of notice within {n} month, {accounts}",
        "MRR × probability of notice within {n} months, {accounts}",
        months,
    ).format(n=number(months), accounts=sentences.accounts(len(foretold)))
    return charts.title(ax, _("Where money is at risk"), topic.dated(subtitle, as_of))


def plot_sensitivity(table: pd.DataFrame, ax: Axes, *, as_of: Any = None) -> Axes:
    """Twelve-month survival under each choice."""
    rows = table[table["s12"].notna()]
    if rows.empty:
        return charts.nothing(
            ax, _("Too few accounts were followed for twelve months, so other choices cannot be compared.")
        )
    names = [_(words.CHANGES[c]) for c in rows["change"]]
    values = [rows[c].tolist() for c in ("s12", "s12_low", "s12_high")]
    charts.forest(ax, names, *values, kind="percent", highlight=0, n=rows["n"].tolist())
    return charts.title(
        ax, _("One company, several choices"), topic.dated(_("Share still there after twelve months"), as_of)
    )
