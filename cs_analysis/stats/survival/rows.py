"""What goes into the survival statistics: rows checked, set on the ranks of their distinct times, equal rows joined.

A row is a stretch of a life: at risk from ``entry`` (excluded) to ``time`` (included), with or without the event at
its end. Several rows may be one life. Past this file times are ranks, so everything after is counting; lifelines'
own door accepts negative, text and timedelta durations and is not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from numbers import Real

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cs_analysis.errors import N_, InputError

SAME = 1e-11  # times whose relative distance is below this are one: calendar arithmetic leaves rounding behind
NOT_A_NUMBER = N_("{what}: row {row} is {value!r}; it must be a number of 0 or more.")
SPANS = N_("{what} holds dates or time spans (row {row} is {value!r}); give plain numbers, for example days.")


@dataclass(frozen=True)
class Rows:
    """Checked rows on the ranks of their times.

    ``times``: the distinct ends, ascending. ``first``, ``last``: row i is at risk at times[first[i]] … times[last[i]],
    both included, and ends at times[last[i]]. ``observed``: whether it ends with the event. ``weight``: how many equal
    rows it stands for. ``kept``: positions of these rows in what was given (rows that count for nothing are gone).
    ``entry``, ``end``: the checked numbers themselves.
    """

    times: np.ndarray
    first: np.ndarray
    last: np.ndarray
    observed: np.ndarray
    weight: np.ndarray
    kept: np.ndarray
    entry: np.ndarray
    end: np.ndarray

    def take(self, positions: np.ndarray | slice) -> Rows:
        """Some of the rows, on the same ranks."""
        parts = (self.first, self.last, self.observed, self.weight, self.kept, self.entry, self.end)
        return Rows(self.times, *(part[positions] for part in parts))


def rows(
    durations: ArrayLike,
    observed: ArrayLike,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> Rows:
    """Check the arguments that all survival statistics share, and rank the times.

    A row is at risk at t when entry < t ≤ duration; one that enters at 0 is there from the very start, so an event
    at time 0 counts, as in R. Rows of weight 0 are left out.

    Parameters
    ----------
    durations
        Ends of the rows, numbers ≥ 0 of any unit.
    observed
        1 or True: the event was seen at the end; 0 or False: it was not.
    entry
        Starts of the rows in the same unit; None = 0 for all.
    weights
        How many equal rows each stands for (need not be whole); None = 1 for all.

    Raises
    ------
    InputError
        If a number is negative, missing, infinite or no number; an event code is not 0 or 1; a row does not enter
        before it ends; the lengths differ.

    Examples
    --------
    >>> found = rows([5, 3, 5], [1, 0, 1], entry=[0, 0, 3])
    >>> found.times.tolist(), found.first.tolist(), found.last.tolist()
    ([3.0, 5.0], [0, 0, 1], [1, 0, 1])
    """
    end = numbers(durations, "durations")
    seen = events(observed, len(end))
    start = np.zeros(len(end)) if entry is None else numbers(entry, "entry", len(end))
    weight = np.ones(len(end)) if weights is None else numbers(weights, "weights", len(end))
    wrong = (start >= end) & (start > 0)
    if wrong.any():
        at = int(wrong.argmax())
        raise InputError(
            N_("entry: row {row} enters at {entry} and ends at {end}; a row must enter before it ends."),
            row=at + 1,
            entry=float(start[at]),
            end=float(end[at]),
        )
    kept = np.arange(len(end)) if weight.all() else np.flatnonzero(weight)
    if len(kept) < len(end):
        start, end, seen, weight = start[kept], end[kept], seen[kept], weight[kept]
    times, last = _ranked(end)
    found = Rows(times, _first(start, times, late=entry is not None), last, seen, weight, kept, start, end)
    there = found.first <= found.last  # only rounding can end a row at the rank where it enters
    return found if there.all() else found.take(np.flatnonzero(there))


def numbers(values: ArrayLike, what: str, length: int | None = None) -> np.ndarray:
    """Numbers ≥ 0 as floats; ``what`` names the argument in the sentence that refuses anything else.

    >>> numbers([1, 2.5], "durations").tolist()
    [1.0, 2.5]
    >>> numbers([1, "x"], "durations")
    Traceback (most recent call last):
        ...
    cs_analysis.errors.InputError: durations: row 2 is 'x'; it must be a number of 0 or more.
    """
    array = _one_column(values, what, length)
    if array.dtype.kind in "iuf":
        result = array.astype(float, copy=False)
    elif not len(array):
        return np.empty(0)
    else:
        result = np.array([_number(value, row, what) for row, value in enumerate(array.tolist(), 1)])
    wrong = ~(np.isfinite(result) & (result >= 0))
    if wrong.any():
        at = int(wrong.argmax())
        raise InputError(NOT_A_NUMBER, what=what, row=at + 1, value=float(result[at]))
    return result


def events(observed: ArrayLike, length: int) -> np.ndarray:
    """Event codes (0, 1, False, True) as booleans.

    >>> events([1, 0, True], 3).tolist()
    [True, False, True]
    """
    array = _one_column(observed, "observed", length)
    if array.dtype.kind == "b" or not len(array):
        return array.astype(bool)
    known = np.isin(array, (0, 1)) if array.dtype.kind in "iuf" else np.array([_is_code(value) for value in array])
    if not known.all():
        at = int((~known).argmax())
        raise InputError(
            N_("observed: row {row} is {value!r}; only 1 (the event was seen) and 0 (it was not) are known."),
            row=at + 1,
            value=array[at : at + 1].tolist()[0],
        )
    return array.astype(bool)


def labels(values: ArrayLike | None, length: int, what: str = "groups") -> tuple[np.ndarray, list]:
    """Groups (strata, causes …) as whole numbers, and their names in order; None is one group called "".

    Names are sorted, categories keep their order; only those with rows count.

    >>> codes, names = labels(["b", "a", "b"], 3)
    >>> codes.tolist(), names
    ([1, 0, 1], ['a', 'b'])
    """
    if values is None:
        return np.zeros(length, dtype=np.int64), [""] if length else []
    column = values if isinstance(values, pd.Series) else pd.Series(_one_column(values, what, length))
    _check_length(len(column), what, length)
    codes, names = pd.factorize(column)
    if len(codes) and codes.min() < 0:
        raise InputError(
            N_("{what}: row {row} is blank; give it a name of its own or leave the row out."),
            what=what,
            row=int(codes.argmin()) + 1,
        )
    names = names.tolist()
    known = column.cat.categories.tolist() if isinstance(column.dtype, pd.CategoricalDtype) else names
    order = sorted(range(len(names)), key=lambda i: known.index(names[i])) if known is not names else _sorted(names)
    place = np.empty(len(names), dtype=np.int64)
    place[order] = np.arange(len(names))
    return place[codes] if len(names) else codes.astype(np.int64), [names[i] for i in order]


def collapse(*codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which rows are equal in all of the given columns of whole numbers ≥ 0.

    Returns
    -------
    tuple
        Positions of one row of each kind (kinds in ascending order of the codes), and each row's kind.

    Examples
    --------
    >>> one, kind = collapse(np.array([3, 1, 3]), np.array([0, 0, 0]))
    >>> one.tolist(), kind.tolist()
    ([1, 0], [1, 0, 1])
    """
    kind, size = np.asarray(codes[0], dtype=np.int64), _size(codes[0])
    for column in codes[1:]:
        if size * _size(column) > 2**62:  # the number composed would no longer fit: renumber what there is
            kind, known = pd.factorize(kind, sort=True)
            size = len(known)
        kind, size = kind * _size(column) + column, size * _size(column)
    kind, known = pd.factorize(kind, sort=True)
    one = np.empty(len(known), dtype=np.int64)
    one[kind[::-1]] = np.arange(len(kind))[::-1]  # the last to be written is the first in the data
    return one, kind


