"""Typed cells as text, and a sheet or a text file as a grid of them, before anyone knows where its header is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd

from cs_analysis.data.reading.formats import Shown

ROW = "__row__"


@dataclass(frozen=True)
class Grid:
    """The cells of a sheet or a text file as texts ("" = empty), column 0 first.

    `rows` are the row numbers that the client sees. `merged` are (first row, first column, last row, last column),
    rows as the client counts them, columns from 0, both ends included. `uncalculated` are the formulas without a saved
    value, by (row, column); they may lie below the cells. `struck_rows` hold cells that are struck through, and `shown`
    are the words that a number format shows around a number. `is_1904` says that bare numbers count days from 1904. Of
    a text file, `lengths` are how many cells each row has, and `delimiter` is what parts them. `header_row` is the row
    number of the header where the kind of file tells it. `is_part` says that rows are missing, so that no total can be
    compared.
    """

    cells: pd.DataFrame
    rows: np.ndarray
    merged: Sequence[tuple[int, int, int, int]] = ()
    uncalculated: Mapping[tuple[int, int], str] = field(default_factory=dict)
    hidden_rows: Sequence[int] = ()
    hidden_columns: Sequence[int] = ()
    struck_rows: Sequence[int] = ()
    shown: Mapping[tuple[int, int], Shown] = field(default_factory=dict)
    is_hidden: bool = False
    is_1904: bool = False
    lengths: Sequence[int] = ()
    delimiter: str = ""
    header_row: int | None = None
    is_part: bool = False


def where(texts: pd.Series, is_so: Callable[[str], bool]) -> np.ndarray:
    """Which of the texts a test holds for; each distinct text is tested once.

    >>> where(pd.Series(["a", "", "a"]), bool).tolist()
    [True, False, True]
    """
    codes, distinct = pd.factorize(texts)
    return np.array([is_so(t) for t in distinct], dtype=bool)[codes] if len(distinct) else np.zeros(len(texts), bool)


def cell_text(value: object) -> str:
    """A typed cell as text, without loss: whole numbers without a point, days and times in ISO form.

    >>> cell_text(120.0), cell_text(0.1), cell_text(datetime(2024, 4, 1)), cell_text(True), cell_text(None)
    ('120', '0.1', '2024-04-01', 'TRUE', '')
    """
    if value is None or value != value:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        seconds = round(value.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return str(value)
