"""Dates that need a word about their file: the order of day and month, and times of another zone."""

from __future__ import annotations

import pandas as pd

from cs_analysis.data.faults import Fault
from cs_analysis.data.mapping.columns import Columns
from cs_analysis.data.parse_dates import days_off, in_order
from cs_analysis.data.problems import ERROR, WARNING, Problems
from cs_analysis.data.reading.read import ROW, Source
from cs_analysis.data.schema import Table, find_column
from cs_analysis.errors import N_

_IN_JAPAN = 9  # hours ahead of UTC, all year
WRONG_ORDER = Fault(
    N_("“{value}” is not in the order {order}, which date_order gives for all dates of the table."),
    N_("Write it year first, for example 2024-04-01, or correct date_order in the mapping."),
)


def in_given_order(frame: pd.DataFrame, order: str, columns: Columns, problems: Problems) -> pd.DataFrame:
    """The frame with its dates of three numbers year first; those that contradict the order are errors, and blank.

    `order` is the `date_order` of the mapping: mdy (4/1/2025 is 1 April) or dmy (it is 4 January).
    """
    changed = {}
    for name in dates_of(frame, columns.table):
        texts = frame[name]
        read = {t: in_order(t, order) for t in texts.unique()}
        wrong = texts.map({t: found is None for t, found in read.items()}).astype(bool)
        if wrong.any():
            problems.add(
                ERROR, columns.source, WRONG_ORDER.problem, WRONG_ORDER.action, rows=frame.loc[wrong, ROW],
                column=columns.theirs(name), values=texts[wrong], order=order,
            )  # fmt: skip
        changed[name] = texts.map({t: found or "" for t, found in read.items()}).astype(object)
    return frame.assign(**changed)


def dates_of(frame: pd.DataFrame, table: Table) -> list[str]:
    """The columns of a table that hold days or months."""
    columns = {c: find_column(table, c) for c in frame.columns if c != ROW}
    return [c for c, ours in columns.items() if ours is not None and ours.type in ("date", "month")]


def check_zones(frame: pd.DataFrame, table: Table, source: Source, currency: str, problems: Problems) -> None:
    """Times written in another zone are cut to the day written there; in Japan that may be another day.

    Where a client lives is known of clients in yen only, so that nobody else is told.
    """
    if currency != "JPY":
        return
    for name in dates_of(frame, table):
        texts = frame[name]
        off = texts.map({t: bool(days_off(t, _IN_JAPAN)) for t in texts.unique()}).astype(bool)
        if off.any():
            problems.add(
                WARNING, source,
                N_("Times of another zone that fall on another day in Japan: {count}, for example {example}."),
                N_("Export them in Japan's time, or as days without a time."),
                effect=N_("The day that is written is taken, which is one day off."),
                column=name, count=int(off.sum()), example=texts[off].iloc[0].strip(),
            )  # fmt: skip
