"""Time per account drawn: each chart takes a metric's frame and an ax, and returns the ax."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cs_analysis.data import topic
from cs_analysis.display import charts, sentences
from cs_analysis.display.language import _, label, month, number, percent
from cs_analysis.display.style import GRID, INK, MUTED, PALETTE, RULE, TOTAL, UP, is_japanese, short
from cs_analysis.topics.effort import words
from cs_analysis.topics.effort.capacity import Team, break_even
from cs_analysis.topics.effort.hours import window

MOST = 15  # rows of a chart; the rest is in the table
GROUPS = 5  # curves of a chart


def plot_coverage(checks: pd.DataFrame, ax: Axes, *, min_coverage: float = 0.6) -> Axes:
    """The share of the available hours that each CSM logged, thinnest first."""
    rows = checks[checks["coverage"].notna()].sort_values(["coverage", "csm"])
    if rows.empty:
        return charts.nothing(ax, words.say_coverage(checks.assign(logged=np.nan), checks))
    charts.bars(ax, rows["csm"].tolist(), rows["coverage"].tolist(), kind="percent")
    ax.axvline(min_coverage, color=INK, linewidth=1, linestyle=(0, (3, 2)), zorder=4)
    subtitle = _(
        "Logged ÷ available hours of all weeks, internal time included; dashed: {least}, the least to compare by"
    )
    return charts.title(ax, _("How much of the time is logged"), subtitle.format(least=percent(min_coverage, 0)))


def plot_hours(hours: pd.DataFrame, ax: Axes, *, as_of: Any, months: int = 12) -> Axes:
    """Customers' hours of the last months by task, most first; beyond fifteen the rest summed."""
    span = window(hours, as_of, months)
    recent = hours[hours["month"].isin(span) & (hours["account_id"] != "")]
    if not recent["hours"].sum() > 0:
        return charts.nothing(ax, _("No hours for customers were logged in the last complete months."))
    by = recent.groupby("task")["hours"].sum().sort_values(ascending=False, kind="stable")
    charts.bars(ax, [words.given(t) for t in by.index], by.tolist())
    subtitle = _("Hours for customers from {first} to {last}; internal time left out")
    return charts.title(
        ax, _("Hours by task"), subtitle.format(first=month(span[0]), last=month(span[-1]))
    )  # fmt: skip


