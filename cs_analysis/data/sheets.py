"""From a grid of cells to a table: where its header is and which rows are data.

People put titles above a header and split it over two rows; the rows themselves are looked through in :mod:`rows`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from cs_analysis.data.cells import ROW, Grid, where
from cs_analysis.data.headers import Finding, Headers
from cs_analysis.data.rows import TableRows
from cs_analysis.errors import N_, InputError

_SEARCHED = 40  # filled rows among which the header is looked for


def tabulate(
    grid: Grid, place: str, headers: Headers, header_row: int | None = None
) -> tuple[pd.DataFrame, list[Finding]]:
    """The table in a grid: its texts under its headers with `__row__`, and what was found on the way.

    Parameters
    ----------
    grid
        The cells of a sheet or a file.
    place
        The file, and its sheet, for the errors.
    headers
        Which texts are headers.
    header_row
        The row number of the header, where the client file gives it.

    Raises
    ------
    InputError
        When there is nothing in the grid.
    """
    cells = grid.cells.set_axis(range(grid.cells.shape[1]), axis=1)
    none = np.zeros((len(cells), 0), bool)
    written = np.column_stack([none, *(where(cells[c], lambda t: bool(t) and not t.isspace()) for c in cells)])
    for row, column in grid.uncalculated:
        cells.iat[row - 1, column] = ""
        written[row - 1, column] = True
    filled = written.any(axis=1)
    if header_row is not None:
        filled &= grid.rows >= header_row
    if not filled.any():
        raise InputError(N_("{place} is empty; fill it in or remove it."), place=place)
    names, first, last = _header(cells, np.flatnonzero(filled), headers, header_row is not None)
    body = np.flatnonzero(filled)
    body = body[body > last]
    body, too_long = _too_long(grid, written, body, last)
    keep = [i for i, name in enumerate(names) if name or written[body, i].any()]
    labels = distinct([names[i] or f"column {i + 1}" for i in keep])
    frame = cells.iloc[body, keep].set_axis(labels, axis=1)
    frame.insert(0, ROW, grid.rows[body])
    frame = frame.reset_index(drop=True)
    columns = dict(zip(keep, labels, strict=True))
    table = TableRows(frame, grid, headers, columns, written[body][:, keep])
    table.findings += too_long
    table.check_units(cells.iloc[:first], grid.rows[:first])
    table.fill_merged()
    table.set_aside()
    table.check_cells()
    table.tell_hidden()
    return table.frame.reset_index(drop=True), table.findings


def _too_long(grid: Grid, written: np.ndarray, body: np.ndarray, header: int) -> tuple[np.ndarray, list[Finding]]:
    """The rows without those of a text file that have more cells than its header, and what is said about these."""
    if not len(grid.lengths):
        return body, []
    count = grid.lengths[header]
    rows = [i for i in body if written[i, count:].any()]
    if not rows:
        return body, []
    problem = N_("The row has {value} cells, but the header has {count}: a value holds a “{delimiter}” of its own.")
    action = N_("Put the value between quotation marks, or write it without the “{delimiter}”.")
    lengths = tuple(str(grid.lengths[i]) for i in rows)
    numbers = tuple(int(grid.rows[i]) for i in rows)
    fields = {"count": count, "delimiter": grid.delimiter}
    return np.setdiff1d(body, rows), [Finding("error", problem, action, numbers, "", lengths, fields)]


def _header(cells: pd.DataFrame, filled: np.ndarray, headers: Headers, is_given: bool) -> tuple[list[str], int, int]:
    """The headers, and the positions of the first and the last row that they take up."""
    searched = filled[:1] if is_given else filled[:_SEARCHED]
    counts = [headers.count(cells.iloc[i]) for i in searched]
    best = int(np.argmax(counts)) if max(counts) > 1 else 0
    at = int(searched[best])
    names, count = _clean_names(cells.iloc[at]), counts[best]
    if not is_given:
        for top, low in ((at - 1, at), (at, at + 1)):
            both = _two_rows(cells, top, low, headers) if top >= 0 and low < len(cells) else None
            if both is not None and headers.count(both) > count:
                return both, top, low
    return names, at, at


def _clean_names(row: Iterable[object]) -> list[str]:
    return [re.sub(r"\s*[\r\n]+\s*", "", str(h).strip().strip("\ufeff\u200b")) for h in row]


def _two_rows(cells: pd.DataFrame, top: int, low: int, headers: Headers) -> list[str] | None:
    """Two rows as one header, the lower name where there is one; None when the lower one cannot be part of a header."""
    above, below = _clean_names(cells.iloc[top]), _clean_names(cells.iloc[low])
    if any(a and b and headers.known(a) and not headers.known(b) for a, b in zip(above, below, strict=True)):
        return None
    if not any(headers.known(b) for b in below):
        return None
    return [b or a for a, b in zip(above, below, strict=True)]


def distinct(names: list[str]) -> list[str]:
    """Headers made distinct: the second "memo" becomes "memo (2)"."""
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return out
