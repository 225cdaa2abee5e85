"""Charts: primitives that draw on one ``ax`` and return it.

A topic's ``plot_*`` function takes its metric's frame and an ``ax``, calls a primitive here and returns the ``ax``;
a notebook shows it with ``cs.chart(plot, frame, alt=…)``. Figures are made without pyplot: nothing is shown twice,
no window opens and no setting of the reader's changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize, TwoSlopeNorm
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from cs_analysis.display import language
from cs_analysis.display.axes import as_date, floats, is_dates, limits, money_unit, month_axis, value_axis
from cs_analysis.display.figure import Chart, EndLabel, chart, count_marks, note, title
from cs_analysis.display.language import _, ngettext
from cs_analysis.display.style import (
    AMOUNTS,
    DOWN,
    GRID,
    INK,
    MUTED,
    PALETTE,
    PAPER,
    RULE,
    SIGNED,
    TOTAL,
    UP,
    drawable,
    readable,
    short,
    strong,
    text_on,
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
    "note",
    "stacked",
    "title",
    "value_axis",
    "waterfall",
]

MOST_BARS = 15
MOST_LABELLED = 5
_STYLES = ("-", "--", "-.", ":")
_INCREASES = ("#0072b2", "#56b4e9", "#b5dcf2")  # one hue each way, told apart in grey too
_DECREASES = ("#d55e00", "#e69f00", "#f6d79b")


def lines(
    ax: Axes,
    series: Mapping[str, tuple],
    *,
    kind: str = "number",
    currency: str = "JPY",
    step: bool = False,
    reference: float | None = None,
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
        ax.plot(xs, ys, color=colour, label=name, linestyle="-" if few else _STYLES[i % 4], zorder=3, **draw)  # type: ignore[arg-type]
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
        _legend(ax, 4)
    if banded:
        note(ax, _("Bands are 95 % intervals."))
    return ax


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


def heatmap(
    ax: Axes,
    matrix: object,
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    *,
    kind: str = "percent",
    centre: float | None = None,
    counts: Sequence[float] | None = None,
    unfinished: object = None,
    counts_label: str = "",
) -> Axes:
    """A table of cells by colour and figure; a missing cell is hatched: it was not yet reached.

    Parameters
    ----------
    matrix
        Rows × columns of numbers, missing = not yet observed.
    centre
        The value of no change (1.0 for net retention): blue above it, orange below; None for amounts, one hue.
    counts
        One number per row (accounts in the cohort), written at the right.
    unfinished
        Mask of cells that are projected or not yet complete: coloured and hatched.
    """
    values = np.asarray(matrix, dtype=float)
    rows, columns = values.shape
    known = values[np.isfinite(values)]
    norm, ramp = _norm(known, centre)
    # one hatched ground under all cells: it shows where a cell is missing
    ax.add_patch(Rectangle((0, 0), columns, rows, facecolor=PAPER, edgecolor=RULE, hatch="////", linewidth=0, zorder=1))
    ax.pcolormesh(np.ma.masked_invalid(values), cmap=ramp, norm=norm, edgecolors=PAPER, linewidth=0.8, zorder=2)
    width = (ax.figure.get_figwidth() * 72 - 90) / max(columns, 1)  # type: ignore[union-attr]
    height = (ax.figure.get_figheight() * 72 - 95) / max(rows, 1)  # type: ignore[union-attr]
    size = min(8.0, width / 2.3, height * 0.72)
    if size >= 5:
        write = (lambda v: language.number(100 * v)) if kind == "percent" else _cell_writer(kind)
        for r, c in np.argwhere(np.isfinite(values)).tolist():
            colour = text_on(ramp(norm(values[r, c])))
            ax.text(
                c + 0.5, r + 0.5, write(values[r, c]), ha="center", va="center", fontsize=size, color=colour, zorder=4
            )
    else:
        ax.figure.colorbar(
            ScalarMappable(norm, ramp),
            ax=ax,
            shrink=0.6,
            format=FuncFormatter(lambda v, _p: language.percent(v, 0)) if kind == "percent" else None,
        )
    mask = np.zeros_like(values, bool) if unfinished is None else np.asarray(unfinished, bool) & np.isfinite(values)
    for r, c in np.argwhere(mask).tolist():
        ax.add_patch(
            Rectangle(
                (c, r),
                1,
                1,
                fill=False,
                edgecolor=text_on(ramp(norm(values[r, c]))),
                hatch="////",
                linewidth=0,
                alpha=0.35,
                zorder=3,
            )
        )
    _frame_heatmap(ax, rows, columns, row_labels, column_labels)
    if counts is not None and size >= 5:
        for r, n in enumerate(counts):
            ax.annotate(
                language.number(n),
                (columns, r + 0.5),
                (22, 0),
                "data",
                "offset points",
                ha="right",
                va="center",
                fontsize=min(8.0, max(6.0, size)),
                color=MUTED,
                annotation_clip=False,
            )
        ax.annotate(
            drawable(counts_label or _("accounts")),
            (columns, 0),
            (22, 4),
            "data",
            "offset points",
            ha="right",
            va="bottom",
            fontsize=7.5,
            color=MUTED,
            annotation_clip=False,
        )
    said = [] if np.isfinite(values).all() else [_("Hatched: not yet reached.")]
    if mask.any():
        said.append(_("Hatched over colour: projected or not yet complete."))
    if said:
        note(ax, " ".join(said))
    return ax


def _norm(known: np.ndarray, centre: float | None) -> tuple[Normalize, Colormap]:
    if centre is None:
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
        return Normalize(min(low, high - 1e-9), high), AMOUNTS
    reach = float(np.quantile(np.abs(known - centre), 0.98)) if known.size else 0.0
    reach = reach or 0.05
    return TwoSlopeNorm(centre, centre - reach, centre + reach), SIGNED


def _cell_writer(kind: str) -> Callable[[float], str]:
    return lambda v: language.number(v, 1 if kind == "number1" else 0)


def _frame_heatmap(ax: Axes, rows: int, columns: int, row_labels: Sequence[str], column_labels: Sequence[str]) -> None:
    every_row, every_column = max(1, -(-rows // 40)), max(1, -(-columns // 30))
    ax.set_xlim(0, columns)
    ax.set_ylim(rows, 0)
    ax.grid(False)
    ax.set_xticks(np.arange(0, columns, every_column) + 0.5, [short(c, 12) for c in column_labels][::every_column])
    ax.set_yticks(np.arange(0, rows, every_row) + 0.5, [short(r) for r in row_labels][::every_row])
    ax.tick_params(length=0, labelsize=8)
    ax.spines["bottom"].set_visible(False)


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
            note(
                ax,
                ngettext("{n} more is in the table.", "{n} more are in the table.", rest).format(
                    n=language.number(rest)
                ),
            )
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
    every = max(1, -(-len(names) // 16))
    ax.set_xticks(places[::every], names[::every])
    ax.axhline(0, color=RULE, linewidth=0.8)
    ax.tick_params(axis="x", length=0)
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
    every = max(1, -(-len(labels) // 7))
    shown = [p for p in range(len(labels)) if (len(labels) - 1 - p) % every == 0]  # the newest always has its label
    ax.set_xticks(shown, [short(labels[p]) for p in shown])
    ax.tick_params(axis="x", length=0)
    ax.axhline(0, color=RULE, linewidth=0.8, zorder=3)
    _legend(ax, 5)
    return ax


def _legend(ax: Axes, columns: int) -> None:
    ax.legend(loc="upper left", bbox_to_anchor=(0, -0.14), ncols=columns, borderaxespad=0, fontsize=8, handlelength=1.6)


def forest(
    ax: Axes,
    labels: Sequence[str],
    values: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    *,
    kind: str = "percent",
    currency: str = "JPY",
    reference: float | None = None,
    n: Sequence[float] | None = None,
) -> Axes:
    """A dot and its interval per row, the figures written at the right; a row without an interval has an open dot."""
    centre, lows, highs = floats(values), floats(low), floats(high)
    places = np.arange(len(centre))
    write = value_axis(ax, centre, kind, currency=currency, which="x")
    if reference is not None:
        ax.axvline(reference, color=RULE, linewidth=1, zorder=1)
    known = np.isfinite(lows) & np.isfinite(highs)
    ax.hlines(places[known], lows[known], highs[known], color=UP, linewidth=1.8, zorder=2)
    for place, value, sure in zip(range(len(centre)), centre, known, strict=True):
        if np.isfinite(value):
            ax.plot(value, place, "o", markersize=6, color=UP, markerfacecolor=UP if sure else PAPER, zorder=3)
        count = "" if n is None else "   n " + language.number(n[place])
        span = f" ({write(lows[place])}–{write(highs[place])})".replace(" %–", "–") if sure else ""
        ax.annotate(
            write(value) + span + count,
            (1, place),
            (10, 0),
            ax.get_yaxis_transform(),
            "offset points",
            va="center",
            fontsize=8,
            annotation_clip=False,
        )
    ax.set_yticks(places, [short(label) for label in labels])
    ax.tick_params(axis="y", labelcolor=INK)
    ax.set_ylim(len(centre) - 0.4, -0.6)
    ax.hlines(places, *ax.get_xlim(), color=GRID, linewidth=0.8, zorder=0)
    ax.grid(False)
    said = [_("Dot: estimate; line: 95 % interval.")] if known.any() else []
    if (np.isfinite(centre) & ~known).any():
        said.append(_("Open dot: no interval, too few accounts changed."))
    if said:
        note(ax, " ".join(said))
    return ax