def plot_concentration(table: pd.DataFrame, ax: Axes) -> Axes:
    """How the shares of hours and revenue add up over accounts, those with most hours first."""
    if table.empty or not table["hours"].sum() > 0:
        return charts.nothing(ax, _(words.NO_HOURS))
    step = max(1, len(table) // 200)
    keep = table[(table["rank"] % step == 0) | (table["rank"] == len(table))]
    x = [0.0, *keep["share_accounts"]]
    series = {_("hours"): (x, [0.0, *keep["share_hours"]])}
    if table["share_revenue"].notna().any():
        series[_("revenue")] = (x, [0.0, *keep["share_revenue"]])
    charts.lines(ax, series, kind="percent")
    ax.plot([0, 1], [0, 1], color=RULE, linewidth=1, zorder=1)
    ax.set_xlim(0, 1)
    charts.value_axis(ax, [1.0], "percent", which="x")
    ax.set_xlabel(_("share of the accounts, those with most hours first"))
    subtitle = _("Cumulated shares, {n}; the straight line would be equal shares for all")
    return charts.title(ax, _("How hours concentrate"), subtitle.format(n=sentences.accounts(len(table))))


def plot_quadrants(
    table: pd.DataFrame,
    ax: Axes,
    *,
    losing: pd.DataFrame | None = None,
    accounts: pd.DataFrame | None = None,
    currency: str = "JPY",
) -> Axes:
    """Hours × MRR of each account, with the lines of the middle accounts and the names that matter most."""
    if table.empty:
        return charts.nothing(ax, _("There are too few accounts with revenue to tell halves apart."))
    known, low = topic.account_names(accounts), set() if losing is None else set(losing["account_id"])
    dear = table["account_id"].isin(low)
    first = table["quadrant"] == "much_time_little_revenue"
    ax.set_yscale("log")
    for part, marker, colour, size, name in (
        (~first & ~dear, "o", TOTAL, 14, _("others")),
        (first & ~dear, "D", UP, 20, label("much_time_little_revenue", words.QUADRANT_LABELS)),
        (dear, "s", PALETTE[1], 28, _("costs more than it brings")),
    ):
        if part.any():
            ax.scatter(table.loc[part, "hours"], table.loc[part, "mrr"], s=size, marker=marker, color=colour,
                       label=name, linewidths=0, alpha=0.85, zorder=3)  # fmt: skip
    x, y = table["hours_median"].iloc[0], table["mrr_median"].iloc[0]
    ax.axvline(x, color=RULE, linewidth=1, zorder=1)
    ax.axhline(y, color=RULE, linewidth=1, zorder=1)
    ax.set_ylim(table["mrr"].min() / 1.5, table["mrr"].max() * 1.5)
    charts.value_axis(ax, table["mrr"], "money", currency=currency)
    ax.set_ylabel(_("MRR a month ({unit})").format(unit=ax.get_ylabel()) if ax.get_ylabel() else _("MRR a month"))
    ax.yaxis.set_minor_formatter("")
    ax.set_xlim(left=0)
    ax.set_xlabel(_("hours a month"))
    named = pd.concat([table[dear], table[first & ~dear]]).head(6)
    largest = table.nlargest(2, "hours")
    named = pd.concat([named, largest[~largest["account_id"].isin(named["account_id"])]])
    _name(ax, [(r.hours, r.mrr, short(known.get(r.account_id, r.account_id))) for r in topic.records(named)])
    _legend(ax)
    subtitle = _("Hours and mean MRR a month, {n} with revenue; lines: the middle account; MRR on a logarithmic axis")
    return charts.title(ax, _("Hours and revenue of each account"), subtitle.format(n=sentences.accounts(len(table))))


def plot_life(weeks: pd.DataFrame, ax: Axes, *, by: str = "", most: int = 52) -> Axes:
    """Mean hours per account by week of its life, with their intervals; one line per group."""
    rows = weeks[(weeks["week"] >= 1) & (weeks["week"] <= most) & (weeks["n"] >= 1) & weeks["estimate"].notna()]
    if rows.empty:
        return charts.nothing(ax, _("No account could be followed through a whole week of its life yet."))
    if by:
        sizes = rows.groupby(by)["hours"].sum().sort_values(ascending=False, kind="stable")
        parts = {words.given(g): _smooth(rows[rows[by] == g]) for g in sizes.index[:GROUPS]}
    else:
        parts = {_("all accounts"): _smooth(rows)}
    series = {
        name: (part["week"].tolist(), *(part[c].to_numpy() for c in ("estimate", "low", "high")))
        for name, part in parts.items()
        if len(part)
    }
    charts.lines(ax, series, kind="number1")
    ax.set_ylim(bottom=0)
    ax.set_xlabel(_("weeks since the start of the contract"))
    subtitle = _("Hours per account and week, weeks after the first in fours; up to {n}, while with us")
    return charts.title(ax, _("Hours over an account's life"), subtitle.format(n=sentences.accounts(rows["n"].max())))


def plot_phases(rates: pd.DataFrame, ax: Axes, *, by: str = "touch_model") -> Axes:
    """Hours per account and month, by phase within each group, with their intervals."""
    rows = rates[rates["estimate"].notna()]
    if rows.empty:
        return charts.nothing(ax, _("No account could be followed for any part of a month yet."))
    rows = rows.loc[rows["hours"].nlargest(MOST).index].sort_values([by, "estimate"], ascending=[True, False])
    names = [
        _("{group}, {phase}").format(group=words.given(g), phase=words.given(p))
        for g, p in zip(rows[by], rows["phase"], strict=True)
    ]
    values = [rows[c].to_numpy() for c in ("estimate", "low", "high")]
    charts.forest(ax, names, *values, kind="number1", n=rows["n"].tolist())
    ax.set_xlim(left=0)
    return charts.title(
        ax, _("Hours per account and month"), _("By {column} and phase; n is accounts").format(
            column=topic.column_name(by)
        )
    )  # fmt: skip


def plot_capacity(cells: pd.DataFrame, ax: Axes, *, team: Team) -> Axes:
    """Hours each account may take when one CSM looks after so many, and where each touch model stands on that curve."""
    rows = cells[cells["hours_per_account"].notna() & (cells["accounts"] > 0)]
    by = rows.groupby("touch_model", sort=True)[["hours_needed", "accounts"]].sum()
    rates = (by["hours_needed"] / by["accounts"]).sort_values(ascending=False, kind="stable")
    rates = rates[rates > 0].head(GROUPS)
    if rates.empty or not sentences.known(team.available) or not team.for_customers > 0:
        return charts.nothing(
            ax, _("Capacity cannot be told: there is no account with hours now, or nobody has hours.")
        )
    carried: Any = team.for_customers / rates
    top = float(max(carried.max() * 1.35, 20))
    x = np.geomspace(max(1.0, float(carried.min()) / 3), top, 120)
    ax.plot(x, break_even(team.for_customers, x), color=UP, zorder=3)
    for i, (touch, rate) in enumerate(zip(rates.index, rates, strict=True)):
        ax.plot(carried[touch], rate, "oDs^v"[i], color=PALETTE[1], markersize=7, zorder=4)
        text = _("{group}: {accounts} at {hours} each").format(
            group=short(words.given(touch), 14), accounts=sentences.accounts(int(carried[touch])),
            hours=sentences.figure(rate, "hours"),
        )  # fmt: skip
        ax.annotate(text, (carried[touch], rate), (9, 7), textcoords="offset points", fontsize=8.5, color=INK)
    ax.set_ylim(0, float(rates.max()) * 1.6)
    ax.set_xlim(0, top * 1.15)
    charts.value_axis(ax, [1.0], "number", which="x")
    ax.set_xlabel(_("accounts per CSM"))
    ax.set_ylabel(_("hours a month for each"))
    subtitle = _(
        "Curve: {hours} of a CSM's month for customers, divided by the accounts; marks: what accounts take today"
    )
    return charts.title(
        ax, _("How many accounts one CSM can carry"),
        subtitle.format(hours=sentences.figure(team.for_customers, "hours")),
    )  # fmt: skip


def plot_workload(table: pd.DataFrame, ax: Axes, *, months: int = 18) -> Axes:
    """Hours for customers and internal time beside the hours there were, and the plan for the months ahead."""
    past = table[~table["planned"].astype(bool)].tail(months)
    rows = pd.concat([past, table[table["planned"].astype(bool)]], ignore_index=True)
    if rows.empty:
        return charts.nothing(ax, _(words.NO_HOURS))
    ahead = rows["planned"].to_numpy(dtype=bool)
    spent = rows["customers"].to_numpy(dtype=float)
    parts = {_("logged"): list(np.where(ahead, 0.0, spent))}
    if ahead.any():
        parts[_("planned")] = list(np.where(ahead, spent, 0.0))
    charts.stacked(ax, [month(m) for m in rows["month"]], parts)
    for bar in ax.containers[-1] if ahead.any() else ():
        bar.set_hatch("////")
        bar.set_edgecolor(GRID)
    there = rows["for_customers"].to_numpy(dtype=float)
    if np.isfinite(there).any():
        ax.stairs(there, np.arange(len(rows) + 1) - 0.5, baseline=None, color=INK, linewidth=1.4, zorder=5)
        ax.set_ylim(0, max(float(np.nanmax(there)), ax.get_ylim()[1]) * 1.08)
    subtitle = _("Hours for customers a month; line: available hours, less internal time at its share of today")
    return charts.title(ax, _("Hours needed and hours available"), subtitle)


def plot_what_if(needs: pd.DataFrame, ax: Axes, *, team: Team) -> Axes:
    """CSMs needed as things are and under each change, beside those there."""
    rows = needs[needs["headcount"].notna()] if len(needs) else needs
    if rows.empty:
        return charts.nothing(
            ax, _("Capacity cannot be told: there is no account with hours now, or nobody has hours.")
        )
    values = [rows[c].to_numpy(dtype=float) for c in ("headcount", "headcount_low", "headcount_high")]
    names = words.lever_names(rows)
    charts.forest(ax, names, *values, kind="number1", reference=float(team.csms))
    ax.set_yticks(ax.get_yticks(), [textwrap.fill(short(name, 44), 22) for name in names])
    subtitle = _("CSMs, while internal time keeps its share; the line marks the {n} there are")
    if not team.internal:
        subtitle = _("CSMs, if all their time went to customers; the line marks the {n} there are")
    return charts.title(ax, _("CSMs needed"), subtitle.format(n=number(team.csms)))


def _smooth(rows: pd.DataFrame, span: int = 4) -> pd.DataFrame:
    """Every fourth week as the mean of four: single weeks of a few accounts are mostly noise. The first stays alone."""
    block = np.where(rows["week"] == 1, 0, (rows["week"] - 2) // span + 1)
    parts = rows.groupby(block).agg(
        week=("week", "mean"), estimate=("estimate", "mean"), low=("low", "mean"), high=("high", "mean")
    )
    return parts.reset_index(drop=True)


def _name(ax: Axes, points: list[tuple[float, float, str]]) -> None:
    """Names beside their points, those far right on the left of theirs; moved up where two would lie on each other."""
    placed: list[tuple[float, float, float]] = []
    reach = max((x for x, _y, _n in points), default=1.0)
    step = 0.042 * float(np.diff(np.log10(ax.get_ylim()))[0])
    for x, y, name in sorted(points, key=lambda p: p[1]):
        height, left = np.log10(max(y, 1e-9)), x > 0.9 * reach
        wide = reach * sum(0.019 if is_japanese(c) else 0.0115 for c in name)
        begin, end = (x - wide, x) if left else (x, x + wide)
        while any(abs(height - other) < 0.98 * step and begin < e and b < end for other, b, e in placed):
            height += step / 2
        placed.append((height, begin, end))
        ax.annotate(
            name, (x, y), (x + reach * (-0.012 if left else 0.012), 10**height), textcoords="data", fontsize=7.5,
            color=MUTED, va="center", ha="right" if left else "left",
        )  # fmt: skip


def _legend(ax: Axes) -> None:
    handles, _labels = ax.get_legend_handles_labels()
    if len(handles) > 1:
        ax.figure.legend(loc="outside lower left", ncols=3, fontsize=8, handlelength=1.2, borderaxespad=0)  # type: ignore[union-attr]
