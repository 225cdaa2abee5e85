"""Axes in the reader's language: units of money, numbers, months."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, MaxNLocator

from cs_analysis.display import language
from cs_analysis.display.language import _


def money_unit(values: object, currency: str = "JPY") -> tuple[float, str]:
    """By what to divide amounts so that they read well, and the name of that unit in the reader's language.

    >>> money_unit([63_600_000])
    (1000000.0, '¥ million')
    """
    known = np.abs(floats(values))
    largest = float(np.nanmax(known)) if np.isfinite(known).any() else 0.0
    if currency == "JPY":
        steps = [(1e9, _("¥ billion")), (1e6, _("¥ million")), (1e3, _("¥ thousand")), (1.0, _("¥"))]
        if language.current() == "ja":
            steps = steps[1:]  # 百万円, 千円, 円: no step of ten to the ninth in Japanese
    else:
        names = ((1e9, _("{currency} billion")), (1e6, _("{currency} million")), (1e3, _("{currency} thousand")))
        steps = [(size, name.format(currency=currency)) for size, name in names] + [(1.0, currency)]
    return next(((size, name) for size, name in steps if largest >= 2 * size), steps[-1])


def value_axis(
    ax: Axes, values: object, kind: str = "number", *, currency: str = "JPY", which: str = "y"
) -> Callable[[float], str]:
    """Write the axis in the reader's number format and name its unit; return the format for labels of single values.

    Parameters
    ----------
    kind
        "percent" (fractions), "money", "number", "number1", or "ratio" (two decimals).
    which
        "y" or "x".
    """
    axis: Axis = ax.yaxis if which == "y" else ax.xaxis
    if kind == "percent":
        # a zoomed axis needs its decimals, or neighbouring ticks would read the same
        axis.set_major_formatter(FuncFormatter(lambda v, _position: language.percent(v, _decimals(axis, 100))))
        return lambda v: language.percent(v, 1)
    size, unit = money_unit(values, currency) if kind == "money" else (1.0, "")
    digits = 2 if kind == "ratio" else 1 if kind == "number1" or (kind == "money" and size > 1) else 0

    def tick(v: float, _position: int | None = None) -> str:
        if kind == "ratio":  # on a log axis each tick has its own decimals: 0.05, 0.5, 5
            return language.number(v, next((d for d in (0, 1) if abs(v - round(v, d)) < 1e-9), 2))
        return language.number(v / size, _decimals(axis, 1 / size))

    axis.set_major_formatter(FuncFormatter(tick))
    if unit:
        axis.set_label_text(unit)
    return lambda v: language.number(v / size, digits)


def _decimals(axis: Axis, scale: float) -> int:
    """Decimals that tell the axis's ticks apart once their values are multiplied by ``scale``: 0 to 2."""
    steps = np.diff(axis.get_majorticklocs())
    step = abs(float(steps[0]) * scale) if steps.size else 0.0
    return next((digits for digits in (0, 1) if abs(step * 10**digits - round(step * 10**digits)) < 1e-6), 2)


def month_axis(ax: Axes, months: Sequence[object]) -> Axes:
    """Ticks on firsts of months, at most eight, written in the reader's language."""
    days = [as_date(m) for m in months]
    if not days:
        return ax
    first, last = min(days), max(days)
    span = (last.year - first.year) * 12 + last.month - first.month
    step = next(s for s in (1, 2, 3, 6, 12, 24, 60, 120, 600) if span / s <= 7 or s == 600)
    # counted back from the newest month, which is the one the reader looks for
    indices = [last.year * 12 + last.month - 1 - k for k in range(0, span + 1, step)][::-1]
    places = [date(i // 12, i % 12 + 1, 1) for i in indices]
    ax.set_xticks(mdates.date2num(places), [language.month(p) for p in places])
    return ax


def as_date(value: object) -> date:
    """A day from a date, a time stamp or "YYYY-MM[-DD]"."""
    if isinstance(value, str):
        return date(int(value[:4]), int(value[5:7]), int(value[8:10] or 1))
    if isinstance(value, np.datetime64):
        return value.astype("datetime64[D]").astype(object)
    return value.date() if isinstance(value, datetime) else value  # type: ignore[return-value]


def floats(values: object) -> np.ndarray:
    """Values as floats, None as missing."""
    return np.asarray(list(values) if not hasattr(values, "dtype") else values, dtype=float)  # type: ignore[call-overload]


def is_dates(values: Sequence[object]) -> bool:
    """Whether the values are days rather than numbers."""
    first = next(iter(values), None)
    return isinstance(first, date | np.datetime64)


def limits(ax: Axes, values: Sequence[float], kind: str) -> None:
    """Room around the values; from 0 where that costs little, never above 100 % for shares that cannot be."""
    known = [v for v in values if np.isfinite(v)]
    if not known:
        return
    low, high = min(known), max(known)
    room = (high - low) * 0.06 or abs(high) * 0.05 or 1.0
    at_zero = low >= 0 and (low - room < 0 or low < 0.35 * high)
    top = 1.015 if kind == "percent" and high <= 1 < high + room else high + room
    ax.set_ylim(0 if at_zero else low - room, top)
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
