"""Bars, stacked bars and the dot-and-interval chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from cs_analysis.display import language, sentences
from cs_analysis.display.axes import floats, value_axis
from cs_analysis.display.figure import label_bars, legend_below, more, note
from cs_analysis.display.language import _, ngettext
from cs_analysis.display.style import (
    DOWN,
    GRID,
    INK,
    PAPER,
    RULE,
    TOTAL,
    UP,
    short,
    strong,
)

MOST_BARS = 15
_INCREASES = ("#0072b2", "#56b4e9", "#b5dcf2")  # one hue each way, told apart in grey too
_DECREASES = ("#d55e00", "#e69f00", "#f6d79b")


def bars(
    ax: Axes,
    labels: Sequence[str],
    values: Sequence[float],
    low: Sequence[float] | None = None,
    high: Sequence[float] | None = None,
    *,
    kind: str = "number",
    currency: str = "JPY",
    upright: bool = False,
) -> Axes:
    """Bars from 0 with their values written, lying (for names) or upright (for what has an order).

    Beyond fifteen the rest of the lying bars are summed into one; rates cannot be summed and are left to the table.
    """
    names, amounts = [short(label) for label in labels], list(floats(values))
    lows = list(floats(low)) if low is not None else [np.nan] * len(amounts)
    highs = list(floats(high)) if high is not None else [np.nan] * len(amounts)
    rest = len(names) - MOST_BARS
    if rest > 0 and not upright:
        tail = float(np.nansum(amounts[MOST_BARS:]))
        names, amounts, lows, highs = names[:MOST_BARS], amounts[:MOST_BARS], lows[:MOST_BARS], highs[:MOST_BARS]
        if kind == "percent":
            more(ax, rest)
        else:
            names.append(ngettext("{n} other", "{n} others", rest).format(n=language.number(rest)))
            amounts, lows, highs = [*amounts, tail], [*lows, np.nan], [*highs, np.nan]
    colours = [
        TOTAL if rest > 0 and not upright and kind != "percent" and i == MOST_BARS else UP if not v < 0 else DOWN
        for i, v in enumerate(amounts)
    ]
    return (_upright if upright else _lying)(
        ax, names, np.array(amounts), np.array(lows), np.array(highs), colours, kind, currency
    )


def _lying(
    ax: Axes,
    names: list[str],
    values: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    colours: list[str],
    kind: str,
    currency: str,
) -> Axes:
    write = value_axis(ax, values, kind, currency=currency, which="x")
    places = np.arange(len(names))
    ax.barh(places, np.nan_to_num(values), height=0.62, color=colours, zorder=2)
    _whiskers(ax, places, low, high, across=True)
    reach = _reach(values, low, high)
    for place, value, top in zip(places, values, np.fmax(values, high), strict=True):
        edge = top if not value < 0 else 0
        ax.annotate(
            write(value), (np.nan_to_num(edge), place), (5, 0), "data", "offset points", va="center", fontsize=8.5
        )
    ax.set_xlim(min(0, reach[0]), (reach[1] or 1) * 1.1)
    ax.set_yticks(places, names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.grid(False)
    ax.axvline(0, color=RULE, linewidth=0.8)
    ax.spines["bottom"].set_visible(False)
    ax.tick_params(axis="x", length=0, labelbottom=False)
    ax.tick_params(axis="y", labelcolor=INK)
    return ax


def _upright(
    ax: Axes,
    names: list[str],
    values: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    colours: list[str],
    kind: str,
    currency: str,
) -> Axes:
    write = value_axis(ax, values, kind, currency=currency)
    places = np.arange(len(names))
    ax.bar(places, np.nan_to_num(values), width=0.66, color=colours, zorder=2)
    _whiskers(ax, places, low, high, across=False)
    bottom, top = _reach(values, low, high)
    if len(names) <= MOST_BARS:
        for place, value, end in zip(places, values, np.fmax(values, high), strict=True):
            edge = end if not value < 0 else 0
            ax.annotate(
                write(value), (place, np.nan_to_num(edge)), (0, 3), "data", "offset points", ha="center", fontsize=8
            )
    ax.set_ylim(bottom * 1.1, (top or 1) * 1.12)
    label_bars(ax, names)
    ax.axhline(0, color=RULE, linewidth=0.8)
    return ax


def _reach(*arrays: np.ndarray) -> tuple[float, float]:
    together = np.concatenate([a[np.isfinite(a)] for a in arrays] + [np.zeros(1)])
    return float(together.min()), float(together.max())


def _whiskers(ax: Axes, places: np.ndarray, low: np.ndarray, high: np.ndarray, *, across: bool) -> None:
    known = np.isfinite(low) & np.isfinite(high)
    if not known.any():
        return
    draw = ax.hlines if across else ax.vlines
    draw(places[known], low[known], high[known], color=INK, linewidth=1.2, zorder=4)
    note(ax, _("Whiskers are 95 % intervals."))


def stacked(
    ax: Axes,
    labels: Sequence[str],
    parts: Mapping[str, Sequence[float]],
    *,
    kind: str = "number",
    currency: str = "JPY",
) -> Axes:
    """Upright bars of several parts, increases above 0 in blues and decreases below it in oranges, dark to light."""
    places = np.arange(len(labels))
    above, below = np.zeros(len(labels)), np.zeros(len(labels))
    tints = {True: iter(_INCREASES), False: iter(_DECREASES)}
    for name, values in parts.items():
        amounts = np.nan_to_num(floats(values))
        colour = next(tints[bool(amounts.sum() >= 0)], TOTAL)
        start = np.where(amounts >= 0, above, below)
        ax.bar(
            places, amounts, bottom=start, width=0.74, color=colour, edgecolor=PAPER, linewidth=0.7, label=short(name)
        )
        above, below = above + np.clip(amounts, 0, None), below + np.clip(amounts, None, 0)
    value_axis(ax, np.concatenate([above, below]), kind, currency=currency)
    label_bars(ax, labels)
    ax.axhline(0, color=RULE, linewidth=0.8, zorder=3)
    legend_below(ax, 5)
    return ax


def forest(
    ax: Axes,
    labels: Sequence[str],
    values: Sequence[float],
    low: Sequence[float] | None,
    high: Sequence[float] | None,
    *,
    kind: str = "percent",
    currency: str = "JPY",
    reference: float | None = None,
    n: Sequence[float] | None = None,
    highlight: int | None = None,
    log: bool = False,
) -> Axes:
    """A dot and its interval per row, the figures written at the right.

    Parameters
    ----------
    low, high
        Bounds of the intervals; a row without them has an open dot. None for figures that are exact: plain dots, on an
        axis that shows their differences rather than 0.
    reference
        A level to draw a thin line at (1.0 for a retention of 100 %).
    n
        A count per row, written after the figures.
    highlight
        The row the others are compared with: a square, bold figures, and a dotted line at its value.
    log
        True for ratios: half and double lie equally far from 1. The axis ends at 1/50 and 50; a bound beyond is drawn
        to the edge, and its figure is written.
    """
    centre = floats(values)
    lows, highs = (np.full(len(centre), np.nan) if bound is None else floats(bound) for bound in (low, high))
    places = np.arange(len(centre))
    if log:
        _log_axis(ax, centre, lows, highs, reference)
    write = value_axis(ax, centre, kind, currency=currency, which="x")
    if reference is not None:
        ax.axvline(reference, color=RULE, linewidth=1, zorder=1)
    known = np.isfinite(lows) & np.isfinite(highs)
    ax.hlines(places[known], lows[known], highs[known], color=UP, linewidth=1.8, zorder=2)
    exact = low is None or high is None
    for place, value in enumerate(centre):
        marked = place == highlight
        if np.isfinite(value):
            face = UP if known[place] or exact else PAPER
            ax.plot(value, place, "s" if marked else "o", markersize=6, color=UP, markerfacecolor=face, zorder=3)
        words = write(value) if np.isfinite(value) else language.MISSING
        if known[place]:
            bounds = sentences.bounds(lows[place], highs[place], write)
            words = _("{value} ({details})").format(value=words, details=bounds)
        if n is not None:
            words += "   n " + language.number(n[place])
        _right_of(ax, place, words, bold=marked)
    if highlight is not None and np.isfinite(centre[highlight]):
        ax.axvline(centre[highlight], color=UP, linewidth=1, linestyle=(0, (1, 2)), zorder=1)
    ax.set_yticks(places, [short(label) for label in labels])
    ax.tick_params(axis="y", labelcolor=INK)
    ax.set_ylim(len(centre) - 0.4, -0.6)
    if not log:
        ax.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]))
    ax.hlines(places, *ax.get_xlim(), color=GRID, linewidth=0.8, zorder=0)
    ax.grid(False)
    said = [_("Dot: estimate; line: 95 % interval.")] if known.any() else []
    if not exact and (np.isfinite(centre) & ~known).any():
        said.append(_("Open dot: no interval, too few accounts changed."))
    if said:
        note(ax, " ".join(said))
    return ax


def _log_axis(ax: Axes, centre: np.ndarray, low: np.ndarray, high: np.ndarray, reference: float | None) -> None:
    """An axis on which half and double lie equally far from 1, with ticks at round ratios."""
    everything = np.concatenate([centre, low, high, [reference or np.nan]])
    known = everything[np.isfinite(everything) & (everything > 0)]
    least, most = (float(known.min()), float(known.max())) if len(known) else (0.5, 2.0)
    left, right = max(least / 1.15, 1 / 50), min(most * 1.15, 50.0)
    ax.set_xscale("log")
    ax.set_xlim(left, right)
    wide = right / left > 4
    steps = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50) if wide else (0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2)
    ax.xaxis.set_major_locator(FixedLocator([step for step in steps if left <= step <= right]))
    ax.xaxis.set_minor_locator(NullLocator())


def _right_of(ax: Axes, place: float, words: str, *, bold: bool) -> None:
    """The figures of a row, in a column at the right of the axes."""
    ax.annotate(
        words,
        (1, place),
        (10, 0),
        ax.get_yaxis_transform(),
        "offset points",
        va="center",
        fontsize=8,
        annotation_clip=False,
        **(strong(words) if bold else {}),
    )
