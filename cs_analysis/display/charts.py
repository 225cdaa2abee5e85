"""Charts: primitives that draw on one ``ax`` and return it.

A topic's ``plot_*`` function takes its metric's frame and an ``ax``, calls a primitive here and returns the ``ax``;
a notebook shows it with ``cs.chart(plot, frame, alt=…)``. Figures are made without pyplot: nothing is shown twice,
no window opens and no setting of the reader's changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cs_analysis.display import language
from cs_analysis.display.axes import as_date, floats, is_dates, limits, money_unit, month_axis, value_axis
from cs_analysis.display.bars import bars, forest, stacked
from cs_analysis.display.figure import Chart, EndLabel, chart, count_marks, legend_below, more, note, nothing, title
from cs_analysis.display.heat import heatmap
from cs_analysis.display.language import _
from cs_analysis.display.style import (
    DOWN,
    MUTED,
    PALETTE,
    PAPER,
    RULE,
    TOTAL,
    UP,
    drawable,
    readable,
    short,
    strong,
)

__all__ = [
    "Chart",
    "at_risk",
    "bars",
    "chart",
    "count_marks",
    "forest",
    "heatmap",
    "lines",
    "money_unit",
    "month_axis",
    "more",
    "note",
    "nothing",
    "stacked",
    "title",
    "value_axis",
    "waterfall",
]

MOST_LABELLED = 5
_STYLES = ("-", "--", "-.", ":")


def lines(
    ax: Axes,
    series: Mapping[str, tuple],
    *,
    kind: str = "number",
    currency: str = "JPY",
    step: bool = False,
    reference: float | None = None,
    dotted: Mapping[str, Sequence[bool]] | None = None,
) -> Axes:
    """Lines with their intervals as bands, labelled at their ends up to five, by a legend beyond.

    Parameters
    ----------
    series
        Label → ``(x, y)`` or ``(x, y, low, high)``; x are numbers or days, missing values leave a gap.
    kind
        How y is written: "percent" (fractions), "money", "number", "number1".
    step
        True for survival curves: the value holds until the next x.
    reference
        A level to draw a thin line at (1.0 for a retention of 100 %).
    dotted
        Label → for each x whether the line is dotted from there on, because too little stands behind it.
    """
    few = len(series) <= MOST_LABELLED
    everything: list[float] = [reference] if reference is not None else []
    ends, banded, days = [], False, []
    for i, (label, (x, y, *band)) in enumerate(series.items()):
        xs = list(x)
        if is_dates(xs):
            days += xs
            xs = list(mdates.date2num([as_date(v) for v in xs]))
        ys = floats(y)
        colour, name = PALETTE[i % len(PALETTE)], short(label)
        draw = {"drawstyle": "steps-post"} if step else {}
        style = "-" if few else _STYLES[i % 4]
        for part, thin in _runs(dotted.get(label) if dotted else None, len(xs)):
            drawn, named = ":" if thin else style, name if part.start == 0 else "_nolegend_"
            ax.plot(xs[part], ys[part], color=colour, label=named, linestyle=drawn, zorder=3, **draw)  # type: ignore[arg-type]
        if len(band) == 2 and np.isfinite(floats(band[0])).any():
            low, high = floats(band[0]), floats(band[1])
            ax.fill_between(xs, low, high, color=colour, alpha=0.15, linewidth=0, step="post" if step else None)  # type: ignore[arg-type]
            everything += [*low[np.isfinite(low)], *high[np.isfinite(high)]]
            banded = True
        known = np.flatnonzero(np.isfinite(ys))
        everything += list(ys[known])
        if len(known):
            ends.append((ys[known[-1]], name, colour))
            ax.plot(xs[known[-1]], ys[known[-1]], "o", color=colour, markersize=4, zorder=4)
    value_axis(ax, everything, kind, currency=currency)
    limits(ax, everything, kind)
    if reference is not None:
        ax.axhline(reference, color=RULE, linewidth=1, zorder=2)
    ax.margins(x=0.01)
    if days:
        month_axis(ax, days)
    if few and len(series) > 1:
        for y, name, colour in ends:
            EndLabel(ax, name, y, readable(colour))
    elif len(series) > 1:
        legend_below(ax, 4)
    if banded:
        note(ax, _("Bands are 95 % intervals."))
    return ax


def _runs(thin: Sequence[bool] | None, size: int) -> list[tuple[slice, bool]]:
    """The stretches of a line that are drawn alike, each up to the point where the next begins."""
    if thin is None or size < 2:
        return [(slice(0, size), False)]
    turns = [i for i in range(1, size - 1) if thin[i] != thin[i - 1]]
    return [(slice(a, b + 1), bool(thin[a])) for a, b in zip([0, *turns], [*turns, size - 1], strict=True)]


def at_risk(ax: Axes, times: Sequence[float], counts: Mapping[str, Sequence[float]], *, heading: str = "") -> Axes:
    """A small table under a survival curve: how many were still followed at each of ``times`` (x values)."""
    ax.set_xticks(list(times))
    across = ax.get_xaxis_transform()
    ax.annotate(
        drawable(heading or _("accounts at risk")),
        (0, 0),
        (-16, -38),
        ("axes fraction", "axes fraction"),
        "offset points",
        ha="right",
        va="center",
        fontsize=7.5,
        color=MUTED,
    )
    for row, (label, numbers) in enumerate(counts.items()):
        colour, down = readable(PALETTE[row % len(PALETTE)]), -51 - 12 * row
        ax.annotate(
            short(label, 18),
            (0, 0),
            (-16, down),
            "axes fraction",
            "offset points",
            ha="right",
            va="center",
            fontsize=8,
            color=colour,
        )
        for x, n in zip(times, numbers, strict=True):
            ax.annotate(
                language.number(n),
                (x, 0),
                (0, down),
                across,
                "offset points",
                ha="center",
                va="center",
                fontsize=8,
                color=colour,
            )
    return ax


def waterfall(
    ax: Axes, labels: Sequence[str], values: Sequence[float], kinds: Sequence[str], *, currency: str = "JPY"
) -> Axes:
    """A bridge of money from one level to another.

    When the changes are small beside the levels the axis is cut; then the level bars carry a break and a note says
    where the axis starts.

    Parameters
    ----------
    values
        The level for kind "total", the signed amount for kind "change".
    kinds
        "total" or "change" per bar; the first is a total.
    """
    amounts = floats(values)
    ends = np.array([v if k == "total" else 0.0 for v, k in zip(amounts, kinds, strict=True)])
    for i, kind in enumerate(kinds):
        if kind != "total":
            ends[i] = (ends[i - 1] if i else 0.0) + amounts[i]
    low, high = float(ends.min()), float(ends.max())
    floor = _floor(low, high)
    say_amount = value_axis(ax, [high, low], "money", currency=currency)
    head = (high - floor) * 0.03 or 1.0
    for i, (value, kind, end) in enumerate(zip(amounts, kinds, ends, strict=True)):
        start = floor if kind == "total" else end - value
        colour = TOTAL if kind == "total" else UP if value >= 0 else DOWN
        ax.bar(i, end - start, bottom=start, width=0.62, color=colour, zorder=3)
        sign = "+" if kind != "total" and value > 0 else ""
        ax.text(
            i,
            max(start, end) + head,
            sign + say_amount(value),
            ha="center",
            va="bottom",
            fontsize=8.5,
            **(strong(say_amount(value)) if kind == "total" else {}),
        )
        if i + 1 < len(ends):
            ax.plot([i + 0.31, i + 0.69], [end, end], color=RULE, linewidth=0.9, zorder=2)
        if floor and kind == "total":
            _break(ax, i, floor, high)
    ax.set_xlim(-0.6, len(ends) - 0.4)
    ax.set_ylim(floor, high + (high - floor) * 0.12)
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    ax.set_xticks(range(len(ends)), [short(label) for label in labels])
    ax.tick_params(axis="x", length=0)
    if floor:
        note(
            ax,
            _(
                "The axis is cut: it starts at {amount}, not at 0. Compare the changes, not the heights of grey bars."
            ).format(amount=language.money_short(floor, currency)),
        )
    return ax


def _floor(low: float, high: float) -> float:
    """Where the axis of a bridge starts: 0, or a round figure below the lowest level when the changes would vanish."""
    span = high - low
    if low <= 0 or span <= 0 or span > 0.25 * high:
        return 0.0
    size = 10.0 ** np.floor(np.log10(span))
    return float(max(0.0, np.floor((low - 0.55 * span) / size) * size))


def _break(ax: Axes, x: float, floor: float, high: float) -> None:
    """A white zigzag across a bar: the reader sees that its foot is missing."""
    at, teeth = floor + (high - floor) * 0.09, np.linspace(x - 0.36, x + 0.36, 9)
    rise = (high - floor) * 0.016 * np.where(np.arange(9) % 2, 1, -1)
    ax.plot(teeth, at + rise, color=PAPER, linewidth=4, zorder=4, solid_joinstyle="miter", solid_capstyle="butt")
