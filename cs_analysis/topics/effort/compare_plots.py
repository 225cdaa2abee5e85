"""Comparisons of hours drawn: each chart takes a metric's frame and an ax, and returns the ax."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from cs_analysis.display import charts, sentences
from cs_analysis.display.language import _, day, number
from cs_analysis.display.style import DOWN, GRID, INK, MUTED, PALETTE, PAPER, RULE, UP, short
from cs_analysis.stats import periods
from cs_analysis.stats.proportions import z_value
from cs_analysis.topics.effort import compare_words
from cs_analysis.topics.effort.words import given

MOST = 15
_TICKS = (0.2, 0.25, 0.33, 0.5, 0.67, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0)


def plot_funnel(comparison: pd.DataFrame, ax: Axes) -> Axes:
    """Hours ÷ expected hours of each CSM against the expected hours, in the funnel that chance alone leaves."""
    why = compare_words.no_comparison(comparison)
    rows = comparison[(comparison["expected"] > 0) & comparison["chance"].notna() & (comparison["ratio"] > 0)]
    if why or rows.empty:
        return charts.nothing(ax, why or compare_words.say_comparison(comparison))
    expected, ratio = (rows[c].to_numpy(dtype=float) for c in ("expected", "ratio"))
    width = float(np.median(rows["chance"].to_numpy(dtype=float) * np.sqrt(expected)))
    x = np.geomspace(expected.min() / 1.6, expected.max() * 1.15, 200)
    reach = np.log(ratio).tolist()
    for level, style in ((0.95, "-"), (0.998, "--")):
        half = z_value(level) * width / np.sqrt(x)
        for sign in (-1, 1):
            ax.plot(x, np.exp(sign * half), color=RULE, linewidth=1.1, linestyle=style, zorder=2)
        if level == 0.95:
            ax.fill_between(x, np.exp(-half), np.exp(half), color=GRID, alpha=0.45, linewidth=0, zorder=1)
        reach += [float(half[len(half) // 8]), float(-half[len(half) // 8])]
    ax.axhline(1.0, color=RULE, linewidth=1, zorder=1)
    flagged = (rows["verdict"] == "flagged").to_numpy()
    for chosen, marker, colour, size in ((~flagged, "o", UP, 34), (flagged, "s", PALETTE[1], 44)):
        ax.scatter(expected[chosen], ratio[chosen], s=size, marker=marker, color=colour, linewidths=0, zorder=4)
    few = len(rows) <= 12
    for name, at, height, marked in zip(rows["csm"], expected, ratio, flagged, strict=True):
        if few or marked:
            ax.annotate(short(given(name), 16), (at, height), (7, 4), textcoords="offset points", fontsize=8,
                        color=INK if marked else MUTED, bbox={"fc": PAPER, "ec": "none", "alpha": 0.7, "pad": 0.5},
                        zorder=3)  # fmt: skip
    _ratio_axis(ax, reach)
    charts.value_axis(ax, expected, "number", which="x")
    ax.set_xlim(x[0], x[-1] * 1.06)
    ax.set_xlabel(_("expected hours"))
    charts.note(
        ax, _("Chance alone leaves 95 of 100 CSMs inside the band, 998 of 1,000 inside the dashes. Square: differs.")
    )
    subtitle = _("Hours ÷ hours of comparable accounts, {n}")
    return charts.title(
        ax, _("Are the differences more than chance?"), subtitle.format(n=sentences.accounts(rows["n"].sum()))
    )


def plot_effects(comparison: pd.DataFrame, ax: Axes) -> Axes:
    """Each CSM's effect after shrinkage with its interval, by name: no ranking."""
    why = compare_words.no_comparison(comparison)
    rows = comparison[comparison["effect_low"].notna()]
    if why or rows.empty:
        return charts.nothing(ax, why or compare_words.say_comparison(comparison))
    shown = rows
    if len(rows) > MOST:  # those that differ, and the best known of the others; still by name
        kept = rows.assign(first=rows["verdict"] != "flagged").sort_values(["first", "n"], ascending=[True, False])
        shown = rows.loc[sorted(kept.index[:MOST])]
    values = [shown[c].to_numpy(dtype=float) for c in ("effect", "effect_low", "effect_high")]
    names = [given(c) + (" ■" if v == "flagged" else "") for c, v in zip(shown["csm"], shown["verdict"], strict=True)]
    charts.forest(ax, names, *values, kind="ratio", reference=1.0, n=shown["n"].tolist(), log=True)
    if (shown["verdict"] == "flagged").any():
        charts.note(ax, _("■ differs by more than chance."))
    charts.more(ax, len(rows) - len(shown))
    subtitle = _("Ratio to the CSMs' average at equal mix, drawn together by what chance does; by name")
    return charts.title(ax, _("How many hours an account takes, by CSM"), subtitle)