def _size(column: np.ndarray) -> int:
    return int(column.max()) + 1 if len(column) else 1


def _ranked(end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct times, ascending, and the rank of each end."""
    last, times = pd.factorize(end, sort=True)
    times = np.asarray(times, dtype=float)
    new = np.diff(times, prepend=-np.inf) > SAME * times
    if new.all():
        return times, last
    return times[new], (np.cumsum(new) - 1)[last]


def _first(start: np.ndarray, times: np.ndarray, *, late: bool) -> np.ndarray:
    """The first rank at which a row is at risk: that of the first time after its entry, or 0 from the very start."""
    if not late or not start.any():
        return np.zeros(len(start), dtype=np.int64)
    code, known = pd.factorize(start)
    known = np.asarray(known, dtype=float)
    return np.where(known == 0, 0, np.searchsorted(times, known * (1 + SAME), side="right"))[code]


def _one_column(values: ArrayLike, what: str, length: int | None) -> np.ndarray:
    if isinstance(values, (pd.Series, pd.Index, pd.api.extensions.ExtensionArray)):
        numeric = pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)
        extension = not isinstance(values.dtype, np.dtype)
        array = values.to_numpy(dtype=float, na_value=np.nan) if numeric and extension else np.asarray(values)
    else:
        array = np.asarray(values)
        if array.dtype.kind in "US":  # a list of numbers and words has become all words
            array = np.asarray(values, dtype=object)
    if array.ndim != 1:
        raise InputError(
            N_("{what} must be one column of values; it has {n} dimensions."), what=what, n=int(array.ndim)
        )
    _check_length(len(array), what, length)
    if array.dtype.kind in "mM":
        raise InputError(SPANS, what=what, row=1, value=str(array[0]) if len(array) else "")
    return array


def _check_length(n: int, what: str, length: int | None) -> None:
    if length is not None and n != length:
        raise InputError(
            N_("{what} has {n} rows and durations has {length}; they must be equally long."),
            what=what,
            n=n,
            length=length,
        )


def _number(value: object, row: int, what: str) -> float:
    if isinstance(value, (timedelta, date, np.timedelta64, np.datetime64)):
        raise InputError(SPANS, what=what, row=row, value=str(value))
    if isinstance(value, bool) or not isinstance(value, (Real, Decimal)):
        raise InputError(NOT_A_NUMBER, what=what, row=row, value=None if value is pd.NA else value)
    return float(value)


def _is_code(value: object) -> bool:
    return isinstance(value, (Real, np.bool_)) and value in (0, 1)


def _sorted(names: Sequence) -> list[int]:
    try:
        return sorted(range(len(names)), key=lambda i: names[i])
    except TypeError:  # numbers and words mixed
        return sorted(range(len(names)), key=lambda i: str(names[i]))
