"""Money as whole numbers: int64 of 1/10,000 of the currency unit.

Sums of floats leave phantom customers (amount / 12 added and taken away again misses 0) and differ between engines.
So wherever amounts are cumulated or compared with 0 they are ticks, made here and turned back at the end.
"""

from __future__ import annotations

from typing import TypeVar

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import ArrayLike

from cs_analysis.errors import N_, InputError

TICKS_PER_UNIT = 10_000

Amounts = TypeVar("Amounts")


def to_ticks(amount: nw.Expr) -> nw.Expr:
    """An expression of amounts as Int64 ticks, rounded half away from 0 alike on every engine.

    Parameters
    ----------
    amount
        A numeric column in the currency's unit. It may hold no missing value on engines without integer nulls
        (pandas): fill or filter first.

    Returns
    -------
    nw.Expr
        Int64, 1/10,000 of the unit.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = nw.from_native(pd.DataFrame({"mrr": [100 / 12, -100 / 12, 0.00005]}))
    >>> frame.select(to_ticks(nw.col("mrr"))).to_native()["mrr"].tolist()
    [83333, -83333, 1]
    """
    scaled = amount.cast(nw.Float64) * TICKS_PER_UNIT
    # engines break ties differently in round(), so the half is added by hand; the sign apart keeps x and −x opposite
    size = (scaled.abs() + 0.5).floor()
    return nw.when(scaled < 0).then(size * -1).otherwise(size).cast(nw.Int64)


def ticks(amounts: ArrayLike) -> np.ndarray:
    """An array of amounts as int64 ticks; the same rounding as :func:`to_ticks`.

    Parameters
    ----------
    amounts
        Numbers in the currency's unit, none missing.

    Returns
    -------
    np.ndarray
        int64, 1/10,000 of the unit.

    Raises
    ------
    InputError
        If an amount is missing, infinite or too large to be held (above 922 trillion units).

    Examples
    --------
    >>> ticks([100 / 12, -100 / 12, 0.00005]).tolist()
    [83333, -83333, 1]
    """
    scaled = np.asarray(amounts, dtype=float) * TICKS_PER_UNIT
    fits = np.abs(scaled) < 2.0**63  # False for nan too
    if not fits.all():
        position = int(np.flatnonzero(~fits)[0])
        raise InputError(
            N_("The amount at position {position} is {value}, not a sum of money; leave it out or correct it."),
            position=position,
            value=float(np.ravel(scaled)[position] / TICKS_PER_UNIT),
        )
    return (np.sign(scaled) * np.floor(np.abs(scaled) + 0.5)).astype(np.int64)


def from_ticks(values: Amounts) -> Amounts:
    """Ticks back as an amount in the currency's unit: a number, array or Series.

    Collect first: Polars divides by way of the reciprocal and would be off in the last digit.

    >>> from_ticks(83333), from_ticks(np.array([10_000, -5_000])).tolist()
    (8.3333, [1.0, -0.5])
    """
    return values / TICKS_PER_UNIT  # type: ignore[operator]