def plot_standards(standards: pd.DataFrame, ax: Axes) -> Axes:
    """Median and P90 of each task per account and month, and how far CSMs lie apart in it."""
    rows = standards[standards["median"].notna()].nlargest(MOST, "hours")
    if rows.empty:
        return charts.nothing(ax, compare_words.say_standards(standards))
    places = np.arange(len(rows))
    median, p90, low, high = (rows[c].to_numpy(dtype=float) for c in ("median", "p90", "spread_low", "spread_high"))
    known = np.isfinite(low) & np.isfinite(high)
    ax.barh(
        places[known], (median * (high - low))[known], left=(median * low)[known], height=0.5, color=DOWN, alpha=0.45,
        zorder=2,
    )  # fmt: skip
    ax.hlines(places, median, p90, color=UP, linewidth=1.8, zorder=3)
    ax.plot(median, places, "o", color=UP, markersize=6, zorder=4)
    ax.plot(p90, places, "|", color=UP, markersize=11, markeredgewidth=1.8, zorder=4)
    write = charts.value_axis(ax, p90, "number1", which="x")
    for place, middle, top, n in zip(places, median, p90, rows["n"], strict=True):
        text = _("{median} / {p90}").format(median=write(middle), p90=write(top)) + "   n " + number(n)
        ax.annotate(
            text, (1, place), (10, 0), ax.get_yaxis_transform(), "offset points", va="center", fontsize=8,
            annotation_clip=False,
        )  # fmt: skip
    ax.set_yticks(places, [short(given(t)) for t in rows["task"]])
    ax.tick_params(axis="y", labelcolor=INK)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlim(0, max(float(np.nanmax(p90)), 0.1) * 1.05)
    ax.set_xlabel(_("hours per account and month"))
    charts.note(ax, _("Dot: median; bar at the end of the line: P90; shaded: the median at the pace of each CSM."))
    charts.more(ax, len(standards) - len(rows))
    return charts.title(ax, _("What a task takes"), _("Accounts that have the task, most hours first; median / P90"))


def plot_hours_to_win(standards: pd.DataFrame, ax: Axes) -> Axes:
    """Hours to win per task with intervals, those that reach 0 included."""
    rows = standards[standards["hours_to_win"].notna() & standards["low"].notna()].head(MOST)
    if rows.empty:
        return charts.nothing(ax, compare_words.say_standards(standards))
    values = [rows[c].to_numpy(dtype=float) for c in ("hours_to_win", "low", "high")]
    charts.forest(ax, [given(t) for t in rows["task"]], *values, kind="number", reference=0.0, n=rows["n"].tolist())
    charts.more(ax, len(standards) - len(rows))
    subtitle = _("Hours over the months looked at, chosen on one half of the accounts and measured on the other")
    return charts.title(ax, _("Hours to win at the pace of the fastest quarter"), subtitle)


def plot_initiatives(effects: pd.DataFrame, ax: Axes) -> Axes:
    """What each initiative did, in all and by task."""
    rows = effects[effects["estimate"].notna()].head(MOST)
    if rows.empty:
        return charts.nothing(ax, compare_words.say_initiatives(effects))
    several = rows["initiative"].nunique() > 1
    names = []
    for row in rows.to_dict("records"):
        task = given(row["task"]) if row["task"] else _("all tasks")
        text = _("{initiative}, {task}") if several else "{task}"
        names.append(text.format(initiative=short(row["initiative"], 14), task=task))
    with_interval = rows["low"].notna().any()
    bounds = [rows[c].to_numpy(dtype=float) if with_interval else None for c in ("low", "high")]
    charts.forest(ax, names, rows["estimate"].to_numpy(dtype=float), *bounds, kind="percent", reference=0.0)
    if ax.get_xlim()[1] > 3:  # a bound that says little would push all else together; its figure is written
        ax.set_xlim(-1, 3)
    if not with_interval:
        charts.note(ax, _("No intervals: {why}.").format(why=compare_words.why(rows.iloc[0])))
    charts.more(ax, len(effects) - len(rows))
    if several:
        return charts.title(ax, _("What the initiatives did"), _("Change of hours per account and month"))
    key = str(rows["method"].iloc[0])
    method = _(compare_words.METHODS[key])
    title = _("What “{name}” did").format(name=rows["initiative"].iloc[0])
    return charts.title(ax, title, _("Change of hours per account and month; {method}").format(method=method))


def plot_initiative_path(path: pd.DataFrame, ax: Axes) -> Axes:
    """Touched against untouched accounts before and after the newest initiative that left some untouched."""
    if path.empty:
        return charts.nothing(ax, _("No initiative left some accounts untouched, so there is no path to compare with."))
    begins = path[path["step"] == 0].sort_values("month", kind="stable")
    name = (begins if len(begins) else path)["initiative"].iloc[-1]
    rows = path[path["initiative"] == name]
    series = {}
    for task, part in rows.groupby("task", sort=False):
        reference = (part["step"] == -1).to_numpy()
        days = [periods.first_day(periods.month_index(f"{m}-01")) for m in part["month"]]
        bounds = [np.where(reference, 1.0, part[c].to_numpy(dtype=float)) for c in ("low", "high")]
        series[given(task) if task else _("all tasks")] = (days, part["estimate"].to_numpy(dtype=float), *bounds)
    charts.lines(ax, series, kind="ratio", reference=1.0)
    start = rows.loc[rows["step"] >= 0, "month"]
    first = periods.first_day(periods.month_index(f"{start.min()}-01"))
    ax.axvline(first.toordinal() - periods.day("1970-01-01").toordinal(), color=INK, linewidth=1,
               linestyle=(0, (3, 2)), zorder=2)  # fmt: skip
    subtitle = _("Hours of the touched ÷ the untouched, last quarter before = 1; dashed: {start}")
    return charts.title(ax, _("Before and after “{name}”").format(name=name), subtitle.format(start=day(first)))


def _ratio_axis(ax: Axes, logs: list[float]) -> None:
    """A log axis of ratios that shows all of ``logs`` and even steps around 1."""
    span = min(max(max(abs(v) for v in logs) * 1.15, 0.25), np.log(20))
    ax.set_yscale("log")
    ax.set_ylim(np.exp(-span), np.exp(span))
    charts.value_axis(ax, [1.0], "ratio")
    ax.yaxis.set_major_locator(FixedLocator([t for t in _TICKS if abs(np.log(t)) <= span]))
    ax.yaxis.set_minor_locator(NullLocator())
