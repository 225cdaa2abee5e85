"""Churn drawn: each chart takes a metric's frame and an ax, and returns the ax."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cs_analysis.data import topic
from cs_analysis.display import charts, sentences
from cs_analysis.display.axes import value_axis
from cs_analysis.display.figure import EndLabel
from cs_analysis.display.language import _, number
from cs_analysis.display.style import PALETTE, PAPER, TOTAL, readable, short
from cs_analysis.errors import N_
from cs_analysis.topics.churn import words
from cs_analysis.topics.churn.curves import MIN_N

THIN = N_("Dotted: fewer than {least} accounts were followed.")
MOST_REASONS = 6
STAYED = "#dfe3e8"  # those still there: a ground, not a reason


def plot_curve(curve: pd.DataFrame, ax: Axes, *, by: str = "", as_of: Any = None, min_n: int = MIN_N) -> Axes:
    """Survival as steps with bands and the accounts at risk below: by group, or accounts beside their MRR."""
    if curve.empty:
        return charts.nothing(ax, _(words.NOBODY) if not by else _("No group has enough accounts for a curve."))
    labels = {"accounts": _("accounts"), "mrr": _("opening MRR")}
    if by:
        drawn = curve[curve["weighting"] == "accounts"]
        parts = {str(group): part for group, part in drawn.groupby("group", sort=True)}
    else:
        parts = {label: curve[curve["weighting"] == key] for key, label in labels.items()}
    columns = ("month", "estimate", "band_low", "band_high")
    series = {label: tuple(part[c].to_numpy(dtype=float) for c in columns) for label, part in parts.items()}
    dotted = {label: part["thin"].to_numpy(dtype=bool) for label, part in parts.items()}
    charts.lines(ax, series, kind="percent", step=True, dotted=dotted)
    ax.set_ylim(top=1.015)
    told = [] if by else [_("The band of the MRR comes from accounts drawn again.")]
    if any(thin[:-1].any() for thin in dotted.values()):
        told.append(_(THIN).format(least=number(min_n)))
    if told:
        charts.note(ax, " ".join(told))
    counted = parts if by else {"": curve[curve["weighting"] == "accounts"]}
    _at_risk(ax, counted)
    n = int(sum(part["n"].iloc[0] for part in counted.values()))
    title = (
        _("Accounts still there, by {column}").format(column=topic.column_name(by)) if by else _("Who is still there")
    )
    return charts.title(ax, title, subtitle(_("Share by months since the start, {n}"), n, as_of))


def plot_spike(spike: pd.DataFrame, ax: Axes, *, as_of: Any = None, min_n: int = MIN_N) -> Axes:
    """The risk of being lost in each month of tenure; renewal months in another colour, with a diamond."""
    shown = spike[spike["at_risk"] >= min_n]
    if shown.empty or not shown["lost"].any():
        return charts.nothing(ax, words.say_spike(spike))
    months, height = shown["month"].to_numpy(), shown["estimate"].to_numpy(dtype=float)
    marked = shown["renewal"].to_numpy(dtype=bool)
    write = value_axis(ax, height, "percent")
    for those, colour, hatch in ((~marked, PALETTE[0], ""), (marked, PALETTE[1], "//")):
        ax.bar(months[those], height[those], width=0.8, color=colour, hatch=hatch, edgecolor=PAPER, zorder=3)
    top = float(height.max())
    ax.plot(months[marked], height[marked] + 0.035 * top, "D", color=PALETTE[1], markersize=5, zorder=4)
    for month, value in zip(months[marked], height[marked], strict=True):
        ax.annotate(write(value), (month, value + 0.035 * top), (0, 6), textcoords="offset points", ha="center",
                    fontsize=8.5, color=readable(PALETTE[1]))  # fmt: skip
    ax.set_ylim(0, top * 1.18)
    ax.set_xlim(months[0] - 1, months[-1] + 1)
    ax.set_xlabel(_("month of tenure"))
    every = _every(float(months[-1]))
    times = list(range(every, int(months[-1]) + 1, every)) or [int(months[-1])]
    charts.at_risk(ax, times, {"": shown.set_index("month")["at_risk"].reindex(times).tolist()})
    charts.note(
        ax,
        _("Diamond: a renewal month. Months with fewer than {least} accounts are left out.").format(
            least=number(min_n)
        ),
    )
    lost = int(shown["lost"].sum())
    return charts.title(
        ax, _("When accounts are lost"), subtitle(_("Share lost in each month, {n}"), lost, as_of, words.departures)
    )


def plot_renewals(renewals: pd.DataFrame, ax: Axes, *, as_of: Any = None) -> Axes:
    """The share lost at each renewal, with its interval."""
    if renewals.empty:
        return charts.nothing(ax, words.say_renewals(renewals))
    rows = renewals.head(10)
    labels = [words.renewal_name(r.renewal, r.kind) for r in topic.records(rows)]
    values = [rows[c].to_numpy(dtype=float) for c in ("estimate", "low", "high")]
    charts.forest(ax, labels, *values, kind="percent", n=rows["due"].tolist())
    ax.set_xlabel(_("share lost"))
    text = subtitle(_("Share of those due, {n}"), int(renewals["due"].sum()), as_of, words.renewals_due)
    title = _("Accounts lost at renewal") if rows["kind"].iloc[0] == "renewal" else _("Accounts lost at anniversaries")
    return charts.title(ax, title, text)


def plot_reasons(reasons: pd.DataFrame, ax: Axes, *, as_of: Any = None, min_n: int = MIN_N) -> Axes:
    """The share lost for each reason on top of the share still there: together all accounts."""
    shown = reasons[reasons["at_risk"] >= min_n]
    if shown.empty:
        return charts.nothing(ax, words.say_reasons(reasons))
    wide = shown.pivot(index="month", columns="reason", values="estimate")
    wide = wide[list(dict.fromkeys(shown["reason"]))].sort_index()
    months, lost = wide.index.to_numpy(dtype=float), _largest(wide)
    base = 1 - wide.sum(axis=1).to_numpy(dtype=float)
    ax.fill_between(months, 0, base, step="post", color=STAYED, linewidth=0)
    EndLabel(ax, _("still there"), float(base[-1]) / 2, readable(TOTAL))
    colours = dict(zip(lost, PALETTE, strict=False)) | {words.reason_name(""): TOTAL}
    for name, part in reversed(lost.items()):
        colour = colours[name]
        ax.fill_between(months, base, base + part, step="post", color=colour, linewidth=0)
        EndLabel(ax, short(name), float(base[-1] + part[-1] / 2), readable(colour))
        base = base + part
    value_axis(ax, [0.0, 1.0], "percent")
    ax.set_ylim(0, 1)
    ax.set_xlim(months[0], months[-1])
    first = shown[shown["reason"] == shown["reason"].iloc[0]]
    _at_risk(ax, {"": first})
    charts.note(ax, _("The areas add up to all accounts; from top to bottom as labelled on the right."))
    n = int(reasons.drop_duplicates("reason")["lost"].sum())
    return charts.title(
        ax,
        _("Why accounts leave"),
        subtitle(_("Share lost by months since the start, {n}"), n, as_of, words.departures),
    )


def plot_comparison(comparison: pd.DataFrame, ax: Axes, *, by: str, as_of: Any = None) -> Axes:
    """How much longer one group stays than another, with the interval."""
    rows = comparison[comparison["rmst_difference"].notna()]
    if rows.empty:
        return charts.nothing(ax, _("There is nothing to compare by {column}.").format(column=topic.column_name(by)))
    rows = rows.reindex(rows["rmst_difference"].abs().sort_values(ascending=False, kind="stable").index).head(15)
    labels = [_("{a} − {b}").format(a=short(r.group_a, 10), b=short(r.group_b, 10)) for r in topic.records(rows)]
    values = [rows[c].to_numpy(dtype=float) for c in ("rmst_difference", "low", "high")]
    charts.forest(ax, labels, *values, kind="number1", reference=0.0)
    ax.set_xlabel(_("months"))
    text = _("Difference of the mean stay over the first {tau} months, in months").format(
        tau=number(rows["tau"].iloc[0])
    )
    return charts.title(ax, _("Differences by {column}").format(column=topic.column_name(by)), topic.dated(text, as_of))


def subtitle(text: str, n: int, as_of: Any, count: Any = sentences.accounts) -> str:
    """What is drawn, of how many, and as of when."""
    return topic.dated(text.format(n=count(n)), as_of)


def _largest(wide: pd.DataFrame) -> dict[str, np.ndarray]:
    """Reason → share by month, largest first; the smallest summed when there are many, the blank one last."""
    shares = {str(name): wide[name].to_numpy(dtype=float) for name in wide}
    blank = shares.pop("", None)
    order = sorted(shares, key=lambda name: -shares[name][-1])
    kept = order if len(order) <= MOST_REASONS else order[: MOST_REASONS - 1]
    found = {name: shares[name] for name in kept}
    if len(kept) < len(order):
        found[_("other reasons")] = np.sum([shares[name] for name in order[len(kept) :]], axis=0)
    return found if blank is None else found | {words.reason_name(""): blank}


def _at_risk(ax: Axes, parts: dict[str, pd.DataFrame]) -> None:
    """The accounts followed at a few months, one row per curve."""
    last = max(float(part["month"].max()) for part in parts.values())
    times = list(range(0, int(last) + 1, _every(last)))
    counts = {}
    for label, part in parts.items():
        known = part.drop_duplicates("month").set_index("month")["at_risk"]
        counts[label] = known.reindex(times).fillna(0).tolist()
    ax.set_xlabel(_("months since the start"))
    charts.at_risk(ax, times, counts)


def _every(last: float) -> int:
    """Months between ticks: whole parts or multiples of a year, at most nine ticks."""
    return next(step for step in (1, 2, 3, 6, 12, 24, 36, 60, 120, 600) if last / step <= 8 or step == 600)
