"""From a grid of cells to a table: where its header is and which rows are data.

People put titles above a header and split it over two rows; what stands around the table is looked at in :mod:`units`,
its rows in :mod:`aside` and :mod:`rows`, and the lengths of those of a text file in :mod:`lengths`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from cs_analysis.data.reading.aside import is_total_row, set_aside, set_notes_aside
from cs_analysis.data.reading.cells import ROW, Grid, where
from cs_analysis.data.reading.headers import Finding, Headers
from cs_analysis.data.reading.lengths import check_lengths
from cs_analysis.data.reading.rows import TableRows
from cs_analysis.data.reading.units import check_units
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
    below = sorted({row for row, _column in grid.uncalculated if row > len(cells)})
    for row, column in (place for place in grid.uncalculated if place[0] <= len(cells)):
        cells.iat[row - 1, column] = ""
        written[row - 1, column] = True
    filled = written.any(axis=1)
    header_row = grid.header_row or header_row
    if header_row is not None:
        filled &= grid.rows >= header_row
    if not filled.any():
        raise InputError(N_("{place} is empty; fill it in or remove it."), place=place)
    names, first, last = _header(cells, np.flatnonzero(filled), headers, header_row is not None)
    body = np.flatnonzero(filled)
    body = body[body > last]
    body, too_long = check_lengths(cells, grid, body, last, [headers.kind(name) for name in names])
    keep = [i for i, name in enumerate(names) if name or written[body, i].any()]
    labels = distinct([names[i] or f"column {i + 1}" for i in keep])
    frame = cells.iloc[body, keep].set_axis(labels, axis=1)
    frame.insert(0, ROW, grid.rows[body])
    frame = frame.reset_index(drop=True)
    columns = dict(zip(keep, labels, strict=True))
    table = TableRows(frame, grid, headers, columns, written[body][:, keep])
    table.findings += too_long
    if header_row is None:
        _check_above(table, cells, np.flatnonzero(filled), first)
    if below:
        table.add(
            "warning", N_("Formulas without a saved result stand below the table: {count} rows; they are not read."),
            N_("If they hold data, open the workbook in Excel and save it."), rows=below[:1], count=len(below),
        )  # fmt: skip
    check_units(table, cells.iloc[:first], grid.rows[:first], int(grid.rows[last]))
    table.show_units()
    set_notes_aside(table)
    table.fill_merged(lambda i: is_total_row(table, i))
    set_aside(table)
    table.check_cells()
    table.tell_hidden()
    return table.frame.reset_index(drop=True), table.findings


def _check_above(table: TableRows, cells: pd.DataFrame, filled: np.ndarray, header: int) -> None:
    """Another table above the header, of which nothing would be read: a header of its own, and rows below it."""
    above = [i for i in filled if i < header]
    for begin in above:
        names = _clean_names(cells.iloc[begin])
        if table.headers.count(names) < 2:
            continue
        rows = [i for i in above if i > begin and _is_data(cells.iloc[i], names, table.headers)]
        if rows:
            numbers = table.grid.rows
            table.add(
                "error", N_("Rows {first} to {last} stand above the header of the table and are not read."),
                N_("Put every table into a sheet of its own, or all rows below one header."),
                rows=[int(numbers[begin])], first=int(numbers[rows[0]]), last=int(numbers[rows[-1]]),
            )  # fmt: skip
            return


def _is_data(row: pd.Series, names: list[str], headers: Headers) -> bool:
    """Whether a row has values under two of the headers known."""
    known = [bool(headers.known(name)) for name in names]
    return sum(k and bool(str(text).strip()) for k, text in zip(known, row, strict=True)) > 1


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
