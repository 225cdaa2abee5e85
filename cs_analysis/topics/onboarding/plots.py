"""Onboarding drawn: each chart takes a metric's frame and an ax, and returns the ax."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cs_analysis.data import topic
from cs_analysis.display import charts, sentences
from cs_analysis.display.axes import value_axis
from cs_analysis.display.language import _, label, number, percent
from cs_analysis.display.style import INK, PALETTE, PAPER, RULE, TOTAL, short
from cs_analysis.topics.onboarding import words
from cs_analysis.topics.onboarding.durations import ALL

UNTIL = 180  # days drawn
MOST_LINES = 5
MOST_BARS = 15
_COURTS = {"us": (PALETTE[0], ""), "customer": (PALETTE[1], "//")}  # hatch says the same as the colour


def plot_curve(curve: pd.DataFrame, ax: Axes, *, by: str = "", as_of: Any = None, until: int = UNTIL) -> Axes:
    """The share gone live by day, with bands and the number still open; of the largest groups with ``by``."""
    rows = curve[curve["by"] == (by or ALL)]
    if rows.empty:
        return charts.nothing(ax, _("No group has enough onboardings for a curve.") if by else _(words.NOBODY))
    sizes = rows.groupby("group")["n"].first().sort_values(ascending=False, kind="stable")
    chosen = [group for group in dict.fromkeys(rows["group"]) if group in set(sizes.index[:MOST_LINES])]
    parts = {label(group, words.GROUP_LABELS): rows[rows["group"] == group] for group in chosen}
    title = _("Share gone live by {column}").format(column=words.column(by)) if by else _("Share gone live")
    subtitle = _("By days since the start, {n}; who left before never counts as live").format(
        n=words.onboardings_words(sum(sizes[chosen]))
    )
    return _curves(ax, parts, "day", until, title, topic.dated(subtitle, as_of))


def plot_before_after(curve: pd.DataFrame, ax: Axes, *, as_of: Any = None) -> Axes:
    """The share gone live of those begun before an initiative and of those begun since."""
    rows = curve
    if rows["group"].nunique() < 2:
        text = _("There is no initiative with enough onboardings before and after it to draw.")
        return charts.nothing(ax, text)
    parts = {label(g, words.GROUP_LABELS): rows[rows["group"] == g] for g in ("before", "after")}
    n = sum(part["n"].iloc[0] for part in parts.values())
    title = _("Before and after: {initiative}").format(initiative=rows["initiative"].iloc[0])
    subtitle = _("Share gone live by days since the start, {n}, whatever their mix").format(
        n=words.onboardings_words(n)
    )
    return _curves(ax, parts, "day", UNTIL, title, topic.dated(subtitle, as_of))


def plot_later(curve: pd.DataFrame, ax: Axes, *, landmark: float, as_of: Any = None) -> Axes:
    """The share still customers after the landmark, of those live by then and of those not."""
    if curve.empty:
        return charts.nothing(ax, _("Too few accounts on either side of this day to draw."))
    parts = {label(g, words.GROUP_LABELS): curve[curve["group"] == g] for g in ("live", "not_live")}
    n = sum(part["at_risk"].max() for part in parts.values())
    subtitle = _("Share by months since day {day} of the onboarding, {n} with us on that day").format(
        day=number(landmark), n=sentences.accounts(n)
    )
    months = min(float(part["month"].max()) for part in parts.values())
    return _curves(ax, parts, "month", months, _("Still customers later"), topic.dated(subtitle, as_of), start=1.0)


def _curves(
    ax: Axes, parts: dict[str, pd.DataFrame], x: str, until: float, title: str, subtitle: str, *, start: float = 0.0
) -> Axes:
    """Step curves from 0 on, with a table of how many were followed."""
    longest = min(float(until), max(float(part[x].max()) for part in parts.values()))
    series, counts = {}, {}
    apart = (1, 7, 15, 30, 60, 90, 180, 365) if x == "day" else (1, 2, 3, 6, 12, 24, 36)
    every = next((e for e in apart if longest / e <= 7), 10_000)
    times = np.arange(0, longest + 1e-9, every)
    for name, part in parts.items():
        shown = part[part[x] <= longest]
        at = np.concatenate([[0.0], shown[x].to_numpy(dtype=float)])
        columns = [np.concatenate([[start], shown["estimate"].to_numpy(dtype=float)])]
        columns += [np.concatenate([[np.nan], shown[c].to_numpy(dtype=float)]) for c in ("low", "high")]
        series[name] = (at, *columns)
        place = np.searchsorted(part[x].to_numpy(dtype=float), times)
        risk = np.append(part["at_risk"].to_numpy(), 0)
        counts[name] = risk[np.minimum(place, len(part))].tolist()
    charts.lines(ax, series, kind="percent", step=True)
    if start == 0.0:
        ax.set_ylim(0, 1.015)
    ax.set_xlim(0, max(longest, 1.0) * 1.01)
    heading = _("not yet live") if start == 0.0 else ""
    ax.set_xlabel(_("days since the start") if x == "day" else _("months since that day"))
    charts.at_risk(
        ax, times.tolist(), counts if len(counts) > 1 else {"": next(iter(counts.values()))}, heading=heading
    )
    return charts.title(ax, title, subtitle)


def plot_groups(durations: pd.DataFrame, ax: Axes, *, by: str, as_of: Any = None) -> Axes:
    """The restricted mean of days not yet live of each group, with its interval."""
    rows = durations[(durations["by"] == by) & durations["rmst"].notna()]
    if rows.empty:
        return charts.nothing(ax, _("No group has enough onboardings for a curve."))
    if by != "cohort":
        rows = rows.nlargest(MOST_BARS, "n")
    rows = rows.tail(MOST_BARS)
    values = [rows[c].to_numpy(dtype=float) for c in ("rmst", "rmst_low", "rmst_high")]
    charts.forest(ax, [str(g) for g in rows["group"]], *values, kind="number1", n=rows["n"].tolist())
    ax.set_xlabel(_("days"))
    overall = words.of_all(durations)["rmst"]
    if np.isfinite(overall):
        ax.axvline(overall, color=RULE, linewidth=1, linestyle=(0, (1, 2)), zorder=1)
        charts.note(ax, _("Dotted: all onboardings."))
    title = _("Days not yet live by {column}").format(column=words.column(by))
    subtitle = _("Mean of the first {tau} days; lower is faster").format(tau=number(rows["tau"].iloc[0]))
    return charts.title(ax, title, topic.dated(subtitle, as_of))


def plot_steps(steps: pd.DataFrame, ax: Axes, *, as_of: Any = None) -> Axes:
    """From start to live: the mean wait of each step after the one before it, coloured and named by whose court."""
    rows = _by_step(steps)
    if rows.empty or not rows["mean_wait"].sum():
        return charts.nothing(ax, _("No step has waited yet, so there is no bottleneck to name."))
    starts = np.concatenate([[0.0], rows["mean_wait"].cumsum().to_numpy()[:-1]])
    total = float(rows["mean_wait"].sum())
    value_axis(ax, [total], "number", which="x")
    for place, (begin, wait, owner, share) in enumerate(
        zip(starts, rows["mean_wait"], rows["owner"], rows["share_of_wait"], strict=True)
    ):
        colour, hatch = _COURTS.get(owner, (TOTAL, ".."))
        ax.barh(place, wait, left=begin, height=0.62, color=colour, hatch=hatch, edgecolor=PAPER, zorder=3)
        if place + 1 < len(rows):
            ax.plot([begin + wait] * 2, [place + 0.31, place + 0.69], color=RULE, linewidth=0.9, zorder=2)
        said = _("{days} days · {share} of waiting · {owner}").format(
            days=number(wait, 1), share=percent(share, 0), owner=label(owner, words.OWNER_LABELS)
        )
        ax.annotate(
            said, (1, place), (10, 0), ax.get_yaxis_transform(), "offset points", va="center", fontsize=8,
            annotation_clip=False,
        )  # fmt: skip
    ax.set_yticks(range(len(rows)), [short(step) for step in rows["step"]])
    ax.tick_params(axis="y", labelcolor=INK)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlim(0, total * 1.02)
    ax.grid(False)
    ax.set_xlabel(_("days since the start"))
    charts.note(
        ax, _("Mean days per step; a wait over {tau} days counts as {tau}.").format(tau=number(rows["tau"].max()))
    )
    title, subtitle = _("Where the days go"), _("From start to live, {n}; open waits included")
    return charts.title(ax, title, topic.dated(subtitle.format(n=words.onboardings_words(rows["n"].max())), as_of))


def _by_step(steps: pd.DataFrame) -> pd.DataFrame:
    """One row per step: the mean over its owners, weighted by n, and the owner who has it most often."""
    rows = steps[steps["mean_wait"].notna()]
    weighted = rows.assign(total=rows["mean_wait"] * rows["n"]).sort_values("n", ascending=False, kind="stable")
    summed = weighted.groupby("step", sort=False).agg(
        total=("total", "sum"), n=("n", "sum"), share_of_wait=("share_of_wait", "sum"), owner=("owner", "first"),
        place=("place", "first"), tau=("tau", "first"),
    )  # fmt: skip
    summed["mean_wait"] = summed["total"] / summed["n"]
    return summed.reset_index().sort_values(["place", "step"], kind="stable", ignore_index=True)


def plot_stuck(stuck: pd.DataFrame, ax: Axes, *, accounts: pd.DataFrame | None = None, as_of: Any = None) -> Axes:
    """How long each stuck account has waited in its step, beside what comparable accounts needed."""
    if stuck.empty:
        return charts.nothing(ax, _("No open onboarding is stuck."))
    names = topic.account_names(accounts)
    rows = stuck.head(MOST_BARS)
    labels = [
        _("{account} · {step}").format(account=short(names.get(a, a), 20), step=short(s, 14))
        for a, s in zip(rows["account_id"], rows["step"], strict=True)
    ]
    limits = rows["p80"].to_numpy(dtype=float)
    waited = rows["days_open"].to_numpy(dtype=float)
    write = value_axis(ax, waited, "number", which="x")
    places = np.arange(len(rows))
    ax.barh(places, waited, height=0.62, color=PALETTE[0], zorder=2)
    ax.vlines(limits, places - 0.42, places + 0.42, color=INK, linewidth=2, zorder=4)
    for place, value in zip(places, waited, strict=True):
        ax.annotate(write(value), (value, place), (5, 0), "data", "offset points", va="center", fontsize=8.5)
    ax.set_yticks(places, labels)
    ax.tick_params(axis="y", labelcolor=INK)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlim(0, waited.max() * 1.1)
    ax.grid(False)
    ax.set_xlabel(_("days waited in the step"))
    charts.note(ax, _("Upright mark: what four fifths of comparable accounts needed, or the longest completed wait."))
    subtitle = _("{n}, most MRR first").format(n=sentences.accounts(len(stuck)))
    if len(stuck) > len(rows):
        subtitle += _("; the first {n} are drawn").format(n=number(len(rows)))
    return charts.title(ax, _("Stuck onboardings"), topic.dated(subtitle, as_of))
