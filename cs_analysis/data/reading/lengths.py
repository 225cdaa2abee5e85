"""Rows of a text file that have more cells than their header: a value holds a delimiter that nobody quoted.

Where the last columns are blank, the surplus is blank too, and only what moved to the right tells: 100,000 became 100
in its own column and 000 in the next.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from cs_analysis.data.reading.cells import Grid
from cs_analysis.data.reading.headers import Finding
from cs_analysis.errors import N_

_AMOUNTS = ("money", "number", "count", "hours", "rate")
_HEAD = re.compile(r"[-−△▲(]?[¥$€£\\]?\d{1,3}")
_GROUP = re.compile(r"\d{3}(\.\d+)?[円)]?")
_DECIMALS = re.compile(r"\d{1,2}")


def check_lengths(
    cells: pd.DataFrame, grid: Grid, body: np.ndarray, header: int, kinds: Sequence[str]
) -> tuple[np.ndarray, list[Finding]]:
    """The rows without those that have too many cells, and what is said about these and about blank surplus cells.

    Parameters
    ----------
    cells, grid
        The cells of the file, and how many each of its rows has.
    body
        The positions of the rows of the table.
    header
        The position of its header.
    kinds
        The types of the columns; "" = not known.
    """
    if not len(grid.lengths) or not len(body):
        return body, []
    count, lengths = grid.lengths[header], np.asarray(grid.lengths)
    longer = [int(i) for i in body if lengths[i] > count]
    filled = [i for i in longer if any(str(t).strip() for t in cells.iloc[i, count:])]
    regular = lengths[body].min()  # a spare delimiter at the end of every row parts no value
    texts = {i: [str(t).strip() for t in cells.iloc[i]] for i in longer if i not in set(filled)}
    torn = {i: found for i, row in texts.items() if (found := _torn(row, kinds, lengths[i] > regular))}
    spare = [i for i in texts if i not in torn and lengths[i] > regular]
    findings = []
    if filled:
        findings.append(
            _finding(
                "error", N_("The row has {value} cells, but the header has {count}: a value holds a “{delimiter}” of "
                            "its own."), grid, filled, [str(lengths[i]) for i in filled], count,
            )
        )  # fmt: skip
    if torn:
        findings.append(
            _finding(
                "error", N_("“{value}” looks like one number, parted by its own “{delimiter}”; the row has more cells "
                            "than the header."), grid, list(torn), list(torn.values()), count,
            )
        )  # fmt: skip
    if spare:
        findings.append(
            _finding(
                "warning", N_("The row has {value} cells, but the header has {count}; the last are blank. A value may "
                              "hold a “{delimiter}” of its own, and what follows it stand one column too far right."),
                grid, spare, [str(lengths[i]) for i in spare], count,
            )
        )  # fmt: skip
    return np.setdiff1d(body, [*filled, *torn]), findings


def _finding(severity: str, problem: str, grid: Grid, rows: list[int], values: list[str], count: int) -> Finding:
    action = N_("Put the value between quotation marks, or write it without the “{delimiter}”.")
    if severity == "warning":
        action = N_("Put such a value between quotation marks; if there is none, delete the “{delimiter}” at the end.")
    numbers = tuple(int(grid.rows[i]) for i in rows)
    return Finding(severity, problem, action, numbers, "", tuple(values), {"count": count, "delimiter": grid.delimiter})


def _torn(row: list[str], kinds: Sequence[str], is_alone: bool) -> str:
    """The number that a delimiter of its own tore apart; "" where there is none.

    Two amounts side by side (10 seats, 500 dollars) are torn only where the row is longer than others (`is_alone`), or
    where the second begins with a 0, as no amount does.
    """
    for j, kind in enumerate(kinds[: len(row) - 1]):
        if kind not in _AMOUNTS:
            continue
        following, after = kinds[j + 1] if j + 1 < len(kinds) else "", row[j + 1]
        group = _DECIMALS if kind == "hours" else _GROUP
        if not _HEAD.fullmatch(row[j]) or not group.fullmatch(after):
            continue
        if is_alone or following not in _AMOUNTS or after.startswith("0"):
            return f"{row[j]},{after}"
    return ""
